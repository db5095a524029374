//! What requests say.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::Fault;
use crate::{Gate, Refusal};

/// A body that was read, and the place that it holds until it is dropped.
pub(crate) struct Body<T> {
    pub(crate) said: T,
    pub(crate) place: OwnedSemaphorePermit,
}

/// The body of a request, or for one without a body what its address says.
///
/// Errors: those of the gate, and a body that is not what is asked for.
pub(crate) async fn body_of<T: DeserializeOwned>(gate: &Gate, request: Request) -> Result<Body<T>, Fault> {
    let (said, place) = gate.read(request, StatusCode::BAD_REQUEST).await?;
    Ok(Body { said, place })
}

/// A parameter of the address, decoded.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query.unwrap_or_default().split('&');
    let mut found = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key)? == name).then(|| decoded(value)).flatten()
    });
    found.next()
}

/// All parameters of the address, decoded; those that cannot be are left out.
pub(crate) fn parameters(query: Option<&str>) -> Vec<(String, String)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(key)?, decoded(value)?))
    });
    decoded.collect()
}

/// Percent signs and plus signs of a form taken away; none where that is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Refuses what a page of another site has a browser fetch.
///
/// Errors: the browser says that it is so.
pub(crate) fn no_other_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok()).unwrap_or_default();
    if matches!(site, "cross-site" | "same-site") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "pages of other sites are not answered"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn parameters() {
        let query = Some("a=1&query=T%20%7C+count&b");
        assert_eq!(parameter(query, "query").as_deref(), Some("T | count"));
        assert_eq!(parameter(query, "b").as_deref(), Some(""));
        assert_eq!(parameter(query, "c"), None);
        assert_eq!(parameter(Some("q=%F"), "q"), None);
        assert_eq!(parameter(Some("q=%FF%FE"), "q"), None);
        assert_eq!(parameter(None, "q"), None);
    }
}
