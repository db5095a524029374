//! Alerts once, wherever it is cut off.

use castellan_base::Sources;
use castellan_detect::asim::Functions;
use castellan_detect::rule::read::read;
use castellan_lake::{Append, Form, Options};
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
    let desk = Desk::open(&folder.path().join("state"), None, time("10:00:00")).unwrap();
    desk.attach(lake, time("10:00:00")).await.unwrap();
    Analytics::of(workspace, rules, &folder.path().join("state/analytics"), Arc::new(desk), time("10:00:00"))
        .unwrap()
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
    /// How far the rule will be is written, and nothing else.
    Prepared,
    /// The alerts are committed as well, and nothing of them sent.
    Committed,
    /// So many calls of them are in the lake.
    Sent(usize),
    /// The rule's file has taken its place as well.
    Settled,
}

#[tokio::test]
async fn wherever_it_is_cut_off_alerts_come_once() {
    for cut in [Cut::Prepared, Cut::Committed, Cut::Sent(1), Cut::Sent(2), Cut::Settled] {
        let folder = TempDir::new().unwrap();
        let lake = lake(&folder).await;
        failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
        let mut up = analytics(&folder, &lake).await;
        raised_and_cut(&mut up, cut).await;
        drop(up);
        let mut up = analytics(&folder, &lake).await;
        up.turn(time("10:06:40")).await;
        check(&lake, 1, 1).await;
        up.turn(time("10:11:30")).await;
        check(&lake, 1, 1).await;
        let state = &up.folder.rule(&up.rules[0].id).unwrap().state;
        assert_eq!(state.done, Some(time("10:10:00").get()), "{cut:?}");
        assert!(up.folder.pending(&up.rules[0].id).unwrap().is_none());
        up.desk.verify().unwrap();
    }
}

async fn raised_and_cut(up: &mut Analytics, cut: Cut) {
    let (rule, now) = (up.rules[0].clone(), time("10:06:30"));
    let mut state = State::default();
    let ran = run(&rule, &mut state, up.workspace.as_ref(), now, &up.timing).await;
    let kept = Kept { state, commit: unique().unwrap() };
    up.folder.prepare(&rule.id, &kept).unwrap();
    if matches!(cut, Cut::Prepared) {
        return;
    }
    let note = Note { key: key(&rule.id), value: kept.commit.clone() };
    up.desk.take(&rule, &ran.alerts, Some(note), now).unwrap();
    if matches!(cut, Cut::Settled) {
        up.folder.settle(&rule.id).unwrap();
    }
    let sent = match cut {
        Cut::Sent(count) => count,
        _ => 0,
    };
    up.desk.send_some(up.workspace.lake(), sent).await.unwrap();
}

#[tokio::test]
async fn damaged_files_are_told_and_not_taken_for_none() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
    let mut up = analytics(&folder, &lake).await;
    up.turn(time("10:06:30")).await;
    drop(up);
    let journal = folder.path().join("state/incidents/journal-00000001.jsonl");
    let mut file = std::fs::OpenOptions::new().write(true).open(&journal).unwrap();
    std::io::Write::write_all(&mut file, b"0000").unwrap();
    let opened = Desk::open(&folder.path().join("state"), None, time("10:00:00"));
    assert!(opened.err().unwrap().to_string().contains("is not what was written; restore"));
}

#[tokio::test]
async fn texts_of_a_trace_are_kept_redacted() {
    const RULE: &str = "id: 1b7e3c1c-0000-4000-8000-000000000002\nname: Orders in content\nkind: Scheduled\nseverity: High\n\
        queryFrequency: 5m\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n\
        query: AppGenAIContent | where InputMessages has 'ignore' | project TimeGenerated, TraceId\n\
        customDetails: { TraceId: TraceId }\n";
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let at = time("10:01:00");
    let row = format!(
        "{{\"TimeGenerated\":\"{at}\",\"TraceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"SpanId\":\"00f067aa0ba902b7\",\
         \"InputMessages\":\"ignore this, my card is 4111 1111 1111 1111\",\"OutputMessages\":\"no\"}}"
    );
    let received = i64::try_from(at.unix_nanos() / 1_000).unwrap();
    let how = Append { received: Some(received), keeps_times: true, ..Append::default() };
    lake.append("AppGenAIContent", row.as_bytes(), Form::Lines, how).await.unwrap();
    let mut up = analytics(&folder, &lake).await;
    up.rules = read("rule.yaml", RULE, &mut Sources::default()).rules;
    up.turn(time("10:06:30")).await;
    let exhibits = up.desk.exhibits(1);
    assert_eq!(exhibits.len(), 2, "{exhibits:?}");
    assert!(exhibits.iter().all(|exhibit| !exhibit.redacted.contains("4111") && exhibit.sealed_to.is_none()));
    up.desk.capture(&lake, 1, time("10:07:00")).await.unwrap();
    assert_eq!(up.desk.exhibits(1).len(), 2, "each text is kept once");
}

#[tokio::test]
async fn files_that_change_are_read_again_when_they_stay() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let system = castellan_base::OsSystem;
    let mut up = analytics(&folder, &lake).await;
    up.reading = Reading { paths: vec![rules.clone()], ..Reading::default() };
    assert!(!up.follows_edits(&system) && up.rules.len() == 1, "nothing has changed since it was opened");
    std::fs::write(rules.join("one.yaml"), RULE).unwrap();
    assert!(!up.follows_edits(&system), "who writes may not be done");
    assert!(up.follows_edits(&system) && !up.follows_edits(&system));
    assert_eq!(up.rules.len(), 1);
    let other = RULE.replace("000000000001", "000000000009");
    std::fs::write(rules.join("two.yaml"), other.replace("50126", "50053")).unwrap();
    assert!(!up.follows_edits(&system) && up.follows_edits(&system));
    assert_eq!(up.rules.len(), 2);
    // What the first rule has seen is remembered, and the second one runs.
    failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
    up.turn(time("10:06:30")).await;
    check(&lake, 1, 1).await;
    std::fs::remove_dir_all(&rules).unwrap();
    assert!(!up.follows_edits(&system) && up.follows_edits(&system));
    assert_eq!(up.rules.len(), 2, "what cannot be read leaves all as it is");
}

#[tokio::test]
async fn a_rule_over_tables_runs_aside_and_others_are_told_meanwhile() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let mut up = analytics(&folder, &lake).await;
    // Counting down to few is on its schedule alone; the rule after it is told of events.
    let quiet =
        RULE.replace("000000000001", "000000000008").replace("triggerOperator: gt", "triggerOperator: lt");
    let quiet =
        quiet.replace("triggerThreshold: 0", "triggerThreshold: 5").replace("Failed logons", "Few logons");
    up.rules.splice(..0, read("quiet.yaml", &quiet, &mut Sources::default()).rules);
    up.begin(time("10:00:30")).await;
    let streams = up.following.as_ref().unwrap().streams();
    assert!(matches!(streams.how(0), Some(How::Scheduled(_))), "{:?}", streams.how(0));
    failed_logon(&lake, "10:01:00", "ann@contoso.com").await;
    // What arrived was taken longer ago than it may be.
    tokio::time::sleep(TOGETHER).await;
    up.turn(time("10:06:30")).await;
    assert_eq!(count(&lake, "SecurityAlert | where AlertName == 'Few logons'").await, 1);
    assert_eq!(count(&lake, "SecurityAlert | where AlertName == 'Failed logons'").await, 1);
}
