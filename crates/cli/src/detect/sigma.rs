//! `castellan detect sigma`: Sigma as KQL.

use std::path::Path;

use anyhow::Result;
use castellan_base::{Level, Sources, System};
use castellan_detect::check::Schemas;
use castellan_detect::sigma::{LogSources, read};

use super::ending;
use crate::Ending;
use crate::estate::report;
use crate::output::{read_text, to_stdout};

/// The largest file, in bytes.
const LARGEST: u64 = 8 << 20;

pub(super) fn run(file: &Path, system: &dyn System) -> Result<Ending> {
    let text = read_text(file, LARGEST, system)?;
    let mut sources = Sources::default();
    let name = file.display().to_string();
    let loaded = read(&name, &text, LogSources::built_in(), &Schemas::default(), &mut sources);
    report(&loaded.diagnostics, &sources);
    let has_several = loaded.rules.len() > 1;
    let mut out = String::new();
    for rule in &loaded.rules {
        if has_several {
            // A title is one line of a comment, whatever it holds.
            let title: String = rule.name.chars().filter(|letter| !letter.is_control()).collect();
            out.push_str(&format!("// {title}\n"));
        }
        out.push_str(rule.query.text.trim_end());
        out.push_str(if has_several { ";\n\n" } else { "\n" });
    }
    to_stdout(out.as_bytes())?;
    if loaded.rules.is_empty() {
        return Ok(Ending::BadInput);
    }
    Ok(ending(loaded.diagnostics.iter().any(|found| found.level == Level::Error)))
}
