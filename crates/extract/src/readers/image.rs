//! The texts that pictures carry along: chunks of PNG, comments, EXIF and XMP of JPEG.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::decode;
use crate::input::Input;
use crate::location::Place;
use crate::walk::{Fault, Step, Walk};

/// The longest text of a chunk, in bytes, once it is expanded.
const LONGEST: u64 = 4 << 20;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let is_png = input.head().starts_with(b"\x89PNG");
    let bytes = input.bytes(walk)?;
    if is_png {
        png(&bytes, walk)?
    } else {
        jpeg(&bytes, walk)?
    }
    // What the picture shows stays unread, and is said to.
    Err(Fault::no_text("picture"))
}

fn png(bytes: &[u8], walk: &mut Walk<'_>) -> Step {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        walk.ask(16)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (Some(kind), Some(data)) = (after.get(..4), after.get(4..).and_then(|data| data.get(..length)))
        else {
            return Err(Fault::Failed(crate::outcome::Reason::Truncated));
        };
        match kind {
            b"tEXt" => keyed(data, |value| Some(latin(value)), walk)?,
            b"zTXt" => keyed(data, |value| inflated(value.get(1..)?).map(|text| latin(&text)), walk)?,
            b"iTXt" => keyed(data, international, walk)?,
            b"eXIf" => exif(data, walk)?,
            _ => {}
        }
        rest = after.get(4 + length + 4..).unwrap_or_default();
    }
    Ok(())
}

/// A keyword, a zero, a value.
fn keyed(data: &[u8], value: impl FnOnce(&[u8]) -> Option<String>, walk: &mut Walk<'_>) -> Step {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let name = latin(data.get(..end).unwrap_or_default());
    match value(data.get(end + 1..).unwrap_or_default()) {
        Some(text) => walk.text(Place::field(&name), &text),
        None => Ok(()),
    }
}

/// Whether it is compressed, how, a language, the translated keyword, the text.
fn international(value: &[u8]) -> Option<String> {
    let is_compressed = *value.first()? == 1;
    let text = value.get(2..)?.splitn(3, |byte| *byte == 0).nth(2)?;
    let text = if is_compressed { inflated(text)? } else { text.to_vec() };
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(LONGEST).read_to_end(&mut text).ok()?;
    Some(text)
}

fn latin(bytes: &[u8]) -> String {
    decode::whole(bytes)
}

fn jpeg(bytes: &[u8], walk: &mut Walk<'_>) -> Step {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some((&[0xFF, kind, high, low], _)) = rest.split_first_chunk::<4>() {
        walk.ask(16)?;
        // The picture itself begins.
        if kind == 0xDA {
            break;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let data = rest.get(4..2 + length).unwrap_or_default();
        match kind {
            0xFE => walk.text(Place::field("comment"), &decode::whole(data))?,
            0xE1 => application(data, walk)?,
            _ => {}
        }
        rest = rest.get(2 + length.max(2)..).unwrap_or_default();
    }
    Ok(())
}

fn application(data: &[u8], walk: &mut Walk<'_>) -> Step {
    if let Some(tiff) = data.strip_prefix(b"Exif\0\0") {
        return exif(tiff, walk);
    }
    match data.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
        Some(xmp) => {
            let xmp = decode::whole(xmp);
            walk.entry("metadata.xmp", |walk| super::xml::document_text(&xmp, walk))
        }
        None => Ok(()),
    }
}

/// The directories of TIFF: every entry that is text.
fn exif(tiff: &[u8], walk: &mut Walk<'_>) -> Step {
    const MOST_ENTRIES: usize = 512;
    const MOST_DIRECTORIES: usize = 8;
    let is_big = tiff.starts_with(b"MM");
    let short = |at: usize| {
        let two: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(usize::from(if is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }))
    };
    let long = |at: usize| {
        let four: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } as usize)
    };
    let mut directories: Vec<usize> = long(4).into_iter().collect();
    let mut done = 0;
    while let Some(directory) = directories.get(done).copied().filter(|_| done < MOST_DIRECTORIES) {
        done += 1;
        for at in 0..short(directory).unwrap_or(0).min(MOST_ENTRIES) {
            let entry = directory + 2 + at * 12;
            let (Some(tag), Some(kind), Some(count)) = (short(entry), short(entry + 2), long(entry + 4))
            else {
                break;
            };
            // Further directories: EXIF's own and that of positions.
            if matches!(tag, 0x8769 | 0x8825) {
                directories.extend(long(entry + 8));
                continue;
            }
            let start = if count <= 4 { Some(entry + 8) } else { long(entry + 8) };
            let value =
                start.and_then(|start| tiff.get(start..start.checked_add(count)?)).unwrap_or_default();
            let name = format!("EXIF {tag:04X}");
            match (kind, tag) {
                (2, _) => walk.text(Place::field(&name), decode::whole(value).trim_end_matches('\0'))?,
                // A comment behind the name of its encoding.
                (7, 0x9286) => {
                    let comment = decode::whole(value.get(8..).unwrap_or_default());
                    walk.text(Place::field("EXIF comment"), comment.trim_matches(['\0', ' ']))?;
                }
                // Fields of Windows, in UTF-16.
                (1, 0x9C9B..=0x9C9F) => {
                    let text = encoding_rs::UTF_16LE.decode_without_bom_handling(value).0.into_owned();
                    walk.text(Place::field(&name), text.trim_end_matches('\0'))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}
