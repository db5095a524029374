//! How sessions begin and end, and what forged ones get.

use castellan_server::console::Role;
use serde_json::{Value as Json, json};

use super::site::{Site, TOKEN, Wanted, Who};

const SESSION: &str = "/api/v1/session";
const HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_begins_with_the_token_and_ends() {
    let site = Site::usual().await;
    let nobody = site.ask(&Who::Nobody, "GET", SESSION, None).await;
    assert_eq!((nobody.status, &nobody.json()["oidc"]["enabled"]), (401, &json!(false)));
    let answer = site.ask(&Who::Nobody, "POST", SESSION, Some(json!({ "token": TOKEN }))).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert_eq!(answer.status, 204);
    assert!(cookie.starts_with("castellan_session=") && !cookie.contains("Secure"), "{cookie}");
    for flag in ["; Path=/;", "; HttpOnly", "; SameSite=Strict", "; Max-Age=86400"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let who = site.redeem(json!({ "token": TOKEN })).await.unwrap();
    let session = site.ask(&who, "GET", SESSION, None).await.json();
    assert_eq!(
        (&session["name"], &session["role"], &session["way"]),
        (&json!("administrator"), &json!("administrator"), &json!("token"))
    );
    assert!(session["expires"].as_str() > session["idleExpires"].as_str());
    let out = site.ask(&who, "DELETE", SESSION, None).await;
    assert!(out.status == 204 && out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    assert_eq!(site.ask(&who, "GET", SESSION, None).await.status, 401);
    assert_eq!(
        site.ask(&who, "POST", "/api/v1/query", Some(json!({ "query": "print 1" }))).await.status,
        401
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_marked_where_connections_are_encrypted() {
    let site = Site::start(Wanted { is_secure: true, ..Wanted::default() }).await;
    let answer = site.ask(&Who::Nobody, "POST", SESSION, Some(json!({ "token": TOKEN }))).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_with_time_and_forged_ones_never_were() {
    let site = Site::usual().await;
    let status = async |who: &Who| site.ask(who, "GET", SESSION, None).await.status;
    let idle = site.sign_in(Role::Reader).await;
    let used = site.sign_in(Role::Reader).await;
    site.clock.forward(7 * HOUR);
    assert_eq!(status(&used).await, 200);
    site.clock.forward(2 * HOUR);
    assert_eq!((status(&idle).await, status(&used).await), (401, 200));
    site.clock.forward(7 * HOUR);
    assert_eq!(status(&used).await, 200);
    site.clock.forward(8 * HOUR - 60);
    assert_eq!(status(&used).await, 200);
    site.clock.forward(60);
    assert_eq!(status(&used).await, 401, "after 24 hours a session ends, used or not");
    let Who::Session { cookie, .. } = site.sign_in(Role::Administrator).await else { panic!() };
    let forged = |cookie: String| Who::Session { cookie, csrf: String::new() };
    let changed = format!("{}0", &cookie[..cookie.len() - 1]);
    let other = format!("{}1", &cookie[..cookie.len() - 1]);
    let lower = cookie == changed;
    assert_eq!(status(&forged(if lower { other } else { changed })).await, 401);
    let value = "0".repeat(64);
    for wrong in [
        "castellan_session=",
        &format!("castellan_session={value}"),
        "castellan_session=a; b=c",
        &format!("x{cookie}"),
    ] {
        assert_eq!(status(&forged(wrong.to_owned())).await, 401, "{wrong}");
    }
    assert_eq!(status(&forged(format!("a=b; {cookie}"))).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_count_once_and_for_five_minutes() {
    let site = Site::usual().await;
    let code = site.console.code().unwrap();
    assert!(site.redeem(json!({ "code": code })).await.is_ok());
    let again = site.redeem(json!({ "code": code })).await.unwrap_err();
    assert!(again.status == 401 && !again.body.contains(&code), "{again:?}");
    let late = site.console.code().unwrap();
    site.clock.forward(300);
    assert_eq!(site.redeem(json!({ "code": late })).await.unwrap_err().status, 401);
    for wrong in [
        json!({}),
        json!({ "token": TOKEN, "code": "x" }),
        json!({ "token": 3 }),
        json!({ "pass": "x" }),
        json!([]),
    ] {
        assert_eq!(site.redeem(wrong.clone()).await.unwrap_err().status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_has_to_wait() {
    let site = Site::usual().await;
    for attempt in 0..10 {
        let body = Some(json!({ "token": format!("wrong-{attempt}") }));
        assert_eq!(site.ask(&Who::Nobody, "POST", SESSION, body).await.status, 401);
    }
    let refused = site.redeem(json!({ "token": TOKEN })).await.unwrap_err();
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.status == 429 && (1..=61).contains(&wait), "{refused:?}");
    // Headers are counted apart.
    assert_eq!(site.ask(&Site::bearer(), "GET", SESSION, None).await.status, 200);
    site.clock.forward(wait);
    assert!(site.redeem(json!({ "token": TOKEN })).await.is_ok());
    for _ in 0..10 {
        assert_eq!(site.ask(&Who::Bearer("wrong".to_owned()), "GET", SESSION, None).await.status, 401);
    }
    assert_eq!(site.ask(&Site::bearer(), "GET", SESSION, None).await.status, 429);
    assert!(site.redeem(json!({ "token": TOKEN })).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_others_get_nothing() {
    let site = Site::usual().await;
    let who = site.sign_in(Role::Administrator).await;
    let query = || Some(json!({ "query": "print x = 1" }));
    let post = async |who: &Who, headers: &[(&str, &str)]| {
        site.ask_with(who, "POST", "/api/v1/query", query(), headers).await.status
    };
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(post(&who, &[foreign]).await, 403, "{foreign:?}");
        assert_eq!(post(&Site::bearer(), &[foreign]).await, 403, "{foreign:?}");
        let sign_in =
            site.ask_with(&Who::Nobody, "POST", SESSION, Some(json!({ "token": TOKEN })), &[foreign]).await;
        assert_eq!(sign_in.status, 403, "{foreign:?}: signing somebody in is an attack as well");
        assert_eq!(site.ask_with(&who, "GET", SESSION, None, &[foreign]).await.status, 403, "{foreign:?}");
    }
    let own = site.url.clone();
    assert_eq!(post(&who, &[("origin", &own), ("sec-fetch-site", "same-origin")]).await, 200);
    // A form of another page has no JSON.
    let url = format!("{}/api/v1/query", site.url);
    let Who::Session { cookie, csrf } = &who else { panic!() };
    let form = site.client.post(url).header("cookie", cookie).header("x-castellan-csrf", csrf);
    let form = form.header("content-type", "text/plain").body(query().unwrap().to_string());
    assert_eq!(form.send().await.unwrap().status().as_u16(), 415);
    let preflight = site.ask_with(&who, "OPTIONS", "/api/v1/query", None, &[("origin", &own)]).await;
    assert!(
        preflight.status == 405 && preflight.header("access-control-allow-origin").is_empty(),
        "{preflight:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_this_machine_alone_is_answered() {
    let site = Site::start(Wanted { token: None, ..Wanted::default() }).await;
    let session = site.ask(&Who::Nobody, "GET", SESSION, None).await.json();
    assert_eq!(
        (&session["way"], &session["role"], &session["csrf"]),
        (&json!("local"), &json!("administrator"), &Json::Null)
    );
    for host in ["evil.example", "castellan.evil.example:8700", "127.0.0.1.nip.io", ""] {
        for path in [SESSION, "/", "/api/v1/openapi.json", "/api/v1/nothing"] {
            let answer = site.ask_with(&Who::Nobody, "GET", path, None, &[("host", host)]).await;
            assert_eq!(answer.status, 421, "{host} {path}: {answer:?}");
        }
    }
    let evil = site
        .ask_with(
            &Who::Nobody,
            "POST",
            "/api/v1/query",
            Some(json!({ "query": "print 1" })),
            &[("origin", "https://evil.example")],
        )
        .await;
    assert_eq!(evil.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_host_changes_nothing_where_there_is_a_token() {
    let site = Site::usual().await;
    for host in ["evil.example", "evil.example\"><script>"] {
        let page = site.ask_with(&Who::Nobody, "GET", "/", None, &[("host", host)]).await;
        assert!(page.status == 200 && !page.body.contains("evil.example"), "{page:?}");
        let answer = site.ask_with(&Who::Nobody, "GET", SESSION, None, &[("host", host)]).await;
        assert!(answer.status == 401 && !answer.body.contains("evil"), "{answer:?}");
    }
}
