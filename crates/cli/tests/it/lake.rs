//! What is done with the tables of a lake at rest.

use crate::{Desk, Ran, repository};

fn filled() -> Desk {
    let desk = Desk::new();
    let row = |user: &str, result: &str| {
        format!(
            "{{\"TimeGenerated\":\"2026-01-01T00:10:00Z\",\"UserPrincipalName\":\"{user}\",\"ResultType\":\"{result}\"}}\n"
        )
    };
    let rows =
        [row("ann@example.com", "50126"), row("ann@example.com", "0"), row("bob@example.com", "50126")];
    desk.file("a.jsonl", &rows.concat());
    assert_eq!(desk.run(&["ingest", "SigninLogs", "a.jsonl", "--lake", "l"]).code, 0);
    desk
}

fn lake(desk: &Desk, arguments: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["lake"].iter().chain(arguments).chain(&["--lake", "l"]).copied().collect();
    desk.run(&arguments)
}

fn asked(desk: &Desk, query: &str) -> String {
    desk.run(&["query", query, "--lake", "l", "--format", "csv"]).out
}

#[test]
fn rows_and_tables_go_when_it_is_said_twice() {
    let desk = filled();
    let condition = "UserPrincipalName == 'ann@example.com'";
    let ran = lake(&desk, &["delete", "SigninLogs", condition]);
    assert!(ran.code == 1 && ran.err.contains("2 rows of SigninLogs would go; do it with --yes"), "{ran:?}");
    assert!(asked(&desk, "SigninLogs | count").contains('3'));
    let ran = lake(&desk, &["delete", "SigninLogs", condition, "--yes"]);
    assert!(ran.code == 0 && ran.err.contains("2 rows of SigninLogs are gone"), "{ran:?}");
    assert!(asked(&desk, "SigninLogs | project UserPrincipalName").ends_with("bob@example.com\n"));
    let ran = lake(&desk, &["delete", "SigninLogs", "Nobody == 1", "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("no rows of `SigninLogs` can be chosen"), "{ran:?}");
    let ran = lake(&desk, &["keep", "SigninLogs", "90d"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(lake(&desk, &["tables"]).out.contains("90d"));
    assert_eq!(lake(&desk, &["keep", "SigninLogs", "soon"]).code, 2);
    assert_eq!(lake(&desk, &["drop", "SigninLogs"]).code, 1);
    assert_eq!(lake(&desk, &["drop", "SigninLogs", "--yes"]).code, 0);
    assert!(asked(&desk, "SigninLogs | count").contains('0'));
}

#[test]
fn the_example_of_a_summary_runs() {
    let desk = filled();
    let example = std::fs::read_to_string(repository().join("examples/lake/failures.json")).unwrap();
    let example = example.replace("\"binSize\"", "\"binStartTime\": \"2026-01-01T00:00:00Z\", \"binSize\"");
    desk.file("failures.json", &example);
    let ran = lake(&desk, &["define", "failures.json"]);
    assert!(ran.code == 0 && ran.err.contains("failures fills Failures_CL"), "{ran:?}");
    let ran = lake(&desk, &["run", "failures"]);
    assert!(ran.code == 0 && ran.err.contains("2026-01-01T00:00:00.0000000Z: 2 rows"), "{ran:?}");
    let rows =
        asked(&desk, "Failures_CL | project UserPrincipalName, Failures | order by UserPrincipalName asc");
    assert!(rows.contains("ann@example.com,1") && rows.contains("bob@example.com,1"), "{rows}");
    let ran = lake(&desk, &["run", "failures", "--bin", "2026-01-01T00:00:00Z"]);
    assert!(ran.code == 0 && ran.err.contains("2 rows"), "{ran:?}");
    assert!(asked(&desk, "Failures_CL | count").contains('2'));
    assert!(lake(&desk, &["definitions"]).out.contains("SigninLogs"));
    let azure = r#"{"name": "w/users", "properties": {"ruleType": "User", "ruleDefinition": {"query": "SigninLogs | count",
        "binSize": 60, "destinationTable": "Users_CL", "binDelay": 10}}}"#;
    desk.file("azure.json", azure);
    let ran = lake(&desk, &["define", "azure.json"]);
    assert!(ran.code == 0 && ran.err.contains("users fills Users_CL"), "{ran:?}");
    assert_eq!(lake(&desk, &["undefine", "users"]).code, 0);
    assert_eq!(lake(&desk, &["undefine", "users"]).code, 2);
    desk.file("wrong.json", "{\"kind\": \"summary\"}");
    assert_eq!(lake(&desk, &["define", "wrong.json"]).code, 2);
}
