use castellan_access::approval::{ApprovalStore, Stage};
use castellan_access::principal::{Kind, Method, Principal};
use castellan_base::{OsSystem, System as _};
use serde_json::{Value, json};

use super::super::gate::Running;
use super::super::support::scripted;
use super::{ask, chat, guarded, said, seen};

const PROFILE: &str = "
id: own
version: 1
title: t
rules:
  - { id: mail, check: { sensitive: { detectors: [email-address] } }, points: [user], action: require_approval }
  - { id: keys, check: { sensitive: { categories: [credential] } }, points: [user], action: redact }
  - { id: harm, check: { harm: { violence: 4 } }, points: [user], action: block }
";
const TEXT: &str = "Write to ann.smith@example.com with aws_access_key_id = AKIAQ3EGRZ5XVHW4KLM2 now.";

fn bob() -> Principal {
    Principal::new(Kind::User, Method::None, "tests", "bob")
}

fn store(gate: &Running) -> &ApprovalStore {
    gate.gate.approvals().unwrap()
}

fn id(got: &super::Got) -> String {
    got.headers.get("x-castellan-approval").unwrap().to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_passes_once_after_a_person_has_agreed_to_it() {
    let stub = scripted("rules: []").await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("approvals.json");
    let (gate, _folder) = guarded(&stub, PROFILE, &format!("approvals = {file:?}")).await;
    let body = chat(TEXT, false);
    let first = ask(&gate, &body).await;
    let id = id(&first);
    assert!(
        first.status == 403 && first.text().contains(&id) && first.text().contains("own/mail"),
        "{}",
        first.text()
    );
    assert_eq!(first.json()["error"]["code"], "approval_required");
    assert_eq!(self::id(&ask(&gate, &body).await), id, "it waits once");
    let row = gate.rows.decision(2).await;
    assert_eq!(
        (row["Action"].as_str(), row["ApprovalStage"].as_str()),
        (Some("require_approval"), Some("pending"))
    );
    // Another process decides, by the file.
    let other = ApprovalStore::open(&file, Default::default()).unwrap();
    other.approve(&id, &bob(), "she asked me", OsSystem.now()).unwrap();
    store(&gate).refresh().unwrap();
    // Another body is another request, and members in another order are not.
    let changed = chat(&TEXT.replace("now", "later"), false);
    assert_eq!(ask(&gate, &changed).await.status, 403);
    assert_eq!(stub.requests(), 0);
    let same = r#"{"messages": [{"content": TEXT, "role": "user"}], "stream": false, "model": "m"}"#;
    let same = same.replace("TEXT", &json!(TEXT).to_string());
    let got = gate.send("POST", "/v1/chat/completions", &[("content-type", "application/json")], same).await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(
        said(&got).contains("ann.smith") && !seen(&stub).contains("AKIA"),
        "what is redacted is so all the same"
    );
    let row = gate.rows.decision(4).await;
    assert_eq!(
        (row["ApprovalStage"].as_str(), row["ApprovalId"].as_str()),
        (Some("used"), Some(id.as_str()))
    );
    assert!(row["ApprovedBy"].to_string().contains("bob") && row["Stage"] == "done", "{row:?}");
    assert_eq!(ask(&gate, &body).await.status, 403, "once");
    assert_eq!(stub.requests(), 1);
    // What is blocked stays blocked.
    let blocked =
        ask(&gate, &chat(&format!("{TEXT} I will kill you and your whole family, you animal."), false)).await;
    assert_eq!(blocked.status, 400, "{}", blocked.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_end_and_no_stays_no() {
    let stub = scripted("rules: []").await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("approvals.json");
    let rules = format!("approvals = {file:?}\napproval_rules = {{ use_within_seconds = 1 }}");
    let (gate, _folder) = guarded(&stub, PROFILE, &rules).await;
    let body = chat(TEXT, true);
    let first = id(&ask(&gate, &body).await);
    store(&gate).approve(&first, &bob(), "", OsSystem.now()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let second = ask(&gate, &body).await;
    assert!(second.status == 403 && id(&second) != first, "{}", second.text());
    store(&gate).deny(&id(&second), &bob(), "not this", OsSystem.now()).unwrap();
    let got = ask(&gate, &body).await;
    assert_eq!((got.status, got.json()["error"]["code"].clone()), (403, json!("approval_denied")));
    assert_eq!(store(&gate).get(&first).unwrap().stage(OsSystem.now()), Stage::Expired);
    assert_eq!(stub.requests(), 0);
    // A damaged file lets nothing pass.
    std::fs::write(&file, "{").unwrap();
    assert_eq!(ask(&gate, &chat(&TEXT.replace("now", "soon"), false)).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_wait_for_a_person() {
    let stub = scripted("rules: []").await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("approvals.json");
    let profile = PROFILE.replace("action: require_approval", "action: require_approval, wait_seconds: 20");
    let (gate, _folder) = guarded(&stub, &profile, &format!("approvals = {file:?}")).await;
    let approver = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let other = ApprovalStore::open(&file, Default::default()).unwrap();
            if let Some(waits) = other.list().first() {
                other.approve(&waits.id, &bob(), "", OsSystem.now()).unwrap();
                return;
            }
        }
    };
    let body = chat(TEXT, false);
    let (got, ()) = tokio::join!(ask(&gate, &body), approver);
    assert_eq!(got.status, 200, "{}", got.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_put_requests_before_a_person_too() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "@id(\"ask\") @require_approval(\"true\") permit (principal, action, resource);\n";
    std::fs::write(folder.path().join("a.cedar"), policy).unwrap();
    let file = folder.path().join("approvals.json");
    let stub = scripted("rules: []").await;
    let more = format!("policies = {:?}\napprovals = {file:?}", folder.path());
    let (gate, _folder) = guarded(&stub, PROFILE, &more).await;
    let body = chat("When do you open?", false);
    let first = ask(&gate, &body).await;
    assert!(first.status == 403 && first.text().contains("policy ask"), "{}", first.text());
    let held: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(!held.to_string().contains("When do you"), "texts are not in the file");
    store(&gate).approve(&id(&first), &bob(), "", OsSystem.now()).unwrap();
    assert_eq!(ask(&gate, &body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_about_an_answer() {
    let profile = "id: own\nversion: 1\ntitle: t\nrules:\n  - { id: mail, check: { sensitive: { detectors: [email-address] } }, points: [output, tool_call], action: require_approval }\n";
    for rule in [
        "text: Write to ann.smith@example.com.",
        "tool_calls: [{ name: send, arguments: { to: ann.smith@example.com } }]",
    ] {
        let stub = scripted(&format!("rules: [{{ {rule} }}]")).await;
        let files = tempfile::tempdir().unwrap();
        let file = files.path().join("approvals.json");
        let (gate, _folder) = guarded(&stub, profile, &format!("approvals = {file:?}")).await;
        for is_stream in [false, true] {
            let got = ask(&gate, &chat("hello", is_stream)).await;
            assert!(
                !got.text().contains("ann.smith") && !got.headers.contains_key("x-castellan-approval"),
                "{}",
                got.text()
            );
        }
        assert!(store(&gate).list().is_empty(), "what was answered cannot be sent again");
        let row = gate.rows.decision(2).await;
        assert_eq!(
            (row["Action"].as_str(), row["Stage"].as_str()),
            (Some("require_approval"), Some("inspect_answer"))
        );
    }
}
