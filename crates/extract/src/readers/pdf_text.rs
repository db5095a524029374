//! The text of a page of PDF: the operators that show text, in the order of the content.

use std::collections::{BTreeMap, HashSet};

use lopdf::{Dictionary, Document, Encoding, Object, ObjectId};

use super::cmap::CMap;
use super::pdf::fault;
use super::pdf_content::{Operand, Operation, Operations};
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Fault, Step, Walk};

/// Forms within forms.
const DEEPEST: usize = 12;
/// Operations of one page or form; each is held while it is decoded, at some hundred bytes.
const MOST_CONTENT: usize = 16 << 20;

/// Gives the text of a page.
pub(super) fn page(document: &Document, id: ObjectId, place: Place, walk: &mut Walk<'_>) -> Step {
    let limit = walk.limits.memory.min(MOST_CONTENT);
    let content = document.get_page_content_with_limit(id, limit).map_err(fault)?;
    let mut show =
        Show { document, text: String::new(), open: HashSet::new(), mute: 0, pictures: 0, budget: limit };
    let (inline, inherited) = document.get_page_resources(id).unwrap_or_default();
    let mut resources: Vec<&Dictionary> = inline.into_iter().collect();
    resources.extend(inherited.into_iter().filter_map(|id| document.get_dictionary(id).ok()));
    walk.open(place.clone(), false);
    let result = show.content(&content, &resources, 0, walk);
    let (text, mute, pictures) = (show.text, show.mute, show.pictures);
    walk.feed(&text, None)?;
    if pictures > 0 {
        walk.skip(place.clone(), Reason::NoText("picture"), None);
    }
    if mute > 0 {
        walk.skip(place, Reason::Unsupported("font without a map to Unicode"), Some(mute));
    }
    result
}

struct Show<'d> {
    document: &'d Document,
    text: String,
    /// Forms that are being drawn, so that none draws itself.
    open: HashSet<ObjectId>,
    /// Bytes shown in fonts that do not say what they mean.
    mute: u64,
    /// Pictures that were drawn; a scanned page is one.
    pictures: u64,
    /// Bytes of content that may still be expanded for this page.
    budget: usize,
}

/// How a font's codes become text.
struct Font<'d> {
    /// What the font says itself.
    map: CMap,
    /// What its encoding says of codes of one byte; none for fonts whose codes name glyphs.
    encoding: Option<Encoding<'d>>,
    /// Whether codes have two bytes as a rule, and mean nothing without the map.
    is_composite: bool,
}

impl Font<'_> {
    /// Adds the text of a string; gives how many bytes have no meaning that can be known.
    fn decode(&self, bytes: &[u8], text: &mut String) -> u64 {
        let width = if self.is_composite { 2 } else { 1 };
        let (mut rest, mut mute) = (bytes, 0);
        while let Some((code, after)) = self.map.code(rest, width) {
            let own = rest.get(..code.0).unwrap_or_default();
            match self.map.text(code).or_else(|| self.by_encoding(own)) {
                Some(known) => text.push_str(&known),
                None => mute += code.0 as u64,
            }
            rest = after;
        }
        mute
    }

    /// What codes of one byte stand for by the font's encoding, or as they are.
    fn by_encoding(&self, bytes: &[u8]) -> Option<String> {
        match &self.encoding {
            _ if self.is_composite => None,
            Some(encoding) => Document::decode_text(encoding, bytes).ok(),
            None => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        }
    }
}

impl<'d> Show<'d> {
    fn content(
        &mut self,
        content: &[u8],
        resources: &[&'d Dictionary],
        depth: usize,
        walk: &mut Walk<'_>,
    ) -> Step {
        self.budget = self.budget.checked_sub(content.len()).ok_or_else(Fault::too_large)?;
        walk.expanded(content.len() as u64)?;
        let fonts = self.fonts(resources);
        let mut font = None;
        let mut line = None;
        for operation in Operations::new(content) {
            walk.ask(16)?;
            match operation.operator.as_slice() {
                b"Tf" => font = chosen(&operation, &fonts),
                b"Tj" | b"TJ" | b"'" | b"\"" => self.show(&operation, font),
                b"Td" | b"TD" | b"T*" | b"Tm" => self.place(&operation, &mut line),
                b"ET" => self.end_line(),
                b"Do" if depth < DEEPEST => self.form(&operation, resources, depth, walk)?,
                _ => {}
            }
        }
        self.end_line();
        Ok(())
    }

    /// The fonts by their names; the first of the resources that has a name wins.
    fn fonts(&self, resources: &[&'d Dictionary]) -> BTreeMap<Vec<u8>, Font<'d>> {
        let mut found = BTreeMap::new();
        for from in resources {
            let Ok(fonts) = from.get_deref(b"Font", self.document).and_then(Object::as_dict) else {
                continue;
            };
            for (name, font) in fonts {
                let font = self.document.dereference(font).and_then(|(_, font)| font.as_dict());
                if let Ok(font) = font
                    && !found.contains_key(name)
                {
                    found.insert(name.clone(), self.font(font));
                }
            }
        }
        found
    }

    fn font(&self, font: &'d Dictionary) -> Font<'d> {
        const LONGEST_MAP: usize = 4 << 20;
        let map = font.get_deref(b"ToUnicode", self.document).and_then(Object::as_stream);
        let map = map.and_then(|map| map.get_plain_content_with_limit(LONGEST_MAP));
        let map = map.map(|map| CMap::parse(&map)).unwrap_or_default();
        // Codes of a composite font name glyphs, and only its map says which characters they are.
        let is_composite = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type0");
        let encoding = font.get_font_encoding_with_limit(self.document, LONGEST_MAP).ok();
        let encoding =
            encoding.filter(|encoding| !is_composite && !matches!(encoding, Encoding::UnicodeMapEncoding(_)));
        Font { map, encoding, is_composite }
    }

    fn show(&mut self, operation: &Operation, font: Option<&Font<'_>>) {
        if matches!(operation.operator.as_slice(), b"'" | b"\"") {
            self.end_line();
        }
        for operand in &operation.operands {
            match operand {
                Operand::Array(pieces) => pieces.iter().for_each(|piece| self.piece(piece, font)),
                other => self.piece(other, font),
            }
        }
    }

    fn piece(&mut self, piece: &Operand, font: Option<&Font<'_>>) {
        // A step of a sixth of the font's size reads as a space: lines that are set tight have no wider ones, and
        // letters are not moved that far apart.
        const SPACE: f32 = -160.0;
        match (piece, font) {
            (Operand::Text(bytes), Some(font)) => self.mute += font.decode(bytes, &mut self.text),
            (Operand::Text(bytes), None) => {
                self.text.extend(bytes.iter().map(|byte| char::from(*byte)));
            }
            (Operand::Number(step), _) if *step <= SPACE && !self.text.ends_with([' ', '\n']) => {
                self.text.push(' ');
            }
            _ => {}
        }
    }

    /// A new position: a line of its own where the height changes, else a space.
    fn place(&mut self, operation: &Operation, line: &mut Option<f32>) {
        let number = |at: usize| match operation.operands.get(at) {
            Some(Operand::Number(number)) => *number,
            _ => 0.0,
        };
        let is_new_line = match operation.operator.as_slice() {
            b"T*" => true,
            b"Tm" => {
                let height = number(5);
                let before = line.replace(height);
                before.is_none_or(|before| (before - height).abs() > 0.5)
            }
            _ => {
                let step = number(1);
                if let Some(height) = line {
                    *height += step;
                }
                step.abs() > 0.01
            }
        };
        if is_new_line {
            self.end_line();
        } else if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Gives the text of a form that a page draws.
    fn form(
        &mut self,
        operation: &Operation,
        resources: &[&'d Dictionary],
        depth: usize,
        walk: &mut Walk<'_>,
    ) -> Step {
        let Some(Operand::Name(name)) = operation.operands.first() else { return Ok(()) };
        let found = resources.iter().find_map(|from| {
            let forms = from.get_deref(b"XObject", self.document).and_then(Object::as_dict).ok()?;
            let id = forms.get(name).and_then(Object::as_reference).ok()?;
            Some((id, self.document.get_object(id).and_then(Object::as_stream).ok()?))
        });
        let Some((id, form)) = found else { return Ok(()) };
        let is_form = form.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Form");
        self.pictures += u64::from(!is_form);
        if !is_form || !self.open.insert(id) {
            return Ok(());
        }
        let own = form.dict.get_deref(b"Resources", self.document).and_then(Object::as_dict).ok();
        let mut inner: Vec<&Dictionary> = own.into_iter().collect();
        inner.extend(resources);
        let bytes = form.get_plain_content_with_limit(self.budget).map_err(fault)?;
        let result = self.content(&bytes, &inner, depth + 1, walk);
        self.open.remove(&id);
        result
    }
}

fn chosen<'e, 'd>(operation: &Operation, fonts: &'e BTreeMap<Vec<u8>, Font<'d>>) -> Option<&'e Font<'d>> {
    let Operand::Name(name) = operation.operands.first()? else { return None };
    fonts.get(name)
}
