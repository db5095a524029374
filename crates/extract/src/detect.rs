//! What a file is: by its content first, by its name where the content could be several things.

use crate::decode::{self, Detected};
use crate::format::{FORMATS, Format};
use crate::readers::json;

/// The format of a file of that name with that start.
pub(crate) fn format(name: &str, head: &[u8], is_whole: bool) -> Format {
    if head.is_empty() {
        return Format::Empty;
    }
    if let Some(found) = by_magic(head) {
        return found;
    }
    match decode::detect(head, is_whole) {
        Some(detected) => text_format(name, head, detected, is_whole),
        // An archive may come behind other bytes; whether one does shows at its end.
        None => match by_extension(name) {
            Some(Format::Zip | Format::Docx | Format::Xlsx | Format::Pptx | Format::OpenDocument) => {
                Format::Zip
            }
            _ => Format::Unknown,
        },
    }
}

fn by_magic(head: &[u8]) -> Option<Format> {
    let starts = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let found = FORMATS
        .iter()
        .find(|info| info.magic.iter().any(|(offset, magic)| starts(*offset, magic)))
        .map(|info| info.format)
        .filter(|found| !is_doubtful(*found, head));
    found
        .or_else(|| is_late_pdf(head).then_some(Format::Pdf))
        .or_else(|| has_tar_sum(head).then_some(Format::Tar))
        .or_else(|| is_arrow_stream(head).then_some(Format::Arrow))
        .or_else(|| is_bitmap(head).then_some(Format::OtherImage))
        .or_else(|| is_safetensors(head).then_some(Format::Model))
}

/// Short signatures that ordinary text can start with need a second look.
fn is_doubtful(found: Format, head: &[u8]) -> bool {
    let looks_like_text =
        decode::detect(head, false).is_some() && !head.iter().take(512).any(|byte| *byte == 0);
    match found {
        Format::Executable | Format::Audio | Format::Model | Format::Bzip2 | Format::OtherArchive => {
            looks_like_text
        }
        Format::Video | Format::OtherImage => looks_like_text,
        _ => false,
    }
}

/// Readers of PDF accept other bytes before the header.
fn is_late_pdf(head: &[u8]) -> bool {
    let start = head.get(..1024).unwrap_or(head);
    let is_text = |line: &[u8]| line.starts_with(b"%PDF-1.") || line.starts_with(b"%PDF-2.");
    start.split(|byte| *byte == b'\n' || *byte == b'\r').any(is_text) && head.contains(&0x80)
}

/// The header of an old tar has no signature, but a sum over itself.
pub(crate) fn has_tar_sum(head: &[u8]) -> bool {
    let (Some(header), Some(field)) = (head.get(..512), head.get(148..156)) else { return false };
    let digits: String = field.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_digit).collect();
    let Ok(expected) = u32::from_str_radix(&digits, 8) else { return false };
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = field.iter().map(|byte| u32::from(*byte)).sum();
    header.first().is_some_and(|byte| *byte != 0) && sum - own + 8 * 32 == expected
}

/// A stream of Arrow starts with a continuation mark and the length of its schema.
fn is_arrow_stream(head: &[u8]) -> bool {
    let length = head.get(4..8).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    head.starts_with(b"\xFF\xFF\xFF\xFF") && length.is_some_and(|length| (8..1 << 24).contains(&length))
}

fn is_bitmap(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(6..10) == Some(&[0; 4])
        && head.get(14..18).is_some_and(|size| size.ends_with(&[0, 0]))
}

/// The length of a JSON header, then the header.
fn is_safetensors(head: &[u8]) -> bool {
    let length = head.get(..8).and_then(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
    length.is_some_and(|length| length < 1 << 30) && head.get(8..10) == Some(b"{\"")
}

/// Which of the formats that are text this is.
fn text_format(name: &str, head: &[u8], detected: Detected, is_whole: bool) -> Format {
    const LOOKED_AT: usize = 16 << 10;
    let start = head.get(..LOOKED_AT).unwrap_or(head);
    let mut reader = decode::TextReader::new(start, detected);
    let mut text = String::new();
    while let Ok(Some((chunk, _))) = reader.next_chunk() {
        text.push_str(chunk);
    }
    let text = text.trim_start();
    let is_cut = !is_whole || head.len() > LOOKED_AT;
    match by_extension(name) {
        Some(Format::Csv) => Format::Csv,
        Some(named @ (Format::Json | Format::JsonLines | Format::Notebook))
            if text.starts_with(['{', '[']) =>
        {
            named
        }
        // Lines of JSON need not be objects; what is none comes out as text.
        Some(Format::JsonLines) => Format::JsonLines,
        Some(Format::Html) if text.contains('<') => Format::Html,
        Some(Format::OpenDocument) if text.starts_with('<') => Format::Xml,
        Some(Format::Xml) if text.starts_with('<') && !is_html(text) => Format::Xml,
        Some(Format::Mbox) if text.starts_with("From ") => Format::Mbox,
        Some(Format::Mail) if has_header_line(text) => Format::Mail,
        _ => sniffed(text, is_cut),
    }
}

/// Which it is without a name that helps.
fn sniffed(text: &str, is_cut: bool) -> Format {
    if is_html(text) {
        return Format::Html;
    }
    if text.starts_with("<?xml") {
        return Format::Xml;
    }
    if is_mailbox(text) {
        return Format::Mbox;
    }
    if is_mail(text) {
        return Format::Mail;
    }
    if text.starts_with(['{', '[']) {
        match json::documents_in(text, is_cut) {
            Some(0 | 1) => return Format::Json,
            Some(_) => return Format::JsonLines,
            None => {}
        }
    }
    Format::Text
}

fn is_html(text: &str) -> bool {
    let mut rest = text;
    // A declaration and comments may come first.
    while let Some((_, after)) = rest
        .strip_prefix("<!--")
        .and_then(|comment| comment.split_once("-->"))
        .or_else(|| rest.strip_prefix("<?xml").and_then(|declaration| declaration.split_once("?>")))
    {
        rest = after.trim_start();
    }
    let start: String = rest.chars().take(15).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head>", "<body"].iter().any(|tag| start.starts_with(tag))
}

/// A line such as `Subject: ...` at the start.
fn has_header_line(text: &str) -> bool {
    let name = text.lines().next().and_then(|line| line.split_once(':')).map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn is_mailbox(text: &str) -> bool {
    let is_envelope = text.starts_with("From ") && text.lines().next().is_some_and(|line| line.contains(':'));
    is_envelope && text.split_once('\n').is_some_and(|(_, rest)| has_header_line(rest))
}

/// Two headers that every mail has, and a line that ends them.
fn is_mail(text: &str) -> bool {
    const TELLING: [&str; 9] = [
        "from",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "subject",
        "to",
    ];
    let mut telling = 0;
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':').filter(|_| has_header_line(line)) else { break };
        telling += usize::from(TELLING.contains(&name.to_ascii_lowercase().as_str()));
    }
    telling >= 3
}

/// The format that the name's extension promises.
pub(crate) fn by_extension(name: &str) -> Option<Format> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (_, extension) = file.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    FORMATS.iter().find(|info| info.extensions.contains(&extension.as_str())).map(|info| info.format)
}

/// Whether the extension's promise is kept, or was never a strict one.
pub(crate) fn agree(named: Format, found: Format) -> bool {
    use Format::{
        Audio, CompoundFile, Docx, Empty, Html, Image, Json, JsonLines, Mail, Model, Notebook, OldOffice,
        OpenDocument, OtherImage, Pptx, Sqlite, Text, Unknown, Video, Xls, Xlsx, Xml, Zip,
    };
    match (named, found) {
        _ if named == found => true,
        (_, Empty) => true,
        // Many formats are archives within.
        (Model, Zip) | (Zip, Docx | Xlsx | Pptx | OpenDocument) => true,
        (CompoundFile, Xls | OldOffice | Format::OutlookMessage) => true,
        // Office files with a password are compound files whatever their name.
        (Docx | Xlsx | Pptx | Xls, OldOffice) => true,
        (Text, Json | JsonLines | Xml | Html | Mail | Format::Mbox | Format::Csv) => true,
        (Json, JsonLines | Notebook) | (Xml, Html) | (OpenDocument | Html, Xml) => true,
        (Image, OtherImage) | (Audio, Video) | (Video, Audio) => true,
        (Sqlite, Unknown) => true,
        _ => false,
    }
}
