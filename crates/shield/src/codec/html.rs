//! Places in HTML that are not shown: comments, hidden elements, attributes, scripts and styles.

use std::ops::Range;

use super::markdown::{between, is_said, simple};
use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::ViewBuilder;

const BASE: Codec = Codec {
    name: "html-comment",
    about: "A comment of HTML",
    carries: "one line of printable ASCII without quotes, brackets, backslashes and angle brackets, no space at either end",
    loss: Loss::None,
    encode: |text| Some(format!("<!-- {text} -->")),
    decode: |text| between(text, "<!-- ", " -->"),
    returns: |text| simple(text).filter(|text| !text.contains("--")),
};
pub(super) static COMMENT: Codec = BASE;
pub(super) static HIDDEN: Codec = Codec {
    name: "html-hidden",
    about: "An element of HTML that is not displayed",
    encode: |text| Some(format!("<div style=\"display:none\">{text}</div>")),
    decode: |text| between(text, "<div style=\"display:none\">", "</div>"),
    ..BASE
};
pub(super) static TINY: Codec = Codec {
    name: "html-font-size",
    about: "An element of HTML in letters of no size",
    encode: |text| Some(format!("<span style=\"font-size:0\">{text}</span>")),
    decode: |text| between(text, "<span style=\"font-size:0\">", "</span>"),
    ..BASE
};
pub(super) static WHITE: Codec = Codec {
    name: "html-white",
    about: "An element of HTML in white on white",
    encode: |text| Some(format!("<p style=\"color:#ffffff;background:#ffffff\">{text}</p>")),
    decode: |text| between(text, "<p style=\"color:#ffffff;background:#ffffff\">", "</p>"),
    ..BASE
};
pub(super) static ATTRIBUTE: Codec = Codec {
    name: "html-attribute",
    about: "An attribute of HTML that holds a text for other readers",
    encode: |text| Some(format!("<img src=\"a.png\" alt=\"{text}\">")),
    decode: |text| between(text, "<img src=\"a.png\" alt=\"", "\">"),
    ..BASE
};
pub(super) static SCRIPT: Codec = Codec {
    name: "html-script",
    about: "A script in HTML",
    encode: |text| Some(format!("<script>{text}</script>")),
    decode: |text| between(text, "<script>", "</script>"),
    ..BASE
};
pub(super) static STYLE: Codec = Codec {
    name: "html-style",
    about: "A style sheet in HTML",
    encode: |text| Some(format!("<style>{text}</style>")),
    decode: |text| between(text, "<style>", "</style>"),
    ..BASE
};

/// The longest tag that is read, in bytes.
const LONGEST: usize = 4096;

/// A hidden element that was not closed yet.
struct Open<'a> {
    name: &'a str,
    /// Where its content starts.
    start: usize,
    /// How many elements of the same name within it are open, itself included.
    depth: usize,
    codec: &'static Codec,
}

/// Finds what a page does not show. The text is gone over once.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let text = scan.text;
    let mut open: Option<Open<'_>> = None;
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + offset;
        let rest = text.get(start..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->").unwrap_or(comment.len());
            push(scan, &COMMENT, start + 4..start + 4 + end, found);
            at = start + 4 + end;
            continue;
        }
        let tag = match Tag::read(rest) {
            Ok(tag) => tag,
            Err(skipped) => {
                at = start + skipped;
                continue;
            }
        };
        at = start + tag.length;
        if let Some(element) = open.as_mut().filter(|element| element.name.eq_ignore_ascii_case(tag.name)) {
            element.depth = if tag.closes { element.depth - 1 } else { element.depth + 1 };
            if element.depth == 0 {
                push(scan, element.codec, element.start..start, found);
                open = None;
            }
            continue;
        }
        if tag.closes {
            continue;
        }
        attributes(scan, start, &tag, found);
        if let Some(codec) = raw_text(tag.name) {
            at = raw_end(text, at, tag.name);
            push(scan, codec, start + tag.length..at, found);
        } else if open.is_none()
            && let Some(codec) = hides(&tag)
        {
            open = Some(Open { name: tag.name, start: at, depth: 1, codec });
        }
    }
    if let Some(element) = open {
        push(scan, element.codec, element.start..text.len(), found);
    }
}

/// The element whose content is no HTML.
fn raw_text(name: &str) -> Option<&'static Codec> {
    if name.eq_ignore_ascii_case("script") {
        return Some(&SCRIPT);
    }
    name.eq_ignore_ascii_case("style").then_some(&STYLE)
}

/// Where the content of a script or style that starts at `from` ends.
fn raw_end(text: &str, from: usize, name: &str) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let closes = |(place, _): &(usize, &str)| {
        rest.get(place + 2..place + 2 + name.len()).is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    rest.match_indices("</").find(closes).map_or(text.len(), |(place, _)| from + place)
}

struct Tag<'a> {
    name: &'a str,
    closes: bool,
    /// With both brackets.
    length: usize,
    /// Names and values, and where the values start.
    attributes: Vec<(&'a str, &'a str, usize)>,
}

/// A tag goes on past what is read of it.
struct Unended;

impl<'a> Tag<'a> {
    /// The tag at the start of `text`; where it is none, how many bytes to go on after: all that was looked at if it has no
    /// end, so that none is looked at often.
    fn read(text: &'a str) -> Result<Self, usize> {
        let window = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
        match Self::read_within(window) {
            Ok(Some(tag)) => Ok(tag),
            Ok(None) => Err(1),
            Err(Unended) => Err(window.len().max(1)),
        }
    }

    /// `None` where it is no tag.
    fn read_within(window: &'a str) -> Result<Option<Self>, Unended> {
        let closes = window.starts_with("</");
        let from = if closes { 2 } else { 1 };
        let body = window.get(from..).unwrap_or_default();
        let name_length = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(body.len());
        let name = body.get(..name_length).unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(None);
        }
        let mut tag = Self { name, closes, length: window.len(), attributes: Vec::new() };
        let mut at = from + name_length;
        loop {
            let rest = window.get(at..).unwrap_or_default();
            at += rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/').len();
            match window.as_bytes().get(at).ok_or(Unended)? {
                b'>' => break,
                b'<' => return Ok(None),
                _ => at = tag.attribute(window, at).ok_or(Unended)?,
            }
        }
        tag.length = at + 1;
        Ok(Some(tag))
    }

    /// Reads the attribute at `at`; gives where it ends, `None` where the window ends before.
    fn attribute(&mut self, window: &'a str, at: usize) -> Option<usize> {
        let rest = window.get(at..)?;
        let length = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '<' | '/'))?;
        let name = rest.get(..length)?;
        let after = rest.get(length..)?;
        let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
            self.attributes.push((name, "", at));
            return Some(at + length.max(1));
        };
        let start = window.len() - value.len();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (from, end, next) = match quote {
            Some(quote) => {
                let end = start + 1 + value.get(1..)?.find(quote)?;
                (start + 1, end, end + 1)
            }
            None => {
                let end = start + value.find(|c: char| c.is_ascii_whitespace() || c == '>')?;
                (start, end, end)
            }
        };
        self.attributes.push((name, window.get(from..end)?, from));
        Some(next.max(at + 1))
    }

    fn attribute_named(&self, name: &str) -> Option<&'a str> {
        self.attributes
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name))
            .map(|(_, value, _)| *value)
    }
}

/// Attributes that hold texts which a page does not show at once.
const TEXTS: &[&str] = &[
    "alt",
    "title",
    "aria-label",
    "aria-description",
    "placeholder",
    "content",
    "summary",
    "value",
    "label",
];

fn attributes(scan: &Scan<'_>, start: usize, tag: &Tag<'_>, found: &mut Vec<Found>) {
    for (name, value, place) in &tag.attributes {
        let holds_text =
            TEXTS.iter().any(|known| known.eq_ignore_ascii_case(name)) || name.starts_with("data-");
        if holds_text && is_said(value) {
            push(scan, &ATTRIBUTE, start + place..start + place + value.len(), found);
        }
    }
}

/// What hides the content of an element, if something does.
fn hides(tag: &Tag<'_>) -> Option<&'static Codec> {
    if ["br", "img", "hr", "input", "meta", "link"].iter().any(|name| name.eq_ignore_ascii_case(tag.name)) {
        return None;
    }
    let aria = tag.attribute_named("aria-hidden").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let invisible = ["template", "noscript"].iter().any(|name| name.eq_ignore_ascii_case(tag.name));
    if tag.attribute_named("hidden").is_some() || aria || invisible {
        return Some(&HIDDEN);
    }
    let style: String = tag.attribute_named("style")?.chars().filter(|c| !c.is_whitespace()).collect();
    hides_by_style(&style.to_ascii_lowercase())
}

fn hides_by_style(style: &str) -> Option<&'static Codec> {
    let mut colour = None;
    let mut background = None;
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let value = value.trim_end_matches("!important");
        match property {
            "display" if value == "none" => return Some(&HIDDEN),
            "visibility" if matches!(value, "hidden" | "collapse") => return Some(&HIDDEN),
            "opacity" if number(value).is_some_and(|opacity| opacity < 0.1) => return Some(&HIDDEN),
            "font-size" if number(value).is_some_and(|size| size <= 1.0) && !value.ends_with("em") => {
                return Some(&TINY);
            }
            "font-size" if number(value).is_some_and(|size| size < 0.1) => return Some(&TINY),
            "height" | "width" | "max-height" | "max-width" if number(value) == Some(0.0) => {
                return Some(&HIDDEN);
            }
            "left" | "top" | "text-indent" | "margin-left"
                if number(value).is_some_and(|place| place <= -900.0) =>
            {
                return Some(&HIDDEN);
            }
            "clip" | "clip-path"
                if value.contains("rect(0")
                    || value.contains("inset(100%")
                    || value.contains("inset(50%") =>
            {
                return Some(&HIDDEN);
            }
            "color" => colour = Some(value),
            "background" | "background-color" => background = Some(value),
            _ => {}
        }
    }
    let transparent =
        |value: &str| value == "transparent" || (value.starts_with("rgba(") && value.ends_with(",0)"));
    match (colour?, background) {
        (colour, _) if transparent(colour) => Some(&WHITE),
        (colour, Some(background)) => (shade(colour) == shade(background)).then_some(&WHITE),
        // Pages are white where nothing is said.
        (colour, None) => (shade(colour) == "white").then_some(&WHITE),
    }
}

fn shade(colour: &str) -> &str {
    match colour {
        "#fff" | "#ffffff" | "#fefefe" | "rgb(255,255,255)" | "rgba(255,255,255,1)" | "snow" => "white",
        "#000" | "#000000" | "rgb(0,0,0)" => "black",
        _ => colour,
    }
}

/// The number that `value` begins with.
fn number(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

fn push(scan: &Scan<'_>, codec: &'static Codec, range: Range<usize>, found: &mut Vec<Found>) {
    let whole = scan.slice(range.clone());
    let text = whole.trim();
    if text.bytes().filter(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80).count() < 3 {
        return;
    }
    let start = range.start + (whole.len() - whole.trim_start().len());
    let mut builder = ViewBuilder::default();
    builder.exact(text, start);
    let view = builder.finish(scan.text.len());
    found.push(Found { codec, view, span: start..start + text.len(), confidence: 0.6 });
}
