//! Request lines, which values of variables must not bend: a value is one part of a path or a query, whatever it holds.

use std::fmt::Write as _;

/// `text` with everything percent-encoded but what is unreserved (RFC 3986 section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Method and path of `METHOD /PATH`, with `HTTP/x` behind it or without.
pub(crate) fn read(line: &str) -> Result<(&str, &str), String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (method, path) = match words.as_slice() {
        [method, path] => (*method, *path),
        [method, path, version] if version.starts_with("HTTP/") => (*method, *path),
        _ => return Err(format!("`{line}` is no request line; write `POST /path`")),
    };
    if !path.starts_with('/') {
        return Err(format!("`{line}` is no request line; write `POST /path`"));
    }
    if path.bytes().any(|byte| byte == b'#' || byte == b'\\' || byte.is_ascii_control()) {
        return Err(format!("the path of `{line}` has a character that no path has"));
    }
    let before_query = path.split('?').next().unwrap_or_default();
    let leads_up = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        matches!(plain.as_str(), "." | "..")
    };
    if before_query.split('/').any(leads_up) {
        return Err(format!("the path of `{line}` leads up by `.` or `..`; write it out"));
    }
    Ok((method, path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_method_and_path() {
        let cases = [
            ("GET /a/b?c=d HTTP/1.1", Some(("GET", "/a/b?c=d"))),
            ("POST /a", Some(("POST", "/a"))),
            ("POST /a b", None),
            ("POST", None),
            ("POST a", None),
            ("POST /a HTTP/1.1 x", None),
            ("DELETE /users/../admin", None),
            ("DELETE /users/%2E%2e/admin", None),
            ("DELETE /users/.", None),
            ("GET /a..b/...", Some(("GET", "/a..b/..."))),
            ("GET /a#b", None),
            ("GET /a\\..\\b", None),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line).ok(), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_value_stays_one_segment(value in any::<String>()) {
            let line = format!("DELETE /users/{}/keys", encoded(&value));
            if let Ok((_, path)) = read(&line) {
                prop_assert_eq!(path.split('/').count(), 4);
                prop_assert!(!path.contains('?'));
            } else {
                prop_assert!(matches!(value.as_str(), "." | ".."), "{}", value);
            }
        }
    }
}
