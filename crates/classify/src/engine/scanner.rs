//! A text that comes in chunks.

use crate::engine::Engine;
use crate::engine::finding::{Combination, Explanation, Finding};
use crate::engine::run::Run;
use crate::engine::state::State;

/// What a scan gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was found, by place.
    pub findings: Vec<Finding>,
    /// Combinations that the document as a whole holds.
    pub combinations: Vec<Combination>,
    /// How many bytes were scanned.
    pub bytes: u64,
    /// Whether matches were lost: evidence that may stand anywhere was waited for by too many of them.
    pub incomplete: bool,
}

/// Scans a text that comes in chunks. Where it is cut never changes what is found.
///
/// It holds back as much of the text as a decision can look at: the longest match and the farthest evidence of the
/// detectors that run, some kilobytes for most selections.
///
/// ```
/// # use castellan_base::Sources;
/// # use castellan_classify::{Engine, Dictionaries, check::Checks, rule};
/// # let mut sources = Sources::default();
/// # let file = sources.add("a.yaml", "detectors: [{ id: badge, title: Badge, category: custom, elements: { e: { regex: 'B-\\d{6}' } }, patterns: [{ confidence: 75, primary: e }] }]");
/// # let (rules, _) = rule::read(&sources, &[file]);
/// # let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
/// let mut scanner = engine.scanner();
/// let mut findings = Vec::new();
/// for chunk in ["the badge B-1", "234", "56 is lost"] {
///     scanner.push(chunk.as_bytes(), &mut findings);
/// }
/// let outcome = scanner.finish(&mut findings);
/// assert_eq!(findings[0].range(), 10..18);
/// assert!(!outcome.incomplete);
/// ```
#[derive(Debug)]
pub struct Scanner {
    engine: Engine,
    state: State,
    buffer: Vec<u8>,
    /// Up to where the buffer is decided.
    done: usize,
}

impl Scanner {
    pub(crate) fn new(engine: Engine) -> Scanner {
        let state = engine.view.idle.take(&engine.shared, &engine.view);
        Scanner { engine, state, buffer: Vec::new(), done: 0 }
    }

    /// Takes the next chunk, and appends what is found for certain by now.
    pub fn push(&mut self, chunk: &[u8], findings: &mut Vec<Finding>) {
        // A large chunk is taken in pieces, so that the buffer stays small.
        let piece = self.engine.view.ahead.max(64 << 10);
        for part in chunk.chunks(piece) {
            self.buffer.extend_from_slice(part);
            let ready = self.buffer.len().saturating_sub(self.engine.view.ahead);
            if ready > self.done {
                self.advance(ready, false, findings);
                self.drop_before();
            }
        }
    }

    /// The byte before which everything is told: findings to come begin there or later.
    pub fn decided(&self) -> u64 {
        let view = &self.engine.view;
        if view.waits {
            return 0;
        }
        let untried = self.state.base + self.done.saturating_sub(view.index.before) as u64;
        self.state.earliest_waiting().map_or(untried, |waiting| waiting.min(untried))
    }

    /// Ends the text, appends the rest of the findings, and tells what was scanned. Its own list of findings is empty.
    pub fn finish(self, findings: &mut Vec<Finding>) -> Outcome {
        self.explain(findings).outcome
    }

    /// Ends the text like [`Scanner::finish`], and tells what was nearly found where [`Engine::explainer`] made it.
    pub fn explain(mut self, findings: &mut Vec<Finding>) -> Explanation {
        let combinations = self.advance(self.buffer.len(), true, findings);
        let mut misses = std::mem::take(&mut self.state.misses);
        misses.sort_by_key(|miss| (miss.start, miss.end, miss.detector));
        let outcome = Outcome {
            findings: Vec::new(),
            combinations,
            bytes: self.state.base + self.buffer.len() as u64,
            incomplete: self.state.overflowed,
        };
        self.engine.view.idle.give(self.state);
        Explanation { outcome, misses }
    }

    fn advance(&mut self, to: usize, whole: bool, findings: &mut Vec<Finding>) -> Vec<Combination> {
        let Engine { shared, view, .. } = &self.engine;
        let mut run = Run { shared, view, text: &self.buffer, whole, state: &mut self.state, findings };
        run.advance(self.done, to);
        let combinations = if whole { run.end() } else { Vec::new() };
        self.done = to;
        combinations
    }

    /// Drops what nothing to come can look at, once that is much.
    fn drop_before(&mut self) {
        let kept = self.done.saturating_sub(self.engine.view.behind);
        if kept >= self.engine.view.behind.max(16 << 10) {
            self.state.rebase(&self.buffer, kept);
            self.buffer.drain(..kept);
            self.done -= kept;
        }
    }
}
