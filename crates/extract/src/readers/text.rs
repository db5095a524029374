//! Plain text, streamed.

use std::io::Read;

use encoding_rs::Encoding;

use crate::decode::{self, Charset, TextReader};
use crate::input::Input;
use crate::location::Place;
use crate::outcome::Oddity;
use crate::walk::{Step, Walk};

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut reader = open(input);
    stream(&mut reader, Place::Body, walk)
}

/// The input as text in whatever encoding its start shows.
pub(super) fn open(input: Input<'_>) -> TextReader<Box<dyn Read + '_>> {
    let is_whole = input.is_whole();
    let detected = decode::detect(input.head(), is_whole).unwrap_or(decode::PLAIN);
    TextReader::new(input.reader(), detected)
}

/// Gives all text that is left as one part.
pub(super) fn stream<R: Read>(reader: &mut TextReader<R>, place: Place, walk: &mut Walk<'_>) -> Step {
    walk.open(place, false);
    while let Some((chunk, origin)) = reader.next_chunk()? {
        walk.feed(chunk, Some(origin))?;
    }
    note_encoding(reader, walk);
    Ok(())
}

/// Gives the rest as plain text, because it is not what it began as.
pub(super) fn stream_rest<R: Read>(reader: &mut TextReader<R>, walk: &mut Walk<'_>) -> Step {
    if !reader.rest()?.is_empty() {
        walk.note(Oddity::ReadAsText { byte: reader.byte() });
    }
    stream(reader, Place::Body, walk)
}

/// Writes down what was odd about the encoding.
pub(super) fn note_encoding<R: Read>(reader: &TextReader<R>, walk: &mut Walk<'_>) {
    if let Some(encoding) = reader.guessed() {
        walk.note(Oddity::GuessedEncoding { encoding });
    }
    if let Some(encoding) = reader.invalid() {
        walk.note(Oddity::InvalidText { encoding });
    }
}

/// The whole input as text, for formats that need it whole; one that is too large is given as plain text instead, and
/// comes back as none.
pub(super) fn whole(input: Input<'_>, walk: &mut Walk<'_>) -> Step<Option<String>> {
    let bytes = match input.bytes_or_self(walk.limits.memory)? {
        Ok(bytes) => bytes,
        Err(too_large) => {
            let mut reader = open(too_large);
            stream_rest(&mut reader, walk)?;
            return Ok(None);
        }
    };
    let mut detected = decode::detect(&bytes, true).unwrap_or(decode::PLAIN);
    // What a page or a document says of itself beats a guess, but not a mark and not valid UTF-8.
    if matches!(detected.charset, Charset::Legacy(_))
        && let Some(encoding) = declared(&bytes)
    {
        detected.charset = Charset::Declared(encoding);
    }
    if let (Ok(text), 0) = (String::from_utf8(bytes.clone()), detected.mark) {
        return Ok(Some(text));
    }
    let mut reader = TextReader::new(bytes.as_slice(), detected);
    let mut text = String::new();
    while let Some((chunk, _)) = reader.next_chunk()? {
        text.push_str(chunk);
    }
    note_encoding(&reader, walk);
    Ok(Some(text))
}

/// The encoding that XML or HTML declares at its start.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    const LOOKED_AT: usize = 2048;
    let start = String::from_utf8_lossy(bytes.get(..LOOKED_AT).unwrap_or(bytes)).to_ascii_lowercase();
    let label =
        ["encoding=", "charset="].iter().find_map(|key| start.split_once(key)).map(|(_, after)| after)?;
    let label = label.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|character: char| !character.is_ascii_alphanumeric() && !"-_:.".contains(character));
    Encoding::for_label(label.get(..end.unwrap_or(label.len()))?.as_bytes())
}
