//! OpenDocument (ISO/IEC 26300): texts, spreadsheets, presentations, drawings.

use std::collections::HashMap;
use std::sync::Arc;

use quick_xml::events::BytesStart;

use super::xml::{Xml, XmlReader, attribute};
use super::zip::Archive;
use crate::format::Format;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Step, Walk};

pub(super) fn read(archive: &mut Archive<'_>, walk: &mut Walk<'_>) -> Step {
    walk.found(Format::OpenDocument);
    let manifest = archive.small_text("META-INF/manifest.xml", walk).unwrap_or_default();
    let is_encrypted = manifest.contains("encryption-data");
    let kind = archive.small_text("mimetype", walk).unwrap_or_default();
    let is_sheet = kind.contains("spreadsheet");
    for at in 0..archive.entries.len() {
        let Some(name) = archive.entries.get(at).map(|entry| entry.name.clone()) else { continue };
        let file = name.rsplit('/').next().unwrap_or(&name);
        match file {
            _ if name.ends_with('/') => {}
            "mimetype" | "manifest.xml" | "manifest.rdf" => {
                archive.skip(at, Reason::NoText("formatting"), walk)
            }
            _ if is_encrypted => archive.skip(at, Reason::Encrypted, walk),
            "content.xml" | "styles.xml" => {
                let stem = name.trim_end_matches(".xml").to_owned();
                let section = if stem == "content" { "document".to_owned() } else { stem };
                archive.part(at, walk, |text, walk| content(text, &section, is_sheet, walk))?;
            }
            "meta.xml" => archive.part(at, walk, properties)?,
            "settings.xml" => archive.skip(at, Reason::NoText("formatting"), walk),
            _ => archive.entry(at, walk)?,
        }
    }
    Ok(())
}

fn properties(text: &str, walk: &mut Walk<'_>) -> Step {
    let mut reader = XmlReader::new(text, walk);
    let mut name = String::new();
    while let Some(event) = reader.next()? {
        match event {
            Xml::Start(start) => {
                let own = attribute(&start, "name");
                name = own.unwrap_or_else(|| start.local_name().as_ref().to_owned());
            }
            Xml::Text(value) if !value.trim().is_empty() => walk.text(Place::field(&name), &value)?,
            _ => {}
        }
    }
    Ok(())
}

/// Attributes that wait for the end of the running text.
const MOST_ATTRIBUTES: usize = 1 << 14;

fn content(text: &str, section: &str, is_sheet: bool, walk: &mut Walk<'_>) -> Step {
    let mut reader = XmlReader::new(text, walk);
    let mut content = Content { is_sheet, ..Content::default() };
    let place = Place::section(section);
    walk.open(place.clone(), false);
    let result = loop {
        match reader.next() {
            Ok(Some(event)) => content.event(event, walk)?,
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
        walk.ask(16)?;
        if content.attributes.len() >= MOST_ATTRIBUTES {
            walk.feed(&std::mem::take(&mut content.visible), None)?;
            for (place, value) in content.attributes.drain(..) {
                walk.text(place, &value)?;
            }
            walk.open(place.clone(), false);
        }
        // Cells are given as they come, so the running text of a spreadsheet waits.
        if !is_sheet && content.visible.len() >= walk.limits.chunk_len() {
            walk.feed(&std::mem::take(&mut content.visible), None)?;
        }
    };
    if is_sheet {
        walk.open(place.clone(), false);
    }
    if !content.visible.trim().is_empty() {
        walk.feed(&content.visible, None)?;
    }
    if !content.hidden.trim().is_empty() {
        walk.hidden(place, &content.hidden)?;
    }
    for (place, value) in content.attributes {
        walk.text(place, &value)?;
    }
    result
}

#[derive(Default)]
struct Content {
    is_sheet: bool,
    visible: String,
    hidden: String,
    attributes: Vec<(Place, String)>,
    /// How many elements are open whose character data is text.
    texts: usize,
    /// How many elements are open that hold what was deleted or hidden.
    hiding: usize,
    table: Option<Arc<str>>,
    row: u64,
    row_repeat: u64,
    column: u32,
    column_repeat: u32,
    cell: Option<String>,
    header: HashMap<u32, Arc<str>>,
    /// Values of the cell beside what it shows.
    beside: Vec<String>,
}

fn is_text(name: &str) -> bool {
    matches!(name, "p" | "h" | "title" | "desc" | "creator")
}

fn is_hiding(name: &str) -> bool {
    matches!(name, "tracked-changes" | "hidden-text" | "hidden-paragraph")
}

impl Content {
    fn event(&mut self, event: Xml<'_>, walk: &mut Walk<'_>) -> Step {
        match event {
            Xml::Start(start) => self.start(&start),
            Xml::End(name) => return self.end(&name, walk),
            Xml::Text(text) if self.texts > 0 => self.push(&text),
            Xml::Text(_) | Xml::Comment(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        let side = match &mut self.cell {
            _ if self.hiding > 0 => &mut self.hidden,
            Some(cell) => cell,
            None => &mut self.visible,
        };
        side.push_str(text);
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        let name = start.local_name();
        let name = name.as_ref();
        self.texts += usize::from(is_text(name));
        self.hiding += usize::from(is_hiding(name));
        let repeat = |key: &str| attribute(start, key).and_then(|count| count.parse().ok()).unwrap_or(1);
        match name {
            "table" => {
                self.table = attribute(start, "name").map(Into::into);
                (self.row, self.row_repeat) = (0, 1);
                self.header.clear();
            }
            "table-row" => {
                self.row = self.row.saturating_add(self.row_repeat.max(1));
                self.row_repeat = repeat("number-rows-repeated").into();
                (self.column, self.column_repeat) = (0, 1);
            }
            "table-cell" | "covered-table-cell" => {
                self.column = self.column.saturating_add(self.column_repeat.max(1));
                self.column_repeat = repeat("number-columns-repeated");
                if self.is_sheet {
                    self.cell = Some(String::new());
                    let values = ["value", "string-value", "date-value", "formula"];
                    self.beside = values.iter().filter_map(|key| attribute(start, key)).collect();
                }
            }
            "s" => {
                let count: usize = attribute(start, "c").and_then(|count| count.parse().ok()).unwrap_or(1);
                self.push(&" ".repeat(count.min(100)));
            }
            "tab" => self.push("\t"),
            "line-break" => self.push("\n"),
            _ => {}
        }
        if let Some(target) = attribute(start, "href").filter(|target| target.contains(':')) {
            let place = Place::Attribute { path: name.into(), name: "href".into() };
            self.attributes.push((place, target));
        }
    }

    fn end(&mut self, name: &str, walk: &mut Walk<'_>) -> Step {
        self.texts = self.texts.saturating_sub(usize::from(is_text(name)));
        self.hiding = self.hiding.saturating_sub(usize::from(is_hiding(name)));
        match name {
            _ if is_text(name) => self.push("\n"),
            "table-row" if self.is_sheet => walk.count_row(),
            "table-cell" | "covered-table-cell" => return self.give_cell(walk),
            _ => {}
        }
        Ok(())
    }

    fn give_cell(&mut self, walk: &mut Walk<'_>) -> Step {
        let Some(cell) = self.cell.take() else { return Ok(()) };
        let text = cell.trim_end_matches('\n');
        if self.row == 1 && !text.is_empty() && text.len() <= 256 {
            self.header.insert(self.column, text.into());
        }
        let name = (self.row > 1).then(|| self.header.get(&self.column).cloned()).flatten();
        let place = Place::Cell { table: self.table.clone(), row: self.row, column: self.column, name };
        walk.text(place.clone(), text)?;
        for value in std::mem::take(&mut self.beside) {
            if value != text {
                walk.hidden(place.clone(), &value)?;
            }
        }
        Ok(())
    }
}
