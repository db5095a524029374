//! The parts of a mail: headers, encoded words, parameters, transfer encodings (RFC 5322, 2045 to 2047, 2231).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;

use crate::decode;

/// The header fields of a message or of a part, and the bytes after them.
pub(super) struct Entity<'a> {
    /// Names as written and values with folds undone.
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Parts headers from body at the first empty line.
    pub(super) fn parse(bytes: &'a [u8]) -> Self {
        let (head, body) = split_head(bytes);
        let text = decode::whole(head);
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim_start());
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or(("", line));
            fields.push((name.trim().to_owned(), value.trim_start().to_owned()));
        }
        Self { fields, body }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn content_type(&self) -> Parameters {
        Parameters::parse(self.field("Content-Type").unwrap_or("text/plain"))
    }

    /// The name that the sender gave the part.
    pub(super) fn file_name(&self) -> Option<String> {
        let disposition = self.field("Content-Disposition").map(Parameters::parse);
        let name = disposition.and_then(|disposition| disposition.get("filename"));
        name.or_else(|| self.content_type().get("name")).filter(|name| !name.is_empty())
    }

    /// The body with its transfer encoding undone.
    pub(super) fn decoded(&self) -> Vec<u8> {
        match self.field("Content-Transfer-Encoding").unwrap_or_default().trim().to_ascii_lowercase().as_str()
        {
            "base64" => base64(self.body),
            "quoted-printable" => quoted_printable(self.body, false),
            _ => self.body.to_vec(),
        }
    }
}

fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")) {
        return (&[], body);
    }
    let ends = [(&b"\n\r\n"[..], 3), (&b"\n\n"[..], 2)];
    let end = ends
        .iter()
        .filter_map(|(end, length)| memchr::memmem::find(bytes, end).map(|at| (at, at + length)))
        .min();
    let (head, body) = end.unwrap_or((bytes.len(), bytes.len()));
    (bytes.get(..head).unwrap_or_default(), bytes.get(body..).unwrap_or_default())
}

/// Starts of encoded words that turn out to be none; a field with more is no text that a program encoded.
const MOST_FAILED: usize = 1000;

/// Parameters of one field that are looked at.
const MOST_PARAMETERS: usize = 1000;

/// A value with parameters: `text/plain; charset=utf-8`.
pub(super) struct Parameters {
    /// The value, in lower case.
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Parameters {
    fn parse(field: &str) -> Self {
        let mut pieces = split_outside_quotes(field).into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameters = pieces
            .filter_map(|piece| {
                let (name, value) = piece.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
            })
            .collect();
        Self { value, parameters }
    }

    /// A parameter's value: continued, with a character set, or with encoded words, which senders use all the same.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let find =
            |name: &str| self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some(value) = find(name) {
            return Some(unencoded(value));
        }
        if let Some(value) = find(&format!("{name}*")) {
            return Some(extended(value));
        }
        let mut joined = String::new();
        let mut has_charset = false;
        for at in 0..100 {
            if let Some(value) = find(&format!("{name}*{at}*")) {
                has_charset = true;
                joined.push_str(value);
            } else if let Some(value) = find(&format!("{name}*{at}")) {
                joined.push_str(value);
            } else {
                break;
            }
        }
        (!joined.is_empty()).then(|| if has_charset { extended(&joined) } else { joined })
    }
}

fn split_outside_quotes(field: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for character in field.chars() {
        is_quoted ^= character == '"' && !is_escaped;
        if character == ';' && !is_quoted && pieces.len() < MOST_PARAMETERS {
            pieces.push(String::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    pieces
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    text
}

/// `utf-8'en'caf%C3%A9`.
fn extended(value: &str) -> String {
    let mut pieces = value.splitn(3, '\'');
    let (charset, encoded) = match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(charset), Some(_), Some(encoded)) => (charset, encoded),
        _ => ("utf-8", value),
    };
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| hex_pair(after)).flatten();
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    in_charset(&bytes, charset)
}

/// Bytes in a character set by its label; by its validity where the label is unknown.
pub(super) fn in_charset(bytes: &[u8], label: &str) -> String {
    match Encoding::for_label(label.trim().as_bytes()) {
        Some(encoding) => encoding.decode(bytes).0.into_owned(),
        None => decode::whole(bytes),
    }
}

/// Undoes encoded words: `=?utf-8?Q?caf=C3=A9?=`. Spaces between two of them stand for nothing.
pub(super) fn unencoded(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    let mut is_after_word = false;
    let mut failed = 0;
    while let Some(at) = rest.find("=?").filter(|_| failed < MOST_FAILED) {
        let before = rest.get(..at).unwrap_or_default();
        let from = rest.get(at..).unwrap_or_default();
        match encoded_word(from) {
            Some((word, length)) => {
                if !(is_after_word && before.trim().is_empty()) {
                    text.push_str(before);
                }
                text.push_str(&word);
                rest = from.get(length..).unwrap_or_default();
                is_after_word = true;
            }
            None => {
                text.push_str(before);
                text.push_str("=?");
                rest = from.get(2..).unwrap_or_default();
                is_after_word = false;
                failed += 1;
            }
        }
    }
    text.push_str(rest);
    text
}

/// The text of the encoded word at the start, and its length.
fn encoded_word(from: &str) -> Option<(String, usize)> {
    // Encoded words have 75 characters; senders who ignore that stay within lines all the same.
    const LONGEST: usize = 2048;
    let from = from.get(..from.floor_char_boundary(LONGEST))?;
    let mut pieces = from.get(2..)?.splitn(3, '?');
    let (charset, encoding, rest) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let end = rest.find("?=")?;
    let encoded = rest.get(..end)?;
    let charset_label = charset.split('*').next().unwrap_or(charset);
    let bytes = match encoding {
        "B" | "b" => base64(encoded.as_bytes()),
        "Q" | "q" => quoted_printable(encoded.as_bytes(), true),
        _ => return None,
    };
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + end + 2;
    Some((in_charset(&bytes, charset_label), length))
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(..2)?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Undoes quoted-printable; what breaks its rules stands for itself.
fn quoted_printable(bytes: &[u8], is_word: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'_' if is_word => out.push(b' '),
            b'=' => {
                let soft = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"));
                if let Some(next) = soft {
                    rest = next;
                } else if let Some(byte) = hex_pair(after) {
                    out.push(byte);
                    rest = after.get(2..).unwrap_or_default();
                } else {
                    out.push(b'=');
                }
            }
            other => out.push(*other),
        }
    }
    out
}

/// Undoes base64 as mails have it: with line ends, strays, and padding or none, also in the middle.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, config);
    let mut out = Vec::new();
    for piece in bytes.split(|byte| *byte == b'=') {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let mut digits: Vec<u8> = piece.iter().copied().filter(is_digit).collect();
        // A single digit is less than a byte.
        if digits.len() % 4 == 1 {
            digits.pop();
        }
        out.extend(engine.decode(&digits).unwrap_or_default());
    }
    out
}
