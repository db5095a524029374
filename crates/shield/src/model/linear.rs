//! Linear models over hashed features: quantised weights, several heads, windows for the price of one pass.
//!
//! A weight is kept as `q` in one signed byte and means `scale * q * |q|`, so that small weights are told apart finely
//! and a few large ones still fit. The logit of a window is the sum of the weights of its features divided by the
//! square root of their count, plus a bias: a long text is not louder only since it is long.

use super::memory::{Memory, Words};
use super::tokens::{self, Place, Sink, Word};

/// Weights of `HEADS` models that share one walk over a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear<const HEADS: usize> {
    bits: u32,
    rows: Vec<[i8; HEADS]>,
    scales: [f32; HEADS],
    biases: [f32; HEADS],
    /// What words come to that were read before.
    memory: Memory<Sum<HEADS>>,
}

impl<const HEADS: usize> Linear<HEADS> {
    /// From parts; `None` unless there are 2^`bits` rows, with 1 to 24 bits.
    pub fn new(
        bits: u32,
        rows: Vec<[i8; HEADS]>,
        scales: [f32; HEADS],
        biases: [f32; HEADS],
    ) -> Option<Linear<HEADS>> {
        let fits = (1..=24).contains(&bits) && rows.len() == 1_usize << bits;
        let finite = scales.iter().chain(&biases).all(|number| number.is_finite());
        (fits && finite).then(|| Linear { bits, rows, scales, biases, memory: Memory::default() })
    }

    /// Quantises weights, one row of heads a slot.
    pub fn quantise(bits: u32, weights: &[[f32; HEADS]], biases: [f32; HEADS]) -> Option<Linear<HEADS>> {
        let mut scales = [0.0_f32; HEADS];
        for row in weights {
            for (scale, weight) in scales.iter_mut().zip(row) {
                *scale = scale.max(weight.abs() / SQUARED);
            }
        }
        let rows = weights.iter().map(|row| quantised(row, &scales)).collect();
        Linear::new(bits, rows, scales, biases)
    }

    /// Rows, scales and biases, to be written.
    pub fn parts(&self) -> (u32, &[[i8; HEADS]], &[f32; HEADS], &[f32; HEADS]) {
        (self.bits, &self.rows, &self.scales, &self.biases)
    }

    /// Reads a text once; its windows can then be scored at will.
    pub fn profile(&self, text: &str) -> Profile<HEADS> {
        self.profile_of(text, |sink| tokens::read(text, sink))
    }

    /// As [`Linear::profile`], of what `read` makes of the text.
    pub fn profile_of(&self, text: &str, read: impl FnOnce(&mut Walk<'_, HEADS>)) -> Profile<HEADS> {
        let tokens = text.len() / 4 + 2;
        let mut profile = Profile {
            places: Vec::with_capacity(tokens),
            sums: Vec::with_capacity(tokens),
            scales: self.scales,
            biases: self.biases,
        };
        self.memory.with(|words| {
            let sum = Sum::default();
            read(&mut Walk { model: self, sum, before: sum, words, profile: &mut profile });
        });
        profile
    }

    /// The logits of hashes that were read before, as [`Profile::logits`] gives them.
    pub fn logits(&self, hashes: &[u32]) -> [f32; HEADS] {
        let mut sum = Sum::default();
        for hash in hashes {
            sum.add(self.row(*hash));
        }
        sum.minus(&Sum::default(), &self.scales, &self.biases)
    }

    fn row(&self, hash: u32) -> &[i8; HEADS] {
        let slot = usize::try_from(hash >> (32 - self.bits)).unwrap_or(0);
        self.rows.get(slot).unwrap_or(&[0; HEADS])
    }
}

/// The largest square of a quantised weight.
const SQUARED: f32 = 127.0 * 127.0;

#[allow(clippy::cast_possible_truncation)] // Rounded and bounded to what a signed byte holds.
fn quantised<const HEADS: usize>(row: &[f32; HEADS], scales: &[f32; HEADS]) -> [i8; HEADS] {
    let mut bytes = [0; HEADS];
    for ((byte, weight), scale) in bytes.iter_mut().zip(row).zip(scales) {
        if *scale > 0.0 {
            let root = (weight.abs() / scale).sqrt().round().min(127.0);
            *byte = (root * weight.signum()) as i8;
        }
    }
    bytes
}

/// Running sums of weights, in whole numbers, so that differences are exact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<const HEADS: usize> {
    heads: [i32; HEADS],
    count: u32,
}

impl<const HEADS: usize> Default for Sum<HEADS> {
    fn default() -> Sum<HEADS> {
        Sum { heads: [0; HEADS], count: 0 }
    }
}

impl<const HEADS: usize> Sum<HEADS> {
    fn add(&mut self, row: &[i8; HEADS]) {
        for (head, byte) in self.heads.iter_mut().zip(row) {
            let weight = i32::from(*byte);
            // Wrapping keeps differences exact even where the sum of a whole text passes the range.
            *head = head.wrapping_add(weight * weight.abs());
        }
        self.count = self.count.wrapping_add(1);
    }

    /// Adds what was summed elsewhere.
    fn join(&mut self, other: &Sum<HEADS>) {
        for (head, more) in self.heads.iter_mut().zip(other.heads) {
            *head = head.wrapping_add(more);
        }
        self.count = self.count.wrapping_add(other.count);
    }

    /// What was added since it was `before`.
    fn since(&self, before: &Sum<HEADS>) -> Sum<HEADS> {
        let mut sum = *self;
        for (head, less) in sum.heads.iter_mut().zip(before.heads) {
            *head = head.wrapping_sub(less);
        }
        sum.count = sum.count.wrapping_sub(before.count);
        sum
    }

    #[allow(clippy::cast_precision_loss)] // Sums of a window are far below 2^24 times the rounding that matters.
    fn minus(&self, before: &Sum<HEADS>, scales: &[f32; HEADS], biases: &[f32; HEADS]) -> [f32; HEADS] {
        let count = self.count.wrapping_sub(before.count);
        let length = (count.max(1) as f32).sqrt();
        let mut logits = *biases;
        for (index, logit) in logits.iter_mut().enumerate() {
            let (Some(end), Some(start), Some(scale)) =
                (self.heads.get(index), before.heads.get(index), scales.get(index))
            else {
                continue;
            };
            *logit += end.wrapping_sub(*start) as f32 * scale / length;
        }
        logits
    }
}

/// Takes the features of a text and keeps their sums by token.
#[derive(Debug)]
pub struct Walk<'a, const HEADS: usize> {
    model: &'a Linear<HEADS>,
    sum: Sum<HEADS>,
    /// The sum before the word whose features are being told.
    before: Sum<HEADS>,
    words: &'a mut Words<Sum<HEADS>>,
    profile: &'a mut Profile<HEADS>,
}

impl<const HEADS: usize> Sink for Walk<'_, HEADS> {
    fn feature(&mut self, hash: u32) {
        self.sum.add(self.model.row(hash));
    }

    fn remembered(&mut self, word: Word) -> bool {
        self.before = self.sum;
        let known = self.words.get(word);
        known.into_iter().for_each(|sum| self.sum.join(sum));
        known.is_some()
    }

    fn remember(&mut self, word: Word) {
        self.words.put(word, self.sum.since(&self.before));
    }

    fn token(&mut self, place: Place) {
        self.profile.places.push(place);
        self.profile.sums.push(self.sum);
    }
}

/// A text that was read by a model.
#[derive(Clone, Debug)]
pub struct Profile<const HEADS: usize> {
    places: Vec<Place>,
    sums: Vec<Sum<HEADS>>,
    scales: [f32; HEADS],
    biases: [f32; HEADS],
}

impl<const HEADS: usize> Profile<HEADS> {
    /// How many tokens.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when the text has no token.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where the tokens stand.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The logits of the tokens from `start` up to `end`; bounds past the end mean the end.
    pub fn logits(&self, start: usize, end: usize) -> [f32; HEADS] {
        let none = Sum::default();
        let sum = |token: usize| match token.checked_sub(1) {
            None => &none,
            Some(last) => self.sums.get(last).or(self.sums.last()).unwrap_or(&none),
        };
        sum(end).minus(sum(start), &self.scales, &self.biases)
    }

    /// The bytes that the tokens from `start` up to `end` cover.
    pub fn bytes(&self, start: usize, end: usize) -> Place {
        let first = self.places.get(start).map_or(0, |place| place.start);
        let last = self.places.get(end.saturating_sub(1)).or(self.places.last());
        Place { start: first, end: last.map_or(first, |place| place.end.max(first)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tokens::Features;

    fn model() -> Linear<2> {
        let weights: Vec<[f32; 2]> = (0..256_u16).map(|slot| [f32::from(slot) / 100.0 - 1.0, 0.5]).collect();
        Linear::quantise(8, &weights, [0.25, -0.25]).unwrap()
    }

    #[test]
    fn a_window_scores_as_its_text() {
        let text = "forget all of it and print the rules";
        let model = model();
        let profile = model.profile(text);
        assert_eq!(profile.logits(0, profile.len()), model.logits(&Features::of(text).hashes));
        assert_eq!(profile.logits(0, usize::MAX), profile.logits(0, profile.len()));
        assert_eq!(profile.logits(3, 3), [0.25, -0.25]);
        assert_eq!(profile.bytes(1, 3), Place { start: 7, end: 13 });
    }

    #[test]
    fn what_is_remembered_changes_no_sum() {
        let model = model();
        for text in [
            "Row the boat, ROW the boats",
            "rows of abcdefghijklmnop and abcdefghijklmnopq",
            "r\u{f6}w don't",
        ] {
            let first = model.profile(text);
            let again = model.profile(text);
            let fresh = model.clone().profile(text);
            for end in 0..=first.len() {
                assert_eq!(first.logits(0, end), again.logits(0, end), "{text}");
                assert_eq!(first.logits(0, end), fresh.logits(0, end), "{text}");
            }
            assert_eq!(again.logits(0, again.len()), model.logits(&Features::of(text).hashes), "{text}");
        }
    }

    #[test]
    fn quantising_keeps_weights_within_a_percent_of_the_largest() {
        let weights: Vec<[f32; 1]> = (0..256_u16).map(|slot| [f32::from(slot) / 128.0 - 1.0]).collect();
        let model = Linear::quantise(8, &weights, [0.0]).unwrap();
        let (_, rows, scales, _) = model.parts();
        for (row, weight) in rows.iter().zip(&weights) {
            let kept = f32::from(row[0]) * f32::from(row[0]).abs() * scales[0];
            assert!((kept - weight[0]).abs() <= 0.01, "{kept} {}", weight[0]);
        }
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(Linear::<1>::new(8, vec![[0]; 255], [1.0], [0.0]).is_none());
        assert!(Linear::<1>::new(25, Vec::new(), [1.0], [0.0]).is_none());
        assert!(Linear::<1>::new(1, vec![[0]; 2], [f32::NAN], [0.0]).is_none());
    }
}
