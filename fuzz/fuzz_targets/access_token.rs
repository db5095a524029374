//! Access tokens: any text is refused, whatever its header and claims say, and so is any key set that is none.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use castellan_access::token::{Algorithm, IssuerConfig, Issuers, KeySet, Outcome};
use castellan_base::Ticks;
use libfuzzer_sys::fuzz_target;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// The key of RFC 8037, A.2, whose private half nobody uses here.
const KEYS: &[u8] =
    br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    let entra = IssuerConfig::entra("entra", &[TENANT], &["a"]);
    let algorithms = vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let oidc = IssuerConfig { algorithms, ..IssuerConfig::oidc("oidc", "https://i.example", &["a"]) };
    let issuers = Issuers::new(vec![entra, oidc]).expect("a configuration");
    for plan in issuers.due(now()) {
        issuers.take_keys(&plan, KEYS, now()).expect("keys");
    }
    issuers
});

fn now() -> Ticks {
    "2026-11-21T10:00:00Z".parse().expect("a time")
}

fuzz_target!(|data: (&str, &[u8], &[u8])| {
    let (text, header, claims) = data;
    let made = [header, claims, &[1; 64]].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    for token in [text, &made] {
        assert!(!matches!(ISSUERS.verify(token, None, now()), Outcome::Verified(_)), "{token}");
    }
    if let Ok((keys, _)) = KeySet::read(claims) {
        assert!(keys.ids().next().is_some());
    }
});
