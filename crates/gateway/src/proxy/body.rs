//! Bodies of requests and answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::stop::Stop;
use crate::config::Bounds;
use crate::held::{Held, Room};
use crate::record::Stage;

/// What an answer's body fails with: the connection is closed then, so that the client sees that it is not whole.
pub(crate) type BodyFailure = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub(crate) enum GateBody {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// It comes.
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BodyFailure> + Send>>),
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match self.get_mut() {
            GateBody::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|never: Infallible| match never {}))),
            GateBody::Stream(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            GateBody::Whole(body) => body.is_end_stream(),
            GateBody::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            GateBody::Whole(body) => body.size_hint(),
            GateBody::Stream(body) => body.size_hint(),
        }
    }
}

/// An answer that is there.
pub(crate) fn text(status: u16, kind: &'static str, text: &str) -> Response<GateBody> {
    let mut response = Response::new(GateBody::Whole(Full::new(Bytes::copy_from_slice(text.as_bytes()))));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Why a body is not there.
pub(super) enum Missing {
    /// It has more bytes than it may.
    TooLarge,
    /// There is no room for it.
    NoRoom,
    /// It broke off.
    Broken(String),
}

/// A body, for which there is room as it comes.
pub(super) async fn gathered<B>(
    mut body: B,
    most: usize,
    room: &Room,
    held: &mut Held,
) -> Result<Bytes, Missing>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    // Most bodies are one piece, which is not copied.
    let mut first = Bytes::new();
    let mut all: Vec<u8> = Vec::new();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Missing::Broken(error.to_string()))?;
        let Ok(piece) = frame.into_data() else { continue };
        bytes += piece.len();
        if bytes > most {
            return Err(Missing::TooLarge);
        }
        room.take(held, bytes).await.map_err(|_| Missing::NoRoom)?;
        if first.is_empty() && all.is_empty() {
            first = piece;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { Bytes::from(all) })
}

/// What is told where there is no room for a body.
pub(super) fn no_room(stage: Stage) -> Stop {
    Stop::new(stage, 503, "memory_full", crate::held::NoRoom.to_string()).with_header("retry-after", "1")
}

/// The body of a request.
pub(super) async fn whole(
    body: Incoming,
    bounds: &Bounds,
    headers: &HeaderMap,
    room: &Room,
    held: &mut Held,
) -> Result<Bytes, Stop> {
    let stop = |status, code, message: String| Stop::new(Stage::Read, status, code, message);
    if is_encoded(headers) {
        return Err(stop(
            415,
            "content_encoding",
            "the gate reads no compressed bodies; send it as it is".to_owned(),
        ));
    }
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        let message = "the body has both a length and chunks, which servers read differently".to_owned();
        return Err(stop(400, "ambiguous_length", message));
    }
    let too_large = || {
        let message = format!("the body is larger than {} bytes; send less at once", bounds.request_bytes);
        stop(413, "too_large", message)
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse().ok());
    if announced.is_some_and(|length: u64| length > bounds.request_bytes as u64) {
        return Err(too_large());
    }
    let gathering = gathered(body, bounds.request_bytes, room, held);
    match timeout(Duration::from_millis(bounds.body_ms), gathering).await {
        Err(_) => Err(stop(408, "timeout", "the body took too long".to_owned())),
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Missing::TooLarge)) => Err(too_large()),
        Ok(Err(Missing::NoRoom)) => Err(no_room(Stage::Read)),
        Ok(Err(Missing::Broken(_))) => Err(stop(400, "broken_body", "the body broke off".to_owned())),
    }
}

/// Whether a body is compressed.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_ENCODING).into_iter();
    values.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The kind of a body, without its parameters.
pub(super) fn kind(headers: &HeaderMap) -> &str {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether a `Content-Type` names no character set but UTF-8, of which ASCII is a part.
pub(super) fn speaks_unicode(kind: &HeaderValue) -> bool {
    let Ok(text) = kind.to_str() else { return false };
    let lower = text.to_ascii_lowercase();
    let mut named = lower.match_indices("charset").filter_map(|(at, word)| lower.get(at + word.len()..));
    named.all(|rest| {
        let value = rest.trim_start_matches([' ', '\t', '*']).strip_prefix('=').map_or("", str::trim_start);
        let value = value.trim_start_matches(['"', '\'']);
        let end = value.find(['"', '\'', ';', ' ', ',']).unwrap_or(value.len());
        matches!(value.get(..end), Some("utf-8" | "utf8" | "us-ascii" | "ascii"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets() {
        let check = |kind: &str| speaks_unicode(&HeaderValue::from_str(kind).unwrap());
        for good in
            ["application/json", "application/json; charset=UTF-8", "text/plain; charset=\"utf-8\"; x=y", ""]
        {
            assert!(check(good), "{good}");
        }
        for bad in [
            "application/json; charset=utf-7",
            "application/json;charset = \"UTF-16\"",
            "application/json; charset=utf-8; charset=utf-7",
            "application/json; charset*=utf-7",
            "application/json; charset",
            "application/json; charset=utf-8x",
        ] {
            assert!(!check(bad), "{bad}");
        }
    }
}
