//! What the console shows of what `up` runs: the estate, the rules, the installation.

mod estate;
mod rules;
mod settings;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use castellan_server::console::{Estate, Hub, Rules, Settings};

use super::ways::Ways;
use crate::arguments::UpArguments;
use crate::survey::Held;

/// The estate. What is accepted in the console is kept in the data folder.
pub(super) fn estate(data: &Path, survey: &Arc<Held>, hub: &Hub) -> Arc<dyn Estate> {
    let file = data.join("exemptions").join("console.yaml");
    Arc::new(estate::Shown::new(Arc::clone(survey), hub.clone(), file))
}

/// The analytics rules. They are saved where `--analytics` names a folder.
pub(super) fn rules(arguments: &UpArguments, ways: &Ways) -> Option<Arc<dyn Rules>> {
    let path = arguments.analytics.as_deref()?;
    let folder = path.is_dir().then(|| path.to_path_buf());
    Some(Arc::new(rules::Shown::new(Arc::clone(ways.board()), Arc::downgrade(ways.lake()), folder)))
}

/// The installation. Where the server listens is known once it does.
pub(super) fn settings(
    arguments: &UpArguments,
    ways: &Ways,
    listen: Arc<OnceLock<String>>,
) -> Arc<dyn Settings> {
    Arc::new(settings::Shown {
        arguments: arguments.clone(),
        listen,
        gate: ways.opened().map(|(_, address)| address.to_string()),
        lake: Arc::downgrade(ways.lake()),
        board: Arc::clone(ways.board()),
    })
}
