//! Checks in YAML: a name, or a mapping with one key and what it needs.

use castellan_base::Node;

use crate::rule::fields::{Fields, Problems};
use crate::rule::{Check, DateFormat, Expressions, Modulus, Position, Side, Target};

const CLASSES: [&str; 4] = ["lower", "upper", "digit", "other"];

const HELP: &str = "write a check's name, or `{ entropy: 3.5 }`, `{ mix: [...] }`, `{ date: ... }`, `{ modulus: ... }`, \
     `{ not: [...] }`, `{ not-matches: [...] }`, `{ starts: [...] }` and the like";

/// Reads a list of checks. Faults go to `problems`.
pub(super) fn checks(nodes: &[Node], problems: &mut Problems) -> Vec<Check> {
    nodes.iter().filter_map(|node| check(node, problems)).collect()
}

fn check(node: &Node, problems: &mut Problems) -> Option<Check> {
    match node.as_str() {
        Some("not-placeholder") => return Some(Check::NotPlaceholder),
        Some("not-repeated") => return Some(Check::NotRepeated),
        Some(name) => return Some(Check::Named(name.into())),
        None => {}
    }
    let mut fields = Fields::of(node, "the check", problems)?;
    let first = node.as_object().and_then(|object| object.iter().next());
    let key = first.map(|member| member.key.to_string()).unwrap_or_default();
    let check = match key.as_str() {
        "entropy" => entropy(&mut fields, problems),
        "mix" => mix(&mut fields, problems),
        "date" => date(&mut fields, problems),
        "modulus" => modulus(&mut fields, problems),
        "not-matches" => not_matches(&mut fields, problems),
        "not" => Some(Check::Not(fields.texts("not", problems))),
        _ => match edge(&mut fields, &key, problems) {
            Some(check) => Some(check),
            None => {
                problems.error(node.span, format!("there is no check `{key}`"), HELP);
                return None;
            }
        },
    };
    fields.finish(problems);
    check
}

fn edge(fields: &mut Fields<'_>, key: &str, problems: &mut Problems) -> Option<Check> {
    let (name, side, required, beside): (&'static str, _, _, _) = match key {
        "starts" => ("starts", Side::Start, true, false),
        "not-starts" => ("not-starts", Side::Start, false, false),
        "ends" => ("ends", Side::End, true, false),
        "not-ends" => ("not-ends", Side::End, false, false),
        "before" => ("before", Side::Start, true, true),
        "not-before" => ("not-before", Side::Start, false, true),
        "after" => ("after", Side::End, true, true),
        "not-after" => ("not-after", Side::End, false, true),
        _ => return None,
    };
    let texts = fields.texts(name, problems);
    Some(match beside {
        false => Check::Edge { side, required, texts },
        true => Check::Beside { side, required, texts },
    })
}

fn not_matches(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let span = fields.get("not-matches").map_or(fields.span, |node| node.span);
    let target = fields.choice("in", &Target::ALL, problems).unwrap_or(Target::Value);
    match Expressions::new(fields.texts("not-matches", problems)) {
        Ok(expressions) => Some(Check::NotMatching { target, expressions: expressions.into() }),
        Err(reason) => {
            problems.error(span, format!("`not-matches` cannot be used: {reason}"), "correct the expression");
            None
        }
    }
}

fn entropy(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let node = fields.get("entropy")?;
    match node.as_f64() {
        // Hundredths of a bit, so that rules can be compared; a byte has at most 8 bits.
        Some(bits) if (0.0..=8.0).contains(&bits) => Some(Check::Entropy((bits * 100.0).round() as u16)),
        _ => {
            problems.error(node.span, "`entropy` is not a number of bits from 0 to 8", "3.5 is customary");
            None
        }
    }
}

fn mix(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let mut classes = [false; 4];
    let mut count = 0;
    for node in fields.items("mix") {
        let place = CLASSES.iter().position(|class| node.as_str() == Some(*class));
        match place.and_then(|place| classes.get_mut(place)) {
            Some(class) => {
                *class = true;
                count += 1;
            }
            None => problems.error(node.span, "no such class", "use lower, upper, digit and other"),
        }
    }
    let min = fields.number("min", (1, 4), problems).unwrap_or(count);
    Some(Check::Mix { classes, min: u8::try_from(min).ok()? })
}

fn date(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let format = fields.choice("date", &DateFormat::ALL, problems)?;
    let offset = fields.number("offset", (0, 64), problems).unwrap_or(0);
    Some(Check::Date { format, offset: u8::try_from(offset).ok()? })
}

fn modulus(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Check> {
    let modulus = fields.number("modulus", (2, 1_000_000), problems);
    let mut weights = Vec::new();
    for node in fields.items("weights") {
        match node.as_i64().and_then(|weight| i32::try_from(weight).ok()) {
            Some(weight) if weight.abs() <= 1_000_000 => weights.push(weight),
            _ => problems.error(node.span, "the weight is not a whole number up to a million", "change it"),
        }
    }
    if weights.is_empty() {
        problems.error(fields.span, "the check has no `weights`", "add `weights: [...]`, one for each digit");
    }
    let position = match fields.get("position") {
        None => Position::Last,
        Some(node) if node.as_str() == Some("last") => Position::Last,
        Some(_) => {
            let place = fields.number("position", (0, 64), problems)?;
            Position::FromStart(u8::try_from(place).ok()?)
        }
    };
    let complement = fields.flag("complement", problems);
    Some(Check::Modulus(Modulus { weights, modulus: modulus?, position, complement }))
}
