//! The detectors that run: the product's, and those of files.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, Level, Sources, System};
use castellan_classify::exchange::read_any;
use castellan_classify::rule::Rules;
use castellan_classify::{Engine, Overlap, Selection};

use crate::output::complain;

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
        let bytes = system.read(path, LARGEST).with_context(|| format!("cannot read `{shown}`"))?;
        let text = String::from_utf8(bytes).with_context(|| format!("`{shown}` is not UTF-8"))?;
        let file = sources.add(shown.clone(), text);
        let (rules, problems) = read_any(&sources, file, known.rules());
        tell(&sources, &problems);
        if rules.detectors.is_empty() && rules.affinities.is_empty() {
            bail!("`{shown}` holds no rules that can run");
        }
        more.extend(rules);
    }
    let (engine, problems) = castellan_detectors::engine_with(more);
    tell(&sources, &problems);
    Ok(engine)
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

fn tell(sources: &Sources, problems: &[Diagnostic]) {
    for problem in problems {
        let place = sources.locate(problem.span).map(|place| format!("{place}: ")).unwrap_or_default();
        let level = if problem.level == Level::Error { "error" } else { "warning" };
        complain(&format!("{level}: {place}{}", problem.message));
        if !problem.help.is_empty() {
            complain(&format!("  help: {}", problem.help));
        }
    }
}
