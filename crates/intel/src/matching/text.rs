//! Values within texts.

use std::borrow::Cow;

use castellan_stix::Kind;
use castellan_stix::observable::{address, refang};

/// The most pieces of one text that are looked at.
pub const MAX_TOKENS: usize = 20_000;
/// The longest piece that can be a value, in bytes.
const LONGEST: usize = 4_096;

/// Shows each piece of a text that may be a value of a kind, in its normal form. How many pieces were left is returned.
///
/// Pieces are what stands between blanks, quotes, brackets and the like. Digests are found by their length, addresses of
/// e-mail by `@`, all else by its dots.
pub fn tokens(text: &str, see: &mut dyn FnMut(Kind, &str)) -> usize {
    let mut seen = 0;
    let text = plain(text);
    for piece in text.split(is_between) {
        let piece = trimmed(piece);
        if piece.len() < 4 || piece.len() > LONGEST {
            continue;
        }
        seen += 1;
        if seen > MAX_TOKENS {
            continue;
        }
        piece_of(piece, see);
    }
    seen.saturating_sub(MAX_TOKENS)
}

/// Without the escapes of JSON, which texts within texts have: `\n` before a name is none of it.
fn plain(text: &str) -> Cow<'_, str> {
    const ESCAPES: [(&str, &str); 8] = [
        ("\\/", "/"),
        ("\\n", " "),
        ("\\r", " "),
        ("\\t", " "),
        ("\\\"", " "),
        ("\\u003c", " "),
        ("\\u003e", " "),
        ("\\u0026", "&"),
    ];
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = text.to_owned();
    for (escape, meant) in ESCAPES {
        if plain.contains(escape) {
            plain = plain.replace(escape, meant);
        }
    }
    Cow::Owned(plain)
}

fn is_between(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '"' | '\'' | '`' | '<' | '>' | ',' | ';' | '|' | '\\' | '{' | '}' | '\u{0}')
}

/// Without signs that stand around a value and are none of it.
fn trimmed(piece: &str) -> &str {
    let is_end = |end: char| matches!(end, '.' | ',' | ':' | '!' | '?' | ')' | '*' | '_');
    let is_start = |start: char| matches!(start, '(' | '*' | '_');
    let mut piece = piece.trim_start_matches(is_start).trim_end_matches(is_end);
    // A link of Markdown: `[name](address)`.
    if let Some((_, behind)) = piece.split_once("](") {
        piece = behind.trim_end_matches(is_end);
    }
    // `name=value` of a command line, but not the query of an address.
    if let Some((before, behind)) = piece.split_once('=')
        && !before.contains(['/', '?', '.'])
    {
        piece = behind;
    }
    match (piece.starts_with('['), piece.ends_with(']')) {
        (true, true) => piece.get(1..piece.len().saturating_sub(1)).unwrap_or_default(),
        (false, true) if !piece.contains('[') => piece.trim_end_matches(']'),
        _ => piece,
    }
}

fn piece_of(piece: &str, see: &mut dyn FnMut(Kind, &str)) {
    let is_digest =
        matches!(piece.len(), 32 | 40 | 64 | 96 | 128) && piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        see(Kind::Hash, &piece.to_ascii_lowercase());
        return;
    }
    if !piece.contains(['.', ':']) && !piece.contains("dot") && !piece.contains("DOT") {
        return;
    }
    let meant = refang(piece);
    if meant.contains("://") {
        if let Some(normal) = Kind::Url.normal(&meant) {
            see(Kind::Url, &normal);
        }
        return;
    }
    if let Some(found) = address(&meant) {
        see(Kind::Ip, &found.to_string());
        return;
    }
    if meant.contains('@') {
        if let Some(normal) = Kind::Email.normal(&meant) {
            see(Kind::Email, &normal);
        }
        return;
    }
    if meant.contains('/') {
        // `evil.example/a`, of which paths of files are many.
        if !meant.starts_with(['/', '.'])
            && let Some(normal) = Kind::Url.normal(&meant)
        {
            see(Kind::Url, &normal);
        }
        return;
    }
    let host = meant.split_once(':').map_or(&*meant, |(host, _)| host);
    if let Some(normal) = Kind::Domain.normal(host) {
        see(Kind::Domain, &normal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(Kind, &str)]) {
        let mut found = Vec::new();
        tokens(text, &mut |kind, value| found.push((kind, value.to_owned())));
        let expected: Vec<(Kind, String)> =
            expected.iter().map(|(kind, value)| (*kind, (*value).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn values_stand_anywhere() {
        check("Go to https://evil.example/a?b=c, please.", &[(Kind::Url, "evil.example/a?b=c")]);
        check("[click](http://evil.example/x) now", &[(Kind::Url, "evil.example/x")]);
        check(
            "from 203.0.113.7:443 to [2001:db8::1]",
            &[(Kind::Ip, "203.0.113.7"), (Kind::Ip, "2001:db8::1")],
        );
        check(
            r#"{"url":"evil.example","to":"a@evil.example"}"#,
            &[(Kind::Domain, "evil.example"), (Kind::Email, "a@evil.example")],
        );
        check(
            "hxxp://evil[.]example/ evil[.]example",
            &[(Kind::Url, "evil.example/"), (Kind::Domain, "evil.example")],
        );
        check("md5=d41d8cd98f00b204e9800998ecf8427e", &[(Kind::Hash, "d41d8cd98f00b204e9800998ecf8427e")]);
        check("/usr/lib/a.so ./a.b and nothing.", &[]);
        check("version 1.2.3", &[]);
        check(
            r#"read:\nevil.example\thttps:\/\/bad.example\/x"#,
            &[(Kind::Domain, "evil.example"), (Kind::Url, "bad.example/x")],
        );
        check("--host=evil.example:8080", &[(Kind::Domain, "evil.example")]);
    }

    #[test]
    fn what_is_left_is_counted() {
        assert_eq!(tokens(&"a.example ".repeat(MAX_TOKENS + 5), &mut |_, _| ()), 5);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_much(text in "\\PC{0,80}") {
            tokens(&text, &mut |kind, value| assert_eq!(kind.normal(value).as_deref(), Some(value)));
        }
    }
}
