//! Services that answer badly or repeat secrets, values that bend requests, and playbooks that never end.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use castellan_respond::actions::{
    AzureConnection, Call, Catalogue, Connector, ConnectorKind, Hosts, HttpOptions, Measure, Order,
    OrderError, OrderStore, SubjectKind,
};
use castellan_respond::playbook::{self, Part, Resolved, Text, extension};
use castellan_respond::run::{Start, Status, plan};
use castellan_testkit::MemorySystem;
use serde_json::{Value, json};

use crate::azure::Fixed;
use crate::service::Service;
use crate::support::{Outcome, catalogue, does, id, library, playbook as document, runner};

/// What a request is answered with: status, bytes that are announced beyond the body, body.
type Answer = fn(&str) -> (u16, usize, String);

/// A server that answers each request with what is made of it.
fn answering(answer: Answer) -> std::io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let host = listener.local_addr()?.to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answer));
        }
    });
    Ok(host)
}

fn serve(stream: TcpStream, answer: Answer) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(count) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = count.trim().parse().ok()?;
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.push_str(&String::from_utf8_lossy(&body));
    let (status, more, body) = answer(&request);
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len() + more);
    reader.into_inner().write_all(format!("{head}{body}").as_bytes()).ok()
}

const SECRET: &str = "p\"a/s+s-longtokentoken";
/// Parts of the secret in the forms in which it may come back.
const LEAKS: [&str; 5] = ["longtokentoken", "bG9uZ3Rva2Vu", "p\"a/s", "p\\\"a", "p%22a"];

fn inputs_of(pairs: &[(&str, &str)]) -> Result<BTreeMap<String, Resolved>, String> {
    let value = |name: &str| {
        Some(if name == "__key__" { Part::Secret("env:KEY".to_owned()) } else { Part::Plain("x".to_owned()) })
    };
    pairs.iter().map(|(name, text)| Ok(((*name).to_owned(), Text::parse(text).resolve(&value)?))).collect()
}

/// Everything that an action says about a call.
fn said(catalogue: &Catalogue, name: &str, call: &Call<'_>) -> Result<String, String> {
    let action = catalogue.action(name).ok_or("no action")?;
    let before = action.prepare(call);
    let null = Value::Null;
    Ok(format!(
        "{before:?} {:?} {:?} {:?}",
        action.perform(call, &null),
        action.probe(call, &null),
        action.undo(call, &null)
    ))
}

#[test]
fn a_service_that_repeats_secrets_does_not_get_them_into_a_journal() -> Outcome {
    for status in [200, 400, 404, 500] {
        for padding in [0_usize, 380, 430, 480] {
            let answer: Answer = match status {
                200 => |request| (200, 0, request.to_owned()),
                400 => |request| (400, 0, json!({"error": {"message": request}}).to_string()),
                404 => |request| (404, 0, json!(request).to_string()),
                _ => |request| (500, 0, request.replace("padding", &" ".repeat(40))),
            };
            let host = answering(answer)?;
            let system = MemorySystem::default()
                .with_env("KEY", SECRET)
                .with_env("URL", &format!("http://{host}/hooks/longtokentoken"));
            let (line, pad) = (format!("POST /{}/__key__:value", "a".repeat(padding)), "y".repeat(padding));
            let content = format!("{pad}{{\"k\": \"__key__:value\"}}");
            let address = format!("http://{host}");
            let inputs = inputs_of(&[
                ("address", &address),
                ("request", &line),
                ("content", &content),
                ("header.X-Key", "Key __key__:value"),
                ("user", "ann"),
                ("password", "__key__:value"),
                ("probe", "GET /p/__key__:value"),
                ("undo", "DELETE /u/__key__:value"),
                ("keep", "true"),
            ])?;
            let call = Call {
                path: "/p",
                key: "k1",
                inputs: &inputs,
                timeout: Duration::from_secs(5),
                system: &system,
            };
            let connector = |address: &str| Connector {
                kind: ConnectorKind::Slack,
                address: address.to_owned(),
                secret: Some("env:KEY".to_owned()),
                repeatable: false,
            };
            let connectors = BTreeMap::from([("there".to_owned(), connector("secret:env:URL"))]);
            let catalogue = Catalogue::new(Hosts::new([host.clone()]), connectors, HttpOptions::default());
            let mut all = said(&catalogue, "http.request", &call)?;
            let words = inputs_of(&[("connector", "there"), ("title", &pad), ("text", "t")])?;
            all += &said(&catalogue, "message.chat", &Call { inputs: &words, ..call })?;
            // Errors that repeat an input instead of asking a service.
            let call = Call {
                path: "/p",
                key: "k1",
                inputs: &inputs,
                timeout: Duration::from_secs(5),
                system: &system,
            };
            for (name, text) in [("address", "http://x y__key__:value"), ("request", "POST __key__:value")] {
                let mut odd = inputs.clone();
                odd.extend(inputs_of(&[(name, text)])?);
                all += &said(&catalogue, "http.request", &Call { inputs: &odd, ..call })?;
                let call = Call {
                    path: "/p",
                    key: "k1",
                    inputs: &odd,
                    timeout: Duration::from_secs(5),
                    system: &system,
                };
                all += &said(&catalogue, "http.request", &call)?;
            }
            for leak in LEAKS {
                assert!(!all.contains(leak), "{status} {padding} {leak}: {all}");
            }
            assert!(all.contains("[redacted]"), "{all}");
        }
    }
    Ok(())
}

#[test]
fn half_an_answer_is_not_what_was_there() -> Outcome {
    let system = MemorySystem::default();
    let account = castellan_testkit::fake_arm::estate::foundry_account();
    let inputs = BTreeMap::from([("resource".to_owned(), Resolved::plain(account))]);
    let call =
        Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_secs(5), system: &system };
    let broken: [Answer; 4] = [
        |_| (200, 100, "{\"properties\": {\"publicNetworkAccess\": \"Disabled\"}}".to_owned()),
        |_| (200, 0, "{\"properties\": {\"publicNetw".to_owned()),
        |_| (200, 0, "{}".to_owned()),
        |_| (200, 0, format!("{{\"properties\": {{\"a\": \"{}\"}}}}", "x".repeat(2 << 20))),
    ];
    for (index, answer) in broken.into_iter().enumerate() {
        let origin = format!("http://{}", answering(answer)?);
        let connection = AzureConnection::new(&origin, &origin, Box::new(Fixed));
        let catalogue = Catalogue::default().with_azure(connection);
        let action = catalogue.action("azure.isolate-network").ok_or("no action")?;
        let error = action.prepare(&call).err().ok_or_else(|| format!("{index} was taken"))?;
        assert_eq!((error.perhaps, error.again), (false, true), "{index}: {error}");
    }
    Ok(())
}

#[test]
fn tickets_of_others_are_not_taken() -> Outcome {
    let system = MemorySystem::default();
    let inputs = inputs_of(&[("connector", "there"), ("title", "t"), ("text", "t")])?;
    let call =
        Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_secs(5), system: &system };
    let odd: [Answer; 3] = [
        |_| (200, 0, "{\"tickets\": 3}".to_owned()),
        |_| (200, 0, "[{\"id\": \"other\", \"state\": \"open\"}]".to_owned()),
        |_| (200, 9, "[]".to_owned()),
    ];
    for answer in odd {
        let host = answering(answer)?;
        let kind = ConnectorKind::Ticket { id_field: "id".to_owned(), key_parameter: "key".to_owned() };
        let connector =
            Connector { kind, address: format!("http://{host}/t"), secret: None, repeatable: false };
        let connectors = BTreeMap::from([("there".to_owned(), connector)]);
        let catalogue = Catalogue::new(Hosts::new([host]), connectors, HttpOptions::default());
        let action = catalogue.action("message.ticket").ok_or("no action")?;
        assert!(action.probe(&call, &Value::Null).is_err());
        assert!(action.undo(&call, &Value::Null).is_err());
    }
    Ok(())
}

#[test]
fn values_do_not_bend_requests() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let mut step = does("it", &id("end", 1));
    step["commands"][0]["command"] = json!("POST /do/__answer__:value HTTP/1.1");
    let document = document(&service.host(), &id("action", 1), json!({(id("action", 1)): step}), false);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let cases = [
        ("a/../../admin?x=y#z w", Some("POST /do/a%2F..%2F..%2Fadmin%3Fx%3Dy%23z%20w")),
        ("..", None),
        ("it", Some("POST /do/it")),
    ];
    for (value, expected) in cases {
        let before = service.counts().requests.len();
        let variables = BTreeMap::from([("__answer__".to_owned(), value.to_owned())]);
        let report = runner.start(&id("playbook", 1), &Start { variables, ..Start::default() })?;
        let requests = service.counts().requests;
        let sent = requests.get(before).map(|(line, ..)| line.as_str());
        assert_eq!(sent, expected, "{value}: {report:?}");
    }
    Ok(())
}

/// Parallel steps that each lead to the next one several times.
fn widening(levels: usize, width: usize) -> Value {
    let mut steps = serde_json::Map::new();
    for level in 1..=levels {
        let next = if level == levels { id("end", 1) } else { id("parallel", level + 1) };
        steps.insert(
            id("parallel", level),
            json!({"type": "parallel", "next_steps": vec![next; width], "on_success": id("end", 1)}),
        );
    }
    document("127.0.0.1:1", &id("parallel", 1), Value::Object(steps), false)
}

#[test]
fn plans_and_threads_are_bounded() -> Outcome {
    let (folder, system) = (tempfile::tempdir()?, MemorySystem::default());
    let catalogue = Catalogue::default();
    let deep = library(&[widening(23, 3)])?;
    let plan = plan(&deep, &catalogue, &system, &id("playbook", 1), &BTreeMap::new(), false)?;
    assert!(plan.problems.iter().any(|problem| problem.contains("too long")), "{:?}", plan.problems);
    let wide = library(&[widening(5, 5)])?;
    let report =
        runner(&system, &wide, &catalogue, folder.path()).start(&id("playbook", 1), &Start::default())?;
    assert_eq!(report.status, Status::Completed, "{}", report.reason);
    Ok(())
}

fn errors_of(document: &Value) -> String {
    let mut sources = castellan_base::Sources::default();
    let reading = playbook::read("p.json", &document.to_string(), &mut sources);
    reading.diagnostics.into_iter().map(|diagnostic| diagnostic.message + "\n").collect()
}

#[test]
fn circles_and_numbers_that_are_rounded_are_refused() {
    let mut circle = widening(2, 2);
    circle["workflow"][id("parallel", 2)]["next_steps"] = json!([id("parallel", 1), id("end", 1)]);
    assert!(errors_of(&circle).contains("leads back to it"));
    let with = |value: Value| {
        let mut step = does("it", &id("end", 1));
        step["commands"] = json!([{"type": extension::COMMAND}]);
        step["step_extensions"] =
            json!({(extension::ACTION): {"action": "run.set", "inputs": {"value": value}}});
        document("127.0.0.1:1", &id("action", 1), json!({(id("action", 1)): step}), false)
    };
    for (value, is_refused) in [
        (json!(9_007_199_254_740_991_i64), false),
        (json!(9_007_199_254_740_993_i64), true),
        (json!([{"a": -9_007_199_254_740_992_i64}]), true),
        (json!("9007199254740993"), false),
        (json!(0.5), false),
    ] {
        assert_eq!(
            errors_of(&with(value.clone())).contains("not the same to every reader"),
            is_refused,
            "{value}"
        );
    }
}

#[test]
fn inputs_that_are_missing_fail_the_step_before_it_acts() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let mut step = does("it", &id("end", 1));
    step["commands"] = json!([{"type": extension::COMMAND}]);
    step["step_extensions"] = json!({(extension::ACTION): {"action": "http.request",
        "inputs": {"address": format!("http://{}", service.host()), "request": "POST /do/it", "tpyo": "x"}}});
    let document = document(&service.host(), &id("action", 1), json!({(id("action", 1)): step}), false);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let report =
        runner(&system, &library, &catalogue, folder.path()).start(&id("playbook", 1), &Start::default())?;
    assert_eq!((report.status, service.counts().done.len()), (Status::Failed, 0));
    assert!(report.reason.contains("tpyo"), "{}", report.reason);
    Ok(())
}

/// Who answers chooses no secrets.
#[test]
fn outputs_do_not_go_into_secrets() -> Outcome {
    let (folder, system) = (tempfile::tempdir()?, MemorySystem::default());
    let step = json!({
        "type": "action", "agent": id("http-api", 1), "out_args": ["__key__"], "on_success": id("end", 1),
        "commands": [{"type": "manual", "command": "Look."}],
    });
    let document = document("127.0.0.1:1", &id("action", 1), json!({(id("action", 1)): step}), false);
    let (library, catalogue) = (library(&[document])?, Catalogue::default());
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &Start::default())?;
    let path = report.waits.first().map(|wait| wait.path().to_owned()).unwrap_or_default();
    let outputs = BTreeMap::from([("__key__".to_owned(), "secret:env:OTHER".to_owned())]);
    let report = runner.complete(&report.run, &path, "ann", Ok(outputs))?;
    assert_eq!(report.status, Status::Failed);
    assert!(report.reason.contains("takes no output"), "{}", report.reason);
    Ok(())
}

#[test]
fn orders_have_a_longest_reason() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = OrderStore::new(folder.path().join("orders.json"));
    let order = |reason: String| Order {
        id: "o".to_owned(),
        measure: Measure::Block,
        kind: SubjectKind::Agent,
        subject: "a".to_owned(),
        reason,
        given: castellan_base::Ticks::MIN,
        expires: None,
    };
    assert!(matches!(store.give(&order("x".repeat(5000))), Err(OrderError::TooLong)));
    store.give(&order("x".repeat(4000)))?;
    Ok(())
}
