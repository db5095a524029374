//! The detectors that run: the product's, and those of files.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use castellan_base::{Sources, System};
use castellan_classify::check::Checks;
use castellan_classify::exchange::read_any;
use castellan_classify::rule::Rules;
use castellan_classify::{Dictionaries, Engine, Overlap, Selection};

use crate::estate::report;
use crate::output::read_text;

/// The largest file of rules, in bytes.
const LARGEST: u64 = 64 << 20;

/// All detectors with those of the files. What of them cannot run is told; a file of which nothing can is an error.
pub(super) fn engine(files: &[PathBuf], system: &dyn System) -> Result<Engine> {
    let known = castellan_detectors::engine();
    if files.is_empty() {
        return Ok(known);
    }
    let mut sources = Sources::default();
    let mut more = Rules::default();
    for path in files {
        let shown = path.display().to_string();
        let file = sources.add(shown.clone(), read_text(path, LARGEST, system)?);
        let (rules, problems) = read_any(&sources, file, known.rules());
        report(&problems, &sources);
        if rules.detectors.is_empty() && rules.affinities.is_empty() {
            bail!("`{shown}` holds no rules that can run");
        }
        more.extend(rules);
    }
    let (engine, problems) = castellan_detectors::engine_with(more);
    report(&problems, &sources);
    Ok(engine)
}

/// The engine narrowed to the types that are asked for and no index finds; one of no detectors where none is left.
pub(super) fn beside(
    engine: &Engine,
    types: &[String],
    indexed: &[Arc<str>],
    min_confidence: u8,
) -> Result<Engine> {
    let others = types.iter().filter(|name| !indexed.iter().any(|id| **id == ***name));
    let others: Vec<String> = others.cloned().collect();
    if others.is_empty() && !types.is_empty() {
        let none = Engine::compile(Rules::default(), &Checks::standard(), &Dictionaries::default()).0;
        return narrowed(&none, &[], min_confidence, Overlap::Best);
    }
    narrowed(engine, &others, min_confidence, Overlap::Best)
}

/// The engine narrowed to what is asked for: detectors by their ids, GUIDs or Presidio's names.
pub(super) fn narrowed(
    engine: &Engine,
    types: &[String],
    min_confidence: u8,
    overlap: Overlap,
) -> Result<Engine> {
    let detectors =
        castellan_classify::batch::detectors(engine, types).map_err(|(_, why)| anyhow::anyhow!(why))?;
    engine.select(&Selection { detectors, min_confidence, overlap }).map_err(anyhow::Error::msg)
}
