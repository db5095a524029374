//! Challenges, audiences, exchanges.

use castellan_base::Ticks;
use castellan_mcp::oauth::{
    Answered, Challenge, ExchangeError, Grant, Key, Secret, Subject, TokenCache, Upstream, audience_matches,
    build, canonical_resource, metadata, metadata_path, read_answer,
};

fn upstream(grant: Grant) -> Upstream {
    Upstream {
        grant,
        token_endpoint: "https://login.example/token".to_owned(),
        client_id: "gate".to_owned(),
        resource: Some("https://mcp.example/mcp".to_owned()),
        audience: None,
        scopes: vec!["api://x/.default".to_owned()],
        client_secret: None,
        client_assertion: None,
    }
}

fn subject(is_delegated: bool) -> Subject {
    Subject { token: Secret::new("user+token"), is_delegated }
}

#[test]
fn metadata_and_challenges() {
    let document =
        metadata("https://g.example/mcp", &["https://i.example".to_owned()], &["a".to_owned()], None);
    assert_eq!(
        document,
        r#"{"resource":"https://g.example/mcp","authorization_servers":["https://i.example"],"bearer_methods_supported":["header"],"scopes_supported":["a"]}"#
    );
    assert_eq!(metadata_path("/mcp/"), "/.well-known/oauth-protected-resource/mcp");
    let url = "https://g.example/.well-known/oauth-protected-resource";
    let scope = Challenge::Scope { scopes: vec!["a".to_owned(), "b".to_owned()] };
    assert_eq!((scope.status(), Challenge::Missing.status()), (403, 401));
    assert_eq!(
        scope.header(url, &[]),
        format!(r#"Bearer error="insufficient_scope", scope="a b", resource_metadata="{url}""#)
    );
    let invalid = Challenge::Invalid { description: "it \"ends\"\r\nX: y".to_owned() };
    assert!(!invalid.header(url, &[]).contains('\n'));
}

#[test]
fn audiences() {
    let resource = "https://G.example:443/mcp";
    assert_eq!(canonical_resource(resource).as_deref(), Some("https://g.example/mcp"));
    assert!(audience_matches(&["https://g.example/mcp"], resource, &[]));
    assert!(audience_matches(&["api://gate"], resource, &["api://gate".to_owned()]));
    for wrong in
        ["https://g.example", "https://g.example/mcp2", "http://g.example/mcp", "https://x@g.example/mcp", ""]
    {
        assert!(!audience_matches(&[wrong], resource, &[]), "{wrong}");
    }
    assert!(!audience_matches(&[], resource, &[]));
}

#[test]
fn requests_are_built() {
    let secret = Secret::new("s3cret");
    let request = build(&upstream(Grant::TokenExchange), Some(&subject(true)), Some(&secret), None).unwrap();
    let body = request.body.expose();
    assert!(body.starts_with(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=user%2Btoken&"
    ));
    assert!(body.contains("resource=https%3A%2F%2Fmcp.example%2Fmcp") && !body.contains("s3cret"));
    assert!(request.authorization.unwrap().expose().starts_with("Basic "));
    let request = build(&upstream(Grant::OnBehalfOf), Some(&subject(true)), Some(&secret), None).unwrap();
    let body = request.body.expose();
    assert!(
        body.contains("jwt-bearer")
            && body.contains("requested_token_use=on_behalf_of")
            && body.contains("assertion=user%2Btoken")
    );
    assert!(!format!("{request:?}").contains("user"));
    let refused = build(&upstream(Grant::OnBehalfOf), Some(&subject(false)), Some(&secret), None);
    assert_eq!(refused, Err(ExchangeError::AppOnly));
    assert_eq!(build(&upstream(Grant::TokenExchange), None, None, None), Err(ExchangeError::NoSubject));
    let insecure =
        Upstream { token_endpoint: "http://login.example/".to_owned(), ..upstream(Grant::ClientCredentials) };
    assert!(matches!(build(&insecure, None, None, None), Err(ExchangeError::Insecure(_))));
}

#[test]
fn answers_are_read() {
    let sent = Secret::new("user+token");
    let good = br#"{"access_token":"new","token_type":"Bearer","expires_in":3600}"#;
    assert_eq!(read_answer(200, good, Some(&sent)).unwrap().seconds, 3600);
    let same = br#"{"access_token":"user+token","token_type":"Bearer"}"#;
    assert!(matches!(read_answer(200, same, Some(&sent)), Err(ExchangeError::Answer(_))));
    for bad in [
        "",
        "{}",
        r#"{"access_token":"x","token_type":"mac"}"#,
        r#"{"access_token":"a\r\nb","token_type":"Bearer"}"#,
    ] {
        assert!(read_answer(200, bad.as_bytes(), None).is_err(), "{bad}");
    }
    let refused = br#"{"error":"interaction_required","claims":"{}","error_description":"user anna"}"#;
    let Err(error) = read_answer(400, refused, None) else { panic!() };
    assert!(
        matches!(&error, ExchangeError::Refused { interaction: true, .. })
            && !error.to_string().contains("anna")
    );
}

#[test]
fn tokens_are_kept_by_principal_upstream_and_scopes() {
    let at = |seconds: i64| Ticks::new(seconds * Ticks::PER_SECOND).unwrap();
    let mut cache = TokenCache::new(2);
    let key =
        |who: &str, to: &str| Key::new(who, to, &["b".to_owned(), "a".to_owned()], Some(&subject(true)));
    let answered = Answered { token: Secret::new("t"), seconds: 600 };
    cache.put(key("anna", "x"), &answered, None, at(0));
    assert!(cache.get(&key("anna", "x"), at(500)).is_some());
    assert!(cache.get(&key("anna", "x"), at(541)).is_none());
    assert!(cache.get(&key("bert", "x"), at(1)).is_none() && cache.get(&key("anna", "y"), at(1)).is_none());
    // Never longer than the token that it was exchanged for.
    cache.put(key("bert", "x"), &answered, Some(at(100)), at(0));
    assert!(cache.get(&key("bert", "x"), at(41)).is_none());
    cache.put(key("carl", "x"), &answered, None, at(50));
    cache.forget(Some("carl"), None);
    assert!(cache.get(&key("carl", "x"), at(51)).is_none());
}
