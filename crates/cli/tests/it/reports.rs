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
    let csv = report("csv");
    let mut rows = csv.lines();
    let header = rows.next().unwrap();
    for column in ["kind", "id", "severity", "verdict", "resource", "file", "line"] {
        assert!(header.split(',').any(|name| name.trim_matches('"') == column), "{column}: {header}");
    }
    assert!(rows.count() >= findings);
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
