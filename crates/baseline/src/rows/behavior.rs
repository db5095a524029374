//! Rows of `BehaviorAnalytics` and `Anomalies`. Source: Microsoft Sentinel, UEBA reference, and the tables' reference.

use castellan_kql::value::format_datetime;
use serde_json::{Map, Value, json};

use super::baselines::rounded;
use super::{ANOMALIES, BEHAVIOR, Row};
use crate::activity::Activity;
use crate::definition::Definition;
use crate::judge::{Judged, Verdict};
use crate::state::State;

/// Truth values stand as texts, as in the table that queries are written for.
fn truth(flag: bool) -> Value {
    if flag { "True".into() } else { "False".into() }
}

/// An activity.
pub(crate) fn row(
    state: &State,
    definition: &Definition,
    activity: &Activity,
    judged: &Judged,
    now: i64,
) -> Value {
    let known = state.actors.get(&activity.actor);
    let name = known.map_or(&activity.name, |actor| &actor.name.text);
    let name = if activity.name.is_empty() { name } else { &activity.name };
    let name = if name.is_empty() { &activity.actor } else { name };
    let is_enough = judged.verdict != Verdict::InsufficientHistory;
    let priority = if is_enough { Value::from(judged.priority) } else { Value::Null };
    let users = json!({
        "ActorType": definition.actor.as_str(), "ActorId": &*activity.actor,
        "PeerGroup": known.map(|actor| &*actor.group.text).unwrap_or_default(),
        "Peers": known.map_or(0, |actor| actor.peers.len()),
        "IsNewAccount": truth(known.is_none()),
    });
    json!({
        "TimeGenerated": format_datetime(activity.time),
        "TimeProcessed": format_datetime(now),
        "ActivityType": &definition.behavior.activity_type,
        "ActionType": &definition.behavior.action_type,
        "EventSource": &definition.behavior.source,
        "EventVendor": "Castellan",
        "EventProductVersion": &definition.version,
        "NativeTableName": definition.tables.first(),
        "SourceRecordId": &*activity.record,
        "UserName": &**name,
        "UserPrincipalName": &**name,
        "ActorName": &**name,
        "ActorPrincipalName": &*activity.actor,
        "SourceIPAddress": &*activity.address,
        "SourceIPLocation": &*activity.country,
        "TargetName": &*activity.target,
        "InvestigationPriority": priority,
        "ActivityInsights": insights(definition, judged),
        "UsersInsights": users,
        "SourceSystem": "Castellan",
        "Type": BEHAVIOR,
    })
}

fn insights(definition: &Definition, judged: &Judged) -> Value {
    let mut members = Map::new();
    for insight in &judged.insights {
        let names = insight.kind.names();
        members.insert(names.first.to_owned(), truth(insight.is_first));
        members.insert(names.uncommon.to_owned(), truth(insight.is_uncommon));
        let of_others = [
            (names.uncommon_among_peers, insight.is_uncommon_among_peers),
            (names.first_in_tenant, insight.is_first_in_tenant),
            (names.uncommon_in_tenant, insight.is_uncommon_in_tenant),
        ];
        for (name, flag) in of_others {
            // What too few are known for is left out: it is neither so nor otherwise.
            if let Some(flag) = flag {
                members.insert(name.to_owned(), truth(flag));
            }
        }
    }
    let values = judged.insights.iter().map(|insight| (insight.column.to_string(), json!(&*insight.value)));
    members.insert("Values".to_owned(), Value::Object(values.collect()));
    if let Some(is_uncommon) = judged.is_uncommon_hour {
        members.insert("UncommonHourOfWeek".to_owned(), truth(is_uncommon));
    }
    if let Some(excess) = &judged.excess {
        let unit = definition.volume.as_ref().map_or("", |volume| &volume.unit);
        members.insert("UncommonHighVolumeOfActions".to_owned(), truth(true));
        members.insert(
            "Volume".to_owned(),
            json!({"Unit": unit, "Of": excess.of, "Amount": excess.amount, "Median": rounded(excess.median),
                "Deviations": rounded(excess.score), "ComparedWith": excess.compared}),
        );
    }
    members.insert("Baseline".to_owned(), (&*definition.id).into());
    members.insert("Verdict".to_owned(), judged.verdict.as_str().into());
    members.insert("HistoryDays".to_owned(), judged.history.0.into());
    members.insert("HistoryActivities".to_owned(), judged.history.1.into());
    members.insert("Explanation".to_owned(), judged.explanation.clone().into());
    Value::Object(members)
}

/// An activity that is to be looked at, with what stands in its row of `BehaviorAnalytics`.
pub(crate) fn anomaly(
    definition: &Definition,
    activity: &Activity,
    judged: &Judged,
    behavior: &Value,
    now: i64,
) -> Value {
    let empty = Row::new();
    let behavior = behavior.as_object().unwrap_or(&empty);
    let of = |name: &str| behavior.get(name).cloned().unwrap_or_default();
    let id = blake3::hash(
        format!("{}\0{}\0{}\0{:?}", definition.id, activity.actor, activity.time, judged.explanation)
            .as_bytes(),
    );
    let reasons: Vec<Value> = judged
        .explanation
        .iter()
        .map(|line| json!({"Name": &definition.name, "Description": line}))
        .collect();
    json!({
        "TimeGenerated": format_datetime(now),
        "StartTime": format_datetime(activity.time),
        "EndTime": format_datetime(activity.time),
        "Id": id.to_hex().as_str(),
        "VendorName": "Castellan",
        "AnomalyTemplateId": &*definition.id,
        "AnomalyTemplateName": &definition.name,
        "AnomalyTemplateVersion": &definition.version,
        "RuleId": &*definition.id,
        "RuleName": &definition.name,
        "RuleStatus": "Production",
        "RuleConfigVersion": &definition.version,
        "Description": judged.explanation.join("; "),
        "Score": f64::from(judged.priority) / 10.0,
        "Tactics": definition.tactics.join(", "),
        "Techniques": definition.techniques.join(", "),
        "UserName": of("UserName"),
        "UserPrincipalName": of("UserPrincipalName"),
        "SourceIpAddress": of("SourceIPAddress"),
        "SourceLocation": json!({"Country": of("SourceIPLocation")}),
        "ActivityInsights": of("ActivityInsights"),
        "UserInsights": of("UsersInsights"),
        "AnomalyReasons": reasons,
        "AnomalyDetails": json!({"Priority": judged.priority, "Verdict": judged.verdict.as_str()}),
        "SourceSystem": "Castellan",
        "Type": ANOMALIES,
    })
}
