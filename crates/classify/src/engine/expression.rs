//! Expressions: parsed when rules are compiled, turned into automata when the first candidate comes.
//!
//! Of several hundred expressions, a text needs a handful. Parsing all of them and working out their anchors takes
//! milliseconds; determinising all of them would take most of a second. So the automaton is built on first use.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use regex_automata::{Anchored, Input, meta};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use crate::engine::boundary::{ends_well, starts_character};
use crate::engine::byte_set::ByteSet;
use crate::engine::ending::{Ending, LARGEST_DFA};
use crate::engine::program::Program;
use crate::engine::value::Lies;
use crate::rule::Boundary;

/// Most ends tried at one place, the longest first.
pub(crate) const MOST_ENDS: usize = 16;
/// So often an automaton that grows is used before it is built as a whole: each use then takes a hundred nanoseconds less,
/// and building takes some milliseconds.
const FEW: u32 = 32_768;
/// Longest match of any rule, in bytes.
const LONGEST: u32 = 32_768;
/// Largest expression, counted in bytes and classes with repetitions written out.
const LARGEST: u64 = 6_000;

/// What parsing an expression works out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    longest: usize,
    lazy: bool,
    has_value: bool,
    first: ByteSet,
}

/// An expression, and the automaton that tells where it ends.
pub(crate) struct Expression {
    pattern: Arc<str>,
    boundary: Boundary,
    /// The syntax tree, once it is needed.
    hir: OnceLock<Hir>,
    /// Longest match in bytes.
    pub(crate) longest: usize,
    /// Whether one end is preferred (lazy quantifiers), rather than the longest.
    lazy: bool,
    /// Whether there is a group `value`.
    pub(crate) has_value: bool,
    automaton: OnceLock<Option<Ending>>,
    /// The same built as a whole, once an automaton that grows has been used often, where that is possible.
    whole: OnceLock<Option<Ending>>,
    /// How often the one that grows was used, about.
    uses: AtomicU32,
    /// How the group `value` lies in every match, where that is always the same.
    lies: OnceLock<Option<Lies>>,
    groups: OnceLock<Option<meta::Regex>>,
    first: OnceLock<ByteSet>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Expression({})", self.pattern)
    }
}

impl Expression {
    /// Parses an expression and checks its bounds.
    pub(crate) fn new(
        pattern: &str,
        boundary: Boundary,
        max_length: Option<u32>,
    ) -> Result<Expression, String> {
        let hir = parse(pattern)?;
        if size(&hir) > LARGEST {
            let help = "write `+` or `*` with `max_length` in place of large repetitions";
            return Err(format!("the expression needs more than {LARGEST} states; {help}"));
        }
        let own = hir.properties().maximum_len().and_then(|length| u32::try_from(length).ok());
        let longest = match (own, max_length) {
            (Some(own), Some(given)) => own.min(given),
            (Some(own), None) => own,
            (None, Some(given)) => given,
            (None, None) => {
                return Err(
                    "a match can be of any length; limit `*`, `+` or `{n,}`, or state `max_length`".into()
                );
            }
        };
        if longest > LONGEST {
            return Err(format!("a match can have {longest} bytes; at most {LONGEST} are allowed"));
        }
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return Err("the expression matches the empty text; make something in it necessary".into());
        }
        Ok(Expression {
            pattern: pattern.into(),
            lazy: is_lazy(&hir),
            has_value: has_value(&hir),
            hir: hir.into(),
            boundary,
            longest: usize::try_from(longest).unwrap_or(usize::MAX),
            automaton: OnceLock::new(),
            whole: OnceLock::new(),
            uses: AtomicU32::new(0),
            lies: OnceLock::new(),
            groups: OnceLock::new(),
            first: OnceLock::new(),
        })
    }

    /// An expression of which everything was worked out before.
    pub(crate) fn known(pattern: &Arc<str>, boundary: Boundary, facts: &Facts) -> Expression {
        Expression {
            pattern: Arc::clone(pattern),
            boundary,
            hir: OnceLock::new(),
            longest: facts.longest,
            lazy: facts.lazy,
            has_value: facts.has_value,
            automaton: OnceLock::new(),
            whole: OnceLock::new(),
            uses: AtomicU32::new(0),
            lies: OnceLock::new(),
            groups: OnceLock::new(),
            first: facts.first.into(),
        }
    }

    /// What was worked out.
    pub(crate) fn facts(&self) -> Facts {
        let (longest, lazy, has_value, first) = (self.longest, self.lazy, self.has_value, *self.first());
        Facts { longest, lazy, has_value, first }
    }

    /// The syntax tree.
    pub(crate) fn hir(&self) -> &Hir {
        // What does not parse has no facts, and is never asked.
        self.hir.get_or_init(|| parse(&self.pattern).unwrap_or_else(|_| Hir::fail()))
    }

    /// What may not touch a match.
    pub(crate) fn boundary(&self) -> Boundary {
        self.boundary
    }

    /// The bytes that a match may begin with.
    pub(crate) fn first(&self) -> &ByteSet {
        self.first.get_or_init(|| {
            Program::new(self.hir()).map_or(ByteSet::ALL, |program| program.bytes(&program.start()))
        })
    }

    /// Builds the automata now, and says why one cannot be built. True when it is one that grows with the texts.
    pub(crate) fn prepare(&self) -> Result<bool, String> {
        let Some(automaton) = self.automaton() else {
            let help = "make its alternatives begin differently, or its repetitions smaller";
            return Err(format!(
                "the expression needs an automaton of more than {LARGEST_DFA} bytes; {help}"
            ));
        };
        if self.has_value && self.groups().is_none() {
            return Err("the groups of the expression cannot be found; write it more simply".into());
        }
        Ok(automaton.is_large(self.hir(), self.lazy))
    }

    #[inline]
    fn automaton(&self) -> Option<&Ending> {
        match self.automaton.get() {
            Some(Some(first)) if !first.is_growing() => Some(first),
            _ => self.automaton_that_grows(),
        }
    }

    fn automaton_that_grows(&self) -> Option<&Ending> {
        if let Some(Some(whole)) = self.whole.get() {
            return Some(whole);
        }
        let built = self.automaton.get_or_init(|| Ending::new(self.hir(), self.lazy));
        let first = built.as_ref()?;
        if first.is_growing() && self.uses.fetch_add(1, Ordering::Relaxed) >= FEW {
            let whole = self.whole.get_or_init(|| Ending::whole(self.hir(), self.lazy));
            return whole.as_ref().or(Some(first));
        }
        Some(first)
    }

    /// Ends of matches that begin at `start` and keep the boundary, ascending, at most the [`MOST_ENDS`] longest.
    /// `text[..limit]` is what a match may cover. False when a farther limit, or more text, could give other ends.
    pub(crate) fn ends(&self, text: &[u8], start: usize, limit: usize, ends: &mut Ends) -> bool {
        ends.clear();
        let Some(automaton) = self.automaton() else { return true };
        let last = start.saturating_add(self.longest).min(limit).min(text.len());
        let all = automaton.ends(text, (start, last), |end| self.keep(text, start, end, ends));
        all || (last < text.len() && last - start == self.longest)
    }

    #[inline]
    fn keep(&self, text: &[u8], start: usize, end: usize, ends: &mut Ends) {
        if self.lazy {
            // Of matches with a preference, the automaton tells the preferred one last.
            ends.clear();
        }
        if end > start && starts_character(text, end) && ends_well(text, end, self.boundary) {
            ends.push(end);
        }
    }

    /// The group `value` of a match, the first of several that takes part, or the whole match.
    pub(crate) fn value(&self, text: &[u8], start: usize, end: usize) -> (usize, usize) {
        if !self.has_value {
            return (start, end);
        }
        let lies = self.lies.get_or_init(|| Lies::of(self.hir(), &is_value));
        if let Some(value) = lies.as_ref().and_then(|lies| lies.within(text, (start, end))) {
            return value;
        }
        let found = self.groups().and_then(|regex| {
            let mut captures = regex.create_captures();
            let input = Input::new(text.get(..end)?).range(start..end).anchored(Anchored::Yes);
            regex.captures(input, &mut captures);
            let names = regex.group_info().pattern_names(captures.pattern()?);
            let mut values = names.enumerate().filter(|(_, name)| name.is_some_and(is_value));
            values.find_map(|(group, _)| captures.get_group(group).filter(|span| !span.is_empty()))
        });
        found.map_or((start, end), |span| (span.start, span.end))
    }

    fn groups(&self) -> Option<&meta::Regex> {
        let built = self.groups.get_or_init(|| {
            let end = Hir::look(regex_syntax::hir::Look::End);
            let whole = Hir::concat(vec![self.hir().clone(), end]);
            let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(LARGEST_DFA));
            meta::Builder::new().configure(config).build_from_hir(&whole).ok()
        });
        built.as_ref()
    }
}

/// The longest ends found at one place.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    ring: [usize; MOST_ENDS],
    count: usize,
}

impl Ends {
    fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, end: usize) {
        if let Some(place) = self.ring.get_mut(self.count % MOST_ENDS) {
            *place = end;
        }
        self.count += 1;
    }

    /// The longest first.
    pub(crate) fn longest_first(&self) -> impl Iterator<Item = usize> {
        let kept = self.count.min(MOST_ENDS);
        (0..kept).filter_map(|back| self.ring.get((self.count - 1 - back) % MOST_ENDS).copied())
    }
}

fn parse(pattern: &str) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).nest_limit(64).build();
    parser.parse(pattern).map_err(|error| explain(&error))
}

/// A parse error in one line, with its place in the expression.
fn explain(error: &regex_syntax::Error) -> String {
    let (kind, start) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.column),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span().start.column),
        other => (other.to_string(), 1),
    };
    format!("the expression is wrong at column {start}: {kind}")
}

/// Bytes and classes with repetitions written out, where that is what they come to.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => u64::try_from(literal.0.len()).unwrap_or(u64::MAX),
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => 4 * class.ranges().len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            size(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(0, |all, part| all.saturating_add(size(part)))
        }
    }
}

fn is_lazy(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => !repetition.greedy || is_lazy(&repetition.sub),
        HirKind::Capture(capture) => is_lazy(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(is_lazy),
        _ => false,
    }
}

/// Whether a group says what is found: `value`, `value2`, `value3`, ...
fn is_value(name: &str) -> bool {
    name.strip_prefix("value").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn has_value(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.as_deref().is_some_and(is_value) || has_value(&capture.sub),
        HirKind::Repetition(repetition) => has_value(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_value),
        _ => false,
    }
}
