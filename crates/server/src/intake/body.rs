//! Bodies of requests: bounded, packed or not.

use std::io::Read;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::gate::Held;
use crate::{Gate, Refusal};

/// The body of a request, unpacked.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// The place that the request has among those whose bodies are held.
    held: Held,
}

impl Body {
    /// Reads a body of at most so many bytes, which may be packed with gzip and then unpacks to at most `unpacked`.
    ///
    /// # Errors
    /// 413 for what is larger, 415 for another packing, 400 for what is not gzip, 408 and 503 as [`Gate`] says.
    pub(super) async fn read(gate: &Gate, request: Request, unpacked: usize) -> Result<Body, Refusal> {
        let is_packed = is_gzip(&request)?;
        let mut held = gate.held(request).await?;
        let packed = std::mem::take(&mut held.bytes);
        if !is_packed {
            return Ok(Body { bytes: packed.to_vec(), held });
        }
        let bytes = gate.aside(move || gunzip(&packed, unpacked)).await?;
        Ok(Body { bytes, held })
    }

    /// The bytes, and the place that is held for as long as they are worked on.
    pub(super) fn parts(self) -> (Vec<u8>, Held) {
        (self.bytes, self.held)
    }
}

/// Whether a body is packed.
///
/// # Errors
/// 415: with something else than gzip.
fn is_gzip(request: &Request) -> Result<bool, Refusal> {
    let Some(encoding) = request.headers().get(CONTENT_ENCODING) else { return Ok(false) };
    match encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => {
            let message =
                "the body is packed otherwise than with gzip; send `Content-Encoding: gzip` or none";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// Unpacks up to a limit, so that a small body cannot become a large one.
fn gunzip(packed: &[u8], most: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = flate2::bufread::MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes);
    if bytes.len() > most {
        return Err(too_large(most));
    }
    let broken = |error| Refusal::bad(format!("the body is not whole gzip: {error}"));
    read.map(|_| bytes).map_err(broken)
}

fn too_large(most: usize) -> Refusal {
    let message = format!("the body unpacks to more than {most} bytes; send less at once");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// The type of a body without its parameters, in lower case.
pub(super) fn content_type(request: &Request) -> String {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{StatusCode, gunzip};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn unpacking_ends_at_the_limit() {
        assert_eq!(gunzip(&gzip(b"[{}]"), 4).unwrap(), b"[{}]");
        let bomb = gzip(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 10_000);
        assert_eq!(gunzip(&bomb, 1 << 20).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        let whole = gzip(b"[{\"a\": 1}]");
        for broken in [b"".as_slice(), b"[{}]", whole.get(..whole.len() - 3).unwrap()] {
            assert_eq!(gunzip(broken, 1 << 20).unwrap_err().status(), StatusCode::BAD_REQUEST);
        }
    }
}
