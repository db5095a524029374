//! Characters that people do not see and models read.
//!
//! Tag characters carry ASCII that no screen shows, bidirectional controls show a text in another order, terminal escapes
//! hide what stands before them, variation selectors carry bytes. [`find`] lists them, [`reveal`] writes them out for
//! people, [`strip`] takes them away.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What a hidden character does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Tag characters (U+E0000 to U+E007F) outside of a flag.
    Tag,
    /// Controls of bidirectional text: embeddings, overrides, isolates.
    Bidi,
    /// Terminal escape sequences (ECMA-48), C1 forms included.
    Escape,
    /// Other control characters but tab, line feed and carriage return.
    Control,
    /// Characters of no width and invisible operators.
    ZeroWidth,
    /// Two or more variation selectors in a row, which no script needs and smuggled bytes do.
    Variation,
}

impl Class {
    /// The classes that no honest definition has; they are taken out of results and refused in definitions.
    pub const DENIED: [Class; 4] = [Class::Tag, Class::Bidi, Class::Escape, Class::Variation];
}

/// A run of hidden characters of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Which bytes of the text.
    pub range: Range<usize>,
    /// What they do.
    pub class: Class,
}

/// Every run of hidden characters, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Hidden> {
    let mut found: Vec<Hidden> = Vec::new();
    if text.is_ascii()
        && !text.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f)
    {
        return found;
    }
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(character) = rest.chars().next() else { break };
        let flag = flag_length(rest);
        if flag > 0 {
            at += flag;
            continue;
        }
        let (class, length) = match escape_length(rest) {
            0 => (class_of(character, rest), character.len_utf8()),
            length => (Some(Class::Escape), length),
        };
        if let Some(class) = class {
            match found.last_mut().filter(|last| last.class == class && last.range.end == at) {
                Some(last) => last.range.end = at + length,
                None => found.push(Hidden { range: at..at + length, class }),
            }
        }
        at += length;
    }
    found.retain(|hidden| hidden.class != Class::Variation || is_run(text, hidden));
    found
}

/// A single selector chooses how an emoji or an ideograph is drawn.
fn is_run(text: &str, hidden: &Hidden) -> bool {
    text.get(hidden.range.clone()).is_some_and(|run| run.chars().count() > 1)
}

fn class_of(character: char, rest: &str) -> Option<Class> {
    Some(match character {
        '\u{e0000}'..='\u{e007f}' => Class::Tag,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Class::Bidi,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Class::Variation,
        // A joiner between other characters shapes emoji and several scripts; before ASCII or at an end it hides.
        '\u{200c}' | '\u{200d}' => {
            let next = rest.chars().nth(1)?;
            return (next.is_ascii() || next == character).then_some(Class::ZeroWidth);
        }
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' => Class::ZeroWidth,
        '\t' | '\n' | '\r' => return None,
        control if control.is_control() => Class::Control,
        _ => return None,
    })
}

/// Length of one of the three flags that are written with tag characters.
fn flag_length(rest: &str) -> usize {
    const REGIONS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];
    if !rest.starts_with('\u{1f3f4}') {
        return 0;
    }
    let tags: String = rest.chars().skip(1).take(6).filter_map(tag_ascii).collect();
    let is_flag = REGIONS.contains(&tags.as_str()) && rest.chars().nth(6) == Some('\u{e007f}');
    if is_flag { rest.chars().take(7).map(char::len_utf8).sum() } else { 0 }
}

fn tag_ascii(character: char) -> Option<char> {
    let code = u32::from(character);
    (0xe0020..0xe007f).contains(&code).then(|| char::from_u32(code - 0xe0000)).flatten()
}

/// Length in bytes of the terminal escape sequence that a text starts with; 0 if there is none.
fn escape_length(rest: &str) -> usize {
    let mut characters = rest.char_indices();
    let introducer = match characters.next() {
        Some((_, '\u{1b}')) => match characters.next() {
            Some((_, '[')) => '[',
            Some((_, ']' | 'P' | 'X' | '^' | '_')) => ']',
            Some((at, '\u{20}'..='\u{7e}')) => return at + 1,
            _ => return 1,
        },
        Some((_, '\u{9b}')) => '[',
        Some((_, '\u{9d}' | '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}')) => ']',
        _ => return 0,
    };
    // One that never ends loses its start alone, so that it takes no text along; nor is it looked for without bound.
    const LONGEST: usize = 4096;
    let start = rest.chars().next().map_or(0, char::len_utf8);
    for (at, character) in characters.take(LONGEST) {
        let end = at + character.len_utf8();
        match (introducer, character) {
            ('[', '\u{40}'..='\u{7e}') | (_, '\u{7}' | '\u{9c}') => return end,
            ('[', '\u{20}'..='\u{3f}') => {}
            // A broken sequence ends where it breaks.
            ('[', _) => return at,
            (_, '\u{1b}') => {
                let ends = rest.get(end..).is_some_and(|rest| rest.starts_with('\\'));
                return if ends { end + 1 } else { at };
            }
            _ => {}
        }
    }
    start
}

/// The text with every hidden character written out, as `<U+200B>`; runs of tag characters as what they say.
#[must_use]
pub fn reveal(text: &str) -> String {
    rewrite(text, &find(text), |run, class| {
        if class == Class::Tag {
            let said: String = run.chars().filter_map(tag_ascii).collect();
            return format!("<TAGS {said:?}>");
        }
        run.chars().map(|character| format!("<U+{:04X}>", u32::from(character))).collect()
    })
}

/// The text without the hidden characters of these classes; `None` when there are none.
#[must_use]
pub fn strip(text: &str, classes: &[Class]) -> Option<String> {
    let found: Vec<Hidden> =
        find(text).into_iter().filter(|hidden| classes.contains(&hidden.class)).collect();
    if found.is_empty() {
        return None;
    }
    let stripped = rewrite(text, &found, |_, _| String::new());
    // Taking a run away may put the two halves of another one together.
    Some(strip(&stripped, classes).unwrap_or(stripped))
}

fn rewrite(text: &str, found: &[Hidden], with: impl Fn(&str, Class) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for hidden in found {
        out.push_str(text.get(at..hidden.range.start).unwrap_or_default());
        out.push_str(&with(text.get(hidden.range.clone()).unwrap_or_default(), hidden.class));
        at = hidden.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
