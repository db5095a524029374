//! Baselines while the server is up: each minute what came in since the last.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use castellan_base::System;
use castellan_detect::asim::Functions;
use castellan_lake::Lake;

use super::analytics::told::Told;
use crate::baseline::read_from;
use crate::baseline::work::Baselines;
use crate::detect::events::Workspace;
use crate::output::{complain, inert_lines};

/// How often it is looked what came in.
const EVERY: Duration = Duration::from_secs(60);

/// Definitions that are gone on with.
pub(super) struct Watched {
    baselines: Baselines,
    told: Told,
}

impl Watched {
    /// The built-in definitions, and those of a path on top.
    ///
    /// Errors: a path at which there is nothing, and files of earlier runs that cannot be read.
    pub(super) fn open(definitions: Option<&Path>, lake: Arc<Lake>, system: &dyn System) -> Result<Watched> {
        let read = read_from(definitions, system)?;
        let workspace = Workspace::open(lake, None, Functions::default(), system)?;
        let baselines = Baselines::open(read.definitions, workspace, system.now(), system)?;
        Ok(Watched { baselines, told: Told::default() })
    }

    /// What is told when it starts.
    pub(super) fn describe(&self) -> String {
        self.baselines.describe()
    }

    /// Goes on until it is to end; then what is known is written.
    pub(super) async fn run(mut self, clock: Arc<dyn System>, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        loop {
            let is_more = tokio::select! {
                is_more = self.turn(clock.as_ref()) => is_more,
                // What is cut off is taken in again at the next start.
                () = &mut end => return,
            };
            if is_more {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = &mut end => break,
            }
        }
        if let Err(error) = self.baselines.save_all() {
            complain(&inert_lines(&format!("error: what baselines know cannot be kept: {error:#}")));
        }
    }

    async fn turn(&mut self, clock: &dyn System) -> bool {
        let turned = self.baselines.turn(clock.now()).await;
        turned.told.iter().for_each(|line| complain(&inert_lines(line)));
        let what = |id: &str| format!("the baseline `{id}` cannot go on");
        turned.worked.iter().for_each(|id| self.told.works(&what(id)));
        for (id, why) in &turned.failures {
            self.told.failed(&what(id), why);
        }
        turned.is_more
    }
}
