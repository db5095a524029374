//! Names: how many words there are.

/// Whether there are at least two words, so that a given name has a family name beside it.
pub(super) fn several_words(text: &str) -> bool {
    text.split_whitespace().filter(|word| word.chars().count() > 1).count() > 1
}

/// Whether every word begins with a capital letter, apart from the particles of family names, and none has a digit.
pub(super) fn name_case(text: &str) -> bool {
    const PARTICLES: [&str; 23] = [
        "al", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e",
        "el", "la", "le", "ten", "ter", "van", "von", "zu",
    ];
    let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    !words.is_empty()
        && words.iter().all(|word| {
            let capital = word.chars().next().is_some_and(char::is_uppercase);
            (capital || PARTICLES.contains(word)) && !word.chars().any(char::is_numeric)
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
