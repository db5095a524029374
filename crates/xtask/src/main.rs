//! Repository chores: `cargo xtask tidy` checks the house rules that no compiler knows, `cargo xtask generate` rewrites
//! documentation and tables that are derived, `cargo xtask sample-estate` makes a large estate and `cargo xtask
//! generate-events` many events to measure with. `cargo xtask train-shield` trains what finds attacks and harms, `cargo xtask
//! torture` has the lake crash thousands of times.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod events;
mod generate;
mod kql_coverage;
mod kql_reference;
mod metadata;
mod random;
mod registry;
mod sample;
mod tidy;
mod torture;
mod train_shield;

const USAGE: &str = "usage: cargo xtask tidy | generate | sample-estate COUNT FILE
     | train-shield | torture [SEED] | generate-events --out DIR [--rows N] [--seed S]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["generate"] => generate::write(&root()),
        ["generate-events", options @ ..] => events::run(options),
        ["torture"] => torture::run(&root(), None),
        ["torture", first] => torture::run(&root(), Some(first)),
        ["train-shield"] => train_shield::run(&root()),
        ["sample-estate", count, file] => sample::write(count, file),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The repository's root: two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

#[allow(clippy::print_stderr)] // A chore talks to the person who runs it.
fn say(message: &str) {
    eprintln!("{message}");
}

#[allow(clippy::disallowed_methods)] // Chores read the repository itself; there is no hostile input to bound.
fn read(path: &Path) -> anyhow::Result<String> {
    use anyhow::Context;
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
