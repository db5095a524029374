//! The engine: rules compiled to tables, and the scan over a text.
//!
//! ```text
//! text -> walk          words that some element may begin with, and keywords, a little ahead of what is tried
//!      -> gate          is one of the keywords nearby that it needs?  counted while the text comes by
//!      -> expression    where does the match end?
//!      -> checks        checksum, date, entropy, exclusions
//!      -> evidence      which pattern holds, with what confidence?
//!      -> overlaps      what is told
//! ```
//!
//! What a scan finds is defined without any of this: for each element, places are tried from left to right; at a place
//! the longest end counts that keeps the boundary and passes the checks; a match is taken when a pattern holds for it,
//! and keeps the same element from matching inside of it for that detector. What redaction has left is no match. `tests/it/reference.rs` is that definition,
//! word for word, and has to agree on any text.

pub(crate) mod anchor;
mod beginning;
pub(crate) mod boundary;
mod byte_set;
pub(crate) mod characters;
mod clause;
mod compile;
mod document;
mod ending;
mod evidence;
mod explain;
pub(crate) mod expression;
mod family;
mod finders;
mod finding;
mod group;
mod idle;
mod index;
mod keyword_builder;
mod keywords;
mod letters;
pub(crate) mod literals;
pub(crate) mod marks;
mod masks;
mod near;
mod prepared;
mod program;
mod release;
mod run;
mod scanner;
mod seen;
mod state;
mod stretch;
mod table;
mod term;
mod value;
mod view;
mod walk;
mod word_key;
mod words;

use std::sync::{Arc, OnceLock};

use castellan_base::Diagnostic;

use crate::check::Checks;
use crate::engine::compile::Means;
use crate::rule::{Detector, Rules};

pub use characters::Offset;
pub use compile::Dictionaries;
pub use finding::{Combination, Explanation, Finding, Miss, Overlap, Reason, Supporting};
pub use prepared::{PreparedError, prepare};
pub use scanner::{Outcome, Scanner};

/// Which detectors run, and what they tell.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Ids or GUIDs of detectors, ids of affinities; all of them when empty.
    pub detectors: Vec<String>,
    /// Least confidence; patterns below it are not tried.
    pub min_confidence: u8,
    /// What is told where findings overlap.
    pub overlap: Overlap,
}

/// Detectors, ready to scan with.
///
/// It is cheap to clone and can be used from many threads at once.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<compile::Shared>,
    view: Arc<view::View>,
    /// The view that judges every candidate, made when somebody first asks why.
    explaining: Arc<OnceLock<Arc<view::View>>>,
}

impl Engine {
    /// Compiles rules. What cannot run is left out and told.
    ///
    /// Automata are built when they are first needed; [`Engine::compile_strictly`] builds them at once.
    pub fn compile(rules: Rules, checks: &Checks, dictionaries: &Dictionaries) -> (Engine, Vec<Diagnostic>) {
        Engine::build(rules, checks, dictionaries, Means::default())
    }

    /// Compiles rules from outside: also builds every automaton, so that one that is too large is told now.
    pub fn compile_strictly(
        rules: Rules,
        checks: &Checks,
        dictionaries: &Dictionaries,
    ) -> (Engine, Vec<Diagnostic>) {
        Engine::build(rules, checks, dictionaries, Means { strictly: true, ..Means::default() })
    }

    fn build(
        rules: Rules,
        checks: &Checks,
        dictionaries: &Dictionaries,
        means: Means<'_>,
    ) -> (Engine, Vec<Diagnostic>) {
        let (shared, problems) = compile::compile(rules, checks, dictionaries, means);
        let view = view::View::new(&shared, &Selection::default(), false);
        (Engine::of(Arc::new(shared), view), problems)
    }

    /// The same engine narrowed to a selection. What is compiled is shared; only the tables are made anew.
    ///
    /// # Errors
    /// The first id that names no detector.
    pub fn select(&self, selection: &Selection) -> Result<Engine, String> {
        let rules = &self.shared.rules;
        let is_affinity =
            |id: &str| rules.affinities.iter().any(|affinity| affinity.id.eq_ignore_ascii_case(id));
        let known = |id: &str| rules.detector(id).is_some() || is_affinity(id);
        let unknown = selection.detectors.iter().find(|id| !known(id));
        if let Some(id) = unknown {
            return Err(format!("there is no detector `{id}`; `castellan classify --list` names all"));
        }
        let view = view::View::new(&self.shared, selection, false);
        Ok(Engine::of(Arc::clone(&self.shared), view))
    }

    fn of(shared: Arc<compile::Shared>, view: view::View) -> Engine {
        Engine { shared, view: Arc::new(view), explaining: Arc::default() }
    }

    /// What the engine was narrowed to.
    pub fn selection(&self) -> &Selection {
        &self.view.selection
    }

    /// The rules that the engine was compiled from.
    pub fn rules(&self) -> &Rules {
        &self.shared.rules
    }

    /// The detector of a finding.
    pub fn detector(&self, finding: &Finding) -> Option<&Detector> {
        self.shared.rules.detectors.get(finding.detector)
    }

    /// The checks that the match of a finding has passed, in order.
    pub fn checks(&self, finding: &Finding) -> Vec<&str> {
        let element = self.shared.elements.get(finding.primary.index());
        element.map(|element| element.checks.names().collect()).unwrap_or_default()
    }

    /// Finds everything in a text that is held in memory.
    pub fn scan(&self, text: &str) -> Vec<Finding> {
        self.scan_bytes(text.as_bytes()).findings
    }

    /// Finds everything in bytes that need not be UTF-8.
    pub fn scan_bytes(&self, text: &[u8]) -> Outcome {
        run::scan(&self.shared, &self.view, text)
    }

    /// How many bytes after a place have to be known to decide what is found there; nothing when evidence may stand
    /// anywhere. Findings that overlap one another hold back one another beyond that.
    pub fn hold_back(&self) -> Option<usize> {
        (!self.view.waits).then_some(self.view.ahead + self.view.index.before)
    }

    /// How many bytes before a place deciding about it can look at.
    pub(crate) fn behind(&self) -> usize {
        self.view.behind
    }

    /// Scans a text, and tells what is nearly found and why it is not. For people who ask about a text: every candidate
    /// is judged to the end, which takes longer than a scan.
    pub fn explain(&self, text: &[u8]) -> Explanation {
        run::explain(&self.shared, self.explaining(), text)
    }

    /// A scanner for a text that comes in chunks.
    pub fn scanner(&self) -> Scanner {
        Scanner::new(self.clone())
    }

    /// The same, which also notes what is nearly found: see [`Scanner::explain`].
    pub fn explainer(&self) -> Scanner {
        Scanner::new(Engine { view: Arc::clone(self.explaining()), ..self.clone() })
    }

    fn explaining(&self) -> &Arc<view::View> {
        let view = || Arc::new(view::View::new(&self.shared, &self.view.selection, true));
        self.explaining.get_or_init(view)
    }
}
