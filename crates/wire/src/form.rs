//! `multipart/form-data` (RFC 7578), as far as APIs of models use it: fields that are texts, and files.
//!
//! *Invariant (nothing passes unread):* a field that is no file and no UTF-8 is refused; a file is listed as unscanned.

use crate::passage::{Passage, Reading};
use crate::point::{Matter, Point, Unscanned};

/// Most fields of a form.
const MOST_FIELDS: usize = 256;

/// Why a form is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no form as RFC 7578 has it: {0}")]
pub struct FormError(&'static str);

/// What a form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Fields that are texts.
    pub fields: Vec<(String, String)>,
    /// Names of fields that are files.
    pub files: Vec<String>,
}

impl Form {
    /// Reads a body with the `boundary` of its content type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8], content_type: &str) -> Result<Form, FormError> {
        let boundary = boundary(content_type).ok_or(FormError("the content type has no boundary"))?;
        let delimiter = format!("--{boundary}");
        let delimiter = delimiter.as_bytes();
        let mut rest =
            body.strip_prefix(delimiter).ok_or(FormError("it does not begin with its boundary"))?;
        let mut form = Form::default();
        loop {
            if let Some(end) = rest.strip_prefix(b"--") {
                let is_end = end.iter().all(u8::is_ascii_whitespace);
                return if is_end { Ok(form) } else { Err(FormError("something follows its end")) };
            }
            let part = rest.strip_prefix(b"\r\n").ok_or(FormError("a boundary has no line end"))?;
            let stop = [b"\r\n".as_slice(), delimiter].concat();
            let end = memchr::memmem::find(part, &stop).ok_or(FormError("a part has no end"))?;
            form.part(part.get(..end).unwrap_or_default())?;
            rest = part.get(end + stop.len()..).unwrap_or_default();
        }
    }

    fn part(&mut self, part: &[u8]) -> Result<(), FormError> {
        if self.fields.len() + self.files.len() >= MOST_FIELDS {
            return Err(FormError("it has too many fields"));
        }
        let head_end = memchr::memmem::find(part, b"\r\n\r\n").ok_or(FormError("a part has no head"))?;
        let head = std::str::from_utf8(part.get(..head_end).unwrap_or_default())
            .map_err(|_| FormError("a head is not UTF-8"))?;
        let value = part.get(head_end + 4..).unwrap_or_default();
        let disposition = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
            .map(|(_, value)| value)
            .ok_or(FormError("a part does not say what it is"))?;
        let name = parameter(disposition, "name").ok_or(FormError("a part has no name"))?;
        let is_file = parameter(disposition, "filename").is_some() || disposition.contains("filename*");
        if is_file {
            self.files.push(name);
            return Ok(());
        }
        let text = std::str::from_utf8(value).map_err(|_| FormError("a field is not UTF-8"))?;
        if self.fields.iter().any(|(known, _)| *known == name && !name.ends_with("[]")) {
            return Err(FormError("a field stands twice"));
        }
        self.fields.push((name, text.to_owned()));
        Ok(())
    }

    /// A field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its texts, and what was not looked at.
    pub fn reading(&self) -> Reading {
        let text = |(name, value): &(String, String)| Passage {
            point: Point::User,
            path: name.clone(),
            text: value.clone(),
            segments: Vec::new(),
        };
        let file = |name: &String| Unscanned { path: name.clone(), matter: Matter::File, point: Point::User };
        Reading {
            passages: self.fields.iter().map(text).collect(),
            unscanned: self.files.iter().map(file).collect(),
            logprobs: Vec::new(),
        }
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    let boundary =
        parameter(rest, "boundary").filter(|_| kind.trim().eq_ignore_ascii_case("multipart/form-data"))?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// A parameter of a header, with or without quotation marks.
fn parameter(text: &str, name: &str) -> Option<String> {
    text.split(';').map(str::trim).find_map(|part| {
        let (known, value) = part.split_once('=')?;
        let value = value.trim();
        known.trim().eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"XX\"";

    #[test]
    fn fields_and_files() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\x00\xff\r\n--XX--\r\n";
        let form = Form::read(body, TYPE).unwrap();
        assert_eq!(
            (form.field("model"), form.files.as_slice()),
            (Some("whisper"), ["file".to_owned()].as_slice())
        );
        let reading = form.reading();
        assert_eq!((reading.passages.len(), reading.unscanned.len()), (1, 1));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [
            "",
            "--YY\r\n",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            "--XX\r\n\r\nx\r\n--XX--",
            "--XX--evil",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ny\r\n--XX--",
        ] {
            assert!(Form::read(body.as_bytes(), TYPE).is_err(), "{body:?}");
        }
        assert!(Form::read(b"--XX--", "application/json").is_err());
    }
}
