//! Events come in: from files of diagnostic logs, and through a server that is told to end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{Desk, repository};

#[test]
fn diagnostic_logs_name_their_tables() {
    let desk = Desk::new();
    let sign_in = r#"{"time":"2026-11-21T00:00:00Z","category":"SignInLogs","resourceId":"/tenants/t/providers/Microsoft.aadiam","properties":{"userPrincipalName":"ann@example.com"}}"#;
    desk.file("a.json", &format!("{{\n  \"records\": [\n {sign_in}\n]}}"));
    desk.file("b.jsonl", &format!("{sign_in}\n7\n"));
    let ran = desk.run(&["ingest", "--format", "diagnostics", "a.json", "b.jsonl", "--lake", "l"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("b.jsonl: record 1: rejected: not a JSON object"), "{}", ran.err);
    assert!(ran.err.contains("2 rows are kept; 1 line was left out"), "{}", ran.err);
    let ran = desk.run(&[
        "query",
        "SigninLogs | summarize count() by UserPrincipalName",
        "--lake",
        "l",
        "--format",
        "csv",
    ]);
    assert!(ran.out.contains("ann@example.com,2"), "{ran:?}");
    let ran = desk.run(&["ingest", "SigninLogs", "--lake", "l"]);
    assert!(ran.code == 2 && ran.err.contains("no file is given"), "{ran:?}");
    let ran = desk.run(&["ingest", "--help"]);
    assert!(ran.code == 0 && ran.out.contains("--format diagnostics"), "{ran:?}");
}

/// A server that is ended by a signal, as services are.
pub(crate) struct Up {
    child: Child,
    err: BufReader<std::process::ChildStderr>,
    told: String,
}

impl Up {
    pub(crate) fn start(desk: &Desk, arguments: &[&str]) -> Up {
        let arguments: Vec<&str> =
            ["up", "--listen", "127.0.0.1:0"].iter().chain(arguments).copied().collect();
        Up::command(desk, &arguments)
    }

    /// Another command that runs until it is told to end.
    pub(crate) fn command(desk: &Desk, arguments: &[&str]) -> Up {
        let mut child = desk.command(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Up { child, err, told: String::new() }
    }

    /// What stands behind a mark on standard error.
    pub(crate) fn told(&mut self, mark: &str) -> String {
        loop {
            if let Some((_, rest)) = self.told.split_once(mark)
                && let Some((line, _)) = rest.split_once('\n')
            {
                return line.to_owned();
            }
            let read = self.err.read_line(&mut self.told).unwrap();
            assert!(read > 0, "ended without `{mark}`: {}", self.told);
        }
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.err.read_to_string(&mut self.told).unwrap();
        (self.child.wait().unwrap().code(), self.told)
    }
}

pub(crate) fn post(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_example_of_the_lake_runs() {
    let desk = Desk::new();
    let examples = repository().join("examples/lake");
    let rules = examples.join("rules").display().to_string();
    let read = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let mut up = Up::start(
        &desk,
        &[
            "--lake",
            "l",
            "--rules",
            &rules,
            "--watch",
            "inbox",
            "--syslog",
            "127.0.0.1:0",
            "--otlp-grpc",
            "127.0.0.1:0",
        ],
    );
    assert_eq!(up.told("rules: "), "dcr-agent-calls");
    let syslog = up.told("syslog over TCP: ");
    let address = up.told("castellan is up at http://");
    let address = address.split(';').next().unwrap();
    let path = "/dataCollectionRules/dcr-agent-calls/streams/Custom-AgentCalls?api-version=2023-01-01";
    let answer = post(address, path, &read("events.json"));
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let answer = post(address, "/api/v1/diagnostics", &read("diagnostics.json"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""rows":1"#), "{answer}");
    let mut stream = TcpStream::connect(&syslog).unwrap();
    stream.write_all(b"<34>1 2026-11-21T22:14:15Z fw app - - - by wire\n").unwrap();
    std::fs::write(desk.path("inbox/Files_CL__a.jsonl"), "{\"n\": 1}\n").unwrap();
    for _ in 0..200 {
        if desk.path("inbox/done/Files_CL__a.jsonl").is_file() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, told) = up.end();
    assert!(code == Some(0) && told.ends_with("castellan is down\n"), "{code:?} {told}");
    let query = "union withsource=Table AgentCalls_CL, Syslog, AzureDiagnostics, Files_CL | summarize n = count() by Table | sort by Table asc";
    let ran = desk.run(&["query", query, "--lake", "l", "--format", "csv"]);
    let expected = ["AgentCalls_CL,3", "AzureDiagnostics,1", "Files_CL,1", "Syslog,2"];
    assert!(expected.iter().all(|line| ran.out.contains(line)), "{ran:?}");
    // Everything was written to files before it ended.
    let ran = desk.run(&["lake", "tables", "--lake", "l", "--json"]);
    let waiting = ran
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["rowsInMemory"].as_u64().unwrap())
        .sum::<u64>();
    assert_eq!(waiting, 0, "{}", ran.out);
}

#[test]
fn without_a_lake_nothing_is_taken_in() {
    let desk = Desk::new();
    let mut up = Up::start(&desk, &["--no-data"]);
    let address = up.told("castellan is up at http://");
    let address = address.split(';').next().unwrap().to_owned();
    assert!(post(&address, "/v1/logs", "{}").starts_with("HTTP/1.1 404"));
    assert_eq!(up.end().0, Some(0));
    for argument in ["--rules", "--watch", "--syslog", "--otlp-grpc"] {
        let ran = desk.run(&["up", "--no-data", argument, "127.0.0.1:0"]);
        assert!(ran.code == 2 && ran.err.contains("--lake"), "{argument}: {ran:?}");
    }
}
