//! What the gate pays for each request: `cargo bench -p castellan-access`.
//!
//! A token that is remembered, one that is verified anew, a virtual key, and a decision over the example policies.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use castellan_access::key::{Issue, KeyStore, Pepper, Scopes};
use castellan_access::policy::{Action, Asked, Party, Policies, Resource};
use castellan_access::principal::{Principal, Verified};
use castellan_access::token::{IssuerConfig, Issuers, Outcome};
use castellan_base::{OsSystem, Ticks};
use serde_json::json;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn main() {
    divan::main();
}

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn now() -> Ticks {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn issuers(one_use: bool) -> Issuers {
    let config = IssuerConfig { one_use, ..IssuerConfig::entra("contoso", &[TENANT], &["api://gate"]) };
    let issuers = Issuers::new(vec![config]).unwrap();
    let public = KEY.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let keys = json!({ "keys": [{ "kty": "RSA", "kid": "k1", "n": encode(n.big_endian_without_leading_zero()),
        "e": encode(e.big_endian_without_leading_zero()) }] });
    for plan in issuers.due(now()) {
        issuers.take_keys(&plan, keys.to_string().as_bytes(), now()).unwrap();
    }
    issuers
}

/// A token as large as usual, with some groups: about 1.5 kB.
fn token(id: usize) -> String {
    let seconds = now().unix_nanos() / 1_000_000_000;
    let groups: Vec<String> =
        (0..10).map(|at| format!("11111111-0000-0000-0000-0000000000{at:02}")).collect();
    let claims = json!({
        "aud": "api://gate", "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "iat": seconds - 60,
        "nbf": seconds - 60, "exp": seconds + 3600, "azp": "cccccccc-0000-0000-0000-000000000001", "azpacr": "1",
        "name": "Ann", "oid": "aaaaaaaa-0000-0000-0000-000000000001", "preferred_username": "ann@example.org",
        "scp": "gate.invoke", "sub": "pairwise", "tid": TENANT, "uti": format!("u{id}"), "ver": "2.0", "groups": groups
    });
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "k1" }).to_string();
    let message = format!("{}.{}", encode(&header), encode(&claims.to_string()));
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn principal() -> Principal {
    match issuers(false).verify(&token(0), None, now()) {
        Outcome::Verified(verified) => verified.principal.clone(),
        other => panic!("{other:?}"),
    }
}

#[divan::bench]
fn remembered_token(bencher: divan::Bencher<'_, '_>) {
    let (issuers, token, now) = (issuers(false), token(0), now());
    bencher.bench(|| issuers.verify(&token, None, now));
}

#[divan::bench(sample_count = 20, sample_size = 5)]
fn new_token(bencher: divan::Bencher<'_, '_>) {
    let (issuers, now) = (issuers(true), now());
    let mut id = 0;
    let next = || {
        id += 1;
        token(id)
    };
    bencher.with_inputs(next).bench_local_values(|token| issuers.verify(&token, None, now));
}

#[divan::bench]
fn virtual_key(bencher: divan::Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::open(folder.path().join("keys.json"), Pepper::new([7; 32])).unwrap();
    let issue = Issue { owner: "a".into(), by: "b".into(), scopes: Scopes::all_models(), ..Issue::default() };
    let key = store.issue(issue, now()).unwrap().key;
    bencher.bench(|| store.recognise(key.reveal(), now()));
}

fn policies() -> Policies {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/gate/policies");
    Policies::open(&OsSystem, &folder).unwrap()
}

#[divan::bench]
fn decision_with_the_examples(bencher: divan::Bencher<'_, '_>) {
    let (policies, verified, now) = (policies(), Verified::new(principal()), now());
    bencher.bench(|| {
        let mut asked = Asked::by(&verified, Action::Invoke, Resource::model("gpt-5", "openai"), now);
        asked.circumstances.labels = BTreeSet::from(["internal".to_owned()]);
        asked.circumstances.ip = Some([10, 0, 0, 1].into());
        let decision = policies.decide(&asked);
        assert!(decision.allow);
        decision
    });
}

#[divan::bench]
fn decision_built_in(bencher: divan::Bencher<'_, '_>) {
    let (policies, verified, now) = (Policies::built_in().unwrap(), Verified::new(principal()), now());
    bencher.bench(|| {
        policies.decide(&Asked::by(&verified, Action::Invoke, Resource::model("gpt-5", "openai"), now))
    });
}

#[divan::bench]
fn tool_call_with_arguments(bencher: divan::Bencher<'_, '_>) {
    let (policies, verified, now) = (policies(), Verified::new(principal()), now());
    let arguments =
        json!({ "to": ["ann@example.org", "ben@example.org"], "subject": "hello", "body": "text", "n": 3 });
    bencher.bench(|| {
        let mut asked = Asked::by(&verified, Action::Call, Resource::tool("mail", "send"), now);
        asked.arguments = Some(&arguments);
        let decision = policies.decide(&asked);
        assert!(decision.allow);
        decision
    });
}

#[divan::bench]
fn party_of_a_principal(bencher: divan::Bencher<'_, '_>) {
    let principal = principal();
    bencher.bench(|| Party::new(&principal));
}
