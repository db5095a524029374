//! Columns that a rule names beside its query.

use castellan_base::Diagnostic;
use castellan_kql::nearest;
use castellan_kql::plan::Field as Column;

use crate::rule::{Placed, Rule};
use crate::run::format::{Part, parts};

/// Properties of alerts that a column may say.
///
/// Source: Microsoft Sentinel documentation, "Customize alert details".
pub(super) const PROPERTIES: [&str; 9] = [
    "AlertLink",
    "ConfidenceLevel",
    "ConfidenceScore",
    "ExtendedLinks",
    "ProductComponentName",
    "ProductName",
    "ProviderName",
    "RemediationSteps",
    "Techniques",
];

/// Checks that the columns are in the result.
pub(super) fn check(rule: &Rule, columns: &[Column], is_open: bool, told: &mut Vec<Diagnostic>) {
    let mut see = |column: &Placed| {
        if columns.iter().any(|known| *known.name == *column.text) {
            return;
        }
        let message = format!("the result has no column `{}`", column.text);
        let names = columns.iter().map(|known| &*known.name);
        let near = nearest(&column.text, names).map(|name| format!("did you mean `{name}`?"));
        told.push(if is_open {
            let message = format!("whether the result has a column `{}` depends on the data", column.text);
            Diagnostic::note(column.span, message)
        } else {
            let help = near.unwrap_or_else(|| "have the query give it, or take the mapping away".to_owned());
            Diagnostic::error(column.span, message).with_help(help)
        });
    };
    for field in rule.entities.iter().flat_map(|mapping| &mapping.fields) {
        see(&field.column);
    }
    rule.entity_columns.iter().for_each(&mut see);
    rule.details.iter().for_each(|detail| see(&detail.column));
    let overrides = &rule.overrides;
    overrides.tactics.iter().chain(&overrides.severity).for_each(&mut see);
    overrides.properties.iter().for_each(|property| see(&property.column));
    for format in overrides.name.iter().chain(&overrides.description) {
        for part in parts(&format.text) {
            if let Part::Column(name) = part {
                see(&Placed { text: name.into(), span: format.span });
            }
        }
    }
    identifiers(rule, told);
    formats(rule, told);
}

/// Identifiers that their type of entity has, and properties that alerts have.
fn identifiers(rule: &Rule, told: &mut Vec<Diagnostic>) {
    for mapping in &rule.entities {
        let known = mapping.entity.identifiers();
        for field in &mapping.fields {
            let written = &field.identifier;
            let exact = known.contains(&&*written.text);
            let near = || nearest(&written.text, known.iter().copied());
            if exact {
                continue;
            }
            let help = near()
                .map_or_else(|| format!("known are {}", known.join(", ")), |near| format!("write `{near}`"));
            let message = format!("`{}` has no identifier `{}`", mapping.entity.name(), written.text);
            told.push(Diagnostic::error(written.span, message).with_help(help));
        }
    }
    for property in &rule.overrides.properties {
        let written = &property.property;
        let is_known = PROPERTIES.contains(&&*written.text) || &*written.text == "SubTechniques";
        if !is_known {
            let message = format!("alerts have no property `{}` that a column may say", written.text);
            let help = format!("known are {}", PROPERTIES.join(", "));
            told.push(Diagnostic::error(written.span, message).with_help(help));
        }
    }
}

/// Braces that hold no column.
fn formats(rule: &Rule, told: &mut Vec<Diagnostic>) {
    for format in rule.overrides.name.iter().chain(&rule.overrides.description) {
        if parts(&format.text).iter().any(|part| matches!(part, Part::Unclosed(_))) {
            let message = "`{{` stands here without `}}`; it is kept as it is written";
            told.push(Diagnostic::warning(format.span, message).with_help("write `{{Column}}`"));
        }
    }
}
