//! Messages after RFC 5424.

use super::{Header, priority};

/// Reads a message; `None` where it is not of this form.
pub(super) fn read(text: &str) -> Option<Header<'_>> {
    let (priority, rest) = priority(text)?;
    let rest = rest.strip_prefix("1 ")?;
    let (time, rest) = field(rest)?;
    let time = if time.is_empty() { None } else { Some(time.parse().ok()?) };
    let (host, rest) = field(rest)?;
    let (application, rest) = field(rest)?;
    let (process, rest) = field(rest)?;
    let (message_id, rest) = field(rest)?;
    let (structured, rest) = structured(rest)?;
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Header {
        priority: Some(priority),
        time,
        host,
        application,
        process,
        message_id,
        structured,
        message,
    })
}

/// A field up to a blank; `-` is the nil value.
fn field(text: &str) -> Option<(&str, &str)> {
    let (field, rest) = text.split_once(' ')?;
    let fits = !field.is_empty() && field.len() <= 255;
    fits.then_some((if field == "-" { "" } else { field }, rest))
}

/// Elements in brackets; within the quotes of a value, `\` escapes `"`, `\` and `]`.
fn structured(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return (rest.is_empty() || rest.starts_with(' ')).then_some(("", rest));
    }
    let (mut quoted, mut escaped, mut open, mut end) = (false, false, false, 0);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if open => quoted = !quoted,
            b'[' if !open => open = true,
            b']' if open && !quoted => {
                open = false;
                end = place + 1;
            }
            _ if open => {}
            b' ' => break,
            _ => return None,
        }
    }
    if open || end == 0 { None } else { Some((text.get(..end)?, text.get(end..)?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 5424, section 6.5.
    #[test]
    fn the_examples_of_the_rfc() {
        let header =
            read("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed")
                .unwrap();
        assert_eq!(
            (header.priority, header.host, header.application),
            (Some(34), "mymachine.example.com", "su")
        );
        assert_eq!((header.process, header.message_id, header.message), ("", "ID47", "'su root' failed"));
        assert_eq!(header.time.unwrap().to_string(), "2003-10-11T22:14:15.0030000Z");
        let header =
            read("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time").unwrap();
        assert_eq!(header.time.unwrap().to_string(), "2003-08-24T12:14:15.0000030Z");
        let header = read(
            r#"<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 iut="3" e="x\]y"][b@2 c="d"] An entry"#,
        )
        .unwrap();
        assert_eq!(header.structured, r#"[a@1 iut="3" e="x\]y"][b@2 c="d"]"#);
        assert_eq!(header.message, "An entry");
        let header = read(r#"<165>1 - - - - - [a@1 b="c"]"#).unwrap();
        assert_eq!((header.time, header.structured, header.message), (None, r#"[a@1 b="c"]"#, ""));
    }

    #[test]
    fn what_is_not_of_this_form() {
        for text in [
            "",
            "<34>",
            "<192>1 - - - - - - x",
            "<34>2 - - - - - - x",
            "<34>1 now h a p m - x",
            "<34>1 - - - - - [a x",
            "<34>1 - - - - - x",
            "<34>1 - - - - -x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
