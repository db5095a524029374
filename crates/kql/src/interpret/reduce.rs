//! `reduce`: texts by their common patterns.
//!
//! A text is a row of terms with what separates them. Each text joins the group with the same separators that it shares the
//! most terms with, place by place, if that is a large enough part of its terms; where they differ the group has a
//! wildcard from then on. Texts that stay alone, or among others that share nothing, come together in one last row,
//! `others`. Grouping by the constant words of lines is Vaarandi's idea ("A data clustering algorithm for mining patterns
//! from event logs"); the documentation's examples say what the threshold means.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{Result, Row, Run};
use crate::plan::{Plan, Scalar};
use crate::value::Value;

/// How many groups that are looked at count as a row.
const WORK: usize = 16;

/// A text in terms.
struct Text<'t> {
    terms: Vec<&'t str>,
    /// What stands before the first term, between them, and after the last.
    between: Vec<&'t str>,
}

impl<'t> Text<'t> {
    fn of(text: &'t str, characters: &str) -> Text<'t> {
        let separates = |c: char| !c.is_alphanumeric() || characters.contains(c);
        let (mut terms, mut between) = (Vec::new(), Vec::new());
        let mut rest = text;
        loop {
            let (separator, after) = rest.split_at(rest.find(|c| !separates(c)).unwrap_or(rest.len()));
            between.push(separator);
            if after.is_empty() {
                return Text { terms, between };
            }
            let (term, after) = after.split_at(after.find(separates).unwrap_or(after.len()));
            terms.push(term);
            rest = after;
        }
    }
}

/// Texts that share terms.
struct Group<'t> {
    /// The terms that all share.
    terms: Vec<Option<&'t str>>,
    between: Vec<&'t str>,
    count: usize,
    representative: &'t str,
}

impl Group<'_> {
    /// Whether it says something of more texts than one.
    fn is_common(&self) -> bool {
        self.count > 1 && (self.terms.is_empty() || self.terms.iter().any(Option::is_some))
    }

    /// The terms with `*` for those that differ and for numbers. A letter that separates because the query says so is
    /// part of the wildcard beside it.
    fn pattern(&self) -> String {
        let is_wildcard = |at: usize| {
            let is_number = |term: &str| term.bytes().all(|byte| byte.is_ascii_digit());
            self.terms.get(at).is_some_and(|term| term.is_none_or(is_number))
        };
        let mut pattern = String::new();
        for (at, separator) in self.between.iter().enumerate() {
            let is_beside = is_wildcard(at) || at.checked_sub(1).is_some_and(is_wildcard);
            pattern.extend(separator.chars().filter(|c| !is_beside || !c.is_alphanumeric()));
            match self.terms.get(at) {
                Some(_) if is_wildcard(at) && pattern.ends_with('*') => {}
                Some(_) if is_wildcard(at) => pattern.push('*'),
                Some(term) => pattern.push_str(term.unwrap_or_default()),
                None => {}
            }
        }
        pattern
    }
}

/// The groups so far.
struct Groups<'t> {
    groups: Vec<Group<'t>>,
    /// The groups of each kind of separators that have, or once had, a term at a place.
    by_term: HashMap<(usize, usize, &'t str), Vec<usize>>,
    kinds: HashMap<Vec<&'t str>, usize>,
    threshold: f64,
}

impl<'t> Groups<'t> {
    fn add(&mut self, run: &Run<'_>, text: &'t str, count: usize, characters: &str) -> Result<()> {
        let parts = Text::of(text, characters);
        let next = self.kinds.len();
        let kind = *self.kinds.entry(parts.between.clone()).or_insert(next);
        match self.nearest(run, kind, &parts)? {
            Some(at) => {
                let Some(group) = self.groups.get_mut(at) else { return Ok(()) };
                group.count += count;
                for (shared, term) in group.terms.iter_mut().zip(&parts.terms) {
                    *shared = shared.filter(|shared| shared == term);
                }
            }
            None => {
                for (place, term) in parts.terms.iter().enumerate() {
                    self.by_term.entry((kind, place, term)).or_default().push(self.groups.len());
                }
                let terms = parts.terms.into_iter().map(Some).collect();
                self.groups.push(Group { terms, between: parts.between, count, representative: text });
            }
        }
        Ok(())
    }

    /// The first of the groups that share the most terms with a text, if they share enough.
    ///
    /// A group that shares `least` of the terms has one of any `terms - least + 1` of them: only the rarest are looked up.
    fn nearest(&self, run: &Run<'_>, kind: usize, text: &Text<'t>) -> Result<Option<usize>> {
        let enough = self.threshold * text.terms.len() as f64;
        let least = (1..=text.terms.len()).find(|count| *count as f64 >= enough).unwrap_or(usize::MAX);
        let known = |(place, term): (usize, &&'t str)| {
            self.by_term.get(&(kind, place, *term)).map(Vec::as_slice).unwrap_or_default()
        };
        let mut lists: Vec<&[usize]> = text.terms.iter().enumerate().map(known).collect();
        lists.sort_by_key(|list| list.len());
        lists.truncate((text.terms.len() + 1).saturating_sub(least));
        run.count(lists.iter().map(|list| list.len()).sum::<usize>() / WORK)?;
        let mut best: Option<(usize, usize)> = None;
        for at in lists.into_iter().flatten() {
            let Some(group) = self.groups.get(*at) else { continue };
            let same = group.terms.iter().zip(&text.terms).filter(|(own, term)| **own == Some(**term));
            let shared = same.count();
            let is_better = best.is_none_or(|(most, first)| shared > most || (shared == most && *at < first));
            if shared >= least && is_better {
                best = Some((shared, *at));
            }
        }
        Ok(best.map(|(_, at)| at))
    }
}

impl Run<'_> {
    pub(super) fn reduce(
        &self,
        input: &Arc<Plan>,
        by: &Scalar,
        threshold: f64,
        characters: &str,
    ) -> Result<Vec<Row>> {
        let by = self.ready(by)?;
        let mut texts: IndexMap<String, usize> = IndexMap::new();
        for row in self.plan(input)? {
            *texts.entry(self.value(&by, &row).to_text()).or_default() += 1;
        }
        let mut groups =
            Groups { groups: Vec::new(), by_term: HashMap::new(), kinds: HashMap::new(), threshold };
        for (text, count) in &texts {
            groups.add(self, text, *count, characters)?;
        }
        let (mut common, others): (Vec<Group<'_>>, Vec<Group<'_>>) =
            groups.groups.into_iter().partition(Group::is_common);
        common.sort_by_key(|group| std::cmp::Reverse(group.count));
        let row = |pattern: String, count: usize, representative: &str| {
            let count = Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
            vec![Value::string(pattern), count, Value::string(representative)]
        };
        let mut rows: Vec<Row> =
            common.iter().map(|group| row(group.pattern(), group.count, group.representative)).collect();
        if !others.is_empty() {
            rows.push(row("others".to_owned(), others.iter().map(|group| group.count).sum(), ""));
        }
        Ok(rows)
    }
}
