//! PDF (ISO 32000), by the `lopdf` crate: pages, annotations, form fields, properties, bookmarks, embedded files.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Error, LoadOptions, Object, ObjectId};

use super::pdf_text;
use crate::input::Input;
use crate::location::Place;
use crate::outcome::{Limit, Reason};
use crate::walk::{Fault, Step, Walk};

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let bytes = input.bytes(walk)?;
    if has_encryption(&bytes) {
        // A file that the empty password opens is encrypted all the same: what it asks of readers is not ours to pass.
        return Err(Fault::Failed(Reason::Encrypted));
    }
    // Every stream of objects is expanded at once when the file is loaded, so they share one allowance.
    let streams = object_streams(&bytes).max(1);
    let allowance = (walk.limits.memory / streams).max(64 << 10);
    if streams.saturating_mul(allowance) > walk.limits.memory.saturating_mul(2) {
        return Err(Fault::too_large());
    }
    let options = LoadOptions::with_max_decompressed_size(allowance);
    let document = Document::load_mem_with_options(&bytes, options).map_err(fault)?;
    drop(bytes);
    if document.is_encrypted() || document.was_encrypted() {
        return Err(Fault::Failed(Reason::Encrypted));
    }
    let pages = document.get_pages();
    for (number, id) in &pages {
        walk.ask(4096)?;
        let place = Place::Page { number: *number };
        match pdf_text::page(&document, *id, place.clone(), walk) {
            Err(Fault::Failed(reason)) => walk.skip(place, reason, None),
            other => other?,
        }
        annotations(&document, *id, &Place::Page { number: *number }, walk)?;
    }
    let numbered: HashSet<ObjectId> = pages.into_values().collect();
    loose_pages(&document, &numbered, walk)?;
    others(&document, walk)
}

/// Gives the pages that the tree of pages does not lead to: removed by an update, or behind a break in the tree.
fn loose_pages(document: &Document, numbered: &HashSet<ObjectId>, walk: &mut Walk<'_>) -> Step {
    let mut found = !numbered.is_empty();
    for (id, object) in &document.objects {
        let is_page = object.as_dict().and_then(|page| page.get(b"Type")).and_then(Object::as_name);
        if is_page.is_ok_and(|kind| kind == b"Page") && !numbered.contains(id) {
            found = true;
            let place = Place::section(&format!("loose page {}", id.0));
            match pdf_text::page(document, *id, place.clone(), walk) {
                Err(Fault::Failed(reason)) => walk.skip(place.clone(), reason, None),
                other => other?,
            }
            annotations(document, *id, &place, walk)?;
        }
    }
    if !found {
        walk.skip(Place::Body, Reason::Corrupt("no pages were found".to_owned()), None);
    }
    Ok(())
}

/// Whether the trailer or the stream that stands in for it names an encryption dictionary.
fn has_encryption(bytes: &[u8]) -> bool {
    // The key can also occur in the text of an uncompressed page; there no dictionary or reference follows.
    memchr::memmem::find_iter(bytes, b"/Encrypt").any(|at| {
        let after = bytes.get(at + 8..).unwrap_or_default();
        let spaces = after.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let value = after.get(spaces..).unwrap_or_default();
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_reference = digits > 0 && value.get(digits..).is_some_and(|rest| rest.starts_with(b" "));
        value.starts_with(b"<<") || is_reference
    })
}

/// How many streams of objects the file has, at most: names can be written with escapes.
fn object_streams(bytes: &[u8]) -> usize {
    let plain = memchr::memmem::find_iter(bytes, b"/ObjStm").count();
    let escaped = memchr::memmem::find_iter(bytes, b"/Type").filter(|at| {
        let value = bytes.get(at + 5..at + 40).unwrap_or_default();
        let end = value.iter().position(|byte| matches!(byte, b'>' | b'\n' | b'\r')).unwrap_or(value.len());
        value.get(..end).is_some_and(|value| value.contains(&b'#'))
    });
    plain + escaped.count()
}

pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => {
            Fault::Failed(Reason::TooLarge(Limit::Memory))
        }
        Error::InvalidPassword | Error::Decryption(_) | Error::AlreadyEncrypted => {
            Fault::Failed(Reason::Encrypted)
        }
        error => Fault::corrupt(error),
    }
}

/// Text in PDF's own encoding or in UTF-16.
pub(super) fn text_string(object: &Object) -> Option<String> {
    lopdf::decode_text_string(object).ok()
}

/// Gives what is written on a page beside its content: notes, links, fields.
fn annotations(document: &Document, page: ObjectId, place: &Place, walk: &mut Walk<'_>) -> Step {
    let Ok(annotations) = document.get_page_annotations(page) else { return Ok(()) };
    for annotation in annotations {
        walk.ask(64)?;
        named_texts(document, annotation, &[b"Contents", b"T", b"TU", b"V", b"Subj"], place, walk)?;
        let action = annotation.get_deref(b"A", document).and_then(Object::as_dict);
        if let Ok(action) = action {
            named_texts(document, action, &[b"URI", b"JS"], place, walk)?;
        }
    }
    Ok(())
}

fn named_texts(
    document: &Document,
    from: &Dictionary,
    keys: &[&[u8]],
    place: &Place,
    walk: &mut Walk<'_>,
) -> Step {
    for key in keys {
        let text = from.get_deref(key, document).ok().and_then(text_string);
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            walk.text(place.clone(), &text)?;
        }
    }
    Ok(())
}

/// Gives what belongs to no page: properties, XMP, bookmarks, values of form fields, scripts, embedded files.
fn others(document: &Document, walk: &mut Walk<'_>) -> Step {
    if let Ok(info) = document.trailer.get_deref(b"Info", document).and_then(Object::as_dict) {
        for (key, value) in info {
            let value = document.dereference(value).map(|(_, value)| value);
            if let Some(text) = value.ok().and_then(text_string) {
                walk.text(Place::field(&String::from_utf8_lossy(key)), &text)?;
            }
        }
    }
    let on_pages: HashSet<ObjectId> = document.page_iter().collect();
    let ids: Vec<ObjectId> = document.objects.keys().copied().collect();
    for id in ids.into_iter().filter(|id| !on_pages.contains(id)) {
        walk.ask(64)?;
        match document.objects.get(&id) {
            Some(Object::Dictionary(dictionary)) => beside(document, dictionary, walk)?,
            Some(Object::Stream(stream)) => {
                let kind = stream.dict.get(b"Type").and_then(Object::as_name).unwrap_or_default();
                match kind {
                    b"EmbeddedFile" => embedded(stream, walk)?,
                    b"Metadata" => {
                        let limit = walk.limits.memory;
                        let xmp = stream.get_plain_content_with_limit(limit).map_err(fault)?;
                        let xmp = crate::decode::whole(&xmp);
                        walk.entry("metadata.xmp", |walk| super::xml::document_text(&xmp, walk))?;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Bookmarks, fields and file specifications: dictionaries that have a text under a telling key.
fn beside(document: &Document, dictionary: &Dictionary, walk: &mut Walk<'_>) -> Step {
    if dictionary.has(b"XFA") {
        walk.skip(Place::section("form"), Reason::Unsupported("XFA form"), None);
    }
    let is_bookmark = dictionary.has(b"Title") && dictionary.has(b"Parent");
    if is_bookmark {
        named_texts(document, dictionary, &[b"Title"], &Place::section("bookmarks"), walk)?;
    }
    // Fields on pages are annotations and were given with them.
    if dictionary.has(b"FT") && !dictionary.has(b"Subtype") {
        named_texts(document, dictionary, &[b"T", b"TU", b"V"], &Place::section("form"), walk)?;
    }
    if dictionary.has(b"EF") {
        named_texts(document, dictionary, &[b"UF", b"F", b"Desc"], &Place::section("embedded files"), walk)?;
    }
    if dictionary.get(b"S").and_then(Object::as_name).is_ok_and(|kind| kind == b"JavaScript") {
        named_texts(document, dictionary, &[b"JS"], &Place::Script, walk)?;
    }
    Ok(())
}

fn embedded(stream: &lopdf::Stream, walk: &mut Walk<'_>) -> Step {
    walk.entry("embedded file", |walk| {
        let bytes = stream.get_plain_content_with_limit(walk.limits.memory).map_err(fault)?;
        walk.expanded(bytes.len() as u64)?;
        walk.file(Input::memory("embedded file", &bytes))
    })
}
