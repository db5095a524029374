//! Queries, and what an editor asks.

use castellan_lake::{Append, Form};
use castellan_server::console::Role;
use serde_json::{Value as Json, json};

use super::site::{Site, Who};

async fn filled() -> (Site, Who) {
    let site = Site::usual().await;
    let rows = json!([
        { "TimeGenerated": "2026-11-20T10:00:00Z", "UserPrincipalName": "ann@contoso.com", "ResultType": "0" },
        { "TimeGenerated": "2026-11-21T10:00:00Z", "UserPrincipalName": "ben@contoso.com", "ResultType": "50126" },
        { "TimeGenerated": "2026-11-22T10:00:00Z", "UserPrincipalName": "<script>\u{202e}", "ResultType": "50126" },
    ]);
    site.lake
        .append("SigninLogs", rows.to_string().as_bytes(), Form::Array, Append::default())
        .await
        .unwrap();
    let who = site.sign_in(Role::Reader).await;
    (site, who)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_answered() {
    let (site, who) = filled().await;
    let ask = async |body: Json| site.ask(&who, "POST", "/api/v1/query", Some(body)).await;
    let told = ask(json!({ "query": "SigninLogs | sort by TimeGenerated asc | project TimeGenerated, UserPrincipalName, n = 1, r = real(nan), d = dynamic({\"a\":[1]}), s = 1h" })).await.json();
    assert_eq!(told["columns"][0], json!({ "name": "TimeGenerated", "type": "datetime" }));
    assert_eq!(told["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        told["rows"][2],
        json!(["2026-11-22T10:00:00.0000000Z", "<script>\u{202e}", 1, "NaN", { "a": [1] }, "01:00:00"])
    );
    assert_eq!(told["truncated"], false);
    let told = ask(json!({ "query": "SigninLogs", "limit": 2 })).await.json();
    assert_eq!((told["rows"].as_array().unwrap().len(), &told["truncatedBy"]), (2, &json!("rows")));
    for (from, to, count) in [
        (json!("2026-11-21T10:00:00Z"), Json::Null, 2),
        (Json::Null, json!("2026-11-22T10:00:00Z"), 2),
        (json!("2026-11-21T00:00:00Z"), json!("2026-11-22T00:00:00Z"), 1),
    ] {
        let told = ask(json!({ "query": "SigninLogs | count", "from": from, "to": to })).await.json();
        assert_eq!(told["rows"][0][0], count, "{from} {to}");
    }
    let told = ask(json!({ "query": "SigninLogs | summarize n = count() by ResultType, bin(TimeGenerated, 1d) | render timechart with (title=\"Logons\")" })).await.json();
    let chart = &told["chart"];
    assert_eq!(
        (&chart["kind"], &chart["title"], &chart["x"], &chart["y"], &chart["series"]),
        (
            &json!("timechart"),
            &json!("Logons"),
            &json!("TimeGenerated"),
            &json!(["n"]),
            &json!(["ResultType"])
        )
    );
    let told = ask(json!({ "query": "print 1; print 2" })).await.json();
    assert!(told["warnings"][0]["message"].as_str().unwrap().contains("2 results"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_have_places_in_code_units() {
    let (site, who) = filled().await;
    let ask = async |body: Json| site.ask(&who, "POST", "/api/v1/query", Some(body)).await;
    let answer = ask(json!({ "query": "SigninLogs\n| where \"\u{1f600}\" == Nothing" })).await;
    assert_eq!(answer.status, 400);
    let position = &answer.json()["error"]["position"];
    assert_eq!(
        (&position["line"], &position["start"], &position["end"]),
        (&json!(2), &json!(27), &json!(34)),
        "{answer:?}"
    );
    for wrong in [
        json!({}),
        json!({ "query": 3 }),
        json!({ "query": "print 1", "limit": 0 }),
        json!({ "query": "print 1", "limit": 500_001 }),
        json!({ "query": "print 1", "limit": -1 }),
        json!({ "query": "print 1", "from": "yesterday" }),
        json!({ "query": "print 1", "from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z" }),
        json!({ "query": "print 1", "more": 1 }),
    ] {
        assert_eq!(ask(wrong.clone()).await.status, 400, "{wrong}");
    }
    let several = async |body: Json| site.ask(&who, "POST", "/api/v1/queries", Some(body)).await;
    let told = several(json!({ "queries": [
        { "id": "good", "query": "SigninLogs | count" },
        { "id": "bad \"one\"", "query": "Nothing" },
        { "id": "cut", "query": "SigninLogs", "limit": 1 },
    ] }))
    .await
    .json();
    let results = &told["results"];
    assert_eq!((&results["good"]["rows"][0][0], &results["cut"]["truncated"]), (&json!(3), &json!(true)));
    assert!(results["bad \"one\""]["error"]["message"].as_str().unwrap().contains("Nothing"), "{told}");
    let same = json!({ "id": "a", "query": "print 1" });
    for wrong in [
        json!({ "queries": [same, same] }),
        json!({ "queries": [{ "id": "", "query": "print 1" }] }),
        json!({ "queries": [{ "id": "a", "query": "print 1", "form": 1 }] }),
        json!({ "queries": vec![json!({ "id": "x", "query": "print 1" }); 33] }),
    ] {
        assert_eq!(several(wrong.clone()).await.status, 400, "{wrong}");
    }
    assert_eq!(several(json!({ "queries": [] })).await.json(), json!({ "results": {} }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_editor_is_helped() {
    let (site, who) = filled().await;
    let ask = async |path: &str, body: Json| site.ask(&who, "POST", path, Some(body)).await;
    let text = "SigninLogs | where \"\u{1f600}\" == UserPr";
    let told = ask("/api/v1/query/complete", json!({ "text": text, "offset": text.encode_utf16().count() }))
        .await
        .json();
    assert_eq!((&told["from"], &told["to"]), (&json!(27), &json!(33)), "{told}");
    assert_eq!(
        (&told["items"][0]["label"], &told["items"][0]["kind"]),
        (&json!("UserPrincipalName"), &json!("column"))
    );
    for offset in [0, 3, 1_000_000] {
        assert_eq!(
            ask("/api/v1/query/complete", json!({ "text": text, "offset": offset })).await.status,
            200
        );
    }
    let told = ask("/api/v1/query/check", json!({ "text": "SigninLogs | where UserPrincipalNam == 'x'" }))
        .await
        .json();
    let wrong = &told["diagnostics"][0];
    assert_eq!(
        (&wrong["severity"], &wrong["start"], &wrong["end"]),
        (&json!("error"), &json!(19), &json!(35))
    );
    assert_eq!(
        wrong["fixes"][0]["edits"][0],
        json!({ "start": 19, "end": 35, "insert": "UserPrincipalName" })
    );
    for fine in ["", " ", "SigninLogs | count"] {
        assert_eq!(
            ask("/api/v1/query/check", json!({ "text": fine })).await.json(),
            json!({ "diagnostics": [] }),
            "{fine}"
        );
    }
    let long = "a".repeat(300_000);
    assert_eq!(ask("/api/v1/query/check", json!({ "text": long })).await.status, 400);
    let told = site.ask(&who, "GET", "/api/v1/schema", None).await.json();
    let tables = told["tables"].as_array().unwrap();
    let group =
        |name: &str| tables.iter().find(|table| table["name"] == name).map(|table| table["group"].clone());
    assert_eq!(
        (group("SigninLogs"), group("CastellanGateDecisions")),
        (Some(json!("lake")), Some(json!("castellan")))
    );
}
