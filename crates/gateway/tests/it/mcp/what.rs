//! Limits, approvals, rules about arguments and policies about results.

use castellan_access::approval::ApprovalStore;
use castellan_access::principal::{Kind, Method, Principal};
use castellan_base::{OsSystem, System as _};

use super::*;

fn bob() -> Principal {
    Principal::new(Kind::User, Method::None, "tests", "bob")
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_count_requests_calls_and_what_they_cost() {
    let server = echo().await;
    let limits = "[[gate.mcp.tools]]\nserver = \"one\"\ntool = \"other\"\ncost = 0.4\n\
        [[gate.limits.rules]]\nname = \"two calls\"\nper = [\"principal\", \"tool\"]\nunit = \"calls\"\nwindow = \"hour\"\nlimit = 2\n\
        [[gate.limits.rules]]\nname = \"a dollar\"\nper = [\"server\"]\nunit = \"cost\"\nwindow = \"hour\"\nlimit = 1\n\
        [[gate.limits.rules]]\nname = \"models alone\"\nunit = \"requests\"\nwindow = \"hour\"\nlimit = 1\n";
    let (gate, _folder) = gate(&at("one", &server), &format!("---{limits}")).await;
    for tool in ["echo", "other"] {
        for _ in 0..2 {
            assert_eq!(said(&call(&gate, "/mcp/one", tool, "x").await), "you said x");
        }
        let refused = call(&gate, "/mcp/one", tool, "x").await;
        assert_eq!(refused["error"]["code"], -31429, "{refused}");
        assert_eq!(refused["error"]["data"]["limit"], "two calls");
        assert!(refused["error"]["data"]["retryAfterSeconds"].as_u64() > Some(0), "{refused}");
    }
    assert_eq!(server.of("tools/call").len(), 4);
    let row = gate.rows.decision(6).await;
    assert_eq!((row["Stage"].as_str(), row["Reason"].as_str()), (Some("meter"), Some("limit:two calls")));
    let rows = gate.rows.of("CastellanGateDecisions");
    let costs: Vec<f64> = rows.iter().filter_map(|row| row.get("Cost")?.as_f64()).collect();
    assert_eq!(costs, [0.4, 0.4], "what was refused costs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_of_tools_is_limited() {
    let server = echo().await;
    let limits = "[[gate.mcp.tools]]\nserver = \"one\"\ncost = 0.4\n\
        [[gate.limits.rules]]\nname = \"a dollar\"\nper = [\"server\"]\nunit = \"cost\"\nwindow = \"day\"\nlimit = 1\n";
    let (gate, _folder) = gate(&at("one", &server), &format!("---{limits}")).await;
    for tool in ["echo", "other"] {
        assert_eq!(said(&call(&gate, "/mcp/one", tool, "x").await), "you said x");
    }
    assert_eq!(call(&gate, "/mcp/one", "echo", "x").await["error"]["data"]["limit"], "a dollar");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_passes_once_after_a_person_has_agreed_to_it() {
    let server = echo().await;
    let files = tempfile::tempdir().unwrap();
    let policy = "@id(\"all\") permit (principal, action, resource) unless { action == Action::\"call\" };\n\
        @id(\"ask\") @require_approval(\"true\") permit (principal, action == Action::\"call\", resource);\n";
    std::fs::write(files.path().join("a.cedar"), policy).unwrap();
    let file = files.path().join("approvals.json");
    let top = format!("policies = {:?}\napprovals = {file:?}", files.path());
    let (gate, _folder) = gate(&at("one", &server), &top).await;
    let first = call(&gate, "/mcp/one", "echo", "pay 100").await;
    assert_eq!(first["error"]["code"], -31428, "{first}");
    let id = first["error"]["data"]["approval"].as_str().unwrap().to_owned();
    let store = ApprovalStore::open(&file, Default::default()).unwrap();
    assert!(store.get(&id).unwrap().what.contains("one/echo"));
    store.approve(&id, &bob(), "fine", OsSystem.now()).unwrap();
    gate.gate.approvals().unwrap().refresh().unwrap();
    let other = call(&gate, "/mcp/one", "echo", "pay 900").await;
    assert_eq!(other["error"]["code"], -31428, "other arguments are another call");
    assert_eq!(
        call(&gate, "/mcp/one", "other", "pay 100").await["error"]["code"],
        -31428,
        "so is another tool"
    );
    assert_eq!(said(&call(&gate, "/mcp/one", "echo", "pay 100").await), "you said pay 100");
    assert_eq!(call(&gate, "/mcp/one", "echo", "pay 100").await["error"]["code"], -31428, "once");
    assert_eq!(server.of("tools/call").len(), 1);
    let rows = gate.rows.of("CastellanGateDecisions");
    let passed: Vec<_> = rows.iter().filter(|row| row["Stage"] == "done").collect();
    assert!(
        passed.iter().any(|row| row["ApprovalId"] == id.as_str() && row["ApprovalStage"] == "used"),
        "{rows:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flow_rules_ask_for_is_agreed_to_call_by_call() {
    let server = echo().await;
    let servers = at("one", &server);
    // Nothing is said of its tools: results are untrusted, and calls after them need a person.
    let (servers, _) = servers.split_once("[[gate.mcp.labels").unwrap();
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("approvals.json");
    let (gate, _folder) = gate(servers, &format!("approvals = {file:?}")).await;
    assert_eq!(said(&call(&gate, "/mcp", "echo", "first").await), "you said first");
    let store = ApprovalStore::open(&file, Default::default()).unwrap();
    for round in 1..=2_usize {
        let asked = call(&gate, "/mcp", "echo", "send it").await;
        assert_eq!(asked["error"]["code"], -31428, "{asked}");
        let id = asked["error"]["data"]["approval"].as_str().unwrap().to_owned();
        store.refresh().unwrap();
        store.approve(&id, &bob(), "looked at it", OsSystem.now()).unwrap();
        gate.gate.approvals().unwrap().refresh().unwrap();
        // Neither another call nor another tool is what was agreed to.
        for (tool, text) in [("echo", "send all"), ("other", "send it")] {
            assert_eq!(call(&gate, "/mcp", tool, text).await["error"]["code"], -31428, "{tool} {text}");
        }
        assert_eq!(server.of("tools/call").len(), round);
        assert_eq!(said(&call(&gate, "/mcp", "echo", "send it").await), "you said send it");
        // Once more is once more to agree to.
        let again = call(&gate, "/mcp", "echo", "send it").await;
        assert_eq!(again["error"]["code"], -31428, "{again}");
        assert_ne!(again["error"]["data"]["approval"], id.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_have_to_fit_and_values_become_tokens() {
    let server = echo().await;
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(files.path().join(name), text).unwrap();
    write("short.json", r#"{"properties": {"text": {"maxLength": 60}}}"#);
    write(
        "own.yaml",
        "id: own\nversion: 1\ntitle: t\nrules:\n  - { id: short, check: { schema: { file: short.json, tool: echo } }, points: [tool_call], action: block }\n  \
         - { id: cards, check: { sensitive: { detectors: [payment-card] } }, points: [tool_call, tool_result], action: tokenise, restore: true }\n",
    );
    write("key", &"0123456789abcdef".repeat(4));
    let top = format!(
        "profiles = [\"own\"]\nguardrails = {:?}\n---[gate.tokens]\nkey = \"file:{}\"\n",
        files.path(),
        files.path().join("key").display()
    );
    let (gate, _folder) = gate(&at("one", &server), &top).await;
    let long = "a text that is longer than the sixty characters that are allowed here";
    assert_eq!(call(&gate, "/mcp/one", "echo", long).await["error"]["code"], -31451);
    assert_eq!(said(&call(&gate, "/mcp/one", "other", long).await), format!("you said {long}"));
    let card = "card 4111 1111 1111 1111, visa";
    assert_eq!(said(&call(&gate, "/mcp/one", "echo", card).await), format!("you said {card}"));
    let sent = server.of("tools/call").pop().unwrap().body.to_string();
    assert!(!sent.contains("4111") && sent.contains("visa"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_decide_about_what_is_in_a_result() {
    let server = Server::start(|request| {
        modern(request, &[tool("read", "Reads."), tool("list", "Lists.")], |name, _| {
            if name == "read" { "visa card 4111 1111 1111 1111".to_owned() } else { "nothing".to_owned() }
        })
    })
    .await;
    let files = tempfile::tempdir().unwrap();
    let policy = "@id(\"all\") permit (principal, action, resource);\n\
        @id(\"no-cards\") forbid (principal, action == Action::\"call\", resource)\n\
        when { context has answerLabels && context.answerLabels.contains(\"payment-card\") };\n";
    std::fs::write(files.path().join("a.cedar"), policy).unwrap();
    let (gate, _folder) = gate(&at("one", &server), &format!("policies = {:?}", files.path())).await;
    assert_eq!(said(&call(&gate, "/mcp/one", "list", "x").await), "nothing");
    let answer = call(&gate, "/mcp/one", "read", "x").await;
    assert!(answer["error"]["code"] == -31451 && !answer.to_string().contains("4111"), "{answer}");
}
