//! Rich Text Format, after Microsoft's specification 1.9.1, as far as text goes.

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::input::Input;
use crate::location::Place;
use crate::outcome::{Limit, Reason};
use crate::walk::{Step, Walk};

/// Texts beside the running text that are kept apart.
const MOST_ASIDE: usize = 1 << 16;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let bytes = input.bytes(walk)?;
    let mut rtf = Rtf::new(&bytes);
    walk.open(Place::Body, false);
    let mut is_too_deep = false;
    while rtf.step() {
        walk.ask(8)?;
        is_too_deep = rtf.groups.len() > walk.limits.nesting;
        if is_too_deep {
            break;
        }
        if rtf.visible.len() >= walk.limits.chunk_len() {
            walk.feed(&std::mem::take(&mut rtf.visible), None)?;
        }
    }
    rtf.flush();
    if !rtf.visible.trim().is_empty() {
        walk.feed(&rtf.visible, None)?;
    }
    if !rtf.hidden.trim().is_empty() {
        walk.hidden(Place::Body, &rtf.hidden)?;
    }
    for (place, text) in rtf.aside {
        if !text.trim().is_empty() {
            walk.text(place, &text)?;
        }
    }
    if rtf.pictures > 0 {
        walk.skip(Place::section("pictures"), Reason::NoText("image"), Some(rtf.pictures));
    }
    if rtf.objects > 0 {
        walk.skip(
            Place::section("objects"),
            Reason::Unsupported("embedded object in RTF"),
            Some(rtf.objects),
        );
    }
    if is_too_deep {
        let left = bytes.len().saturating_sub(rtf.at) as u64;
        walk.skip(Place::Body, Reason::TooLarge(Limit::Nesting), Some(left));
    }
    Ok(())
}

/// Where the text of a group goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Visible,
    Hidden,
    /// A text of its own, beside the others.
    Aside(usize),
    Fonts,
    Picture,
    Object,
    /// Tables of styles and the like.
    Nothing,
}

#[derive(Clone)]
struct Group {
    target: Target,
    is_hidden: bool,
    /// How many bytes stand for a `\u` where it is not understood.
    fallback: usize,
    encoding: &'static Encoding,
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    groups: Vec<Group>,
    group: Group,
    fonts: HashMap<i32, &'static Encoding>,
    /// The font that the table of fonts is at.
    font: i32,
    page: &'static Encoding,
    visible: String,
    hidden: String,
    aside: Vec<(Place, String)>,
    /// The text of the open target's bytes that are not decoded yet.
    pending: Vec<u8>,
    /// Fallback bytes still to be left out.
    skip: usize,
    /// A first half of a pair.
    half: Option<u16>,
    /// Whether the group began with `\*`.
    is_optional: bool,
    pictures: u64,
    objects: u64,
}

impl<'a> Rtf<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let group = Group { target: Target::Visible, is_hidden: false, fallback: 1, encoding: WINDOWS_1252 };
        Self {
            bytes,
            at: 0,
            groups: Vec::new(),
            group,
            fonts: HashMap::new(),
            font: 0,
            page: WINDOWS_1252,
            visible: String::new(),
            hidden: String::new(),
            aside: Vec::new(),
            pending: Vec::new(),
            skip: 0,
            half: None,
            is_optional: false,
            pictures: 0,
            objects: 0,
        }
    }

    /// Takes the next token; false at the end.
    fn step(&mut self) -> bool {
        let Some(byte) = self.bytes.get(self.at).copied() else { return false };
        self.at += 1;
        match byte {
            b'{' => {
                self.flush();
                self.groups.push(self.group.clone());
                self.skip = 0;
            }
            b'}' => {
                self.flush();
                if let Some(group) = self.groups.pop() {
                    self.group = group;
                }
                self.skip = 0;
            }
            b'\\' => self.control(),
            b'\r' | b'\n' => {}
            byte => self.byte(byte),
        }
        true
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        match self.group.target {
            Target::Picture => self.pictures += 1,
            Target::Object => self.objects += 1,
            Target::Nothing | Target::Fonts => {}
            _ => self.pending.push(byte),
        }
    }

    fn control(&mut self) {
        let Some(byte) = self.bytes.get(self.at).copied() else { return };
        if byte.is_ascii_alphabetic() {
            return self.word();
        }
        self.at += 1;
        match byte {
            b'\'' => {
                let digits =
                    self.bytes.get(self.at..self.at + 2).and_then(|digits| std::str::from_utf8(digits).ok());
                if let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    self.at += 2;
                    self.byte(value);
                }
            }
            b'*' => self.is_optional = true,
            b'~' => self.push("\u{a0}"),
            b'_' => self.push("-"),
            b'\r' | b'\n' => self.push("\n"),
            b'\\' | b'{' | b'}' => self.byte(byte),
            _ => {}
        }
    }

    fn word(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = String::from_utf8_lossy(rest.get(..letters).unwrap_or_default()).into_owned();
        let after = rest.get(letters..).unwrap_or_default();
        let digits = after
            .iter()
            .enumerate()
            .take(11)
            .take_while(|(at, byte)| byte.is_ascii_digit() || (*at == 0 && **byte == b'-'))
            .count();
        let number = std::str::from_utf8(after.get(..digits).unwrap_or_default()).ok();
        let number = number.and_then(|number| number.parse::<i32>().ok());
        self.at += letters + digits + usize::from(after.get(digits) == Some(&b' '));
        self.apply(&word, number);
        self.is_optional = false;
    }

    fn apply(&mut self, word: &str, number: Option<i32>) {
        if self.destination(word) {
            return;
        }
        match word {
            "par" | "line" | "sect" | "page" | "row" | "column" => self.push("\n"),
            "tab" | "cell" | "nestcell" => self.push("\t"),
            "emdash" => self.push("\u{2014}"),
            "endash" => self.push("\u{2013}"),
            "bullet" => self.push("\u{2022}"),
            "lquote" | "rquote" => self.push("'"),
            "ldblquote" | "rdblquote" => self.push("\""),
            "emspace" | "enspace" => self.push(" "),
            "uc" => self.group.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "u" => self.unicode(number.unwrap_or(0)),
            "bin" => {
                let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                self.at = self.at.saturating_add(length).min(self.bytes.len());
                self.pictures += length as u64;
            }
            "v" => {
                self.flush();
                self.group.is_hidden = number != Some(0);
            }
            "plain" => {
                self.flush();
                self.group.is_hidden = false;
                self.group.encoding = self.page;
            }
            "ansicpg" => {
                self.page = page(number.unwrap_or(1252)).unwrap_or(WINDOWS_1252);
                self.group.encoding = self.page;
            }
            "f" if self.group.target == Target::Fonts => self.font = number.unwrap_or(0),
            "fcharset" => {
                if let Some(encoding) = charset(number.unwrap_or(0)) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            "f" => {
                self.flush();
                self.group.encoding = self.fonts.get(&number.unwrap_or(0)).copied().unwrap_or(self.page);
            }
            // A group that a reader need not know, and this one does not.
            _ if self.is_optional => self.group.target = Target::Nothing,
            _ => {}
        }
    }

    /// Whether the word says where the group's text goes.
    fn destination(&mut self, word: &str) -> bool {
        let target = match word {
            "fonttbl" => Target::Fonts,
            "pict" => Target::Picture,
            "objdata" => Target::Object,
            "colortbl" | "stylesheet" | "themedata" | "colorschememapping" | "datastore" | "listtable"
            | "listoverridetable" | "rsidtbl" | "generator" | "latentstyles" | "xmlnstbl" | "filetbl"
            | "revtbl" | "blipuid" | "panose" | "pgptbl" | "mmathPr" | "private" => Target::Nothing,
            "fldinst" | "deleted" => Target::Hidden,
            "title" | "subject" | "author" | "manager" | "company" | "operator" | "category" | "keywords"
            | "comment" | "doccomm" | "hlinkbase" | "propname" | "staticval" => {
                self.beside(Place::field(word))
            }
            "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf"
            | "footnote" | "annotation" | "atnauthor" | "atnid" | "shptxt" => {
                self.beside(Place::section(word))
            }
            "docvar" | "userprops" | "info" | "shpinst" | "shp" | "field" | "fldrslt" | "object"
            | "result" | "listtext" | "pntext" | "bkmkstart" | "bkmkend" => {
                self.is_optional = false;
                return true;
            }
            _ => return false,
        };
        // A text within a group that goes nowhere stays there.
        if self.group.target != Target::Nothing {
            self.flush();
            self.group.target = target;
        }
        true
    }

    fn beside(&mut self, place: Place) -> Target {
        // A text for each of a million groups would cost more than the file; late ones share the last.
        if self.aside.len() < MOST_ASIDE {
            self.aside.push((place, String::new()));
        }
        Target::Aside(self.aside.len() - 1)
    }

    fn unicode(&mut self, number: i32) {
        // Values beyond 32,767 are written as negative ones.
        let unit = u16::try_from(number.rem_euclid(65_536)).unwrap_or(0);
        let units = [self.half.take(), Some(unit)];
        self.skip = self.group.fallback;
        if (0xD800..0xDC00).contains(&unit) {
            self.half = Some(unit);
            return;
        }
        let text: String = char::decode_utf16(units.into_iter().flatten())
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        self.flush();
        self.write(text);
    }

    /// Decodes the bytes that wait.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let (text, _) = self.group.encoding.decode_without_bom_handling(&bytes);
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        match self.group.target {
            Target::Visible if !self.group.is_hidden => self.visible.push_str(text),
            Target::Visible | Target::Hidden => self.hidden.push_str(text),
            Target::Aside(index) => {
                if let Some((_, aside)) = self.aside.get_mut(index) {
                    aside.push_str(text);
                }
            }
            Target::Fonts | Target::Picture | Target::Object | Target::Nothing => {}
        }
    }
}

/// The encoding of a Windows code page.
fn page(number: i32) -> Option<&'static Encoding> {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        874 | 1250..=1258 => format!("windows-{number}"),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// The encoding of a font's character set.
fn charset(number: i32) -> Option<&'static Encoding> {
    let number = match number {
        0 => 1252,
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    page(number)
}
