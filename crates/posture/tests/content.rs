//! The built-in content holds together: everything parses, every reference leads somewhere, every example is right.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use castellan_base::Verdict;
use castellan_policy::{
    AliasTable, ClosedWorld, Definition, EvaluationContext, NothingCollected, Policy, RelatedResources,
    Request,
};
use castellan_posture::content::{Check, Content, Example, Expectation};
use castellan_testkit::MemorySystem;

fn content() -> Content {
    let content = Content::embedded();
    for diagnostic in &content.diagnostics {
        let place = content.sources.locate(diagnostic.span).map(|at| at.to_string()).unwrap_or_default();
        eprintln!("{place}: {} {}", diagnostic.message, diagnostic.help);
    }
    content
}

#[test]
fn every_file_is_usable_and_every_reference_leads_somewhere() {
    assert_eq!(content().diagnostics, []);
}

#[test]
fn the_embedded_files_are_those_of_the_folder() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let count = |part: &str| std::fs::read_dir(folder.join(part)).unwrap().count();
    let content = content();
    assert_eq!((content.checks.len(), content.frameworks.len()), (count("policies"), count("frameworks")));
}

#[test]
fn defender_recommendations_are_all_here_and_more_besides() {
    let content = content();
    let defender = content.checks.iter().filter(|check| check.defender).count();
    assert_eq!(defender, 28);
    assert!(content.checks.len() - defender >= 34, "{}", content.checks.len() - defender);
    let named = content.checks.iter().filter(|check| check.defender_name.is_some()).count();
    assert_eq!(named, 28);
    let with_built_in =
        content.checks.iter().filter(|check| check.defender && check.built_in.is_some()).count();
    assert_eq!(with_built_in, 15);
}

#[test]
fn every_check_is_complete() {
    for check in content().checks {
        let frameworks: BTreeSet<&str> = check.frameworks.iter().map(|id| id.framework()).collect();
        assert!(frameworks.len() >= 2, "`{}` maps to fewer than two frameworks", check.id);
        assert!(!check.attack_surface.is_empty(), "`{}` has no attack surface", check.id);
        assert!(check.title.len() <= 100 && !check.title.ends_with('.'), "title of `{}`", check.id);
        let expects = |expectation| check.examples.iter().any(|example| example.expect == expectation);
        assert!(expects(Expectation::Compliant), "`{}` has no compliant example", check.id);
        assert!(expects(Expectation::NonCompliant), "`{}` has no non-compliant example", check.id);
        assert!(check.fix.is_some(), "`{}` names no fix", check.id);
    }
}

/// Types that checks may speak about: spelt as Resource Manager spells them.
const TYPES: &str = include_str!("resource_types.txt");

#[test]
fn resource_types_are_spelt_right() {
    let known: BTreeSet<&str> = TYPES.lines().filter(|line| !line.is_empty()).collect();
    for check in content().checks {
        let mut types = BTreeSet::new();
        types_in(&check.policy.to_json(), &mut types);
        assert!(!types.is_empty(), "`{}` speaks about no type", check.id);
        let unknown: Vec<&String> = types.iter().filter(|found| !known.contains(found.as_str())).collect();
        assert!(unknown.is_empty(), "`{}` speaks about {unknown:?}, not in resource_types.txt", check.id);
        for example in &check.examples {
            let own = example.resource.get("type").and_then(|node| node.as_str()).unwrap();
            assert!(known.contains(own), "an example of `{}` has the type `{own}`", check.id);
        }
    }
}

/// Types in `{field: type, equals | in}` conditions, in `details.type`, and those that aliases begin with.
fn types_in(value: &serde_json::Value, types: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| types_in(item, types)),
        serde_json::Value::Object(object) => {
            if object.get("field").and_then(|field| field.as_str()) == Some("type") {
                types.extend(object.get("equals").and_then(|one| one.as_str()).map(str::to_owned));
                for one in object.get("in").and_then(|list| list.as_array()).into_iter().flatten() {
                    types.extend(one.as_str().map(str::to_owned));
                }
            }
            if let Some(related) = object.get("details").and_then(|details| details.get("type")) {
                types.extend(related.as_str().map(str::to_owned));
            }
            object.values().for_each(|member| types_in(member, types));
        }
        _ => {}
    }
}

#[test]
fn aliases_begin_with_a_type_of_the_rule() {
    for check in content().checks {
        let policy = check.policy.to_json();
        let mut types = BTreeSet::new();
        types_in(&policy, &mut types);
        let mut fields = BTreeSet::new();
        fields_in(&policy, &mut fields);
        for field in fields.iter().filter(|field| field.contains('/')) {
            let fits = types.iter().any(|known| field.starts_with(&format!("{known}/")));
            assert!(fits, "`{}` asks for `{field}`, an alias of another type", check.id);
        }
    }
}

fn fields_in(value: &serde_json::Value, fields: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| fields_in(item, fields)),
        serde_json::Value::Object(object) => {
            fields.extend(object.get("field").and_then(|field| field.as_str()).map(str::to_owned));
            object.values().for_each(|member| fields_in(member, fields));
        }
        _ => {}
    }
}

fn corpora() -> Option<PathBuf> {
    let named = std::env::var("CASTELLAN_CORPORA").ok().map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let found = named.or(Some(beside)).filter(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: corpora not found");
    }
    found
}

#[test]
fn atlas_ids_are_those_of_the_publisher() {
    let Some(corpora) = corpora() else { return };
    let text = std::fs::read_to_string(corpora.join("frameworks/ATLAS.yaml")).unwrap();
    let published: BTreeSet<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter(|word| word.starts_with("AML."))
        .collect();
    let content = content();
    for control in &content.framework("atlas").unwrap().controls {
        assert!(published.contains(&*control.id), "`{}` is not in ATLAS", control.id);
    }
}

#[test]
fn built_in_policies_exist() {
    let Some(corpora) = corpora() else { return };
    let mut names = BTreeSet::new();
    let mut folders = vec![corpora.join("azure-policy/policyDefinitions")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let json = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}'));
                names.extend(json.ok().and_then(|json| json["name"].as_str().map(str::to_owned)));
            }
        }
    }
    for check in content().checks {
        if let Some(built_in) = &check.built_in {
            assert!(names.contains(&**built_in), "`{}` names the built-in `{built_in}`", check.id);
        }
    }
}

#[test]
fn packs_are_complete_where_that_is_promised() {
    let content = content();
    let sizes = [
        ("nist-ai-rmf:1.0", 72),
        ("iso-42001:2023", 38),
        ("owasp-llm:2025", 10),
        ("owasp-llm:2026", 10),
        ("owasp-agentic:2026", 10),
        ("atlas", 221),
    ];
    for (pack, size) in sizes {
        assert_eq!(content.framework(pack).unwrap().controls.len(), size, "{pack}");
    }
    for number in 1..=7 {
        assert!(content.framework("mcsb:v2").unwrap().control(&format!("AI-{number}")).is_some());
    }
}

#[test]
fn the_model_catalogue_is_well_formed() {
    let content = content();
    let models = content.models.get("models").unwrap().as_array().unwrap();
    assert!(models.len() >= 40);
    let day = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        assert!(text.len() == 10 && digits == 8 && text.starts_with("20"), "`{text}` is no date");
    };
    day(content.models.get("as_of").unwrap().as_str().unwrap());
    let mut seen = BTreeSet::new();
    for model in models {
        let text = |key: &str| model.get(key).and_then(|node| node.as_str()).unwrap_or_default();
        assert!(!text("publisher").is_empty() && !text("format").is_empty() && !text("name").is_empty());
        assert!(["ga", "preview", "deprecated", "retired"].contains(&text("lifecycle")), "{}", text("name"));
        if model.get("retirement").is_some() {
            day(text("retirement"));
        }
        let key = format!("{} {} {}", text("format"), text("name"), text("version")).to_lowercase();
        assert!(seen.insert(key), "`{}` `{}` stands there twice", text("name"), text("version"));
    }
}

#[test]
fn definitions_carry_the_check() {
    let check: Check = content().checks.swap_remove(0);
    let definition = check.definition_node();
    assert_eq!(definition.get("name").unwrap().as_str(), Some(&*check.id));
    assert!(definition.at_path("properties.policyRule.if").is_some());
}

#[test]
fn fixes_that_leave_a_choice_are_not_automatic() {
    let content = content();
    let automatic = |id: &str| content.check(id).unwrap().fix.as_ref().unwrap().is_automatic();
    assert!(automatic("registry-admin-user"));
    assert!(!automatic("model-version-pinned"));
    assert!(!automatic("agent-lethal-trifecta"));
}

#[test]
fn fixes_set_paths_of_the_resource() {
    for check in content().checks {
        for assignment in check.fix.iter().flat_map(|fix| &fix.set) {
            let root = assignment.path.split(['.', '[']).next().unwrap();
            assert!(
                ["properties", "identity", "sku", "kind", "tags"].contains(&root),
                "`{}` sets {root}",
                check.id
            );
        }
    }
}

#[test]
fn examples_are_judged_as_they_say() {
    let aliases = AliasTable::builtin();
    let content = content();
    let mut wrong = Vec::new();
    for check in &content.checks {
        let definition = Definition::parse(&check.definition_node())
            .unwrap_or_else(|faults| panic!("`{}` does not parse: {faults:?}", check.id));
        let policy = Policy::compile(&definition, &aliases)
            .unwrap_or_else(|faults| panic!("`{}` does not compile: {faults:?}", check.id));
        for example in &check.examples {
            let verdict = judge(&policy, example);
            if !example.expect.matches(&verdict) {
                let place = content.sources.locate(example.resource.span).unwrap();
                let expected = example.expect.as_str();
                wrong.push(format!("{place}: `{}`: expected {expected}, got {verdict:?}", example.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn judge(policy: &Policy, example: &Example) -> Verdict {
    let now = example.now.as_deref().unwrap_or("2026-11-15T00:00:00Z");
    let context = EvaluationContext { now: Some(now.parse().unwrap()), ..EvaluationContext::default() };
    let world = ClosedWorld(&example.related);
    let related: &dyn RelatedResources = if example.collected { &world } else { &NothingCollected };
    let request =
        Request { resource: &example.resource, parameters: None, related, context: &context, trace: false };
    policy.evaluate(&request).verdict
}

#[test]
fn a_folder_of_ones_own_goes_on_top() {
    let built_in = content();
    let check = "id: house-rule\nversion: 1\ntitle: t\nseverity: high\ncategory: data\ncontrol: manage-access\n\
        risk: r\nremediation: m\nframeworks: [house:1:A]\nattack_surface: [data]\n\
        policy: {policyRule: {if: {field: type, equals: T}, then: {effect: audit}}}\n";
    let pack = "id: house\nedition: \"1\"\ntitle: t\npublisher: p\nurl: u\ncontrols: [{id: A, title: a}]\n";
    let system = MemorySystem::default()
        .with_file("/mine/policies/house-rule.yaml", check)
        .with_file("/mine/policies/broken.yaml", "id: [")
        .with_file("/mine/frameworks/house-1.yaml", pack)
        .with_file("/mine/models.yaml", "as_of: 2026-01-01\nmodels: []\n");
    let mut content = content();
    content.load_dir(&system, Path::new("/mine"));
    assert_eq!(content.checks.len(), built_in.checks.len() + 1);
    assert!(content.control(&content.check("house-rule").unwrap().frameworks[0]).is_some());
    assert_eq!(content.models.get("as_of").unwrap().as_str(), Some("2026-01-01"));
    let places: Vec<String> = content
        .diagnostics
        .iter()
        .map(|diagnostic| content.sources.locate(diagnostic.span).unwrap().file.to_string())
        .collect();
    assert_eq!(places, ["/mine/policies/broken.yaml"]);

    content.load_dir(&system, Path::new("/elsewhere"));
    assert_eq!(content.diagnostics.last().unwrap().message, "no content in `/elsewhere`");
}
