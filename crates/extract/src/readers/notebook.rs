//! Jupyter notebooks (nbformat 4): the lines of a cell hang together, which as JSON they would not.

use castellan_base::{Limits, Node, Sources, json as tree};

use super::{html, json, text, xml};
use crate::input::Input;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Step, Walk};

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let Some(document) = text::whole(input, walk)? else { return Ok(()) };
    // A value takes some hundred bytes.
    let values = u32::try_from(walk.limits.memory / 64).unwrap_or(u32::MAX);
    let limits = Limits { values, ..Limits::default() };
    let mut sources = Sources::default();
    let source = sources.add("notebook", document.as_str());
    let parsed = tree::parse(&document, source, &limits).ok();
    let Some((notebook, cells)) =
        parsed.as_ref().and_then(|root| Some((root, root.get("cells")?.as_array()?)))
    else {
        // Not what it should be, but JSON or text all the same.
        return json::embedded(&document, walk);
    };
    for (at, cell) in cells.iter().enumerate() {
        self::cell(cell, at as u64 + 1, walk)?;
    }
    rest(notebook, &["cells", "nbformat", "nbformat_minor"], &Place::field("metadata"), walk)
}

fn cell(cell: &Node, number: u64, walk: &mut Walk<'_>) -> Step {
    let place = |is_output| Place::Notebook { cell: number, is_output };
    walk.text(place(false), &joined(cell.get("source")))?;
    data(cell.get("attachments"), &place(false), walk)?;
    rest(cell, &["source", "outputs", "attachments", "cell_type", "id"], &place(false), walk)?;
    for output in cell.get("outputs").and_then(Node::as_array).into_iter().flatten() {
        walk.text(place(true), &joined(output.get("text")))?;
        let error: Vec<String> =
            ["ename", "evalue", "traceback"].iter().map(|key| joined(output.get(key))).collect();
        let error = error.join("\n");
        if !error.trim().is_empty() {
            walk.text(place(true), &error)?;
        }
        data(output.get("data"), &place(true), walk)?;
        let known = ["text", "ename", "evalue", "traceback", "data", "output_type", "name"];
        rest(output, &known, &place(true), walk)?;
    }
    Ok(())
}

/// Gives what stands under other names than the known ones.
fn rest(node: &Node, known: &[&str], place: &Place, walk: &mut Walk<'_>) -> Step {
    for member in node.as_object().into_iter().flat_map(|members| members.iter()) {
        if !known.contains(&&*member.key) {
            walk.text(place.clone(), &leaves(Some(&member.value)))?;
        }
    }
    Ok(())
}

/// Gives values by the media type that is their name.
fn data(node: Option<&Node>, place: &Place, walk: &mut Walk<'_>) -> Step {
    let Some(members) = node.and_then(Node::as_object) else { return Ok(()) };
    for member in members.iter() {
        let (name, value) = (&*member.key, &member.value);
        if name.starts_with("image/") && name != "image/svg+xml" || name == "application/pdf" {
            let length = joined(Some(value)).len() as u64;
            walk.skip(place.clone(), Reason::NoText("image"), Some(length));
        } else if name == "text/html" {
            walk.entry("text/html", |walk| html::page_text(&joined(Some(value)), walk))?;
        } else if name == "image/svg+xml" {
            walk.entry("image/svg+xml", |walk| xml::document_text(&joined(Some(value)), walk))?;
        } else if value.as_object().is_some() {
            data(Some(value), place, walk)?;
        } else {
            walk.text(place.clone(), &leaves(Some(value)))?;
        }
    }
    Ok(())
}

/// A string, or an array of strings that are its lines.
fn joined(node: Option<&Node>) -> String {
    let Some(node) = node else { return String::new() };
    if let Some(text) = node.as_str() {
        return text.to_owned();
    }
    node.as_array().into_iter().flatten().filter_map(Node::as_str).collect()
}

/// All strings and numbers below a node, a line each; lines of one text stay together.
fn leaves(node: Option<&Node>) -> String {
    let mut text = String::new();
    let mut left: Vec<&Node> = node.into_iter().collect();
    while let Some(node) = left.pop() {
        if let Some(members) = node.as_object() {
            left.extend(members.iter().map(|member| &member.value));
        } else if let Some(elements) = node.as_array() {
            left.extend(elements.iter().rev());
        } else if let Some(string) = node.as_str() {
            text.push_str(string);
            text.push('\n');
        } else if let Some(number) = node.as_i64() {
            text.push_str(&number.to_string());
            text.push('\n');
        } else if let Some(number) = node.as_f64() {
            text.push_str(&number.to_string());
            text.push('\n');
        }
    }
    text
}
