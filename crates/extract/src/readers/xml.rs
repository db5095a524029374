//! XML: a pull reader over a text at hand, shared by all formats that are XML within, and the plain format itself.
//!
//! Entities that a document declares are not expanded: a reference stays as it is written, and the declarations are
//! given with the document type.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::text;
use crate::input::Input;
use crate::location::Place;
use crate::outcome::{Limit, Oddity, Reason};
use crate::walk::{Fault, Step, Walk};

/// The longest path that is written out.
const LONGEST_PATH: usize = 1024;

/// An event of a document, without what no reader of ours needs.
pub(super) enum Xml<'a> {
    /// A start tag, or an empty element, which is followed by its [`Xml::End`].
    Start(BytesStart<'a>),
    /// The end of an element, with its local name.
    End(String),
    /// Character data, with references resolved; an element can have several in a row.
    Text(Cow<'a, str>),
    /// A comment, a processing instruction, a document type.
    Comment(Cow<'a, str>),
}

/// Reads a document event by event within the limit of nesting.
pub(super) struct XmlReader<'a> {
    reader: Reader<&'a [u8]>,
    /// The end of an empty element that is still to come.
    pending_end: Option<String>,
    depth: usize,
    most: usize,
}

impl<'a> XmlReader<'a> {
    pub(super) fn new(text: &'a str, walk: &Walk<'_>) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self { reader, pending_end: None, depth: 0, most: walk.limits.nesting }
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    ///
    /// Where the text breaks the rules of XML, and where elements are nested too deeply.
    pub(super) fn next(&mut self) -> Step<Option<Xml<'a>>> {
        if let Some(name) = self.pending_end.take() {
            return Ok(Some(Xml::End(name)));
        }
        let event = self.reader.read_event().map_err(Fault::corrupt)?;
        Ok(Some(match event {
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > self.most {
                    return Err(Fault::Failed(Reason::TooLarge(Limit::Nesting)));
                }
                Xml::Start(start)
            }
            Event::Empty(start) => {
                self.pending_end = Some(start.local_name().as_ref().to_owned());
                Xml::Start(start)
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                Xml::End(end.local_name().as_ref().to_owned())
            }
            Event::Text(text) => Xml::Text(text.xml10_content()),
            Event::CData(data) => Xml::Text(data.xml10_content()),
            Event::GeneralRef(reference) => Xml::Text(Cow::Owned(resolved(&reference))),
            Event::Comment(comment) => Xml::Comment(comment.xml10_content()),
            Event::DocType(kind) => Xml::Comment(kind.xml10_content()),
            Event::PI(instruction) => Xml::Comment(Cow::Owned(instruction.to_string())),
            Event::Decl(_) => Xml::Comment(Cow::Borrowed("")),
            Event::Eof => return Ok(None),
        }))
    }

    /// The byte of the text up to which all was read.
    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }
}

/// What a reference stands for; one that the document declares stays as it is written.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    resolve_predefined_entity(reference).map_or_else(|| format!("&{};", &**reference), str::to_owned)
}

/// The attributes of an element: full name and value.
pub(super) fn attributes<'e>(start: &'e BytesStart<'_>) -> impl Iterator<Item = (&'e str, Cow<'e, str>)> {
    let mut attributes = start.attributes();
    attributes.with_checks(false);
    attributes.filter_map(Result::ok).map(|attribute| {
        let value = match attribute.value {
            Cow::Borrowed(raw) => unescape(raw).unwrap_or(Cow::Borrowed(raw)),
            Cow::Owned(raw) => Cow::Owned(unescape(&raw).map(Cow::into_owned).unwrap_or(raw)),
        };
        (attribute.key.0, value)
    })
}

/// The value of the attribute of that local name.
pub(super) fn attribute(start: &BytesStart<'_>, local: &str) -> Option<String> {
    attributes(start).find(|(name, _)| local_name(name) == local).map(|(_, value)| value.into_owned())
}

/// A name without its prefix.
pub(super) fn local_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let Some(document) = text::whole(input, walk)? else { return Ok(()) };
    document_text(&document, walk)
}

/// Gives every text, attribute and comment of a document; from a place on that is no XML, the rest as plain text.
pub(super) fn document_text(document: &str, walk: &mut Walk<'_>) -> Step {
    let mut xml = XmlReader::new(document, walk);
    let mut path = Path::default();
    let mut texts = String::new();
    loop {
        let before = xml.position();
        let event = match xml.next() {
            Ok(event) => event,
            Err(Fault::Failed(_)) => {
                path.give(&mut texts, walk)?;
                return rest_as_text(document, before, walk);
            }
            Err(halt) => return Err(halt),
        };
        walk.ask(16)?;
        match event {
            Some(Xml::Text(text)) => texts.push_str(&text),
            Some(Xml::Start(start)) => {
                path.give(&mut texts, walk)?;
                path.push(start.name().0);
                give_attributes(&start, &path.text, walk)?;
            }
            Some(Xml::End(_)) => {
                path.give(&mut texts, walk)?;
                path.pop();
            }
            Some(Xml::Comment(comment)) if comment.trim().is_empty() => {}
            Some(Xml::Comment(comment)) => {
                path.give(&mut texts, walk)?;
                walk.text(Place::Comment, &comment)?;
            }
            None => return path.give(&mut texts, walk),
        }
    }
}

fn give_attributes(start: &BytesStart<'_>, path: &str, walk: &mut Walk<'_>) -> Step {
    for (name, value) in attributes(start) {
        if !value.trim().is_empty() {
            walk.text(Place::Attribute { path: path.into(), name: name.into() }, &value)?;
        }
    }
    Ok(())
}

/// What follows the last good event, as it is written.
fn rest_as_text(document: &str, from: usize, walk: &mut Walk<'_>) -> Step {
    let rest = document.get(document.floor_char_boundary(from)..).unwrap_or_default();
    walk.note(Oddity::ReadAsText { byte: Some(from as u64) });
    walk.text(Place::Body, rest)
}

/// The names of the elements that are open.
#[derive(Default)]
struct Path {
    text: String,
    /// The lengths of the path before each element.
    lengths: Vec<usize>,
}

impl Path {
    fn push(&mut self, name: &str) {
        self.lengths.push(self.text.len());
        if self.text.len() + name.len() < LONGEST_PATH {
            self.text.push('/');
            self.text.push_str(name);
        }
    }

    fn pop(&mut self) {
        if let Some(length) = self.lengths.pop() {
            self.text.truncate(length);
        }
    }

    /// Gives the text that was collected within the element.
    fn give(&self, texts: &mut String, walk: &mut Walk<'_>) -> Step {
        let text = std::mem::take(texts);
        if text.trim().is_empty() {
            return Ok(());
        }
        walk.text(Place::Element { path: self.text.as_str().into() }, &text)
    }
}
