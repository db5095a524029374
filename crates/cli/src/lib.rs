//! The face on the command line: arguments in, reports and exit codes out.
//!
//! [`arguments`] says what can be typed; a module a command does it. Meaning lives on the floors below: `scan` reads an
//! estate, judges it and hands the result to a report writer.
//!
//! ```
//! use castellan_base::OsSystem;
//!
//! // The exit code of `castellan --version` is 0.
//! let code = castellan_cli::run(["castellan", "--version"], &OsSystem);
//! assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
//! ```

use std::ffi::OsString;
use std::process::ExitCode;

use castellan_base::System;
use clap::{CommandFactory, Parser};

pub mod arguments;
mod backup;
mod baseline;
mod bom;
mod classify;
mod content;
mod detect;
mod doctor;
mod estate;
mod fixes;
mod gate;
mod incident;
mod intel;
mod keys;
mod lake;
mod lines;
mod output;
mod playbook;
mod policy;
mod progress;
mod query;
pub mod reference;
mod runtime;
mod scan;
mod shield;
mod survey;
mod tables;
mod texts;
mod up;
mod walk;

use arguments::{Cli, Command};

/// How a command ended when nothing went wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Exit code 0.
    Fine,
    /// Exit code 1: findings at or above `--fail-on`.
    Findings,
    /// Exit code 2: nothing of the input could be used, as the messages said.
    BadInput,
}

/// Runs one command line. Never panics; prints errors to standard error.
///
/// Exit codes: 0 fine, 1 findings at or above `--fail-on`, 2 wrong usage or input.
pub fn run<I, T>(command_line: I, system: &dyn System) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(command_line) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and a closed pipe is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let result = match &cli.command {
        Command::Scan(arguments) => scan::run(arguments, system),
        Command::Policy(arguments) => policy::run(arguments, system),
        Command::Bom(arguments) => bom::run(arguments, system),
        Command::Query(arguments) => query::run(arguments, system),
        Command::Classify(arguments) => classify::run(arguments, system),
        Command::Shield(arguments) => shield::run(arguments, system),
        Command::Ingest(arguments) => lake::ingest(arguments, system),
        Command::Lake(arguments) => lake::run(arguments, system),
        Command::Detect(arguments) => detect::run(arguments, system),
        Command::Baseline(arguments) => baseline::run(arguments, system),
        Command::Intel(arguments) => intel::run(arguments, system),
        Command::Incident(arguments) => incident::run(arguments, system),
        Command::Playbook(arguments) => playbook::run(arguments, system),
        Command::Gate(arguments) => gate::run(arguments, system),
        Command::Up(arguments) => up::run(arguments, system),
        Command::Doctor(arguments) => doctor::run(arguments, system),
        Command::Backup(arguments) => backup::back_up(arguments, system),
        Command::Restore(arguments) => backup::restore(arguments, system),
        Command::Content(arguments) => content::run(arguments, system),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "castellan", &mut script);
            output::to_stdout(&script).map(|()| Ending::Fine)
        }
    };
    match result {
        Ok(Ending::Fine) => ExitCode::SUCCESS,
        Ok(Ending::Findings) => ExitCode::from(1),
        Ok(Ending::BadInput) => ExitCode::from(2),
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
