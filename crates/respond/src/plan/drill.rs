//! Tabletop drills: a scenario with its minutes, what players do, and what the plan has to say then.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use serde::Serialize;

use super::clock::due;
use super::escalation::standing;
use super::{Handbook, Plan};

/// A drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The plan that is rehearsed.
    pub plan: String,
    /// When it begins.
    pub begins: Ticks,
    /// How severe the incident is.
    pub severity: String,
    /// What happens, by minutes.
    pub lines: Vec<Line>,
}

/// One line of a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The one who leads the drill says something.
    Inject(i64, String),
    /// Somebody answers the escalation.
    Answer(i64, String),
    /// A moment of the case becomes known: `aware`.
    Moment(i64, String),
    /// A stage of a clock is done: `gdpr/notify`.
    Done(i64, String),
    /// These roles have been told by now.
    ExpectTold(i64, Vec<String>),
    /// This stage is due at this time.
    ExpectDue(i64, String, Ticks),
    /// This stage is late.
    ExpectLate(i64, String),
    /// A template can be filled in.
    ExpectTemplate(i64, String, BTreeMap<String, String>),
}

impl Line {
    /// Minutes since the beginning.
    pub fn minute(&self) -> i64 {
        match self {
            Line::Inject(minute, _)
            | Line::Answer(minute, _)
            | Line::Moment(minute, _)
            | Line::Done(minute, _)
            | Line::ExpectTold(minute, _)
            | Line::ExpectDue(minute, ..)
            | Line::ExpectLate(minute, _)
            | Line::ExpectTemplate(minute, ..) => *minute,
        }
    }
}

/// What came of a drill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Transcript {
    /// What happened, in order.
    pub lines: Vec<(Ticks, String)>,
    /// What was not as it has to be.
    pub failures: Vec<String>,
}

struct Case {
    begins: Ticks,
    first: usize,
    answers: Vec<(String, Ticks)>,
    moments: BTreeMap<String, Ticks>,
    done: BTreeSet<String>,
}

/// Plays a drill through. Nobody is told anything.
pub fn rehearse(handbook: &Handbook, drill: &Drill) -> Transcript {
    let mut transcript = Transcript::default();
    let Some(plan) = handbook.plan(&drill.plan) else {
        transcript.failures.push(format!("there is no plan `{}`", drill.plan));
        return transcript;
    };
    let severity = plan.severities.iter().find(|(name, ..)| *name == drill.severity);
    let Some((_, _, first)) = severity else {
        transcript.failures.push(format!("the plan has no severity `{}`", drill.severity));
        return transcript;
    };
    let mut case = Case {
        begins: drill.begins,
        first: *first,
        answers: Vec::new(),
        moments: BTreeMap::new(),
        done: BTreeSet::new(),
    };
    let mut lines: Vec<&Line> = drill.lines.iter().collect();
    lines.sort_by_key(|line| line.minute());
    for line in lines {
        let ticks = line.minute().saturating_mul(60 * Ticks::PER_SECOND);
        let at = drill.begins.checked_add(ticks).unwrap_or(Ticks::MAX);
        match play(handbook, plan, &mut case, line, at) {
            Ok(told) => transcript.lines.push((at, told)),
            Err(failure) => transcript.failures.push(format!("minute {}: {failure}", line.minute())),
        }
    }
    transcript
}

fn play(handbook: &Handbook, plan: &Plan, case: &mut Case, line: &Line, at: Ticks) -> Result<String, String> {
    match line {
        Line::Inject(_, text) => Ok(text.clone()),
        Line::Answer(_, who) => {
            case.answers.push((who.clone(), at));
            Ok(format!("{who} answers"))
        }
        Line::Moment(_, moment) => {
            case.moments.insert(moment.clone(), at);
            Ok(format!("`{moment}` is known"))
        }
        Line::Done(_, stage) => {
            case.done.insert(stage.clone());
            case.moments.insert(stage.clone(), at);
            Ok(format!("{stage} is done"))
        }
        Line::ExpectTold(_, roles) => {
            let standing = standing(&plan.ladder, case.first, case.begins, &case.answers, at);
            let told: Vec<String> = standing.notices.into_iter().flat_map(|notice| notice.roles).collect();
            if told == *roles {
                Ok(format!("told: {}", told.join(", ")))
            } else {
                Err(format!("told are {told:?}, not {roles:?}"))
            }
        }
        Line::ExpectDue(_, stage, wanted) => {
            let found = stage_of(handbook, plan, case, stage, at)?;
            match found.deadline {
                Some(deadline) if deadline == *wanted => {
                    Ok(format!("{stage} is due at {deadline} ({})", found.citation))
                }
                Some(deadline) => Err(format!("{stage} is due at {deadline}, not at {wanted}")),
                None => Err(format!("{stage} has not started: `{}` is not known", found.from)),
            }
        }
        Line::ExpectLate(_, stage) => {
            let found = stage_of(handbook, plan, case, stage, at)?;
            let is_late = !found.is_done && found.left_seconds.is_some_and(|left| left < 0);
            if is_late { Ok(format!("{stage} is late")) } else { Err(format!("{stage} is not late")) }
        }
        Line::ExpectTemplate(_, template, values) => plan.say(template, values),
    }
}

fn stage_of(
    handbook: &Handbook,
    plan: &Plan,
    case: &Case,
    stage: &str,
    at: Ticks,
) -> Result<super::Due, String> {
    let all = due(handbook.clocks_of(plan), &case.moments, &case.done, at);
    let found = all.into_iter().find(|due| format!("{}/{}", due.clock, due.stage) == stage);
    found.ok_or_else(|| format!("the plan has no clock with the stage `{stage}`"))
}
