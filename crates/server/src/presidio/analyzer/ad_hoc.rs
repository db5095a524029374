//! Recognisers that come with a request: expressions, lists of words, and words that make a match surer.
//!
//! Their expressions are Python's, so they are run as such ([`python`]) rather than as a detector's: where a match ends,
//! and what a letter is, differ between the two.

use std::time::{Duration, Instant};

use regex::Regex;
use serde::Deserialize;

use crate::Refusal;
use crate::presidio::analyzer::answer::Found;
use crate::presidio::analyzer::explain::Explanation;
use crate::presidio::analyzer::{Name, RESULTS, python};

/// Most recognisers in a request, and most expressions of all of them.
const RECOGNIZERS: usize = 64;
const PATTERNS: usize = 64;

/// Most words in a list, and longest word in bytes.
const WORDS: usize = 2_048;
const LONGEST_WORD: usize = 256;

/// What a word of context adds to a score, and the least that it comes to then.
const CONTEXT_ADDS: f64 = 0.35;
const LEAST_WITH_CONTEXT: f64 = 0.4;

/// How many words before a match may be words of context.
const WORDS_BEFORE: usize = 5;

/// How long all ad hoc recognisers of a request may take.
const TIME: Duration = Duration::from_secs(10);

/// A recogniser as it was sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::presidio) struct Recognizer {
    name: Option<String>,
    supported_entity: Option<String>,
    supported_entities: Option<Vec<String>>,
    supported_language: Option<String>,
    patterns: Option<Vec<Pattern>>,
    deny_list: Option<Vec<String>>,
    deny_list_score: Option<f64>,
    context: Option<Vec<String>>,
    global_regex_flags: Option<u32>,
    #[serde(rename = "version")]
    _version: Option<String>,
    #[serde(rename = "country_code")]
    _country_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    name: String,
    regex: String,
    score: f64,
}

/// A recogniser, ready to run.
pub(super) struct AdHoc {
    pub(super) entity: Name,
    name: String,
    patterns: Vec<Compiled>,
    context: Vec<String>,
    flags: u32,
}

struct Compiled {
    name: String,
    source: String,
    expression: Regex,
    score: f64,
}

/// When a request has taken too long.
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn start() -> Deadline {
        Deadline(Instant::now() + TIME)
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.0
    }
}

/// The recognisers for a language.
pub(super) fn read(sent: Vec<Recognizer>, language: &str) -> Result<Vec<AdHoc>, Refusal> {
    let patterns = sent.iter().map(|it| it.patterns.as_ref().map_or(0, Vec::len) + 1).sum::<usize>();
    if sent.len() > RECOGNIZERS || patterns > PATTERNS + sent.len() {
        let message = format!("there are more than {RECOGNIZERS} ad hoc recognisers or {PATTERNS} patterns");
        return Err(Refusal::bad(message));
    }
    let mut read = Vec::with_capacity(sent.len());
    for recognizer in sent {
        let own = recognizer.supported_language.as_deref().unwrap_or("en") == language;
        let ready = recognizer.ready().map_err(Refusal::bad)?;
        if own {
            read.push(ready);
        }
    }
    Ok(read)
}

impl Recognizer {
    fn ready(self) -> Result<AdHoc, String> {
        let name = self.name.unwrap_or_else(|| "PatternRecognizer".to_owned());
        let wrong = |reason: String| format!("the ad hoc recogniser `{name}`: {reason}");
        let entity = match (self.supported_entity, self.supported_entities) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "it has `supported_entity` and `supported_entities`; leave one out".to_owned(),
                ));
            }
            (Some(entity), None) => Some(entity),
            (None, entities) => entities.unwrap_or_default().into_iter().next(),
        };
        let entity = entity.filter(|entity| !entity.is_empty());
        let entity = entity.ok_or_else(|| wrong("it has no `supported_entity`".to_owned()))?;
        let flags = self.global_regex_flags.unwrap_or(python::USUAL_FLAGS);
        let mut patterns = Vec::new();
        for pattern in self.patterns.unwrap_or_default() {
            patterns.push(pattern.compiled(flags).map_err(&wrong)?);
        }
        if let Some(words) = self.deny_list.filter(|words| !words.is_empty()) {
            patterns.push(deny_list(&words, self.deny_list_score.unwrap_or(1.0), flags).map_err(&wrong)?);
        }
        if patterns.is_empty() {
            return Err(wrong("it has neither `patterns` nor `deny_list`".to_owned()));
        }
        let context = self.context.unwrap_or_default();
        within(&context).map_err(&wrong)?;
        let context =
            context.iter().filter(|word| !word.is_empty()).map(|word| word.to_lowercase()).collect();
        Ok(AdHoc { entity: entity.into(), name, patterns, context, flags })
    }
}

impl Pattern {
    fn compiled(self, flags: u32) -> Result<Compiled, String> {
        let wrong = |reason: String| format!("the pattern `{}`: {reason}", self.name);
        let score = scored(self.score).map_err(wrong)?;
        let expression = python::compile(&self.regex, flags).map_err(wrong)?;
        Ok(Compiled { name: self.name, source: self.regex, expression, score })
    }
}

fn scored(score: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&score) { Ok(score) } else { Err("its score is not from 0 to 1".to_owned()) }
}

fn within(words: &[String]) -> Result<(), String> {
    if words.len() > WORDS || words.iter().any(|word| word.len() > LONGEST_WORD) {
        return Err(format!("a list has more than {WORDS} words, or one of more than {LONGEST_WORD} bytes"));
    }
    Ok(())
}

/// The words of a list, where no further letter, digit or `_` touches them; of those at one place, the first in the list.
fn deny_list(words: &[String], score: f64, flags: u32) -> Result<Compiled, String> {
    within(words)?;
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    let source = format!(r"\b{{start-half}}(?:{})\b{{end-half}}", words.join("|"));
    let expression = python::compile_own(&source, flags)?;
    Ok(Compiled { name: "deny_list".to_owned(), source, expression, score: scored(score)? })
}

impl AdHoc {
    /// Adds what it finds.
    pub(super) fn find(
        &self,
        text: &str,
        asked_context: &[String],
        deadline: &Deadline,
        explains: bool,
        found: &mut Vec<Found>,
    ) -> Result<(), Refusal> {
        for pattern in &self.patterns {
            let mut place = (0, 0);
            for matched in pattern.expression.find_iter(text).filter(|matched| !matched.is_empty()) {
                if deadline.is_over() {
                    let message =
                        "the ad hoc recognisers take too long; send less text, or simpler expressions";
                    return Err(Refusal::bad(message));
                }
                if found.len() > RESULTS {
                    return Ok(());
                }
                let word = self.context_word(text.get(..matched.start()).unwrap_or_default(), asked_context);
                let score = raised(pattern.score, word.is_some());
                let start = characters(text, &mut place, matched.start());
                let end = characters(text, &mut place, matched.end());
                let explanation = explains.then(|| self.explain(pattern, score, word.unwrap_or_default()));
                found.push(Found {
                    analysis_explanation: explanation,
                    entity_type: self.entity.clone(),
                    start,
                    end,
                    score,
                });
            }
        }
        Ok(())
    }

    /// The first of the words before a match, or of those that the request has for all texts, that holds a word of the
    /// recogniser's context.
    fn context_word(&self, before: &str, asked: &[String]) -> Option<String> {
        if self.context.is_empty() {
            return None;
        }
        let words = before.rsplit(|character: char| !character.is_alphanumeric() && character != '_');
        let near: Vec<&str> = words.filter(|word| !word.is_empty()).take(WORDS_BEFORE).collect();
        let all = near.into_iter().rev().chain(asked.iter().map(String::as_str)).map(str::to_lowercase);
        let holding = |word: String| self.context.iter().find(|term| word.contains(term.as_str())).cloned();
        all.filter_map(holding).next()
    }

    fn explain(&self, pattern: &Compiled, score: f64, word: String) -> Explanation {
        Explanation {
            original_score: pattern.score,
            pattern: Some(pattern.source.clone()),
            pattern_name: Some(pattern.name.clone()),
            recognizer: self.name.clone(),
            regex_flags: Some(self.flags),
            score,
            score_context_improvement: score - pattern.score,
            supportive_context_word: word,
            textual_explanation: format!("Detected by `{}` using pattern `{}`", self.name, pattern.name),
            validation_result: None,
        }
    }
}

fn raised(score: f64, with_context: bool) -> f64 {
    if with_context { (score + CONTEXT_ADDS).clamp(LEAST_WITH_CONTEXT, 1.0) } else { score }
}

/// The place of a byte in code points. `last` is a place, in bytes and in code points, that is not behind it.
fn characters(text: &str, last: &mut (usize, usize), byte: usize) -> usize {
    let between = text.get(last.0..byte).unwrap_or_default();
    *last = (byte, last.1 + between.chars().count());
    last.1
}
