//! `cargo xtask torture`: crashes and failing disks by the thousand, and two million events under a process that is killed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs on a disk that fails.
const RUNS: &str = "3000";
/// Events that are sent while the process is killed ten times.
const EVENTS: &str = "2000000";

/// Runs the tests of the lake that name these numbers. `first` is where the dice begin.
#[allow(clippy::disallowed_methods)] // Cargo is run, as a person would.
pub(crate) fn run(root: &Path, first: Option<&str>) -> Result<()> {
    if let Some(first) = first {
        first.parse::<u64>().context("SEED is a number")?;
    }
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let status = Command::new(cargo)
        .args([
            "test",
            "--package",
            "castellan-lake",
            "--test",
            "it",
            "--locked",
            "--",
            "torture::",
            "killed::counts",
        ])
        .current_dir(root)
        .env("CASTELLAN_TORTURE", RUNS)
        .env("CASTELLAN_TORTURE_SEED", first.unwrap_or("0"))
        .env("CASTELLAN_TORTURE_EVENTS", EVENTS)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "a run failed; the message above names its seed");
    Ok(())
}
