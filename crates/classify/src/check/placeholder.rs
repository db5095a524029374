//! Tells a value from something that stands for one.

/// Words that people write where a value belongs, lower case.
const WORDS: [&str; 33] = [
    "changeme",
    "change_me",
    "change-me",
    "example",
    "sample",
    "placeholder",
    "dummy",
    "redacted",
    "removed",
    "hidden",
    "secret_here",
    "your_",
    "your-",
    "yourpass",
    "yourkey",
    "yourtoken",
    "insert",
    "replace",
    "undefined",
    "null",
    "none",
    "todo",
    "fixme",
    "xxxx",
    "****",
    "....",
    "____",
    "fakekey",
    "notreal",
    "not_real",
    "0123456789",
    "12345678",
    "abcdefgh",
];

/// Values that are placeholders as a whole, lower case.
const WHOLE: [&str; 12] = [
    "password",
    "passwd",
    "secret",
    "token",
    "test",
    "string",
    "value",
    "mypassword",
    "password123",
    "apikey",
    "api_key",
    "foobar",
];

/// Whether a value is a mask, a variable, an example or a filler.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let contains = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    is_reference(text)
        || WHOLE.iter().any(|whole| whole.as_bytes() == lower)
        || WORDS.iter().any(contains)
        || few_different(text)
}

/// `<token>`, `${TOKEN}`, `{{ token }}`, `%TOKEN%`, `$TOKEN`, `[token]`, `@token@`.
fn is_reference(text: &[u8]) -> bool {
    match (text.first(), text.last()) {
        (Some(b'<'), Some(b'>')) | (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => true,
        // The expression may have stopped before the bracket that closes it.
        (Some(b'<' | b'['), _)
            if text.iter().skip(1).all(|byte| byte.is_ascii_alphabetic() || *byte == b'_') =>
        {
            true
        }
        (Some(b'%'), Some(b'%')) | (Some(b'@'), Some(b'@')) if text.len() > 2 => true,
        (Some(b'$'), _) => {
            text.get(1).is_some_and(|byte| matches!(byte, b'{' | b'(' | b'[' | b'A'..=b'Z' | b'_'))
        }
        _ => false,
    }
}

/// At least eight bytes of no more than two kinds.
fn few_different(text: &[u8]) -> bool {
    let mut seen = Vec::new();
    for byte in text {
        if !seen.contains(byte) {
            seen.push(*byte);
        }
        if seen.len() > 2 {
            return false;
        }
    }
    text.len() >= 8
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn placeholders_and_values() {
        for text in [
            "<token>",
            "[gone",
            "${TOKEN}",
            "$TOKEN",
            "{{ key }}",
            "%PASSWORD%",
            "changeme",
            "AKIAIOSFODNN7EXAMPLE",
            "aaaaaaaa",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["[gone4", "hU7!kdp0qZ", "$2b$10$abc", "", "q8Zk2vLr9T"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }
}
