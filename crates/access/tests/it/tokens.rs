//! Forged, expired, misdirected, confused and replayed tokens: each is refused with its word.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair as _;
use castellan_access::token::{Algorithm, Challenge, IssuerConfig, Issuers, Refusal, TokenType};
use serde_json::json;

use crate::support::*;

/// What a token is refused with now. No refusal says anything of the token.
fn check(issuers: &Issuers, token: &str, expected: &str) {
    let refusal = refused(issuers.verify(token, None, now()));
    assert_eq!(refusal.word(), expected, "{token}");
    let challenge = Challenge { realm: "gate", ..Challenge::default() };
    let told = format!("{refusal} {refusal:?} {}", refusal.www_authenticate(&challenge));
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!told.contains(part), "{told}");
    }
    assert!(!told.contains(USER) && !told.contains("ann@"), "{told}");
}

fn with_header(header: &str) -> String {
    token_of(header, &claims(json!({})).to_string(), "RS256")
}

#[test]
fn a_good_token_is_verified() {
    let issuers = entra();
    let verified = verified(&issuers, &token(&claims(json!({}))));
    assert_eq!((verified.principal.tenant.as_str(), verified.principal.object.as_str()), (TENANT, USER));
}

#[test]
fn headers_with_tricks() {
    let issuers = entra();
    for (header, word) in [
        (json!({ "alg": "none", "kid": "k1" }), "algorithm-none"),
        (json!({ "alg": "NonE", "kid": "k1" }), "algorithm-none"),
        (json!({ "alg": "HS256", "kid": "k1" }), "algorithm"),
        (json!({ "alg": "HS512", "kid": "secret" }), "algorithm"),
        (json!({ "alg": "RS384", "kid": "k1" }), "algorithm"),
        (json!({ "alg": "PS256", "kid": "k1" }), "algorithm"),
        (json!({ "alg": "ES256", "kid": "ec" }), "algorithm"),
        (json!({ "alg": "rs256", "kid": "k1" }), "algorithm"),
        (json!({ "kid": "k1" }), "malformed"),
        (json!({ "alg": ["RS256"], "kid": "k1" }), "malformed"),
        (json!({ "alg": "RS256", "kid": "k1", "jwk": rsa_jwk(&KEYS.second, "k1") }), "key-in-header"),
        (json!({ "alg": "RS256", "kid": "k1", "jku": "https://evil.example/keys" }), "key-in-header"),
        (json!({ "alg": "RS256", "kid": "k1", "x5u": "https://evil.example/cert" }), "key-in-header"),
        (json!({ "alg": "RS256", "kid": "k1", "x5c": ["AAAA"] }), "key-in-header"),
        (json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] }), "critical-header"),
        (json!({ "alg": "RS256", "kid": "k1", "b64": false }), "critical-header"),
        (json!({ "alg": "RS256", "kid": "k1", "cty": "JWT" }), "nested"),
        (json!({ "alg": "RS256", "kid": "k1", "cty": "application/jwt" }), "nested"),
        (json!({ "alg": "RS256", "kid": "k1", "enc": "A128GCM" }), "encrypted"),
        (json!({ "alg": "RS256", "kid": "k1", "zip": "DEF" }), "encrypted"),
        (json!({ "alg": "RS256", "kid": "k1", "typ": "dpop+jwt" }), "type"),
        (json!({ "alg": "RS256", "kid": "k1", "typ": "secevent+jwt" }), "type"),
        (json!({ "alg": "RS256" }), "key-id"),
        (json!({ "alg": "RS256", "kid": "" }), "key-id"),
        (json!({ "alg": "RS256", "kid": "k1\u{0}" }), "key-id"),
        (json!({ "alg": "RS256", "kid": "x".repeat(300) }), "key-id"),
        (json!({ "alg": "RS256", "kid": 1 }), "malformed"),
        (json!({ "alg": "RS256", "kid": "../../dev/null" }), "unknown-key"),
        (json!({ "alg": "RS256", "kid": "k1' OR '1'='1" }), "unknown-key"),
        // The keys are there, and made for another tenant, for other algorithms, or a secret that nobody may use.
        (json!({ "alg": "RS256", "kid": "k2" }), "key-unfit"),
        (json!({ "alg": "RS256", "kid": "ec" }), "key-unfit"),
        (json!({ "alg": "RS256", "kid": "secret" }), "unknown-key"),
        (json!({ "alg": "RS256", "kid": "k1", "deep": [[[[1]]]] }), "too-deep"),
    ] {
        check(&issuers, &with_header(&header.to_string()), word);
    }
    check(&issuers, &with_header(r#"{"alg":"RS256","kid":"k1","alg":"none"}"#), "duplicate-member");
    check(&issuers, &with_header(r#"{"alg":"RS256","kid":"k1","\u0061lg":"RS256"}"#), "duplicate-member");
}

#[test]
fn texts_that_are_no_tokens() {
    let issuers = entra();
    let good = token(&claims(json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    for (text, word) in [
        (String::new(), "no-credential"),
        ("a".repeat(16 * 1024 + 1), "too-long"),
        ("a".to_owned(), "malformed"),
        ("a.b".to_owned(), "malformed"),
        ("a.b.c.d".to_owned(), "malformed"),
        ("a.b.c.d.e".to_owned(), "encrypted"),
        (format!("{}.{}.", parts[0], parts[1]), "malformed"),
        (format!("{}.{}.{}=", parts[0], parts[1], parts[2]), "malformed"),
        (format!(" {good}"), "malformed"),
        (format!("{good}\n"), "malformed"),
        (format!("{}.{}.{}", parts[0], encode(b"[]"), parts[2]), "malformed"),
        (format!("{}.{}.{}", parts[0], encode(b"\xff"), parts[2]), "malformed"),
        (format!("{}.{}.{}", parts[0], encode(b"{}"), parts[2]), "missing-claim"),
    ] {
        check(&issuers, &text, word);
    }
}

#[test]
fn signatures_that_are_wrong() {
    let issuers = entra();
    let good = token(&claims(json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    // Signed by a stranger, under the name of a key that is there.
    let header = json!({ "alg": "RS256", "kid": "k1" }).to_string();
    check(&issuers, &token_of(&header, &claims(json!({})).to_string(), "second"), "signature");
    // Another's claims under a signature that was good.
    let others =
        encode(claims(json!({ "oid": "aaaaaaaa-0000-0000-0000-000000000009" })).to_string().as_bytes());
    check(&issuers, &format!("{}.{others}.{}", parts[0], parts[2]), "signature");
    check(&issuers, &format!("{}.{}.{}", parts[0], parts[1], encode(&[0; 256])), "signature");
    check(&issuers, &format!("{}.{}.{}", parts[0], parts[1], encode(b"x")), "signature");
}

#[test]
fn key_confusion_is_refused() {
    // The public key, which everybody knows, as the secret of a symmetric algorithm: in every form that it is shown in.
    let issuers = entra();
    let public = KEYS.rsa.public_key().as_ref().to_vec();
    let jwk = rsa_jwk(&KEYS.rsa, "k1").to_string();
    for secret in [public.as_slice(), jwk.as_bytes(), b""] {
        let header = encode(json!({ "alg": "HS256", "kid": "k1" }).to_string().as_bytes());
        let message = format!("{header}.{}", encode(claims(json!({})).to_string().as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        check(&issuers, &format!("{message}.{}", encode(tag.as_ref())), "algorithm");
    }
}

#[test]
fn claims_that_are_wrong() {
    let issuers = entra();
    let later = seconds(now());
    for (changes, word) in [
        (json!({ "aud": "api://other" }), "audience"),
        (json!({ "aud": "api://gate/" }), "audience"),
        (json!({ "aud": ["api://other"] }), "audience"),
        (json!({ "aud": null }), "missing-claim"),
        (json!({ "aud": [1] }), "bad-claim"),
        (json!({ "aud": "https://graph.microsoft.com" }), "foreign-audience"),
        (json!({ "aud": "00000003-0000-0000-c000-000000000000" }), "foreign-audience"),
        (json!({ "aud": "https://management.azure.com/" }), "foreign-audience"),
        (json!({ "aud": [AUDIENCE, "https://management.core.windows.net/"] }), "foreign-audience"),
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": null }), "missing-claim"),
        (
            json!({ "iss": format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"), "tid": OTHER_TENANT }),
            "tenant",
        ),
        // A tenant that may, in the name of an issuer that is not Entra.
        (json!({ "iss": format!("https://evil.example/{TENANT}/v2.0") }), "issuer"),
        (json!({ "iss": format!("https://login.microsoftonline.com.evil.example/{TENANT}/v2.0") }), "issuer"),
        (json!({ "iss": format!("http://login.microsoftonline.com/{TENANT}/v2.0") }), "issuer"),
        (json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0/") }), "issuer"),
        (json!({ "tid": OTHER_TENANT }), "tenant-mismatch"),
        (json!({ "tid": "contoso.example" }), "bad-claim"),
        (json!({ "tid": null }), "missing-claim"),
        (json!({ "ver": "3.0" }), "version"),
        // Version 1.0 in a token whose issuer is that of version 2.0.
        (json!({ "ver": "1.0" }), "tenant-mismatch"),
        (json!({ "exp": later - 61 }), "expired"),
        (json!({ "exp": null }), "missing-claim"),
        (json!({ "exp": "tomorrow" }), "bad-claim"),
        (json!({ "exp": -1 }), "bad-claim"),
        (json!({ "exp": 1e300 }), "bad-claim"),
        (json!({ "nbf": later + 61 }), "not-yet-valid"),
        (json!({ "iat": later + 61, "nbf": null }), "issued-in-future"),
        (json!({ "exp": later + 40 * 3600 }), "lifetime"),
        (json!({ "exp": later + 40 * 3600, "iat": null, "nbf": null }), "lifetime"),
        (json!({ "oid": null }), "missing-claim"),
        (json!({ "oid": "ann" }), "bad-claim"),
        (json!({ "azp": null }), "not-an-access-token"),
        (json!({ "scp": null, "idtyp": null }), "not-an-access-token"),
        (json!({ "nonce": "n" }), "not-an-access-token"),
        (json!({ "at_hash": "h" }), "not-an-access-token"),
        (json!({ "events": {} }), "not-an-access-token"),
        // The two claims that tell users from applications contradict each other.
        (json!({ "idtyp": "app" }), "bad-claim"),
        (json!({ "scp": null }), "bad-claim"),
        (json!({ "idtyp": "device" }), "bad-claim"),
        (json!({ "xms_sub_fct": "13" }), "bad-claim"),
        (json!({ "cnf": { "jkt": "AAAA" } }), "proof"),
        (json!({ "cnf": { "x5t#S256": encode(&[1; 32]) } }), "proof"),
        (json!({ "cnf": { "x5t#S256": encode(&[1; 32]), "jkt": "AAAA" } }), "proof"),
        (json!({ "cnf": { "x5t#S256": "short" } }), "bad-claim"),
        (json!({ "cnf": "x" }), "bad-claim"),
        (json!({ "groups": [{}] }), "bad-claim"),
        (json!({ "act": { "act": {} } }), "bad-claim"),
    ] {
        check(&issuers, &token(&claims(changes)), word);
    }
    let twice = claims(json!({})).to_string().replacen('{', r#"{"oid":"x","#, 1);
    let header = json!({ "alg": "RS256", "kid": "k1" }).to_string();
    check(&issuers, &token_of(&header, &twice, "RS256"), "duplicate-member");
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let nested = claims(json!({})).to_string().replacen('{', &format!(r#"{{"x":{deep},"#), 1);
    check(&issuers, &token_of(&header, &nested, "RS256"), "too-deep");
    let mut chain = json!({ "sub": "a" });
    for _ in 0..9 {
        chain = json!({ "sub": "a", "act": chain });
    }
    check(&issuers, &token(&claims(json!({ "act": chain }))), "bad-claim");
}

#[test]
fn tolerance_of_clocks_ends_exactly() {
    let later = seconds(now());
    for (changes, is_good) in [
        (json!({ "exp": later - 59 }), true),
        (json!({ "exp": later - 60 }), false),
        (json!({ "nbf": later + 60 }), true),
        (json!({ "nbf": later + 61 }), false),
        (json!({ "exp": (later + 10) as f64 + 0.5 }), true),
    ] {
        let outcome = entra().verify(&token(&claims(changes.clone())), None, now());
        assert_eq!(matches!(outcome, castellan_access::token::Outcome::Verified(_)), is_good, "{changes}");
    }
}

#[test]
fn remembered_tokens_expire_and_stay_bound() {
    let issuers = entra();
    let plain = token(&claims(json!({})));
    verified(&issuers, &plain);
    verified(&issuers, &plain);
    assert_eq!(refused(issuers.verify(&plain, None, plus(3660))), Refusal::Expired);
    // A token that is bound is good with the certificate, before and after it is remembered.
    let bound = token(&claims(json!({ "cnf": { "x5t#S256": encode(&[7; 32]) } })));
    for _ in 0..2 {
        let outcome = issuers.verify(&bound, Some(&[7; 32]), now());
        let castellan_access::token::Outcome::Verified(verified) = outcome else { panic!("{outcome:?}") };
        assert_eq!(verified.principal.method.as_str(), "bound-token");
        assert_eq!(refused(issuers.verify(&bound, None, now())), Refusal::Proof);
        assert_eq!(refused(issuers.verify(&bound, Some(&[8; 32]), now())), Refusal::Proof);
    }
}

#[test]
fn tokens_for_one_use_are_used_once() {
    let config = IssuerConfig { one_use: true, ..entra_config() };
    let issuers = issuers(config, &entra_keys());
    let one = token(&claims(json!({})));
    verified(&issuers, &one);
    assert_eq!(refused(issuers.verify(&one, None, now())), Refusal::Replayed);
    // The same token in other words: the id counts, not the text.
    let again = token(&claims(json!({ "extra": 1 })));
    assert_eq!(refused(issuers.verify(&again, None, now())), Refusal::Replayed);
    verified(&issuers, &token(&claims(json!({ "uti": "another" }))));
    let without = token(&claims(json!({ "uti": null })));
    assert_eq!(refused(issuers.verify(&without, None, now())), Refusal::MissingClaim("jti"));
}

fn oidc_config() -> IssuerConfig {
    let algorithms = vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
    IssuerConfig { algorithms, ..IssuerConfig::oidc("example", ISSUER, &[AUDIENCE]) }
}

fn oidc_keys() -> serde_json::Value {
    json!({ "keys": [rsa_jwk(&KEYS.rsa, "RS256"), rsa_jwk(&KEYS.rsa, "PS256"), rsa_jwk(&KEYS.rsa, "RS384"),
        ec_jwk("ES256"), ed_jwk("EdDSA")] })
}

#[test]
fn other_issuers_sign_as_they_are_configured() {
    let issuers = issuers(oidc_config(), &oidc_keys());
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let verified = verified(&issuers, &oidc_token(&oidc_claims(json!({})), algorithm));
        assert_eq!(verified.principal.entity_id(), format!("{ISSUER}/ann"));
    }
    check(&issuers, &oidc_token(&oidc_claims(json!({})), "RS384"), "algorithm");
    // An algorithm that is allowed, with the key of another one.
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "RS256" }).to_string();
    check(&issuers, &token_of(&header, &oidc_claims(json!({})).to_string(), "ES256"), "key-unfit");
    for (changes, word) in [
        (json!({ "aud": "else" }), "audience"),
        (json!({ "sub": null }), "missing-claim"),
        (json!({ "sub": "a\u{0}b" }), "bad-claim"),
        (json!({ "sub": "x".repeat(2000) }), "bad-claim"),
        (json!({ "iss": "https://issuer.example/" }), "issuer"),
        (json!({ "scope": 7 }), "bad-claim"),
    ] {
        check(&issuers, &oidc_token(&oidc_claims(changes), "RS256"), word);
    }
}

#[test]
fn types_of_tokens_are_checked() {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "RS256" }).to_string();
    let token = token_of(&header, &oidc_claims(json!({})).to_string(), "RS256");
    check(&issuers(oidc_config(), &oidc_keys()), &token, "type");
    let lenient = issuers(IssuerConfig { token_type: TokenType::Any, ..oidc_config() }, &oidc_keys());
    verified(&lenient, &token);
    let id_token = token_of(&header, &oidc_claims(json!({ "nonce": "n" })).to_string(), "RS256");
    check(&lenient, &id_token, "not-an-access-token");
}

#[test]
fn clients_and_binding_can_be_required() {
    let config = IssuerConfig { clients: vec!["another".to_owned()], ..oidc_config() };
    check(&issuers(config, &oidc_keys()), &oidc_token(&oidc_claims(json!({})), "RS256"), "client");
    let config = IssuerConfig { bound_only: true, ..oidc_config() };
    check(&issuers(config, &oidc_keys()), &oidc_token(&oidc_claims(json!({})), "RS256"), "proof");
}

#[test]
fn challenges_are_those_of_the_documents() {
    let challenge = Challenge {
        realm: "a\"b\\c\r\n",
        resource_metadata: Some("https://gate.example/.well-known/oauth-protected-resource"),
        scope: Some("gate.invoke"),
    };
    let value = Refusal::Audience.www_authenticate(&challenge);
    assert!(
        value.starts_with("Bearer realm=\"a'b'c??\", resource_metadata=\"https://gate.example/"),
        "{value}"
    );
    assert!(value.contains("error=\"invalid_token\""), "{value}");
    assert!(challenge.insufficient_scope().contains("error=\"insufficient_scope\""));
    let issuers = entra();
    let able = verified(&issuers, &token(&claims(json!({ "xms_cc": ["cp1"] }))));
    let claims_wanted = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let told = challenge.claims(&able.principal, claims_wanted).unwrap();
    assert!(told.contains("error=\"insufficient_claims\"") && told.contains("claims=\"eyJ"), "{told}");
    let unable = verified(&issuers, &token(&claims(json!({}))));
    assert_eq!(challenge.claims(&unable.principal, claims_wanted), None);
}
