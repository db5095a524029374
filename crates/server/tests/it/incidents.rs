//! Incidents: the official client, our own API, and what nobody may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Sources, Ticks};
use castellan_detect::entity::{Entities, Entity, EntityType};
use castellan_detect::rule::read::read;
use castellan_detect::rule::{Rule, Severity};
use castellan_detect::run::{Alert, Details};
use castellan_incident::Desk;
use castellan_incident::evidence::{Original, PrivateKey};
use castellan_server::incidents::{Face, Options, router};
use castellan_server::{Config, Gate, Token, workspaces};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::client::{Running, free, serve};
use crate::intake::lake;
use crate::queries::driven_over;

const RULE: &str = "id: 1b7e3c1c-0000-4000-8000-000000000001\nname: Failed logons\nkind: Scheduled\nseverity: Medium\n\
    queryFrequency: 5m\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: SigninLogs\n";

fn now() -> Ticks {
    "2026-11-21T11:00:00Z".parse().unwrap()
}

fn rule() -> Rule {
    read("rule.yaml", RULE, &mut Sources::default()).rules.remove(0)
}

fn alert(number: u128) -> Alert {
    let mut entities = Entities::default();
    let name = format!("user{number}@contoso.com");
    entities.add(Entity::new(EntityType::Account, [("FullName", name.as_str())]).unwrap());
    Alert {
        id: uuid::Uuid::from_u128(number),
        rule: rule().id,
        rule_name: "Failed logons".into(),
        name: format!("Failed logons of user {number}"),
        description: "Many.".to_owned(),
        severity: Severity::Medium,
        tactics: Vec::new(),
        techniques: Vec::new(),
        raised: now(),
        start: now(),
        end: now(),
        entities,
        details: Details::default(),
        results: 1,
        identities: Vec::new(),
        properties: BTreeMap::new(),
        context: Arc::default(),
    }
}

pub(crate) fn desk(folder: &TempDir, key: Option<&PrivateKey>) -> Arc<Desk> {
    let key = key.map(|key| key.public_key().clone());
    let desk = Desk::open(&folder.path().join("desk"), key, now()).unwrap();
    for number in 1..=5 {
        desk.take(&rule(), &[alert(number)], None, now()).unwrap();
    }
    Arc::new(desk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_mgmt_securityinsight_runs_unchanged() {
    let folder = TempDir::new().unwrap();
    let (lake, desk) = (lake(&folder).await, desk(&folder, None));
    let served = Arc::clone(&desk);
    let routes = |config: &Config| {
        let gate = Gate::new(config);
        let face = Face::new(served, gate.clone(), Options { secure: true, ..Options::default() });
        workspaces::router(lake, gate, Some(face))
    };
    let Some(told) = driven_over("securityinsights", routes).await else { return };
    let all: Vec<Json> = (1..=5)
        .rev()
        .map(|number| json!([number, format!("Failed logons of user {number}"), "Medium"]))
        .collect();
    let expected = json!({
        "incidents": all,
        "pages": [1, 2, 3, 4, 5],
        "filtered": [3],
        "wrong filter": [400, "InvalidParameter"],
        "one": ["New", 1, "\"1\"", "Microsoft.SecurityInsights/incidents"],
        "changed": ["Active", "High", "Ben", ["agents", "claims"]],
        "stale": [412, "PreconditionFailed"],
        "fewer labels": ["claims"],
        "comment": ["4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0014", "Seen <b>it</b>.", "api", "4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0014"],
        "comments": ["Seen <b>it</b>."],
        "got comment": "Seen <b>it</b>.",
        "changed comment": [409, "Conflict"],
        "deleted comment": [405, "MethodNotAllowed"],
        "task": ["New", "Completed", "Rotate"],
        "tasks": [["4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0015", "Completed"]],
        "alerts": [["SecurityAlert", "Failed logons of user 1", "Medium"]],
        "entities": [["Account", "user1@contoso.com"]],
        "counts": [["Account", 1]],
        "bookmarks": 0,
        "relations": 1,
        "unclassified": [400, "BadRequest"],
        "wrong reason": [400, "BadRequest"],
        "closed": ["Closed", "FalsePositive", "InaccurateData"],
        "deleted": [405, "MethodNotAllowed"],
        "missing": [404, "ResourceNotFound"],
        "created": [404, "ResourceNotFound"],
    });
    assert_eq!(told, expected, "{told:#}");
    desk.verify().unwrap();
}

async fn start(desk: &Arc<Desk>, config: Config, options: Options) -> Running {
    let face = Face::new(Arc::clone(desk), Gate::new(&config), options);
    serve(config, router(face)).await
}

async fn usual(desk: &Arc<Desk>) -> Running {
    start(desk, Config { address: free(), ..Config::default() }, Options::default()).await
}

const BASE: &str = "/api/v1/incidents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incidents_are_worked_on_over_http() {
    let folder = TempDir::new().unwrap();
    let desk = desk(&folder, None);
    let server = usual(&desk).await;
    let ordered = async |number: u32, order: Json| {
        server.post(&format!("{BASE}/{number}/orders"), &json!({ "by": "ann", "order": order })).await
    };
    let (status, told) = server.get_json(&format!("{BASE}?status=open&top=2")).await;
    assert_eq!((status, told["total"].as_u64(), told["value"].as_array().unwrap().len()), (200, Some(5), 2));
    assert_eq!(ordered(1, json!({ "order": "comment", "text": "hm" })).await.1["comments"], 1);
    assert_eq!(ordered(1, json!({ "order": "merge", "from": [2, 3] })).await.1["alerts"], 3);
    let (_, case) = server.get_json(&format!("{BASE}/1")).await;
    let id = case["alerts"][1]["id"].as_str().unwrap();
    let (status, told) = ordered(1, json!({ "order": "split", "alerts": [id] })).await;
    assert_eq!((status, told["alerts"].as_u64()), (200, Some(2)), "{told}");
    assert_eq!(server.get_json(&format!("{BASE}/6")).await.1["splitFrom"], 1);
    let (_, trail) = server.get_json(&format!("{BASE}/1/audit")).await;
    let what: Vec<&str> =
        trail["value"].as_array().unwrap().iter().filter_map(|step| step["what"].as_str()).collect();
    assert_eq!(what, ["opened", "commented", "merged", "merged", "split"]);
    for (path, begins) in [
        ("1/timeline", "{\"value\""),
        ("1/graph", "{"),
        ("1/graph?format=dot", "graph incident {"),
        ("1/graph?format=svg", "<svg xmlns"),
        ("1/export?format=html", "<!doctype html>"),
        ("1/export?format=stix", "{"),
        ("1/export?format=ocsf", "["),
        ("verify", "{"),
        ("key", "{"),
    ] {
        let (status, text) = server.get(&format!("{BASE}/{path}")).await;
        assert!(
            status == 200 && text.starts_with(begins),
            "{path}: {status} {}",
            &text[..text.len().min(80)]
        );
    }
    for (path, status) in [
        ("99", 404),
        ("x", 404),
        ("1/nothing", 404),
        ("1/export?format=pdf", 400),
        ("2/evidence/abcd", 404),
        ("?status=lost", 400),
    ] {
        assert_eq!(server.get(&format!("{BASE}/{path}").replace("/?", "?")).await.0, status, "{path}");
    }
    for (body, status) in [
        (json!({ "by": "", "order": { "order": "comment", "text": "x" } }), 400),
        (json!({ "order": { "order": "comment", "text": "x" } }), 400),
        (json!({ "by": "ann", "order": { "order": "explode" } }), 400),
        (json!({ "by": "ann", "order": { "order": "comment", "text": "" } }), 400),
        (json!({ "by": "ann", "seen": 1, "order": { "order": "comment", "text": "x" } }), 409),
        (json!({ "by": "ann", "order": { "order": "setStatus", "status": "Closed" } }), 400),
    ] {
        let (found, told) = server.post(&format!("{BASE}/1/orders"), &body).await;
        assert_eq!(found, status, "{body}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn originals_need_a_permission_and_a_reason() {
    const TEXT: &str = "the card is 4111 1111 1111 1111";
    let folder = TempDir::new().unwrap();
    let key = PrivateKey::generate().unwrap();
    let desk = desk(&folder, Some(&key));
    let by = castellan_detect::incident::By::Product;
    let original = Original {
        kind: "prompt",
        source: "s",
        incident: "",
        alert: "",
        by: "castellan",
        text: TEXT,
        at: 1,
        kept: 2,
    };
    let id = desk.keep(1, &[original], &by).unwrap()[0].id.clone();
    let path = format!("{BASE}/1/evidence/{id}/reveal");
    let why = json!({ "by": "ann", "reason": "the owner asks" });
    let reveal = |token: &str| Options { reveal: Some(Token::new(token).unwrap()), secure: false };
    let config = || Config { address: free(), ..Config::default() };
    // Nobody may where nothing was set up, and not without the second token.
    assert_eq!(usual(&desk).await.post(&path, &why).await.0, 403);
    let server = start(&desk, config(), reveal("a-second-token-of-tests")).await;
    assert_eq!(server.post(&path, &why).await.0, 403);
    assert_eq!(desk.audit().len(), 1, "only the key is noted");
    let shown = async |body: &Json| {
        let request = server.request(reqwest::Method::POST, &path).header("content-type", "application/json");
        let response = request.header("x-castellan-reveal", "a-second-token-of-tests").body(body.to_string());
        let response = response.send().await.unwrap();
        (response.status().as_u16(), serde_json::from_str::<Json>(&response.text().await.unwrap()).unwrap())
    };
    assert_eq!(shown(&json!({ "by": "ann", "reason": " " })).await.0, 400);
    assert_eq!(shown(&json!({ "reason": "x" })).await.0, 400);
    let (status, told) = shown(&why).await;
    assert_eq!(status, 200, "{told}");
    assert!(!told.to_string().contains("4111"));
    use base64::Engine as _;
    let sealed = base64::engine::general_purpose::STANDARD.decode(told["sealed"].as_str().unwrap()).unwrap();
    let exhibit = serde_json::from_value(told["exhibit"].clone()).unwrap();
    assert_eq!(key.open(&exhibit, &sealed).unwrap().as_str(), TEXT);
    let (_, log) = server.get_json(&format!("{BASE}/audit")).await;
    assert_eq!(
        (&log["value"][1]["by"], &log["value"][1]["reason"]),
        (&"ann".into(), &"the owner asks".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_without_the_token() {
    let folder = TempDir::new().unwrap();
    let desk = desk(&folder, None);
    let token = Some(Token::new("a-long-token-for-tests-0123456789").unwrap());
    let server =
        start(&desk, Config { address: free(), token, ..Config::default() }, Options::default()).await;
    assert_eq!(server.get(BASE).await.0, 401);
    let order = json!({ "by": "ann", "order": { "order": "comment", "text": "x" } });
    assert_eq!(server.post(&format!("{BASE}/1/orders"), &order).await.0, 401);
    assert!(desk.incident(1).unwrap().comments.is_empty());
}
