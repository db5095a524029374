//! Patterns over resource ids: `*` stands for any text, slashes included, `?` for one character; case does not matter.

/// True when the whole text matches the pattern. Runs in time proportional to the product of the lengths at worst,
/// so that a hostile pattern cannot stall a scan.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().map(|character| character.to_ascii_lowercase()).collect();
    let text: Vec<char> = text.chars().map(|character| character.to_ascii_lowercase()).collect();
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to resume when the text after the last star turns out not to match: one character further on.
    let mut resume: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                resume = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(wanted) if *wanted == '?' || text.get(at_text) == Some(wanted) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((star, started)) = resume else { return false };
                resume = Some((star, started + 1));
                at_pattern = star + 1;
                at_text = started + 1;
            }
        }
    }
    pattern.get(at_pattern..).is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_cross_slashes_and_case_does_not_matter() {
        assert!(matches("*/resourceGroups/PILOT-*/*", "/subscriptions/s/resourcegroups/pilot-1/providers/x"));
        assert!(matches("*", "") && matches("a?c", "ABC") && matches("a*", "a"));
        assert!(!matches("a?c", "ac") && !matches("", "a") && !matches("*b", "abc"));
        let hostile = "*a".repeat(40);
        assert!(!matches(&hostile, &"a".repeat(39)));
    }
}
