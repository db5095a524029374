//! Rows once, and activities once, wherever it is cut off.

use castellan_base::{OsSystem, Sources};
use castellan_baseline::definition;
use castellan_lake::{Form, Options};
use castellan_query::Settings;
use tempfile::TempDir;

use super::work::Baselines;
use super::*;

fn time(text: &str) -> castellan_base::Ticks {
    text.parse().unwrap()
}

async fn lake(folder: &TempDir) -> Arc<Lake> {
    let options = Options { upkeep: false, ..Options::default() };
    Arc::new(Lake::open(&folder.path().join("l"), options).await.unwrap())
}

/// A call of a tool that was taken in when it happened.
async fn called(lake: &Lake, at: &str, tool: &str) {
    let time = time(at);
    let row = format!(
        "{{\"TimeGenerated\":\"{time}\",\"EventType\":\"ExecuteTool\",\"SrcAgentId\":\"a1\",\"ToolName\":\"{tool}\"}}"
    );
    let received = i64::try_from(time.unix_nanos() / 1_000).unwrap();
    let how = castellan_lake::Append { received: Some(received), keeps_times: true, ..Default::default() };
    let appended = lake.append("ASimAgentEventLogs", row.as_bytes(), Form::Lines, how).await.unwrap();
    assert_eq!(appended.rows, 1);
}

fn baselines(lake: &Arc<Lake>, now: &str) -> Baselines {
    let mut definitions = definition::built_in(&mut Sources::default()).definitions;
    definitions.retain(|one| &*one.id == "agent-tools");
    let workspace = Workspace::open(Arc::clone(lake), None, Functions::default(), &OsSystem).unwrap();
    Baselines::open(definitions, workspace, time(now), &OsSystem).unwrap()
}

async fn up_to(baselines: &mut Baselines, now: &str) {
    loop {
        let turned = baselines.turn(time(now)).await;
        assert!(turned.failures.is_empty(), "{:?}", turned.failures);
        if !turned.is_more {
            return;
        }
    }
}

/// The texts that a query gives.
async fn asked(lake: &Lake, query: &str) -> Vec<String> {
    let answers = lake.engine(Settings::default()).query(query).await.unwrap();
    let rows = answers.answers[0].values().unwrap();
    rows.iter().map(|row| row.iter().map(|value| value.to_text()).collect::<Vec<_>>().join(" ")).collect()
}

const UNUSUAL: &str = "BehaviorAnalytics | where ActivityInsights.Verdict == 'Unusual' \
    | project Tool = tostring(ActivityInsights.Values.Tool), InvestigationPriority, UserName | sort by Tool asc";

/// Twenty days of calls, learnt from.
async fn learnt(lake: &Arc<Lake>) -> Baselines {
    for day in 1..=20 {
        for hour in ["09", "11"] {
            called(lake, &format!("2026-10-{day:02}T{hour}:00:00Z"), "search").await;
        }
    }
    let mut baselines = baselines(lake, "2026-10-21T00:00:00Z");
    up_to(&mut baselines, "2026-10-21T00:01:00Z").await;
    baselines
}

#[tokio::test]
async fn what_is_learnt_is_not_told_and_what_is_new_is() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let mut baselines = learnt(&lake).await;
    assert!(asked(&lake, UNUSUAL).await.is_empty());
    let known =
        asked(&lake, "_Baseline('agent-tools') | where Dimension == 'Tool' | project Value, Count, Verdict");
    assert_eq!(known.await, ["search 40 Known"]);
    called(&lake, "2026-10-21T10:00:00Z", "run_shell").await;
    called(&lake, "2026-10-21T10:00:30Z", "run_shell").await;
    up_to(&mut baselines, "2026-10-21T10:02:00Z").await;
    up_to(&mut baselines, "2026-10-21T10:03:00Z").await;
    assert_eq!(asked(&lake, UNUSUAL).await, ["run_shell 2 a1"]);
    let new = "CastellanBaselines | where Verdict == 'New' | project Actor, Value";
    assert_eq!(asked(&lake, new).await, ["a1 run_shell"]);
    // Texts and truth values both compare with insights, as queries that are written for Sentinel do.
    for wanted in ["== True", "== \"True\"", "== 'True'"] {
        let query = format!(
            "BehaviorAnalytics | where ActivityInsights.FirstTimeActorUsedTool {wanted} | project UserName"
        );
        assert_eq!(asked(&lake, &query).await, ["a1"], "{wanted}");
    }
}

#[tokio::test]
async fn rows_come_once_wherever_it_is_cut_off() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let mut first = learnt(&lake).await;
    first.save_all().unwrap();
    called(&lake, "2026-10-21T10:00:00Z", "run_shell").await;
    up_to(&mut first, "2026-10-21T10:01:00Z").await;
    called(&lake, "2026-10-21T10:05:00Z", "mail").await;
    up_to(&mut first, "2026-10-21T10:06:00Z").await;
    let told = asked(&lake, "CastellanBaselines | count").await;
    // Without a word to the state that was written before.
    drop(first);
    let mut second = baselines(&lake, "2026-10-21T10:07:00Z");
    up_to(&mut second, "2026-10-21T10:07:00Z").await;
    assert_eq!(asked(&lake, "CastellanBaselines | count").await, told);
    called(&lake, "2026-10-21T10:08:00Z", "payments").await;
    up_to(&mut second, "2026-10-21T10:09:00Z").await;
    assert_eq!(asked(&lake, UNUSUAL).await, ["mail 2 a1", "payments 2 a1", "run_shell 2 a1"]);
    assert_eq!(second.describe(), "baselines: 1 definitions, 1 actors, 43 activities");
}

#[tokio::test]
async fn a_damaged_state_is_told_and_not_taken_for_none() {
    let folder = TempDir::new().unwrap();
    let lake = lake(&folder).await;
    let mut first = learnt(&lake).await;
    first.save_all().unwrap();
    let file = folder.path().join("l/baselines/agent-tools.state");
    std::fs::write(&file, "CBASE").unwrap();
    let workspace = Workspace::open(lake, None, Functions::default(), &OsSystem).unwrap();
    let definitions = definition::built_in(&mut Sources::default()).definitions;
    let opened = Baselines::open(definitions, workspace, time("2026-10-22"), &OsSystem);
    assert!(format!("{:#}", opened.err().unwrap()).contains("restore it from a backup"));
}
