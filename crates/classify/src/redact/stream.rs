//! Redaction of a text that comes in chunks.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::engine::Scanner;
use crate::redact::plan::{Hit, stretches};
use crate::redact::redactor::{Item, RedactError, Redactor, Writer};
use crate::redact::session::Session;

/// Bytes that are passed before the buffer moves.
const MOST_PASSED: usize = 16 << 10;

/// How long a stream waits before it passes text on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldBack {
    /// Until nothing that comes can change what is found: [`crate::Engine::hold_back`] bytes, and the length of
    /// findings that overlap there. The output is that of [`Redactor::redact`] for the whole text.
    Exact,
    /// So many bytes. Text is judged by what is known of the `n` to `n + n / 4` bytes behind it (at least 64 and at most
    /// 4,096 more than `n`). A finding is held back as a whole. One that would have needed more (its end or its evidence
    /// comes later) has passed in part or as a whole; what is left of it is replaced, and [`End::late`] counts it.
    Early(usize),
}

/// Why a stream cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "evidence for a detector may stand anywhere in the text, so nothing could pass before its end; use an early stream, or leave such detectors out"
)]
pub struct Unbounded;

/// Redacts a text that comes in chunks. Where it is cut, even within a character, never changes the output.
///
/// ```
/// # use castellan_base::Sources;
/// # use castellan_classify::{Engine, Dictionaries, check::Checks, rule};
/// use castellan_classify::redact::{HoldBack, Policy, Redactor, Session};
/// # let mut sources = Sources::default();
/// # let file = sources.add("a.yaml", "detectors: [{ id: badge, title: Badge, category: custom, elements: { e: { regex: 'B-\\d{6}' } }, patterns: [{ confidence: 75, primary: e }] }]");
/// # let (rules, _) = rule::read(&sources, &[file]);
/// # let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
/// let redactor = Redactor::new(&engine, &Policy::default(), None).unwrap();
/// let mut stream = redactor.stream(Session::new("tenant"), HoldBack::Exact).unwrap();
/// let mut output = Vec::new();
/// for chunk in ["the badge B-1", "234", "56 is lost"] {
///     stream.push(chunk.as_bytes(), &mut output).unwrap();
/// }
/// let end = stream.finish(&mut output).unwrap();
/// assert_eq!(output, b"the badge <BADGE> is lost");
/// assert_eq!(end.items[0].original, 10..18);
/// ```
#[derive(Debug)]
pub struct RedactStream {
    redactor: Redactor,
    session: Session,
    mode: Mode,
    /// Text that has not passed, and in front of it what judging it looks at.
    window: Zeroizing<Vec<u8>>,
    /// Where the window begins in the whole text.
    base: usize,
    /// Up to where the text has passed.
    passed: usize,
    /// How long the output is so far.
    written: usize,
    hits: Vec<Hit>,
    items: Vec<Item>,
    failed: bool,
}

#[derive(Debug)]
enum Mode {
    Exact(Box<Scanner>),
    Early(Early),
}

#[derive(Debug)]
struct Early {
    hold: usize,
    step: usize,
    /// Up to where the text has been judged.
    judged: usize,
    /// Stretches that were replaced, and findings that came late, as far as the window goes back.
    known: Vec<Range<usize>>,
    late: u64,
}

/// How a stream ended.
#[derive(Debug)]
pub struct End {
    /// The session, for the next text.
    pub session: Session,
    /// What was changed since [`RedactStream::take_items`].
    pub items: Vec<Item>,
    /// How many bytes came in.
    pub bytes: usize,
    /// Findings of an early stream that were known only when some of them had passed.
    pub late: u64,
}

impl Redactor {
    /// Begins a stream.
    ///
    /// # Errors
    /// When an exact one could pass nothing before its end.
    pub fn stream(&self, session: Session, hold_back: HoldBack) -> Result<RedactStream, Unbounded> {
        let mode = match hold_back {
            HoldBack::Exact => {
                self.engine.hold_back().ok_or(Unbounded)?;
                Mode::Exact(Box::new(self.engine.scanner()))
            }
            HoldBack::Early(hold) => {
                let step = (hold / 4).clamp(64, 4_096);
                Mode::Early(Early { hold, step, judged: 0, known: Vec::new(), late: 0 })
            }
        };
        Ok(RedactStream {
            redactor: self.clone(),
            session,
            mode,
            window: Zeroizing::new(Vec::new()),
            base: 0,
            passed: 0,
            written: 0,
            hits: Vec::new(),
            items: Vec::new(),
            failed: false,
        })
    }
}

impl RedactStream {
    /// Takes the next chunk, and appends what passes by now.
    ///
    /// # Errors
    /// When a value cannot be sealed. The stream passes nothing more then.
    pub fn push(&mut self, chunk: &[u8], output: &mut Vec<u8>) -> Result<(), RedactError> {
        if self.failed {
            return Err(RedactError::Failed);
        }
        self.window.extend_from_slice(chunk);
        let taken = match &mut self.mode {
            Mode::Exact(scanner) => {
                let mut findings = Vec::new();
                scanner.push(chunk, &mut findings);
                let decided = usize::try_from(scanner.decided()).unwrap_or(usize::MAX);
                self.hits.extend(findings.iter().filter_map(|finding| self.redactor.hit(finding, 0)));
                self.pass(decided, output)
            }
            Mode::Early(_) => self.judge_steps(output),
        };
        self.failed = taken.is_err();
        taken
    }

    /// What was changed so far, once. A long stream keeps them in memory otherwise.
    pub fn take_items(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    /// Ends the text and appends the rest.
    ///
    /// # Errors
    /// As [`RedactStream::push`].
    pub fn finish(mut self, output: &mut Vec<u8>) -> Result<End, RedactError> {
        if self.failed {
            return Err(RedactError::Failed);
        }
        let bytes = self.base + self.window.len();
        let mut late = 0;
        match std::mem::replace(&mut self.mode, Mode::Early(Early::none())) {
            Mode::Exact(scanner) => {
                let mut findings = Vec::new();
                scanner.finish(&mut findings);
                self.hits.extend(findings.iter().filter_map(|finding| self.redactor.hit(finding, 0)));
                self.pass(bytes, output)?;
            }
            Mode::Early(mut early) => {
                self.judge(&mut early, bytes);
                self.pass(bytes, output)?;
                late = early.late;
            }
        }
        Ok(End { session: self.session, items: self.items, bytes, late })
    }

    /// Passes text up to `limit`, or to the first stretch that may still grow.
    fn pass(&mut self, limit: usize, output: &mut Vec<u8>) -> Result<(), RedactError> {
        let mut limit = self.character_start(limit.max(self.passed));
        let mut stretches = stretches(&self.redactor.kinds, &mut self.hits, self.passed);
        let finished = stretches.iter().take_while(|stretch| stretch.end <= limit).count();
        limit = stretches.get(finished).map_or(limit, |stretch| stretch.start.min(limit));
        stretches.truncate(finished);
        let before = output.len();
        let mut writer = Writer {
            redactor: &self.redactor,
            session: &mut self.session,
            output: std::mem::take(output),
            foreign: before,
            base: self.written,
        };
        let range = self.passed..limit;
        let written = writer.write(&self.window, self.base, range, &stretches, &mut self.items);
        *output = std::mem::take(&mut writer.output);
        if written.is_err() {
            output.truncate(before);
        }
        written?;
        self.written += output.len() - before;
        self.passed = limit;
        self.hits.retain(|hit| hit.end > limit);
        if let Mode::Early(early) = &mut self.mode {
            early.known.extend(stretches.iter().map(|stretch| stretch.start..stretch.end));
        }
        self.forget();
        Ok(())
    }

    /// The beginning of the character at a place, as far as that is a character.
    fn character_start(&self, place: usize) -> usize {
        let continues = |back: &usize| {
            let byte = place.checked_sub(self.base + back).and_then(|at| self.window.get(at));
            byte.is_some_and(|byte| byte & 0xC0 == 0x80)
        };
        let back = (0..3).take_while(continues).count();
        place.saturating_sub(back).max(self.passed)
    }

    /// Drops what has passed and nothing looks at again.
    fn forget(&mut self) {
        let behind = match &self.mode {
            Mode::Exact(_) => 0,
            Mode::Early(_) => self.redactor.engine.behind(),
        };
        let kept = self.passed.saturating_sub(behind).max(self.base);
        let least = if matches!(self.mode, Mode::Exact(_)) { MOST_PASSED } else { 1 };
        if kept - self.base >= least {
            self.window.drain(..kept - self.base);
            self.base = kept;
        }
        if let Mode::Early(early) = &mut self.mode {
            early.known.retain(|range| range.end > kept);
        }
    }

    /// Judges at places that do not depend on where the text is cut.
    fn judge_steps(&mut self, output: &mut Vec<u8>) -> Result<(), RedactError> {
        loop {
            let Mode::Early(early) = &mut self.mode else { return Ok(()) };
            let border = early.judged + early.step;
            if border > self.base + self.window.len() {
                return Ok(());
            }
            early.judged = border;
            let hold = early.hold;
            let mut early = std::mem::replace(early, Early::none());
            self.judge(&mut early, border);
            self.mode = Mode::Early(early);
            self.pass(border.saturating_sub(hold), output)?;
        }
    }

    /// Finds everything in the window up to `border`.
    fn judge(&mut self, early: &mut Early, border: usize) {
        let text = self.window.get(..border - self.base).unwrap_or_default();
        let found = self.redactor.engine.scan_bytes(text).findings;
        let hits = found.iter().filter_map(|finding| self.redactor.hit(finding, self.base));
        self.hits.clear();
        for hit in hits {
            // What the window cuts may seem to begin where it does not.
            let is_cut = self.base > 0 && hit.start == self.base;
            let is_known = early.known.iter().any(|it| it.start <= hit.start && hit.end <= it.end);
            if hit.start < self.passed && !is_cut && !is_known {
                early.late += 1;
                early.known.push(hit.start..hit.end);
            }
            if hit.end > self.passed {
                self.hits.push(hit);
            }
        }
    }
}

impl Early {
    fn none() -> Early {
        Early { hold: 0, step: usize::MAX, judged: 0, known: Vec::new(), late: 0 }
    }
}
