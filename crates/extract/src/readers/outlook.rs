//! Outlook messages (MS-OXMSG): properties as streams, recipients and attachments as storages.

use super::compound::{Compound, stream};
use super::html;
use crate::decode;
use crate::input::Input;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Step, Walk};

/// Messages attached to messages; deeper ones are bounded by the walk as well.
pub(super) fn read(compound: &mut Compound<'_>, walk: &mut Walk<'_>) -> Step {
    message(compound, "", walk)
}

/// A property that is text or bytes: its tag, its type, and the path of its stream.
struct Property {
    tag: u16,
    kind: u16,
    path: String,
}

const UNICODE: u16 = 0x001F;
const NARROW: u16 = 0x001E;
const BINARY: u16 = 0x0102;

const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
const ATTACHMENT: u16 = 0x3701;
const SHORT_NAME: u16 = 0x3704;
const LONG_NAME: u16 = 0x3707;

/// What a property is called; the others go by their tag.
fn called(tag: u16) -> Option<&'static str> {
    let name = match tag {
        0x0037 => "Subject",
        0x0042 => "Sent representing",
        0x0065 => "Sent representing address",
        0x007D => "Transport headers",
        0x0C1A => "From",
        0x0C1F | 0x5D01 => "From address",
        0x0E02 => "Bcc",
        0x0E03 => "Cc",
        0x0E04 => "To",
        0x3001 => "Display name",
        0x3003 => "Address",
        0x39FE => "SMTP address",
        SHORT_NAME | LONG_NAME => "filename",
        _ => return None,
    };
    Some(name)
}

fn message(compound: &mut Compound<'_>, base: &str, walk: &mut Walk<'_>) -> Step {
    let properties = properties(compound, base)?;
    text_properties(compound, &properties, walk)?;
    let has = |tag: u16| properties.iter().any(|property| property.tag == tag);
    for property in properties.iter().filter(|property| property.tag == BODY_HTML) {
        let bytes = stream(compound, &property.path, walk)?;
        html::page_text(&text_of(property, &bytes), walk)?;
    }
    if has(BODY_RTF) && !has(BODY) && !has(BODY_HTML) {
        walk.skip(Place::section("body"), Reason::Unsupported("compressed RTF body"), None);
    }
    for (name, path) in storages(compound, base)? {
        if name.starts_with("__recip_version1.0_") {
            let recipient = self::properties(compound, &path)?;
            text_properties(compound, &recipient, walk)?;
        } else if name.starts_with("__attach_version1.0_") {
            attachment(compound, &path, walk)?;
        }
    }
    Ok(())
}

/// Gives every property that is text.
fn text_properties(compound: &mut Compound<'_>, properties: &[Property], walk: &mut Walk<'_>) -> Step {
    for property in properties.iter().filter(|property| property.kind != BINARY && property.tag != BODY_HTML)
    {
        let bytes = stream(compound, &property.path, walk)?;
        let text = text_of(property, &bytes);
        let place = match called(property.tag) {
            _ if property.tag == BODY => Place::Body,
            Some(name) => Place::field(name),
            None => Place::field(&format!("property {:04X}", property.tag)),
        };
        if !text.trim().is_empty() {
            walk.text(place, &text)?;
        }
    }
    Ok(())
}

fn attachment(compound: &mut Compound<'_>, base: &str, walk: &mut Walk<'_>) -> Step {
    let properties = properties(compound, base)?;
    let mut name = String::from("attachment");
    for tag in [SHORT_NAME, LONG_NAME] {
        for property in properties.iter().filter(|property| property.tag == tag) {
            let bytes = stream(compound, &property.path, walk)?;
            name = text_of(property, &bytes);
        }
    }
    walk.entry(&name, |walk| {
        text_properties(compound, &properties, walk)?;
        for property in
            properties.iter().filter(|property| property.tag == ATTACHMENT && property.kind == BINARY)
        {
            let bytes = stream(compound, &property.path, walk)?;
            walk.file(Input::memory(&name, &bytes))?;
        }
        for (storage, path) in storages(compound, base)? {
            if storage.starts_with("__substg1.0_3701") {
                message(compound, &path, walk)?;
            }
        }
        Ok(())
    })
}

fn text_of(property: &Property, bytes: &[u8]) -> String {
    match property.kind {
        UNICODE => {
            encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.trim_end_matches('\0').to_owned()
        }
        _ => decode::whole(bytes).trim_end_matches('\0').to_owned(),
    }
}

/// The properties in a storage that have a stream of text or bytes.
fn properties(compound: &Compound<'_>, base: &str) -> Step<Vec<Property>> {
    let path = if base.is_empty() { "/" } else { base };
    let entries = compound.read_storage(path)?;
    let property = |name: &str| {
        let digits = name.strip_prefix("__substg1.0_")?;
        let tag = u16::from_str_radix(digits.get(..4)?, 16).ok()?;
        let kind = u16::from_str_radix(digits.get(4..8)?, 16).ok()?;
        // Several values in one property have streams of their own with a counter behind the tag.
        let kind = if kind & 0x1000 != 0 { kind & !0x1000 } else { kind };
        matches!(kind, UNICODE | NARROW | BINARY).then(|| Property {
            tag,
            kind,
            path: format!("{base}/{name}"),
        })
    };
    Ok(entries.filter(cfb::Entry::is_stream).filter_map(|entry| property(entry.name())).collect())
}

/// The storages in a storage: name and path.
fn storages(compound: &Compound<'_>, base: &str) -> Step<Vec<(String, String)>> {
    let path = if base.is_empty() { "/" } else { base };
    let entries = compound.read_storage(path)?;
    let storages = entries.filter(cfb::Entry::is_storage);
    Ok(storages.map(|entry| (entry.name().to_owned(), format!("{base}/{}", entry.name()))).collect())
}
