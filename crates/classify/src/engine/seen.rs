//! The bytes that are looked at around a word before an expression is run there, and what an expression wants of them.
//!
//! A word's shape or its first four bytes alone let a hundred expressions begin at nearly every word of a log. Which
//! bytes may stand a little farther on is known from the expression too; nearly all of its candidates end there, for a
//! table look-up each instead of a run of the automaton.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::engine::byte_set::ByteSet;
use crate::engine::group::Around;

/// How many bytes are looked at.
pub(crate) const SEEN: usize = 12;

/// Where a byte stands: so far after the first byte of the word, or after the byte behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    Start(i8),
    End(i8),
}

/// What is looked at around a word whose shape is known; what tells most comes first.
pub(crate) const AROUND_WORDS: [Spot; SEEN] = [
    Spot::Start(0),
    Spot::End(0),
    Spot::End(-1),
    Spot::Start(-1),
    Spot::End(1),
    Spot::End(2),
    Spot::Start(1),
    Spot::End(-2),
    Spot::End(-3),
    Spot::End(3),
    Spot::End(4),
    Spot::End(5),
];

/// What is looked at where the first four bytes are known.
pub(crate) const AROUND_GRAMS: [Spot; SEEN] = [
    Spot::Start(4),
    Spot::Start(-1),
    Spot::Start(5),
    Spot::Start(6),
    Spot::Start(7),
    Spot::Start(8),
    Spot::Start(9),
    Spot::Start(10),
    Spot::Start(11),
    Spot::Start(12),
    Spot::Start(13),
    Spot::Start(14),
];

/// The bytes that an expression allows at each spot, in the order of [`AROUND_WORDS`] or [`AROUND_GRAMS`].
pub(crate) type Profile = [ByteSet; SEEN];

/// Profiles, each of them and each of their sets kept once. Number 0 allows anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profiles {
    sets: Vec<ByteSet>,
    profiles: Vec<[u16; SEEN]>,
}

impl Default for Profiles {
    fn default() -> Profiles {
        Profiles { sets: vec![ByteSet::ALL], profiles: vec![[0; SEEN]] }
    }
}

impl Profiles {
    /// The sets of a profile.
    #[inline]
    pub(crate) fn sets(&self, number: u32) -> impl Iterator<Item = &ByteSet> {
        let places = self.profiles.get(number as usize).unwrap_or(&[0; SEEN]);
        places.iter().filter_map(|place| self.sets.get(usize::from(*place)))
    }

    /// A profile.
    pub(crate) fn get(&self, number: u32) -> Profile {
        let mut profile = [ByteSet::ALL; SEEN];
        profile.iter_mut().zip(self.sets(number)).for_each(|(known, set)| *known = *set);
        profile
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.profiles.len()).unwrap_or(u32::MAX)
    }
}

/// What profiles are particular about: without the spots at which they allow anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wants {
    sets: Vec<ByteSet>,
    /// Spots, each with the place of the set that it allows.
    spots: Vec<(u8, u16)>,
    /// By profile: a range of `spots`.
    ranges: Vec<(u32, u32)>,
}

impl Wants {
    pub(crate) fn of(profiles: &Profiles) -> Wants {
        let mut wants = Wants { sets: profiles.sets.clone(), ..Wants::default() };
        let place = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        for profile in &profiles.profiles {
            let first = place(wants.spots.len());
            wants.spots.extend((0_u8..).zip(profile.iter().copied()).filter(|(_, set)| *set != 0));
            wants.ranges.push((first, place(wants.spots.len())));
        }
        wants
    }

    /// Whether a profile allows the bytes around a word.
    #[inline]
    pub(crate) fn allow(&self, profile: u32, around: &Around) -> bool {
        let (first, end) = self.ranges.get(profile as usize).copied().unwrap_or_default();
        let spots = self.spots.get(first as usize..end as usize).unwrap_or_default();
        spots.iter().all(|(spot, set)| {
            let byte = around.byte(usize::from(*spot));
            self.sets.get(usize::from(*set)).is_some_and(|set| set.contains(byte))
        })
    }
}

/// Collects profiles.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    known: Profiles,
    sets: FxHashMap<ByteSet, u16>,
    profiles: FxHashMap<[u16; SEEN], u32>,
}

impl Collector {
    /// The number of a profile.
    pub(crate) fn number(&mut self, profile: &Profile) -> u32 {
        let places = profile.map(|set| self.set(set));
        if places == [0; SEEN] {
            return 0;
        }
        *self.profiles.entry(places).or_insert_with(|| {
            self.known.profiles.push(places);
            self.known.count() - 1
        })
    }

    /// The place of a set. More than 65,535 of them are never told apart: any byte passes then.
    fn set(&mut self, set: ByteSet) -> u16 {
        if set == ByteSet::ALL {
            return 0;
        }
        let Ok(next) = u16::try_from(self.known.sets.len()) else { return 0 };
        let place = *self.sets.entry(set).or_insert(next);
        if place == next {
            self.known.sets.push(set);
        }
        place
    }

    /// What was collected.
    pub(crate) fn profiles(self) -> Profiles {
        self.known
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Profile, SEEN};
    use crate::engine::byte_set::ByteSet;

    #[test]
    fn profiles_come_back_as_they_were_given() {
        let mut collector = Collector::default();
        let any = [ByteSet::ALL; SEEN];
        let mut digits = any;
        digits[3] = ByteSet::DIGITS;
        digits[5] = ByteSet::default();
        let mut letters = digits;
        letters[0] = ByteSet::LETTERS;
        let numbers: Vec<u32> =
            [any, digits, letters, digits].iter().map(|profile| collector.number(profile)).collect();
        assert_eq!(numbers, [0, 1, 2, 1]);
        let profiles = collector.profiles();
        assert_eq!(profiles.count(), 3);
        let back: Vec<Profile> = numbers.iter().map(|number| profiles.get(*number)).collect();
        assert_eq!(back, [any, digits, letters, digits]);
    }
}
