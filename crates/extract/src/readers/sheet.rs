//! SpreadsheetML: the workbook, its shared strings and its sheets, a part a cell.

use std::collections::HashMap;
use std::sync::Arc;

use quick_xml::events::BytesStart;

use super::xml::{Xml, XmlReader, attribute};
use super::zip::Archive;
use crate::location::Place;
use crate::walk::{Fault, Step, Walk};

/// What sheets refer to.
pub(super) struct Workbook {
    strings: Vec<Arc<str>>,
    /// By the name of the part: what the sheet is called and whether it is hidden.
    sheets: HashMap<String, (Arc<str>, bool)>,
}

impl Workbook {
    pub(super) fn open(archive: &mut Archive<'_>, walk: &mut Walk<'_>) -> Step<Self> {
        let mut book = Self { strings: Vec::new(), sheets: HashMap::new() };
        if let Some(at) = archive.index_of("xl/sharedStrings.xml") {
            archive.part(at, walk, |text, walk| {
                let mut strings = Vec::new();
                let result = shared_strings(text, &mut strings, walk);
                book.strings = strings;
                result
            })?;
        }
        let targets = archive.small_text("xl/_rels/workbook.xml.rels", walk);
        let targets = targets.map(|text| targets_by_id(&text, walk)).unwrap_or_default();
        if let Some(at) = archive.index_of("xl/workbook.xml") {
            archive.part(at, walk, |text, walk| book.read_names(text, &targets, walk))?;
        }
        Ok(book)
    }

    /// Gives the names of sheets, and defined names with what they stand for.
    fn read_names(&mut self, text: &str, targets: &HashMap<String, String>, walk: &mut Walk<'_>) -> Step {
        let mut reader = XmlReader::new(text, walk);
        let mut defined: Option<(String, String)> = None;
        while let Some(event) = reader.next()? {
            match event {
                Xml::Start(start) if start.local_name().as_ref() == "sheet" => {
                    self.add_sheet(&start, targets, walk)?
                }
                Xml::Start(start) if start.local_name().as_ref() == "definedName" => {
                    defined = Some((attribute(&start, "name").unwrap_or_default(), String::new()));
                }
                Xml::Text(text) => {
                    if let Some((_, value)) = &mut defined {
                        value.push_str(&text);
                    }
                }
                Xml::End(name) if name == "definedName" => {
                    if let Some((name, value)) = defined.take() {
                        walk.text(Place::field("defined name"), &format!("{name} = {value}"))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_sheet(
        &mut self,
        start: &BytesStart<'_>,
        targets: &HashMap<String, String>,
        walk: &mut Walk<'_>,
    ) -> Step {
        let name = attribute(start, "name").unwrap_or_default();
        let is_hidden = attribute(start, "state").is_some_and(|state| state != "visible");
        walk.text(Place::field("sheet name"), &name)?;
        if let Some(target) = attribute(start, "id").and_then(|id| targets.get(&id)) {
            let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
            self.sheets.insert(part, (name.into(), is_hidden));
        }
        Ok(())
    }

    /// Gives the cells of a sheet: values and, beside them, formulas.
    pub(super) fn sheet(&self, part: &str, text: &str, walk: &mut Walk<'_>) -> Step {
        let fallback = || (Arc::from(part), false);
        let (table, is_hidden) = self.sheets.get(part).cloned().unwrap_or_else(fallback);
        let mut cells =
            Cells { book: self, table, is_hidden, header: HashMap::new(), cell: Cell::default(), row: 0 };
        let mut reader = XmlReader::new(text, walk);
        while let Some(event) = reader.next()? {
            cells.event(event, walk)?;
        }
        Ok(())
    }
}

/// The strings of the shared table: each the text of its runs.
fn shared_strings(text: &str, strings: &mut Vec<Arc<str>>, walk: &mut Walk<'_>) -> Step {
    let mut reader = XmlReader::new(text, walk);
    let mut string = String::new();
    let (mut is_text, mut is_phonetic) = (false, false);
    while let Some(event) = reader.next()? {
        match event {
            Xml::Start(start) => {
                let name = start.local_name();
                is_text = name.as_ref() == "t";
                is_phonetic |= name.as_ref() == "rPh";
            }
            Xml::Text(text) if is_text && !is_phonetic => string.push_str(&text),
            Xml::End(name) => {
                is_text = false;
                is_phonetic &= name != "rPh";
                if name == "si" {
                    strings.push(std::mem::take(&mut string).into());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn targets_by_id(text: &str, walk: &Walk<'_>) -> HashMap<String, String> {
    let mut reader = XmlReader::new(text, walk);
    let mut targets = HashMap::new();
    while let Ok(Some(event)) = reader.next() {
        if let Xml::Start(start) = event
            && let (Some(id), Some(target)) = (attribute(&start, "Id"), attribute(&start, "Target"))
        {
            targets.insert(id, target);
        }
    }
    targets
}

/// A sheet on its way.
struct Cells<'b> {
    book: &'b Workbook,
    table: Arc<str>,
    is_hidden: bool,
    /// The first row, as names of columns.
    header: HashMap<u32, Arc<str>>,
    cell: Cell,
    row: u64,
}

#[derive(Default)]
struct Cell {
    column: u32,
    kind: String,
    value: String,
    formula: String,
    /// Which of the texts is open: `v`, `t`, `f`.
    open: Option<char>,
}

impl Cells<'_> {
    fn event(&mut self, event: Xml<'_>, walk: &mut Walk<'_>) -> Step {
        match event {
            Xml::Start(start) => self.start(&start, walk),
            Xml::Text(text) => {
                match self.cell.open {
                    Some('v' | 't') => self.cell.value.push_str(&text),
                    Some('f') => self.cell.formula.push_str(&text),
                    Some(_) => self.cell.formula.push_str(&text),
                    None => {}
                }
                walk.ask(text.len())
            }
            Xml::End(name) => {
                self.cell.open = None;
                match name.as_str() {
                    "c" => self.give(walk),
                    "row" => {
                        walk.count_row();
                        Ok(())
                    }
                    // Headers and footers of the printed page.
                    name if name.ends_with("Header") || name.ends_with("Footer") => {
                        self.give_page_text(name, walk)
                    }
                    _ => Ok(()),
                }
            }
            Xml::Comment(_) => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, walk: &mut Walk<'_>) -> Step {
        match start.local_name().as_ref() {
            "row" => {
                let number = attribute(start, "r").and_then(|number| number.parse().ok());
                self.row = number.unwrap_or(self.row + 1);
                self.cell.column = 0;
            }
            "c" => {
                let column = attribute(start, "r").and_then(|reference| column_of(&reference));
                let column = column.unwrap_or(self.cell.column + 1);
                let kind = attribute(start, "t").unwrap_or_default();
                self.cell = Cell { column, kind, ..Cell::default() };
            }
            "v" => self.cell.open = Some('v'),
            "t" => self.cell.open = Some('t'),
            "f" => self.cell.open = Some('f'),
            "hyperlink" => {
                for name in ["display", "tooltip", "location"] {
                    let value = attribute(start, name).unwrap_or_default();
                    let place = Place::Attribute { path: "hyperlink".into(), name: name.into() };
                    walk.text(place, &value)?;
                }
            }
            name if name.ends_with("Header") || name.ends_with("Footer") => self.cell.open = Some('p'),
            _ => {}
        }
        walk.ask(16)
    }

    fn give(&mut self, walk: &mut Walk<'_>) -> Step {
        let Cell { column, kind, value, formula, .. } = std::mem::take(&mut self.cell);
        self.cell.column = column;
        let text: Arc<str> = if kind == "s" { self.shared(&value)? } else { value.into() };
        if self.row == 1 && !text.is_empty() && text.len() <= 256 {
            self.header.insert(column, Arc::clone(&text));
        }
        let name = (self.row > 1).then(|| self.header.get(&column).cloned()).flatten();
        let place = Place::Cell { table: Some(Arc::clone(&self.table)), row: self.row, column, name };
        walk.open(place.clone(), self.is_hidden);
        walk.feed(&text, None)?;
        if formula.is_empty() {
            return Ok(());
        }
        // A formula can hold what its value does not show.
        walk.hidden(place, &format!("={formula}"))
    }

    fn shared(&self, index: &str) -> Step<Arc<str>> {
        let string = index.trim().parse::<usize>().ok().and_then(|index| self.book.strings.get(index));
        string.cloned().ok_or_else(|| Fault::corrupt("a cell refers to a shared string that is not there"))
    }

    fn give_page_text(&mut self, name: &str, walk: &mut Walk<'_>) -> Step {
        let text = std::mem::take(&mut self.cell.formula);
        walk.text(Place::section(name), &text)
    }
}

/// The column of a reference such as `AB12`, from one.
fn column_of(reference: &str) -> Option<u32> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.fold(0_u32, |column, letter| {
        column.saturating_mul(26).saturating_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    (column > 0).then_some(column)
}
