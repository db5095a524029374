//! `docs/kql.md`: what of the query language runs, from the registry, the list of what does not, and the cases of the
//! corpora that are not met. Tests of `castellan-kql` hold both lists to what is so.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use castellan_kql::library;
use castellan_kql::registry::{self, Kind, Row};

use crate::read;

const SUPPORT: &str = "crates/kql/data/support.txt";
const EXCEPTIONS: &str = "crates/kql/tests/data/exceptions.txt";
const REFUSED_FUNCTIONS: &str = "content/functions/refused.txt";

/// The kinds of names in the order of the page, each with what several are called.
const KINDS: [(&[Kind], &str); 8] = [
    (&[Kind::Operator], "tabular operators"),
    (&[Kind::Scalar, Kind::Window, Kind::Graph], "functions"),
    (&[Kind::Infix], "operators between values"),
    (&[Kind::Aggregate], "aggregates"),
    (&[Kind::Plugin], "plugins"),
    (&[Kind::Join], "kinds of join"),
    (&[Kind::Statement], "statements"),
    (&[Kind::Type], "types"),
];

/// What does not run: state and reason by kind and name.
type Support = BTreeMap<(String, String), (String, String)>;

/// The page.
pub(crate) fn page(root: &Path) -> Result<String> {
    let support = support(&lines(root, SUPPORT)?)?;
    let exceptions = lines(root, EXCEPTIONS)?;
    let mut page = String::from(
        "# What of KQL runs\n\n\
         <!-- Derived from the registry, crates/kql/data/support.txt and crates/kql/tests/data/exceptions.txt by\n     \
         `cargo xtask generate`; do not edit. -->\n\n",
    );
    numbers(&mut page, &support, &exceptions)?;
    names(&mut page, &support);
    functions(&mut page, &lines(root, REFUSED_FUNCTIONS)?);
    cases(&mut page, &exceptions);
    Ok(page)
}

/// The lines of a file that hold something.
fn lines(root: &Path, path: &str) -> Result<Vec<String>> {
    let text = read(&root.join(path))?;
    let holds = |line: &&str| !line.is_empty() && !line.starts_with('#');
    Ok(text.lines().filter(holds).map(str::to_owned).collect())
}

fn support(lines: &[String]) -> Result<Support> {
    let entry = |line: &String| {
        let words: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let [kind, name, state, reason] = words.as_slice() else {
            anyhow::bail!("{SUPPORT}: `{line}` is not `kind | name | state | reason`")
        };
        Ok((((*kind).to_owned(), (*name).to_owned()), ((*state).to_owned(), (*reason).to_owned())))
    };
    lines.iter().map(entry).collect()
}

fn state_of<'s>(support: &'s Support, row: &Row) -> Option<&'s (String, String)> {
    support.get(&(row.kind.as_str().to_owned(), row.name.to_owned()))
}

/// Counts at the top: names, then cases.
fn numbers(page: &mut String, support: &Support, exceptions: &[String]) -> Result<()> {
    page.push_str(
        "The names are those of the Kusto documentation and the few beyond it that real queries use. A name *runs* when \
         its example in the [reference](kql-reference.md) does, on the plain engine; *binds* when queries with it are \
         checked, and refused where they would read rows; and is *refused* otherwise, with its place in the query. Nothing \
         is answered differently instead.\n\n\
         | | names | run | bind only | refused | offered by Azure Monitor | of these run |\n|---|---|---|---|---|---|---|\n",
    );
    let mut total = [0_usize; 6];
    for (kinds, called) in KINDS {
        let counts = counted(kinds, support);
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
        line(page, called, &counts);
    }
    line(page, "all", &total);
    page.push_str("\n| cases | number | agree | differ, listed below | refused, listed below |\n|---|---|---|---|---|\n");
    for (corpus, called) in CORPORA {
        let prefix = format!("cases {corpus} ");
        let count = exceptions.iter().find_map(|line| line.strip_prefix(&prefix));
        let count: usize =
            count.with_context(|| format!("{EXCEPTIONS}: no number of {corpus} cases"))?.parse()?;
        let (differ, refused) =
            (listed(exceptions, corpus, "differs").count(), listed(exceptions, corpus, "refused").count());
        let agree = count.saturating_sub(differ + refused);
        let _ = writeln!(page, "| {called} | {count} | {agree} | {differ} | {refused} |");
    }
    let queries = exceptions.iter().find_map(|line| line.strip_prefix("queries ")?.split_once(' '));
    let (read, bound) = queries.with_context(|| format!("{EXCEPTIONS}: no number of queries"))?;
    let _ = write!(
        page,
        "\nOf {read} public rules, hunting queries, parsers and workbooks whose tables and functions the catalog has, {bound} \
         bind; the rest misspell a column, or mistake a type.\n"
    );
    page.push_str(
        "\nFacts that an engine gets wrong without a word when it takes them for those of SQL stand in \
         `crates/kql/tests/data/traps.txt`, a query and its answer each.\n",
    );
    Ok(())
}

fn counted(kinds: &[Kind], support: &Support) -> [usize; 6] {
    let mut counts = [0; 6];
    let [names, run, bind, refused, offered, offered_run] = &mut counts;
    for row in registry::rows().filter(|row| kinds.contains(&row.kind)) {
        *names += 1;
        *offered += usize::from(row.azure_monitor);
        match state_of(support, row).map(|(state, _)| state.as_str()) {
            None => {
                *run += 1;
                *offered_run += usize::from(row.azure_monitor);
            }
            Some("binds") => *bind += 1,
            Some(_) => *refused += 1,
        }
    }
    counts
}

fn line(page: &mut String, called: &str, counts: &[usize]) {
    let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let _ = writeln!(page, "| {called} | {} |", cells.join(" | "));
}

/// Every name: those that run in a line, the others with their reasons.
fn names(page: &mut String, support: &Support) {
    for (kinds, called) in KINDS {
        let rows = || registry::rows().filter(|row| kinds.contains(&row.kind));
        let mut heading = called.to_owned();
        if let Some(first) = heading.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let _ = write!(page, "\n## {heading}\n\n");
        let mut running: Vec<String> = rows()
            .filter(|row| state_of(support, row).is_none())
            .map(|row| format!("`{}`", row.name))
            .collect();
        running.sort();
        let _ = writeln!(page, "Run: {}.", running.join(", "));
        let others = rows().filter_map(|row| state_of(support, row).map(|state| (row, state)));
        let others: Vec<String> = others.map(|(row, (state, reason))| other(row, state, reason)).collect();
        if !others.is_empty() {
            let _ = write!(page, "\n| | | why |\n|---|---|---|\n{}", others.concat());
        }
    }
}

fn other(row: &Row, state: &str, reason: &str) -> String {
    let mark = if row.azure_monitor { "" } else { " \\*" };
    let called = if state == "binds" { "binds" } else { "refused" };
    format!("| `{}`{mark} | {called} | {reason} |\n", row.name)
}

fn functions(page: &mut String, refused: &[String]) {
    page.push_str(
        "\nAn asterisk marks what Azure Monitor and Microsoft Sentinel do not offer.\n\n## Functions beside the language\n\n\
         The documentation defines these in KQL; `content/functions` has them in our own code. A query finds them by name.\n\n",
    );
    for entry in library::all() {
        let _ = writeln!(page, "- `{}`: {}", entry.usage(), entry.doc());
    }
    page.push_str("\nRefused, because their definitions need something that does not run here:\n\n");
    for line in refused {
        if let Some((name, needs)) = line.split_once(' ') {
            let _ = writeln!(page, "- `{name}`: {needs}");
        }
    }
}

/// The corpora of cases with what they are.
const CORPORA: [(&str, &str); 2] = [
    ("documented", "examples of the documentation with their printed answers"),
    ("handwritten", "handwritten for another implementation"),
];

fn listed<'l>(
    exceptions: &'l [String],
    corpus: &'l str,
    outcome: &'l str,
) -> impl Iterator<Item = (&'l str, &'l str)> {
    let rest = move |line: &'l String| line.strip_prefix(corpus)?.strip_prefix(' ')?.strip_prefix(outcome);
    exceptions.iter().filter_map(rest).filter_map(|rest| rest.trim_start().split_once(' '))
}

fn cases(page: &mut String, exceptions: &[String]) {
    page.push_str("\n## Cases that are not met\n\nEvery other case agrees; tests hold them to it.\n");
    for (corpus, called) in CORPORA {
        for (outcome, what) in [("differs", "differ"), ("refused", "are refused")] {
            let _ = write!(page, "\nOf the {called}, {what}:\n\n| case | why |\n|---|---|\n");
            for (id, reason) in listed(exceptions, corpus, outcome) {
                let _ = writeln!(page, "| {id} | {} |", reason.replace('|', "\\|"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_counted() {
        let counted = |row: &Row| KINDS.iter().any(|(kinds, _)| kinds.contains(&row.kind));
        assert!(registry::rows().all(counted));
    }

    #[test]
    fn lines_are_told_apart_by_corpus_and_outcome() {
        let lines = ["documented differs a why so".to_owned(), "documented refused b because".to_owned()];
        let found: Vec<(&str, &str)> = listed(&lines, "documented", "differs").collect();
        assert_eq!(found, [("a", "why so")]);
        assert_eq!(listed(&lines, "handwritten", "differs").count(), 0);
    }
}
