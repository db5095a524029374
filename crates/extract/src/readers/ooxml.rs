//! Office Open XML (ECMA-376): which part of a package is read how.

use super::zip::Archive;
use super::{sheet, word, xml};
use crate::format::Format;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Step, Walk};

/// Which document a package is, by the folder of its main part.
pub(super) fn kind(archive: &Archive<'_>) -> Option<Format> {
    let folders = [("word/", Format::Docx), ("xl/", Format::Xlsx), ("ppt/", Format::Pptx)];
    let has = |folder: &str| archive.entries.iter().any(|entry| entry.name.starts_with(folder));
    folders.into_iter().find(|(folder, _)| has(folder)).map(|(_, kind)| kind)
}

/// How a part is read.
enum Role {
    /// Running text: paragraphs of runs.
    Flow(String),
    /// A sheet of cells.
    Sheet,
    /// Strings and names that sheets refer to; read before them.
    Workbook,
    /// Names of properties and their values.
    Properties,
    /// Which other parts and addresses a part refers to.
    Relations,
    /// Whatever XML says.
    Xml,
    /// What has no text of its own.
    Formatting,
    /// A file of another kind.
    Embedded,
}

pub(super) fn read(archive: &mut Archive<'_>, kind: Format, walk: &mut Walk<'_>) -> Step {
    walk.found(kind);
    let workbook = if kind == Format::Xlsx { Some(sheet::Workbook::open(archive, walk)?) } else { None };
    for at in 0..archive.entries.len() {
        let Some(name) = archive.entries.get(at).map(|entry| entry.name.clone()) else { continue };
        if name.ends_with('/') {
            continue;
        }
        match (role(&name), &workbook) {
            (Role::Flow(section), _) => {
                archive.part(at, walk, |text, walk| word::flow(text, Place::section(&section), walk))?;
            }
            (Role::Sheet, Some(workbook)) => {
                archive.part(at, walk, |text, walk| workbook.sheet(&name, text, walk))?;
            }
            (Role::Workbook, Some(_)) => {}
            (Role::Properties, _) => archive.part(at, walk, properties)?,
            (Role::Relations, _) => archive.part(at, walk, relations)?,
            (Role::Xml | Role::Sheet | Role::Workbook, _) => {
                let section = stem(&name).to_owned();
                archive.part(at, walk, |text, walk| {
                    walk.entry(&section, |walk| xml::document_text(text, walk))
                })?;
            }
            (Role::Formatting, _) => archive.skip(at, Reason::NoText("formatting"), walk),
            (Role::Embedded, _) => archive.entry(at, walk)?,
        }
    }
    Ok(())
}

/// The file's name without folders and extension.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn role(name: &str) -> Role {
    let lower = name.to_ascii_lowercase();
    let stem = stem(&lower);
    let kind = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    let number = stem.get(kind.len()..).unwrap_or_default();
    if lower.ends_with(".rels") {
        return Role::Relations;
    }
    if lower == "[content_types].xml" || lower.contains("/theme/") {
        return Role::Formatting;
    }
    if !lower.ends_with(".xml") {
        return if stem.starts_with("printersettings") { Role::Formatting } else { Role::Embedded };
    }
    match (lower.split('/').next().unwrap_or_default(), kind) {
        ("docprops", _) => Role::Properties,
        ("word", "document" | "header" | "footer" | "footnotes" | "endnotes" | "comments") => {
            Role::Flow(stem.to_owned())
        }
        ("word", "commentsextended" | "commentsids" | "commentsextensible") => Role::Formatting,
        ("ppt", "slide") => Role::Flow(format!("slide {number}")),
        ("ppt", "notesslide") => Role::Flow(format!("notes {number}")),
        ("ppt", "slidelayout" | "slidemaster" | "notesmaster" | "handoutmaster") => {
            Role::Flow(stem.to_owned())
        }
        ("ppt", "presprops" | "viewprops" | "tablestyles") => Role::Formatting,
        ("xl", "sharedstrings" | "workbook") => Role::Workbook,
        ("xl", "sheet") if lower.starts_with("xl/worksheets/") => Role::Sheet,
        ("xl", "comments" | "drawing") => Role::Flow(stem.to_owned()),
        ("xl", "calcchain" | "metadata") => Role::Formatting,
        (
            "word" | "xl" | "ppt",
            "styles" | "stylewitheffects" | "fonttable" | "websettings" | "numbering",
        ) => Role::Formatting,
        _ => Role::Xml,
    }
}

/// Gives each element with text as a named value: `creator`, `title`, `Company`.
fn properties(text: &str, walk: &mut Walk<'_>) -> Step {
    let mut reader = xml::XmlReader::new(text, walk);
    let mut names: Vec<String> = Vec::new();
    let mut value = String::new();
    while let Some(event) = reader.next()? {
        match event {
            xml::Xml::Start(start) => {
                // A property that a user made has its name in an attribute.
                let name = xml::attribute(&start, "name");
                names.push(name.unwrap_or_else(|| start.local_name().as_ref().to_owned()));
                value.clear();
            }
            xml::Xml::Text(text) => value.push_str(&text),
            xml::Xml::End(_) => {
                let name = names.pop().unwrap_or_default();
                let is_variant =
                    matches!(name.as_str(), "lpwstr" | "lpstr" | "i4" | "bool" | "filetime" | "r8");
                let name = if is_variant { names.last().cloned().unwrap_or(name) } else { name };
                if !value.trim().is_empty() {
                    walk.text(Place::field(&name), &value)?;
                }
                value.clear();
            }
            xml::Xml::Comment(_) => {}
        }
    }
    Ok(())
}

/// Gives the addresses outside of the package that a part refers to.
fn relations(text: &str, walk: &mut Walk<'_>) -> Step {
    let mut reader = xml::XmlReader::new(text, walk);
    while let Some(event) = reader.next()? {
        let xml::Xml::Start(start) = event else { continue };
        if xml::attribute(&start, "TargetMode").as_deref() == Some("External")
            && let Some(target) = xml::attribute(&start, "Target")
        {
            let place = Place::Attribute { path: "Relationship".into(), name: "Target".into() };
            walk.text(place, &target)?;
        }
    }
    Ok(())
}
