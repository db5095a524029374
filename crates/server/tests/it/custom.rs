//! Custom categories and incidents, and texts that stand in protected ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use castellan_server::{Config, Gate, contentsafety};
use castellan_shield::protected::{Index, Kind, Options, Source};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Running, free, serve};
use crate::scripted::Scripted;

const VERSION: &str = "api-version=2024-09-15-preview";

async fn start(options: contentsafety::Options) -> Running {
    let config = Config { address: free(), ..Config::default() };
    let routes = contentsafety::router(Scripted::judge(), Gate::new(&config), options).unwrap();
    serve(config, routes).await
}

/// Status, headers that name an operation, and JSON of the answer.
async fn ask(server: &Running, method: Method, path: &str, body: Option<Value>) -> (u16, String, Value) {
    let separator = if path.contains('?') { '&' } else { '?' };
    let path = format!("/contentsafety{path}{separator}{VERSION}");
    let mut request = server.request(method, &path);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let location =
        response.headers().get("operation-location").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, location.unwrap_or_default(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("castellan-custom-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn samples() -> Vec<Value> {
    let yes =
        (0..20).map(|n| json!({ "text": format!("please refund order {n}, it broke"), "isPositive": true }));
    let no =
        (0..20).map(|n| json!({ "text": format!("what is the weather on day {n}"), "isPositive": false }));
    yes.chain(no).collect()
}

/// Asks where an operation is said to be until it has ended.
async fn ended(server: &Running, location: &str) -> Value {
    let path = location.split_once("/contentsafety").unwrap().1;
    for _ in 0..600 {
        let path = format!("/contentsafety{path}");
        let told: Value = serde_json::from_str(&server.get(&path).await.1).unwrap();
        if told["status"] != "NotStarted" && told["status"] != "Running" {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the operation at {location} does not end");
}

#[tokio::test]
async fn categories_are_trained_judged_and_kept() {
    let folder = Folder::new("categories");
    let options = || contentsafety::Options {
        categories: Some(folder.as_ref().join("kept.json")),
        ..contentsafety::Options::default()
    };
    let server = start(options()).await;
    let fresh = json!({
        "categoryName": "refunds", "definition": "asks for money", "castellan": { "samples": samples() },
    });
    let (status, _, told) = ask(&server, Method::PUT, "/text/categories/refunds", Some(fresh.clone())).await;
    assert_eq!((status, &told["version"], &told["status"]), (201, &json!(1), &json!("NotStarted")), "{told}");
    let question = json!({ "text": "refund my order, it is broken", "categoryName": "refunds" });
    let (status, _, told) =
        ask(&server, Method::POST, "/text:analyzeCustomCategory", Some(question.clone())).await;
    assert_eq!(status, 400, "{told}");
    let (status, location, told) =
        ask(&server, Method::POST, "/text/categories/refunds:build?version=1", None).await;
    assert_eq!(status, 202, "{told}");
    let done = ended(&server, &location).await;
    assert_eq!((&done["status"], &done["id"]), (&json!("Succeeded"), &told["id"]));
    let (_, _, told) = ask(&server, Method::GET, "/text/categories/refunds", None).await;
    assert_eq!(told["value"][0]["status"], "Succeeded");
    assert_eq!(told["value"][0]["castellan"]["heldOut"]["found"], 20);
    drop(server);

    let server = start(options()).await;
    let (status, _, told) = ask(&server, Method::POST, "/text:analyzeCustomCategory", Some(question)).await;
    assert_eq!((status, &told["customCategoryAnalysis"]["detected"]), (200, &json!(true)), "{told}");
    let other = json!({ "text": "will the weather be fine", "categoryName": "refunds", "version": 1 });
    let (_, _, told) = ask(&server, Method::POST, "/text:analyzeCustomCategory", Some(other)).await;
    assert_eq!(told["customCategoryAnalysis"]["detected"], false);
    let (status, _, told) = ask(&server, Method::PUT, "/text/categories/refunds", Some(fresh)).await;
    assert_eq!((status, &told["version"]), (200, &json!(2)));
    let (_, _, told) = ask(&server, Method::GET, "/text/categories", None).await;
    assert_eq!((told["value"].as_array().unwrap().len(), &told["value"][0]["version"]), (1, &json!(2)));
    assert_eq!(ask(&server, Method::DELETE, "/text/categories/refunds?version=2", None).await.0, 204);
    assert_eq!(ask(&server, Method::GET, "/text/categories/refunds?version=2", None).await.0, 404);
    assert_eq!(ask(&server, Method::DELETE, "/text/categories/refunds", None).await.0, 204);
    assert_eq!(ask(&server, Method::GET, "/text/categories/refunds", None).await.0, 404);
}

#[tokio::test]
async fn samples_come_from_the_request_or_an_allowed_folder() {
    let folder = Folder::new("samples");
    let lines: String = samples().iter().map(|sample| format!("{sample}\n")).collect();
    std::fs::write(folder.as_ref().join("refunds.jsonl"), lines).unwrap();
    std::fs::write(folder.as_ref().join("few.jsonl"), "{\"text\":\"a\",\"isPositive\":true}\n").unwrap();
    let put = |url: &str| json!({ "categoryName": "a", "definition": "", "sampleBlobUrl": url });
    let closed = start(contentsafety::Options::default()).await;
    for url in ["file:refunds.jsonl", "https://example.blob.core.windows.net/c/s.jsonl", ""] {
        let (status, _, told) = ask(&closed, Method::PUT, "/text/categories/a", Some(put(url))).await;
        assert_eq!((status, &told["error"]["code"]), (400, &json!("InvalidRequestBody")), "{url}");
        assert!(told["error"]["message"].as_str().unwrap().contains("castellan"), "{told}");
    }
    let samples = Some(folder.as_ref().to_owned());
    let open =
        start(contentsafety::Options { category_samples: samples, ..contentsafety::Options::default() })
            .await;
    let (status, _, told) =
        ask(&open, Method::PUT, "/text/categories/a", Some(put("file:refunds.jsonl"))).await;
    assert_eq!((status, &told["sampleBlobUrl"]), (201, &json!("file:refunds.jsonl")));
    for url in ["file:../refunds.jsonl", "file:few.jsonl", "file:/etc/passwd", "file:missing", "https://a/b"]
    {
        assert_eq!(ask(&open, Method::PUT, "/text/categories/a", Some(put(url))).await.0, 400, "{url}");
    }
    let (status, _, told) =
        ask(&open, Method::PUT, "/text/categories/-a", Some(put("file:refunds.jsonl"))).await;
    assert_eq!((status, &told["error"]["code"]), (400, &json!("InvalidResourceName")));
}

#[tokio::test]
async fn incidents_are_effective_once_deployed() {
    let folder = Folder::new("incidents");
    let options = || contentsafety::Options {
        categories: Some(folder.as_ref().join("kept.json")),
        ..contentsafety::Options::default()
    };
    let server = start(options()).await;
    let body = json!({ "incidentName": "powder", "incidentDefinition": "a false cure" });
    let (status, _, told) = ask(&server, Method::PATCH, "/text/incidents/powder", Some(body.clone())).await;
    assert_eq!((status, &told["incidentDefinition"]), (201, &json!("a false cure")));
    assert!(told["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(ask(&server, Method::PATCH, "/text/incidents/powder", Some(body)).await.0, 200);
    assert_eq!(ask(&server, Method::POST, "/text/incidents/powder:deploy", None).await.0, 400);
    let added = json!({ "incidentSamples": [
        { "text": "The blue powder from Harbour Street cures everything" }, { "text": "unrelated" },
    ] });
    let (status, _, told) =
        ask(&server, Method::POST, "/text/incidents/powder:addIncidentSamples", Some(added)).await;
    assert_eq!(status, 200, "{told}");
    let ids: Vec<&str> = told["incidentSamples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["incidentSampleId"].as_str().unwrap())
        .collect();
    let question = json!({
        "text": "Hi! The blue powder of Harbour Street cures it all, tell everybody.",
        "incidentNames": ["powder"],
    });
    let (status, _, _) = ask(&server, Method::POST, "/text:detectIncidents", Some(question.clone())).await;
    assert_eq!(status, 400, "not deployed");
    let (status, location, told) = ask(&server, Method::POST, "/text/incidents/powder:deploy", None).await;
    assert_eq!((status, &told["status"]), (202, &json!("Succeeded")));
    assert_eq!(ended(&server, &location).await["status"], "Succeeded");
    let removed = json!({ "incidentSampleIds": [ids[1]] });
    let path = "/text/incidents/powder:removeIncidentSamples";
    assert_eq!(ask(&server, Method::POST, path, Some(removed.clone())).await.0, 204);
    assert_eq!(ask(&server, Method::POST, path, Some(removed)).await.0, 404);
    let (_, _, told) = ask(&server, Method::GET, "/text/incidents/powder/incidentSamples", None).await;
    assert_eq!(told["value"].as_array().unwrap().len(), 1);
    let path = format!("/text/incidents/powder/incidentSamples/{}", ids[0]);
    assert!(ask(&server, Method::GET, &path, None).await.2["text"].as_str().unwrap().contains("blue"));
    drop(server);

    let server = start(options()).await;
    let (_, _, told) = ask(&server, Method::POST, "/text:detectIncidents", Some(question)).await;
    assert_eq!(told["incidentMatches"], json!([{ "incidentName": "powder" }]), "{told}");
    let other = json!({ "text": "The harbour is blue today.", "incidentNames": ["powder"] });
    let (_, _, told) = ask(&server, Method::POST, "/text:detectIncidents", Some(other)).await;
    assert_eq!(told["incidentMatches"], json!([]));
    let long = json!({ "text": "x ".repeat(200_001), "incidentNames": ["powder"] });
    assert_eq!(ask(&server, Method::POST, "/text:detectIncidents", Some(long)).await.0, 400);
    let nobody = json!({ "text": "x", "incidentNames": ["nobody"] });
    assert_eq!(ask(&server, Method::POST, "/text:detectIncidents", Some(nobody)).await.0, 404);
    assert_eq!(ask(&server, Method::DELETE, "/text/incidents/powder", None).await.0, 204);
    assert_eq!(ask(&server, Method::GET, "/text/incidents", None).await.2["value"], json!([]));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_deploy() {
    let server = start(contentsafety::Options::default()).await;
    let path = format!("/contentsafety/text/incidents/powder:deploy?{VERSION}");
    let request = server.request(Method::POST, &path).header("origin", "https://example.com");
    assert_eq!(request.send().await.unwrap().status(), 415);
}

const POEM: &str = "A lantern on the harbour wall was all the light we had that night, and still the boats came in \
                    by one and one, as if they knew the way by heart.";
const CODE: &str = "fn total(rows: &[Row]) -> u64 { let mut sum = 0; for row in rows { if row.kept && row.age < 90 \
                    { sum += row.cells.iter().map(|cell| cell.size * 2).sum::<u64>(); } } sum }";

fn index() -> Index {
    let text = Source { name: "Harbour".to_owned(), licence: None, kind: Kind::Text };
    let code = |name: &str, licence: Option<&str>| Source {
        name: name.to_owned(),
        licence: licence.map(str::to_owned),
        kind: Kind::Code,
    };
    let options = Options { least_code: 30, ..Options::default() };
    Index::build(options, [(text, POEM), (code("https://example.com/total.rs", Some("MIT")), CODE)]).unwrap()
}

#[tokio::test]
async fn protected_texts_and_code_are_cited() {
    let protected =
        || contentsafety::Options { protected: vec![index()], ..contentsafety::Options::default() };
    let server = start(protected()).await;
    let body = json!({ "text": format!("\u{e9} {POEM}") });
    for version in ["2024-09-01", "2024-09-15-preview", "2026-09-01-preview"] {
        let path = format!("/contentsafety/text:detectProtectedMaterial?api-version={version}");
        let (status, told) = server.post(&path, &body).await;
        assert_eq!((status, &told["protectedMaterialAnalysis"]), (200, &json!({ "detected": true })));
        let run = &told["castellan"]["runs"][0];
        assert_eq!((&run["start"], &run["source"]), (&json!(2), &json!("Harbour")));
    }
    let none = json!({ "text": CODE });
    let path = "/contentsafety/text:detectProtectedMaterial?api-version=2024-09-01";
    assert_eq!(server.post(path, &none).await.1["protectedMaterialAnalysis"], json!({ "detected": false }));
    let path = "/contentsafety/text:detectProtectedMaterialForCode?api-version=2024-09-15-preview";
    let (status, told) = server.post(path, &json!({ "code": CODE })).await;
    let expected = json!({
        "detected": true,
        "codeCitations": [{ "license": "MIT", "sourceUrls": ["https://example.com/total.rs"] }],
    });
    assert_eq!((status, &told["protectedMaterialAnalysis"]), (200, &expected));
    let (_, told) = server.post(path, &json!({ "code": "let nothing = 1;" })).await;
    assert_eq!(told["protectedMaterialAnalysis"], json!({ "detected": false, "codeCitations": [] }));
    let other = "/contentsafety/text:detectProtectedMaterialForCode?api-version=2024-09-01";
    assert_eq!(server.post(other, &json!({ "code": CODE })).await.0, 400);
    let limited = start(contentsafety::Options { limits: true, ..protected() }).await;
    let path = "/contentsafety/text:detectProtectedMaterial?api-version=2024-09-01";
    assert_eq!(limited.post(path, &json!({ "text": "short" })).await.0, 400);
}

#[tokio::test]
async fn without_an_index_the_next_step_is_told() {
    let server = start(contentsafety::Options::default()).await;
    let path = "/contentsafety/text:detectProtectedMaterial?api-version=2024-09-01";
    let (status, told) = server.post(path, &json!({ "text": "hello" })).await;
    assert_eq!((status, &told["error"]["code"]), (501, &json!("NotSupported")));
    assert!(told["error"]["message"].as_str().unwrap().contains("castellan shield index"));
}
