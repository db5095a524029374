//! Streams: server-sent events (as WHATWG's HTML standard reads them) and lines of JSON, frame by frame.
//!
//! A frame keeps its bytes, so that what is not changed goes out as it came. Texts of frames are passages like those of
//! whole bodies; those that continue one another are one *channel*: what choice 0 says, the arguments of tool call 1.
//!
//! ```
//! use castellan_wire::frame::{Framing, Frames, read};
//! use castellan_wire::Api;
//!
//! let mut frames = Frames::new(Framing::Events);
//! let mut got = frames.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel").unwrap();
//! got.extend(frames.push(b"lo\"}}]}\n\n").unwrap());
//! let read = read(&got[0], Api::Chat).unwrap();
//! assert_eq!(read.reading.passages[0].text, "Hello");
//! assert_eq!(read.deltas[0].channel, "choice 0 content");
//! ```

mod channel;

use std::borrow::Cow;

use crate::json::{Bounds, JsonError, Tree};
use crate::passage::{Reading, passages};
use crate::point::Direction;
use crate::route::Api;
use crate::usage::Usage;

/// Most bytes of one frame: 4 MiB, since the last event of a response repeats all of it.
pub const LARGEST: usize = 4 << 20;
/// What may stand before the first byte of a stream.
const BYTE_ORDER: &[u8] = b"\xef\xbb\xbf";

/// How frames are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON document a line.
    Lines,
}

/// Why a stream cannot be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame does not end.
    #[error("an event of the stream has more than {LARGEST} bytes")]
    TooLarge,
    /// The stream has ended within a frame.
    #[error("the stream ended within an event")]
    Torn,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, with the line ends that close it.
    pub raw: Vec<u8>,
    /// The name of an event.
    pub event: Option<String>,
    /// What it carries: the data of an event, joined by line ends; a line.
    pub data: Vec<u8>,
}

impl Frame {
    /// Whether it carries nothing: comments that keep a connection alive.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The mark at the end of OpenAI's streams.
    pub fn is_done(&self) -> bool {
        self.data == b"[DONE]"
    }

    /// The same frame with other data.
    #[must_use]
    pub fn with_data(&self, data: &[u8], framing: Framing) -> Frame {
        let mut raw = Vec::with_capacity(data.len() + 32);
        match framing {
            Framing::Lines => raw.extend_from_slice(data),
            Framing::Events => {
                // What is no field stays behind: a mark of the byte order could make data of it.
                let is_kept = |line: &&[u8]| matches!(field(line).0, b"" | b"event" | b"id" | b"retry");
                for line in lines(&self.raw).filter(is_kept) {
                    raw.extend_from_slice(line);
                    raw.push(b'\n');
                }
                for line in data.split(|byte| *byte == b'\n') {
                    raw.extend_from_slice(b"data: ");
                    raw.extend_from_slice(line);
                    raw.push(b'\n');
                }
            }
        }
        raw.push(b'\n');
        Frame { raw, event: self.event.clone(), data: data.to_vec() }
    }
}

/// An event as it is written.
pub fn event(name: Option<&str>, data: &str) -> Vec<u8> {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into_bytes()
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub struct Frames {
    framing: Framing,
    buffer: Vec<u8>,
    /// Up to where no end of a frame was found.
    looked: usize,
    is_first: bool,
}

impl Frames {
    /// From the beginning of a stream.
    pub fn new(framing: Framing) -> Frames {
        Frames { framing, buffer: Vec::new(), looked: 0, is_first: true }
    }

    /// Takes bytes, and gives the frames that are complete.
    ///
    /// # Errors
    /// When a frame does not end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
        self.buffer.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(end) = self.end(at) {
            let raw = self.buffer.get(at..end).unwrap_or_default().to_vec();
            frames.push(self.frame(raw));
            at = end;
            self.looked = end;
        }
        self.buffer.drain(..at);
        self.looked = self.buffer.len().saturating_sub(3);
        if self.buffer.len() > LARGEST { Err(FrameError::TooLarge) } else { Ok(frames) }
    }

    /// Bytes of a frame that is not whole yet.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The end of the stream. A last line needs no line end; an event that is not closed is none.
    ///
    /// # Errors
    /// When the stream ends within an event.
    pub fn finish(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = std::mem::take(&mut self.buffer);
        if rest.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        match self.framing {
            Framing::Lines => Ok(Some(self.frame(rest))),
            Framing::Events => Err(FrameError::Torn),
        }
    }

    /// Where the frame that begins here ends.
    fn end(&self, at: usize) -> Option<usize> {
        let from = at.max(self.looked);
        let rest = self.buffer.get(from..)?;
        match self.framing {
            Framing::Lines => memchr::memchr(b'\n', rest).map(|found| from + found + 1),
            Framing::Events => {
                // A blank line: two line ends, each of LF, CR or CRLF. A CR at the end may be half of one.
                let mut place = from;
                while let Some(found) = memchr::memchr2(b'\n', b'\r', self.buffer.get(place..)?) {
                    let first = line_end(&self.buffer, place + found)?;
                    if matches!(self.buffer.get(first), Some(b'\n' | b'\r')) {
                        return line_end(&self.buffer, first);
                    }
                    place = first;
                }
                None
            }
        }
    }

    fn frame(&mut self, raw: Vec<u8>) -> Frame {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.framing == Framing::Lines {
            let data = raw.trim_ascii().to_vec();
            return Frame { raw, event: None, data };
        }
        let mut data: Vec<u8> = Vec::new();
        let (mut event, mut has_data) = (None, false);
        let text = if is_first { raw.strip_prefix(BYTE_ORDER).unwrap_or(&raw) } else { &raw };
        for line in lines(text) {
            match field(line) {
                (b"data", value) => {
                    if has_data {
                        data.push(b'\n');
                    }
                    has_data = true;
                    data.extend_from_slice(value);
                }
                (b"event", value) => event = Some(String::from_utf8_lossy(value).into_owned()),
                _ => {}
            }
        }
        Frame { raw, event, data }
    }
}

/// The byte after a line end; `None` where more has to come to tell.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at) {
        Some(b'\n') => Some(at + 1),
        Some(b'\r') => match bytes.get(at + 1) {
            Some(b'\n') => Some(at + 2),
            Some(_) => Some(at + 1),
            None => None,
        },
        _ => None,
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty())
}

/// A line's field and value.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        Some(colon) => {
            let value = line.get(colon + 1..).unwrap_or_default();
            (line.get(..colon).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

/// A text that continues others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Its place in [`Reading::passages`].
    pub passage: usize,
    /// What it continues.
    pub channel: String,
}

/// What a frame says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameReading {
    /// All texts.
    pub reading: Reading,
    /// Those that continue others. The rest are whole texts of their own.
    pub deltas: Vec<Delta>,
    /// Channels that end here, by the beginning of their names; an empty one ends all.
    pub ends: Vec<String>,
    /// Tokens that were used so far.
    pub usage: Option<Usage>,
    /// What the end of a stream has to say, too.
    pub about: About,
}

/// What a stream says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The answer's id.
    pub id: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// The number of the event, in the Responses API.
    pub sequence: Option<u64>,
    /// A content block that began, in Anthropic's API.
    pub began: Option<u64>,
    /// A content block that ended.
    pub ended: Option<u64>,
    /// Choices that it speaks of.
    pub choices: Vec<u64>,
    /// Why a choice ended.
    pub finish: Option<String>,
}

/// Reads a frame of an API.
///
/// # Errors
/// When its data is no JSON.
pub fn read(frame: &Frame, api: Api) -> Result<FrameReading, JsonError> {
    if frame.is_empty() || frame.is_done() {
        let ends = if frame.is_done() { vec![String::new()] } else { Vec::new() };
        return Ok(FrameReading { ends, ..FrameReading::default() });
    }
    let tree = Tree::read(&frame.data, &Bounds::default())?;
    let reading = passages(&tree, api, Direction::Response);
    let mut deltas = Vec::new();
    for (passage, text) in reading.passages.iter().enumerate() {
        if let Some(channel) = channel::of(&tree, &text.path) {
            deltas.push(Delta { passage, channel });
        }
    }
    let (ends, usage, about) = (channel::ends(&tree), Usage::of(&tree), about(&tree));
    Ok(FrameReading { reading, deltas, ends, usage, about })
}

/// What a whole answer, or an event of a stream, says about itself.
pub fn about(tree: &Tree<'_>) -> About {
    let root = tree.root();
    let inner = root.get("response").or_else(|| root.get("message")).unwrap_or(root);
    let text = |name: &str| {
        let item = inner.get(name).or_else(|| root.get(name));
        item.and_then(|item| item.text()).map(Cow::into_owned)
    };
    let block =
        |kind: &str| root.get("index").filter(|_| root.get("type").is_some_and(|found| found.is(kind)));
    let choices = root.get("choices").into_iter().flat_map(|choices| choices.items());
    let choices: Vec<u64> = choices.filter_map(|choice| choice.get("index")?.integer()).collect();
    About {
        id: text("id"),
        model: text("model"),
        created: inner.get("created").or_else(|| inner.get("created_at")).and_then(|at| at.integer()),
        sequence: root.get("sequence_number").and_then(|number| number.integer()),
        began: block("content_block_start").and_then(|index| index.integer()),
        ended: block("content_block_stop").and_then(|index| index.integer()),
        choices,
        finish: crate::usage::finish(tree),
    }
}

#[cfg(test)]
mod tests;
