//! Which alerts come together in incidents.

use castellan_base::Ticks;
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::incident::{
    Became, By, Classification, Command, IncidentError, Incidents, Order, Status, Verdict, incident_columns,
    incident_row,
};
use castellan_detect::rule::{Rule, Severity, duration};
use castellan_detect::run::{Alert, once};
use castellan_kql::Value;

use crate::support::{logons, now, rule};

const MAPPED: &str = "eventGroupingSettings: { aggregationKind: AlertPerResult }
entityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: User } ]
  - entityType: IP
    fieldMappings: [ { identifier: Address, columnName: Ip } ]
customDetails: { Level: Level }
alertDetailsOverride: { alertSeverityColumnName: Level, alertDisplayNameFormat: 'A {{Level}}' }
";

/// A rule with a grouping, and an alert of it for each user and level.
async fn alerts(grouping: &str, of: &[(&str, &str)]) -> (Rule, Vec<Alert>) {
    let extra = format!(
        "{MAPPED}incidentConfiguration: {{ createIncident: true, groupingConfiguration: {{ {grouping} }} }}\n"
    );
    let mut all = Vec::new();
    for (user, level) in of {
        let rule = rule(&extra, &format!("Logons | extend Level = '{level}'"));
        all.extend(once(&rule, &logons(&[("09:30", user)]), now()).await.unwrap().1);
    }
    (rule(&extra, "Logons | extend Level = ''"), all)
}

/// Rules by themselves: nothing comes together beyond what they say.
fn add(incidents: &mut Incidents, rule: &Rule, alert: &Alert, now: Ticks) -> Became {
    incidents.take(rule, alert, &Correlation::default(), now).0
}

fn close(verdict: Option<Classification>) -> Command {
    let verdict =
        verdict.map(|classification| Verdict { classification, reason: None, comment: String::new() });
    let order = Order::SetStatus { status: Status::Closed, verdict };
    Command { incident: 1, seen: None, by: By::Person("ann".to_owned()), order }
}

async fn numbers(grouping: &str, of: &[(&str, &str)]) -> Vec<u32> {
    let (rule, alerts) = alerts(grouping, of).await;
    let mut incidents = Incidents::default();
    let number = |became: Became| became.incident().unwrap_or_default();
    alerts.iter().map(|alert| number(add(&mut incidents, &rule, alert, now()))).collect()
}

const OF: [(&str, &str); 4] =
    [("ann@x.com", "Low"), ("ann@x.com", "High"), ("bob@x.com", "Low"), ("bob@x.com", "Medium")];

#[tokio::test]
async fn alerts_come_together_as_the_rule_says() {
    for (grouping, expected) in [
        ("enabled: false, matchingMethod: AnyAlert", [1, 2, 3, 4]),
        ("enabled: true, matchingMethod: AnyAlert", [1, 1, 1, 1]),
        ("enabled: true, matchingMethod: AllEntities", [1, 1, 2, 2]),
        ("enabled: true, matchingMethod: Selected, groupByEntities: [IP]", [1, 1, 1, 1]),
        ("enabled: true, matchingMethod: Selected, groupByEntities: [Account]", [1, 1, 2, 2]),
        ("enabled: true, matchingMethod: Selected, groupByAlertDetails: [Severity]", [1, 2, 1, 3]),
        (
            "enabled: true, matchingMethod: Selected, groupByAlertDetails: [DisplayName], groupByEntities: [Account]",
            [1, 2, 3, 4],
        ),
        ("enabled: true, matchingMethod: Selected, groupByCustomDetails: [Level]", [1, 2, 1, 3]),
        ("enabled: true, matchingMethod: Selected", [1, 2, 3, 4]),
    ] {
        assert_eq!(numbers(grouping, &OF).await, expected, "{grouping}");
    }
}

#[tokio::test]
async fn an_incident_is_the_worst_of_its_alerts() {
    let (rule, alerts) = alerts("enabled: true, matchingMethod: AnyAlert", &OF).await;
    let mut incidents = Incidents::default();
    for alert in alerts.iter().chain(&alerts) {
        add(&mut incidents, &rule, alert, now());
    }
    let incident = incidents.get(1).unwrap();
    assert_eq!((incident.severity, incident.alert_count()), (Severity::High, 4), "an alert twice is one");
    let row = incident_row(incident);
    let cell = |name: &str| {
        let at = incident_columns().iter().position(|column| &*column.name == name).unwrap();
        row[at].clone()
    };
    assert_eq!(cell("IncidentNumber"), Value::Int(1));
    assert_eq!(cell("Title"), Value::string("A Low"));
    assert_eq!(cell("Status"), Value::string("New"));
    assert_eq!(cell("CreatedTime"), Value::datetime(now().get()));
    assert!(cell("AlertIds").to_text().contains(&alerts[3].id.to_string()));
    let text = serde_json::to_string(&incidents).unwrap();
    assert_eq!(serde_json::from_str::<Incidents>(&text).unwrap(), incidents);
}

#[tokio::test]
async fn closed_and_old_incidents_take_no_alerts() {
    for (reopen, expected) in [(false, Became::Created(2)), (true, Became::Reopened(1))] {
        let grouping = format!(
            "enabled: true, matchingMethod: AnyAlert, reopenClosedIncident: {reopen}, lookbackDuration: 5h"
        );
        let (rule, alerts) = alerts(&grouping, &OF).await;
        let mut incidents = Incidents::default();
        assert_eq!(add(&mut incidents, &rule, &alerts[0], now()), Became::Created(1));
        assert_eq!(incidents.command(&close(None), now()), Err(IncidentError::Unclassified(1)));
        incidents.command(&close(Some(Classification::FalsePositive)), now()).unwrap();
        assert_eq!(incidents.get(1).unwrap().closed, Some(now().get()));
        assert_eq!(add(&mut incidents, &rule, &alerts[1], now()), expected);
    }
    let (rule, alerts) = alerts("enabled: true, matchingMethod: AnyAlert, lookbackDuration: 1h", &OF).await;
    let mut incidents = Incidents::default();
    let then = now().checked_add(-61 * duration::MINUTE).unwrap();
    let early = Alert { raised: then, ..alerts[0].clone() };
    assert_eq!(add(&mut incidents, &rule, &early, then), Became::Created(1));
    assert_eq!(add(&mut incidents, &rule, &alerts[1], now()), Became::Created(2));
}

#[tokio::test]
async fn a_rule_may_make_no_incidents() {
    let extra = "incidentConfiguration: { createIncident: false }\n";
    let rule = rule(extra, "Logons");
    let (_, made) = once(&rule, &logons(&[("09:30", "ann")]), now()).await.unwrap();
    assert_eq!(add(&mut Incidents::default(), &rule, &made[0], now()), Became::Alone);
}

/// A crash between writing alerts and writing down how far the rule is brings them again.
#[tokio::test]
async fn an_alert_that_comes_again_makes_no_second_incident() {
    for grouping in ["enabled: false", "enabled: true, matchingMethod: AllEntities"] {
        let (rule, alerts) = alerts(grouping, &OF).await;
        let mut incidents = Incidents::default();
        for alert in alerts.iter().chain(&alerts) {
            add(&mut incidents, &rule, alert, now());
        }
        let once = incidents.iter().count();
        assert_eq!(
            incidents.iter().map(|incident| incident.alert_count()).sum::<u64>(),
            alerts.len() as u64,
            "{grouping}"
        );
        for alert in &alerts {
            assert!(matches!(add(&mut incidents, &rule, alert, now()), Became::Known(_)));
        }
        assert_eq!(incidents.iter().count(), once);
    }
}
