//! Baselines: listed, tested, run over a lake, shown and explained.

use castellan_base::{OsSystem, System, Ticks};

use crate::{Desk, Ran};

const OWN: &str = "id: own-calls
name: Own calls
version: 1.0.0
description: For tests.
actor: agent
tables: [ASimAgentEventLogs]
query: ASimAgentEventLogs | project Time = TimeGenerated, Actor = SrcAgentId, Tool = ToolName
dimensions: [ { column: Tool, kind: tool } ]
behavior: { activityType: Tool, actionType: Call, source: Test }
examples:
  - name: a new tool
    tables:
      ASimAgentEventLogs:
        - { row: { TimeGenerated: '2026-10-01T09:00:00Z', SrcAgentId: a1, ToolName: search }, times: 25 }
        - { row: { TimeGenerated: '2026-10-27T09:00:00Z', SrcAgentId: a1, ToolName: shell } }
    expect: [ { actor: a1, insights: [FirstTimeActorUsedTool] } ]
";

/// Calls of a tool, one each hour before now.
fn ingest(desk: &Desk, tool: &str, hours: i64) {
    let hour = 3_600 * Ticks::PER_SECOND;
    let rows = (0..hours).map(|ago| {
        let time = OsSystem.now().checked_add(-ago * hour).unwrap();
        format!("{{\"TimeGenerated\":\"{time}\",\"EventType\":\"ExecuteTool\",\"SrcAgentId\":\"a1\",\"SrcAgentName\":\"Support\",\"ToolName\":\"{tool}\"}}\n")
    });
    desk.file("a.jsonl", &rows.collect::<String>());
    let ran = desk.run(&["ingest", "ASimAgentEventLogs", "a.jsonl", "--lake", "l"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// Rows can be queried some seconds after they were taken in.
fn run(desk: &Desk) -> Ran {
    std::thread::sleep(std::time::Duration::from_secs(6));
    desk.run(&["baseline", "run", "--lake", "l"])
}

#[test]
fn definitions_are_listed_and_tested() {
    let desk = Desk::new();
    let ran = desk.run(&["baseline", "list", "--json"]);
    let list = ran.json();
    assert!(ran.code == 0 && list.as_array().unwrap().len() >= 14, "{ran:?}");
    assert!(desk.run(&["baseline", "list"]).out.contains("service-principal-signins"));
    let ran = desk.run(&["baseline", "test"]);
    assert!(ran.code == 0 && ran.err.contains(" 0 failed; 0 definitions have no example"), "{ran:?}");
    desk.file("own/calls.yaml", OWN);
    let ran = desk.run(&["baseline", "test", "--definitions", "own"]);
    assert!(ran.code == 0 && ran.err.contains(" 0 failed"), "{ran:?}");
    desk.file("own/calls.yaml", &OWN.replace("ToolName: shell", "ToolName: search"));
    let ran = desk.run(&["baseline", "test", "--definitions", "own"]);
    assert!(ran.code == 1 && ran.err.contains("1 failed"), "{ran:?}");
    desk.file("own/calls.yaml", &OWN.replace("kind: tool", "kind: spoon"));
    let ran = desk.run(&["baseline", "list", "--definitions", "own"]);
    assert!(ran.code == 1 && ran.err.contains("calls.yaml") && ran.err.contains("spoon"), "{ran:?}");
    assert_eq!(desk.run(&["baseline", "list", "--definitions", "nowhere"]).code, 2);
}

#[test]
fn a_lake_is_learnt_and_what_is_new_is_told() {
    let desk = Desk::new();
    ingest(&desk, "search", 400);
    let ran = run(&desk);
    assert!(ran.code == 0, "{ran:?}");
    ingest(&desk, "run_shell", 1);
    let ran = run(&desk);
    assert!(ran.code == 0, "{ran:?}");
    let query = "BehaviorAnalytics | where ActivityInsights.Verdict == 'Unusual' | project UserName, InvestigationPriority";
    let told = desk.run(&["query", query, "--lake", "l", "--format", "csv"]);
    assert!(told.out.contains("Support,2"), "{told:?}");
    let shown =
        desk.run(&["baseline", "show", "support", "--definition", "agent-tools", "--lake", "l", "--json"]);
    assert!(
        shown.code == 0 && shown.out.contains("run_shell") && shown.out.contains("\"search\""),
        "{shown:?}"
    );
    let asked =
        ["baseline", "explain", "Support", "Tool=payments", "--definition", "agent-tools", "--lake", "l"];
    let explained = desk.run(&asked);
    assert!(
        explained.out.contains("Unusual, priority 2") && explained.out.contains("first Tool `payments`"),
        "{explained:?}"
    );
    let explained =
        desk.run(&["baseline", "explain", "a1", "Spoon=1", "--definition", "agent-tools", "--lake", "l"]);
    assert!(explained.code == 2 && explained.err.contains("it has Tool"), "{explained:?}");
    assert_eq!(desk.run(&["baseline", "show", "nobody", "--lake", "l"]).code, 1);
    let list = desk.run(&["baseline", "list", "--lake", "l", "--json"]).json();
    let own = list.as_array().unwrap().iter().find(|one| one["id"] == "agent-tools").unwrap();
    assert_eq!((&own["state"], &own["activities"]), (&"up to date".into(), &401.into()));
}
