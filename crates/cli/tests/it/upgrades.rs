//! Data folders of earlier forms: nothing of theirs is lost.

use serde_json::{Value, json};

use crate::Desk;
use crate::intake::Up;
use crate::up::{address, ask, count};

const FIRST: &[u8] = include_bytes!("../fixtures/data-1.zip");
/// The administrator's token of that folder, which opens nothing else.
const TOKEN: &str = "castellan_c8781b28116542e692caaff6c864db2e94656017b17189e57e6b2f3965a9aa46";

#[test]
fn a_folder_of_the_first_form_is_gone_on_with() {
    let desk = Desk::new();
    std::fs::write(desk.path("data.zip"), FIRST).unwrap();
    let ran = desk.run(&["restore", "data.zip", "--data", "d"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desk.run(&["doctor", "--data", "d", "--listen", "127.0.0.1:1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut up = Up::start(&desk, &["--data", "d"]);
    let at = address(&mut up);
    let get = |path: &str| -> Value {
        let (status, body) = ask(&at, TOKEN, "GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap()
    };
    assert_eq!(count(&at, TOKEN, "Mine_CL | count"), 3);
    assert_eq!(count(&at, TOKEN, "Mine_CL | where who has 'bob' and n == 2 | count"), 1);
    let rules = get("/api/v1/rules");
    assert!(
        rules["rules"].as_array().unwrap().iter().any(|rule| rule["name"] == "Mine is seen"),
        "{rules:#}"
    );
    let incidents = get("/api/v1/incidents?status=all");
    assert_eq!((&incidents["total"], &incidents["value"][0]["title"]), (&json!(2), &json!("Mine is seen")));
    let keys = get("/api/v1/gate/keys");
    assert_eq!((&keys["keys"][0]["owner"], &keys["keys"][0]["state"]), (&json!("ann"), &json!("active")));
    let orders = get("/api/v1/gate/orders");
    assert_eq!(orders["orders"][0]["subject"], "bob@example.org");
    // It takes what comes, beside what it has.
    let path = "/dataCollectionRules/dcr-castellan/streams/Custom-Mine_CL?api-version=2023-01-01";
    let row = r#"[{"TimeGenerated":"2026-11-22T23:00:00Z","n":4,"who":"eve@example.org"}]"#;
    assert_eq!(ask(&at, TOKEN, "POST", path, row).0, 204);
    assert_eq!(count(&at, TOKEN, "Mine_CL | count"), 4);
    let (code, told) = up.end();
    assert!(code == Some(0) && !told.contains("error"), "{told}");
}
