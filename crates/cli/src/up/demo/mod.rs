//! `castellan up --demo`: an invented insurer to look at.
//!
//! Everything is what the product does with real input: the estate is scanned, a week of events is kept in the lake and
//! looked at by the rules that are built in, and traffic goes through a gate, whose decisions raise alerts that an
//! automation rule answers. What is made up is said: the model is a stub that says so, and pages are marked.

mod folder;
mod history;
mod live;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_gateway::stub::{Mode, Options, Script, Stub};
use castellan_server::console::Hub;

use self::folder::{Clients, Folder};
use super::beside;
use super::data::Data;
use super::ways::Ways;
use crate::arguments::UpArguments;
use crate::output::{complain, inert_lines};
use crate::survey::Held;

/// What the stub answers; it is asked by people of an insurer.
const ANSWERS: &str = include_str!("answers.yaml");

/// A demo that was prepared.
pub(super) struct Demo {
    data: Data,
    clients: Clients,
    /// Answers as long as it is there.
    _stub: Stub,
    /// Removed at the end, unless it was named.
    _folder: Folder,
}

impl Demo {
    /// Makes its folder and its stub of a model.
    ///
    /// Errors: a folder that cannot be made, and no free port.
    pub(super) async fn prepare(arguments: &UpArguments, system: &dyn System) -> Result<Demo> {
        let folder = Folder::of(arguments.data.as_deref())?;
        let data = Data::open(folder.path())?;
        let options = Options {
            mode: Mode::Script(Script::read(ANSWERS).context("the answers of the stub")?),
            delay: std::time::Duration::from_millis(60),
            ..Options::default()
        };
        let stub = Stub::bind("127.0.0.1:0".parse()?, options).await.context("the stub of a model")?;
        complain(&format!("the model of the demo is a stub, which is no model: {}", stub.url()));
        let clients = folder::furnish(&data, &stub.url(), arguments, system)?;
        Ok(Demo { data, clients, _stub: stub, _folder: folder })
    }

    /// Where it keeps everything.
    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    /// Tells its week, begins to look at what happens, and lets things happen until its future is dropped.
    ///
    /// Errors: the lake takes nothing, or rules cannot be used.
    pub(super) async fn tell(
        &self,
        arguments: &UpArguments,
        ways: &mut Ways,
        (survey, hub): (&Arc<Held>, &Hub),
        system: &dyn System,
    ) -> Result<()> {
        let (_, address) = ways.opened().context("the demo has no gate")?;
        let (calm, attacks) = live::traffic(&address.to_string(), &self.clients)?;
        let kept = history::keep(ways.lake(), (ways.desk(), ways.board()), system).await?;
        ways.watch(arguments, system).await?;
        complain("demo: rules, playbooks and baselines look at what happens now");
        let past = async {
            if let Some(kept) = kept {
                let told = history::tell(kept, ways.lake(), ways.desk(), ways.board()).await;
                // Live traffic never ends, so that an error is told here; rules that waited for the past run all the same.
                ways.board().rest(BTreeSet::new());
                if let Err(error) = told {
                    complain(&inert_lines(&format!("error: the demo's week cannot be told: {error:#}")));
                }
            }
            // What stands beside the estate has changed: events arrive.
            beside::survey_aside(survey, hub).await;
            Ok(())
        };
        let now = async { tokio::join!(calm, attacks) };
        let (done, _) = tokio::join!(past, now);
        done
    }
}
