//! What a scan finds, by definition: every expression is tried at every place with every end.
//!
//! It shares no code with the engine but the checks themselves. It is for UTF-8 and for short texts.

mod affinities;

use castellan_classify::check::Checks;
use castellan_classify::rule::{
    Boundary, Dictionary, Element, ElementId, ElementKind, Evidence, MatchStyle, Pattern, Proximity, Rules,
    Term,
};
use regex::bytes::{Regex, RegexBuilder};

pub(crate) use affinities::Combined;

/// A finding: detector, byte range, confidence.
pub(crate) type Found = (usize, usize, usize, u8);

pub(crate) struct Reference<'a> {
    rules: &'a Rules,
    checks: &'a Checks,
    /// Each for a whole match, and for what begins with one; where that depends on what follows, there is no second.
    regexes: Vec<Option<(Regex, Option<Regex>)>>,
    longest: Vec<usize>,
    words: &'a [&'a str],
    /// What redaction leaves.
    marks: Regex,
}

impl<'a> Reference<'a> {
    /// `words` stands for every dictionary.
    pub(crate) fn new(rules: &'a Rules, checks: &'a Checks, words: &'a [&'a str]) -> Reference<'a> {
        let mut regexes = Vec::new();
        let mut longest = Vec::new();
        for element in &rules.elements {
            let ElementKind::Regex { pattern } = &element.kind else {
                regexes.push(None);
                longest.push(0);
                continue;
            };
            let build = |pattern: &str| RegexBuilder::new(pattern).unicode(false).build().unwrap();
            let whole = build(&format!(r"\A(?:{pattern})\z"));
            let looks = [r"\b", r"\B", r"\z", "$"].iter().any(|look| pattern.contains(look));
            let beginning = (!looks).then(|| build(&format!(r"\A(?:{pattern})")));
            regexes.push(Some((whole, beginning)));
            longest.push(element.max_length.map_or(40_000, |length| length as usize));
        }
        Reference { rules, checks, regexes, longest, words, marks: marks(rules) }
    }

    /// Whether a match lies in what redaction leaves. It takes what it can of it, whole or not.
    fn is_mark(&self, text: &str, (start, end): (usize, usize)) -> bool {
        self.marks.find_iter(text.as_bytes()).any(|mark| mark.start() <= start && end <= mark.end())
    }

    /// Every finding, sorted.
    pub(crate) fn scan(&self, text: &str) -> Vec<Found> {
        let mut all = Vec::new();
        for (number, detector) in self.rules.detectors.iter().enumerate() {
            let mut primaries: Vec<ElementId> =
                detector.patterns.iter().map(|pattern| pattern.primary).collect();
            primaries.sort();
            primaries.dedup();
            for primary in primaries {
                let patterns: Vec<&Pattern> =
                    detector.patterns.iter().filter(|pattern| pattern.primary == primary).collect();
                self.primary(
                    text,
                    primary,
                    &patterns,
                    detector.proximity,
                    &mut |(start, end), confidence| {
                        all.push((number, start, end, confidence));
                    },
                );
            }
        }
        all.sort_unstable();
        all
    }

    fn primary(
        &self,
        text: &str,
        primary: ElementId,
        patterns: &[&Pattern],
        proximity: Proximity,
        tell: &mut dyn FnMut((usize, usize), u8),
    ) {
        let mut allowed = 0;
        for start in 0..text.len() {
            if start < allowed {
                continue;
            }
            let Some((end, value)) = self.at(text, primary, start, (text.len(), true)) else { continue };
            let window = match proximity {
                Proximity::Unlimited => (0, text.len()),
                Proximity::Characters(characters) => {
                    let before = text[..start].char_indices().rev().take(characters as usize).last();
                    let after: usize =
                        text[end..].chars().take(characters as usize).map(char::len_utf8).sum();
                    (before.map_or(start, |(at, _)| at), end + after)
                }
            };
            let around = Around { primary, start, end, window };
            let holding = patterns
                .iter()
                .find(|pattern| pattern.evidence.iter().all(|evidence| self.holds(text, evidence, &around)));
            if let Some(pattern) = holding {
                tell(value, pattern.confidence);
            }
            if holding.is_some() || proximity == Proximity::Unlimited {
                allowed = end;
            }
        }
    }

    fn holds(&self, text: &str, evidence: &Evidence, around: &Around) -> bool {
        match evidence {
            Evidence::Any { min, max, of } => {
                let holding = of.iter().filter(|part| self.holds(text, part, around)).count() as u32;
                holding >= *min && max.is_none_or(|max| holding <= max)
            }
            Evidence::Match { element, min, unique } => {
                let mut matches = self.within(text, *element, around.window);
                matches.retain(|(start, end)| {
                    *element != around.primary || *end <= around.start || *start >= around.end
                });
                let mut texts: Vec<String> =
                    matches.iter().map(|(start, end)| text[*start..*end].to_ascii_lowercase()).collect();
                if *unique {
                    texts.sort();
                    texts.dedup();
                }
                texts.len() as u32 >= *min
            }
        }
    }

    /// Every match of an element in a window: every term for a list, one after the other for an expression.
    fn within(&self, text: &str, element: ElementId, window: (usize, usize)) -> Vec<(usize, usize)> {
        let mut matches = Vec::new();
        match &self.element(element).kind {
            ElementKind::Regex { .. } => {
                let mut place = window.0;
                while place < window.1 {
                    match self.at(text, element, place, (window.1, false)) {
                        Some((end, _)) => {
                            matches.push((place, end));
                            place = end;
                        }
                        None => place += 1,
                    }
                }
            }
            _ => {
                for place in window.0..window.1 {
                    let ends = self.term_ends(text, element, place);
                    matches.extend(ends.into_iter().filter(|end| *end <= window.1).map(|end| (place, end)));
                }
            }
        }
        matches
    }

    fn element(&self, id: ElementId) -> &Element {
        self.rules.element(id).unwrap()
    }

    /// The match of an element that begins at a place: its end, and what is found.
    fn at(
        &self,
        text: &str,
        id: ElementId,
        start: usize,
        (limit, primary): (usize, bool),
    ) -> Option<(usize, (usize, usize))> {
        let element = self.element(id);
        let pass = |value: (usize, usize), whole: (usize, usize)| {
            self.checks.pass(&element.checks, text.as_bytes(), value, whole).unwrap()
                && !(primary && self.is_mark(text, value))
        };
        let Some((regex, beginning)) = &self.regexes[id.index()] else {
            let mut ends = self.term_ends(text, id, start);
            ends.sort_unstable();
            return ends
                .into_iter()
                .rev()
                .find(|end| pass((start, *end), (start, *end)))
                .map(|end| (end, (start, end)));
        };
        if !text.is_char_boundary(start) || !begins(text, start, element.boundary) {
            return None;
        }
        let last = limit.min(start + self.longest[id.index()]);
        // Only for speed: most expressions begin nowhere.
        if beginning.as_ref().is_some_and(|regex| !regex.is_match(&text.as_bytes()[start..last])) {
            return None;
        }
        let mut tried = 0;
        for end in (start + 1..=last).rev() {
            if !text.is_char_boundary(end) || !ends(text, end, element.boundary) {
                continue;
            }
            let Some(captures) = regex.captures(&text.as_bytes()[start..end]) else { continue };
            let groups = ["value", "value2", "value3"].iter().filter_map(|name| captures.name(name));
            let value = groups
                .filter(|group| !group.is_empty())
                .map(|group| (start + group.start(), start + group.end()))
                .next()
                .unwrap_or((start, end));
            if pass(value, (start, end)) {
                return Some((end, value));
            }
            tried += 1;
            if tried == 16 {
                return None;
            }
        }
        None
    }

    /// Where terms of a list or dictionary end that begin at a place.
    fn term_ends(&self, text: &str, id: ElementId, start: usize) -> Vec<usize> {
        if !text.is_char_boundary(start) {
            return Vec::new();
        }
        match &self.element(id).kind {
            ElementKind::Keywords { groups } => groups
                .iter()
                .flat_map(|group| group.terms.iter().map(move |term| (group.style, term)))
                .filter_map(|(style, term)| term_end(text, start, style, term))
                .collect(),
            ElementKind::Dictionary(dictionary) => self.dictionary_ends(text, start, dictionary),
            _ => Vec::new(),
        }
    }

    fn dictionary_ends(&self, text: &str, start: usize, dictionary: &Dictionary) -> Vec<usize> {
        let capital = |place: usize| text[place..].chars().next().is_some_and(char::is_uppercase);
        if dictionary.capitalised && !capital(start) {
            return Vec::new();
        }
        let mut ends = Vec::new();
        for word in self.words {
            let term = Term { text: (*word).into(), case_sensitive: false };
            let Some(mut end) = term_end(text, start, MatchStyle::Word, &term) else { continue };
            if dictionary.capitalised && letter(text[end..].chars().next()) {
                continue;
            }
            for _ in 0..dictionary.follow {
                let Some(rest) = text[end..].strip_prefix(' ').filter(|_| capital(end + 1)) else { break };
                let word: usize = rest
                    .char_indices()
                    .take_while(|(at, it)| {
                        *at < 35 && (letter(Some(*it)) || (*at > 0 && matches!(it, '\'' | '-')))
                    })
                    .map(|(_, it)| it.len_utf8())
                    .sum();
                end += 1 + word;
            }
            ends.push(end);
        }
        ends
    }
}

fn marks(rules: &Rules) -> Regex {
    let capital = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
    let ids = rules.detectors.iter().map(|it| it.id.chars().take(64).map(capital).collect::<String>());
    let entities = rules.detectors.iter().filter_map(|it| it.presidio.as_deref().map(str::to_owned));
    let names = ids.chain(entities).collect::<Vec<_>>().join("|");
    let name = format!(r"(?:{names})(?:_\d+)?\b");
    let sealed = format!(r"\[\[(?:enc|tok):v1:{name}(?::[a-z0-9-]*(?::[A-Za-z0-9_-]*(?:\]\])?)?)?");
    let plain = format!(r"<{name}(?::[0-9a-f]*)?>?");
    RegexBuilder::new(&format!("{sealed}|{plain}")).unicode(false).size_limit(1 << 26).build().unwrap()
}

struct Around {
    primary: ElementId,
    start: usize,
    end: usize,
    window: (usize, usize),
}

fn alone(character: char) -> bool {
    matches!(character, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{0E00}'..='\u{0EFF}')
}

fn letter(character: Option<char>) -> bool {
    character.is_some_and(|it| it.is_alphanumeric() && !alone(it))
}

fn before(text: &str, place: usize) -> Option<char> {
    text[..place].chars().next_back()
}

fn at(text: &str, place: usize) -> Option<char> {
    text[place..].chars().next()
}

fn case_changes(text: &str, place: usize) -> bool {
    before(text, place).is_some_and(|it| it.is_ascii_lowercase())
        && at(text, place).is_some_and(|it| it.is_ascii_uppercase())
}

fn inside(text: &str, place: usize) -> bool {
    letter(before(text, place)) && letter(at(text, place))
}

fn begins(text: &str, place: usize, boundary: Boundary) -> bool {
    match boundary {
        Boundary::None => true,
        Boundary::Word => !inside(text, place),
        Boundary::Subword => !inside(text, place) || case_changes(text, place),
        Boundary::Token => {
            !letter(before(text, place)) && !before(text, place).is_some_and(|it| "_+/-".contains(it))
        }
    }
}

fn ends(text: &str, place: usize, boundary: Boundary) -> bool {
    match boundary {
        Boundary::None => true,
        Boundary::Word | Boundary::Subword => !inside(text, place),
        Boundary::Token => {
            !letter(at(text, place)) && !at(text, place).is_some_and(|it| "_+/-=".contains(it))
        }
    }
}

fn fold(character: char) -> char {
    character.to_lowercase().next().unwrap()
}

/// Where a term ends that begins at a place.
fn term_end(text: &str, start: usize, style: MatchStyle, term: &Term) -> Option<usize> {
    if style == MatchStyle::String {
        let end = start + term.text.len();
        let found = text.as_bytes().get(start..end)?;
        let same = match term.case_sensitive {
            true => found == term.text.as_bytes(),
            false => found.eq_ignore_ascii_case(term.text.as_bytes()),
        };
        return same.then_some(end);
    }
    let lead = term.text.find(|it: char| letter(Some(it)) || alone(it))?;
    if !text.as_bytes().get(start..start + lead)?.eq_ignore_ascii_case(&term.text.as_bytes()[..lead]) {
        return None;
    }
    let word = start + lead;
    if !text.is_char_boundary(word) || (inside(text, word) && !case_changes(text, word)) {
        return None;
    }
    let mut place = word;
    let mut last = ' ';
    for expected in term.text[lead..].chars() {
        if expected == ' ' {
            let blanks = text[place..].chars().take_while(|it| " \t\r\n_-.".contains(*it)).count();
            if blanks > 3 || (blanks == 0 && !case_changes(text, place)) {
                return None;
            }
            place += blanks;
        } else {
            let found = at(text, place)?;
            let same = if term.case_sensitive { found == expected } else { fold(found) == fold(expected) };
            if !same {
                return None;
            }
            place += found.len_utf8();
        }
        last = expected;
    }
    let goes_on = letter(Some(last)) && letter(at(text, place)) && !case_changes(text, place);
    (!goes_on).then_some(place)
}
