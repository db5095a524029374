//! What real exporters send: the clients that `tools/clients` installs drive `tests/data/otlp_client.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use castellan_ingest::Taken;
use castellan_ingest::otlp::{self, Encoding};
use serde_json::{Value, json};

use crate::check::{fits, rows};

/// Runs a client and takes what it sent; `None` where it is not installed.
fn run(client: &str, instrumentation: &str) -> Option<Vec<Taken>> {
    let clients = std::env::var("CASTELLAN_CLIENTS").map(PathBuf::from).ok().or_else(|| {
        let home = std::env::var("HOME").ok()?;
        Some(PathBuf::from(home).join(".cache/castellan/clients"))
    })?;
    let python = clients.join(client).join("bin/python");
    if !python.is_file() {
        eprintln!("skipped: {client} is not installed; run tools/clients");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/otlp_client.py");
    let output = Command::new(python).arg(script).arg(folder.path()).arg(instrumentation).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(taken(folder.path()))
}

fn taken(folder: &Path) -> Vec<Taken> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let take = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap();
        let name = file.to_string_lossy();
        let read = if name.contains("traces") {
            otlp::traces
        } else if name.contains("logs") {
            otlp::logs
        } else {
            otlp::metrics
        };
        let taken = read(&bytes, Encoding::Protobuf, now()).unwrap();
        fits(&taken);
        assert_eq!((taken.rejected, &taken.problems), (0, &Vec::new()), "{name}");
        assert!(!taken.rows.is_empty(), "{name} gave nothing");
        taken
    };
    files.iter().map(take).collect()
}

/// Late enough for the clock of any machine that runs the test.
fn now() -> castellan_base::Ticks {
    castellan_base::Ticks::MAX
}

fn all(taken: &[Taken], table: &str) -> Vec<Value> {
    taken.iter().flat_map(|taken| rows(taken, table)).collect()
}

#[test]
fn the_sdk_alone() {
    let Some(taken) = run("otel", "plain") else { return };
    let span = &all(&taken, "OTelSpans")[0];
    assert_eq!(
        (&span["Name"], &span["Kind"], &span["ServiceName"]),
        (&json!("work"), &json!("Internal"), &json!("travel"))
    );
    assert_eq!(span["Attributes"]["list"], json!([1, 2]));
    let events = all(&taken, "OTelEvents");
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["ExceptionType"], "ValueError");
    let log = &all(&taken, "OTelLogs")[0];
    assert_eq!((&log["Body"], &log["SeverityLevel"]), (&json!(r#"{"text":"careful"}"#), &json!(2)));
    assert_eq!(log["Attributes"]["event.name"], "demo.event");
    assert_eq!((&log["TraceId"], &log["SpanId"]), (&span["TraceId"], &span["SpanId"]));
    let metrics = all(&taken, "OTelMetrics");
    let of = |name: &str| metrics.iter().find(|row| row["Name"] == name).unwrap();
    assert_eq!((&of("orders")["IntegerValue"], &of("orders")["IsMonotonic"]), (&json!(3), &json!(true)));
    assert_eq!((&of("latency")["Count"], &of("latency")["Sum"]), (&json!(1), &json!(1.5)));
    assert_eq!(of("load")["Value"], 2.5);
    assert_eq!(all(&taken, "ASimAgentEventLogs").len() + all(&taken, "AppGenAIContent").len(), 0);
}

/// Every dialect tells the question and the answer, and the tables that are not for it do not.
fn check(client: &str, instrumentation: &str) {
    let Some(taken) = run(client, instrumentation) else { return };
    // OpenTelemetry's own instrumentation does not tell the definitions of tools.
    let content = Value::from(all(&taken, "AppGenAIContent")).to_string();
    for text in ["Be brief.", "Capital of France?", "Paris it is.", "lookup"] {
        let is_told = content.contains(text) || (text == "lookup" && client == "otel-openai-v2");
        assert!(is_told, "{client}: no `{text}` in {content}");
    }
    for table in ["OTelSpans", "OTelLogs", "OTelEvents", "ASimAgentEventLogs"] {
        let other = Value::from(all(&taken, table)).to_string();
        assert!(
            !other.contains("Capital of France?") && !other.contains("Paris it is."),
            "{client}: {table}: {other}"
        );
    }
    let agents = all(&taken, "ASimAgentEventLogs");
    let [agent] = agents.as_slice() else { panic!("{client}: {agents:?}") };
    assert_eq!(agent["EventType"], "InvokeModel", "{client}");
    assert!(
        agent["ModelName"].as_str().is_some_and(|model| model.starts_with("gpt-4o-mini")),
        "{client}: {agent}"
    );
    assert_eq!(
        agent["ModelProviderName"].as_str().map(str::to_lowercase).as_deref(),
        Some("openai"),
        "{client}"
    );
    assert_eq!(agent["EventRequestTemperature"], 0.2, "{client}");
    assert_eq!((&agent["InputTokensUsed"], &agent["OutputTokensUsed"]), (&json!(12), &json!(5)), "{client}");
    // The older dialect of Traceloop tells why it ended within the answer.
    if client != "otel-traceloop-old" {
        assert_eq!(agent["EventFinishReasons"], json!(["stop"]), "{client}");
    }
}

#[test]
fn opentelemetry_with_content_in_events() {
    check("otel-openai-v2", "openai-v2");
}

#[test]
fn opentelemetry_with_content_in_attributes() {
    check("otel-openai-v2", "openai-v2-latest");
}

#[test]
fn traceloop() {
    check("otel-traceloop", "traceloop");
}

#[test]
fn traceloop_before_it_followed_opentelemetry() {
    check("otel-traceloop-old", "traceloop");
}

#[test]
fn openinference() {
    check("otel-openinference", "openinference");
}
