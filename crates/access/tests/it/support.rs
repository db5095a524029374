//! Keys that sign, tokens that are made with them, and what is usual of both.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use castellan_access::token::{IssuerConfig, Issuers, Outcome, Refusal, Verified};
use castellan_base::{OsSystem, System as _, Ticks};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const OTHER_TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const AUDIENCE: &str = "api://gate";
pub(crate) const USER: &str = "aaaaaaaa-0000-0000-0000-000000000001";
pub(crate) const CLIENT: &str = "cccccccc-0000-0000-0000-000000000001";
pub(crate) const ISSUER: &str = "https://issuer.example";

pub(crate) fn at(text: &str) -> Ticks {
    text.parse().unwrap()
}

pub(crate) fn read(path: &std::path::Path) -> String {
    String::from_utf8(OsSystem.read(path, 1 << 20).unwrap()).unwrap()
}

pub(crate) fn now() -> Ticks {
    at("2026-11-21T10:00:00Z")
}

pub(crate) fn seconds(time: Ticks) -> i64 {
    i64::try_from(time.unix_nanos() / 1_000_000_000).unwrap()
}

pub(crate) fn plus(seconds: i64) -> Ticks {
    now().checked_add(seconds * Ticks::PER_SECOND).unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Private keys, which take a while to make.
pub(crate) struct Keys {
    pub(crate) rsa: RsaKeyPair,
    pub(crate) second: RsaKeyPair,
    pub(crate) ec: EcdsaKeyPair,
    pub(crate) ed: Ed25519KeyPair,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    second: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    ed: Ed25519KeyPair::generate().unwrap(),
});

pub(crate) fn rsa_jwk(key: &RsaKeyPair, id: &str) -> Value {
    let public = key.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    json!({ "kty": "RSA", "use": "sig", "kid": id,
        "n": encode(n.big_endian_without_leading_zero()), "e": encode(e.big_endian_without_leading_zero()) })
}

pub(crate) fn ec_jwk(id: &str) -> Value {
    let point = KEYS.ec.public_key().as_ref();
    json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": encode(&point[1..33]), "y": encode(&point[33..]) })
}

pub(crate) fn ed_jwk(id: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": encode(KEYS.ed.public_key().as_ref()) })
}

pub(crate) fn sign(algorithm: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let rsa = |key: &RsaKeyPair, how| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(how, &random, message, &mut signature).unwrap();
        signature
    };
    match algorithm {
        "RS256" => rsa(&KEYS.rsa, &RSA_PKCS1_SHA256),
        "RS384" => rsa(&KEYS.rsa, &RSA_PKCS1_SHA384),
        "PS256" => rsa(&KEYS.rsa, &RSA_PSS_SHA256),
        "second" => rsa(&KEYS.second, &RSA_PKCS1_SHA256),
        "ES256" => KEYS.ec.sign(&random, message).unwrap().as_ref().to_vec(),
        "EdDSA" => KEYS.ed.sign(message).as_ref().to_vec(),
        other => panic!("no key signs with {other}"),
    }
}

/// A token of a header and claims as they are, signed with a key's way.
pub(crate) fn token_of(header: &str, claims: &str, key: &str) -> String {
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = sign(key, message.as_bytes());
    format!("{message}.{}", encode(&signature))
}

pub(crate) fn token(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "k1" });
    token_of(&header.to_string(), &claims.to_string(), "RS256")
}

/// Claims of a user's token of version 2.0, with some put in, or taken out where they are null.
pub(crate) fn claims(changes: Value) -> Value {
    let now = seconds(now());
    changed(
        json!({
            "aud": AUDIENCE, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "iat": now - 60,
            "nbf": now - 60, "exp": now + 3600, "azp": CLIENT, "azpacr": "1", "name": "Ann", "oid": USER,
            "preferred_username": "ann@example.org", "scp": "gate.invoke other", "sub": "pairwise", "tid": TENANT,
            "uti": "unique", "ver": "2.0", "idtyp": "user"
        }),
        changes,
    )
}

/// Claims of an application's token of version 2.0.
pub(crate) fn app_claims(changes: Value) -> Value {
    let mut base = json!({ "scp": null, "roles": ["gate.use"], "idtyp": "app", "sub": USER, "name": null,
        "preferred_username": null });
    merge(&mut base, changes);
    claims(base)
}

/// Claims of another issuer's token (RFC 9068).
pub(crate) fn oidc_claims(changes: Value) -> Value {
    let now = seconds(now());
    changed(
        json!({ "iss": ISSUER, "sub": "ann", "aud": AUDIENCE, "client_id": "app", "iat": now, "exp": now + 600,
            "jti": "j1", "scope": "gate.invoke", "groups": ["staff"] }),
        changes,
    )
}

pub(crate) fn oidc_token(claims: &Value, algorithm: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": algorithm, "kid": algorithm });
    token_of(&header.to_string(), &claims.to_string(), algorithm)
}

fn merge(base: &mut Value, changes: Value) {
    let (Value::Object(base), Value::Object(changes)) = (base, changes) else { panic!("no objects") };
    base.extend(changes);
}

fn changed(mut base: Value, changes: Value) -> Value {
    merge(&mut base, changes);
    let Value::Object(members) = base else { panic!("no object") };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// Keys of Entra as it publishes them: with the issuer they are for, as a template.
pub(crate) fn entra_keys() -> Value {
    let mut key = rsa_jwk(&KEYS.rsa, "k1");
    key["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0".into();
    let mut foreign = rsa_jwk(&KEYS.second, "k2");
    foreign["issuer"] = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0").into();
    json!({ "keys": [key, foreign, ec_jwk("ec"), { "kty": "oct", "kid": "secret", "k": "AAAA" }] })
}

pub(crate) fn entra_config() -> IssuerConfig {
    IssuerConfig::entra("contoso", &[TENANT], &[AUDIENCE])
}

pub(crate) fn issuers(config: IssuerConfig, keys: &Value) -> Issuers {
    let issuers = Issuers::new(vec![config]).unwrap();
    for plan in issuers.due(now()) {
        issuers.take_keys(&plan, keys.to_string().as_bytes(), now()).unwrap();
    }
    issuers
}

pub(crate) fn entra() -> Issuers {
    issuers(entra_config(), &entra_keys())
}

pub(crate) fn verified(issuers: &Issuers, token: &str) -> Arc<Verified> {
    match issuers.verify(token, None, now()) {
        Outcome::Verified(verified) => verified,
        other => panic!("not verified: {other:?}"),
    }
}

pub(crate) fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
