//! HTML, tokenised after the WHATWG's standard.
//!
//! The visible text is one part with a line for each block, so that text across inline tags hangs together. Attributes,
//! comments, scripts and hidden text follow as parts of their own.

use html5gum::{StartTag, Token, Tokenizer};

use super::text;
use crate::input::Input;
use crate::location::Place;
use crate::walk::{Step, Walk};

/// Elements that are open at most; a page with more has its hidden text unmarked, not unread.
const MOST_OPEN: usize = 256;

/// Attributes, comments and the like that wait for the end of the visible text.
const MOST_ASIDE: usize = 1 << 14;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let Some(page) = text::whole(input, walk)? else { return Ok(()) };
    page_text(&page, walk)
}

/// Gives the texts of a page.
pub(super) fn page_text(page: &str, walk: &mut Walk<'_>) -> Step {
    let mut emitter = html5gum::DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut state = Page { chunk: walk.limits.chunk_len(), ..Page::default() };
    walk.open(Place::Body, false);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        walk.ask(16)?;
        state.token(token);
        if state.visible.len() >= state.chunk {
            walk.feed(&std::mem::take(&mut state.visible), None)?;
        }
        // A page of attributes alone would cost many times its size; so the visible text is parted between two blocks.
        let is_between = state.visible.is_empty() || state.visible.ends_with('\n');
        if state.aside.len() >= MOST_ASIDE && is_between || state.aside.len() >= MOST_ASIDE * 4 {
            walk.feed(&std::mem::take(&mut state.visible), None)?;
            state.give_aside(walk)?;
            walk.open(Place::Body, false);
        }
    }
    state.end_hidden();
    if !state.visible.trim().is_empty() {
        walk.feed(&state.visible, None)?;
    }
    state.give_aside(walk)
}

#[derive(Default)]
struct Page {
    chunk: usize,
    visible: String,
    /// Hidden text that is being collected.
    hidden: String,
    /// What is given after the visible text.
    aside: Vec<(Place, bool, String)>,
    /// Names of open elements and whether each hides what is in it.
    open: Vec<(Vec<u8>, bool)>,
    /// How many of the open elements hide.
    hiding: usize,
    /// The script or style sheet that is open.
    is_script: bool,
}

const VOID: [&[u8]; 14] = [
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param",
    b"source", b"track", b"wbr",
];

const BLOCKS: [&[u8]; 38] = [
    b"address",
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"br",
    b"caption",
    b"center",
    b"dd",
    b"details",
    b"dialog",
    b"div",
    b"dl",
    b"dt",
    b"fieldset",
    b"figcaption",
    b"figure",
    b"footer",
    b"form",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hr",
    b"li",
    b"main",
    b"nav",
    b"ol",
    b"option",
    b"p",
    b"pre",
    b"section",
    b"title",
    b"tr",
    b"ul",
];

/// Elements whose end tag may be left out: the next of the kind ends them.
const IMPLIED: [&[u8]; 9] = [b"p", b"li", b"dt", b"dd", b"tr", b"td", b"th", b"option", b"optgroup"];

/// Attributes whose values a person may have written, or that lead somewhere.
const STRUCTURAL: [&str; 14] = [
    "class",
    "style",
    "width",
    "height",
    "colspan",
    "rowspan",
    "align",
    "valign",
    "border",
    "cellpadding",
    "cellspacing",
    "bgcolor",
    "rel",
    "dir",
];

impl Page {
    fn token(&mut self, token: Token) {
        match token {
            Token::StartTag(tag) => self.start(&tag),
            Token::EndTag(tag) => self.end(&tag.name),
            Token::String(text) => self.text(&String::from_utf8_lossy(&text.value)),
            Token::Comment(comment) => self.set_aside(Place::Comment, true, &comment.value),
            Token::Doctype(_) | Token::Error(_) => {}
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = tag.name.as_slice();
        self.break_line(name);
        self.attributes(tag);
        if IMPLIED.contains(&name) && self.open.last().is_some_and(|(open, _)| open == name) {
            self.pop();
        }
        let is_void = VOID.contains(&name) || tag.self_closing;
        if is_void || self.open.len() >= MOST_OPEN {
            return;
        }
        self.is_script = matches!(name, b"script" | b"style");
        let hides = hides(tag);
        if hides && self.hiding == 0 {
            self.hidden.clear();
        }
        self.hiding += usize::from(hides);
        self.open.push((name.to_vec(), hides));
    }

    fn end(&mut self, name: &[u8]) {
        self.break_line(name);
        self.is_script = false;
        let Some(at) = self.open.iter().rposition(|(open, _)| open == name) else { return };
        while self.open.len() > at {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some((_, hides)) = self.open.pop() else { return };
        self.hiding -= usize::from(hides);
        if hides && self.hiding == 0 {
            self.end_hidden();
        }
    }

    fn end_hidden(&mut self) {
        let hidden = std::mem::take(&mut self.hidden);
        self.set_aside(Place::Body, true, hidden.as_bytes());
    }

    fn text(&mut self, text: &str) {
        if self.is_script {
            self.set_aside(Place::Script, true, text.as_bytes());
        } else if self.hiding > 0 {
            self.hidden.push_str(text);
        } else {
            push_collapsed(&mut self.visible, text);
        }
    }

    fn give_aside(&mut self, walk: &mut Walk<'_>) -> Step {
        for (place, is_hidden, text) in self.aside.drain(..) {
            if is_hidden { walk.hidden(place, &text)? } else { walk.text(place, &text)? }
        }
        Ok(())
    }

    fn break_line(&mut self, name: &[u8]) {
        let text = if self.hiding > 0 { &mut self.hidden } else { &mut self.visible };
        if BLOCKS.contains(&name) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        } else if matches!(name, b"td" | b"th") && !text.is_empty() && !text.ends_with(['\n', '\t']) {
            text.push('\t');
        }
    }

    fn attributes(&mut self, tag: &StartTag<()>) {
        for (name, value) in &tag.attributes {
            let name = String::from_utf8_lossy(name);
            let is_plain_style = name != "style" || !value.value.windows(4).any(|four| four == b"url(");
            if STRUCTURAL.contains(&&*name) && is_plain_style {
                continue;
            }
            let path = String::from_utf8_lossy(&tag.name).as_ref().into();
            self.set_aside(Place::Attribute { path, name: name.as_ref().into() }, false, &value.value);
        }
    }

    fn set_aside(&mut self, place: Place, is_hidden: bool, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        if text.trim().is_empty() {
            return;
        }
        // A script can come in several tokens.
        match self.aside.last_mut() {
            Some((Place::Script, _, script)) if place == Place::Script => script.push_str(&text),
            _ => self.aside.push((place, is_hidden, text.into_owned())),
        }
    }
}

/// Adds text with each run of white space as one space, as a browser shows it.
fn push_collapsed(visible: &mut String, text: &str) {
    for character in text.chars() {
        let is_space = matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        if !is_space {
            visible.push(character);
        } else if !visible.is_empty() && !visible.ends_with([' ', '\n', '\t']) {
            visible.push(' ');
        }
    }
}

/// Whether an element hides what is in it from a reader.
fn hides(tag: &StartTag<()>) -> bool {
    if matches!(tag.name.as_slice(), b"template" | b"noscript") {
        return true;
    }
    let value = |name: &[u8]| {
        tag.attributes.get(name).map(|value| String::from_utf8_lossy(&value.value).to_lowercase())
    };
    if value(b"hidden").is_some() || value(b"aria-hidden").as_deref() == Some("true") {
        return true;
    }
    let style: String = value(b"style").unwrap_or_default().split_whitespace().collect();
    const HIDING: [&str; 5] =
        ["display:none", "visibility:hidden", "font-size:0", "opacity:0;", "mso-hide:all"];
    HIDING.iter().any(|rule| style.contains(rule)) || style.ends_with("opacity:0")
}
