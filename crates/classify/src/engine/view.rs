//! Which detectors run: the tables for a selection of them.

use aho_corasick::AhoCorasick;

use crate::engine::Selection;
use crate::engine::clause::union;
use crate::engine::compile::{CompiledUse, Matcher, Shared};
use crate::engine::family::Family;
use crate::engine::finders::Finders;
use crate::engine::finding::Overlap;
use crate::engine::group::Needs;
use crate::engine::idle::Idle;
use crate::engine::index::{Gate, Index, Member};
use crate::engine::marks;
use crate::engine::words::SPAN;

/// Bytes of a character, at most.
pub(crate) const WIDEST: usize = 4;
/// Bytes that the walk and the checks of boundaries look at beyond a place.
const MARGIN: usize = 512;

/// Farthest proximity for which keywords are counted while the text comes by.
const FAR: usize = 400;
/// Bytes of a match before the word that the walk names, at most.
pub(crate) const LEAD: usize = 8;

/// What is active of an element.
#[derive(Debug, Default)]
pub(crate) struct Active {
    /// Places in [`Shared::uses`].
    pub(crate) uses: Vec<usize>,
    /// Whether its keywords are counted while the text comes by.
    pub(crate) followed: bool,
    /// Keyword lists of which one must stand nearby for any use.
    pub(crate) gate: Option<Gate>,
    /// The farthest proximity of any use, in characters.
    pub(crate) characters: usize,
    /// Whether occurrences in the whole document are counted.
    pub(crate) counted: bool,
    /// Its bit where it is of the [`View::family`].
    pub(crate) family: u64,
}

/// The tables for a selection.
#[derive(Debug)]
pub(crate) struct View {
    /// By element.
    pub(crate) active: Vec<Active>,
    pub(crate) index: Index,
    /// By keyword list: the elements that need one of its terms nearby, of those whose keywords are counted while the text
    /// comes by.
    pub(crate) users: Vec<Box<[u16]>>,
    /// The farthest proximity of those, in characters.
    pub(crate) nearby: usize,
    /// Elements that may begin at any capitalised word.
    pub(crate) family: Family,
    pub(crate) finders: Finders,
    /// Whether lists are searched in the whole text, since some are primaries or counted.
    pub(crate) terms: bool,
    /// Finds [`Index::words`], and the longest of them.
    pub(crate) words: Option<(AhoCorasick, usize)>,
    /// Whether names are.
    pub(crate) names: bool,
    /// Places in [`Shared::affinities`].
    pub(crate) affinities: Vec<usize>,
    /// Whether some evidence may stand anywhere, so that nothing is told before the end.
    pub(crate) waits: bool,
    /// Whether what is nearly found is told too.
    pub(crate) explain: bool,
    pub(crate) selection: Selection,
    pub(crate) min_confidence: u8,
    pub(crate) overlap: Overlap,
    /// Bytes before a place that deciding about it can look at.
    pub(crate) behind: usize,
    /// Bytes after a place that deciding about it can look at.
    pub(crate) ahead: usize,
    pub(crate) idle: Idle,
}

impl View {
    /// `explain` has every candidate judged, also where no keyword stands nearby.
    pub(crate) fn new(shared: &Shared, selection: &Selection, explain: bool) -> View {
        let mut active: Vec<Active> = Vec::new();
        active.resize_with(shared.elements.len(), Active::default);
        for (place, candidate) in shared.uses.iter().enumerate() {
            let known =
                candidate.patterns.iter().any(|pattern| pattern.confidence >= selection.min_confidence);
            if known && is_selected(shared, candidate, selection) {
                activate(shared, &mut active, place, candidate);
            }
        }
        let affinities = activate_affinities(shared, &mut active, selection);
        for element in &mut active {
            let gates = element.uses.iter().map(|place| {
                let one = shared.uses.get(*place)?;
                // Evidence anywhere in the document can come later: nothing is known nearby.
                one.proximity.and_then(|_| one.gate(selection.min_confidence))
            });
            element.gate = if element.counted || explain { None } else { union(gates) };
        }
        let family = Family::new(shared, &mut active);
        let (users, nearby) = follow(shared, &mut active);
        let index = Index::new(members(shared, &active));
        let finders = Finders::new(index.literals.iter().map(|literal| literal.bytes.as_slice()));
        let words = words_of(&index);
        let used = |element: usize| {
            active.get(element).is_some_and(|element| element.counted || !element.uses.is_empty())
        };
        let is_name = |element: usize| shared.elements.get(element).is_some_and(|element| element.name);
        let names = shared.lists.iter().any(|list| used(*list) && is_name(*list));
        let terms = shared.lists.iter().any(|list| used(*list) && !is_name(*list));
        let (behind, ahead) = reach(shared, &active, &index);
        View {
            index,
            users,
            nearby,
            family,
            finders,
            terms,
            words,
            names,
            explain,
            selection: selection.clone(),
            affinities,
            waits: active
                .iter()
                .flat_map(|active| &active.uses)
                .any(|place| shared.uses.get(*place).is_some_and(|used| used.proximity.is_none())),
            active,
            min_confidence: selection.min_confidence,
            overlap: selection.overlap,
            behind,
            ahead,
            idle: Idle::default(),
        }
    }
}

/// The elements by the keyword lists of which they need one, and the farthest proximity.
fn follow(shared: &Shared, active: &mut [Active]) -> (Vec<Box<[u16]>>, usize) {
    let mut users: Vec<Vec<u16>> = vec![Vec::new(); shared.lists.len()];
    let mut nearby = 0;
    for ((number, active), element) in (0_u16..).zip(active).zip(&shared.elements) {
        let Matcher::Expression(expression) = &element.matcher else { continue };
        let Some(gate) = active.gate.as_ref().filter(|_| active.characters <= FAR) else { continue };
        if expression.longest + LEAD > SPAN {
            continue;
        }
        active.followed = true;
        nearby = nearby.max(active.characters);
        for list in gate.lists() {
            users.get_mut(usize::from(list)).into_iter().for_each(|users| users.push(number));
        }
    }
    (users.into_iter().map(Vec::into_boxed_slice).collect(), nearby)
}

/// The automaton of words that are searched in either case.
fn words_of(index: &Index) -> Option<(AhoCorasick, usize)> {
    let longest = index.words.iter().map(|word| word.bytes.len()).max()?;
    let words = index.words.iter().map(|word| &word.bytes);
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?;
    Some((automaton, longest))
}

fn is_selected(shared: &Shared, candidate: &CompiledUse, selection: &Selection) -> bool {
    let Some(detector) = shared.rules.detectors.get(candidate.detector) else { return false };
    selection.detectors.is_empty()
        || selection.detectors.iter().any(|id| {
            detector.id.eq_ignore_ascii_case(id)
                || detector.guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(id))
        })
}

fn activate(shared: &Shared, active: &mut [Active], place: usize, candidate: &CompiledUse) {
    if let Some(element) = active.get_mut(candidate.element) {
        element.uses.push(place);
        element.characters = element.characters.max(candidate.proximity.unwrap_or(0));
    }
    if candidate.proximity.is_some() || shared.elements.is_empty() {
        return;
    }
    let mut elements = Vec::new();
    for pattern in &candidate.patterns {
        pattern.clauses.iter().for_each(|clause| clause.elements(&mut elements));
    }
    for element in elements {
        if let Some(element) = active.get_mut(element.index()) {
            element.counted = true;
        }
    }
}

/// The affinities that are selected; what they need is counted.
fn activate_affinities(shared: &Shared, active: &mut [Active], selection: &Selection) -> Vec<usize> {
    let mut selected = Vec::new();
    for (place, compiled) in shared.affinities.iter().enumerate() {
        let Some(affinity) = shared.rules.affinities.get(compiled.place) else { continue };
        let named = |id: &String| affinity.id.eq_ignore_ascii_case(id);
        if !selection.detectors.is_empty() && !selection.detectors.iter().any(named) {
            continue;
        }
        for element in compiled.elements() {
            if let Some(element) = active.get_mut(element.index()) {
                element.counted = true;
            }
        }
        selected.push(place);
    }
    selected
}

fn members<'a>(shared: &'a Shared, active: &'a [Active]) -> impl Iterator<Item = Member<'a>> {
    shared.elements.iter().zip(active).enumerate().filter_map(|(place, (element, active))| {
        let unused = active.uses.is_empty() && !active.counted;
        if unused || !matches!(element.matcher, Matcher::Expression(_)) {
            return None;
        }
        Some(Member {
            element: u16::try_from(place).ok()?,
            anchor: element.anchor.as_ref()?,
            needs: match active.gate {
                None => Needs::Nothing,
                Some(_) if active.followed => Needs::Followed,
                Some(_) => Needs::Keyword,
            },
            subword: element.subword,
        })
    })
}

/// How far before and after a place a decision can look.
fn reach(shared: &Shared, active: &[Active], index: &Index) -> (usize, usize) {
    let keywords = shared.keywords.longest.max(shared.names.longest).max(shared.terms.longest);
    let mut longest = keywords;
    let mut proximity = 0;
    let mut checks = 0;
    for (element, active) in shared.elements.iter().zip(active) {
        if active.uses.is_empty() && !active.counted {
            continue;
        }
        if let Matcher::Expression(expression) = &element.matcher {
            longest = longest.max(expression.longest);
        }
        proximity = proximity.max(active.characters);
        checks = checks.max(element.checks.reach());
    }
    let window = WIDEST * proximity + checks + MARGIN;
    // A term that begins in the window may end beyond it, and has to be there as a whole to be told.
    (index.before + window.max(marks::LONGEST), longest + window + keywords + 256)
}
