//! Names: how many words there are.

/// Whether there are at least two words, so that a given name has a family name beside it.
pub(super) fn several_words(text: &str) -> bool {
    text.split_whitespace().filter(|word| word.chars().nth(1).is_some()).nth(1).is_some()
}

/// Whether every word begins with a capital letter, apart from the particles of family names, and none has a digit.
pub(super) fn name_case(text: &str) -> bool {
    const PARTICLES: [&str; 23] = [
        "al", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e",
        "el", "la", "le", "ten", "ter", "van", "von", "zu",
    ];
    let mut words = text.split([' ', '-']).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some()
        && words.all(|word| {
            if word.is_ascii() {
                let capital = word.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
                return (capital || PARTICLES.contains(&word))
                    && !word.bytes().any(|byte| byte.is_ascii_digit());
            }
            let capital = word.chars().next().is_some_and(char::is_uppercase);
            (capital || PARTICLES.contains(&word)) && !word.chars().any(char::is_numeric)
        })
}

#[cfg(test)]
mod tests {
    use super::{name_case, several_words};

    #[test]
    fn words() {
        assert!(several_words("Jane Doe") && !several_words("Jane") && !several_words("Jane D"));
        assert!(name_case("Jane van der Berg") && name_case("J. Doe") && name_case("Anne-Marie"));
        assert!(!name_case("Jane doe") && !name_case("Jane 7") && !name_case(""));
    }
}
