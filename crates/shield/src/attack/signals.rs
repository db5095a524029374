//! The few numbers that a text is judged by.

use super::sentence::{self, Facts};
use crate::codec;
use crate::model::dense::Dense;
use crate::model::language::{Language, Oddness, Salad};
use crate::model::linear::{Linear, Profile};
use crate::model::tokens::{Place, segments};
use crate::rules::{Hits, Rules};

/// Heads of the linear model: a user's text, content, a sentence that puts a task to an assistant.
pub const HEADS: usize = 3;
/// Windows that a text is searched with, in sentences.
pub const SENTENCES: [usize; 3] = [1, 2, 5];
/// Longer windows, in tokens.
pub const PAGE: usize = 160;
/// Logits are kept between this and its opposite.
const BOUND: f32 = 8.0;

/// The part of windows that are odd from which on a text is read back to front: where nearly all are language, it stands
/// the right way round.
const LEAST_TURNED: f32 = 0.05;

/// Signals that come before those of the rules' families, in order.
pub const NAMES: [&str; 26] = [
    "user, whole",
    "user, best page",
    "user, best paragraph",
    "user, best pair",
    "user, best sentence",
    "user, mean sentence",
    "user, last pair",
    "content, whole",
    "content, best page",
    "content, best paragraph",
    "content, best pair",
    "content, best sentence",
    "content, second sentence",
    "content, mean sentence",
    "content, best pair above mean",
    "content, first pair",
    "content, last pair",
    "foreign, most",
    "foreign, second",
    "both, best sentence",
    "salad, most",
    "salad, last",
    "salad, mean",
    "salad, part",
    "length",
    "other alphabets",
];

/// The trained parts that signals come from.
#[derive(Clone, Debug)]
pub struct Engine {
    /// N-gram weights.
    pub linear: Linear<HEADS>,
    /// Letters and words.
    pub language: Language,
    /// Judges windows of letters and words.
    pub salad: Salad,
    /// Judges sentences by their facts.
    pub sentences: Dense,
}

/// What was seen of a text.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The numbers, as [`NAMES`] and then the families of rules.
    pub values: Vec<f32>,
    /// The bytes of the window that looks most like an attack by a user.
    pub user_window: (usize, usize),
    /// The bytes of what looks most like an instruction inside of content.
    pub content_window: (usize, usize),
    /// The oddest window.
    pub oddness: Oddness,
    /// True for words that stand back to front.
    pub is_turned: bool,
    /// What rules found.
    pub hits: Hits,
}

impl Engine {
    /// Sees a text.
    pub fn see(&self, text: &str, rules: &Rules, content: bool) -> Signals {
        self.see_unexplained(text, rules, content, |_, _| false)
    }

    /// Sees a text some of whose bytes look odd for a known reason: they are encoded, and were decoded.
    pub fn see_unexplained(
        &self,
        text: &str,
        rules: &Rules,
        content: bool,
        explained: impl Fn(usize, usize) -> bool,
    ) -> Signals {
        let profile = self.linear.profile(text);
        let (oddness, is_turned) = self.oddness(text, explained);
        let hits = rules.find(text, content);
        let ends = segments(text, profile.places());
        let [sentence, pair, paragraph] = SENTENCES.map(|count| best(&profile, &runs(&ends, count)));
        let page = best(&profile, &pages(profile.len()));
        let whole = profile.logits(0, profile.len());
        let foreign = if content { self.foreign(text, &profile, &ends) } else { Foreign::default() };
        let mut values = vec![
            whole[0],
            page.most[0],
            paragraph.most[0],
            pair.most[0],
            sentence.most[0],
            sentence.mean[0],
            pair.last[0],
            whole[1],
            page.most[1],
            paragraph.most[1],
            pair.most[1],
            sentence.most[1],
            sentence.second[1],
            sentence.mean[1],
            pair.most[1] - sentence.mean[1],
            pair.first[1],
            pair.last[1],
            foreign.most,
            foreign.second,
            pair.both,
            oddness.most,
            oddness.last,
            oddness.mean,
            oddness.part,
            length(profile.len()),
            share_wide(text),
        ];
        for value in &mut values {
            *value = value.clamp(-BOUND, BOUND);
        }
        values.extend(hits.by_family.iter().copied());
        let user_window = profile.bytes(page.place[0].0, page.place[0].1);
        // A sentence that is surely foreign is the attack; else it is somewhere about the loudest two.
        let attack = if foreign.most > 0.0 { foreign.place } else { pair.place[1] };
        let content_window = profile.bytes(attack.0, attack.1);
        Signals {
            values,
            user_window: (user_window.start, user_window.end),
            content_window: (content_window.start, content_window.end),
            oddness,
            is_turned,
            hits,
        }
    }
}

impl Engine {
    /// How much a text looks like a salad, and whether its words stand back to front. They look like a salad then and
    /// are none.
    fn oddness(&self, text: &str, explained: impl Fn(usize, usize) -> bool) -> (Oddness, bool) {
        let oddness = self.salad.judge(&self.language.read(text), explained);
        if oddness.most <= 0.0 || oddness.part < LEAST_TURNED {
            return (oddness, false);
        }
        let turned = codec::turned_order(text);
        let other = self.salad.judge(&self.language.read(turned.text()), |_, _| false);
        let is_turned = other.most <= 0.0;
        (if is_turned { Oddness { place: oddness.place, ..other } } else { oddness }, is_turned)
    }

    /// The facts of each sentence of a text, and the bytes that it is.
    pub fn facts(&self, text: &str) -> Vec<(Facts, Place)> {
        let profile = self.linear.profile(text);
        let ends = segments(text, profile.places());
        let places = runs(&ends, 1).into_iter().map(|(start, end)| profile.bytes(start, end));
        sentence::facts(text, &profile, &ends).into_iter().zip(places).collect()
    }

    fn foreign(&self, text: &str, profile: &Profile<HEADS>, ends: &[usize]) -> Foreign {
        let mut foreign = Foreign::default();
        for (facts, place) in sentence::facts(text, profile, ends).iter().zip(runs(ends, 1)) {
            foreign.take(self.sentences.logit(facts), place);
        }
        foreign
    }
}

/// The sentences that belong least.
#[derive(Clone, Copy, Debug)]
struct Foreign {
    most: f32,
    second: f32,
    place: (usize, usize),
}

impl Default for Foreign {
    fn default() -> Foreign {
        Foreign { most: -BOUND, second: -BOUND, place: (0, 0) }
    }
}

impl Foreign {
    fn take(&mut self, logit: f32, place: (usize, usize)) {
        if logit > self.most {
            self.second = self.most;
            self.most = logit;
            self.place = place;
        } else {
            self.second = self.second.max(logit);
        }
    }
}

/// Every run of `count` sentences, from their ends; one run where there are fewer.
pub fn runs(ends: &[usize], count: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::with_capacity(ends.len());
    for (index, end) in ends.iter().enumerate() {
        let complete = index + 1 >= count;
        if complete || index + 1 == ends.len() {
            let start = index.checked_sub(count).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            runs.push((start, *end));
        }
    }
    runs
}

/// Pages that overlap by half.
fn pages(length: usize) -> Vec<(usize, usize)> {
    let starts = (0..length.max(1)).step_by(PAGE / 2);
    let mut pages: Vec<(usize, usize)> = starts.map(|start| (start, (start + PAGE).min(length))).collect();
    // The last start lies within the page before it.
    if pages.len() > 1 && pages.get(pages.len() - 2).is_some_and(|page| page.1 == length) {
        pages.pop();
    }
    pages
}

/// The windows of one size.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    most: [f32; HEADS],
    second: [f32; HEADS],
    mean: [f32; HEADS],
    first: [f32; HEADS],
    last: [f32; HEADS],
    /// The largest sum of both heads, halved.
    both: f32,
    place: [(usize, usize); HEADS],
}

/// Looks through windows.
fn best(profile: &Profile<HEADS>, windows: &[(usize, usize)]) -> Best {
    let mut best = Best { most: [-BOUND; HEADS], second: [-BOUND; HEADS], both: -BOUND, ..Best::default() };
    let mut count = 0.0;
    for (start, end) in windows {
        let logits = profile.logits(*start, *end);
        best.take(logits, (*start, *end));
        if count == 0.0 {
            best.first = logits;
        }
        best.last = logits;
        count += 1.0;
    }
    best.mean = best.mean.map(|sum| if count > 0.0 { sum / count } else { -BOUND });
    best
}

impl Best {
    fn take(&mut self, logits: [f32; HEADS], place: (usize, usize)) {
        let [user, content, _] = logits;
        self.both = self.both.max((user + content) / 2.0);
        let best = self.most.iter_mut().zip(&mut self.second).zip(&mut self.mean).zip(&mut self.place);
        for ((((most, second), mean), found), logit) in best.zip(logits) {
            *mean += logit;
            if logit > *most {
                *second = *most;
                *most = logit;
                *found = place;
            } else if logit > *second {
                *second = logit;
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // A count of tokens.
fn length(tokens: usize) -> f32 {
    crate::model::logistic::ln(tokens.max(1) as f32)
}

#[allow(clippy::cast_precision_loss)] // Counts of bytes; the last digits do not matter.
fn share_wide(text: &str) -> f32 {
    let wide = text.bytes().filter(|byte| !byte.is_ascii()).count();
    wide as f32 / text.len().max(1) as f32
}
