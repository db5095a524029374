//! The forms of the report.

use serde_json::Value;

use crate::{Desk, OPEN_ACCOUNT, harbour};

fn report(format: &str) -> String {
    let ran = Desk::new().run(&["scan", &harbour(), "-q", "--format", format, "--as-of", "2026-11-21"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out
}

#[test]
fn json_lines_and_csv_have_a_finding_a_line() {
    let whole: Value = serde_json::from_str(&report("json")).unwrap();
    let findings = whole["findings"].as_array().unwrap().len();
    let lines: Vec<Value> = report("jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter(|line| line["check"].is_string()).count(), findings);
    let rows = cells(&report("csv"));
    let header = &rows[0];
    for column in ["kind", "id", "severity", "verdict", "resource", "file", "line", "fingerprint"] {
        assert!(header.iter().any(|name| name == column), "{column}: {header:?}");
    }
    assert_eq!(rows.len(), findings + 1);
    assert!(rows.iter().all(|row| row.len() == header.len()));
}

/// Rows and cells by RFC 4180.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for character in csv.chars() {
        match character {
            // Quotes stay until the cell is whole: a doubled one closes and opens again.
            '"' => {
                quoted = !quoted;
                cell.push('"');
            }
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            _ => cell.push(character),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the last row is whole");
    let plain = |cell: String| match cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => cell,
    };
    rows.into_iter().map(|row: Vec<String>| row.into_iter().map(plain).collect()).collect()
}

/// The parts of SARIF 2.1.0 that code scanning needs, by the standard's section 3.
#[test]
fn sarif_points_into_the_files() {
    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["$schema"].as_str().unwrap().contains("sarif"));
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!rules.is_empty() && !results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(matches!(result["level"].as_str(), Some("none" | "note" | "warning" | "error")));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(result["partialFingerprints"].as_object().is_some_and(|prints| !prints.is_empty()));
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        let number = |name: &str| region[name].as_u64().unwrap();
        assert!(number("startLine") >= 1 && number("startColumn") >= 1, "{region}");
        assert!((number("endLine"), number("endColumn")) >= (number("startLine"), number("startColumn")));
        assert!(!place["artifactLocation"]["uri"].as_str().unwrap().contains('\\'));
    }
}

#[test]
fn oscal_results_hold_together() {
    let oscal: Value = serde_json::from_str(&report("oscal")).unwrap();
    let results = &oscal["assessment-results"];
    assert_eq!(results["metadata"]["oscal-version"].as_str().map(|version| &version[..2]), Some("1."));
    let result = &results["results"][0];
    let observations = result["observations"].as_array().unwrap();
    let known: Vec<&str> = observations.iter().map(|one| one["uuid"].as_str().unwrap()).collect();
    for finding in result["findings"].as_array().unwrap() {
        assert!(matches!(finding["target"]["status"]["state"].as_str(), Some("satisfied" | "not-satisfied")));
        for related in finding["related-observations"].as_array().into_iter().flatten() {
            assert!(known.contains(&related["observation-uuid"].as_str().unwrap()));
        }
    }
}

/// An OSCAL uuid: version 4 or 5, and there but once.
fn collect_uuids<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("uuid").and_then(Value::as_str));
            members.values().for_each(|member| collect_uuids(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_uuids(item, found)),
        _ => {}
    }
}

#[test]
fn oscal_has_what_its_model_requires() {
    let oscal: Value = serde_json::from_str(&report("oscal")).unwrap();
    let root = &oscal["assessment-results"];
    for name in ["title", "last-modified", "version", "oscal-version"] {
        assert!(root["metadata"][name].as_str().is_some_and(|text| !text.is_empty()), "metadata/{name}");
    }
    let plan = root["import-ap"]["href"].as_str().unwrap().strip_prefix('#').unwrap();
    assert!(root["back-matter"].to_string().contains(plan), "the reference leads nowhere");
    for result in root["results"].as_array().unwrap() {
        for name in ["uuid", "title", "description", "start"] {
            assert!(result[name].as_str().is_some_and(|text| !text.is_empty()), "results/{name}");
        }
        assert!(!result["reviewed-controls"]["control-selections"].as_array().unwrap().is_empty());
        for observation in result["observations"].as_array().unwrap() {
            for name in ["uuid", "description", "collected"] {
                assert!(observation[name].is_string(), "{observation:#}");
            }
            assert!(!observation["methods"].as_array().unwrap().is_empty());
        }
        for risk in result["risks"].as_array().unwrap() {
            for name in ["uuid", "title", "description", "statement", "status"] {
                assert!(risk[name].is_string(), "{name}: {risk:#}");
            }
        }
        let risks: Vec<&Value> =
            result["risks"].as_array().unwrap().iter().map(|risk| &risk["uuid"]).collect();
        for finding in result["findings"].as_array().unwrap() {
            assert!(finding["target"]["target-id"].is_string() && finding["description"].is_string());
            for related in finding["related-risks"].as_array().into_iter().flatten() {
                assert!(risks.contains(&&related["risk-uuid"]), "{related}");
            }
        }
    }
    let mut uuids = Vec::new();
    collect_uuids(root, &mut uuids);
    for uuid in &uuids {
        let parts: Vec<&str> = uuid.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert!(parts[2].starts_with(['4', '5']) && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
    }
    let all = uuids.len();
    uuids.sort_unstable();
    uuids.dedup();
    assert_eq!(uuids.len(), all, "a uuid is given twice");
}

#[test]
fn sarif_names_rules_and_relative_files() {
    let desk = Desk::new();
    desk.file("infra/main.json", OPEN_ACCOUNT);
    desk.file("infra/broken.json", "{ ,}");
    let sarif: Value = desk.run(&["scan", ".", "-q", "--format", "sarif"]).json();
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "Castellan");
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule:#}");
        let severity: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!((0.0..=10.0).contains(&severity), "{rule:#}");
    }
    for result in run["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        // Code scanning finds a file by its path from the root of the repository.
        assert_eq!(place["uri"], "infra/main.json");
    }
    let told = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("infra/broken.json"), "{told}");
}

const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script><svg onload=alert(1)>",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "=HYPERLINK(\"http://x.example\")",
];

#[test]
fn hostile_names_do_nothing_in_any_report() {
    let desk = Desk::new();
    let resource = |name: &str| {
        serde_json::json!({"type": "Microsoft.CognitiveServices/accounts", "apiVersion": "2025-06-01", "name": name,
            "location": name, "kind": "OpenAI", "tags": {name: name}, "properties": {"disableLocalAuth": name}})
    };
    let mut template: Value = serde_json::from_str(OPEN_ACCOUNT).unwrap();
    template["resources"] = HOSTILE.iter().map(|name| resource(name)).collect();
    desk.file("main.json", &template.to_string());
    for (number, name) in HOSTILE.iter().enumerate() {
        let definition = serde_json::json!({"name": format!("p{number}"), "properties": {"displayName": name,
            "description": name, "mode": "All", "policyRule": {"if": {"field": "type", "exists": true},
            "then": {"effect": "deny"}}}});
        desk.file(&format!("policies/p{number}.json"), &definition.to_string());
    }
    let scan = |format: &str| {
        let ran = desk.run(&["scan", "main.json", "--policies", "policies", "-q", "--format", format]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    let page = scan("html");
    for part in ["<script>alert", "<img src=x", "<svg onload", "\u{1b}", "\u{7}"] {
        assert!(!page.contains(part), "{part:?}");
    }
    assert!(page.contains("&lt;img src=x"), "names are shown");
    let terminal = scan("terminal") + &desk.run(&["bom", "main.json", "-q", "--format", "table"]).out;
    assert!(!terminal.contains(['\u{1b}', '\u{7}']));
    let rows = cells(&scan("csv"));
    assert!(rows.len() > HOSTILE.len());
    // A spreadsheet runs what begins like a formula.
    let formula = rows.iter().flatten().find(|cell| cell.starts_with(['=', '+', '@', '\t']));
    assert_eq!(formula, None);
    for format in ["json", "sarif", "oscal"] {
        assert!(serde_json::from_str::<Value>(&scan(format)).is_ok(), "{format}");
    }
    assert!(scan("jsonl").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn the_page_needs_nothing_else_and_renders_names_inert() {
    let desk = Desk::new();
    desk.file("main.json", &OPEN_ACCOUNT.replace("\"open\"", "\"<script>alert(1)</script>\""));
    let page = desk.run(&["scan", "main.json", "-q", "--format", "html"]).out;
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    assert!(!page.contains("<script>alert(1)"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for reference in ["src=\"http", "href=\"http://", "@import", "url(http", "<link rel=\"stylesheet\""] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("Content-Security-Policy"));
}

#[test]
fn the_table_is_plain_in_a_pipe_and_coloured_on_request() {
    let plain = report("terminal");
    assert!(!plain.contains('\u{1b}') && plain.contains("What cannot be told"));
    let ran = Desk::new().run(&["scan", &harbour(), "-q", "--format", "terminal", "--color", "always"]);
    assert!(ran.out.contains("\u{1b}["));
}

#[test]
fn several_reports_come_out_of_one_run() {
    let desk = Desk::new();
    desk.file("main.json", OPEN_ACCOUNT);
    let reports = ["html=r.html", "sarif=r.sarif", "csv=r.csv"];
    let mut arguments = vec!["scan", "main.json", "-q", "-o", "r.json"];
    reports.iter().for_each(|report| arguments.extend(["--report", report]));
    let ran = desk.run(&arguments);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(serde_json::from_str::<Value>(&desk.read("r.json")).is_ok());
    assert!(serde_json::from_str::<Value>(&desk.read("r.sarif")).is_ok());
    assert!(desk.read("r.csv").lines().count() > 1 && desk.read("r.html").len() > 1000);
    // A name that says what the file is decides, unless --format does.
    for (name, start) in
        [("n.html", "<!"), ("n.csv", "kind,"), ("n.sarif", "{"), ("n.txt", "Read "), ("n.out", "{")]
    {
        assert_eq!(desk.run(&["scan", "main.json", "-q", "-o", name]).code, 0);
        assert!(desk.read(name).starts_with(start), "{name}: {:.80}", desk.read(name));
    }
    assert!(desk.read("n.sarif").contains("2.1.0"));
    desk.run(&["scan", "main.json", "-q", "-f", "json", "-o", "j.html"]);
    assert!(serde_json::from_str::<Value>(&desk.read("j.html")).is_ok());
    let wrong = desk.run(&["scan", "main.json", "--report", "word=r.doc"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("`word` is no format"), "{}", wrong.err);
}
