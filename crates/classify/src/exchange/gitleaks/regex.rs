//! The expression of a rule: translated, its groups named, and made findable.

use regex_syntax::hir::{Hir, HirKind};

use crate::engine::anchor::{Anchor, anchor, flatten};
use crate::engine::expression::Expression;
use crate::engine::literals::required;
use crate::exchange::gitleaks::LONGEST;
use crate::exchange::syntax::{Dialect, Translated, translate, without_lead};
use crate::rule::Boundary;

/// What a rule says of its expression.
pub(super) struct Wanted<'a> {
    pub(super) regex: &'a str,
    /// The group that is found; 0 for the first that is not empty.
    pub(super) group: usize,
    /// In lower case.
    pub(super) keywords: &'a [String],
    /// Whether somebody asks for the whole match.
    pub(super) whole: bool,
}

/// An expression that the engine runs.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) pattern: String,
    /// Whether it has to be told how long a match may be.
    pub(super) unlimited: bool,
    pub(super) slow: bool,
    /// Whether every match holds one of the rule's keywords.
    pub(super) keyed: bool,
}

/// The expressions that a rule comes to: one, or one for each alternative where that makes it findable.
pub(super) fn ready(wanted: &Wanted<'_>) -> Result<Vec<Ready>, String> {
    let translated = translate(wanted.regex, Dialect::Go)?;
    if wanted.group > translated.group_count() {
        return Err(format!("it has no group {}, which `secretGroup` names", wanted.group));
    }
    let whole = one(&translated, wanted, false);
    if whole.is_ok() {
        return whole.map(|ready| vec![ready]);
    }
    let parts = translated.alternatives();
    if parts.len() > 1 && wanted.group == 0 {
        let all: Result<Vec<Ready>, String> =
            parts.iter().map(|part| one(part, wanted, false).or_else(|_| one(part, wanted, true))).collect();
        if all.is_ok() {
            return all;
        }
    }
    one(&translated, wanted, true).map(|ready| vec![ready])
}

fn one(translated: &Translated, wanted: &Wanted<'_>, slow: bool) -> Result<Ready, String> {
    let named = translated.with_values(|group| wanted.group == 0 || wanted.group == group);
    let pattern = match translated.group_count() > 0 && !wanted.whole {
        true => without_lead(&named),
        false => named,
    };
    let expression = Expression::new(&pattern, Boundary::None, Some(LONGEST))?;
    let hir = expression.hir();
    let found = anchor(hir, Boundary::None, slow)?;
    if matches!(found, Anchor::Everywhere(_)) && wanted.keywords.is_empty() {
        return Err("it can begin at nearly any byte, and the rule has no `keywords`".to_owned());
    }
    Ok(Ready {
        unlimited: hir.properties().maximum_len().is_none_or(|longest| longest > 32_768),
        keyed: holds_one(hir, wanted.keywords),
        pattern,
        slow,
    })
}

/// Whether every match holds one of these words, in either case, as far as that is easily seen.
fn holds_one(hir: &Hir, keywords: &[String]) -> bool {
    let keyed = |word: &[u8]| {
        let word = String::from_utf8_lossy(word);
        keywords.iter().any(|keyword| word.contains(keyword.as_str()))
    };
    if required(hir).iter().any(|required| required.words.iter().all(|word| keyed(word))) {
        return true;
    }
    let mut pieces = Vec::new();
    flatten(hir, &mut pieces);
    pieces.iter().any(|piece| match piece.kind() {
        HirKind::Alternation(parts) => parts.iter().all(|part| holds_one(part, keywords)),
        HirKind::Repetition(repetition) => repetition.min > 0 && holds_one(&repetition.sub, keywords),
        _ => false,
    })
}
