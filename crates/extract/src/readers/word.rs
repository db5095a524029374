//! Running text of Office Open XML: paragraphs of runs, in documents, slides, notes and drawings.
//!
//! WordprocessingML and DrawingML share the local names that matter. Hidden runs, deleted passages and field codes are
//! given as hidden text after the visible.

use std::borrow::Cow;

use quick_xml::events::BytesStart;

use super::xml::{Xml, XmlReader, attribute, attributes, local_name};
use crate::location::Place;
use crate::walk::{Step, Walk};

/// Attributes that people write.
const WRITTEN: [&str; 9] =
    ["descr", "title", "author", "tooltip", "initials", "alt", "instr", "string", "href"];

/// Attributes that wait for the end of the running text.
const MOST_ATTRIBUTES: usize = 1 << 14;

/// Gives the text of a part.
pub(super) fn flow(text: &str, place: Place, walk: &mut Walk<'_>) -> Step {
    let mut reader = XmlReader::new(text, walk);
    let mut flow = Flow::default();
    walk.open(place.clone(), false);
    let result = loop {
        match reader.next() {
            Ok(Some(event)) => flow.event(event),
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
        walk.ask(16)?;
        if flow.attributes.len() >= MOST_ATTRIBUTES {
            walk.feed(&std::mem::take(&mut flow.visible), None)?;
            for (place, value) in flow.attributes.drain(..) {
                walk.text(place, &value)?;
            }
            walk.open(place.clone(), false);
        }
        if flow.visible.len() >= walk.limits.chunk_len() {
            walk.feed(&std::mem::take(&mut flow.visible), None)?;
        }
    };
    if !flow.visible.trim().is_empty() {
        walk.feed(&flow.visible, None)?;
    }
    if !flow.hidden.trim().is_empty() {
        walk.hidden(place, &flow.hidden)?;
    }
    for (place, value) in flow.attributes {
        walk.text(place, &value)?;
    }
    result
}

#[derive(Default)]
struct Flow {
    visible: String,
    hidden: String,
    attributes: Vec<(Place, String)>,
    open: Vec<Element>,
    /// Whether the run that is open is hidden.
    is_run_hidden: bool,
}

/// What matters of an open element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Text,
    HiddenText,
    /// A tab, a break or an entry of a list of such.
    Other,
}

impl Flow {
    fn event(&mut self, event: Xml<'_>) {
        match event {
            Xml::Start(start) => self.start(&start),
            Xml::End(name) => self.end(&name),
            Xml::Text(text) => self.text(&text),
            Xml::Comment(_) => {}
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        let name = start.local_name();
        let element = match name.as_ref() {
            "t" | "text" => Element::Text,
            "delText" | "instrText" | "delInstrText" => Element::HiddenText,
            _ => Element::Other,
        };
        match name.as_ref() {
            "r" => self.is_run_hidden = false,
            "vanish" | "webHidden" => {
                let value = attribute(start, "val");
                self.is_run_hidden = !matches!(value.as_deref(), Some("0" | "false" | "off"));
            }
            "tab" if attributes(start).next().is_none() => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            _ => {}
        }
        for (key, value) in attributes(start) {
            if WRITTEN.contains(&local_name(key)) && !value.trim().is_empty() {
                let place = Place::Attribute { path: name.as_ref().into(), name: local_name(key).into() };
                self.attributes.push((place, Cow::into_owned(value)));
            }
        }
        self.open.push(element);
    }

    fn end(&mut self, name: &str) {
        self.open.pop();
        match name {
            "p" | "tr" | "si" | "comment" | "text" => {
                end_line(&mut self.visible);
                end_line(&mut self.hidden);
            }
            // Cells of a row stand beside each other.
            "tc" if self.visible.ends_with('\n') => {
                self.visible.pop();
                self.visible.push('\t');
            }
            "r" => self.is_run_hidden = false,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.open.last() {
            Some(Element::Text) => self.push(text),
            Some(Element::HiddenText) => self.hidden.push_str(text),
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        let side = if self.is_run_hidden { &mut self.hidden } else { &mut self.visible };
        side.push_str(text);
    }
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}
