//! `castellan intel pull`: collections of TAXII servers, and the feeds of a file.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{Sources, System};
use castellan_intel::config::{Config, Feed, From, Reference, TaxiiFeed};
use serde_json::json;

use super::feeds::{Positions, client, collections, fetch};
use super::{cell, lake, show, warn};
use crate::Ending;
use crate::arguments::IntelPullArguments;
use crate::estate::report;
use crate::output::{complain, inert_lines, read_text};

/// The largest file of feeds, in bytes.
const LARGEST: u64 = 1 << 20;

pub(super) async fn run(arguments: &IntelPullArguments, system: &dyn System) -> Result<Ending> {
    let config = match &arguments.config {
        Some(path) => read(path, system)?,
        None => Config { feeds: vec![feed(arguments)?], ..Config::default() },
    };
    if arguments.collections {
        return list(arguments, &config, system).await;
    }
    let Some(folder) = &arguments.lake else { bail!("name a lake with --lake") };
    let lake = lake(folder, true, system).await?;
    let mut positions = Positions::open(&lake)?;
    let mut is_wrong = false;
    for feed in &config.feeds {
        match fetch(feed, &lake, &mut positions, config.legacy, system).await {
            Ok(fetched) => {
                is_wrong |= fetched.left_out > 0;
                fetched.told.iter().for_each(|line| warn(line, &arguments.output));
                if !arguments.output.quiet {
                    complain(&inert_lines(&format!("{}: {}", feed.name, fetched.kept.told())));
                }
            }
            Err(error) => {
                is_wrong = true;
                complain(&inert_lines(&format!("error: {}: {error:#}", feed.name)));
            }
        }
    }
    lake.close().await?;
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

/// Reads a file of feeds; what is wrong with it is told with its place.
pub(crate) fn read(path: &Path, system: &dyn System) -> Result<Config> {
    let text = read_text(path, LARGEST, system)?;
    let mut sources = Sources::default();
    Config::read(&path.display().to_string(), &text, &mut sources).map_err(|diagnostic| {
        report(std::slice::from_ref(&diagnostic), &sources);
        anyhow!("the feeds in `{}` cannot be used", path.display())
    })
}

/// The feed that the command line describes.
fn feed(arguments: &IntelPullArguments) -> Result<Feed> {
    let address = arguments.address.clone().context("no address is given")?;
    let host = address.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
    let name = arguments.source.clone().or_else(|| host.map(str::to_owned)).unwrap_or_default();
    let secret = arguments.password.as_deref().or(arguments.token.as_deref());
    let secret = secret.map(Reference::parse).transpose().map_err(anyhow::Error::msg)?;
    let taxii = TaxiiFeed {
        address,
        collections: arguments.collection.clone(),
        user: arguments.user.clone(),
        secret,
        authorities: arguments.authorities.clone(),
        private: arguments.private,
    };
    let every = Duration::from_secs(3_600);
    Ok(Feed { name, from: From::Taxii(taxii), every, confidence: None, tlp: None, valid: None })
}

async fn list(arguments: &IntelPullArguments, config: &Config, system: &dyn System) -> Result<Ending> {
    let mut rows = Vec::new();
    for feed in &config.feeds {
        let From::Taxii(taxii) = &feed.from else { continue };
        let client = client(taxii, system).await?;
        for (root, collection) in collections(&client).await? {
            rows.push(json!({
                "id": collection.id, "title": collection.title, "alias": collection.alias,
                "description": collection.description, "canRead": collection.can_read, "apiRoot": root,
            }));
        }
    }
    let names = ["id", "title", "canRead", "apiRoot"];
    let line = |row: &serde_json::Value| names.iter().map(|name| cell(row, name)).collect();
    show(&rows, &["id", "title", "readable", "API root"], line, &arguments.output, system)?;
    Ok(Ending::Fine)
}
