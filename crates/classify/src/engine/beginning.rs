//! With which words an expression's matches may begin, and what may stand around those.

use rustc_hash::FxHashMap;

use crate::engine::anchor::{Gram, LONG, Lead, SHAPED, Shape, word};
use crate::engine::byte_set::ByteSet;
use crate::engine::program::{HORIZON, Program, States};
use crate::engine::seen::{AROUND_GRAMS, AROUND_WORDS, Collector, Profile, Profiles, SEEN, Spot};

/// Most bytes that are neither letters nor digits before the first that is.
const MOST_BEFORE: u8 = 8;
/// Most sequences of four bytes that stand for one expression.
const MOST_GRAMS: usize = 640;
/// Most shapes of a first word.
const MOST_SHAPES: usize = 600;

/// The first words of an expression's matches.
pub(crate) struct Beginning<'a> {
    program: &'a Program,
    /// Where the automaton may be after 0, 1, ... bytes that are neither letters nor digits; `None` when there may be
    /// more than [`MOST_BEFORE`] or a match without any letter or digit.
    starts: Option<Vec<States>>,
}

/// Where the first word begins.
struct Start<'a> {
    before: u8,
    prior: ByteSet,
    states: &'a States,
}

/// The automaton inside of a first word: where it may be before each of its bytes.
struct Path(Vec<States>);

impl<'a> Beginning<'a> {
    pub(crate) fn new(program: &'a Program) -> Beginning<'a> {
        Beginning { program, starts: prefixes(program) }
    }

    fn starts(&self) -> impl Iterator<Item = Start<'_>> {
        let mut prior = ByteSet::ALL;
        let starts = self.starts.as_deref().unwrap_or_default();
        starts.iter().enumerate().map(move |(before, states)| {
            let start = Start { before: u8::try_from(before).unwrap_or(u8::MAX), prior, states };
            prior = self.program.bytes(states).intersection(word().complement());
            start
        })
    }

    /// Whether the match cannot begin with a letter or digit.
    pub(crate) fn never_first(&self) -> bool {
        let word = word();
        self.starts().next().is_some_and(|start| self.program.step(start.states, word).is_empty())
    }

    /// The first four bytes of the first word and what follows it; `None` when there are too many.
    pub(crate) fn grams(&self) -> Option<(Vec<Gram>, Profiles)> {
        self.starts.as_ref()?;
        let mut all = Vec::new();
        let mut collector = Collector::default();
        for start in self.starts() {
            let mut layer: Vec<(u32, States)> = vec![(0, start.states.clone())];
            for place in 0..3 {
                layer = self.extend(&layer, place)?;
            }
            for (prefix, states) in &layer {
                self.fourth(&start, (*prefix, states), &mut collector, &mut all);
            }
            if all.len() > MOST_GRAMS {
                return None;
            }
        }
        all.sort_unstable_by_key(|gram| (gram.bytes, gram.before, gram.profile));
        all.dedup();
        (!all.is_empty()).then(|| (all, collector.profiles()))
    }

    /// Every fourth byte after these three, with what may follow it.
    fn fourth(
        &self,
        start: &Start<'_>,
        (prefix, states): (u32, &States),
        collector: &mut Collector,
        all: &mut Vec<Gram>,
    ) {
        // Where the match has ended, anything may follow.
        let ended = self.program.matches(states);
        let bytes = if ended { ByteSet::ALL } else { self.program.bytes(states) };
        let mut known: FxHashMap<States, u32> = FxHashMap::default();
        for byte in bytes.folded().bytes() {
            let after = if ended { states.clone() } else { self.program.step(states, unfolded(byte)) };
            let profile = *known.entry(after).or_insert_with_key(|after| {
                let mut profile = [ByteSet::ALL; SEEN];
                put(&mut profile, &AROUND_GRAMS, Spot::Start(-1), start.prior);
                self.trail(after, (4..15).map(Spot::Start), (&mut profile, &AROUND_GRAMS));
                collector.number(&profile)
            });
            let bytes = prefix | u32::from(byte) << 24;
            all.push(Gram { bytes, before: start.before, profile });
        }
    }

    /// What may stand at these spots, one byte after another; anything from where the match may have ended.
    fn trail(
        &self,
        states: &States,
        at: impl Iterator<Item = Spot>,
        (profile, spots): (&mut Profile, &[Spot; SEEN]),
    ) {
        let mut states = states.clone();
        for spot in at {
            if self.program.matches(&states) {
                return;
            }
            let bytes = self.program.bytes(&states);
            put(profile, spots, spot, bytes);
            states = self.program.step(&states, bytes);
        }
    }

    /// Every way on from these prefixes by one byte; `None` when there are too many.
    fn extend(&self, layer: &[(u32, States)], place: u32) -> Option<Vec<(u32, States)>> {
        let mut following = Vec::new();
        for (prefix, states) in layer {
            let mut bytes = self.program.bytes(states);
            if place == 0 {
                bytes = bytes.intersection(word());
            } else if self.program.matches(states) {
                return None;
            }
            // Two digits first are more common than what any expression means by them.
            let digits = |set: ByteSet| !set.intersection(ByteSet::DIGITS).is_empty();
            if place == 1 && (*prefix as u8).is_ascii_digit() && digits(bytes) {
                return None;
            }
            if following.len() + bytes.folded().len() > MOST_GRAMS {
                return None;
            }
            let mut next: Option<States> = None;
            for byte in bytes.folded().bytes() {
                // From a single state, every byte leads to the same place.
                let states = match next.clone().filter(|_| states.is_single()) {
                    Some(next) => next,
                    None => self.program.step(states, unfolded(byte)),
                };
                next = Some(states.clone());
                following.push((prefix | u32::from(byte) << (8 * place), states));
            }
        }
        Some(following)
    }

    /// The shapes of the first word; `None` when there are too many.
    pub(crate) fn leads(&self) -> Option<(Vec<Lead>, Profiles)> {
        self.starts.as_ref()?;
        let mut leads = Vec::new();
        let mut collector = Collector::default();
        for start in self.starts() {
            self.lead_from(&start, &mut leads, &mut collector)?;
        }
        (!leads.is_empty() && leads.len() <= MOST_SHAPES).then(|| (leads, collector.profiles()))
    }

    /// First words with the places of their digits, and from where those become too many on, with their length alone.
    fn lead_from(&self, start: &Start<'_>, leads: &mut Vec<Lead>, collector: &mut Collector) -> Option<()> {
        let mut layer: FxHashMap<u32, States> = FxHashMap::default();
        layer.insert(0, start.states.clone());
        let mut path = Path(Vec::new());
        for length in 1..=SHAPED {
            path.push(&layer);
            let mut following: FxHashMap<u32, States> = FxHashMap::default();
            for (digits, states) in &layer {
                for (bit, bytes) in [(0, ByteSet::LETTERS), (1, ByteSet::DIGITS)] {
                    let next = self.program.step(states, bytes);
                    if !next.is_empty() {
                        following.entry(digits | bit << (length - 1)).or_default().merge(&next);
                    }
                }
            }
            if following.len() + leads.len() > MOST_SHAPES {
                path.0.pop();
                return self.lengths(start, (length, layer, path), leads, collector);
            }
            for (digits, states) in &following {
                let shape = Shape::Exact { length, digits: *digits };
                leads.extend(self.lead(start, shape, (&path, states), collector));
            }
            layer = following;
        }
        self.lengths(start, (SHAPED + 1, layer, path), leads, collector)
    }

    /// The lengths of first words from `from` on.
    fn lengths(
        &self,
        start: &Start<'_>,
        (from, layer, mut path): (u32, FxHashMap<u32, States>, Path),
        leads: &mut Vec<Lead>,
        collector: &mut Collector,
    ) -> Option<()> {
        let mut states = States::default();
        layer.values().for_each(|other| states.merge(other));
        for length in from..=u32::try_from(HORIZON).ok()? {
            path.0.push(states.clone());
            states = self.program.step(&states, word());
            if states.is_empty() {
                break;
            }
            let shape = Shape::Length(length.min(LONG));
            leads.extend(self.lead(start, shape, (&path, &states), collector));
        }
        Some(())
    }

    /// First words of this shape; `states` are those after it. None where no match goes on or ends there. Where a
    /// letter beyond ASCII may follow, the word goes on for a person and ends otherwise: two kinds of words, which end
    /// in different bytes.
    fn lead(
        &self,
        start: &Start<'_>,
        shape: Shape,
        (path, states): (&Path, &States),
        collector: &mut Collector,
    ) -> impl Iterator<Item = Lead> {
        let other = word().complement();
        let high = other.intersection(ByteSet::ASCII.complement());
        // Where a word is too long to be measured, its end is not known.
        let kinds = match shape {
            Shape::Length(LONG) => [Some((other, true)), None],
            _ => [Some((other.intersection(ByteSet::ASCII), true)), Some((high, false))],
        };
        let before = start.before;
        let profiles = kinds.map(|kind| {
            let profile = self.profile(start, shape, (path, states), kind?)?;
            Some(collector.number(&profile))
        });
        profiles.into_iter().flatten().map(move |profile| Lead { before, shape, profile })
    }

    /// What stands around a word behind which one of these bytes follows, or, with `ended`, nothing more of the match.
    fn profile(
        &self,
        start: &Start<'_>,
        shape: Shape,
        (path, states): (&Path, &States),
        (next, ended): (ByteSet, bool),
    ) -> Option<Profile> {
        let states = self.program.leaving(states, next, ended);
        if states.is_empty() {
            return None;
        }
        let mut profile = [ByteSet::ALL; SEEN];
        put(&mut profile, &AROUND_WORDS, Spot::Start(-1), start.prior);
        for (place, spot) in [Spot::Start(0), Spot::Start(1)].into_iter().enumerate() {
            if let Some(states) = path.0.get(place) {
                let bytes = self.program.bytes(states).intersection(class(shape, place));
                put(&mut profile, &AROUND_WORDS, spot, bytes);
            }
        }
        if shape != Shape::Length(LONG) {
            self.last(shape, (path, &states), &mut profile);
            if !self.program.matches(&states) {
                let next = self.program.bytes(&states).intersection(next);
                put(&mut profile, &AROUND_WORDS, Spot::End(0), next);
                let after = self.program.step(&states, next);
                self.trail(&after, (1..6).map(Spot::End), (&mut profile, &AROUND_WORDS));
            }
        }
        Some(profile)
    }

    /// The last bytes of a word: those on the ways that lead to where it may end.
    fn last(&self, shape: Shape, (path, states): (&Path, &States), profile: &mut Profile) {
        let mut targets = states.clone();
        for (back, spot) in (1..=3).zip([Spot::End(-1), Spot::End(-2), Spot::End(-3)]) {
            let Some(place) = path.0.len().checked_sub(back) else { return };
            let Some(from) = path.0.get(place) else { return };
            let (sources, bytes) = self.program.into(from, class(shape, place), &targets);
            put(profile, &AROUND_WORDS, spot, bytes);
            targets = sources;
        }
    }
}

impl Path {
    fn push(&mut self, layer: &FxHashMap<u32, States>) {
        let mut states = States::default();
        layer.values().for_each(|other| states.merge(other));
        self.0.push(states);
    }
}

/// The bytes that a word of this shape may have at one place.
fn class(shape: Shape, place: usize) -> ByteSet {
    match shape {
        Shape::Exact { digits, .. } if digits >> place & 1 == 1 => ByteSet::DIGITS,
        Shape::Exact { .. } => ByteSet::LETTERS,
        Shape::Length(_) => word(),
    }
}

fn put(profile: &mut Profile, spots: &[Spot; SEEN], spot: Spot, set: ByteSet) {
    for (known, _) in profile.iter_mut().zip(spots).filter(|(_, known)| **known == spot) {
        *known = set;
    }
}

fn prefixes(program: &Program) -> Option<Vec<States>> {
    let other = word().complement();
    let mut all = Vec::new();
    let mut states = program.start();
    while !states.is_empty() {
        if program.matches(&states) || all.len() > usize::from(MOST_BEFORE) {
            return None;
        }
        let next = program.step(&states, other);
        all.push(std::mem::replace(&mut states, next));
    }
    Some(all)
}

/// The bytes that become this one when the bit of lower case is set.
fn unfolded(byte: u8) -> ByteSet {
    let mut set = ByteSet::default();
    set.insert(byte);
    set.insert(byte & !0x20);
    set
}
