//! The pages: what `crates/server/console/dist` holds, which is inside the program.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

use super::Console;

#[derive(RustEmbed)]
#[folder = "console/dist"]
struct Dist;

/// What files are called that are others packed.
const PACKED: &str = ".gz";

/// What pages may do: nothing but run their own scripts and ask this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer, pages and API.
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

/// Says what a browser may do with an answer, and that nobody keeps it, unless the answer says so itself.
pub(super) fn harden(response: &mut Response, policy: &'static str) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry("content-security-policy").or_insert(HeaderValue::from_static(policy));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A file.
struct Asset {
    kind: &'static str,
    etag: HeaderValue,
    plain: Bytes,
    /// The same packed, made when it is asked for first.
    packed: OnceLock<Bytes>,
}

impl Asset {
    fn new(name: &str, bytes: Cow<'static, [u8]>) -> Option<Asset> {
        let etag: String = blake3::hash(&bytes).to_hex().chars().take(32).collect();
        let plain = match bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let etag = HeaderValue::from_str(&format!("\"{etag}\"")).ok()?;
        let packed = OnceLock::new();
        if let Some(file) = Dist::get(&format!("{name}{PACKED}")) {
            let _ = packed.set(Bytes::from(file.data.into_owned()));
        }
        Some(Asset { kind: kind(name), etag, plain, packed })
    }

    /// The file packed: as it was packed when the pages were built, where it was.
    fn packed(&self) -> Bytes {
        let pack = || {
            let mut packer = GzEncoder::new(Vec::new(), Compression::best());
            let packed = packer.write_all(&self.plain).and_then(|()| packer.finish());
            // It is written into memory, which does not fail.
            packed.map_or_else(|_| self.plain.clone(), Bytes::from)
        };
        self.packed.get_or_init(pack).clone()
    }

    fn answer(&self, request: &Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let says = |name: HeaderName, wanted: &dyn Fn(&str) -> bool| {
            let values = request.headers().get_all(name);
            values
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|part| wanted(part.trim()))
        };
        let etag = self.etag.to_str().unwrap_or_default();
        let is_known = says(IF_NONE_MATCH, &|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
        // Names stay the same from version to version, so that a browser asks whether what it has still holds.
        let common = [
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let packs = says(ACCEPT_ENCODING, &|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let quality = quality.trim().strip_prefix("q=").map_or(Some(1.0), |number| number.parse().ok());
            name.trim().eq_ignore_ascii_case("gzip") && quality.is_some_and(|quality: f32| quality > 0.0)
        });
        let kind = [(CONTENT_TYPE, HeaderValue::from_static(self.kind))];
        if !packs {
            return (common, kind, Body::from(self.plain.clone())).into_response();
        }
        let coding = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        (common, kind, coding, Body::from(self.packed())).into_response()
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The files that have an address.
fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Dist::iter().filter(|name| !name.ends_with(PACKED))
}

/// The routes of the pages: `index.html` at `/`, the others at their names.
pub(super) fn router(console: &Console) -> Router {
    let mut router = Router::new();
    for name in names() {
        let Some(asset) = Dist::get(&name).and_then(|file| Asset::new(&name, file.data)) else { continue };
        let asset = Arc::new(asset);
        let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
        let console = console.clone();
        router = router.route(
            &path,
            any(async move |request: Request| {
                let mut response = match console.0.admit_page(&request) {
                    Ok(()) => asset.answer(&request),
                    Err(failure) => failure.into_response(),
                };
                harden(&mut response, POLICY);
                response
            }),
        );
    }
    router
}

#[cfg(test)]
mod tests {
    use super::{Dist, kind, names};

    #[test]
    fn there_is_a_page_and_everything_has_a_kind() {
        assert!(Dist::get("index.html").is_some());
        for name in names() {
            assert_ne!(kind(&name), "application/octet-stream", "{name}");
            assert!(!name.contains(['{', '}', '*', ':']), "{name} cannot be a path");
        }
    }
}
