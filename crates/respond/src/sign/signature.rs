//! CACAO's signature object.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use castellan_base::Ticks;
use serde_json::{Value, json};

use super::canonical;
use super::key::{PublicKey, SigningKey, TrustedKeys};

/// A playbook cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It has no id or no version to relate the signature to.
    #[error("the playbook has no `{0}`; a signature names the playbook and its version")]
    Missing(&'static str),
}

/// What the signatures of a playbook say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Whole, and signed by a key that is trusted.
    Trusted {
        /// Whose key it is.
        by: String,
    },
    /// Whole, and signed by keys that nobody here knows.
    Unknown {
        /// Who the signature says has signed; a claim.
        claimed: String,
    },
    /// Changed since it was signed, or the signature is none.
    Broken(String),
    /// Signed in a way that is not read here.
    Unsupported(String),
    /// Not signed.
    Unsigned,
}

/// The form of times in CACAO, with three decimals.
fn cacao_time(time: Ticks) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..23).unwrap_or(&text))
}

/// Adds a signature to a playbook.
pub fn sign(document: &mut Value, key: &SigningKey, signee: &str, now: Ticks) -> Result<(), SignError> {
    let text = |key: &'static str| {
        document.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(SignError::Missing(key))
    };
    let (id, version) = (text("id")?, text("modified")?);
    let time = cacao_time(now);
    let mut signature = json!({
        "type": "jss",
        "created": time,
        "modified": time,
        "signee": signee,
        "related_to": id,
        "related_version": version,
        "hash_algorithm": "sha-256",
        "algorithm": "Ed25519",
        "public_key": key.public_key().to_text(),
    });
    if let Some(members) = signature.as_object_mut() {
        let seed = canonical(&Value::Object(members.clone()));
        members.insert("id".to_owned(), json!(format!("jss--{}", uuid_of(seed.as_bytes()))));
    }
    let message = message(document, &signature, "sha-256").unwrap_or_default();
    let value = URL_SAFE_NO_PAD.encode(key.sign(&message));
    if let Some(members) = signature.as_object_mut() {
        members.insert("value".to_owned(), json!(value));
    }
    match document.get_mut("signatures").and_then(Value::as_array_mut) {
        Some(signatures) => signatures.push(signature),
        None => {
            if let Some(members) = document.as_object_mut() {
                members.insert("signatures".to_owned(), json!([signature]));
            }
        }
    }
    Ok(())
}

/// A UUID made of a digest, in the form of version 5.
pub(crate) fn uuid_of(bytes: &[u8]) -> String {
    let digest = blake3::hash(bytes);
    let hex = digest.to_hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// What is signed: the hash of the playbook with the signature alone in it, without its value.
fn message(document: &Value, signature: &Value, hash: &str) -> Option<Vec<u8>> {
    let mut bare = signature.clone();
    bare.as_object_mut()?.remove("value");
    let mut covered = document.clone();
    covered.as_object_mut()?.insert("signatures".to_owned(), json!([bare]));
    let text = canonical(&covered);
    let algorithm = match hash {
        "sha-256" => &SHA256,
        "sha-512" => &SHA512,
        _ => return None,
    };
    Some(digest(algorithm, text.as_bytes()).as_ref().to_vec())
}

/// What the signatures of a playbook say at a time. One that is broken decides; else the best of them does.
pub fn verify(document: &Value, trusted: &TrustedKeys, now: Ticks) -> Verdict {
    let Some(signatures) = document.get("signatures") else { return Verdict::Unsigned };
    let Some(signatures) = signatures.as_array().filter(|signatures| !signatures.is_empty()) else {
        return Verdict::Broken("`signatures` is no list of signatures".to_owned());
    };
    let verdicts: Vec<Verdict> =
        signatures.iter().map(|signature| verify_one(document, signature, trusted, now)).collect();
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Broken(_) => 0,
        Verdict::Trusted { .. } => 1,
        Verdict::Unknown { .. } => 2,
        Verdict::Unsupported(_) => 3,
        Verdict::Unsigned => 4,
    };
    verdicts.into_iter().min_by_key(rank).unwrap_or(Verdict::Unsigned)
}

/// True when somebody trusted signed the playbook as it is, at whatever time that holds.
pub(crate) fn is_vouched(document: &Value, trusted: &TrustedKeys) -> bool {
    let signatures = document.get("signatures").and_then(Value::as_array);
    signatures.into_iter().flatten().any(|signature| {
        let time = |key: &str| signature.get(key)?.as_str()?.parse::<Ticks>().ok();
        let at = time("valid_from").unwrap_or(Ticks::MIN);
        matches!(verify_one(document, signature, trusted, at), Verdict::Trusted { .. })
    })
}

fn verify_one(document: &Value, signature: &Value, trusted: &TrustedKeys, now: Ticks) -> Verdict {
    let text = |key: &str| signature.get(key).and_then(Value::as_str).unwrap_or_default();
    let same =
        |key: &str, other: &str| text(key) == document.get(other).and_then(Value::as_str).unwrap_or_default();
    if !same("related_to", "id") || !same("related_version", "modified") {
        return Verdict::Broken(
            "the signature is of another playbook, or of another version of it".to_owned(),
        );
    }
    if let Some(reason) = not_valid(signature, now) {
        return Verdict::Broken(reason);
    }
    if signature.get("signature").is_some() {
        return Verdict::Unsupported("countersigned signatures are not read".to_owned());
    }
    if text("algorithm") != "Ed25519" {
        return Verdict::Unsupported(format!(
            "signatures by `{}` are not read; sign with Ed25519",
            text("algorithm")
        ));
    }
    let Some(message) = message(document, signature, text("hash_algorithm")) else {
        return Verdict::Unsupported(format!(
            "the hash `{}` is not read; use sha-256",
            text("hash_algorithm")
        ));
    };
    let Ok(key) = PublicKey::parse(text("public_key")) else {
        return Verdict::Unsupported(
            "the signature does not carry its Ed25519 key in `public_key`".to_owned(),
        );
    };
    let Ok(value) = URL_SAFE_NO_PAD.decode(text("value").trim_end_matches('=')) else {
        return Verdict::Broken("the value of the signature is no Base64".to_owned());
    };
    if !key.has_signed(&message, &value) {
        return Verdict::Broken("the playbook was changed after it was signed".to_owned());
    }
    match trusted.owner(key) {
        Some(owner) => Verdict::Trusted { by: owner.to_owned() },
        None => Verdict::Unknown { claimed: text("signee").to_owned() },
    }
}

/// Why a signature does not hold at a time.
fn not_valid(signature: &Value, now: Ticks) -> Option<String> {
    if signature.get("revoked").and_then(Value::as_bool) == Some(true) {
        return Some("the signature is revoked".to_owned());
    }
    for (key, is_early) in [("valid_from", true), ("valid_until", false)] {
        let Some(limit) = signature.get(key) else { continue };
        let Some(limit) = limit.as_str().and_then(|limit| limit.parse::<Ticks>().ok()) else {
            return Some(format!("`{key}` of the signature is no time"));
        };
        if (is_early && now < limit) || (!is_early && now >= limit) {
            return Some(format!("the signature is not valid now: `{key}` is {limit}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed() -> Result<(Value, TrustedKeys, Ticks), Box<dyn std::error::Error>> {
        let key = SigningKey::generate()?;
        let mut document = json!({
            "id": "playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00", "modified": "2026-01-01T00:00:00.000Z",
            "name": "a", "nested": {"list": [1, "two", null]},
        });
        let now: Ticks = "2026-11-21T10:00:00Z".parse()?;
        sign(&mut document, &key, "us", now)?;
        Ok((document, TrustedKeys::default().with("us", key.public_key()), now))
    }

    #[test]
    fn every_change_is_seen() -> Result<(), Box<dyn std::error::Error>> {
        let (document, trusted, now) = signed()?;
        assert_eq!(verify(&document, &trusted, now), Verdict::Trusted { by: "us".to_owned() });
        let unknown = verify(&document, &TrustedKeys::default(), now);
        assert_eq!(unknown, Verdict::Unknown { claimed: "us".to_owned() });
        for pointer in
            ["/name", "/nested/list/0", "/modified", "/id", "/signatures/0/signee", "/signatures/0/value"]
        {
            let mut changed = document.clone();
            if let Some(place) = changed.pointer_mut(pointer) {
                *place = json!("changed");
            }
            assert!(matches!(verify(&changed, &trusted, now), Verdict::Broken(_)), "{pointer}");
        }
        let mut added = document.clone();
        added["more"] = json!(1);
        assert!(matches!(verify(&added, &trusted, now), Verdict::Broken(_)));
        let mut bare = document;
        bare.as_object_mut().map(|members| members.remove("signatures"));
        assert_eq!(verify(&bare, &trusted, now), Verdict::Unsigned);
        Ok(())
    }

    #[test]
    fn a_second_signature_leaves_the_first_whole() -> Result<(), Box<dyn std::error::Error>> {
        let (mut document, trusted, now) = signed()?;
        sign(&mut document, &SigningKey::generate()?, "others", now)?;
        assert_eq!(verify(&document, &trusted, now), Verdict::Trusted { by: "us".to_owned() });
        document["signatures"][0]["valid_until"] = json!("2026-01-01T00:00:00.000Z");
        assert!(matches!(verify(&document, &trusted, now), Verdict::Broken(_)));
        Ok(())
    }

    proptest! {
        #[test]
        fn never_panics(algorithm in "(Ed25519|RS256|)", value in "[ -~]{0,20}", key in "[A-Za-z0-9+/=]{0,80}") {
            let document = json!({"id": "a", "modified": "b", "signatures": [{
                "related_to": "a", "related_version": "b", "algorithm": algorithm, "value": value,
                "hash_algorithm": "sha-256", "public_key": key,
            }]});
            let verdict = verify(&document, &TrustedKeys::default(), Ticks::MIN);
            let is_trusted = matches!(verdict, Verdict::Trusted { .. });
            prop_assert!(!is_trusted);
        }
    }
}
