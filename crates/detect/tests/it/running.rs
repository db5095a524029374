//! One run of a rule, and the alerts that it makes.

use castellan_base::Ticks;
use castellan_detect::entity::EntityType;
use castellan_detect::rule::{Severity, Tactic};
use castellan_detect::run::{Alert, Memory, alert_columns, alert_row, once};
use castellan_kql::Value;

use crate::support::{logons, now, rule};

async fn alerts(extra: &str, query: &str, events: &Memory) -> Vec<Alert> {
    once(&rule(extra, query), events, now()).await.unwrap().1
}

fn cell(alert: &Alert, extra: &str, query: &str, name: &str) -> Value {
    let at = alert_columns().iter().position(|column| &*column.name == name).unwrap();
    alert_row(&rule(extra, query), alert)[at].clone()
}

const MAPPED: &str = "entityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: User } ]
  - entityType: IP
    fieldMappings: [ { identifier: Address, columnName: Ip } ]
customDetails: { Where: City }
alertDetailsOverride:
  alertDisplayNameFormat: Failed for {{User}}
  alertSeverityColumnName: Level
  alertTacticsColumnName: About
  alertDynamicProperties: [ { alertProperty: AlertLink, value: Link } ]
";

#[tokio::test]
async fn a_single_alert_of_all_results() {
    let events =
        logons(&[("09:10", "ann@contoso.com"), ("09:20", "bob@contoso.com"), ("09:30", "Ann@contoso.com")]);
    let query = "Logons | extend City = 'Bern', Level = iff(User == 'bob@contoso.com', 'High', 'Low'), \
                 About = 'Impact, Collection', Link = 'https://x'";
    let made = alerts(MAPPED, query, &events).await;
    let [alert] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((alert.results, alert.name.as_str()), (3, "Failed for ann@contoso.com"));
    // The worst of all results counts.
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(alert.tactics, [Tactic::Impact, Tactic::Collection]);
    assert_eq!(alert.entities.list().len(), 3, "two accounts and an address");
    assert_eq!(alert.details.values("Where"), ["Bern"]);
    assert_eq!(alert.start, "2026-11-21T09:10:00Z".parse().unwrap());
    assert_eq!(alert.end, "2026-11-21T09:30:00Z".parse().unwrap());
    assert_eq!(cell(alert, MAPPED, query, "AlertLink"), Value::string("https://x"));
    assert_eq!(cell(alert, MAPPED, query, "Tactics"), Value::string("Impact, Collection"));
    assert_eq!(cell(alert, MAPPED, query, "CompromisedEntity"), Value::string("ann@contoso.com"));
    let Value::String(properties) = cell(alert, MAPPED, query, "ExtendedProperties") else { panic!() };
    let properties: serde_json::Value = serde_json::from_str(&properties).unwrap();
    assert_eq!(properties["Custom Details"], r#"{"Where":["Bern"]}"#);
    assert_eq!(properties["Search Query Results Overall Count"], "3");
    assert_eq!(properties["Data Sources"], r#"["Logons"]"#);
    assert_eq!(properties["Query Period"], "PT1H");
}

#[tokio::test]
async fn an_alert_for_each_result_that_looks_different() {
    let many: Vec<(String, &str)> =
        (0..600).map(|at| (format!("09:{:02}", at % 60), "ann@contoso.com")).collect();
    let mut rows: Vec<(&str, &str)> = many.iter().map(|(time, user)| (time.as_str(), *user)).collect();
    rows.push(("09:40", "bob@contoso.com"));
    let events = logons(&rows);
    let extra = "eventGroupingSettings: { aggregationKind: AlertPerResult }\nentityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: User } ]\n";
    let mut made = alerts(extra, "Logons", &events).await;
    made.sort_by_key(|alert| alert.results);
    let counts: Vec<u64> = made.iter().map(|alert| alert.results).collect();
    assert_eq!(counts, [1, 600], "what nobody could tell apart is one alert, with its count");
    let again = alerts(extra, "Logons", &events).await;
    assert!(
        again.iter().all(|alert| made.iter().any(|known| known.id == alert.id)),
        "ids are the same each time"
    );
}

#[tokio::test]
async fn there_is_no_cap() {
    let users: Vec<String> = (0..700).map(|at| format!("user{at}@contoso.com")).collect();
    let rows: Vec<(&str, &str)> = users.iter().map(|user| ("09:30", user.as_str())).collect();
    let extra = "eventGroupingSettings: { aggregationKind: AlertPerResult }\nalertDetailsOverride: { alertDisplayNameFormat: '{{User}}' }\n";
    assert_eq!(alerts(extra, "Logons", &logons(&rows)).await.len(), 700);
}

#[tokio::test]
async fn a_run_sees_its_period_alone() {
    let events = logons(&[("08:59", "early"), ("09:00", "first"), ("09:59", "last"), ("10:00", "late")]);
    let extra = "eventGroupingSettings: { aggregationKind: AlertPerResult }\nalertDetailsOverride: { alertDisplayNameFormat: '{{User}}' }\n";
    let names: Vec<String> =
        alerts(extra, "Logons", &events).await.into_iter().map(|alert| alert.name).collect();
    assert_eq!(names, ["first", "last"]);
    // What the query says itself cannot go further.
    assert_eq!(alerts(extra, "Logons | where TimeGenerated > ago(30d)", &events).await.len(), 2);
    let time = alerts("customDetails: { Now: Now }\n", "Logons | extend Now = now()", &events).await;
    assert_eq!(time[0].details.values("Now"), ["2026-11-21T10:00:00.0000000Z"]);
}

#[tokio::test]
async fn that_nothing_is_there_is_an_alert_as_well() {
    let extra = "triggerOperator: lt\ntriggerThreshold: 1\n";
    let made = alerts(extra, "Logons", &logons(&[("08:00", "ann")])).await;
    let [alert] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((alert.results, alert.name.as_str()), (0, "Test"));
    assert_eq!(alert.end, now());
    assert!(alerts(extra, "Logons", &logons(&[("09:30", "ann")])).await.is_empty());
    assert!(alerts("triggerThreshold: 2\n", "Logons", &logons(&[("09:30", "ann")])).await.is_empty());
}

#[tokio::test]
async fn entities_that_a_column_holds() {
    let query = r#"Logons | extend E = '[{"$id":"3","Address":"10.0.0.5","Type":"ip"},{"$id":"4","HostName":"web1","Type":"host"}]'"#;
    let extra = "sentinelEntitiesMappings: [ { columnName: E } ]\n";
    let made = alerts(extra, query, &logons(&[("09:30", "ann")])).await;
    let kinds: Vec<EntityType> = made[0].entities.list().iter().map(|entity| entity.entity).collect();
    assert_eq!(kinds, [EntityType::Ip, EntityType::Host]);
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let events = logons(&[("09:30", "ann")]);
    for (query, message) in [
        ("Logons | where Nobody == 1", "there is no column or variable `Nobody`"),
        ("Logins", "there is no table `Logins`"),
        ("Logons; Logons", "has 2 results"),
        ("Logons | fork (count) (take 1)", "has 2 results"),
    ] {
        let failure = once(&rule("", query), &events, now()).await.unwrap_err();
        assert!(failure.to_string().contains(message), "{query}: {failure}");
    }
}

#[tokio::test]
async fn tables_without_times_are_seen_whole() {
    let mut events = logons(&[("09:30", "ann")]);
    let rows = serde_json::from_str(r#"[ { "Name": "ann", "Team": "red" } ]"#).unwrap();
    events.add_json("People", Vec::new(), &rows).unwrap();
    let made = alerts(
        "customDetails: { Team: Team }\n",
        "Logons | lookup People on $left.User == $right.Name",
        &events,
    )
    .await;
    assert_eq!(made[0].details.values("Team"), ["red"]);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let mut events = Memory::default();
    let rows = serde_json::from_str(r#"[ { "TimeGenerated": "yesterday" } ]"#).unwrap();
    let wrong = events.add_json("T", Vec::new(), &rows).unwrap_err().to_string();
    assert!(
        wrong.contains("row 1 of `T`: `TimeGenerated` is `\"yesterday\"`, which is no datetime"),
        "{wrong}"
    );
    assert!(Ticks::new(0).is_some());
}
