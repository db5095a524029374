//! Which controls protect which workload, and the tables of an estate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use castellan_base::OsSystem;
use castellan_estate::{Estate, ScanOptions, Silent, read};
use castellan_posture::coverage::{
    Controls, Coverage, Facts, GateFacts, GateModel, GateRule, Layer, RuleFacts, State, coverage,
    failing_examples,
};
use castellan_posture::tables::{Table, tables};
use castellan_posture::{AssessOptions, Assessment, Content, Format, Report, assess, report};
use proptest::prelude::*;

/// The estate, read once.
static HARBOUR: LazyLock<(Estate, Assessment)> = LazyLock::new(harbour);

fn harbour() -> (Estate, Assessment) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/harbour-mutual");
    let estate = read(&OsSystem, &[folder], &ScanOptions::default(), &Silent);
    let now = "2026-11-22".parse().unwrap();
    let assessment = assess(&estate, &Content::embedded(), None, &AssessOptions::at(now));
    (estate, assessment)
}

fn of<'c>(coverage: &'c Coverage, workload: &str, control: &str) -> &'c castellan_posture::coverage::Decided {
    let at = coverage.workloads.iter().position(|one| one.name == workload).unwrap_or_else(|| {
        panic!("no {workload} in {:?}", coverage.workloads.iter().map(|one| &one.name).collect::<Vec<_>>())
    });
    let row = coverage.of(at).find(|row| &*row.control == control);
    &row.unwrap_or_else(|| panic!("{workload} has no {control}")).decided
}

#[test]
fn controls_are_whole_and_their_examples_hold() {
    let controls = Controls::built_in();
    assert!(controls.diagnostics.is_empty(), "{:#?}", controls.diagnostics);
    assert!(controls.controls.len() >= 24);
    assert_eq!(failing_examples(&controls), Vec::<String>::new());
    let content = Content::embedded();
    let mut ids = BTreeSet::new();
    for control in &controls.controls {
        assert!(ids.insert(&control.id), "{} is there twice", control.id);
        assert!(!control.applies.is_empty() && !control.next.is_empty(), "{}", control.id);
        for check in &control.checks {
            assert!(content.check(check).is_some(), "{}: there is no check {check}", control.id);
        }
        let states: BTreeSet<_> = control.examples.iter().map(|example| example.expect).collect();
        assert!(states.len() > 1, "{} has examples of one outcome alone", control.id);
    }
    for layer in Layer::ALL {
        assert!(controls.controls.iter().any(|control| control.layer == layer), "{}", layer.as_str());
    }
}

#[test]
fn a_control_with_mistakes_is_left_out_and_told() {
    let text = "controls:\n  - { id: a, layer: nowhere, title: A, applies: [agent], next: B }\n  - { id: b, layer: data, title: B, applies: [agent], next: C, chekcs: [] }\n";
    let controls = Controls::read("mine.yaml", text);
    assert!(controls.controls.is_empty() && controls.diagnostics.len() == 2, "{controls:#?}");
}

#[test]
fn the_example_estate_has_gaps_that_are_told() {
    let (estate, assessment) = harbour();
    let coverage = coverage(&estate, &assessment, &Controls::built_in(), &Facts::default());
    let kinds: BTreeSet<&str> = coverage.workloads.iter().map(|one| one.kind.as_str()).collect();
    assert!(kinds.is_superset(&["agent", "deployment", "serving", "mcp-server"].into()), "{kinds:?}");
    let triage = of(&coverage, "claims-triage", "egress");
    assert_eq!(triage.state, State::Partial, "{triage:#?}");
    assert!(triage.query.contains("CastellanRecommendations") && !triage.evidence.is_empty(), "{triage:#?}");
    // No gate and no rules were read: nothing of theirs counts as there or as missing.
    assert_eq!(of(&coverage, "claims-triage", "sensitive-prompts").state, State::Unknown);
    assert_eq!(of(&coverage, "claims-triage", "conversations-watched").state, State::Unknown);
    for row in &coverage.rows {
        let decided = &row.decided;
        assert!(!decided.reason.is_empty(), "{row:?}");
        assert_eq!(decided.next.is_empty(), decided.state == State::Covered, "{row:?}");
    }
}

fn gate(action: &str, points: &[&str], workload: &str) -> Facts {
    let rule = |check: &str| GateRule {
        name: format!("mine/{check}"),
        check: check.to_owned(),
        points: points.iter().map(|point| (*point).to_owned()).collect(),
        action: action.to_owned(),
    };
    let model = GateModel {
        alias: "m".to_owned(),
        fronts: [workload.to_owned()].into(),
        rules: ["attack", "harm", "sensitive"].map(rule).into(),
        ..GateModel::default()
    };
    let gate = GateFacts { models: vec![model], authenticates: true, limits: true, ..GateFacts::default() };
    let rules = vec![RuleFacts {
        id: "r".to_owned(),
        name: "R".to_owned(),
        tables: ["ASimAgentEventLogs".to_owned()].into(),
        enabled: true,
    }];
    Facts { gate: Some(gate), rules: Some(rules), received: Some(["ASimAgentEventLogs".to_owned()].into()) }
}

#[test]
fn a_gate_closes_gaps_of_what_it_fronts_and_contradicts_filters_that_are_off() {
    let (estate, assessment) = harbour();
    let controls = Controls::built_in();
    let all = ["user", "document", "tool_result", "output", "tool_call"];
    let facts = gate("block", &all, "claims-triage");
    let covered = coverage(&estate, &assessment, &controls, &facts);
    assert_eq!(of(&covered, "claims-triage", "sensitive-prompts").state, State::Covered);
    assert_eq!(of(&covered, "claims-triage", "callers-known").state, State::Covered);
    assert_eq!(of(&covered, "claims-triage", "conversations-watched").state, State::Covered);
    assert_eq!(of(&covered, "payout", "sensitive-prompts").state, State::Gap);
    // The assistant's filter does not block jailbreaks: whoever reaches it past the gate is not held up.
    let open = covered.workloads.iter().position(|one| {
        one.kind.as_str() == "deployment"
            && coverage_state(&covered, &one.name, "prompt-attacks") == Some(State::Gap)
    });
    let open = covered.workloads[open.unwrap()].name.clone();
    let fronted = coverage(&estate, &assessment, &controls, &gate("block", &all, &open));
    let decided = of(&fronted, &open, "prompt-attacks");
    assert_eq!(decided.state, State::Contradiction, "{decided:#?}");
    assert!(decided.next.contains("both block"), "{decided:#?}");
}

fn coverage_state(coverage: &Coverage, workload: &str, control: &str) -> Option<State> {
    let at = coverage.workloads.iter().position(|one| one.name == workload)?;
    coverage.of(at).find(|row| &*row.control == control).map(|row| row.decided.state)
}

fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let text = include_str!("../../../../content/tables/castellan.csv");
    let line = |line: &str| {
        let (name, columns) = line.split_once(',')?;
        let names = columns.split(' ').filter_map(|column| Some(column.split_once(':')?.0.to_owned()));
        Some((name.to_owned(), names.collect()))
    };
    text.lines().skip(1).filter_map(line).collect()
}

#[test]
fn tables_have_their_columns_and_agree_with_the_report() {
    let (estate, assessment) = harbour();
    let coverage = coverage(&estate, &assessment, &Controls::built_in(), &Facts::default());
    let report = Report { coverage: Some(&coverage), ..Report::new(&assessment, &estate) };
    let tables = tables(&report, &coverage);
    let declared = declared();
    for table in &tables {
        let columns = &declared[table.name];
        assert!(!table.rows.is_empty(), "{}", table.name);
        for row in &table.rows {
            let names: BTreeSet<String> = row.keys().cloned().collect();
            assert_eq!(&names, columns, "{}", table.name);
        }
    }
    let named = |name: &str| tables.iter().find(|table| table.name == name).unwrap();
    let recommendations = named("CastellanRecommendations");
    let count = |state: &str| recommendations.rows.iter().filter(|row| row["State"] == state).count();
    let summary = assessment.summary();
    assert_eq!(count("Unhealthy"), summary.total());
    assert_eq!(count("Unknown"), summary.unknown);
    assert_eq!(count("Exempt"), summary.exempt);
    assert_eq!(count("Healthy"), summary.compliant);
    let scores = &named("CastellanScores").rows[0];
    assert_eq!(scores["RiskScore"].as_f64(), assessment.risk.score);
    assert_eq!(scores["Compliant"], summary.compliant);
    let inventory = named("CastellanInventory");
    let ids: BTreeSet<&str> = inventory.rows.iter().map(|row| row["Id"].as_str().unwrap()).collect();
    for relation in &named("CastellanRelations").rows {
        for end in ["Source", "Target"] {
            assert!(ids.contains(relation[end].as_str().unwrap()), "{relation:?}");
        }
    }
    assert!(
        inventory.rows.iter().any(|row| row["Violations"].as_u64() > Some(0) && row["WorstSeverity"] != "")
    );
    let triage = recommendations.rows.iter().find(|row| row["CheckId"] == "agent-lethal-trifecta").unwrap();
    assert_eq!(triage["Workload"], "claims-triage", "{triage:#?}");
}

#[test]
fn reports_have_the_layers_and_keep_hostile_names_as_text() {
    let (estate, assessment) = harbour();
    let mut coverage = coverage(&estate, &assessment, &Controls::built_in(), &Facts::default());
    coverage.workloads[0].name = "<script>\u{1b}[2J\u{202e}".to_owned();
    let report = Report { coverage: Some(&coverage), ..Report::new(&assessment, &estate) };
    let write = |format: Format| {
        let mut bytes = Vec::new();
        report::write(format, &report, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let html = write(Format::Html);
    assert!(
        html.contains("id=\"coverage\"") && !html.contains("<script>") && html.contains("&lt;script&gt;")
    );
    let terminal = write(Format::Terminal);
    assert!(terminal.contains("Coverage of the four layers") && !terminal.contains('\u{1b}'), "{terminal}");
    let json: serde_json::Value = serde_json::from_str(&write(Format::Json)).unwrap();
    assert_eq!(json["coverage"].as_array().unwrap().len(), coverage.rows.len());
    let without = Report::new(&assessment, &estate);
    let mut bytes = Vec::new();
    report::write(Format::Terminal, &without, &mut bytes).unwrap();
    assert!(!String::from_utf8(bytes).unwrap().contains("Coverage of the four layers"));
}

fn facts() -> impl Strategy<Value = Facts> {
    let action = prop_oneof![Just("annotate"), Just("redact"), Just("block")];
    let points =
        proptest::sample::subsequence(vec!["user", "document", "tool_result", "output", "tool_call"], 0..=5);
    (action, points, any::<bool>()).prop_map(|(action, points, is_front)| {
        gate(action, &points, if is_front { "claims-triage" } else { "nobody" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever stands beside the estate, tables are the same for the same, have no row twice, and what the gate is not in
    /// front of gains nothing from it.
    #[test]
    fn a_gate_helps_those_it_fronts_alone(facts in facts()) {
        let (estate, assessment) = &*HARBOUR;
        let controls = Controls::built_in();
        let with = coverage(estate, assessment, &controls, &facts);
        let none = Facts { gate: Some(GateFacts::default()), ..facts.clone() };
        let without = coverage(estate, assessment, &controls, &none);
        let again: Vec<Table> = tables(&Report::new(assessment, estate), &with);
        prop_assert_eq!(&again, &tables(&Report::new(assessment, estate), &with));
        let mut keys = BTreeSet::new();
        for (one, other) in with.rows.iter().zip(&without.rows) {
            prop_assert!(keys.insert((one.workload, one.control.clone())));
            if with.workloads[one.workload].name != "claims-triage" {
                prop_assert_eq!(one, other);
            }
        }
        prop_assert_eq!(with.rows.len(), without.rows.len());
    }
}
