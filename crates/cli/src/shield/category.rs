//! `castellan shield category`: categories of one's own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_shield::batch;
use castellan_shield::harm::{Category, Examples, NamedCategory};
use serde_json::{Map, Value as Json, json};

use super::{file_text, format, json, text};
use crate::arguments::{CategoryCommand, CategoryJudgeArguments, CategoryTrainArguments, ShieldFormat};
use crate::output::{complain, inert_lines, to_stdout, write_file};
use crate::{Ending, lines};

/// Largest file of a category, in bytes.
const LARGEST: u64 = 4 << 20;

pub(super) fn run(command: &CategoryCommand, system: &dyn System) -> Result<Ending> {
    match command {
        CategoryCommand::Train(arguments) => train(arguments, system),
        CategoryCommand::Judge(arguments) => judge(arguments, system),
    }
}

/// The categories of files.
pub(super) fn open(files: &[PathBuf], system: &dyn System) -> Result<Vec<NamedCategory>> {
    files.iter().map(|file| read(file, system)).collect()
}

fn read(file: &Path, system: &dyn System) -> Result<NamedCategory> {
    let shown = file.display();
    let bytes = system.read(file, LARGEST).with_context(|| format!("cannot read `{shown}`"))?;
    NamedCategory::from_bytes(&bytes)
        .with_context(|| format!("`{shown}`; `castellan shield category train` makes one"))
}

fn train(arguments: &CategoryTrainArguments, system: &dyn System) -> Result<Ending> {
    let shown = arguments.examples.display();
    let lines = file_text(&arguments.examples, system)?;
    let examples = Examples::read(&lines).with_context(|| format!("`{shown}`"))?;
    let trained = NamedCategory::train(&arguments.name, &arguments.definition, &examples)?;
    write_file(system, &arguments.output, &trained.to_bytes()?)?;
    let held_out = trained.category().held_out();
    complain(&format!(
        "`{}`: {} of {} that belong were found, and {} of {} that do not were mistaken, by models that had not seen them",
        trained.name(),
        held_out.found,
        held_out.positive,
        held_out.mistaken,
        held_out.negative,
    ));
    Ok(Ending::Fine)
}

fn judge(arguments: &CategoryJudgeArguments, system: &dyn System) -> Result<Ending> {
    let categories = open(&arguments.category, system)?;
    if let Some(file) = &arguments.batch {
        return lines::run(file, |line| {
            batch::answer(line, |_, text| {
                Ok(Map::from_iter([("categories".to_owned(), object(&judged(&categories, text)).into())]))
            })
        });
    }
    let text = text(arguments.input.as_deref().unwrap_or("-"), system)?;
    let judged = judged(&categories, &text);
    let told = match format(arguments.format) {
        ShieldFormat::Json => json(&object(&judged).into())?,
        ShieldFormat::Text => judged.iter().map(line).collect(),
    };
    to_stdout(told.as_bytes())?;
    let belongs = judged.iter().any(|(_, probability)| *probability >= Category::BELONGS);
    Ok(if arguments.fail_on_match && belongs { Ending::Findings } else { Ending::Fine })
}

fn judged<'a>(categories: &'a [NamedCategory], text: &str) -> Vec<(&'a NamedCategory, f32)> {
    categories.iter().map(|named| (named, named.category().probability(text))).collect()
}

fn object(judged: &[(&NamedCategory, f32)]) -> Map<String, Json> {
    let one = |(named, probability): &(&NamedCategory, f32)| {
        let told = json!({ "detected": *probability >= Category::BELONGS, "score": probability });
        (named.name().to_owned(), told)
    };
    judged.iter().map(one).collect()
}

/// A line for people.
pub(super) fn line((named, probability): &(&NamedCategory, f32)) -> String {
    let sign = if *probability >= Category::BELONGS { "belongs to" } else { "not of" };
    format!("{sign} category {}: probability {:.1} %\n", inert_lines(named.name()), probability * 100.0)
}
