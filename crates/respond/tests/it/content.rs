//! The examples of the playbooks that are built in: a dry run, a run against fake servers, and its undo.
#![expect(clippy::disallowed_methods, reason = "examples are read where they are")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use castellan_base::{Limits, Sources, System as _, yaml};
use castellan_respond::Library;
use castellan_respond::actions::{
    AzureConnection, Catalogue, Connector, ConnectorKind, Hosts, HttpOptions, OrderStore,
};
use castellan_respond::run::{Answerer, Event, Report, Runner, Start, Status, Wait, plan};
use castellan_testkit::MemorySystem;
use castellan_testkit::fake_arm::FakeArm;
use serde_json::Value;

use crate::azure::{Fixed, estate};
use crate::service::Service;
use crate::support::{Outcome, runner};

type Failure = Box<dyn std::error::Error>;

fn connectors(service: &Service) -> BTreeMap<String, Connector> {
    let connector = |kind, path: &str, repeatable| Connector {
        kind,
        address: format!("http://{}{path}", service.host()),
        secret: None,
        repeatable,
    };
    let ticket = ConnectorKind::Ticket { id_field: "id".to_owned(), key_parameter: "key".to_owned() };
    BTreeMap::from([
        ("soc-chat".to_owned(), connector(ConnectorKind::Slack, "/do/chat", false)),
        ("tickets".to_owned(), connector(ticket, "/tickets", false)),
    ])
}

fn examples() -> Result<Vec<(String, Vec<Value>)>, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/playbooks/examples");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let mut sources = Sources::default();
        let source = sources.add(path.display().to_string(), text.as_str());
        let document =
            yaml::parse(&text, source, &Limits::default()).map_err(|error| error.message)?.to_json();
        let cases = document["examples"].as_array().cloned().unwrap_or_default();
        assert!(!cases.is_empty(), "{}", path.display());
        found.push((document["playbook"].as_str().unwrap_or_default().to_owned(), cases));
    }
    Ok(found)
}

/// The playbook that a file's name stands for.
fn id_of(library: &Library, name: &str) -> Result<String, Failure> {
    let path = format!("../../content/playbooks/{name}.yaml");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
    let line = text.lines().find_map(|line| line.strip_prefix("id: ")).ok_or("no id")?;
    library
        .get(line)
        .map(|entry| entry.playbook.id.clone())
        .ok_or_else(|| format!("{name} was not read").into())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn variables(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Gives the answers of an example to whatever the run waits for.
fn answer(runner: &Runner<'_>, mut report: Report, answers: &[Value]) -> Result<Report, Failure> {
    for (index, answer) in answers.iter().enumerate() {
        let wait =
            report.waits.first().ok_or_else(|| format!("nothing waits for answer {index}: {report:?}"))?;
        let path = wait.path().to_owned();
        report = match (wait, answer.get("approve").and_then(Value::as_bool)) {
            (Wait::Approval { .. }, Some(approve)) => {
                let roles = vec!["ai-response".to_owned()];
                runner.approve(
                    &report.run,
                    &path,
                    &Answerer { who: format!("p{index}"), roles },
                    approve,
                    "example",
                )?
            }
            (Wait::Task { .. }, None) => {
                let result = match answer.get("cannot").and_then(Value::as_str) {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(variables(&answer["outputs"])),
                };
                runner.complete(&report.run, &path, "ann", result)?
            }
            other => return Err(format!("the answer {index} does not fit {other:?}").into()),
        };
    }
    Ok(report)
}

fn started(runner: &Runner<'_>, run: &str) -> Result<Vec<String>, Failure> {
    let mut actions = Vec::new();
    for record in runner.history(run)? {
        if let Event::Started { action, .. } = record.event {
            actions.push(action);
        }
    }
    actions.sort();
    Ok(actions)
}

fn check(name: &str, case: &Value) -> Outcome {
    let what = format!("{name}: {}", case["name"]);
    let (fake, service, folder) = (FakeArm::start(estate()), Service::start()?, tempfile::tempdir()?);
    let (system, library) = (MemorySystem::default(), Library::embedded());
    let orders = OrderStore::new(folder.path().join("orders.json"));
    let azure = AzureConnection::new(&fake.endpoint(), &fake.endpoint(), Box::new(Fixed));
    let catalogue =
        Catalogue::new(Hosts::new([service.host()]), connectors(&service), HttpOptions::default())
            .with_gate(Arc::new(orders.clone()))
            .with_azure(azure);
    let id = id_of(&library, name)?;
    let given = variables(&case["variables"]);
    let planned = plan(&library, &catalogue, &system, &id, &given, true)?;
    assert_eq!(planned.problems, Vec::<String>::new(), "{what}");
    let expected = &case["expect"];
    let mut wanted = texts(&expected["actions"]);
    for action in &wanted {
        assert!(
            planned.steps.iter().any(|step| step.action == *action),
            "{what}: {action} is not in the plan"
        );
    }
    let changes = fake
        .recording()
        .requests
        .iter()
        .filter(|request| !matches!(request.method.as_str(), "GET" | "POST"))
        .count();
    assert_eq!((changes, service.counts().requests.len()), (0, 0), "{what}: a plan changes nothing");

    let runner = runner(&system, &library, &catalogue, folder.path());
    let start = Start { variables: given, by: "example".to_owned(), ..Start::default() };
    let report = runner.start(&id, &start)?;
    let answers = case["answers"].as_array().cloned().unwrap_or_default();
    let report = answer(&runner, report, &answers)?;
    let status = if expected["status"] == "completed" { Status::Completed } else { Status::Failed };
    assert_eq!(report.status, status, "{what}: {report:?}");
    wanted.sort();
    assert_eq!(started(&runner, &report.run)?, wanted, "{what}");
    let count = |key: &str| usize::try_from(expected[key].as_u64().unwrap_or(0)).unwrap_or(0);
    assert_eq!(orders.holding(system.now())?.1.len(), count("orders"), "{what}");

    let undone = runner.undo(&report.run, "ann", "the example is over")?;
    let outcomes: Vec<(&str, bool)> = undone
        .steps
        .iter()
        .filter_map(|step| Some((step.action.as_str(), step.undone.as_ref()?.0)))
        .collect();
    let failed: Vec<&str> =
        outcomes.iter().filter(|(_, success)| !success).map(|(action, _)| *action).collect();
    assert_eq!(failed, texts(&expected["irreversible"]), "{what}: {:?}", undone.steps);
    assert_eq!(outcomes.len() - failed.len(), count("undone"), "{what}");
    assert_eq!(orders.holding(system.now())?.1.len(), 0, "{what}: orders are lifted");
    Ok(())
}

#[test]
fn examples_come_to_what_they_say() -> Outcome {
    let examples = examples()?;
    let library = Library::embedded();
    assert_eq!(
        library
            .diagnostics
            .iter()
            .map(|(path, diagnostic)| format!("{path}: {}", diagnostic.message))
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    assert_eq!(examples.len(), library.iter().count(), "every playbook has examples");
    for (name, cases) in examples {
        for case in cases {
            check(&name, &case).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

/// Every framework id that is cited is one of a pack, where there is a pack.
#[test]
fn playbooks_cite_what_exists() -> Outcome {
    let read = |name: &str| {
        std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../content/frameworks/{name}.yaml")),
        )
    };
    let packs = [
        ("atlas", read("atlas")?),
        ("owasp-llm:2025", read("owasp-llm-2025")?),
        ("owasp-agentic:2026", read("owasp-agentic-2026")?),
    ];
    for entry in Library::embedded().iter().filter(|entry| entry.playbook.name != "Tell people") {
        let references = &entry.playbook.references;
        for wanted in ["atlas", "owasp", "mitre-attack"] {
            assert!(
                references.iter().any(|(source, _)| source.starts_with(wanted)),
                "{}: {wanted}",
                entry.playbook.name
            );
        }
        for (source, id) in references {
            if let Some((_, pack)) = packs.iter().find(|(name, _)| name == source) {
                assert!(
                    pack.contains(&format!("id: {id},")) || pack.contains(&format!("id: {id}\n")),
                    "{source} {id}"
                );
            }
        }
    }
    Ok(())
}
