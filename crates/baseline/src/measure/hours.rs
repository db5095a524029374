//! In which hours of the week somebody is active.

use serde::{Deserialize, Serialize};

/// Hours of a week.
const HOURS: i64 = 168;
/// Weeks that are remembered: one bit each.
const WEEKS: i64 = 16;
/// Weeks before the present one that have to be known.
const KNOWN: u32 = 3;
/// Who is active in more hours of the week than this has no hours.
const MOST: usize = 84;

/// For each hour of the week, in which of the last weeks there was activity. Weeks begin on Monday, in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weeks {
    /// The last week with activity, counted from year 1, whose first day is a Monday.
    last: i64,
    /// The hour of the week, and a bit for each week: the lowest is the last one.
    hours: Vec<(u8, u16)>,
}

impl Weeks {
    /// There was activity in an hour, counted from year 1.
    pub(crate) fn add(&mut self, hour: i64) {
        let (week, of_week) = (hour.div_euclid(HOURS), hour.rem_euclid(HOURS));
        if week > self.last {
            let by = week - self.last;
            for (_, bits) in &mut self.hours {
                *bits = shifted(*bits, by);
            }
            self.hours.retain(|(_, bits)| *bits != 0);
            self.last = week;
        }
        let ago = self.last - week;
        if ago >= WEEKS {
            return;
        }
        let bit = u16::try_from(1_u32 << ago).unwrap_or(0);
        let of_week = u8::try_from(of_week).unwrap_or(0);
        match self.hours.binary_search_by_key(&of_week, |(hour, _)| *hour) {
            Ok(at) => {
                if let Some((_, bits)) = self.hours.get_mut(at) {
                    *bits |= bit;
                }
            }
            Err(at) => self.hours.insert(at, (of_week, bit)),
        }
    }

    /// Whether an hour is unlike the weeks before: nothing happened then, nor in the hours beside. `None` where too few weeks
    /// are known, or there are no hours in which nothing happens.
    pub(crate) fn is_uncommon(&self, hour: i64) -> Option<bool> {
        let (week, of_week) = (hour.div_euclid(HOURS), hour.rem_euclid(HOURS));
        // Only what was before the week of the hour counts.
        let before = |bits: u16| {
            let ago = self.last - week;
            if ago < 0 { bits } else { shifted_back(bits, ago + 1) }
        };
        let all = self.hours.iter().fold(0_u16, |all, (_, bits)| all | before(*bits));
        let active = self.hours.iter().filter(|(_, bits)| before(*bits) != 0).count();
        if all.count_ones() < KNOWN || active > MOST {
            return None;
        }
        let is_near = |known: u8| {
            let apart = (i64::from(known) - of_week).rem_euclid(HOURS);
            apart <= 1 || apart == HOURS - 1
        };
        Some(!self.hours.iter().any(|(known, bits)| is_near(*known) && before(*bits) != 0))
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.hours.len() * 4
    }
}

/// Bits of so many weeks later; those that are too old fall out.
fn shifted(bits: u16, weeks: i64) -> u16 {
    u32::try_from(weeks).ok().filter(|weeks| *weeks < 16).map_or(0, |weeks| bits << weeks)
}

/// Bits without those of the last so many weeks.
fn shifted_back(bits: u16, weeks: i64) -> u16 {
    u32::try_from(weeks).ok().filter(|weeks| *weeks < 16).map_or(0, |weeks| bits >> weeks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_hour_is_uncommon_when_nothing_happens_then() {
        let mut weeks = Weeks::default();
        for week in 100..103 {
            (9..17).for_each(|hour| weeks.add(week * HOURS + hour));
            let expected = (week == 102).then_some(true);
            assert_eq!(weeks.is_uncommon((week + 1) * HOURS + 27), expected);
        }
        assert_eq!(weeks.is_uncommon(103 * HOURS + 12), Some(false));
        assert_eq!(weeks.is_uncommon(103 * HOURS + 17), Some(false), "the hour beside");
        weeks.add(103 * HOURS + 27);
        assert_eq!(weeks.is_uncommon(103 * HOURS + 27), Some(true), "the present week is no habit");
        (0..HOURS).for_each(|hour| weeks.add(103 * HOURS + hour));
        assert_eq!(weeks.is_uncommon(104 * HOURS + 27), None, "no hour without activity");
    }

    proptest! {
        #[test]
        fn order_does_not_matter(hours in prop::collection::vec(0..5_000_i64, 0..60)) {
            let (mut one, mut other) = (Weeks::default(), Weeks::default());
            hours.iter().for_each(|hour| one.add(*hour));
            hours.iter().rev().for_each(|hour| other.add(*hour));
            prop_assert_eq!(one, other);
        }
    }
}
