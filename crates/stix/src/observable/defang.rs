//! Values that were made harmless are understood again.

use std::borrow::Cow;

/// Ways of writing that are found in reports, and what they mean.
const WAYS: [(&str, &str); 16] = [
    ("[://]", "://"),
    ("[:]//", "://"),
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("[:]", ":"),
    ("[/]", "/"),
    ("[@]", "@"),
    ("(@)", "@"),
    ("[at]", "@"),
    ("(at)", "@"),
    ("[,]", "."),
    ("[.", "."),
];

/// The value that is meant by one that was made harmless: `hxxps://evil[.]example` is `https://evil.example`.
pub fn refang(text: &str) -> Cow<'_, str> {
    let starts =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let is_harmless = text.contains(['[', '(', '{']) || starts("hxxp") || starts("fxp") || starts("h**p");
    if !is_harmless {
        return Cow::Borrowed(text);
    }
    let mut meant = text.to_owned();
    for (prefix, proper) in [("hxxp", "http"), ("h**p", "http"), ("fxp", "ftp")] {
        if starts(prefix) {
            meant = format!("{proper}{}", meant.get(prefix.len()..).unwrap_or_default());
        }
    }
    for (written, proper) in WAYS {
        if meant.contains(written) {
            meant = meant.replace(written, proper);
        } else if written.contains(char::is_alphabetic) {
            meant = without_case(&meant, written, proper);
        }
    }
    Cow::Owned(meant)
}

fn without_case(text: &str, written: &str, proper: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(written) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(proper);
        from = at + written.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
