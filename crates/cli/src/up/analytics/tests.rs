//! Alerts once, wherever it is cut off.

use castellan_base::Sources;
use castellan_detect::asim::Functions;
use castellan_detect::rule::read::read;
use castellan_lake::{Form, Options};
use castellan_query::Settings;
use tempfile::TempDir;

use super::*;

const RULE: &str = "id: 1b7e3c1c-0000-4000-8000-000000000001\nname: Failed logons\nkind: Scheduled\nseverity: Medium\n\
    queryFrequency: 5m\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n\
    query: SigninLogs | where ResultType == '50126' | summarize Failed = count() by UserPrincipalName\n\
    entityMappings: [ { entityType: Account, fieldMappings: [ { identifier: FullName, columnName: UserPrincipalName } ] } ]\n";

fn time(text: &str) -> Ticks {
    format!("2026-11-21T{text}Z").parse().unwrap()
}

async fn lake(folder: &TempDir) -> Arc<Lake> {
    let options = Options { upkeep: false, ..Options::default() };
    Arc::new(Lake::open(&folder.path().join("l"), options).await.unwrap())
}

async fn analytics(folder: &TempDir, lake: &Arc<Lake>) -> Analytics {
    let rules = read("rule.yaml", RULE, &mut Sources::default()).rules;
    let system = castellan_base::OsSystem;
    let workspace = Workspace::open(Arc::clone(lake), None, Functions::default(), &system).unwrap();
    Analytics::of(workspace, rules, &folder.path().join("state"), time("10:00:00")).await.unwrap()
}

/// A failed logon that was taken in when it happened.
async fn failed_logon(lake: &Lake, at: &str, user: &str) {
    let time = time(at);
    let row =
        format!("{{\"TimeGenerated\":\"{time}\",\"UserPrincipalName\":\"{user}\",\"ResultType\":\"50126\"}}");
    let received = i64::try_from(time.unix_nanos() / 1_000).unwrap();
    let how = Append { received: Some(received), keeps_times: true, ..Append::default() };
    assert_eq!(lake.append("SigninLogs", row.as_bytes(), Form::Lines, how).await.unwrap().rows, 1);
}

/// How many rows a query gives.
async fn count(lake: &Lake, query: &str) -> usize {
    let answers = lake.engine(Settings::default()).query(query).await.unwrap();
    answers.answers[0].values().unwrap().len()
}

async fn check(lake: &Lake, alerts: usize, incidents: usize) {
    assert_eq!(count(lake, "SecurityAlert").await, alerts);
    assert_eq!(count(lake, "SecurityIncident").await, incidents);
}

#[tokio::test]
async fn an_event_makes_an_alert_once_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:06:30")).await;
    check(&lake, 1, 1).await;
    up.turn(time("10:06:40")).await;
    check(&lake, 1, 1).await;
    drop(up);
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:06:50")).await;
    // The next windows see the same logon.
    up.turn(time("10:11:30")).await;
    check(&lake, 1, 1).await;
    failed_logon(&lake, "10:12:00", "bob@contoso.com").await;
    drop(up);
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:16:30")).await;
    check(&lake, 2, 2).await;
    assert_eq!(count(&lake, "SecurityAlert | where Entities has 'bob'").await, 1);
    let numbers = "SecurityIncident | summarize by IncidentNumber, IncidentName";
    assert_eq!(count(&lake, numbers).await, 2);
    // What came late for a window that was looked at is found by the next run.
    let late = format!(
        "{{\"TimeGenerated\":\"{}\",\"UserPrincipalName\":\"eve@contoso.com\",\"ResultType\":\"50126\"}}",
        time("10:02:00")
    );
    let received = i64::try_from(time("10:17:00").unix_nanos() / 1_000).unwrap();
    let how = Append { received: Some(received), keeps_times: true, ..Append::default() };
    lake.append("SigninLogs", late.as_bytes(), Form::Lines, how).await.unwrap();
    up.turn(time("10:21:30")).await;
    check(&lake, 3, 3).await;
}

#[tokio::test]
async fn alerts_still_arrive_where_what_is_remembered_was_removed() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:06:30")).await;
    drop(up);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    failed_logon(&lake, "10:12:00", "bob@contoso.com").await;
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:16:30")).await;
    assert_eq!(count(&lake, "SecurityAlert | where Entities has 'bob'").await, 1);
}

/// Where a process is cut off after a run raised something.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The outbox is written, and nothing of it sent.
    Committed,
    /// So many calls of it are in the lake.
    Sent(usize),
    /// The rule's file is written as well, and the outbox still there.
    Remembered,
}

#[tokio::test]
async fn wherever_it_is_cut_off_alerts_come_once() {
    for cut in [Cut::Committed, Cut::Sent(1), Cut::Sent(2), Cut::Remembered] {
        let folder = TempDir::new().unwrap();
        let lake = lake(&folder).await;
        failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
        let mut up = analytics(&folder, &lake).await;
        raised_and_cut(&mut up, cut).await;
        drop(up);
        let mut up = analytics(&folder, &lake).await;
        up.turn(time("10:06:40")).await;
        check(&lake, 1, 1).await;
        assert!(up.ledger.outbox.is_none(), "{cut:?}");
        up.turn(time("10:11:30")).await;
        check(&lake, 1, 1).await;
        let state = &up.folder.rule(&up.rules[0].id).unwrap().state;
        assert_eq!(state.done, Some(time("10:10:00").get()), "{cut:?}");
    }
}

async fn raised_and_cut(up: &mut Analytics, cut: Cut) {
    let (rule, now) = (up.rules[0].clone(), time("10:06:30"));
    let mut state = State::default();
    let ran = run(&rule, &mut state, &up.workspace, now, &up.timing).await;
    up.commits(&rule, state, &ran.alerts, now).unwrap();
    let outbox = up.ledger.outbox.clone().unwrap();
    assert_eq!(outbox.calls.len(), 2);
    let sent = match cut {
        Cut::Committed => 0,
        Cut::Sent(count) => count,
        Cut::Remembered => 2,
    };
    for call in &outbox.calls[..sent] {
        let mark = Mark { source: SOURCE.into(), offset: call.offset };
        let how = Append { mark: Some(mark), ..Append::default() };
        append(up.workspace.lake(), &call.table, &call.rows, how).await.unwrap();
    }
    if matches!(cut, Cut::Remembered) {
        up.folder.keep_rule(&outbox.rule, &outbox.kept).unwrap();
    }
}

#[tokio::test]
async fn damaged_files_are_told_and_not_taken_for_none() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    drop(analytics(&folder, &lake).await);
    std::fs::write(folder.path().join("state/ledger.json"), "{\"offset\": ").unwrap();
    let system = castellan_base::OsSystem;
    let workspace = Workspace::open(lake, None, Functions::default(), &system).unwrap();
    let opened = Analytics::of(workspace, Vec::new(), &folder.path().join("state"), time("10:00:00")).await;
    assert!(opened.err().unwrap().to_string().contains("is damaged; restore it"));
}
