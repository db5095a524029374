use castellan_posture::{Exemptions, Format, Report, assess, report};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{TEMPLATE, assess_template, content, options, render, template_estate};

const HOSTILE: &str = r#"<script>alert(1)</script>=cmd|' /C calc'!A0"#;

/// The template with a resource name of somebody else's choice.
fn named(name: &str) -> String {
    let quoted = serde_json::to_string(name).unwrap();
    TEMPLATE.replace("\"name\": \"bad\"", &format!("\"name\": {quoted}"))
}

#[test]
fn json_has_its_documented_shape() {
    let (estate, assessment) = assess_template(TEMPLATE);
    let json: Value = serde_json::from_str(&render(Format::Json, &assessment, &estate)).unwrap();
    assert_eq!(json["castellan"]["reportVersion"], 1);
    assert_eq!(json["summary"]["violations"]["high"], 2);
    assert_eq!(json["secureScore"]["controls"].as_array().unwrap().len(), 2);
    let finding = &json["findings"][0];
    assert_eq!(finding["check"], "public-network");
    assert_eq!(finding["location"]["file"], "infra/main.json");
    assert_eq!(finding["fix"]["patch"][0]["path"], "/properties/networkAcls/defaultAction");
    assert_eq!(json["findings"][4]["unknown"]["kind"], "unresolved");
    assert_eq!(json["compliance"][0]["controls"][2]["status"], "not-covered");
    assert!(json["policies"].is_null() && json["baseline"].is_null());
}

#[test]
fn json_lines_hold_a_finding_each() {
    let (estate, assessment) = assess_template(TEMPLATE);
    let text = render(Format::Jsonl, &assessment, &estate);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4]["verdict"], "unknown");
}

#[test]
fn sarif_has_what_code_scanning_needs() {
    let estate = template_estate(TEMPLATE);
    let mut with = options();
    with.exemptions = Exemptions::parse(
        "e.yaml",
        "exemptions:\n  - {check: key-access, resource: '*/bare', category: waiver, reason: r, approver: a, expires: 2027-01-01}\n",
    )
    .unwrap();
    let assessment = assess(&estate, &content(), None, &with);
    let sarif: Value = serde_json::from_str(&render(Format::Sarif, &assessment, &estate)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    assert!(rules.iter().all(|rule| rule["help"]["markdown"].is_string() && rule["helpUri"].is_null()));
    let target = &rules[0]["relationships"][0]["target"];
    assert_eq!(run["taxonomies"][0]["taxa"][target["index"].as_u64().unwrap() as usize]["id"], target["id"]);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    for result in results {
        let rule = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "infra/main.json");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 1);
        assert_eq!(result["partialFingerprints"]["castellan/v1"].as_str().unwrap().len(), 32);
    }
    let review = results.iter().find(|result| result["kind"] == "review").unwrap();
    assert_eq!(review["level"], "none");
    let suppressed = results.iter().find(|result| result["suppressions"].is_array()).unwrap();
    assert_eq!(suppressed["suppressions"][0]["status"], "accepted");
}

#[test]
fn html_is_self_contained_and_escapes_every_name() {
    let (estate, assessment) = assess_template(&named(HOSTILE));
    let page = render(Format::Html, &assessment, &estate);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"), "names are escaped");
    assert!(
        page.contains("Content-Security-Policy") && page.contains("default-src 'none'; style-src 'sha256-")
    );
    for forbidden in ["src=", "<link", "@import", "url(", "javascript:", " onclick", " style=\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for section in ["violations", "unknown", "frameworks", "materials", "inputs"] {
        assert!(page.contains(&format!("id=\"{section}\"")), "{section}");
    }
    assert!(page.contains("@media print") && page.contains("<svg"));
}

#[test]
fn csv_holds_no_formulas() {
    let (estate, assessment) = assess_template(&named("=1+1"));
    let text = render(Format::Csv, &assessment, &estate);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 16);
    for record in reader.records() {
        assert!(record.unwrap().iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
    }
}

#[test]
fn oscal_identifiers_are_unique_resolve_and_repeat() {
    let (estate, assessment) = assess_template(TEMPLATE);
    let text = render(Format::Oscal, &assessment, &estate);
    assert_eq!(text, render(Format::Oscal, &assessment, &estate));
    let document: Value = serde_json::from_str(&text).unwrap();
    let results = &document["assessment-results"];
    assert_eq!(results["metadata"]["oscal-version"], "1.1.3");
    assert!(results["import-ap"]["href"].is_string());
    let result = &results["results"][0];
    let observations: Vec<&str> =
        result["observations"].as_array().unwrap().iter().map(|one| one["uuid"].as_str().unwrap()).collect();
    assert_eq!(observations.len(), 5);
    for risk in result["risks"].as_array().unwrap() {
        for related in risk["related-observations"].as_array().unwrap() {
            assert!(observations.contains(&related["observation-uuid"].as_str().unwrap()));
        }
    }
    let states: Vec<&str> = result["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["target"]["status"]["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["not-satisfied", "not-satisfied"]);
    let mut uuids = Vec::new();
    collect_uuids(&document, &mut uuids);
    let total = uuids.len();
    uuids.sort();
    uuids.dedup();
    assert_eq!(uuids.len(), total);
}

fn collect_uuids(value: &Value, uuids: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            uuids.extend(members.get("uuid").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_uuids(member, uuids));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_uuids(item, uuids)),
        _ => {}
    }
}

#[test]
fn the_terminal_says_the_summary_first_and_colours_only_when_told() {
    let (estate, assessment) = assess_template(&named("x\u{1b}[2Jy"));
    let text = render(Format::Terminal, &assessment, &estate);
    assert!(text.starts_with("Read"), "{text}");
    assert!(text.contains("2 high, 2 medium") && text.contains("What cannot be told"), "{text}");
    assert!(!text.contains('\u{1b}'), "escape sequences of a name must not reach the terminal");
    let mut coloured = Vec::new();
    let with_colour = Report { colour: true, ..Report::new(&assessment, &estate) };
    report::write(Format::Terminal, &with_colour, &mut coloured).unwrap();
    assert!(String::from_utf8(coloured).unwrap().contains("\u{1b}[1;31m"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_name_breaks_a_report(name in "\\PC{1,40}|[\\x00-\\x7f]{1,40}", width in 0_usize..300) {
        let (estate, assessment) = assess_template(&named(&name));
        for format in Format::ALL {
            let mut bytes = Vec::new();
            let sized = Report { width, ..Report::new(&assessment, &estate) };
            report::write(format, &sized, &mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            match format {
                Format::Json | Format::Sarif | Format::Oscal => {
                    serde_json::from_str::<Value>(&text).unwrap();
                }
                Format::Csv => {
                    let rows = csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).count();
                    prop_assert_eq!(rows, assessment.findings.len());
                }
                _ => {}
            }
        }
    }
}
