//! The ladder of people who are told one after the other, until somebody answers.

use castellan_base::Ticks;
use serde::Serialize;

/// One rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The roles that are told.
    pub roles: Vec<String>,
    /// The connector that they are told by.
    pub connector: String,
    /// Minutes in which one of them has to answer.
    pub minutes: i64,
}

/// Somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// When.
    pub at: Ticks,
    /// The rung, from 0.
    pub rung: usize,
    /// The roles.
    pub roles: Vec<String>,
    /// By which connector.
    pub connector: String,
}

/// How an escalation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Everybody who was told until now, in order.
    pub notices: Vec<Notice>,
    /// Who answered first, and when.
    pub acknowledged: Option<(String, Ticks)>,
    /// When the next rung is told, or the last one runs out, if nobody answers.
    pub next_at: Option<Ticks>,
    /// True when the last rung did not answer in time either.
    pub is_exhausted: bool,
}

/// How a ladder stands at a time. `first` is the rung that is told first; `answers` are who answered when.
pub fn standing(
    ladder: &[Rung],
    first: usize,
    raised: Ticks,
    answers: &[(String, Ticks)],
    now: Ticks,
) -> Standing {
    let answered = answers.iter().filter(|(_, at)| *at >= raised && *at <= now).min_by_key(|(_, at)| *at);
    let mut found =
        Standing { notices: Vec::new(), acknowledged: answered.cloned(), next_at: None, is_exhausted: false };
    let until = answered.map_or(now, |(_, at)| *at);
    let mut at = raised;
    for (rung, step) in ladder.iter().enumerate().skip(first) {
        if at > until {
            break;
        }
        let (roles, connector) = (step.roles.clone(), step.connector.clone());
        found.notices.push(Notice { at, rung, roles, connector });
        at = at.checked_add(step.minutes.saturating_mul(60 * Ticks::PER_SECOND)).unwrap_or(Ticks::MAX);
    }
    if answered.is_none() {
        found.is_exhausted = now >= at;
        found.next_at = (!found.is_exhausted).then_some(at);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ladder() -> Vec<Rung> {
        let rung = |role: &str, minutes| Rung {
            roles: vec![role.to_owned()],
            connector: "page".to_owned(),
            minutes,
        };
        vec![rung("analyst", 15), rung("commander", 30), rung("officer", 60)]
    }

    fn minute(minute: i64) -> Ticks {
        Ticks::new(600_000_000_000_000_000 + minute * 60 * Ticks::PER_SECOND).unwrap_or(Ticks::MIN)
    }

    fn check(
        first: usize,
        answer: Option<i64>,
        now: i64,
        rungs: &[usize],
        next: Option<i64>,
        exhausted: bool,
    ) {
        let answers: Vec<(String, Ticks)> =
            answer.map(|at| ("ann".to_owned(), minute(at))).into_iter().collect();
        let found = standing(&ladder(), first, minute(0), &answers, minute(now));
        assert_eq!(found.notices.iter().map(|notice| notice.rung).collect::<Vec<_>>(), rungs);
        assert_eq!((found.next_at, found.is_exhausted), (next.map(minute), exhausted), "{now}");
    }

    #[test]
    fn nobody_answers() {
        check(0, None, 0, &[0], Some(15), false);
        check(0, None, 14, &[0], Some(15), false);
        check(0, None, 15, &[0, 1], Some(45), false);
        check(0, None, 100, &[0, 1, 2], Some(105), false);
        check(0, None, 105, &[0, 1, 2], None, true);
        check(1, None, 10, &[1], Some(30), false);
    }

    #[test]
    fn an_answer_ends_it() {
        check(0, Some(10), 200, &[0], None, false);
        check(0, Some(20), 200, &[0, 1], None, false);
        check(0, Some(20), 18, &[0, 1], Some(45), false);
    }

    proptest! {
        #[test]
        fn later_tells_no_fewer(early in 0_i64..200, later in 0_i64..200) {
            let of = |now| standing(&ladder(), 0, minute(0), &[], minute(now)).notices.len();
            prop_assert!(of(early.min(later)) <= of(early.max(later)));
        }
    }
}
