//! Sessions of the revisions before 2026-07-28, and orders.

use castellan_base::{OsSystem, System as _};
use castellan_respond::actions::{Measure, Order, OrderStore, SubjectKind};
use serde_json::{Value, json};

use super::super::support::{ok, raw};
use super::server::{Server, result, tool};
use super::{at, call, echo, gate, said, send};

#[tokio::test(flavor = "multi_thread")]
async fn sessions_begin_listen_and_end() {
    let server = Server::start(|request| {
        let said = match request["method"].as_str().unwrap_or_default() {
            "server/discover" => return (404, "text/plain", "no such thing".to_owned()),
            "initialize" => json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"}}),
            "tools/list" => json!({"tools": [tool("echo", "Says it.")]}),
            "tools/call" => {
                json!({"content": [{"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="}]})
            }
            _ => return (202, "text/plain", String::new()),
        };
        result(request, said)
    })
    .await;
    let servers = format!("{}[gate.mcp.profiles]\none = [\"strict\"]\n", at("one", &server));
    let (gate, _folder) = gate(&servers, "").await;
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    let begun = send(&gate, "/mcp", &[], &begin).await;
    let session = begun.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-06-18")];
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(send(&gate, "/mcp", &headers, &initialized).await.status, 202);
    let call = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "x"}}});
    // A picture is told as what nobody looked into, and the strict profile lets none pass.
    let refused = send(&gate, "/mcp", &headers, &call).await.json();
    assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-31451), &json!(5)), "{refused}");
    let row = gate.rows.decision(3).await;
    assert_eq!(row["Unscanned"][0]["matter"], "image", "{row:?}");
    assert!(!gate.rows.text().contains(&session), "a session's id is as good as a key to it");
    let listening = [&headers[..], &[("accept", "text/event-stream")]].concat();
    // This server gives no session, so there is no stream of it to listen to.
    assert_eq!(gate.send("GET", "/mcp", &listening, "").await.status, 405);
    assert_eq!(gate.send("DELETE", "/mcp", &headers, "").await.status, 204);
    assert_eq!(send(&gate, "/mcp", &headers, &call).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_listens_to_what_a_server_says_by_itself() {
    let change = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let server = raw(move |request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let answer = match body["method"].as_str() {
            None => {
                let stream = format!("id: 4\ndata: {change}\n\n");
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream";
                return format!("{head}\r\ncontent-length: {}\r\n\r\n{stream}", stream.len());
            }
            Some("initialize") => json!({"jsonrpc": "2.0", "id": body["id"], "result": {"protocolVersion":
                "2025-06-18", "capabilities": {}, "serverInfo": {"name": "old", "version": "1"}}}),
            Some("server/discover") => json!({"jsonrpc": "2.0", "id": body["id"],
                "error": {"code": -32601, "message": "Method not found"}}),
            Some(_) => return "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        ok(&answer.to_string()).replacen("\r\n", "\r\nmcp-session-id: behind-1\r\n", 1)
    })
    .await;
    let servers = format!("[[gate.mcp.servers]]\nid = \"one\"\nat = {{ http = \"http://{server}/mcp\" }}\n");
    let (gate, _folder) = gate(&servers, "").await;
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    let begun = send(&gate, "/mcp", &[], &begin).await;
    let session = begun.headers["mcp-session-id"].to_str().unwrap().to_owned();
    assert_ne!(session, "behind-1");
    let headers = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let got = gate.send("GET", "/mcp", &headers, "").await;
    assert_eq!((got.status, &got.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    assert!(got.text().contains("id: 4\n") && got.text().contains("list_changed"), "{}", got.text());
    // Somebody else's session is nobody's.
    let other = [("mcp-session-id", "behind-1"), ("accept", "text/event-stream")];
    assert_eq!(gate.send("GET", "/mcp", &other, "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_playbooks_hold_for_tools() {
    let server = echo().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.json");
    let order = Order {
        id: "o1".to_owned(),
        measure: Measure::Block,
        kind: SubjectKind::Tool,
        subject: "one/other".to_owned(),
        reason: "it leaks".to_owned(),
        given: OsSystem.now(),
        expires: None,
    };
    OrderStore::new(&path).give(&order).unwrap();
    let more = format!("orders = \"{}\"\n", path.display());
    let (gate, _folder) = gate(&at("one", &server), &more).await;
    assert_eq!(said(&call(&gate, "/mcp", "echo", "x").await), "you said x");
    assert_eq!(call(&gate, "/mcp", "other", "x").await["error"]["code"], -31403);
    assert_eq!(gate.rows.decision(2).await["Reason"], "order_block:o1");
}
