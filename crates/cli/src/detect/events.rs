//! The events of a lake, with watchlists and functions, as rules see them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use castellan_base::{System, Ticks};
use castellan_detect::asim::Functions;
use castellan_detect::run::Events;
use castellan_detect::watchlist::{WatchlistError, Watchlists, read_folder};
use castellan_lake::Lake;
use castellan_query::{Engine, Error, Settings};

/// The tables of a lake, and what is laid on top of them.
pub(crate) struct Workspace {
    lake: Arc<Lake>,
    watchlists: Watchlists,
    functions: Functions,
}

impl Workspace {
    /// Over a lake, with the watchlists of a folder.
    ///
    /// Errors: a watchlist that cannot be used.
    pub(crate) fn open(
        lake: Arc<Lake>,
        watchlists: Option<&Path>,
        functions: Functions,
        system: &dyn System,
    ) -> Result<Workspace> {
        // Those that rules of the product read are there, empty, until somebody fills them.
        let mut all = castellan_detect::content::watchlists()?;
        if let Some(folder) = watchlists {
            all.extend(read_folder(folder, system)?);
        }
        all.prepare()?;
        Ok(Workspace { lake, watchlists: all, functions })
    }

    /// Over the same lake, with watchlists and functions that were read again.
    ///
    /// Errors: a watchlist that cannot be used.
    pub(crate) fn again(
        &self,
        watchlists: Option<&Path>,
        functions: Functions,
        system: &dyn System,
    ) -> Result<Workspace> {
        Workspace::open(Arc::clone(&self.lake), watchlists, functions, system)
    }

    /// The lake.
    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Lays watchlists and functions over the tables of an engine.
    ///
    /// Errors: a watchlist that cannot be used.
    pub(crate) fn over(&self, mut engine: Engine) -> std::result::Result<Engine, Error> {
        self.functions.add_to(&mut engine);
        if !self.watchlists.is_empty() {
            let wrong = |error: WatchlistError| Error::new("watchlist", error.to_string());
            self.watchlists.add_to(&mut engine).map_err(wrong)?;
        }
        Ok(engine)
    }

    /// Gives the lake back, to close it.
    pub(crate) fn into_lake(self) -> Option<Lake> {
        Arc::into_inner(self.lake)
    }
}

#[async_trait]
impl Events for Workspace {
    async fn engine(&self, now: Ticks) -> std::result::Result<Engine, Error> {
        self.over(self.lake.engine(Settings { now: Some(now), ..Settings::default() }))
    }
}
