//! The detectors that the product brings: `content/detectors`, compiled in.

use std::borrow::Cow;
use std::sync::LazyLock;

use castellan_base::{Diagnostic, SourceId, Sources};
use rust_embed::RustEmbed;

use crate::check::Checks;
use crate::rule::{Rules, read};
use crate::{Dictionaries, Engine};

/// Rules as YAML, and word lists as text, a word a line.
#[derive(RustEmbed)]
#[folder = "../../content/detectors"]
struct Files;

/// The files of one kind, by name.
fn files(ending: &str) -> Vec<(Cow<'static, str>, String)> {
    let mut names: Vec<Cow<'static, str>> = Files::iter().filter(|name| name.ends_with(ending)).collect();
    names.sort();
    let text = |name: Cow<'static, str>| {
        let file = Files::get(&name)?;
        Some((name, String::from_utf8_lossy(&file.data).into_owned()))
    };
    names.into_iter().filter_map(text).collect()
}

/// The word lists that the product brings, by the names of their files: `names/given-names.txt` is `given-names`. Lines
/// that begin with `#` are comments.
pub fn dictionaries() -> Dictionaries {
    files(".txt").into_iter().fold(Dictionaries::default(), |lists, (name, text)| {
        let stem = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".txt").to_owned();
        let words = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lists.with(stem, words.map(str::to_owned).collect::<Vec<String>>())
    })
}

/// The rules that the product brings, the files that they stand in, and what is wrong with them: nothing, tests say.
pub fn rules() -> (Rules, Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let ids: Vec<SourceId> =
        files(".yaml").into_iter().map(|(name, text)| sources.add(name.into_owned(), text)).collect();
    let (rules, problems) = read(&sources, &ids);
    (rules, sources, problems)
}

static BUILT_IN: LazyLock<Engine> = LazyLock::new(|| {
    let (rules, _, _) = rules();
    Engine::compile(rules, &Checks::standard(), &dictionaries()).0
});

impl Engine {
    /// The engine with all detectors of the product. They are compiled when this is first asked for.
    pub fn built_in() -> Engine {
        BUILT_IN.clone()
    }
}
