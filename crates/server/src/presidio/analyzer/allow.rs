//! Texts that the client allows: found, but not told.

use std::collections::HashSet;

use regex::Regex;

use crate::Refusal;
use crate::presidio::analyzer::answer::Found;
use crate::presidio::analyzer::python;
use crate::presidio::characters::Characters;

/// What is allowed.
pub(super) enum AllowList {
    Exact(HashSet<String>),
    /// What one of the expressions occurs in.
    Regex(Option<Regex>),
}

impl AllowList {
    pub(super) fn read(
        terms: Option<Vec<String>>,
        how: Option<String>,
        flags: Option<u32>,
    ) -> Result<AllowList, Refusal> {
        let terms = terms.unwrap_or_default();
        match how.as_deref() {
            _ if terms.is_empty() => Ok(AllowList::Exact(HashSet::new())),
            None | Some("exact") => Ok(AllowList::Exact(terms.into_iter().collect())),
            Some("regex") => {
                let terms: Vec<String> = terms.into_iter().filter(|term| !term.is_empty()).collect();
                if terms.is_empty() {
                    return Ok(AllowList::Regex(None));
                }
                let flags = flags.unwrap_or(python::USUAL_FLAGS);
                let expression = python::compile(&terms.join("|"), flags)
                    .map_err(|reason| Refusal::bad(format!("`allow_list`: {reason}")))?;
                Ok(AllowList::Regex(Some(expression)))
            }
            Some(_) => Err(Refusal::bad("`allow_list_match` is neither `exact` nor `regex`")),
        }
    }

    /// Takes out what is allowed.
    pub(super) fn apply(&self, text: &str, found: &mut Vec<Found>) {
        let is_allowed: Box<dyn Fn(&str) -> bool> = match self {
            AllowList::Exact(words) if words.is_empty() => return,
            AllowList::Regex(None) => return,
            AllowList::Exact(words) => Box::new(|word| words.contains(word)),
            AllowList::Regex(Some(expression)) => Box::new(|word| expression.is_match(word)),
        };
        let characters = Characters::new(text);
        found.retain(|result| !is_allowed(characters.between(result.start, result.end)));
    }
}
