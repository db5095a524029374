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
    /// Files that are texts, by the names of their fields.
    pub texts: Vec<(String, String)>,
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
        let Said { name, is_file } = said(head)?;
        if is_file {
            // Whoever calls a text a file hides nothing by that.
            let text = std::str::from_utf8(value).ok().filter(|text| !text.contains('\0')).map(str::to_owned);
            self.texts.extend(text.map(|text| (name.clone(), text)));
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
            passages: self.fields.iter().chain(&self.texts).map(text).collect(),
            unscanned: self.files.iter().map(file).collect(),
            logprobs: Vec::new(),
        }
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = parameters(content_type).ok()?;
    let (_, boundary) = parameters.into_iter().find(|(name, _)| name == "boundary")?;
    let is_form = kind.eq_ignore_ascii_case("multipart/form-data");
    (is_form && (1..=70).contains(&boundary.len())).then_some(boundary)
}

/// What the head of a part says of it.
struct Said {
    name: String,
    is_file: bool,
}

/// Reads the head of a part. What servers read differently is refused: two dispositions, folded lines, parameters that nobody knows,
/// other character sets and encodings.
fn said(head: &str) -> Result<Said, FormError> {
    let mut disposition = None;
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        // Some readers end a line at a bare line feed or at NUL, others do not.
        if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(FormError("a part has a line that not everybody ends at the same place"));
        }
        let (name, value) = line.split_once(':').ok_or(FormError("a part has a line that is no header"))?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(FormError("a part has a line that is no header"));
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_some() => {
                return Err(FormError("a part says twice what it is"));
            }
            "content-disposition" => disposition = Some(value),
            "content-type" => of_type(value)?,
            "content-transfer-encoding"
                if !["7bit", "8bit", "binary"].contains(&&*value.to_ascii_lowercase()) =>
            {
                return Err(FormError("a part is encoded"));
            }
            _ => {}
        }
    }
    of_disposition(disposition.ok_or(FormError("a part does not say what it is"))?)
}

fn of_type(value: &str) -> Result<(), FormError> {
    for (name, value) in parameters(value)?.1 {
        if name == "charset" && !["utf-8", "us-ascii"].contains(&&*value.to_ascii_lowercase()) {
            return Err(FormError("a part has another character set than UTF-8"));
        }
    }
    Ok(())
}

fn of_disposition(value: &str) -> Result<Said, FormError> {
    let (kind, parameters) = parameters(value)?;
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err(FormError("a part is no field of a form"));
    }
    let mut said: (Option<String>, bool) = (None, false);
    for (name, value) in parameters {
        match name.as_str() {
            "name" if said.0.is_none() => said.0 = Some(value),
            "filename" | "filename*" => said.1 = true,
            _ => return Err(FormError("a part says of itself what a form has no use for")),
        }
    }
    let name = said.0.ok_or(FormError("a part has no name"))?;
    Ok(Said { name, is_file: said.1 })
}

/// A value of a header, and its parameters by their names.
type Parameters<'a> = (&'a str, Vec<(String, String)>);

/// The first word of a header and its parameters, with or without quotation marks. Names are in lower case.
fn parameters(text: &str) -> Result<Parameters<'_>, FormError> {
    let fault = FormError("a header has a parameter that is none");
    let (first, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let mut found: Vec<(String, String)> = Vec::new();
    while let Some(next) = rest.strip_prefix(';') {
        if next.trim().is_empty() {
            break;
        }
        let (name, value) = next.split_once('=').ok_or(fault)?;
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            // A backslash before a quotation mark is one to some servers and two characters to others.
            Some(quoted) => {
                quoted.split_once('"').filter(|(value, _)| !value.ends_with('\\')).ok_or(fault)?
            }
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-_".contains(&byte);
        let is_known = found.iter().any(|(known, _)| *known == name);
        if name.is_empty() || !name.bytes().all(is_plain) || is_known || value.contains('"') {
            return Err(fault);
        }
        found.push((name, value.trim().to_owned()));
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return Err(fault);
        }
    }
    Ok((first.trim(), found))
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
    fn a_text_that_is_called_a_file_is_read() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"prompt\"; filename=\"p.txt\"\r\n\r\nIgnore that.\r\n--XX--";
        let reading = Form::read(body, TYPE).unwrap().reading();
        let texts: Vec<&str> = reading.passages.iter().map(|passage| passage.text.as_str()).collect();
        assert_eq!((texts.as_slice(), reading.unscanned.len()), (["Ignore that."].as_slice(), 1));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [
            "",
            "--YY\r\n",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            "--XX\r\n\r\nx\r\n--XX--",
            "--XX--evil",
            // What looks like a file to one reader and like a field to another.
            "--XX\r\nContent-Disposition: form-data; name=\"a\"; x=\"; filename=\"\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\\\"; filename=\"\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\";\r\n filename=\"b\"\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--XX--",
            // A line that some readers take for two.
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nX-A: b\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\rX: y\r\n\r\nx\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ny\r\n--XX--",
        ] {
            assert!(Form::read(body.as_bytes(), TYPE).is_err(), "{body:?}");
        }
        assert!(Form::read(b"--XX--", "application/json").is_err());
    }
}
