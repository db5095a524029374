//! Seeded numbers for samples: the same everywhere, and no better than samples need.

/// A 64-bit linear congruential generator (Knuth's MMIX constants). Only the upper 31 bits are given out; the lower ones
/// of such a generator repeat early.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of many sequences of a seed that have nothing to do with each other. Neighbouring states of a congruential
    /// generator stay neighbours, so the state is scattered first (the finaliser of MurmurHash3).
    pub(crate) fn stream(seed: u64, number: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number);
        state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state = (state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        Self(state ^ (state >> 33))
    }

    /// 31 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// 62 bits.
    pub(crate) fn wide(&mut self) -> u64 {
        (self.next() << 31) | self.next()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    /// A number under `bound`, which has to stay under 2^31; 0 where it is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() * bound) >> 31
    }

    /// True so many times in a hundred thousand.
    pub(crate) fn chance(&mut self, per_hundred_thousand: u64) -> bool {
        self.below(100_000) < per_hundred_thousand
    }

    /// A number from 0 to 1.
    #[allow(clippy::cast_precision_loss)] // 31 bits fit.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 31) as f64
    }

    /// One of some, all as likely; the default where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, options: &[T]) -> T {
        let count = u64::try_from(options.len()).unwrap_or(1).max(1);
        let index = usize::try_from(self.next() % count).unwrap_or(0);
        options.get(index).copied().unwrap_or_default()
    }

    /// One of some, each as likely as its weight says.
    pub(crate) fn weighted<T: Copy + Default>(&mut self, options: &[(u64, T)]) -> T {
        let mut left = self.below(options.iter().map(|(weight, _)| weight).sum());
        for (weight, option) in options {
            if left < *weight {
                return *option;
            }
            left -= weight;
        }
        T::default()
    }
}

/// Things of which few are seen often and many seldom: the k-th is picked in proportion to 1/(k + `flatness`).
pub(crate) struct Skewed<T> {
    /// Running sums of the weights; whole numbers, so that every machine picks the same.
    bounds: Vec<u64>,
    items: Vec<T>,
    last: T,
}

impl<T> Skewed<T> {
    /// `make` is called with 0 up to and including `last`.
    pub(crate) fn new(last: u64, flatness: u64, mut make: impl FnMut(u64) -> T) -> Self {
        let weight = |rank: u64| (1_u64 << 40) / (rank + flatness.max(1));
        let mut sum = 0;
        let bounds = (0..=last).map(|rank| {
            sum += weight(rank);
            sum
        });
        Self { bounds: bounds.collect(), items: (0..last).map(&mut make).collect(), last: make(last) }
    }

    pub(crate) fn pick(&self, random: &mut Random) -> &T {
        let total = u128::from(self.bounds.last().copied().unwrap_or(0));
        let target = (u128::from(random.wide()) * total) >> 62;
        let index = self.bounds.partition_point(|bound| u128::from(*bound) <= target);
        self.items.get(index).unwrap_or(&self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ() {
        let first = |number| Random::stream(1, number).next();
        assert_ne!(first(0), first(1));
        assert_eq!(first(1), first(1));
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(1);
        let hits = (0..10_000).filter(|_| random.weighted(&[(1, "a"), (9, "b")]) == "a").count();
        assert!((800..1200).contains(&hits), "{hits}");
    }

    #[test]
    fn the_first_of_a_skewed_list_is_picked_most() {
        let list = Skewed::new(99, 1, |rank| rank);
        let mut random = Random::new(1);
        let mut counts = [0; 100];
        for _ in 0..10_000 {
            counts[usize::try_from(*list.pick(&mut random)).unwrap()] += 1;
        }
        assert!(counts[0] > 1_700 && counts[99] > 0 && counts[99] < 60, "{counts:?}");
    }
}
