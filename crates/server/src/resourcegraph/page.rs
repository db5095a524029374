//! Pages of a result: where one begins, and the token that leads to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::queries::Fault;

/// The most rows of a page.
pub(super) const MOST: usize = 1_000;

/// A token for a place in the result of a query. It holds no data, and is good for that query alone.
pub(super) fn token(query: &str, skip: usize) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "q": digest(query), "s": skip }).to_string())
}

/// The place that a token leads to.
///
/// Errors: it is none of this query.
pub(super) fn place(query: &str, token: &str) -> Result<usize, Fault> {
    let wrong = || Fault::bad("`$skipToken` is not one that was given for this query; begin without it");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
    let said: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if said.get("q").and_then(|digest| digest.as_str()) != Some(digest(query).as_str()) {
        return Err(wrong());
    }
    let skip = said.get("s").and_then(serde_json::Value::as_u64).and_then(|skip| usize::try_from(skip).ok());
    skip.ok_or_else(wrong)
}

fn digest(query: &str) -> String {
    let digest = Sha256::digest(query.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.iter().take(12).copied().collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::{place, token};

    #[test]
    fn tokens_lead_back() {
        assert_eq!(place("Resources", &token("Resources", 1_000)).ok(), Some(1_000));
        for wrong in [token("Other", 5), String::new(), "e30".to_owned(), "not base64!".to_owned()] {
            assert!(place("Resources", &wrong).is_err(), "{wrong}");
        }
    }
}
