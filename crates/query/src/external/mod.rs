//! `externaldata`: tables from files elsewhere.
//!
//! A query is written by somebody else, and must not make the machine that runs it read what only that machine can reach.
//! So nothing is read unless it was allowed ([`External::allow`]), and then:
//!
//! - over https alone, from the hosts and below the paths that were allowed, redirects included;
//! - from public addresses alone: a name is resolved, every address that it has is looked at ([`address`]), and the
//!   connection goes to just those, so that a second answer of the name server cannot lead elsewhere. No proxy is used,
//!   which would resolve the name itself;
//! - within bounds on size, before and after unpacking, and on time;
//! - without credentials of any kind, and never from files: a path is no URL.

mod address;
mod fetch;
mod format;
mod permit;
mod read;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use castellan_kql::Value;
use castellan_kql::plan::Field as Column;
use tokio::sync::Mutex;

use crate::Error;
use crate::tables::Table;
pub use address::is_public;
pub(crate) use fetch::Network;
use format::Format;
use permit::Permit;

/// What `externaldata` may read.
#[derive(Clone, Debug)]
pub struct External {
    /// Hosts (`example.com`, `*.example.com`) and beginnings of addresses (`https://example.com/lists/`). Nothing is read
    /// where this is empty.
    pub allow: Vec<String>,
    /// The most bytes of a file, packed and unpacked.
    pub bytes: u64,
    /// How long a file may take. The query's own time goes on meanwhile.
    pub time: Duration,
}

impl Default for External {
    /// Nothing; 100 MiB and a minute where something is allowed.
    fn default() -> External {
        External { allow: Vec::new(), bytes: 100 << 20, time: Duration::from_mins(1) }
    }
}

/// The most files of one `externaldata`.
const MAX_FILES: usize = 100;

/// Reads files from elsewhere for one query, each once.
#[derive(Debug)]
pub(crate) struct Loader {
    settings: External,
    network: Network,
    loaded: Mutex<HashMap<String, Arc<Vec<u8>>>>,
}

impl Loader {
    pub(crate) fn new(settings: External, network: Network) -> Loader {
        Loader { settings, network, loaded: Mutex::default() }
    }

    /// The tables of the files, in their order.
    ///
    /// Errors: what is not allowed, cannot be reached, is too large, or is not of the form that it should have.
    pub(crate) async fn tables(
        &self,
        sources: &[Arc<str>],
        properties: &[(Arc<str>, Value)],
        columns: &[Column],
    ) -> Result<Vec<Table>, Error> {
        let permit = Permit::new(&self.settings.allow)?;
        if sources.len() > MAX_FILES {
            return Err(refused(format!("`externaldata` reads at most {MAX_FILES} files")));
        }
        let mut tables = Vec::with_capacity(sources.len());
        for source in sources {
            let format = Format::of(source, properties)?;
            let bytes = self.bytes(source, &permit).await?;
            let unpacked = read::unpacked(&bytes, self.settings.bytes);
            let unpacked = unpacked.map_err(|error| of_file(source, error))?;
            let table = read::table(&unpacked, format, columns, self.settings.bytes);
            tables.push(table.map_err(|error| of_file(source, error))?);
        }
        Ok(tables)
    }

    async fn bytes(&self, source: &str, permit: &Permit) -> Result<Arc<Vec<u8>>, Error> {
        let mut loaded = self.loaded.lock().await;
        if let Some(bytes) = loaded.get(source) {
            return Ok(Arc::clone(bytes));
        }
        let fetch = fetch::fetch(source, permit, &self.network, &self.settings);
        let bytes = match tokio::time::timeout(self.settings.time, fetch).await {
            Ok(bytes) => Arc::new(bytes?),
            Err(_) => {
                let seconds = self.settings.time.as_secs();
                return Err(of_file(source, failed(format!("it took longer than {seconds} s"))));
            }
        };
        loaded.insert(source.to_owned(), Arc::clone(&bytes));
        Ok(bytes)
    }
}

/// What is not allowed.
fn refused(message: impl Into<String>) -> Error {
    Error::new("external-data", message)
}

/// What did not work.
fn failed(message: impl Into<String>) -> Error {
    Error::new("external-data-failed", message)
}

/// The same with the file that it is about. What stands behind `?` or before `@` may be a secret, and is left out.
fn of_file(source: &str, error: Error) -> Error {
    let shown = source.split(['?', '#', ';']).next().unwrap_or_default();
    let shown = shown.rsplit('@').next().unwrap_or_default();
    Error { message: format!("`{shown}`: {}", error.message), ..error }
}
