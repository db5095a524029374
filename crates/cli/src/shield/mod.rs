//! `castellan shield`: prompt attacks and harmful content.

mod picture;

use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_shield::attack::Verdict;
use castellan_shield::harm::Harms;
use castellan_shield::model::calibration::OperatingPoint;
use castellan_shield::{Shield, batch};

use crate::arguments::{ShieldArguments, ShieldFormat};
use crate::output::{read_text, stdin_text, stdout_is_terminal, to_stdout, width};
use crate::{Ending, lines};

/// Largest text, in bytes.
const LARGEST: u64 = 64 << 20;

pub(crate) fn run(arguments: &ShieldArguments, system: &dyn System) -> Result<Ending> {
    let shield = Shield::builtin().context("the shield in this program cannot be used")?;
    let point: OperatingPoint = arguments.false_alarms.into();
    if let Some(file) = &arguments.batch {
        return lines::run(file, |line| batch::line(&shield, point, line));
    }
    let text = text(arguments.input.as_deref().unwrap_or("-"), system)?;
    let verdict = shield.attack_at(&text, arguments.source.into(), point);
    let harms = shield.harm(&text);
    let format = arguments.format.unwrap_or(match stdout_is_terminal() {
        true => ShieldFormat::Text,
        false => ShieldFormat::Json,
    });
    let told = match format {
        ShieldFormat::Text => picture::draw(&text, &verdict, &harms, width(system)),
        ShieldFormat::Json => json(&text, &verdict, &harms)?,
    };
    to_stdout(told.as_bytes())?;
    let worst = harms.all().iter().map(|harm| harm.severity).max().unwrap_or(0);
    let fails = arguments.fail_on_attack && verdict.detected
        || arguments.fail_on_severity.is_some_and(|least| worst >= least);
    Ok(if fails { Ending::Findings } else { Ending::Fine })
}

/// What was named: standard input, a file that is there, or the text itself.
fn text(input: &str, system: &dyn System) -> Result<String> {
    match input {
        "-" => stdin_text(LARGEST),
        _ if Path::new(input).is_file() => read_text(Path::new(input), LARGEST, system),
        _ => Ok(input.to_owned()),
    }
}

fn json(text: &str, verdict: &Verdict, harms: &Harms) -> Result<String> {
    let mut told = serde_json::to_string_pretty(&batch::judged(text, verdict, harms))?;
    told.push('\n');
    Ok(told)
}
