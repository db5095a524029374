//! Playbooks: listed, signed, planned and carried out.

use serde_json::Value;

use crate::{Desk, Ran};

const ASK: &str = r#"type: playbook
spec_version: cacao-2.0
id: playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4cff
name: Ask somebody
created_by: identity--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00
created: "2026-11-21T00:00:00.000Z"
modified: "2026-11-21T00:00:00.000Z"
playbook_variables:
  __who__: { type: string, external: true }
workflow_start: start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11
workflow:
  start--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c11:
    type: start
    on_completion: action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12
  action--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c12:
    type: action
    commands: [{ type: manual, command: "Ask __who__:value what happened." }]
    agent: individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14
    on_success: end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13
  end--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c13: { type: end }
agent_definitions:
  individual--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c14: { type: individual, name: Analyst }
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("ask.yaml", ASK);
    desk
}

fn playbook(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["playbook"][..], arguments].concat())
}

/// Starts the playbook; the run and the place in it that waits.
fn started(desk: &Desk, arguments: &[&str]) -> (String, String) {
    let start = ["start", "ask.yaml", "--by", "ben", "--var", "who=Ann", "--allow-unsigned"];
    let ran = playbook(desk, &[&start[..], arguments].concat());
    let told = ran.json();
    assert!(ran.code == 0 && told["status"] == "waiting", "{ran:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(told["waits"][0]["instruction"], "Ask Ann what happened.");
    (text(&told["run"]), text(&told["waits"][0]["path"]))
}

#[test]
fn playbooks_are_listed_shown_and_checked() {
    let desk = desk();
    let told = playbook(&desk, &["list", "--format", "json"]).json();
    assert!(told.as_array().unwrap().len() > 10 && told[0]["mayRun"] == true, "{told}");
    let ran = playbook(&desk, &["list", "--format", "table", "--playbooks", "."]);
    assert!(ran.code == 0 && ran.out.contains("Tell people") && ran.out.contains("may not run"), "{ran:?}");
    let ran = playbook(&desk, &["show", "tell people"]);
    assert!(ran.code == 0 && ran.out.contains("workflow_start: start--"), "{ran:?}");
    assert_eq!(playbook(&desk, &["show", "ask.yaml", "--format", "json"]).json()["name"], "Ask somebody");
    assert_eq!(playbook(&desk, &["show", "nothing"]).code, 2);
    assert_eq!(playbook(&desk, &["check", "ask.yaml"]).code, 0);
    desk.file("wrong.yaml", &ASK.replace("workflow_start: start", "workflow_start: end"));
    let ran = playbook(&desk, &["check", "ask.yaml", "wrong.yaml"]);
    assert!(ran.code == 1 && ran.err.contains("wrong.yaml:") && ran.err.contains("1 are wrong"), "{ran:?}");
}

#[test]
fn a_run_waits_is_answered_and_keeps_its_history() {
    let desk = desk();
    let ran = playbook(&desk, &["plan", "ask.yaml", "--var", "who=Ann", "--format", "table"]);
    assert!(ran.code == 0 && ran.out.contains("Ask Ann what happened."), "{ran:?}");
    assert!(ran.out.contains("it would run through"), "{ran:?}");
    let ran = playbook(&desk, &["plan", "ask.yaml"]);
    assert!(ran.code == 2 && ran.err.contains("`__who__`"), "{ran:?}");
    let ran = playbook(&desk, &["start", "ask.yaml", "--by", "ben", "--var", "who=Ann"]);
    assert!(ran.code == 2 && ran.err.contains("it is not signed"), "{ran:?}");
    let (run, path) = started(&desk, &["--key", "alert-7", "--cause", "incident 12"]);
    // A start with the same key is the same run.
    assert_eq!(started(&desk, &["--key", "alert-7"]).0, run);
    let ran = playbook(&desk, &["resume", "--all", "--format", "table"]);
    assert!(ran.code == 0 && ran.out.contains("castellan playbook complete"), "{ran:?}");
    let ran = playbook(&desk, &["approve", &run, &path, "--by", "ann"]);
    assert!(ran.code == 2 && ran.err.contains("nobody is asked to approve it"), "{ran:?}");
    let ran = playbook(&desk, &["complete", &run, &path, "--by", "ann"]);
    assert!(ran.code == 0 && ran.json()["status"] == "completed", "{ran:?}");
    let ran = playbook(&desk, &["history", &run, "--format", "jsonl"]);
    let events: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events[0]["event"] == "opened" && events.len() > 3, "{ran:?}");
    let ran = playbook(&desk, &["history", &run, "--format", "table"]);
    assert!(ran.out.contains("task-done") && ran.out.contains("incident 12"), "{ran:?}");
    let told = playbook(&desk, &["history"]).json();
    assert!(told[0]["status"] == "completed" && told[0]["by"] == "ben", "{told}");
    assert_eq!(playbook(&desk, &["undo", &run, "--by", "ann", "--why", "a test"]).code, 0);
    assert_eq!(playbook(&desk, &["resume", "run--nothing"]).code, 2);
}

#[test]
fn a_run_fails_and_is_cancelled() {
    let desk = desk();
    let (run, path) = started(&desk, &[]);
    let ran = playbook(&desk, &["complete", &run, &path, "--by", "ann", "--failed", "nobody answers"]);
    assert!(ran.code == 1 && ran.json()["status"] == "failed", "{ran:?}");
    assert!(ran.out.contains("nobody answers"), "{ran:?}");
    let (run, _) = started(&desk, &[]);
    let ran = playbook(&desk, &["cancel", &run, "--by", "ann", "--why", "a false alarm"]);
    assert!(ran.code == 0 && ran.json()["status"] == "cancelled", "{ran:?}");
}

#[test]
fn what_a_trusted_key_signed_runs() {
    let desk = desk();
    let ran = playbook(&desk, &["key", "team.pem"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    desk.file("team.pub", &ran.out);
    assert_eq!(playbook(&desk, &["key", "team.pem"]).code, 2);
    let ran = playbook(&desk, &["sign", "ask.yaml", "--key", "team.pem", "--signee", "the team"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    desk.file("signed.yaml", &ran.out);
    let ran = playbook(&desk, &["verify", "signed.yaml", "--trust", "us=team.pub"]);
    assert!(ran.code == 0 && ran.out.contains("signed by us"), "{ran:?}");
    let ran = playbook(&desk, &["verify", "signed.yaml", "ask.yaml"]);
    assert!(ran.code == 1 && ran.out.contains("not trusted") && ran.out.contains("not signed"), "{ran:?}");
    desk.file("changed.yaml", &desk.read("signed.yaml").replace("what happened", "for the password"));
    let ran = playbook(&desk, &["verify", "changed.yaml", "--trust", "us=team.pub"]);
    assert!(ran.code == 1 && ran.out.contains("changed after it was signed"), "{ran:?}");
    let key = desk.read("team.pub");
    desk.file("respond.toml", &format!("[trusted]\nus = \"{}\"\n", key.trim()));
    let start = ["start", "signed.yaml", "--by", "ben", "--var", "who=Ann", "--config", "respond.toml"];
    assert_eq!(playbook(&desk, &start).json()["status"], "waiting");
}

#[test]
fn the_configuration_says_what_is_reached() {
    let desk = desk();
    desk.file(
        "respond.toml",
        "hosts = ['hooks.example.com']\ngate = 'orders.json'\n[connectors.soc-chat]\nkind = 'slack'\n\
         address = 'secret:env:SLACK_URL'\n[connectors.mail]\nkind = 'mail'\naddress = 'mail.example.com:587'\n\
         from = 'castellan@example.com'\nto = ['soc@example.com']\nsecret = 'env:MAIL_PASSWORD'\n[azure]\n",
    );
    let plan = ["plan", "Tell people", "--var", "title=Test", "--var", "subject=a1", "--var", "case=12"];
    let ran = playbook(&desk, &[&plan[..], &["--config", "respond.toml"]].concat());
    assert!(ran.out.contains("message.chat") && !ran.err.contains("error"), "{ran:?}");
    desk.file("wrong.toml", "host = ['hooks.example.com']\n");
    let ran = playbook(&desk, &[&plan[..], &["--config", "wrong.toml"]].concat());
    assert!(ran.code == 2 && ran.err.contains("unknown field `host`"), "{ran:?}");
}
