//! `castellan shield`: prompt attacks, harmful content, copied texts, categories of one's own.

mod category;
mod index;
mod picture;

use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_encoder::Setting;
use castellan_shield::Shield;
use castellan_shield::batch::{Filter, Judgement};
use castellan_shield::harm::Category;
use castellan_shield::second::Grey;

use crate::arguments::{ShieldArguments, ShieldCommand, ShieldFormat};
use crate::output::{read_text, stdin_text, stdout_is_terminal, to_stdout, width};
use crate::{Ending, lines};

pub(crate) use index::open as open_protected;

/// Largest text, in bytes.
const LARGEST: u64 = 64 << 20;

pub(crate) fn run(arguments: &ShieldArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        Some(ShieldCommand::Index(arguments)) => return index::run(arguments, system),
        Some(ShieldCommand::Category(command)) => return category::run(command, system),
        None => {}
    }
    let model = arguments.model.as_deref();
    let shield = with_model(model, arguments.grey, &arguments.attack_label, system)?;
    let protected = open_protected(&arguments.protected, arguments.protected_keys.as_deref(), system)?;
    let categories = category::open(&arguments.category, system)?;
    let point = arguments.false_alarms.into();
    let filter = Filter::new(&shield).at(point).protected(&protected).categories(&categories);
    if let Some(file) = &arguments.batch {
        return lines::run(file, |line| filter.line(line));
    }
    let text = text(arguments.input.as_deref().unwrap_or("-"), system)?;
    let judgement = filter.judge(&text, arguments.source.into());
    let told = match format(arguments.format) {
        ShieldFormat::Text => picture::draw(&text, &judgement, width(system)),
        ShieldFormat::Json => json(&judgement.told(&text).into())?,
    };
    to_stdout(told.as_bytes())?;
    Ok(if fails(&judgement, arguments) { Ending::Findings } else { Ending::Fine })
}

/// The shield of this program, with a model as its second tier where one is named.
pub(crate) fn with_model(
    model: Option<&Path>,
    grey: Option<Grey>,
    attack_labels: &[String],
    system: &dyn System,
) -> Result<Shield> {
    let shield = Shield::builtin().context("the shield in this program cannot be used")?;
    let Some(model) = model else { return Ok(shield) };
    let attack_labels = attack_labels.to_vec();
    let setting = Setting { grey: grey.unwrap_or_default(), attack_labels, ..Setting::new(model) };
    let second = setting.second(system).context("the model cannot be used as a second tier")?;
    Ok(shield.with_second(second))
}

fn fails(judgement: &Judgement<'_>, arguments: &ShieldArguments) -> bool {
    let worst = judgement.harms.all().iter().map(|harm| harm.severity).max().unwrap_or(0);
    let copied = judgement.protected.as_ref().is_some_and(|found| !found.runs.is_empty());
    let belongs = judgement.categories.iter().any(|(_, probability)| *probability >= Category::BELONGS);
    let verdict = &judgement.verdict;
    arguments.fail_on_attack && (verdict.detected || verdict.is_undecided())
        || arguments.fail_on_severity.is_some_and(|least| worst >= least)
        || arguments.fail_on_match && (copied || belongs)
}

/// What was asked for, or what whoever reads standard output needs.
fn format(asked: Option<ShieldFormat>) -> ShieldFormat {
    asked.unwrap_or(match stdout_is_terminal() {
        true => ShieldFormat::Text,
        false => ShieldFormat::Json,
    })
}

/// What was named: standard input, a file that is there, or the text itself.
fn text(input: &str, system: &dyn System) -> Result<String> {
    match input {
        "-" => stdin_text(LARGEST),
        _ if Path::new(input).is_file() => read_text(Path::new(input), LARGEST, system),
        _ => Ok(input.to_owned()),
    }
}

/// A file of lines, or standard input.
fn file_text(path: &Path, system: &dyn System) -> Result<String> {
    if path == Path::new("-") { stdin_text(LARGEST) } else { read_text(path, LARGEST, system) }
}

fn json(told: &serde_json::Value) -> Result<String> {
    let mut told = serde_json::to_string_pretty(told)?;
    told.push('\n');
    Ok(told)
}
