//! Edits at spans: what is not edited keeps its bytes.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Form;
use crate::json::{self, Limits, ParseError, Span, quote};

/// A change to one text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where the text stands, quotes included.
    pub span: Span,
    /// How it stands there.
    pub form: Form,
    /// Ranges of the text, in order and apart from each other, and what takes their place.
    pub replacements: Vec<(Range<usize>, String)>,
}

/// Why edits cannot be made. Then nothing may be passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits of one text, or one outside of the message.
    #[error("edits overlap or lie outside of the message")]
    Span,
    /// A range that does not lie within its text, between characters, after the one before.
    #[error("a range to replace is not within its text")]
    Range,
    /// What comes out is no message: an edit gave two members one name, or it is too large.
    #[error("the edited message cannot be read: {0}")]
    Result(#[from] ParseError),
}

/// Makes edits. What comes out was read again, strictly.
///
/// # Errors
/// If an edit cannot be made, or gives something that is no JSON.
pub fn apply(bytes: &[u8], edits: &[Edit], limits: &Limits) -> Result<Vec<u8>, EditError> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.span);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for edit in sorted {
        let kept = bytes.get(at..edit.span.start).ok_or(EditError::Span)?;
        let token = bytes.get(edit.span.start..edit.span.end).ok_or(EditError::Span)?;
        let token = std::str::from_utf8(token).map_err(|_| EditError::Span)?;
        out.extend_from_slice(kept);
        out.extend_from_slice(edited(token, edit)?.as_bytes());
        at = edit.span.end;
    }
    out.extend_from_slice(bytes.get(at..).ok_or(EditError::Span)?);
    json::parse(&out, limits)?;
    Ok(out)
}

fn edited(token: &str, edit: &Edit) -> Result<String, EditError> {
    let inner = || token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(EditError::Span);
    let mut out = String::new();
    match edit.form {
        Form::Text | Form::Key => {
            let inner = inner()?;
            out.push('"');
            let mut at = 0;
            for (range, with) in raw(inner, &edit.replacements)? {
                out.push_str(inner.get(at..range.start).ok_or(EditError::Range)?);
                let mut quoted = String::new();
                quote(with, &mut quoted);
                out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                at = range.end;
            }
            out.push_str(inner.get(at..).ok_or(EditError::Range)?);
            out.push('"');
        }
        Form::Number => quote(&replaced(token, &edit.replacements)?, &mut out),
        Form::Base64 => {
            let value = json::parse(token.as_bytes(), &Limits { bytes: usize::MAX, ..Limits::default() })?;
            let plain = value.as_str().ok_or(EditError::Span)?.replace('-', "+").replace('_', "/");
            let plain = plain.trim_end_matches('=');
            let decoded = base64::engine::general_purpose::STANDARD_NO_PAD.decode(plain).ok();
            let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(EditError::Range)?;
            quote(&STANDARD.encode(replaced(&text, &edit.replacements)?), &mut out);
        }
    }
    Ok(out)
}

fn replaced(text: &str, replacements: &[(Range<usize>, String)]) -> Result<String, EditError> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, with) in replacements {
        out.push_str(text.get(at..range.start).ok_or(EditError::Range)?);
        out.push_str(with);
        at = range.end;
        if range.end < range.start {
            return Err(EditError::Range);
        }
    }
    out.push_str(text.get(at..).ok_or(EditError::Range)?);
    Ok(out)
}

/// Ranges of a text as ranges of the string as it is written, escapes and all.
fn raw<'a>(
    inner: &str,
    replacements: &'a [(Range<usize>, String)],
) -> Result<Vec<(Range<usize>, &'a str)>, EditError> {
    let bounds = replacements.iter().flat_map(|(range, _)| [range.start, range.end]);
    let mut mapped = Vec::new();
    let (mut decoded, mut written) = (0, 0);
    for bound in bounds {
        if bound < decoded {
            return Err(EditError::Range);
        }
        while decoded < bound {
            let rest = inner.get(written..).filter(|rest| !rest.is_empty()).ok_or(EditError::Range)?;
            let (character, length) = if rest.starts_with('\\') {
                json::escape(rest).ok_or(EditError::Range)?
            } else {
                let character = rest.chars().next().ok_or(EditError::Range)?;
                (character, character.len_utf8())
            };
            decoded += character.len_utf8();
            written += length;
        }
        if decoded != bound {
            return Err(EditError::Range);
        }
        mapped.push(written);
    }
    let pairs = mapped.chunks_exact(2).zip(replacements);
    let range =
        |pair: &[usize]| pair.first().copied().unwrap_or_default()..pair.last().copied().unwrap_or_default();
    Ok(pairs.map(|(pair, (_, with))| (range(pair), with.as_str())).collect())
}
