//! Keys of issuers over time, and configurations.

use castellan_access::token::{FetchPlan, IssuerConfig, Issuers, KeysError, Outcome, Refusal};
use serde_json::{Value, json};

use crate::support::*;

fn keys(key: Value) -> Vec<u8> {
    json!({ "keys": [key] }).to_string().into_bytes()
}

fn config() -> IssuerConfig {
    IssuerConfig::oidc("example", ISSUER, &[AUDIENCE])
}

fn needed(outcome: Outcome) -> (FetchPlan, bool) {
    match outcome {
        Outcome::NeedsKeys { plan, lead } => (plan, lead),
        other => panic!("no keys needed: {other:?}"),
    }
}

fn long_token(kid: &str, key: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": "RS256", "kid": kid }).to_string();
    let end = seconds(now()) + 100 * 3600;
    let claims = oidc_claims(json!({ "exp": end }));
    token_of(&header, &claims.to_string(), key)
}

#[test]
fn keys_are_fetched_once_and_again_when_they_are_old() {
    let config = IssuerConfig { longest_lifetime_seconds: 1_000_000, ..config() };
    let issuers = Issuers::new(vec![config]).unwrap();
    let token = long_token("k", "RS256");
    let (plan, lead) = needed(issuers.verify(&token, None, now()));
    assert!(lead);
    assert_eq!(plan.metadata_url.as_deref(), Some("https://issuer.example/.well-known/openid-configuration"));
    // Others wait for whoever fetches; when that takes too long, somebody else does.
    assert!(!needed(issuers.verify(&token, None, plus(1))).1);
    assert!(needed(issuers.verify(&token, None, plus(16))).1);
    let taken = issuers.take_keys(&plan, &keys(rsa_jwk(&KEYS.rsa, "k")), plus(17)).unwrap();
    assert_eq!((taken.added, taken.removed), (vec!["k".to_owned()], vec![]));
    assert!(matches!(issuers.verify(&token, None, plus(18)), Outcome::Verified(_)));
    // Fetched ahead of time, and not twice at once.
    assert!(issuers.due(plus(3600)).is_empty());
    assert_eq!(issuers.due(plus(7 * 3600)).len(), 1);
    assert!(issuers.due(plus(7 * 3600 + 1)).is_empty());
    issuers.fetch_failed(&plan, plus(7 * 3600 + 2));
    assert!(matches!(issuers.verify(&token, None, plus(8 * 3600)), Outcome::Verified(_)));
    // After a day nothing that old is believed, remembered tokens included.
    assert!(needed(issuers.verify(&token, None, plus(25 * 3600))).1);
    issuers.fetch_failed(&plan, plus(25 * 3600));
    assert_eq!(refused(issuers.verify(&token, None, plus(25 * 3600 + 1))), Refusal::KeysUnavailable);
    assert_eq!(Refusal::KeysUnavailable.status(), 503);
}

#[test]
fn an_unknown_key_is_asked_for_at_a_decent_rate() {
    let issuers = issuers(config(), &json!({ "keys": [rsa_jwk(&KEYS.rsa, "old")] }));
    let header = json!({ "typ": "at+jwt", "alg": "RS256", "kid": "new" }).to_string();
    let token = token_of(&header, &oidc_claims(json!({})).to_string(), "second");
    assert_eq!(refused(issuers.verify(&token, None, plus(1))), Refusal::UnknownKey);
    let (plan, lead) = needed(issuers.verify(&token, None, plus(31)));
    assert!(lead);
    issuers.take_keys(&plan, &keys(rsa_jwk(&KEYS.second, "new")), plus(32)).unwrap();
    assert!(matches!(issuers.verify(&token, None, plus(33)), Outcome::Verified(_)));
    // A thousand invented ids are one fetch.
    let mut fetches = 0;
    for at in 0..1000 {
        let header = json!({ "typ": "at+jwt", "alg": "RS256", "kid": format!("x{at}") }).to_string();
        let token = token_of(&header, &oidc_claims(json!({})).to_string(), "EdDSA");
        if let Outcome::NeedsKeys { plan, lead } = issuers.verify(&token, None, plus(70)) {
            fetches += u32::from(lead);
            issuers.fetch_failed(&plan, plus(70));
        }
    }
    assert_eq!(fetches, 1);
}

#[test]
fn a_key_that_is_gone_ends_what_it_signed() {
    let issuers = issuers(config(), &json!({ "keys": [rsa_jwk(&KEYS.rsa, "k")] }));
    let header = json!({ "typ": "at+jwt", "alg": "RS256", "kid": "k" }).to_string();
    let token = token_of(&header, &oidc_claims(json!({})).to_string(), "RS256");
    verified(&issuers, &token);
    let plan = issuers.due(plus(6 * 3600)).remove(0);
    // Another key under the same id.
    let taken = issuers.take_keys(&plan, &keys(rsa_jwk(&KEYS.second, "k")), plus(40)).unwrap();
    assert_eq!(taken.removed, ["k"]);
    assert_eq!(refused(issuers.verify(&token, None, plus(41))), Refusal::Signature);
}

#[test]
fn key_sets_are_read_with_care() {
    let issuers = Issuers::new(vec![config()]).unwrap();
    let plan = issuers.due(now()).remove(0);
    let take = |key: Value| issuers.take_keys(&plan, &keys(key), now());
    let mut short = rsa_jwk(&KEYS.rsa, "k");
    short["n"] = encode(&[0xc1; 128]).into();
    let mut even = rsa_jwk(&KEYS.rsa, "k");
    even["e"] = encode(&[4]).into();
    let mut private = rsa_jwk(&KEYS.rsa, "k");
    private["d"] = "AAAA".into();
    let mut encryption = rsa_jwk(&KEYS.rsa, "k");
    encryption["use"] = "enc".into();
    let mut nameless = rsa_jwk(&KEYS.rsa, "k");
    nameless["kid"] = Value::Null;
    let mut point = ec_jwk("k");
    point["x"] = encode(&[1; 31]).into();
    let symmetric = json!({ "kty": "oct", "kid": "k", "k": "AAAA", "alg": "HS256" });
    for key in [short, even, private, encryption, nameless, point, symmetric, json!(7)] {
        assert!(matches!(take(key.clone()), Err(KeysError::Unusable { .. })), "{key}");
    }
    for text in ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(issuers.take_keys(&plan, text.as_bytes(), now()).is_err(), "{text}");
    }
    let big = vec![b' '; 2 << 20];
    assert!(issuers.take_keys(&plan, &big, now()).is_err());
    // Those that are good are used, and those that are not are named.
    let mixed =
        json!({ "keys": [rsa_jwk(&KEYS.rsa, "k"), { "kty": "oct", "kid": "s", "k": "A" }] }).to_string();
    let taken = issuers.take_keys(&plan, mixed.as_bytes(), now()).unwrap();
    assert_eq!((taken.added.len(), taken.skipped.len()), (1, 1));
    // A plan of other issuers.
    let others = Issuers::new(vec![IssuerConfig { name: "other".to_owned(), ..config() }]).unwrap();
    assert_eq!(others.take_keys(&plan, mixed.as_bytes(), now()), Err(KeysError::ForeignPlan));
}

#[test]
fn metadata_must_be_that_of_the_issuer() {
    let issuers = Issuers::new(vec![config(), entra_config()]).unwrap();
    let plans = issuers.due(now());
    let take = |at: usize, issuer: &str, keys: &str| {
        issuers
            .take_metadata(&plans[at], json!({ "issuer": issuer, "jwks_uri": keys }).to_string().as_bytes())
    };
    assert_eq!(take(0, ISSUER, "https://keys.example/k"), Ok("https://keys.example/k".to_owned()));
    assert!(take(0, "https://evil.example", "https://keys.example/k").is_err());
    assert!(take(0, ISSUER, "http://keys.example/k").is_err());
    assert!(take(0, ISSUER, "file:///etc/passwd").is_err());
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let keys = "https://login.microsoftonline.com/common/discovery/v2.0/keys";
    assert_eq!(take(2, template, keys), Ok(keys.to_owned()));
    assert!(take(2, template, "https://login.microsoftonline.com.evil.example/keys").is_err());
    let urls: Vec<&str> = plans[1..].iter().filter_map(|plan| plan.metadata_url.as_deref()).collect();
    assert_eq!(
        urls,
        [
            format!("https://login.microsoftonline.com/{TENANT}/.well-known/openid-configuration"),
            format!("https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"),
        ]
    );
}

#[test]
fn configurations_that_would_be_holes_are_refused() {
    let wrong = |config: IssuerConfig, part: &str| {
        let error = Issuers::new(vec![config]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    wrong(IssuerConfig { audiences: vec![], ..config() }, "audiences");
    let graph = vec!["https://graph.microsoft.com/".to_owned()];
    wrong(IssuerConfig { audiences: graph, ..entra_config() }, "Microsoft's own");
    wrong(IssuerConfig { tenants: vec![], ..entra_config() }, "tenants");
    wrong(IssuerConfig { tenants: vec!["contoso.example".to_owned()], ..entra_config() }, "GUID");
    wrong(IssuerConfig { versions: vec!["3.0".to_owned()], ..entra_config() }, "versions");
    wrong(IssuerConfig { skew_seconds: 301, ..config() }, "skew_seconds");
    wrong(IssuerConfig { algorithms: vec![], ..config() }, "algorithms");
    wrong(IssuerConfig { issuer: None, ..config() }, "issuer");
    wrong(IssuerConfig { issuer: Some("http://127.0.0.1".to_owned()), ..config() }, "https");
    for url in [
        "http://127.0.0.1.evil.example",
        "https://",
        "https://user@evil.example/",
        "http://[::1].evil.example/x y",
    ] {
        let config = IssuerConfig { issuer: Some(url.to_owned()), allow_loopback_http: true, ..config() };
        wrong(config, "https");
    }
    for config in [config(), entra_config()] {
        let twin = IssuerConfig { name: "twin".to_owned(), ..config.clone() };
        assert!(Issuers::new(vec![config, twin]).unwrap_err().to_string().contains("already"));
    }
    // As they stand in castellan.toml: what is not known is an error, and so is a symmetric algorithm.
    let read = |text: &str| toml::from_str::<IssuerConfig>(text);
    assert!(read("name = 'a'\nkind = 'oidc'\nissuer = 'https://a'\naudiences = ['x']").is_ok());
    assert!(
        read("name = 'a'\nkind = 'oidc'\nissuer = 'https://a'\naudiences = ['x']\nalgoritms = []").is_err()
    );
    assert!(
        read("name = 'a'\nkind = 'oidc'\nissuer = 'https://a'\naudiences = ['x']\nalgorithms = ['HS256']")
            .is_err()
    );
}
