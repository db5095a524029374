//! Stretches of words that together are likelier one thing than another, though some words of them are not.

use std::ops::Range;

use super::scan::Word;

/// A stretch counts once its words say so many bits.
const ENOUGH: f32 = 10.0;
/// A stretch ends once the words since its best end say so many bits against it.
const OVER: f32 = 14.0;
/// Words at the ends that say less than so many bits against it are taken too, up to so many of them: short words are
/// often others under a cipher.
const SHORT: f32 = 6.0;
const SHORT_WORDS: usize = 2;
/// How far a stretch grows on either side, in words, and past how many bits against it.
const REACH: usize = 32;
const PAUSE: f32 = 8.0;

/// The stretches of `words` for which `bits` speak, as ranges of words.
pub(super) fn stretches(words: &[Word], bits: impl Fn(&Word) -> f32) -> Vec<Range<usize>> {
    let mut done = Vec::new();
    let mut open: Option<Stretch> = None;
    for (index, word) in words.iter().enumerate() {
        let bits = bits(word);
        let goes_on = open.as_mut().map(|stretch| stretch.take(index, bits));
        match goes_on {
            None if bits > 0.0 => {
                open = Some(Stretch { start: index, best_end: index + 1, best: bits, sum: bits })
            }
            Some(false) => done.extend(open.take().and_then(Stretch::range)),
            None | Some(true) => {}
        }
    }
    done.extend(open.and_then(Stretch::range));
    done
}

struct Stretch {
    start: usize,
    best_end: usize,
    best: f32,
    sum: f32,
}

impl Stretch {
    /// Takes one more word; whether the stretch goes on.
    fn take(&mut self, index: usize, bits: f32) -> bool {
        self.sum += bits;
        if self.sum >= self.best {
            self.best = self.sum;
            self.best_end = index + 1;
        }
        self.sum > 0.0 && self.best - self.sum < OVER
    }

    fn range(self) -> Option<Range<usize>> {
        (self.best >= ENOUGH).then_some(self.start..self.best_end)
    }
}

/// `stretch` with the words on either side that belong to it by `bits`, which are those of the cipher that was found.
pub(super) fn grown(words: &[Word], stretch: Range<usize>, bits: impl Fn(&Word) -> f32) -> Range<usize> {
    let before = words.get(..stretch.start).unwrap_or_default();
    let after = words.get(stretch.end..).unwrap_or_default();
    let left = reach(before.iter().rev().map(&bits));
    let right = reach(after.iter().map(&bits));
    stretch.start - left..stretch.end + right
}

fn reach(bits: impl Iterator<Item = f32> + Clone) -> usize {
    let (mut sum, mut best, mut count) = (0.0, 0.0, 0);
    for (index, bits) in bits.clone().take(REACH).enumerate() {
        sum += bits;
        if sum > best {
            best = sum;
            count = index + 1;
        }
        if best - sum > PAUSE {
            break;
        }
    }
    count + bits.skip(count).take(SHORT_WORDS).take_while(|&bits| bits > -SHORT).count()
}
