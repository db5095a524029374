//! Correlations: rules over what other rules find.
//!
//! Source: Sigma specification 2, "Correlation rules".

use std::collections::BTreeMap;
use std::fmt::Write;

use castellan_base::{Diagnostic, Node, Span, Ticks};

use super::{Base, made};
use crate::check::Schemas;
use crate::literal::quoted;
use crate::rule::Rule;
use crate::rule::duration;

/// The column that says which rule found a row.
const RULE: &str = "SigmaRule";
/// The column that holds what is counted.
const VALUE: &str = "SigmaValue";
/// Runs in a time span.
const RUNS: i64 = 6;

type Result<T> = std::result::Result<T, Diagnostic>;

/// What a correlation is made of.
struct Parts<'d> {
    node: &'d Node,
    kind: &'d str,
    /// The rules in their order, each by what the correlation calls it.
    rules: Vec<(&'d str, usize)>,
    keys: Vec<&'d str>,
    /// Which field of which rule an alias stands for.
    aliases: BTreeMap<(&'d str, &'d str), &'d str>,
}

/// The rule of a correlation, and which rules it takes the place of.
pub(super) fn rule(
    document: &Node,
    bases: &[Base<'_>],
    names: &BTreeMap<String, usize>,
    schemas: &Schemas,
    told: &mut Vec<Diagnostic>,
) -> Result<(Rule, Vec<usize>)> {
    let node = document.get("correlation").unwrap_or(document);
    let parts = parts(node, names)?;
    let span = timespan(node)?;
    let mut query = events(&parts, bases, schemas)?;
    query.push_str(&outcome(&parts)?);
    let mut rule = made::plain(document, query, told);
    rule.period = span;
    // Windows overlap by five sixths, however short they are: several may be due in one run.
    rule.frequency = (span / RUNS).max(Ticks::PER_SECOND).min(span);
    rule.details = parts
        .keys
        .iter()
        .map(|key| crate::rule::Detail { name: (*key).into(), column: crate::rule::Placed::nowhere(*key) })
        .collect();
    let hidden =
        if generates(document, node) { Vec::new() } else { parts.rules.iter().map(|(_, at)| *at).collect() };
    Ok((rule, hidden))
}

/// The rules that a correlation refers to and takes the place of, whether or not it can be read.
pub(super) fn referred(document: &Node, names: &BTreeMap<String, usize>) -> Vec<usize> {
    let node = document.get("correlation").unwrap_or(document);
    if generates(document, node) {
        return Vec::new();
    }
    let named = node.get("rules").map(|rules| rules.as_array().unwrap_or(std::slice::from_ref(rules)));
    let named = named.unwrap_or_default().iter().filter_map(Node::as_str);
    named.filter_map(|name| names.get(name).copied()).collect()
}

/// Whether rules raise alerts of their own besides.
fn generates(document: &Node, node: &Node) -> bool {
    document.get("generate").or_else(|| node.get("generate")).and_then(Node::as_bool) == Some(true)
}

fn refused(span: Span, message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::error(span, message).with_help(help)
}

fn parts<'d>(node: &'d Node, names: &BTreeMap<String, usize>) -> Result<Parts<'d>> {
    let Some(kind) = node.get("type").and_then(Node::as_str) else {
        return Err(refused(node.span, "the correlation has no `type`", "as `event_count`"));
    };
    let texts = |name: &str| -> Vec<(&'d str, Span)> {
        let found = node.get(name);
        let items =
            found.map(|node| node.as_array().unwrap_or(std::slice::from_ref(node))).unwrap_or_default();
        items.iter().filter_map(|item| Some((item.as_str()?, item.span))).collect()
    };
    let mut rules = Vec::new();
    for (name, span) in texts("rules") {
        match names.get(name) {
            Some(at) => rules.push((name, *at)),
            None => {
                let help = "a correlation refers to rules that are read with it, by name or id; other correlations are not supported";
                return Err(refused(span, format!("there is no rule `{name}`"), help));
            }
        }
    }
    if rules.is_empty() {
        return Err(refused(node.span, "the correlation has no `rules`", "name the rules by their names"));
    }
    let mut aliases = BTreeMap::new();
    for member in node.get("aliases").and_then(Node::as_object).into_iter().flatten() {
        for field in member.value.as_object().into_iter().flatten() {
            if let Some(name) = field.value.as_str() {
                aliases.insert((&*member.key, &*field.key), name);
            }
        }
    }
    let keys = texts("group-by").into_iter().map(|(key, _)| key).collect();
    Ok(Parts { node, kind, rules, keys, aliases })
}

fn timespan(node: &Node) -> Result<i64> {
    let written = node.get("timespan").and_then(Node::as_str).unwrap_or_default();
    let ticks = span_of(written).filter(|ticks| *ticks > 0);
    ticks.ok_or_else(|| {
        let place = node.get("timespan").unwrap_or(node).span;
        refused(
            place,
            format!("`{written}` is no time span"),
            "write `timespan` as `10s`, `5m`, `1h`, `1d`, `1w` or `1M`",
        )
    })
}

/// Months are of 30 days and years of 365; a capital letter is what tells months from minutes.
fn span_of(written: &str) -> Option<i64> {
    let written = written.trim();
    let days = match written.chars().next_back()? {
        'M' => 30,
        'y' | 'Y' => 365,
        _ => return duration::parse(written),
    };
    let count: i64 = written.get(..written.len() - 1)?.trim().parse().ok()?;
    // A century at most, as all durations.
    count.checked_mul(days)?.checked_mul(Ticks::PER_DAY).filter(|ticks| *ticks <= 36_500 * Ticks::PER_DAY)
}

/// The events of all rules with what groups them.
fn events(parts: &Parts<'_>, bases: &[Base<'_>], schemas: &Schemas) -> Result<String> {
    let counted = value_field(parts)?;
    let mut text = "union".to_owned();
    let mut known = std::collections::BTreeSet::new();
    // A rule that is named twice has its events once.
    let once = parts.rules.iter().filter(|(name, _)| known.insert(*name));
    for (number, (name, at)) in once.enumerate() {
        let Some(base) = bases.get(*at) else { continue };
        let column = |field: &str, place: Span| -> Result<String> {
            let own = parts.aliases.get(&(field, *name)).copied().unwrap_or(field);
            Ok(base.entry.field(own, place, schemas)?.as_text())
        };
        let mut columns = vec!["TimeGenerated".to_owned(), format!("{RULE} = {}", quoted(name))];
        for key in &parts.keys {
            let place = parts.node.get("group-by").unwrap_or(parts.node).span;
            columns.push(format!("{} = {}", super::source::column(key), column(key, place)?));
        }
        if let Some((field, place)) = counted {
            columns.push(format!("{VALUE} = {}", column(field, place)?));
        }
        let comma = if number == 0 { "" } else { "," };
        // Writing to a text cannot fail.
        let _ =
            write!(text, "{comma} ({} | project {})", base.query().replace('\n', " "), columns.join(", "));
    }
    Ok(text)
}

/// The field whose values count.
fn value_field<'d>(parts: &Parts<'d>) -> Result<Option<(&'d str, Span)>> {
    if !parts.kind.starts_with("value_") {
        return Ok(None);
    }
    let field = parts.node.at_path("condition.field");
    match field.and_then(|node| Some((node.as_str()?, node.span))) {
        Some(found) => Ok(Some(found)),
        None => {
            let help = "name the field whose values count";
            Err(refused(parts.node.span, format!("`{}` needs `condition.field`", parts.kind), help))
        }
    }
}

/// What of the events makes a result.
fn outcome(parts: &Parts<'_>) -> Result<String> {
    let keys: Vec<String> = parts.keys.iter().map(|key| super::source::column(key)).collect();
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    let times = "StartTime = min(TimeGenerated), EndTime = max(TimeGenerated)";
    let summarize = |aggregate: String, condition: String| {
        format!("\n| summarize {aggregate}, {times}{by}\n| where {condition}")
    };
    let count = parts.rules.iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>().len();
    let percentile = || {
        let wanted = parts.node.at_path("condition.percentile").and_then(Node::as_i64).unwrap_or(50);
        if parts.kind == "value_median" { 50 } else { wanted.clamp(0, 100) }
    };
    Ok(match parts.kind {
        "event_count" => summarize("Count = count()".to_owned(), bounds(parts, "Count")?),
        "value_count" => summarize(format!("Count = count_distinct({VALUE})"), bounds(parts, "Count")?),
        "value_sum" => summarize(format!("Sum = sum(todouble({VALUE}))"), bounds(parts, "Sum")?),
        "value_avg" => summarize(format!("Average = avg(todouble({VALUE}))"), bounds(parts, "Average")?),
        "value_percentile" | "value_median" => {
            let aggregate = format!("Percentile = percentile(todouble({VALUE}), {})", percentile());
            summarize(aggregate, bounds(parts, "Percentile")?)
        }
        "temporal" => {
            let wanted = match parts.node.get("condition") {
                Some(_) => bounds(parts, "Fired")?,
                None => format!("Fired == {count}"),
            };
            summarize(format!("Rules = make_set({RULE}), Fired = count_distinct({RULE})"), wanted)
        }
        "temporal_ordered" => ordered(parts, &summarize),
        other => {
            let place = parts.node.get("type").unwrap_or(parts.node).span;
            let help = "see the table in the documentation of the import";
            return Err(refused(
                place,
                format!("correlations of the type `{other}` are not supported"),
                help,
            ));
        }
    })
}

/// Times sort as texts, so that the order of rules is one of letters behind them.
fn ordered(parts: &Parts<'_>, summarize: &dyn Fn(String, String) -> String) -> String {
    let names: Vec<String> = parts.rules.iter().map(|(name, _)| quoted(name)).collect();
    let number = format!("array_index_of(dynamic([{}]), {RULE})", names.join(", "));
    let steps = format!("Steps = array_sort_asc(make_list(strcat(TimeGenerated, ' ', {number}, ';')))");
    // The number of a rule is that of its first place.
    let place = |name: &str| parts.rules.iter().position(|(known, _)| *known == name).unwrap_or_default();
    let in_order: Vec<String> = parts.rules.iter().map(|(name, _)| format!(" {};", place(name))).collect();
    let pattern = quoted(&in_order.join(".*"));
    summarize(steps, format!("strcat_array(Steps, '') matches regex {pattern}"))
}

/// The comparisons of `condition`.
fn bounds(parts: &Parts<'_>, column: &str) -> Result<String> {
    let Some(node) = parts.node.get("condition") else {
        let help = "as `condition: { gte: 10 }`";
        return Err(refused(parts.node.span, format!("`{}` needs a `condition`", parts.kind), help));
    };
    let mut all = Vec::new();
    for member in node.as_object().into_iter().flatten() {
        let operator = match &*member.key {
            "gt" => ">",
            "gte" => ">=",
            "lt" => "<",
            "lte" => "<=",
            "eq" => "==",
            "neq" => "!=",
            "field" | "percentile" => continue,
            other => {
                let help = "write gt, gte, lt, lte, eq or neq";
                return Err(refused(member.key_span, format!("`{other}` is no comparison"), help));
            }
        };
        match member.value.as_f64() {
            Some(number) if number.is_finite() => all.push(format!("{column} {operator} {number}")),
            _ => return Err(refused(member.value.span, "a number is expected here", "as `gte: 10`")),
        }
    }
    if all.is_empty() {
        return Err(refused(node.span, "the condition compares nothing", "as `condition: { gte: 10 }`"));
    }
    Ok(all.join(" and "))
}
