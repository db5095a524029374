//! `castellan detect`: analytics rules, checked, tested and run.

mod check;
mod coverage;
pub(crate) mod events;
mod fixtures;
pub(crate) mod run;
mod sigma;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use castellan_base::{Diagnostic, Level, Sources, System};
use castellan_detect::asim::{Functions, read_folder};
use castellan_detect::check::Schemas;
use castellan_detect::rule::Rule;
use castellan_detect::rule::read::Loaded;
use castellan_detect::sigma::LogSources;
use serde_json::{Value, json};

use crate::Ending;
use crate::arguments::{DetectArguments, DetectCommand, DetectFormat, RulesArguments};
use crate::estate::report;
use crate::output::{stdout_is_terminal, to_stdout};
use crate::runtime;

pub(crate) fn run(arguments: &DetectArguments, system: &dyn System) -> Result<Ending> {
    runtime::working()?.block_on(async {
        match &arguments.command {
            DetectCommand::Check(arguments) => check::run(arguments, system).await,
            DetectCommand::Test(arguments) => fixtures::run(arguments, system).await,
            DetectCommand::Coverage(arguments) => coverage::run(arguments, system),
            DetectCommand::Run(arguments) => run::once(arguments, system).await,
            DetectCommand::Backtest(arguments) => run::backtest(arguments, system).await,
            DetectCommand::Sigma { file } => sigma::run(file, system),
        }
    })
}

/// Rules, and what they are checked against.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) rules: Vec<Rule>,
    pub(crate) functions: Functions,
    pub(crate) schemas: Schemas,
    pub(crate) sources: Sources,
    /// What is wrong with files and with what could not be read of them.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Read {
    /// Reads functions and rules.
    ///
    /// Errors: a path at which there is nothing.
    pub(crate) fn open(rules: &[PathBuf], functions: Option<&Path>, system: &dyn System) -> Result<Read> {
        let mut read = Read::default();
        if let Some(folder) = functions {
            must_exist(folder, system)?;
            read.functions = read_folder(folder, system, &mut read.sources);
            read.functions.add_to_schemas(&mut read.schemas);
            read.diagnostics.append(&mut read.functions.diagnostics);
        }
        for path in rules {
            must_exist(path, system)?;
            let Loaded { rules, diagnostics } = castellan_detect::load(
                path,
                system,
                LogSources::built_in(),
                &read.schemas,
                &mut read.sources,
            );
            read.rules.extend(rules);
            read.diagnostics.extend(diagnostics);
        }
        Ok(read)
    }

    /// Takes the rules that are built in.
    pub(crate) fn built_in(&mut self) {
        let Loaded { rules, diagnostics } = castellan_detect::content::built_in(&mut self.sources);
        self.rules.extend(rules);
        self.diagnostics.extend(diagnostics);
    }

    /// Leaves out the fixtures of rules, which only those need who test them: they are larger than all the rest of the rules.
    pub(crate) fn forget_fixtures(&mut self) {
        self.rules.iter_mut().for_each(|rule| rule.fixtures = Arc::default());
    }

    /// Tells what is wrong with files; without warnings and notes where they are not wanted.
    pub(crate) fn tell(&self, quiet: bool) {
        let wanted = self.diagnostics.iter().filter(|found| !quiet || found.level == Level::Error);
        report(&wanted.cloned().collect::<Vec<_>>(), &self.sources);
    }

    /// Whether something of the files was left out.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|found| found.level == Level::Error)
    }
}

fn must_exist(path: &Path, system: &dyn System) -> Result<()> {
    if !system.exists(path) {
        bail!("there is no `{}`; name files and folders", path.display());
    }
    Ok(())
}

/// The rules of a command; nothing where there are none, which was told.
fn open(arguments: &RulesArguments, system: &dyn System) -> Result<Option<Read>> {
    let read = Read::open(&arguments.rules, arguments.functions.as_deref(), system)?;
    if read.rules.is_empty() {
        read.tell(arguments.quiet);
        crate::output::complain("error: there is no rule; see `castellan detect --help` for what is read");
        return Ok(None);
    }
    Ok(Some(read))
}

/// The format that is asked for, or that fits whoever reads.
fn format(arguments: &RulesArguments) -> DetectFormat {
    let usual = if stdout_is_terminal() { DetectFormat::Table } else { DetectFormat::Json };
    arguments.format.unwrap_or(usual)
}

pub(crate) fn print(value: &Value) -> Result<()> {
    to_stdout((serde_json::to_string_pretty(value)? + "\n").as_bytes())
}

pub(crate) fn print_lines(values: &[Value]) -> Result<()> {
    let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
    to_stdout(lines.as_bytes())
}

/// A message with its place.
fn diagnostic_json(found: &Diagnostic, sources: &Sources) -> Value {
    let place = sources.locate(found.span).map(|place| {
        json!({"file": &*place.file, "line": place.line, "column": place.column,
            "endLine": place.end_line, "endColumn": place.end_column})
    });
    json!({"level": found.level, "message": found.message, "help": found.help, "place": place})
}

/// Exit code 1 when something is wrong.
fn ending(is_wrong: bool) -> Ending {
    if is_wrong { Ending::Findings } else { Ending::Fine }
}
