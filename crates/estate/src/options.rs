//! What a scan is told.

use std::path::PathBuf;

use castellan_arm::DeploymentContext;
use castellan_base::{Limits, Ticks};

use crate::catalogue::ModelCatalogue;

/// Settings of [`crate::read`].
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// What is known of the deployment that templates are meant for.
    pub context: DeploymentContext,
    /// Bounds for each file.
    pub limits: Limits,
    /// Most files that are looked at; the rest is reported as left out.
    pub files: usize,
    /// Most bytes that are read in all.
    pub total_bytes: u64,
    /// Parameters files named by the user. They apply to every template whose parameters they name, before any that lie
    /// beside a template.
    pub parameters_files: Vec<PathBuf>,
    /// The time that lifecycles are judged at.
    pub now: Ticks,
    /// Lifecycles and retirement dates of models.
    pub catalogue: ModelCatalogue,
}

impl Default for ScanOptions {
    /// Nothing known of the deployment, no catalogue, 50,000 files and 4 GiB at most, and a clock at the beginning of
    /// time, by which no model has retired.
    fn default() -> Self {
        ScanOptions {
            context: DeploymentContext::default(),
            limits: Limits::default(),
            files: 50_000,
            total_bytes: 4 << 30,
            parameters_files: Vec::new(),
            now: Ticks::MIN,
            catalogue: ModelCatalogue::default(),
        }
    }
}

/// Told how a long piece of work gets on.
pub trait Progress: Sync {
    /// `done` of `total` steps are finished (`None`: nobody knows how many there are); `what` names the current one.
    fn step(&self, done: usize, total: Option<usize>, what: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _done: usize, _total: Option<usize>, _what: &str) {}
}
