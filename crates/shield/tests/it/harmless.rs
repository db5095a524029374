//! Plain text stays plain: how little is decoded of the harmless rows of the corpus, all of which are looked at.

use std::collections::BTreeMap;

use castellan_shield::view::{Budget, decode};

/// How many of 10,000 harmless texts may have something decoded in an encoding that leaves no other mark than odd text.
const UNMARKED: usize = 30;
/// The same for all encodings whose decoded bytes are text by chance alone.
const BYTES: usize = 10;
/// The same for letters with something between them, leet, and pig Latin.
const LETTERS: usize = 40;

#[test]
fn harmless_texts_are_hardly_decoded() {
    let Some(rows) = super::corpus("shield/attack_train.jsonl") else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts = 0;
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        if row["attack"] != 0 {
            continue;
        }
        texts += 1;
        let found = decode(row["text"].as_str().unwrap(), &Budget::default());
        let mut groups: Vec<_> = found.payloads.iter().map(|one| group(one.chain[0].name)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.into_iter().for_each(|group| *counts.entry(group).or_default() += 1);
        assert!(found.unscanned.len() <= 1, "{:?}", found.unscanned);
    }
    println!("{texts} texts: {counts:?}");
    for (group, most) in [("unmarked", UNMARKED), ("bytes", BYTES), ("letters", LETTERS)] {
        let count = counts.get(group).copied().unwrap_or(0);
        assert!(count * 10_000 <= most * texts, "{count} of {texts} texts have something decoded as {group}");
    }
}

fn group(name: &str) -> &'static str {
    match name {
        "rot13" | "rot47" | "atbash" | "reversed" | "reversed-letters" => "unmarked",
        _ if name.starts_with("caesar") => "unmarked",
        _ if name.starts_with("base") || name.starts_with("hex") || name == "ascii85" => "bytes",
        "binary" | "binary-joined" | "octal" | "decimal" | "uuencode" => "bytes",
        "leet" | "spaced" | "dotted" | "dashed" | "emoji-between" | "pig-latin" | "morse" | "nato" => {
            "letters"
        }
        _ => "marked",
    }
}
