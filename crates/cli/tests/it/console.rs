//! `castellan up` with a lake serves the console: pages, sessions, queries, the gate, events.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::Desk;
use crate::intake::Up;

/// Head and body of the answer to a request.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{kind}{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn told(answer: &(String, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[test]
fn a_lake_has_a_console() {
    let desk = Desk::new();
    desk.file("pepper.txt", &"11".repeat(32));
    desk.file(
        "castellan.toml",
        "[gate]\nlisten = \"127.0.0.1:0\"\nkeys = \"keys.json\"\npepper = \"file:pepper.txt\"\norders = \"orders.json\"\n\
         [gate.upstreams.models.m]\nmembers = [{ url = \"http://127.0.0.1:1/v1\" }]\n",
    );
    let mut up = Up::start(&desk, &["--lake", "lake", "--gate", "castellan.toml"]);
    let address = up.told("castellan is up at http://").split(';').next().unwrap().to_owned();
    let page = ask(&address, "GET", "/", "", "");
    assert!(page.0.starts_with("http/1.1 200") && page.0.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{page:?}");
    let session = told(&ask(&address, "GET", "/api/v1/session", "", ""));
    assert_eq!((&session["role"], &session["way"]), (&json!("administrator"), &json!("local")));
    let rows = told(&ask(&address, "POST", "/api/v1/query", "", r#"{"query":"SecurityIncident | count"}"#));
    assert_eq!(rows["rows"], json!([[0]]));
    let gate = told(&ask(&address, "GET", "/api/v1/gate", "", ""));
    assert_eq!((&gate["open"], &gate["models"][0]["alias"]), (&json!(true), &json!("m")));
    let key = told(&ask(&address, "POST", "/api/v1/gate/keys", "", r#"{"owner":"ann"}"#));
    assert!(key["key"].as_str().is_some_and(|key| key.starts_with("cst")), "{key}");
    let incidents = told(&ask(&address, "GET", "/api/v1/incidents", "", ""));
    assert_eq!(incidents["total"], 0);
    let evil = ask(&address, "GET", "/api/v1/session", "origin: https://evil.example\r\n", "");
    assert!(evil.0.starts_with("http/1.1 403"), "{evil:?}");
    // A page that waits for events does not keep the server from ending.
    let mut waiting = TcpStream::connect(&address).unwrap();
    waiting.write_all(format!("GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut first = [0; 15];
    waiting.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let begun = std::time::Instant::now();
    let (code, told) = up.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn faults_of_the_console_have_places() {
    let desk = Desk::new();
    for (text, place) in [
        ("[console]\npolicy = \"x\"\n[gate]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n", "line 2"),
        ("[console]\npolicies = \"none\"\n[gate]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n", "none"),
    ] {
        desk.file("castellan.toml", text);
        let ran = desk.run(&["up", "--listen", "127.0.0.1:0", "--lake", "lake", "--gate", "castellan.toml"]);
        assert!(ran.code == 2 && ran.err.contains(place), "{ran:?}");
    }
}
