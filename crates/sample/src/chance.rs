//! Numbers by chance.

use castellan_kql::plan::random;

/// Numbers by chance, the same for the same seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Those of a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(random::STEP);
        random::mixed(self.0)
    }

    /// One below an end; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.draw() % end).unwrap_or_default()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of some; the default where there is none.
    pub fn pick<T: Clone + Default>(&mut self, items: &[T]) -> T {
        let at = self.below(items.len());
        items.get(at).cloned().unwrap_or_default()
    }

    /// All of some in another order.
    pub fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut list = items.to_vec();
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
        list
    }
}
