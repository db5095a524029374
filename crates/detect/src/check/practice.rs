//! What can be run and does not do what it looks like. Only what is certain is told.

use castellan_base::{Diagnostic, Sources, Ticks};
use castellan_kql::comments;
use castellan_kql::value::parse_timespan;

use crate::rule::duration::format;
use crate::rule::{Grouping, Kind, Operator, Rule};
use crate::run::format::{Part, parts};

/// Checks the habits of a rule.
pub(super) fn check(rule: &Rule, sources: &Sources, told: &mut Vec<Diagnostic>) {
    if rule.kind == Kind::Scheduled && rule.period < rule.frequency {
        let message = format!(
            "the rule runs every {} and looks back {}: what happens in between is never looked at",
            format(rule.frequency),
            format(rule.period)
        );
        let help = "make `queryPeriod` at least as long as `queryFrequency`";
        told.push(Diagnostic::warning(rule.span, message).with_help(help));
    }
    impossible(rule, told);
    first_row(rule, told);
    let text = without_comments(&rule.query.text);
    reaches_back(rule, &text, sources, told);
    prefixes(rule, &text, sources, told);
}

/// A threshold that is always or never passed.
fn impossible(rule: &Rule, told: &mut Vec<Diagnostic>) {
    if rule.trigger.operator == Operator::LessThan && rule.trigger.threshold == 0 {
        let message = "fewer results than 0 are never there: the rule raises no alert";
        told.push(Diagnostic::warning(rule.span, message).with_help("see `triggerThreshold`"));
    }
}

/// One alert for many results says of each column what the first result has.
fn first_row(rule: &Rule, told: &mut Vec<Diagnostic>) {
    let formats = rule.overrides.name.iter().chain(&rule.overrides.description);
    let has_column = |text: &str| parts(text).iter().any(|part| matches!(part, Part::Column(_)));
    if rule.grouping == Grouping::SingleAlert
        && let Some(format) = formats.into_iter().find(|format| has_column(&format.text))
    {
        let message = "all results make one alert, whose text takes its columns from the first of them";
        let help = "with `aggregationKind: AlertPerResult` each has its own";
        told.push(Diagnostic::note(format.span, message).with_help(help));
    }
}

/// The query with blanks in place of comments.
fn without_comments(query: &str) -> String {
    let mut text = query.to_owned();
    for comment in comments(query) {
        let (start, end) = (comment.start as usize, comment.end as usize);
        let blanks = " ".repeat(end.saturating_sub(start));
        if text.is_char_boundary(start) && text.is_char_boundary(end) && start <= end {
            text.replace_range(start..end, &blanks);
        }
    }
    text
}

/// `ago(14d)` in a rule that is given a day.
fn reaches_back(rule: &Rule, text: &str, sources: &Sources, told: &mut Vec<Diagnostic>) {
    if rule.kind == Kind::NearRealTime {
        return;
    }
    let mut farthest: Option<(i64, usize, usize)> = None;
    for (at, _) in text.match_indices("ago(") {
        let is_word = text.get(..at).and_then(|before| before.chars().next_back());
        if is_word.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = text.get(at + 4..).unwrap_or_default();
        let Some(end) = rest.find(')') else { continue };
        let written = rest.get(..end).unwrap_or_default().trim();
        let is_literal = written.ends_with(|letter: char| letter.is_ascii_lowercase());
        let Some(ticks) = parse_timespan(written).filter(|_| is_literal) else { continue };
        if ticks > rule.period && farthest.is_none_or(|(before, ..)| ticks > before) {
            farthest = Some((ticks, at, at + 4 + end + 1));
        }
    }
    // Rules in the wild go some minutes further than their period, for what comes late.
    let Some((ticks, start, end)) = farthest.filter(|(ticks, ..)| *ticks - rule.period >= Ticks::PER_DAY)
    else {
        return;
    };
    let message =
        format!("the query goes back {}, and the rule is given {}", format(ticks), format(rule.period));
    let help = "make `queryPeriod` as long as the query goes back";
    told.push(Diagnostic::warning(rule.query.part(sources, start, end), message).with_help(help));
}

/// Prefixes that are meant for private addresses and fit public ones.
fn prefixes(rule: &Rule, text: &str, sources: &Sources, told: &mut Vec<Diagnostic>) {
    for word in ["startswith", "hasprefix", "startswith_cs"] {
        for (at, _) in text.match_indices(word) {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            let literal = rest.trim_start();
            if ["\"172.\"", "'172.'"].iter().any(|prefix| literal.starts_with(prefix)) {
                let end = at + word.len() + (rest.len() - literal.len()) + 6;
                let span = rule.query.part(sources, at, end);
                let message = "most addresses that begin with `172.` are public";
                told.push(Diagnostic::warning(span, message).with_help("use `ipv4_is_private()`"));
            }
        }
    }
}
