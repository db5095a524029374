//! Training, evaluation and the model card.
//!
//! [`run`] reads the corpora, the cases and the grammars, trains, evaluates on sources that were left out, and gives the
//! bytes of the weights and of `docs/shield-model-card.md`. The same input gives the same bytes.

pub mod attack;
mod card;
mod combine;
pub mod corpus;
pub mod evade;
pub mod folds;
pub mod generate;
pub mod harm;
pub mod measure;
mod report;
mod salad;
mod sentences;
pub mod windows;

use std::io;
use std::path::Path;

use castellan_base::System;

use crate::harm::Terms;
use crate::model::learn::Settings;
use crate::rules::Rules;
use crate::shield::{Shield, ShieldError, read_folder, read_rules, read_terms};
use corpus::Text;
use generate::Pools;
use generate::embed::Instruction;
use generate::grammar::{self, Grammar};

/// Seed of everything that is made.
const SEED: u64 = 1;
/// Documents with and without instructions that are made in each fold, and suffixes.
const DOCUMENTS: usize = 900;
const SUFFIXES: usize = 360;
/// Texts of each kind that say next to nothing, a fold.
const SIMPLE: usize = 120;
/// Attacks that people type and that are put into documents as well.
const TYPED: [&str; 2] = ["made override", "made prompt extraction"];

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Rules, terms or weights have faults.
    #[error(transparent)]
    Shield(#[from] ShieldError),
    /// A grammar has a fault.
    #[error("the grammars have a fault: {0}")]
    Grammar(String),
    /// There is nothing to learn from.
    #[error("the settings of training are out of range")]
    Settings,
}

/// What training gives.
#[derive(Debug)]
pub struct Outcome {
    /// The file of weights.
    pub weights: Vec<u8>,
    /// The model card, in Markdown.
    pub card: String,
}

/// Trains and evaluates. `corpora` is the folder of `attack_train.jsonl`, `content` that of rules, terms, grammars and
/// cases; `tell` hears how far it is.
pub fn run(
    system: &dyn System,
    corpora: &Path,
    content: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<Outcome, TrainError> {
    let rules = read_rules(system, &content.join("rules"))?;
    let terms = read_terms(system, &content.join("terms/terms.yaml"))?;
    let found = texts(system, corpora, content, &rules)?;
    let graded = harm::read(system, corpora, &content.join("cases/harm"), &found)?;
    let prepared = attack::prepare(found);
    let trained = attack::train(&prepared, &rules, &attack::settings(), tell).ok_or(TrainError::Settings)?;
    tell("harms");
    let harms = Settings { caution: 3.0, epochs: 4, sources: 3, ..Settings::default() };
    let (harm_model, harm_logits) = harm::train(&graded, &terms, &harms).ok_or(TrainError::Settings)?;
    tell("evaluating");
    let shield = Shield::new(rules, terms, trained.model.clone(), harm_model.clone());
    let file = shield.weights().map_err(ShieldError::from)?;
    // What is evaluated is what was written: quantised, and read again.
    let (rules, terms) = reread(system, content)?;
    let shield = Shield::from_weights(&file, rules, terms)?;
    let report = report::Report::new(&prepared, &trained, &graded, &harm_logits, &harm_model, &shield);
    Ok(Outcome { card: card::write(&report, file.len()), weights: file })
}

fn reread(system: &dyn System, content: &Path) -> Result<(Rules, Terms), ShieldError> {
    Ok((read_rules(system, &content.join("rules"))?, read_terms(system, &content.join("terms/terms.yaml"))?))
}

/// All texts about attacks: collected, written and made.
pub fn texts(
    system: &dyn System,
    corpora: &Path,
    content: &Path,
    rules: &Rules,
) -> Result<Vec<Text>, TrainError> {
    let mut texts = corpus::attacks(system, corpora)?;
    texts.retain(|text| text.kind != "system prompt" || !is_jailbreak(text, rules));
    texts.extend(corpus::harmful_requests(system, corpora)?);
    texts.extend(corpus::cases(system, &content.join("cases/attack"))?);
    let mut grammars: Vec<Grammar> = Vec::new();
    for (name, text) in read_folder(system, &content.join("grammars"))? {
        let read = grammar::read(&name, &text)
            .map_err(|fault| TrainError::Grammar(format!("{name}: {}", fault.message)))?;
        grammars.extend(read);
    }
    let mut made = Vec::new();
    for fold in 0..folds::FOLDS {
        made.extend(made_in(&Pools::of(fold, &texts), &grammars));
    }
    texts.extend(made);
    Ok(texts)
}

/// Some collections of system prompts hold jailbreaks that are offered as assistants; they are no harmless texts.
fn is_jailbreak(text: &Text, rules: &Rules) -> bool {
    let hits = rules.find(&text.text, false).hits;
    hits.iter().any(|hit| rules.rules.get(hit.rule).is_some_and(|rule| rule.weight >= 2.0))
}

/// What is made of the texts of one fold.
fn made_in(pools: &Pools, grammars: &[Grammar]) -> Vec<Text> {
    let mut made: Vec<Text> = grammars.iter().flat_map(|grammar| grammar.texts(pools, SEED)).collect();
    let for_content = made.iter().filter(|text| text.user.is_none() && text.document == Some(true));
    let mut instructions: Vec<Instruction> =
        for_content.map(|text| (text.text.clone(), text.subtype.clone())).collect();
    let requests = pools.requests.iter().take(instructions.len() * 5 / 4);
    let typed = made.iter().filter(|text| TYPED.contains(&text.kind.as_str())).take(instructions.len() / 4);
    instructions.extend(typed.map(|text| (text.text.clone(), text.subtype.clone())));
    instructions.extend(requests.map(|request| (request.clone(), Some("manipulated_content".to_owned()))));
    made.extend(generate::embed::texts(&instructions, pools, DOCUMENTS, SEED));
    made.extend(generate::suffix::texts(pools, SUFFIXES, SEED));
    made.extend(generate::simple::texts(pools, SIMPLE, SEED));
    made.extend(evade::harmless(pools, SEED));
    made
}
