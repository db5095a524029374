//! The evaluator of Agent Hooks: the scenarios of the conformance vectors, played by a small host, and contexts that are
//! none.

use std::path::PathBuf;
use std::sync::Arc;

use castellan_respond::actions::{Measure, Order, OrderStore, Orders, SubjectKind};
use castellan_server::{Config, Gate, agent_hooks};
use serde_json::{Value, json};

use crate::client::{Running, free, serve};
use crate::scripted::Scripted;

const PATH: &str = "/contentsafety/agent:evaluate?api-version=2026-10-15-preview";

async fn usual() -> Running {
    let config = Config { address: free(), ..Config::default() };
    let routes = agent_hooks::router(Scripted::judge(), Gate::new(&config), None);
    serve(config, routes).await
}

/// The contexts that a host sends while it plays a scenario.
struct Host {
    sequence: u64,
    contexts: Vec<Value>,
}

impl Host {
    fn tell(&mut self, point: &str, members: Value, target: &str) {
        let mut context = json!({
            "spec": "agent-hooks/0.1",
            "interception_point": point,
            "timestamp": "2026-06-19T14:03:11.123Z",
            "sequence": self.sequence,
            "agent": { "id": "a", "framework": "castellan-test" },
            "session": { "id": "s" },
        });
        context["target"] = members.pointer(target).unwrap().clone();
        context.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.sequence += 1;
        self.contexts.push(context);
    }

    fn plays(scenario: &Value) -> Vec<Value> {
        let mut host = Host { sequence: 0, contexts: Vec::new() };
        let none = Vec::new();
        let tools = scenario["tools"].as_array().unwrap_or(&none);
        let names: Vec<&Value> = tools.iter().map(|tool| &tool["name"]).collect();
        host.tell("agent_startup", json!({ "agent_init": { "tools_registered": names } }), "/agent_init");
        host.tell("input", json!({ "input": scenario["input"] }), "/input");
        let mut messages = vec![scenario["input"].clone()];
        for turn in scenario["model_script"].as_array().unwrap_or(&none) {
            host.tell("pre_model_call", json!({ "model": { "id": "m" }, "messages": messages }), "/messages");
            let mut response = turn["respond"].clone();
            let Some(members) = response.as_object_mut() else { continue };
            members.entry("tool_calls").or_insert_with(|| json!([]));
            members.entry("finish_reason").or_insert_with(|| json!("stop"));
            host.tell(
                "post_model_call",
                json!({ "model": { "id": "m" }, "response": response }),
                "/response",
            );
            messages.push(json!({ "role": "assistant", "content": response["content"] }));
            for call in response["tool_calls"].as_array().unwrap_or(&none) {
                host.tell("pre_tool_call", json!({ "tool_call": call }), "/tool_call/args");
                let tool = tools.iter().find(|tool| tool["name"] == call["name"]);
                let value = tool.map_or(Value::Null, |tool| tool["behavior"][0]["return"].clone());
                let result = json!({ "value": value, "is_error": false });
                host.tell(
                    "post_tool_call",
                    json!({ "tool_call": call, "tool_result": result }),
                    "/tool_result/value",
                );
                messages.push(json!({ "role": "tool", "content": value }));
            }
        }
        let content = messages.last().map_or(Value::Null, |message| message["content"].clone());
        host.tell("output", json!({ "output": { "content": content } }), "/output");
        host.tell("agent_shutdown", json!({ "summary": { "reason": "completed" } }), "/summary");
        host.contexts
    }
}

fn vectors() -> Option<Vec<Value>> {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    let folder = std::env::var_os("CASTELLAN_CORPORA").map_or(shared, PathBuf::from);
    let folder = folder.join("agent-hooks/conformance/vectors");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there; set CASTELLAN_CORPORA", folder.display());
        return None;
    };
    let read =
        |file: std::fs::DirEntry| serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    Some(files.map(|file| read(file.unwrap())).collect())
}

/// Section 5: what a host takes for a verdict.
fn is_verdict(verdict: &Value) -> bool {
    let decision = verdict["decision"].as_str().unwrap_or_default();
    let reason = verdict["reason"].as_str().unwrap_or_default();
    let objects = |value: &Value| value.as_array().is_none_or(|all| all.iter().all(Value::is_object));
    let known = ["decision", "reason", "message", "warnings", "evidence", "result_labels"];
    ["allow", "deny"].contains(&decision)
        && !reason.starts_with("host_error:")
        && objects(&verdict["warnings"])
        && verdict
            .get("evidence")
            .is_none_or(|evidence| evidence.is_object() && evidence.to_string().len() <= 10_240)
        && verdict
            .as_object()
            .is_some_and(|members| members.keys().all(|name| known.contains(&name.as_str())))
}

#[tokio::test]
async fn every_context_of_the_vectors_gets_a_verdict() {
    let Some(vectors) = vectors() else { return };
    assert!(vectors.len() >= 51);
    let server = usual().await;
    let mut asked = 0;
    for vector in &vectors {
        let mut contexts = Host::plays(&vector["scenario"]);
        contexts.retain(|context| {
            context["target"] != Value::Null || context["interception_point"] == "post_tool_call"
        });
        for context in contexts {
            let (status, verdict) = server.post(PATH, &context).await;
            assert_eq!(status, 200, "{}: {verdict} to {context}", vector["id"]);
            assert!(is_verdict(&verdict), "{}: {verdict}", vector["id"]);
            assert_eq!(verdict["decision"], "allow", "{}: {context}", vector["id"]);
            asked += 1;
        }
    }
    assert!(asked >= 300, "{asked}");
}

#[tokio::test]
async fn attacks_and_harms_are_denied_where_they_come_in() {
    let server = usual().await;
    let scenario = |input: &str, result: &str, answer: &str| {
        json!({
            "input": { "role": "user", "content": input },
            "tools": [{ "name": "search", "behavior": [{ "return": { "text": result } }] }],
            "model_script": [
                { "respond": { "content": null, "tool_calls": [{ "id": "1", "name": "search", "args": { "q": "x" } }], "finish_reason": "tool_calls" } },
                { "respond": { "content": answer } },
            ],
        })
    };
    let cases = [
        (
            scenario("attack", "fine", "fine"),
            vec!["input", "pre_model_call", "pre_model_call"],
            "castellan:prompt_attack",
        ),
        (
            scenario("fine", "an attack", "fine"),
            vec!["post_tool_call", "pre_model_call"],
            "castellan:prompt_attack",
        ),
        (scenario("fine", "fine", "severity 6 hate"), vec!["post_model_call", "output"], "castellan:hate"),
    ];
    for (scenario, expected, reason) in cases {
        let mut denied = Vec::new();
        for context in Host::plays(&scenario) {
            let (_, verdict) = server.post(PATH, &context).await;
            if verdict["decision"] == "deny" {
                assert_eq!(verdict["reason"], reason);
                denied.push(context["interception_point"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(denied, expected);
    }
}

#[tokio::test]
async fn what_tools_bring_in_is_labelled() {
    let server = usual().await;
    let call = json!({ "id": "1", "name": "search", "args": {} });
    let mut host = Host { sequence: 4, contexts: Vec::new() };
    let result = json!({ "value": "fine", "is_error": false });
    host.tell("post_tool_call", json!({ "tool_call": call, "tool_result": result }), "/tool_result/value");
    let (_, verdict) = server.post(PATH, &host.contexts[0]).await;
    assert_eq!(verdict["result_labels"], json!(["castellan:untrusted"]));
}

#[tokio::test]
async fn contexts_that_lack_something_are_refused() {
    let server = usual().await;
    let mut host = Host { sequence: 1, contexts: Vec::new() };
    host.tell("input", json!({ "input": { "role": "user", "content": "hello" } }), "/input");
    let context = host.contexts.remove(0);
    assert_eq!(server.post(PATH, &context).await.0, 200);
    for name in context.as_object().unwrap().keys() {
        let mut lacking = context.clone();
        lacking.as_object_mut().unwrap().remove(name);
        let (status, answer) = server.post(PATH, &lacking).await;
        assert_eq!(
            (status, answer["error"]["code"].as_str()),
            (400, Some("InvalidRequestBody")),
            "without {name}"
        );
    }
    let changes = [
        ("/target", json!({ "role": "user", "content": "another" })),
        ("/spec", json!("agent-hooks/x")),
        ("/interception_point", json!("somewhere")),
        ("/agent/framework", json!("Upper Case")),
        ("/sequence", json!(-1)),
    ];
    for (path, value) in changes {
        let mut wrong = context.clone();
        *wrong.pointer_mut(path).unwrap() = value;
        assert_eq!(server.post(PATH, &wrong).await.0, 400, "{path}");
    }
    let deep = (0..80).fold(json!("x"), |value, _| json!([value]));
    let mut nested = context.clone();
    nested["input"]["content"] = deep;
    nested["target"] = nested["input"].clone();
    assert_eq!(server.post(PATH, &nested).await.0, 400);
    let mut large = context.clone();
    large["extensions"] = json!({ "note": "x".repeat(1 << 20) });
    assert_eq!(server.post(PATH, &large).await.0, 400);
    assert_eq!(server.post("/contentsafety/agent:evaluate", &context).await.0, 400, "no version");
    assert_eq!(server.post("/agent:evaluate", &context).await.0, 200);
    assert_eq!(server.post(&format!("{PATH}&policyId=nobody"), &context).await.0, 404);
}

/// What is asked before a tool is called.
fn before_a_tool(agent: &str, tool: &str) -> Value {
    let args = json!({ "path": "a" });
    json!({
        "spec": "agent-hooks/0.1", "interception_point": "pre_tool_call", "timestamp": "2026-06-19T14:03:11.123Z",
        "sequence": 1, "agent": { "id": agent, "framework": "castellan-test" }, "session": { "id": "s" },
        "tool_call": { "id": "c", "name": tool, "args": args }, "target": args,
    })
}

#[tokio::test]
async fn orders_of_playbooks_go_before_the_guardrails() {
    let folder = tempfile::tempdir().unwrap();
    let store = OrderStore::new(folder.path().join("orders.json"));
    let order = Order {
        id: "o1".to_owned(),
        measure: Measure::Block,
        kind: SubjectKind::Agent,
        subject: "berth-desk".to_owned(),
        reason: "it reads what it must not".to_owned(),
        given: "2026-11-21T10:00:00Z".parse().unwrap(),
        expires: None,
    };
    store.give(&order).unwrap();
    let config = Config { address: free(), ..Config::default() };
    let orders = Arc::new(Orders::new(store.clone()));
    let routes = agent_hooks::router(Scripted::judge(), Gate::new(&config), Some(orders));
    let server = serve(config, routes).await;
    let (status, verdict) = server.post("/agent:evaluate", &before_a_tool("berth-desk", "read_file")).await;
    assert_eq!((status, &verdict["decision"]), (200, &json!("deny")));
    assert_eq!(verdict["reason"], "castellan:order_block");
    assert_eq!(verdict["evidence"]["verification_pointers"]["order"], "o1");
    assert!(is_verdict(&verdict));
    let (_, other) = server.post("/agent:evaluate", &before_a_tool("other", "read_file")).await;
    assert_eq!(other["decision"], "allow");
    store.lift("o1").unwrap();
    for _ in 0..50 {
        let (_, verdict) = server.post("/agent:evaluate", &before_a_tool("berth-desk", "read_file")).await;
        if verdict["decision"] == "allow" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the order was lifted, and the agent is still denied");
}
