//! Functions that stand beside the language: `content/functions`, which is compiled in. A query finds them by name, where
//! its database has no function of that name.
//!
//! ```
//! let perm = castellan_kql::library::find("perm_fl").unwrap();
//! assert_eq!(perm.usage(), "perm_fl(n: int, k: int)");
//! assert!(perm.doc().starts_with("In how many ways"));
//! assert_eq!(castellan_kql::library::refused("ks_test_fl"), Some("Python"));
//! ```

use std::sync::{Arc, OnceLock};

use crate::ast::{ExprKind, Function, ParameterKind, Statement};

/// A function of the library.
#[derive(Debug)]
pub struct Entry {
    name: &'static str,
    text: &'static str,
    function: OnceLock<Option<Arc<Function>>>,
}

const fn entry(name: &'static str, text: &'static str) -> Entry {
    Entry { name, text, function: OnceLock::new() }
}

macro_rules! entries {
    ($($name:literal)*) => {
        [$(entry($name, include_str!(concat!("../../../content/functions/", $name, ".kql")))),*]
    };
}

/// The functions in order of name.
static ENTRIES: [Entry; 16] = entries![
    "_AiContainers"
    "_AiIdentities"
    "_AiVaults"
    "_Baseline"
    "comb_fl"
    "entropy_fl"
    "exposure_perimeter_fl"
    "factorial_fl"
    "graph_blast_radius_fl"
    "pair_probabilities_fl"
    "percentiles_linear_fl"
    "perm_fl"
    "time_weighted_avg2_fl"
    "time_weighted_avg_fl"
    "time_weighted_val_fl"
    "time_window_rolling_avg_fl"
];

/// Functions that there cannot be here, with the reason.
const REFUSED: &str = include_str!("../../../content/functions/refused.txt");

/// All functions, in order of name.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter()
}

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.binary_search_by(|entry| entry.name.cmp(name)).ok().and_then(|at| ENTRIES.get(at))
}

/// What a documented function needs that there is not here.
pub fn refused(name: &str) -> Option<&'static str> {
    let lines = REFUSED.lines().filter(|line| !line.starts_with('#'));
    let mut functions = lines.filter_map(|line| line.split_once(' '));
    functions.find(|(known, _)| *known == name).map(|(_, needs)| needs)
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does.
    pub fn doc(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("// "));
        lines.collect::<Vec<&str>>().join(" ")
    }

    /// Its definition.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Its name with what it takes.
    pub fn usage(&self) -> String {
        let function = self.function();
        let parameters = function.iter().flat_map(|function| &function.parameters).map(|parameter| {
            let kind = match &parameter.kind {
                ParameterKind::Scalar(scalar_type) => scalar_type.name(),
                ParameterKind::Table(_) => "(*)",
            };
            let default =
                parameter.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
            format!("{}: {kind}{default}", parameter.name.text)
        });
        format!("{}({})", self.name, parameters.collect::<Vec<String>>().join(", "))
    }

    /// What it takes and does; none where the text is no function, which a test rules out.
    pub(crate) fn function(&self) -> Option<Arc<Function>> {
        let read = || {
            let mut statements = crate::parse(self.text).script.statements.into_iter();
            match statements.next()? {
                Statement::Let { value, .. } => match value.kind {
                    ExprKind::Function(function) => Some(Arc::from(function)),
                    _ => None,
                },
                _ => None,
            }
        };
        self.function.get_or_init(read).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_one_function_of_its_name() {
        for entry in all() {
            let parsed = crate::parse(entry.text);
            assert!(parsed.diagnostics.is_empty(), "{}: {:?}", entry.name, parsed.diagnostics);
            let [Statement::Let { name, .. }] = parsed.script.statements.as_slice() else {
                panic!("{} is one `let`", entry.name)
            };
            assert_eq!(&*name.text, entry.name);
            assert!(entry.function().is_some() && entry.doc().ends_with(|c: char| !c.is_whitespace()));
        }
        assert!(ENTRIES.is_sorted_by_key(|entry| entry.name));
    }

    #[test]
    fn every_file_is_in_the_library() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/functions");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let kql = files.filter(|path| path.extension().is_some_and(|extension| extension == "kql"));
        assert_eq!(kql.count(), ENTRIES.len());
    }

    #[test]
    fn what_is_refused_is_not_there() {
        assert_eq!(refused("perm_fl"), None);
        assert_eq!(refused("#"), None);
        assert!(find("ks_test_fl").is_none());
    }
}
