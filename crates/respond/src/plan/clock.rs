//! Clocks of regulators.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use jiff::ToSpan as _;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::Serialize;

/// How long there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "unit", content = "count", rename_all = "kebab-case")]
pub enum Limit {
    /// Hours.
    Hours(i64),
    /// Days of the calendar.
    Days(i64),
    /// Months of the calendar: to the same day, or to the last one of a shorter month.
    Months(i64),
    /// Days but Saturdays and Sundays. Public holidays count as working days, so the deadline is never too late.
    BusinessDays(i64),
    /// Days after the end of the calendar year.
    DaysAfterYear(i64),
}

impl Limit {
    /// When the time is up, counted in UTC at the same time of day; `None` beyond the calendar.
    pub fn after(self, from: Ticks) -> Option<Ticks> {
        let zoned = from.to_timestamp()?.to_zoned(TimeZone::UTC);
        let end = match self {
            Limit::Hours(hours) => zoned.checked_add(hours.hours()).ok()?,
            Limit::Days(days) => zoned.checked_add(days.days()).ok()?,
            Limit::Months(months) => zoned.checked_add(months.months()).ok()?,
            Limit::DaysAfterYear(days) => {
                // The last second of the year, so that the last day is the one that people count to.
                let last = jiff::civil::date(zoned.year(), 12, 31).at(23, 59, 59, 0);
                last.to_zoned(TimeZone::UTC).ok()?.checked_add(days.days()).ok()?
            }
            Limit::BusinessDays(count) => {
                let (mut day, mut left) = (zoned, count);
                while left > 0 {
                    day = day.tomorrow().ok()?.with().time(day.time()).build().ok()?;
                    let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                    left -= i64::from(!is_weekend);
                }
                day
            }
        };
        Ticks::from_timestamp(end.timestamp())
    }
}

/// One thing that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its id within the clock.
    pub id: String,
    /// What has to be done.
    pub what: String,
    /// The moment that starts it: `aware`, `classified`, or the id of a stage before, once that is done.
    pub from: String,
    /// How long there is.
    pub limit: Limit,
    /// When it is due at the latest, whatever starts it: a moment, and how long there is from then.
    pub latest: Option<(String, Limit)>,
}

impl Stage {
    /// When it is due, with the moments that `known` gives.
    ///
    /// A stage with a latest time is due at the earlier of the two. As long as what starts it is not known, the latest time
    /// counts; once that has passed, what starts it later gives the whole time again (for DORA: Delegated Regulation (EU)
    /// 2025/301, Article 5).
    fn deadline(&self, known: &dyn Fn(&str) -> Option<Ticks>, now: Ticks) -> Option<Ticks> {
        let start = known(&self.from);
        let limit = start.and_then(|start| self.limit.after(start));
        let latest = self.latest.as_ref().and_then(|(from, limit)| limit.after(known(from)?));
        match (start, latest) {
            (Some(start), Some(latest)) if start <= latest => Some(limit.map_or(latest, |at| at.min(latest))),
            (None, Some(latest)) => Some(latest).filter(|latest| now <= *latest),
            _ => limit,
        }
    }
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its id.
    pub id: String,
    /// The law.
    pub regulation: String,
    /// Where in it.
    pub citation: String,
    /// Where it can be read.
    pub url: String,
    /// Who has to be told.
    pub authority: String,
    /// When it applies, in words; people decide.
    pub applies: String,
    /// When the citation was last compared.
    pub checked: String,
    /// What is due.
    pub stages: Vec<Stage>,
}

/// How a stage stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The clock.
    pub clock: String,
    /// The stage.
    pub stage: String,
    /// What has to be done.
    pub what: String,
    /// Whom to tell.
    pub authority: String,
    /// By which words.
    pub citation: String,
    /// The moment that starts it.
    pub from: String,
    /// When it is due; `None` as long as the moment is not known.
    pub deadline: Option<Ticks>,
    /// Seconds until then; below zero when it is late.
    pub left_seconds: Option<i64>,
    /// True when it is done.
    pub is_done: bool,
}

/// How clocks stand. `moments` are moments of the case and, as `CLOCK/STAGE`, when stages were done; `done` are stages that
/// are done. Sorted by deadline, those that have not started last.
pub fn due<'c>(
    clocks: impl Iterator<Item = &'c Clock>,
    moments: &BTreeMap<String, Ticks>,
    done: &BTreeSet<String>,
    now: Ticks,
) -> Vec<Due> {
    let mut found = Vec::new();
    for clock in clocks {
        for stage in &clock.stages {
            let known = |moment: &str| {
                let own = format!("{}/{moment}", clock.id);
                moments.get(&own).or_else(|| moments.get(moment)).copied()
            };
            let deadline = stage.deadline(&known, now);
            let left = deadline.map(|deadline| (deadline.get() - now.get()).div_euclid(Ticks::PER_SECOND));
            found.push(Due {
                clock: clock.id.clone(),
                stage: stage.id.clone(),
                what: stage.what.clone(),
                authority: clock.authority.clone(),
                citation: clock.citation.clone(),
                from: stage.from.clone(),
                deadline,
                left_seconds: left,
                is_done: done.contains(&format!("{}/{}", clock.id, stage.id)),
            });
        }
    }
    found.sort_by_key(|due| (due.deadline.is_none(), due.deadline));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: Limit, from: &str, expected: &str) -> Result<(), Box<dyn std::error::Error>> {
        let end = limit.after(from.parse()?).ok_or("beyond the calendar")?;
        assert_eq!(end, expected.parse()?, "{limit:?} after {from}");
        Ok(())
    }

    #[test]
    fn a_latest_time_counts_until_it_has_passed() -> Result<(), Box<dyn std::error::Error>> {
        let stage = Stage {
            id: "initial".to_owned(),
            what: String::new(),
            from: "classified".to_owned(),
            limit: Limit::Hours(4),
            latest: Some(("aware".to_owned(), Limit::Hours(24))),
        };
        let cases = [
            (None, "2026-11-20T12:00:00Z", Some("2026-11-21T10:00:00Z")),
            (None, "2026-11-21T11:00:00Z", None),
            (Some("2026-11-20T12:00:00Z"), "2026-11-20T12:00:00Z", Some("2026-11-20T16:00:00Z")),
            (Some("2026-11-21T08:00:00Z"), "2026-11-21T09:00:00Z", Some("2026-11-21T10:00:00Z")),
            (Some("2026-11-22T08:00:00Z"), "2026-11-22T09:00:00Z", Some("2026-11-22T12:00:00Z")),
        ];
        let aware: Ticks = "2026-11-20T10:00:00Z".parse()?;
        for (classified, now, expected) in cases {
            let classified = classified.map(str::parse::<Ticks>).transpose()?;
            let known = |moment: &str| if moment == "aware" { Some(aware) } else { classified };
            let expected = expected.map(str::parse::<Ticks>).transpose()?;
            assert_eq!(stage.deadline(&known, now.parse()?), expected, "{classified:?} at {now}");
        }
        Ok(())
    }

    #[test]
    fn time_is_up_when_the_law_says() -> Result<(), Box<dyn std::error::Error>> {
        check(Limit::Hours(72), "2026-02-27T10:00:00Z", "2026-03-02T10:00:00Z")?;
        check(Limit::Days(15), "2026-11-20T10:00:00Z", "2026-12-05T10:00:00Z")?;
        check(Limit::Months(1), "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z")?;
        // A Friday: Monday to Thursday.
        check(Limit::BusinessDays(4), "2026-11-20T10:00:00Z", "2026-11-26T10:00:00Z")?;
        check(Limit::BusinessDays(4), "2026-11-21T10:00:00Z", "2026-11-26T10:00:00Z")?;
        // The last day to file for a year, also after a year with a leap day.
        check(Limit::DaysAfterYear(60), "2026-01-02T10:00:00Z", "2027-03-01T23:59:59Z")?;
        check(Limit::DaysAfterYear(60), "2027-12-31T23:00:00Z", "2028-02-29T23:59:59Z")?;
        check(Limit::BusinessDays(0), "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z")?;
        Ok(())
    }
}
