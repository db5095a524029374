//! When events happen: a month, more of it by day than by night.

use crate::random::Random;

/// 2026-10-21T00:00:00Z in microseconds since 1970. The month is fixed, so that queries can name its days.
pub(super) const START: i64 = 1_792_540_800_000_000;
pub(super) const DAY: i64 = 24 * HOUR;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const MINUTE: i64 = 60 * SECOND;
const SECOND: i64 = 1_000_000;
const DAYS: u64 = 30;

/// The time of event `index` of `count`, in microseconds since 1970. Later events are never earlier.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // A day has 86,400,000,000 microseconds.
pub(super) fn of(index: u64, count: u64, random: &mut Random) -> i64 {
    let count = count.max(1);
    let position = index.min(count - 1) * DAYS;
    let (day, rest) = (position / count, position % count);
    let step = DAYS as f64 / count as f64;
    let share = rest as f64 / count as f64 + random.fraction() * step;
    let in_day = (working_day(share.min(1.0)) * DAY as f64) as i64;
    START + i64::try_from(day).unwrap_or(0) * DAY + in_day.min(DAY - 1)
}

/// Where in the day the given share of its events is over: noon is three times as busy as an even spread, midnight half.
/// Only sums and products, which every machine rounds alike.
fn working_day(share: f64) -> f64 {
    let centred = share - 0.5;
    0.3 * share + 0.7 * (4.0 * centred * centred * centred + 0.5)
}

/// A number per window of time that is the same for all tables: what attacks are made of.
pub(super) fn window(at: i64, length: i64) -> u64 {
    u64::try_from((at - START) / length.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_forward_and_stays_in_the_month() {
        let mut random = Random::new(1);
        let times: Vec<i64> = (0..10_000).map(|index| of(index, 10_000, &mut random)).collect();
        assert!(times.is_sorted());
        assert!(times[0] >= START && times[9_999] < START + 30 * DAY);
        let is_noon = |at: &&i64| ((*at - START) % DAY) / HOUR == 12;
        assert!(times.iter().filter(is_noon).count() > 2 * times.len() / 24);
    }
}
