//! Rows of `CastellanBaselines`.

use std::sync::Arc;

use castellan_kql::value::format_datetime;
use serde_json::{Value, json};

use super::BASELINES;
use crate::activity::day;
use crate::definition::Definition;
use crate::judge::{is_enough, rarity};
use crate::measure::Spread;
use crate::state::{Actor, State};

/// A value of an actor.
pub(crate) struct About<'a> {
    pub(crate) id: &'a Arc<str>,
    pub(crate) dimension: usize,
    pub(crate) value: &'a Arc<str>,
    /// What is said of it where it just came in.
    pub(crate) verdict: Option<&'static str>,
}

/// What stands in all rows of an actor.
fn common(state: &State, definition: &Definition, id: &str, actor: &Actor, now: i64) -> Value {
    let today = day(now.saturating_sub(1));
    let (days, activities) = actor.history(today);
    json!({
        "TimeGenerated": format_datetime(now),
        "Definition": &*definition.id,
        "DefinitionVersion": &definition.version,
        "ActorType": definition.actor.as_str(),
        "Actor": id,
        "ActorName": &*actor.name.text,
        "PeerGroup": &*actor.group.text,
        "ActorFirstSeen": format_datetime(actor.first),
        "ActorLastSeen": format_datetime(actor.last),
        "HistoryDays": days,
        "HistoryActivities": activities,
        "HasHistory": is_enough(definition, (days, activities)),
        "Actors": state.actors.len(),
        "Peers": actor.peers.len(),
        "SourceSystem": "Castellan",
        "Type": BASELINES,
    })
}

/// A row with further members.
fn with(mut row: Value, more: Value) -> Value {
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

/// A value of an actor; nothing where it is gone.
pub(crate) fn value_row(state: &State, definition: &Definition, about: &About<'_>, now: i64) -> Value {
    let found = state.actors.get(about.id).and_then(|actor| {
        let values = actor.values.get(about.dimension)?;
        Some((actor, values, values.seen.get(about.value)?, definition.dimensions.get(about.dimension)?))
    });
    let Some((actor, values, seen, dimension)) = found else { return Value::Null };
    let today = day(now.saturating_sub(1));
    let (peers, with_value) = state.peers_with(&actor.peers, about.dimension, about.value);
    let all = u32::try_from(state.actors.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let others = state.known_by(about.dimension, about.value).saturating_sub(1);
    let weight = state.clock.read(seen.weight, today);
    let total = values.weight(&state.clock, today);
    let (distinct, is_capped) = values.distinct();
    let verdict = about.verdict.unwrap_or_else(|| {
        let is_known = is_enough(definition, actor.history(today));
        if is_known { "Known" } else { "InsufficientHistory" }
    });
    let more = json!({
        "Dimension": &*dimension.column,
        "DimensionKind": dimension.kind.as_str(),
        "Value": &**about.value,
        "Verdict": verdict,
        "FirstSeen": format_datetime(seen.first),
        "LastSeen": format_datetime(seen.last),
        "Count": seen.count,
        "Weight": rounded(weight),
        "Share": rounded(if total > 0.0 { weight / total } else { 0.0 }),
        "DistinctValues": distinct,
        "IsCapped": is_capped,
        "Peers": peers,
        "PeerCount": with_value,
        "ActorCount": others,
        "Rarity": rounded(rarity(all, others)),
    });
    with(common(state, definition, about.id, actor, now), more)
}

/// The sums of an actor by day and by hour.
pub(crate) fn volume_rows(state: &State, definition: &Definition, id: &str, now: i64) -> Vec<Value> {
    let (Some(volume), Some(actor)) = (&definition.volume, state.actors.get(id)) else { return Vec::new() };
    let today = day(now.saturating_sub(1));
    let spreads = [("Day", actor.daily(today)), ("Hour", actor.hourly(today))];
    let of = |(bucket, spread): (&str, Option<Spread>)| {
        let spread = spread?;
        let more = json!({
            "Dimension": "Volume",
            "DimensionKind": "Volume",
            "Value": bucket,
            "Verdict": if is_enough(definition, actor.history(today)) { "Known" } else { "InsufficientHistory" },
            "VolumeUnit": &volume.unit,
            "VolumeMean": rounded(spread.mean),
            "VolumeDeviation": rounded(spread.deviation),
            "VolumeMedian": rounded(spread.median),
            "VolumeCount": spread.count,
        });
        Some(with(common(state, definition, id, actor, now), more))
    };
    spreads.into_iter().filter_map(of).collect()
}

/// To six digits: what lies behind is noise.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
