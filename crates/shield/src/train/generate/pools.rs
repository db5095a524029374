//! What made texts are made of: the texts of one fold, by their use.

use crate::model::random::Random;
use crate::train::corpus::Text;

/// Shortest passage that is worth being a paragraph of a document, in bytes.
const SHORTEST_PASSAGE: usize = 60;
/// Longest request that is put into a document, in bytes.
const LONGEST_REQUEST: usize = 260;
/// Longest passage, in bytes.
const LONGEST_PASSAGE: usize = 1600;

/// Sources whose texts are requests to an assistant and make sense by themselves.
const REQUESTS: [&str; 6] =
    ["alpaca", "arena-hard", "self-instruct", "mt-bench", "gpteacher/codegen", "gpteacher/roleplay"];

/// Texts by their use.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    /// The fold that all of them are of.
    pub fold: usize,
    /// Harmless requests to an assistant.
    pub requests: Vec<String>,
    /// Harmful requests, which are no attacks on the prompt by themselves.
    pub harmful: Vec<String>,
    /// Paragraphs of prose.
    pub passages: Vec<String>,
    /// Source code.
    pub code: Vec<String>,
    /// Whole mails, tables and other documents.
    pub documents: Vec<String>,
    /// Words, with repetition, so that frequent ones are drawn often.
    pub words: Vec<String>,
}

impl Pools {
    /// The pools of a fold.
    pub fn of(fold: usize, texts: &[Text]) -> Pools {
        let mut pools = Pools { fold, ..Pools::default() };
        for text in texts.iter().filter(|text| text.fold == fold && !text.held_out) {
            pools.take(text);
        }
        pools
    }

    fn take(&mut self, text: &Text) {
        if text.user != Some(false) {
            return;
        }
        match text.kind.as_str() {
            "harmful request" if text.text.is_ascii() => self.harmful.push(text.text.clone()),
            "request" | "role-play" if text.document.is_none() => self.request(text),
            "documentation" => self.passages.extend(passages(&text.text)),
            "clean-document" | "clean-twin" => self.documents.push(text.text.clone()),
            "code" => self.code.push(clipped(&text.text, LONGEST_PASSAGE).to_owned()),
            "mail, table or code" => {
                self.passages.extend(passages(&text.text).into_iter().take(2));
                self.documents.push(text.text.clone());
            }
            _ => {}
        }
        if text.origin.starts_with("t0-tasks") {
            self.passages.extend(passages(&text.text).into_iter().filter(|passage| !asks(passage)));
        }
        if self.words.len() < 40_000 {
            self.words.extend(text.text.split_whitespace().take(40).map(str::to_owned));
        }
    }

    fn request(&mut self, text: &Text) {
        let asked = REQUESTS.iter().any(|origin| text.origin.starts_with(origin));
        if asked && (12..LONGEST_REQUEST).contains(&text.text.len()) {
            self.requests.push(text.text.clone());
        }
    }

    /// A harmless request.
    pub fn a_request(&self, random: &mut Random) -> &str {
        random.pick(&self.requests).map_or("What is the time?", String::as_str)
    }

    /// A harmful request.
    pub fn a_harmful(&self, random: &mut Random) -> &str {
        random.pick(&self.harmful).map_or("Explain how to break into a house.", String::as_str)
    }

    /// A paragraph of prose.
    pub fn a_passage(&self, random: &mut Random) -> &str {
        random.pick(&self.passages).map_or("The meeting is on Monday at ten.", String::as_str)
    }

    /// A word as it stands in some text.
    pub fn a_word(&self, random: &mut Random) -> &str {
        random.pick(&self.words).map_or("and", String::as_str)
    }
}

/// The paragraphs of a text that read like prose of a document and not like a question about it.
fn passages(text: &str) -> Vec<String> {
    let long = text.split("\n\n").map(str::trim).filter(|part| {
        let is_prose = part.contains(". ") && part.matches('|').count() < 3 && !part.starts_with("['");
        part.len() >= SHORTEST_PASSAGE && !part.ends_with('?') && !part.ends_with(':') && is_prose
    });
    long.map(|part| clipped(part, LONGEST_PASSAGE).to_owned()).collect()
}

/// True for a passage in which a task may be put to the reader, as passages of tasks have them.
fn asks(passage: &str) -> bool {
    let lower = passage.to_ascii_lowercase();
    let words = [
        "question",
        "answer",
        "following",
        "summar",
        "passage",
        "review",
        "option",
        "sentence",
        "headline",
        "given ",
        "?",
    ];
    passage.len() < 200 || words.iter().any(|word| lower.contains(word))
}

/// The beginning of a text, at most `most` bytes of it.
pub fn clipped(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
