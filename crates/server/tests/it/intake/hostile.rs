//! What nobody should send: half bodies, slow bodies, bombs, repeated content; the next request is taken all the same.

use std::time::{Duration, Instant};

use castellan_server::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Site, gzip};
use crate::client::free;

const JSON: (&str, &str) = ("content-type", "application/json");
const PATHS: [&str; 5] = [
    "/dataCollectionRules/dcr-castellan/streams/Custom-App_CL?api-version=2023-01-01",
    "/v1/logs",
    "/v1/traces",
    "/v1/metrics",
    "/api/v1/diagnostics",
];

async fn small() -> Site {
    let config = Config {
        address: free(),
        largest_body: 200_000,
        body_time: Duration::from_millis(500),
        requests: 4,
        ..Config::default()
    };
    Site::start(config, &[]).await
}

async fn is_alive(site: &Site) {
    let told = site.post(PATHS[0], &[JSON], "[{\"n\": 1}]").await;
    assert_eq!(told.status, 204, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_large_bodies_are_413() {
    let site = small().await;
    let bomb = gzip(&vec![b' '; 32 << 20]);
    for path in PATHS {
        let told = site.post(path, &[JSON, ("content-encoding", "gzip")], bomb.clone()).await;
        assert_eq!(told.status, 413, "{path}");
        let told = site.post(path, &[JSON], vec![b' '; 1 << 21]).await;
        assert_eq!(told.status, 413, "{path}");
    }
    is_alive(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_bodies_are_400() {
    let site = small().await;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000));
    for path in PATHS {
        for body in ["{", "[{\"a\": \"\\ud800\"", "nul", "\u{feff}", "]"] {
            assert_eq!(site.post(path, &[JSON], body).await.status, 400, "{path} {body}");
        }
        for body in [deep("[", "]"), deep("{\"a\":", "}"), deep("{\"resourceLogs\":", "}")] {
            assert_eq!(site.post(path, &[JSON], body).await.status, 400, "{path}");
        }
        assert_eq!(site.post(path, &[JSON], vec![0xFF_u8, 0xFE, 0]).await.status, 400, "{path}");
        let half = gzip(b"[{\"a\": 1}]");
        let half = half[..half.len() - 4].to_vec();
        assert_eq!(site.post(path, &[JSON, ("content-encoding", "gzip")], half).await.status, 400, "{path}");
    }
    is_alive(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_and_slow_bodies_hold_nothing_up() {
    let site = small().await;
    let begun = Instant::now();
    let mut open = Vec::new();
    for path in PATHS.iter().chain(PATHS.iter()) {
        let mut stream = TcpStream::connect(site.server.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n[{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        open.push(stream);
    }
    // Half of them break off; the others wait until they are let go.
    open.truncate(PATHS.len());
    for mut stream in open {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
    is_alive(&site).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(site.value("App_CL | count").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_repeated_in_each_row_stays_bounded() {
    let config = Config { address: free(), ..Config::default() };
    let site = Site::start(config, &[]).await;
    let records = vec![json!({}); 100_000];
    let resource = json!({ "attributes": [{ "key": "a", "value": { "stringValue": "z".repeat(1 << 20) } }] });
    let body =
        json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": records }] }] });
    let begun = Instant::now();
    let told = site.post("/v1/logs", &[JSON], body.to_string()).await;
    let rejected =
        told.json()["partialSuccess"]["rejectedLogRecords"].as_str().unwrap().parse::<u32>().unwrap();
    assert!(told.status == 200 && rejected > 99_000 && rejected < 100_000, "{rejected}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    is_alive(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_without_room_says_when_to_try_again() {
    let config = Config { address: free(), ..Config::default() };
    let site = Site::with_options(config, &[], castellan_lake::Options { memory: 1, ..super::quiet() }).await;
    is_alive(&site).await;
    let log = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795219200000000000"}]}]}]}"#;
    let bodies = ["[{\"n\": 2}]", log, "{\"category\": \"x\"}"];
    for (path, body) in [PATHS[0], "/v1/logs", "/api/v1/diagnostics"].into_iter().zip(bodies) {
        let told = site.post(path, &[JSON], body).await;
        assert_eq!((told.status, told.headers["retry-after"].to_str().unwrap()), (429, "1"), "{path}");
        if path == PATHS[0] {
            assert_eq!(told.code().1, "TooManyRequests");
        }
    }
    site.lake.flush().await.unwrap();
    is_alive(&site).await;
    assert_eq!(site.value("App_CL | count").await, "2");
}
