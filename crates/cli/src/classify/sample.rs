//! A part of the files, and what it says about the others.

use serde_json::{Value as Json, json};

/// How sure a bound is.
const CONFIDENCE: f64 = 0.95;

/// Which part was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Files there are.
    pub(super) of: u64,
    /// Files drawn.
    pub(super) drawn: u64,
    /// Files drawn of which something was found or not all was read: both may hold something.
    pub(super) with_findings: u64,
}

/// Draws `count` of the files. The same seed draws the same, whatever order they come in.
pub(super) fn draw(files: &mut Vec<String>, count: usize, seed: u64) {
    let key = |path: &String| {
        let mut hasher = blake3::Hasher::new_derive_key("castellan classify v1: sample of files");
        hasher.update(&seed.to_le_bytes());
        hasher.update(path.as_bytes());
        *hasher.finalize().as_bytes()
    };
    files.sort_by_cached_key(key);
    files.truncate(count);
    files.sort();
}

impl Sample {
    /// How many of the files that were not drawn can hold something, at most: with more, the chance to have drawn so few
    /// would be below 5 %. It is exact for drawing without putting back (the hypergeometric distribution).
    pub(super) fn bound(self) -> u64 {
        let unread = self.of.saturating_sub(self.drawn);
        let is_likely = |more: u64| self.chance(self.with_findings + more) > 1.0 - CONFIDENCE;
        let (mut possible, mut impossible) = (0, unread + 1);
        while impossible - possible > 1 {
            let middle = possible + (impossible - possible) / 2;
            if is_likely(middle) { possible = middle } else { impossible = middle }
        }
        possible
    }

    /// The chance to draw at most `with_findings` of the files that hold something, if there are `holding`.
    fn chance(self, holding: u64) -> f64 {
        let (of, drawn) = (self.of as f64, self.drawn as f64);
        let ways = |of: f64, take: f64| ln_factorial(of) - ln_factorial(take) - ln_factorial(of - take);
        let all = ways(of, drawn);
        (0..=self.with_findings.min(holding))
            .filter(|found| self.drawn - found <= self.of - holding)
            .map(|found| {
                let (holding, found) = (holding as f64, found as f64);
                (ways(holding, found) + ways(of - holding, drawn - found) - all).exp()
            })
            .sum()
    }

    pub(super) fn json(self) -> Json {
        json!({
            "files": self.of, "drawn": self.drawn, "drawn_with_findings_or_gaps": self.with_findings,
            "others_with_findings_at_most": self.bound(), "confidence": CONFIDENCE,
        })
    }

    pub(super) fn text(self) -> String {
        format!(
            "A sample: {} of {} files were drawn, {} hold something or could not be read wholly. Of the other {}, at most {} do \
             (sure to {:.0} %).\n",
            self.drawn,
            self.of,
            self.with_findings,
            self.of.saturating_sub(self.drawn),
            self.bound(),
            CONFIDENCE * 100.0
        )
    }
}

/// The logarithm of `n!`, by Stirling's series beyond small numbers; the error is below 10^-10.
fn ln_factorial(n: f64) -> f64 {
    if n < 16.0 {
        return (2..=(n as u32)).map(|factor| f64::from(factor).ln()).sum();
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_distribution() {
        let bound = |of, drawn, with_findings| Sample { of, drawn, with_findings }.bound();
        // All were drawn: nothing is left.
        assert_eq!(bound(100, 100, 7), 0);
        // The rule of three: with none of n, at most about 3 / n of all.
        assert_eq!(bound(1_000_000, 300, 0), 9_934);
        // Small enough to count by hand: 10 files, 5 drawn, none found. With 3 more, the chance is C(7,5)/C(10,5) = 1/12;
        // with 4 more, C(6,5)/C(10,5) = 1/42.
        assert_eq!(bound(10, 5, 0), 3);
        assert_eq!(bound(10, 0, 0), 10);
        assert!(bound(1_000, 100, 10) > 80 && bound(1_000, 100, 10) < 180);
    }

    #[test]
    fn factorials() {
        assert!((ln_factorial(20.0) - 42.335_616_460_753_485).abs() < 1e-9);
        assert!((ln_factorial(5.0) - 120_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_seed_draws_the_same_in_any_order() {
        let names: Vec<String> = (0..50).map(|number| format!("f{number}")).collect();
        let (mut one, mut two) = (names.clone(), names.iter().rev().cloned().collect());
        draw(&mut one, 7, 1);
        draw(&mut two, 7, 1);
        assert_eq!((one.len(), &one), (7, &two));
        let mut other = names;
        draw(&mut other, 7, 2);
        assert_ne!(one, other);
    }
}
