//! Feeds: fetched, kept, and how far each is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{System, Ticks};
use castellan_intel::config::{Feed, From, TaxiiFeed};
use castellan_intel::import::file;
use castellan_intel::rows::Writing;
use castellan_intel::taxii::{Client, Collection, Options, Position};
use castellan_lake::Lake;
use castellan_stix::list::Made;

use super::FOLDER;
use super::import::{files, later};
use super::kept::{Kept, keep};
use crate::up::kept::{keep as keep_file, read as read_file};

/// The largest file of certificates, in bytes.
const LARGEST: u64 = 4 << 20;

/// How far collections are fetched, in a file of the lake's folder.
#[derive(Debug)]
pub(crate) struct Positions {
    path: PathBuf,
    all: BTreeMap<String, Position>,
}

impl Positions {
    /// Reads the file; empty where there is none.
    pub(crate) fn open(lake: &Lake) -> Result<Positions> {
        let folder = lake.folder().join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let path = folder.join("positions.json");
        Ok(Positions { all: read_file(&path)?, path })
    }

    fn of(&self, key: &str) -> Position {
        self.all.get(key).cloned().unwrap_or_default()
    }

    fn keep(&mut self, key: &str, position: Position) -> Result<()> {
        self.all.insert(key.to_owned(), position);
        keep_file(&self.path, &self.all)
    }
}

/// What fetching a feed gave.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) kept: Kept,
    /// What was left out, the first of it, and how much that is.
    pub(crate) told: Vec<String>,
    pub(crate) left_out: u64,
}

/// Fetches a feed once.
///
/// Errors: it cannot be fetched, or not be kept. What was kept before counts.
pub(crate) async fn fetch(
    feed: &Feed,
    lake: &Lake,
    positions: &mut Positions,
    legacy: bool,
    system: &dyn System,
) -> Result<Fetched> {
    match &feed.from {
        From::Taxii(taxii) => pull(feed, taxii, lake, positions, legacy, system).await,
        From::Files(path) => read(feed, path, lake, legacy, system).await,
    }
}

fn writing(feed: &Feed, legacy: bool, method: &'static str, at: Ticks) -> Writing {
    Writing { at, source: feed.name.clone(), method, legacy }
}

async fn read(feed: &Feed, path: &Path, lake: &Lake, legacy: bool, system: &dyn System) -> Result<Fetched> {
    let at = system.now();
    let until = feed.valid.and_then(|span| later(at, span));
    let made = Made { source: feed.name.clone(), at, until, confidence: feed.confidence, tlp: feed.tlp };
    let writing = writing(feed, legacy, "castellan import", at);
    let mut fetched = Fetched::default();
    for path in files(&[path.to_owned()], system)? {
        // One file that is none does not keep the others out.
        match file(&path, &made, system) {
            Ok(imported) => {
                fetched.left_out += imported.outcome.left_out;
                fetched.told.extend(imported.outcome.told.iter().cloned());
                fetched.kept.join(keep(lake, &imported.objects, imported.is_dated, &writing).await?);
            }
            Err(error) => {
                fetched.left_out += 1;
                fetched.told.push(error.to_string());
            }
        }
    }
    Ok(fetched)
}

/// A client for a feed.
pub(crate) async fn client(taxii: &TaxiiFeed, system: &dyn System) -> Result<Client> {
    let authorities = match &taxii.authorities {
        Some(path) => {
            system.read(path, LARGEST).with_context(|| format!("cannot read `{}`", path.display()))?
        }
        None => Vec::new(),
    };
    let credentials = taxii.credentials(system).map_err(|why| anyhow!(why))?;
    let options = Options { credentials, authorities, private: taxii.private, ..Options::default() };
    Ok(Client::new(&taxii.address, options).await?)
}

/// The collections of a server, each with its API root.
pub(crate) async fn collections(client: &Client) -> Result<Vec<(String, Collection)>> {
    let mut found = Vec::new();
    for root in client.roots().await? {
        for collection in client.collections(&root).await? {
            found.push((root.clone(), collection));
        }
    }
    Ok(found)
}

async fn pull(
    feed: &Feed,
    taxii: &TaxiiFeed,
    lake: &Lake,
    positions: &mut Positions,
    legacy: bool,
    system: &dyn System,
) -> Result<Fetched> {
    let client = client(taxii, system).await?;
    let all = collections(&client).await?;
    let is_meant = |collection: &Collection, name: &str| {
        [&collection.id, &collection.title, &collection.alias].into_iter().any(|own| own == name)
    };
    for name in &taxii.collections {
        if !all.iter().any(|(_, collection)| is_meant(collection, name) && collection.can_read) {
            bail!(
                "there is no collection `{name}` that can be read; `castellan intel pull URL --collections` lists them"
            );
        }
    }
    let mut fetched = Fetched::default();
    for (root, collection) in all.iter().filter(|(_, collection)| collection.can_read) {
        let is_wanted = taxii.collections.iter().any(|name| is_meant(collection, name));
        if !taxii.collections.is_empty() && !is_wanted {
            continue;
        }
        let key = format!("{} {} {root}", feed.name, collection.id);
        let from = positions.of(&key);
        let mut listing = client.listing(root, &collection.id, &from);
        while let Some(page) = listing.next().await? {
            let writing = writing(feed, legacy, "castellan taxii", system.now());
            fetched.left_out += u64::try_from(page.left_out.len()).unwrap_or_default();
            fetched.told.extend(page.left_out);
            let mut objects = page.objects;
            objects.iter_mut().for_each(|object| complete(object, feed));
            fetched.kept.join(keep(lake, &objects, true, &writing).await?);
            // Only now: what is fetched again adds nothing, what is skipped is lost.
            positions.keep(&key, page.position)?;
        }
        if listing.has_more() {
            fetched
                .told
                .push(format!("`{}` has more than was fetched; the next pull goes on", collection.title));
        }
    }
    Ok(fetched)
}

/// What the feed says, where an indicator does not.
fn complete(object: &mut castellan_stix::Object, feed: &Feed) {
    if object.kind != "indicator" {
        return;
    }
    if let (Some(confidence), false) = (feed.confidence, object.members.contains_key("confidence")) {
        object.members.insert("confidence".to_owned(), confidence.into());
    }
    if let (Some(tlp), None) = (feed.tlp, object.tlp()) {
        let mut list: Vec<serde_json::Value> =
            object.texts("object_marking_refs").into_iter().map(Into::into).collect();
        list.push(tlp.marking().into());
        object.members.insert("object_marking_refs".to_owned(), list.into());
    }
}
