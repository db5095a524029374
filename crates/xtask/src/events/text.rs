//! Texts from templates: `<noun>` stands for any noun, `<number>` for a number, and so on.

use crate::events::vocabulary::{
    ADJECTIVES, DOCUMENTS, FIRST_NAMES, HOSTS, LAST_NAMES, NOUNS, TEAMS, TOPICS, VERBS,
};
use crate::events::world::hex;
use crate::random::Random;

/// Appends a template with its slots filled. What stands between `<` and `>` and is no slot stays as it is.
pub(super) fn fill(template: &str, random: &mut Random, out: &mut String) {
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('<') {
        out.push_str(before);
        let Some((slot, after)) = tail.split_once('>') else { break };
        slot_value(slot, random, out);
        rest = after;
    }
    out.push_str(rest);
}

/// A template with its slots filled.
pub(super) fn filled(template: &str, random: &mut Random) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    fill(template, random, &mut out);
    out
}

fn slot_value(slot: &str, random: &mut Random, out: &mut String) {
    match slot {
        "noun" => out.push_str(random.pick(NOUNS)),
        "verb" => out.push_str(random.pick(VERBS)),
        "adjective" => out.push_str(random.pick(ADJECTIVES)),
        "topic" => out.push_str(random.pick(TOPICS)),
        "document" => out.push_str(random.pick(DOCUMENTS)),
        "team" => out.push_str(random.pick(TEAMS)),
        "host" => out.push_str(random.pick(HOSTS)),
        "name" => {
            out.push_str(random.pick(FIRST_NAMES));
            out.push(' ');
            out.push_str(random.pick(LAST_NAMES));
        }
        "digit" => out.push_str(&random.below(10).to_string()),
        "number" => out.push_str(&(10 + random.below(9_990)).to_string()),
        "large" => out.push_str(&(100_000 + random.below(99_900_000)).to_string()),
        "hex" => out.push_str(&hex(random, 16)),
        "key" => characters(random, 16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", out),
        "base64" => {
            let length = 120 + usize::try_from(random.below(400)).unwrap_or(0);
            characters(
                random,
                length,
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                out,
            );
        }
        other => {
            out.push('<');
            out.push_str(other);
            out.push('>');
        }
    }
}

fn characters(random: &mut Random, count: usize, alphabet: &[u8], out: &mut String) {
    for _ in 0..count {
        out.push(char::from(random.pick(alphabet)));
    }
}

/// Sentences until there are so many characters.
pub(super) fn prose(sentences: &[(u64, &str)], characters: usize, random: &mut Random) -> String {
    let mut out = String::with_capacity(characters + 160);
    while out.len() < characters {
        if !out.is_empty() {
            out.push(' ');
        }
        fill(random.weighted(sentences), random, &mut out);
    }
    out
}

/// A length in characters: most are short, some long, a few very long.
pub(super) fn length(shortest: u64, random: &mut Random) -> usize {
    let stretch = random.weighted(&[(60, 1), (28, 3), (10, 8), (2, 30)]);
    usize::try_from(shortest + random.below(shortest * 2 * stretch)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_and_other_brackets_stay() {
        let mut random = Random::new(1);
        let text = filled("a <b> c <noun>", &mut random);
        assert!(text.starts_with("a <b> c ") && text.len() > 9, "{text}");
    }
}
