//! Who may ask, where it listens, and how it ends.

use std::time::{Duration, Instant};

use axum::Router;
use castellan_server::{BindError, Config, Server, Token};
use reqwest::Method;
use serde_json::json;

use crate::client::{free, start, usual};

#[tokio::test]
async fn other_machines_need_a_token() {
    let address = "0.0.0.0:0".parse().unwrap();
    let open = Config { address, ..Config::default() };
    let refused = Server::bind(open.clone(), Router::new()).await.unwrap_err();
    assert!(matches!(refused, BindError::Unprotected(_)), "{refused}");
    assert!(refused.to_string().contains("there is no token"));
    let token = Some(Token::new("0123456789abcdef").unwrap());
    assert_ne!(Server::bind(Config { token, ..open }, Router::new()).await.unwrap().address().port(), 0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let first = Server::bind(Config { address: free(), ..Config::default() }, Router::new()).await.unwrap();
    let again = Config { address: first.address(), ..Config::default() };
    let refused = Server::bind(again, Router::new()).await.unwrap_err();
    assert!(refused.to_string().contains("cannot listen on"), "{refused}");
}

#[tokio::test]
async fn tokens_are_asked_for() {
    let token = Some(Token::new("0123456789abcdef").unwrap());
    let server = start(Config { address: free(), token, ..Config::default() }).await;
    let status = async |value: Option<&str>, path: &str| {
        let request = server.request(Method::GET, path);
        let request = value.iter().fold(request, |request, value| request.header("authorization", *value));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(Some("Bearer 0123456789abcdef"), "/anonymizers").await, 200);
    for wrong in [None, Some("Bearer 0123456789abcdeg"), Some("Bearer "), Some("0123456789abcdef")] {
        assert_eq!(status(wrong, "/anonymizers").await, 401);
        assert_eq!(status(wrong, "/health").await, 200);
    }
    assert_eq!(server.post("/analyze", &json!({ "text": "a", "language": "en" })).await.0, 401);
}

#[tokio::test]
async fn other_names_are_not_answered_without_a_token() {
    let server = usual().await;
    let request = server.request(Method::GET, "/anonymizers").header("host", "evil.example");
    assert_eq!(request.send().await.unwrap().status(), 421);
}

#[tokio::test]
async fn forms_and_plain_text_are_not_read() {
    let server = usual().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = server.request(Method::POST, "/analyze").header("content-type", kind);
        let response = request.body(r#"{"text":"a","language":"en"}"#).send().await.unwrap();
        assert_eq!(response.status(), 415, "{kind}");
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let server = usual().await;
    assert_eq!(server.get("/nothing").await.0, 404);
    let (status, body) = server.get("/analyze").await;
    assert!(status == 405 && body.contains("error"), "{body}");
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let server = Server::bind(Config { address: free(), ..Config::default() }, Router::new()).await.unwrap();
    let address = server.address();
    // A connection that is open and asks nothing does not keep it.
    let _idle = tokio::net::TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    server.run(tokio::time::sleep(Duration::from_millis(50))).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
