//! Collections of TAXII servers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use castellan_intel::taxii::{Client, Credentials, Options, Position, TaxiiError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::server::{COLLECTION, Medallion};
use crate::support::indicator;

fn options(password: &str) -> Options {
    let password = Zeroizing::new(password.to_owned());
    let credentials = Credentials::Basic { user: "ann".into(), password };
    Options { credentials, private: true, page: 100, tries: 2, ..Options::default() }
}

/// Objects added on days of November, of which three were added at one moment.
fn objects() -> Vec<(Value, String)> {
    (0..10_u32)
        .map(|number| {
            let object = indicator(number, &format!("[ipv4-addr:value = '203.0.113.{number}']"), json!({}));
            let day = if (3..6).contains(&number) { 3 } else { number + 1 };
            (object.to_json(), format!("2026-11-{day:02}T00:00:00.000000Z"))
        })
        .collect()
}

/// Pages, the ids of their objects, and how far the collection is fetched then.
async fn pull(
    client: &Client,
    root: &str,
    collection: &str,
    from: &Position,
) -> Result<(usize, BTreeSet<String>, Position), TaxiiError> {
    let (mut pages, mut ids, mut position) = (0, BTreeSet::new(), from.clone());
    let mut listing = client.listing(root, collection, from);
    while let Some(page) = listing.next().await? {
        pages += 1;
        position = page.position;
        ids.extend(page.objects.into_iter().map(|object| object.id));
    }
    assert!(!listing.has_more());
    Ok((pages, ids, position))
}

#[tokio::test]
async fn the_server_of_oasis_is_read() {
    let objects = objects();
    let given: Vec<(Value, &str)> =
        objects.iter().map(|(object, added)| (object.clone(), added.as_str())).collect();
    let Some(server) = Medallion::start(&given) else { return };
    let address = format!("{}/taxii2/", server.address);
    let client = Client::new(&address, options("secret")).await.unwrap();
    let discovery = client.discovery().await.unwrap();
    assert_eq!(discovery.title, "Test");
    let root = client.roots().await.unwrap().remove(0);
    assert_eq!(client.api_root(&root).await.unwrap().title, "Group");
    let collections = client.collections(&root).await.unwrap();
    assert_eq!(collections.iter().filter(|collection| collection.can_read).count(), 1);
    let pull = async |from: &Position| pull(&client, &root, COLLECTION, from).await.unwrap();
    // Pages of three: ten objects are four of them.
    let (pages, ids, end) = pull(&Position::default()).await;
    assert_eq!((pages, ids.len()), (4, 10));
    assert_eq!(end.added_after.as_deref().map(|text| &text[..10]), Some("2026-11-10"));
    // Nothing was added since.
    let (_, ids, again) = pull(&end).await;
    assert_eq!((ids.len(), &again), (0, &end));
    // From the middle on.
    let middle = Position { added_after: Some("2026-11-07T00:00:00.000000Z".into()), ..Position::default() };
    assert_eq!(pull(&middle).await.1.len(), 3);
    // Cut off after the first page, and gone on from there; and where the server has forgotten it, begun anew.
    let first =
        client.listing(&root, COLLECTION, &Position::default()).next().await.unwrap().unwrap().position;
    assert!(first.next.is_some() && first.added_after.is_none());
    let (_, rest, on) = pull(&first).await;
    assert_eq!((rest.len(), on.next), (7, None));
    let forgotten = Position { next: Some("long-gone".into()), ..Position::default() };
    assert_eq!(pull(&forgotten).await.1.len(), 10);
    let wrong = Client::new(&address, options("wrong")).await.unwrap().discovery().await.unwrap_err();
    assert!(matches!(wrong, TaxiiError::Refused { status: 401, .. }), "{wrong}");
    let closed =
        client.listing(&root, "52892447-4d7e-4f70-b94d-d7f22742ff63", &Position::default()).next().await;
    assert!(matches!(closed, Err(TaxiiError::Refused { status: 403, .. })), "{closed:?}");
}

/// What a server that misbehaves was asked.
#[derive(Clone, Default)]
struct Asked {
    count: Arc<AtomicUsize>,
}

async fn objects_of(State(asked): State<Asked>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let next = query.iter().find(|(name, _)| name == "next").map(|(_, value)| value.as_str());
    match (asked.count.fetch_add(1, Ordering::Relaxed), next) {
        (0, _) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "slowly").into_response(),
        (1, _) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        (_, None) => axum::Json(json!({"more": true, "next": "same", "objects": []})).into_response(),
        _ => axum::Json(json!({"more": true, "next": "same", "objects": [{"type": "x"}]})).into_response(),
    }
}

async fn serve() -> String {
    let routes = Router::new()
        .route("/group/collections/loop/objects/", get(objects_of))
        .route("/group/collections/large/objects/", get(async || "x".repeat(100_000)))
        .route("/group/collections/html/objects/", get(async || "<html>"))
        .route(
            "/group/collections/away/objects/",
            get(async || (StatusCode::FOUND, [("location", "http://203.0.113.1/")]).into_response()),
        )
        .route(
            "/group/collections/slow/objects/",
            get(async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "100000")]).into_response()),
        )
        .route(
            "/token/",
            get(async |headers: HeaderMap| {
                let given = headers
                    .get("authorization")
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
                    .to_owned();
                axum::Json(json!({"title": given, "api_roots": ["https://203.0.113.1/elsewhere/"]}))
            }),
        )
        .with_state(Asked::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_server_that_misbehaves_is_borne() {
    let address = serve().await;
    let given =
        Options { private: true, largest: 10_000, request: Duration::from_secs(5), ..Options::default() };
    let client = Client::new(&format!("{address}/group"), given.clone()).await.unwrap();
    let check = async |collection: &str, part: &str| {
        let error = pull(&client, "/group/", collection, &Position::default()).await.unwrap_err();
        assert!(error.to_string().contains(part), "{collection}: {error}");
    };
    check("loop", "the same page again").await;
    check("large", "more than 10000 bytes").await;
    check("html", "no JSON").await;
    check("away", "answers 302").await;
    check("slow", "no answer after").await;
    check("missing", "answers 404").await;
    check("../../secret", "no collection").await;
    let token = Options { credentials: Credentials::Bearer(Zeroizing::new("t0k".into())), ..given.clone() };
    let client = Client::new(&format!("{address}/token/"), token).await.unwrap();
    let discovery = client.discovery().await.unwrap();
    assert_eq!(discovery.title, "Bearer t0k");
    // An API root elsewhere is not asked, and gets no token.
    let error = client.collections(&discovery.api_roots[0]).await.unwrap_err();
    assert!(error.to_string().contains("another host"), "{error}");
    assert!(Client::new(&address, Options::default()).await.is_err(), "it is asked for by `private` alone");
}
