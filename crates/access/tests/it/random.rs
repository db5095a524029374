//! Whatever comes in is read or refused, and what is verified stays who it was.

use std::sync::LazyLock;

use castellan_access::certificate::ClientCertificate;
use castellan_access::policy::{Policies, Source};
use castellan_access::token::{Issuers, KeySet, Outcome};
use proptest::prelude::*;
use serde_json::json;

use crate::support::*;

static ENTRA: LazyLock<Issuers> = LazyLock::new(entra);
static GOOD: LazyLock<String> = LazyLock::new(|| token(&claims(json!({}))));

/// JSON of any kind, small.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        Just(json!(TENANT)),
        Just(json!(OTHER_TENANT)),
        Just(json!("11 13")),
        Just(json!("app")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::vec((".{0,4}", inner), 0..3)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_no_token(text in ".{0,200}") {
        prop_assert!(matches!(ENTRA.verify(&text, None, now()), Outcome::Refused(_)));
    }

    #[test]
    fn any_parts_are_no_token(header in value(), claims in value(), signature in prop::collection::vec(any::<u8>(), 0..64)) {
        let parts = [header.to_string().into_bytes(), claims.to_string().into_bytes(), signature];
        let text = parts.map(|part| encode(&part)).join(".");
        prop_assert!(matches!(ENTRA.verify(&text, None, now()), Outcome::Refused(_)));
    }

    #[test]
    fn a_changed_letter_makes_a_token_worthless(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.-]") {
        let mut text = GOOD.clone();
        let at = at.index(text.len());
        prop_assume!(!text[at..].starts_with(&letter));
        text.replace_range(at..=at, &letter);
        // A key id that is not known may be one that is new.
        prop_assert!(!matches!(ENTRA.verify(&text, None, now()), Outcome::Verified(_)));
    }

    #[test]
    fn claims_never_change_who_it_is(
        name in prop::sample::select(vec!["sub", "upn", "email", "name", "tid", "iss", "oid", "ver", "idtyp", "scp", "roles",
            "groups", "azp", "act", "cnf", "xms_act_fct", "xms_sub_fct", "xms_par_app_azp", "xms_cc", "aud", "exp", "sid"]),
        value in value(),
    ) {
        let token = token(&claims(json!({ name: value.clone() })));
        if let Outcome::Verified(verified) = ENTRA.verify(&token, None, now()) {
            // The tenant that the issuer's key vouches for, and an object in it.
            prop_assert_eq!(&verified.principal.tenant, TENANT);
            prop_assert!(name == "oid" || verified.principal.object == USER);
        }
    }

    #[test]
    fn any_bytes_are_keys_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300), value in value()) {
        let _ = KeySet::read(&bytes);
        let _ = KeySet::read(json!({ "keys": [value] }).to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_a_certificate_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(ClientCertificate::read(&bytes).is_err());
        let nested = [&[0x30, 0x82, 1, 44][..], &bytes].concat();
        let _ = ClientCertificate::read(&nested);
    }

    #[test]
    fn any_text_is_policies_or_not(
        parts in prop::collection::vec(prop::sample::select(vec!["permit", "forbid", "(", ")", "principal", ",", "action",
            "resource", ";", "when", "{", "}", "context", ".", "tokens", "*", "==", "1", "\"", "@id", "is", "User", "like", "!", "if",
            "\u{202e}", "[", "]", "::", "in", "has"]), 0..40),
    ) {
        let text = parts.join(" ");
        if let Ok(policies) = Policies::new(&[Source { name: "r.cedar".to_owned(), text }]) {
            prop_assert!(policies.status().policies < 40);
        }
    }
}
