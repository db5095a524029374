//! Prepares `content/detectors`: a fault in it stops the build and is told with its place.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use castellan_base::{Diagnostic, SourceId, Sources};
use castellan_classify::{Dictionaries, Engine, prepare, rule};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../content/detectors");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut sources = Sources::default();
    let mut ids: Vec<SourceId> = Vec::new();
    for path in files(folder, "yaml")? {
        ids.push(sources.add(path.display().to_string(), fs::read_to_string(&path)?));
    }
    let (rules, problems) = rule::read(&sources, &ids);
    if !problems.is_empty() {
        return Err(tell(&sources, &problems));
    }
    let prepared = prepare(rules, dictionaries(&folder.join("names"))?);
    let bytes = prepared.map_err(|problems| tell(&sources, &problems))?;
    Engine::prepared(&bytes)?;
    let output = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&output).join("detectors.bin"), bytes)?;
    Ok(())
}

/// The files with an ending, sorted.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Word lists by the names of their files: `names/given-names.txt` is `given-names`. A line is a word, `#` begins a remark.
fn dictionaries(folder: &Path) -> Result<Dictionaries, Box<dyn Error>> {
    let mut lists = Dictionaries::default();
    for path in files(folder, "txt")? {
        let text = fs::read_to_string(&path)?;
        let words = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        lists = lists.with(name, words.map(str::to_owned).collect::<Vec<String>>());
    }
    Ok(lists)
}

fn tell(sources: &Sources, problems: &[Diagnostic]) -> Box<dyn Error> {
    for problem in problems {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        eprintln!("{place}: {} ({})", problem.message, problem.help);
    }
    "the detectors have faults".into()
}
