//! The normalised view: what a reader sees, in the plainest characters.

use std::ops::Range;

use super::cluster::{Unit, compose, is_settled};
use super::confusables::{fold, parenthesised_letter};
use super::ignorable::{is_ignorable, is_space};
use super::{View, ViewBuilder};

/// What becomes of white space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhiteSpace {
    /// A run of white space, line breaks too, becomes one space.
    #[default]
    Collapse,
    /// A run with a line break becomes one line feed, any other one space.
    KeepLines,
    /// White space of ASCII stays as it is; any other character of it becomes one line feed or one space.
    Keep,
}

/// What [`normalise_with`] does beyond what it always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether letters become small.
    pub fold_case: bool,
    /// What becomes of white space.
    pub white_space: WhiteSpace,
}

/// `text` in normalisation form KC (Unicode Standard Annex 15), with confusable letters folded to ASCII (after Unicode
/// Technical Standard 39), without accents on Latin and Greek letters, without controls and characters that show
/// nothing, terminal colours left out, and white space runs made one space.
///
/// The Arabic ligature U+FDFA becomes its first letter alone, so that no text grows more than sixfold.
///
/// Letters of another script are folded where the word could be read as Latin: all of its letters are look-alikes, or
/// some are Latin. What tag characters and variation selectors spell is not in here; [`super::decode`] gives it.
///
/// *Invariant (idempotent):* normalising once more changes nothing.
pub fn normalise(text: &str) -> View<'_> {
    normalise_with(text, &Options::default())
}

/// As [`normalise`], with case and white space kept: what models and rules see.
pub fn plain(text: &str) -> View<'_> {
    normalise_with(text, &Options { fold_case: false, white_space: WhiteSpace::Keep })
}

/// As [`normalise`], with options.
pub fn normalise_with<'a>(text: &'a str, options: &Options) -> View<'a> {
    let rest_of_plain = plain_prefix(text.as_bytes(), options);
    if rest_of_plain == text.len() {
        return View::unchanged(text);
    }
    let mut writer = Writer {
        options: *options,
        view: ViewBuilder::with_capacity(text.len()),
        pending: None,
        scratch: Scratch::default(),
    };
    let mut words = Words { text, at: 0 };
    while words.at < text.len() {
        let plain = plain_words(text.as_bytes(), words.at);
        if plain > words.at {
            writer.flush();
            writer.view.exact(text.get(words.at..plain).unwrap_or_default(), words.at);
            words.at = plain;
        }
        let Some((word, is_white)) = words.next_run() else { break };
        writer.run(text, word, is_white);
    }
    writer.flush();
    match options.fold_case {
        // ASCII was copied as it stood; other letters are small already.
        true => writer.view.finish_lower(text.len()),
        false => writer.view.finish(text.len()),
    }
}

const CHUNK: usize = 64;

/// How many bytes at the front stay as they are.
fn plain_prefix(bytes: &[u8], options: &Options) -> usize {
    let odd = |place: usize| is_odd(bytes, place, options);
    let (chunks, _) = bytes.as_chunks::<CHUNK>();
    let plain = chunks.iter().take_while(|chunk| is_plain(chunk, options)).count() * CHUNK;
    // Spaces on either side of a border between two chunks are seen here.
    let borders = (CHUNK - 1..plain).step_by(CHUNK);
    let doubled = borders.into_iter().find(|&place| bytes.get(place) == Some(&b' ') && odd(place));
    let start = doubled.unwrap_or(plain);
    (start..bytes.len()).find(|&place| odd(place)).unwrap_or(bytes.len())
}

/// Whether nothing within `chunk` would be changed. Written without branches in loops, so that the compiler uses vectors.
fn is_plain(chunk: &[u8; CHUNK], options: &Options) -> bool {
    let mut odd = 0_u8;
    // White space but the space itself is from 9 to 13.
    let kept = if options.white_space == WhiteSpace::Keep { 5 } else { 0 };
    for byte in chunk {
        odd |= u8::from(byte.wrapping_sub(0x20) >= 0x5f) & u8::from(byte.wrapping_sub(9) >= kept);
    }
    if options.fold_case {
        for byte in chunk {
            odd |= u8::from(byte.is_ascii_uppercase());
        }
    }
    if options.white_space != WhiteSpace::Keep {
        for (byte, next) in chunk.iter().zip(chunk.iter().skip(1)) {
            odd |= u8::from(*byte == b' ') & u8::from(*next == b' ');
        }
    }
    odd == 0
}

/// Whether the byte at `place` is changed, or is a space that others follow.
fn is_odd(bytes: &[u8], place: usize, options: &Options) -> bool {
    let Some(&byte) = bytes.get(place) else { return true };
    let white = byte.is_ascii_whitespace() || byte == 0xb;
    match options.white_space {
        WhiteSpace::Keep if white => false,
        _ if byte == b' ' => bytes.get(place + 1).is_some_and(|next| !next.is_ascii_graphic()),
        _ => !byte.is_ascii_graphic() || (options.fold_case && byte.is_ascii_uppercase()),
    }
}

/// How far words that stay as they are, small letters aside, reach from `start` on; the white space after them is not of
/// them, and neither is a word that something could be joined to.
fn plain_words(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    if rest.first().is_none_or(u8::is_ascii_whitespace) {
        return start;
    }
    let length = plain_prefix(rest, &Options::default());
    if rest.get(length).is_none_or(u8::is_ascii_whitespace) {
        return start + length;
    }
    start + rest.get(..length).and_then(|plain| plain.iter().rposition(|&byte| byte == b' ')).unwrap_or(0)
}

/// Cuts a text into runs of white space and of all else. Runs of plain words, with single spaces between them, come as one.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn next_run(&mut self) -> Option<(Range<usize>, bool)> {
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        let white = is_space(first);
        let length = match white {
            true => rest.find(|c| !is_space(c)),
            false => rest.find(is_space),
        };
        let start = self.at;
        self.at = length.map_or(self.text.len(), |length| start + length);
        Some((start..self.at, white))
    }
}

#[derive(Default)]
struct Scratch {
    units: Vec<Unit>,
    composed: Vec<Unit>,
}

struct Writer {
    options: Options,
    view: ViewBuilder,
    /// White space that was read and is written once something follows.
    pending: Option<(char, Range<usize>)>,
    scratch: Scratch,
}

impl Writer {
    fn run(&mut self, text: &str, run: Range<usize>, is_white: bool) {
        let part = text.get(run.clone()).unwrap_or_default();
        if is_white {
            return self.white(part, run);
        }
        if part.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.flush();
            return self.view.exact(part, run.start);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.units.clear();
        scratch.composed.clear();
        visible(part, run.start, &mut scratch.units);
        compose(&scratch.units, &mut scratch.composed);
        fold(&mut scratch.composed);
        for unit in &scratch.composed {
            self.unit(text, *unit);
        }
        self.scratch = scratch;
    }

    fn unit(&mut self, text: &str, unit: Unit) {
        let origin = unit.start..unit.end;
        let stays =
            unit.character.is_ascii_graphic() || (!self.options.fold_case && is_settled(unit.character));
        if stays && origin.len() == unit.character.len_utf8() {
            self.flush();
            return self.view.exact(unit.character.encode_utf8(&mut [0; 4]), unit.start);
        }
        if is_space(unit.character) && self.options.white_space != WhiteSpace::Keep {
            return self.pend(unit.character, origin);
        }
        if is_ignorable(unit.character) || (unit.character.is_control() && !is_space(unit.character)) {
            return;
        }
        self.flush();
        let mut buffer = [0; 4];
        let shown = &*unit.character.encode_utf8(&mut buffer);
        if self.options.fold_case
            && !unit.character.is_ascii()
            && !unit.character.to_lowercase().eq([unit.character])
        {
            for small in unit.character.to_lowercase() {
                self.view.character(small, origin.clone());
            }
            return;
        }
        match text.get(origin.clone()) == Some(shown) {
            true => self.view.exact(shown, unit.start),
            false => self.view.block(shown, origin),
        }
    }

    fn white(&mut self, part: &str, run: Range<usize>) {
        if self.options.white_space == WhiteSpace::Keep {
            self.flush();
            return self.kept_white(part, run.start);
        }
        let breaks = part.contains(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
        self.pend(if breaks { '\n' } else { ' ' }, run);
    }

    fn kept_white(&mut self, part: &str, start: usize) {
        for (place, character) in part.char_indices() {
            let from = start + place;
            match character {
                _ if character.is_ascii() => self.view.exact(character.encode_utf8(&mut [0; 4]), from),
                '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    self.view.character('\n', from..from + character.len_utf8())
                }
                _ => self.view.character(' ', from..from + character.len_utf8()),
            }
        }
    }

    fn pend(&mut self, character: char, origin: Range<usize>) {
        let is_break = character == '\n' && self.options.white_space == WhiteSpace::KeepLines;
        let pending = self.pending.take();
        let was_break = pending.as_ref().is_some_and(|(before, _)| *before == '\n');
        let start = pending.map_or(origin.start, |(_, before)| before.start);
        self.pending = Some((if is_break || was_break { '\n' } else { ' ' }, start..origin.end));
    }

    fn flush(&mut self) {
        let Some((character, origin)) = self.pending.take() else { return };
        match origin.len() {
            1 => self.view.exact(if character == '\n' { "\n" } else { " " }, origin.start),
            _ => self.view.character(character, origin),
        }
    }
}

/// The one character that stands for 18; as it is written out, a text of nothing else would grow eleven times.
const LONG_LIGATURE: char = '\u{fdfa}';

/// The characters of `part` that show something, without colours of terminals (`ESC [ ... letter`).
fn visible(part: &str, base: usize, units: &mut Vec<Unit>) {
    let mut characters = part.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        if character == '\u{1b}' && characters.next_if(|(_, next)| *next == '[').is_some() {
            while characters.next_if(|(_, next)| matches!(next, '0'..='9' | ';' | ':' | '?')).is_some() {}
            let _ = characters.next_if(|(_, next)| next.is_ascii_alphabetic());
            continue;
        }
        let start = base + place;
        if character.is_ascii_graphic() || is_settled(character) {
            units.push(Unit { character, start, end: start + character.len_utf8() });
            continue;
        }
        if is_ignorable(character) || character.is_control() {
            continue;
        }
        let shown = match character {
            LONG_LIGATURE => '\u{635}',
            _ => parenthesised_letter(character).unwrap_or(character),
        };
        units.push(Unit { character: shown, start, end: start + character.len_utf8() });
    }
}
