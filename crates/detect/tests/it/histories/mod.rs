//! What happens to incidents: commands, merges and splits, and that changes alone make the state again.

mod replay;

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_detect::entity::{Entities, Entity, EntityType};
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::incident::{
    Became, By, Change, Classification, Command, IncidentError, Incidents, Order, Owner, Reason, Status,
    Update, Verdict, What, incident_columns, incident_row,
};
use castellan_detect::rule::{Rule, Severity, Tactic};
use castellan_detect::run::{Alert, Details};
use castellan_kql::Value;

use crate::support::{now, rule, time};

const GROUPED: &str = "incidentConfiguration: { createIncident: true, groupingConfiguration: { enabled: true, matchingMethod: AllEntities } }\n";

fn minutes(count: i64) -> Ticks {
    time("2026-11-21T00:00:00Z").checked_add(count * 60 * Ticks::PER_SECOND).unwrap()
}

/// A rule of a number, which groups by all entities.
fn numbered(number: usize) -> Rule {
    let made = rule(GROUPED, "Logons");
    Rule { id: format!("rule-{number}").into(), name: format!("Rule {number}").into(), ..made }
}

/// An alert of a rule, at a minute, about agents, accounts and a trace.
fn alert(rule: &Rule, at: i64, agents: &[&str], accounts: &[&str], trace: &str) -> Alert {
    let mut entities = Entities::default();
    for agent in agents {
        entities.add(Entity::new(EntityType::AiAgent, [("AgentId", *agent)]).unwrap());
    }
    for account in accounts {
        entities.add(Entity::new(EntityType::Account, [("FullName", *account)]).unwrap());
    }
    let mut details = Details::default();
    details.add(&Arc::from("Trace"), trace.to_owned());
    let text = format!("{} {at} {agents:?} {accounts:?} {trace}", rule.id);
    Alert {
        id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()),
        rule: Arc::clone(&rule.id),
        rule_name: Arc::clone(&rule.name),
        name: rule.name.to_string(),
        description: String::new(),
        severity: Severity::Medium,
        tactics: vec![Tactic::Execution],
        techniques: Vec::new(),
        raised: minutes(at + 5),
        start: minutes(at),
        end: minutes(at),
        entities,
        details,
        results: 1,
        identities: Vec::new(),
        properties: std::collections::BTreeMap::new(),
        context: Arc::default(),
    }
}

fn by(name: &str) -> By {
    By::Person(name.to_owned())
}

fn order(incident: u32, order: Order) -> Command {
    Command { incident, seen: None, by: by("ann@contoso.com"), order }
}

/// Two incidents of unrelated alerts.
fn two() -> (Incidents, Vec<Change>) {
    let mut incidents = Incidents::default();
    let mut changes = Vec::new();
    for (number, agent) in [(1, "support"), (2, "sales")] {
        let rule = numbered(number);
        let found = alert(&rule, 10, &[agent], &[], agent);
        changes.extend(incidents.take(&rule, &found, Correlation::built_in(), now()).1);
    }
    assert_eq!(incidents.iter().count(), 2);
    (incidents, changes)
}

fn cell(incidents: &Incidents, number: u32, name: &str) -> Value {
    let at = incident_columns().iter().position(|column| &*column.name == name).unwrap();
    incident_row(incidents.get(number).unwrap())[at].clone()
}

#[test]
fn the_weights_of_the_product_are_read() {
    let read = |text: &str| {
        let mut sources = castellan_base::Sources::default();
        Correlation::read("correlation.yaml", text, &mut sources).map_err(|told| told.len())
    };
    let text = include_str!("../../../../../content/correlation.yaml");
    assert_eq!(read(text).as_ref(), Ok(Correlation::built_in()));
    assert!(Correlation::built_in().join < 1_000);
    assert_eq!(read(&format!("{text}\njoins: 3\n")), Err(1), "a member that is not known");
    assert_eq!(read(&text.replace("join: 50", "join: many")), Err(1));
    assert_eq!(
        read(&text.replace("  trace: {", "  traces: {")),
        Err(2),
        "one is not known, and one is missing"
    );
    assert!(read("").is_err() && read("[]").is_err() && read("a: {").is_err());
}

#[test]
fn what_many_have_or_strangers_share_says_less() {
    let mut incidents = Incidents::default();
    let mut take = |number: usize, agent: &str, account: &str, trace: &str| {
        let rule = numbered(number);
        let found = alert(&rule, 10, &[agent], &[account], trace);
        incidents.take(&rule, &found, Correlation::built_in(), now()).0
    };
    assert_eq!(take(1, "shared", "ann@x", "t1"), Became::Created(1));
    assert_eq!(take(2, "shared", "bob@x", "t2"), Became::Created(2), "two people use one agent");
    assert_eq!(take(3, "shared", "ann@x", "t3"), Became::Joined(1), "the same person and agent");
    // A service account that is in many incidents links no more, while a person does.
    let mut became = Vec::new();
    for at in 0..30 {
        let own = format!("agent{at}");
        became.push(take(10 + at, &own, "service@x", &own));
    }
    let created = became.iter().filter(|became| matches!(became, Became::Created(_))).count();
    assert!(created > 20, "{became:?}");
    let (one, two) = (take(50, "agent77", "service@x", "t77"), take(51, "agent78", "service@x", "t77"));
    assert!(matches!(one, Became::Created(_)), "what all have links nothing");
    assert_eq!(two.incident(), one.incident(), "a trace is never common");
}

#[test]
fn what_leads_to_what_and_goes_further_is_told() {
    let mut incidents = Incidents::default();
    let with = |found: Alert, tactic: Tactic, resource: Option<&str>| {
        let mut entities = found.entities.clone();
        let values = resource.map(|resource| [("ResourceId", resource)]);
        values.into_iter().for_each(|values| {
            entities.add(Entity::new(EntityType::AzureResource, values).unwrap());
        });
        Alert { tactics: vec![tactic], entities, ..found }
    };
    let id = "aaaaaaaa-2222-3333-4444-555555555555";
    let first = with(alert(&numbered(1), 10, &["support"], &[id], "t1"), Tactic::InitialAccess, None);
    let second =
        with(alert(&numbered(2), 40, &[], &[id], "t2"), Tactic::Exfiltration, Some("/subscriptions/s/v"));
    incidents.take(&numbered(1), &first, Correlation::built_in(), now());
    let (became, changes) = incidents.take(&numbered(2), &second, Correlation::built_in(), now());
    assert_eq!(became, Became::Joined(1));
    let What::Joined { links, .. } = &changes[0].what else { panic!("{changes:?}") };
    let told: Vec<&str> = links.iter().map(|link| link.says.as_str()).collect();
    assert_eq!(
        told,
        [
            &format!("Both are about the account `{id}`, 30 minutes apart.") as &str,
            &format!(
                "The identity `{id}` that an agent runs as acted on a resource after the agent was attacked."
            ),
            "It goes on from InitialAccess to Exfiltration.",
        ]
    );
    // Long after, it is another story.
    let late = with(alert(&numbered(3), 10_000, &[], &[id], "t3"), Tactic::Impact, None);
    assert_eq!(incidents.take(&numbered(3), &late, Correlation::built_in(), now()).0, Became::Created(2));
}

#[test]
fn a_thousand_firings_are_counted_and_not_copied() {
    let rule = numbered(1);
    let mut incidents = Incidents::default();
    for at in 0..1_000 {
        let found = alert(&rule, at % 200, &["support"], &[], &format!("t{at}"));
        incidents.take(&rule, &found, Correlation::built_in(), now());
    }
    let incident = incidents.get(1).unwrap();
    assert_eq!((incidents.iter().count(), incident.firings.len()), (1, 1));
    assert_eq!((incident.alert_count(), incident.alert_ids().count(), incident.unlisted), (1_000, 1_000, 0));
    let firing = incident.firings.values().next().unwrap();
    assert_eq!((firing.count, firing.alert.results), (1_000, 1_000));
    assert_eq!((incident.first_activity, incident.last_activity), (minutes(0).get(), minutes(199).get()));
    assert!(firing.alert.keys.len() <= castellan_detect::incident::MAX_KEYS);
}

#[test]
fn many_different_alerts_of_one_rule_are_quick() {
    let text = "incidentConfiguration: { createIncident: true, groupingConfiguration: { enabled: true, matchingMethod: AnyAlert } }\n";
    let rule = Rule { incident: rule(text, "Logons").incident, ..numbered(1) };
    let mut incidents = Incidents::default();
    let begun = std::time::Instant::now();
    for at in 0..2_200 {
        let own = format!("agent{at}");
        let found = alert(&rule, at % 200, &[&own], &["service@x"], &own);
        incidents.take(&rule, &found, Correlation::built_in(), now());
    }
    let incident = incidents.get(1).unwrap();
    eprintln!("2,200 alerts in one incident: {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!((incidents.iter().count(), incident.alert_count()), (1, 2_200));
    // What there is no place for is counted by rule.
    assert_eq!(incident.firings.len(), castellan_detect::incident::MAX_FIRINGS + 1);
    assert_eq!(incident.alert_ids().count(), 2_200);
    assert!(begun.elapsed().as_secs() < 240);
}

#[test]
fn what_a_person_says_stays() {
    let (mut incidents, _) = two();
    let lower =
        Update { severity: Some(Severity::Low), title: Some("Known test".to_owned()), description: None };
    incidents.command(&order(1, Order::Update(lower)), now()).unwrap();
    let rule = numbered(1);
    let worse = Alert { severity: Severity::High, ..alert(&rule, 20, &["support"], &[], "t9") };
    let (became, _) = incidents.take(&rule, &worse, Correlation::built_in(), now());
    assert_eq!(became, Became::Joined(1));
    let incident = incidents.get(1).unwrap();
    assert_eq!((incident.severity, incident.computed_severity), (Severity::Low, Severity::High));
    assert_eq!(incident.title, "Known test");
    incidents.command(&order(1, Order::ComputeSeverity), now()).unwrap();
    assert_eq!(incidents.get(1).unwrap().severity, Severity::High);
}

#[test]
fn what_was_thought_does_not_outlive_reopening() {
    let (mut incidents, _) = two();
    let verdict = Verdict {
        classification: Classification::BenignPositive,
        reason: Some(Reason::SuspiciousButExpected),
        comment: "A test.".to_owned(),
    };
    let wrong = Verdict { reason: Some(Reason::InaccurateData), ..verdict.clone() };
    let close = |verdict| order(1, Order::SetStatus { status: Status::Closed, verdict });
    assert!(matches!(incidents.command(&close(Some(wrong)), now()), Err(IncidentError::Reason { .. })));
    incidents.command(&close(Some(verdict)), now()).unwrap();
    assert_eq!(cell(&incidents, 1, "ClassificationReason"), Value::string("SuspiciousButExpected"));
    assert_eq!(cell(&incidents, 1, "ClosedTime"), Value::datetime(now().get()));
    let open = order(1, Order::SetStatus { status: Status::Active, verdict: None });
    incidents.command(&open, now()).unwrap();
    assert_eq!(cell(&incidents, 1, "ClosedTime"), Value::Null);
    assert_eq!(cell(&incidents, 1, "Classification"), Value::string(""));
    assert!(incidents.get(1).unwrap().verdict.is_none());
    assert_eq!(incidents.command(&close(None), now()), Err(IncidentError::Unclassified(1)));
}

#[test]
fn who_looked_at_another_version_is_told() {
    let (mut incidents, _) = two();
    let seen = incidents.get(1).unwrap().version;
    let comment =
        |seen| Command { seen: Some(seen), ..order(1, Order::Comment { text: "Mine.".to_owned() }) };
    incidents.command(&comment(seen), now()).unwrap();
    let stale = IncidentError::Stale { number: 1, seen, version: seen + 1 };
    assert_eq!(incidents.command(&comment(seen), now()), Err(stale));
    incidents.command(&comment(seen + 1), now()).unwrap();
    assert_eq!(incidents.get(1).unwrap().comments.len(), 2);
    assert_eq!(incidents.command(&order(9, Order::ComputeSeverity), now()), Err(IncidentError::Unknown(9)));
}

#[test]
fn the_row_says_what_people_did() {
    let (mut incidents, _) = two();
    let owner =
        Owner { assigned_to: "Ann".to_owned(), email: "ann@contoso.com".to_owned(), ..Owner::default() };
    for wanted in [
        Order::Assign { owner },
        Order::Comment { text: "Looks real.".to_owned() },
        Order::Tag { names: vec!["agents".to_owned(), "agents".to_owned(), " ".to_owned()] },
        Order::AddTask { title: "Rotate the key".to_owned(), description: String::new() },
        Order::AddTask { title: "Tell the owner".to_owned(), description: String::new() },
        Order::FinishTask { task: 1 },
        Order::AddEvidence {
            name: "prompt".to_owned(),
            digest: "blake3:00".to_owned(),
            kind: "prompt".to_owned(),
        },
    ] {
        assert_eq!(incidents.command(&order(1, wanted), now()).unwrap().len(), 1);
    }
    assert!(incidents.command(&order(1, Order::FinishTask { task: 1 }), now()).unwrap().is_empty());
    assert_eq!(
        incidents.command(&order(1, Order::FinishTask { task: 7 }), now()),
        Err(IncidentError::Task { number: 1, task: 7 })
    );
    let text = |column| cell(&incidents, 1, column).to_text();
    assert!(text("Owner").contains("\"email\":\"ann@contoso.com\""), "{}", text("Owner"));
    assert!(text("Comments").contains("Looks real.") && text("Comments").contains("2026-11-21T10:00:00"));
    assert_eq!(text("Labels").matches("labelName").count(), 1);
    let tasks = text("Tasks");
    assert!(tasks.contains("\"status\":\"Completed\"") && tasks.contains("\"status\":\"New\""), "{tasks}");
    assert_eq!(tasks.matches("lastCompletedTimeUtc").count(), 1);
    assert!(text("AdditionalData").contains("\"commentsCount\":1"));
}

#[test]
fn merged_incidents_are_one_and_come_apart_again() {
    let (mut incidents, _) = two();
    incidents.command(&order(2, Order::Comment { text: "Of two.".to_owned() }), now()).unwrap();
    let made = incidents.command(&order(1, Order::Merge { from: vec![2] }), now()).unwrap();
    assert!(made.iter().all(|change| change.concerns(1) && change.concerns(2)));
    let one = incidents.get(1).unwrap();
    assert_eq!((one.alert_count(), one.comments.len()), (2, 1));
    let two = incidents.get(2).unwrap();
    assert_eq!((two.status, two.merged_into, two.alert_count()), (Status::Closed, Some(1), 0));
    let again = order(2, Order::Comment { text: "More.".to_owned() });
    assert_eq!(incidents.command(&again, now()), Err(IncidentError::Merged { number: 2, into: 1 }));
    // Alerts of the rule of the second come to the first now.
    let rule = numbered(2);
    let next = alert(&rule, 12, &["sales"], &[], "t12");
    assert_eq!(incidents.take(&rule, &next, Correlation::built_in(), now()).0, Became::Joined(1));
    let ids: Vec<String> = incidents
        .get(1)
        .unwrap()
        .firings
        .values()
        .find(|firing| &*firing.alert.rule == "rule-2")
        .unwrap()
        .ids
        .clone();
    assert_eq!(ids.len(), 2);
    incidents.command(&order(1, Order::Split { alerts: ids.clone() }), now()).unwrap();
    let three = incidents.get(3).unwrap();
    assert_eq!((three.alert_count(), three.split_from, three.title.as_str()), (2, Some(1), "Rule 2"));
    assert_eq!(incidents.get(1).unwrap().title, "Rule 1");
    let rest = incidents.get(1).unwrap().alert_ids().map(str::to_owned).collect();
    assert_eq!(
        incidents.command(&order(1, Order::Split { alerts: rest }), now()),
        Err(IncidentError::Nothing(1))
    );
    let gone = Order::Split { alerts: ids };
    assert!(matches!(incidents.command(&order(1, gone), now()), Err(IncidentError::Alert { .. })));
}

#[test]
fn an_alert_that_links_two_incidents_merges_them_or_proposes_it() {
    for touched in [false, true] {
        let (mut incidents, _) = two();
        if touched {
            incidents.command(&order(2, Order::Comment { text: "Mine.".to_owned() }), now()).unwrap();
        }
        let rule = numbered(3);
        let mut both = alert(&rule, 15, &["support", "sales"], &[], "support");
        both.details.add(&Arc::from("Trace"), "sales".to_owned());
        let (became, changes) = incidents.take(&rule, &both, Correlation::built_in(), now());
        assert_eq!(became, Became::Joined(1));
        let is_merged = changes.iter().any(|change| matches!(change.what, What::Merged { from: 2, .. }));
        assert_eq!(is_merged, !touched);
        assert_eq!(incidents.get(1).unwrap().proposals.len(), usize::from(touched));
        if touched {
            let decline = order(1, Order::DeclineMerge { with: 2 });
            incidents.command(&decline, now()).unwrap();
            let mut more = alert(&rule, 16, &["support", "sales"], &[], "support");
            more.details.add(&Arc::from("Trace"), "sales".to_owned());
            let (_, changes) = incidents.take(&rule, &more, Correlation::built_in(), now());
            assert_eq!(changes.len(), 1, "it is not proposed again: {changes:?}");
        }
    }
}

#[test]
fn what_was_closed_long_ago_is_archived() {
    let (mut incidents, _) = two();
    let verdict =
        Verdict { classification: Classification::TruePositive, reason: None, comment: String::new() };
    let close = Order::SetStatus { status: Status::Closed, verdict: Some(verdict) };
    incidents.command(&order(2, close), now()).unwrap();
    assert!(incidents.decide_archive(now(), now()).is_empty());
    let later = now().checked_add(1).unwrap();
    for change in incidents.decide_archive(later, later) {
        incidents.apply(&change).unwrap();
    }
    assert!(incidents.get(2).is_none() && incidents.get(1).is_some());
    let comment = order(2, Order::Comment { text: "Late.".to_owned() });
    assert_eq!(incidents.command(&comment, now()), Err(IncidentError::Archived(2)));
    let rule = numbered(7);
    let found = alert(&rule, 10, &["other"], &[], "t");
    assert_eq!(incidents.take(&rule, &found, Correlation::built_in(), now()).0, Became::Created(3));
}

#[test]
fn room_is_made_where_nobody_works() {
    let mut incidents = Incidents::default();
    for number in 0..10_usize {
        let rule = numbered(number);
        let own = format!("agent{number}");
        let at = minutes(1_000 + number as i64);
        incidents.take(&rule, &alert(&rule, 10, &[&own], &[], &own), Correlation::built_in(), at);
    }
    incidents.command(&order(1, Order::Comment { text: "Mine.".to_owned() }), now()).unwrap();
    assert!(incidents.decide_room(10, now()).is_empty());
    let room = incidents.decide_room(4, now());
    let numbers: Vec<u32> = room.iter().map(|change| change.incident).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7]);
    room.iter().for_each(|change| incidents.apply(change).unwrap());
    assert_eq!(incidents.iter().count(), 4);
}

#[test]
fn changes_that_do_not_fit_are_refused_and_change_nothing() {
    let (incidents, changes) = two();
    for change in &changes {
        let mut again = incidents.clone();
        assert!(again.apply(change).is_err());
        assert_eq!(again, incidents);
        let text = serde_json::to_string(change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), *change);
    }
    let mut empty = Incidents::default();
    let comment =
        Change { incident: 1, at: 0, by: by("ann"), what: What::Commented { text: "a".to_owned() } };
    assert!(empty.apply(&comment).is_err());
    assert_eq!(empty, Incidents::default());
}
