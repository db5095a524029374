//! Indicators and objects as rows, by the columns that Microsoft Sentinel documents for them.
//!
//! An indicator makes a row of `ThreatIntelIndicators` for each value that it names, as Microsoft Sentinel's rules expect
//! (they keep the newest row of each `Id` and `ObservableValue`), and one of the older `ThreatIntelligenceIndicator`, whose
//! `IndicatorId` is one for each value. Everything else makes a row of `ThreatIntelObjects`. All properties stand in `Data`.
//!
//! Source: Azure Monitor, reference of the tables `ThreatIntelIndicators`, `ThreatIntelObjects`, `ThreatIntelligenceIndicator`.

mod legacy;

use castellan_base::Ticks;
use castellan_stix::pattern::Pattern;
use castellan_stix::{Alternative, Indicator, Kind, Object, Observable, matchable};
use serde_json::{Map, Value, json};

use crate::held::Held;

/// The table of indicators.
pub const INDICATORS: &str = "ThreatIntelIndicators";
/// The table of other objects.
pub const OBJECTS: &str = "ThreatIntelObjects";
/// The older table of indicators.
pub const LEGACY: &str = "ThreatIntelligenceIndicator";

/// Patterns and objects longer than this stand in the first row of an indicator alone, in bytes.
const LONG: usize = 4 << 10;
/// The largest object that is kept whole, in bytes: columns of a lake hold no more.
const LARGEST: usize = 1 << 20;

/// What rows are written with.
#[derive(Clone, Debug)]
pub struct Writing {
    /// Now.
    pub at: Ticks,
    /// The feed that it is from.
    pub source: String,
    /// How it came: `castellan import`, `castellan taxii`.
    pub method: &'static str,
    /// Whether rows of the older table are written too.
    pub legacy: bool,
}

/// Rows by their tables.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Of `ThreatIntelIndicators`.
    pub indicators: Vec<Value>,
    /// Of `ThreatIntelObjects`.
    pub objects: Vec<Value>,
    /// Of `ThreatIntelligenceIndicator`.
    pub legacy: Vec<Value>,
}

/// What became of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrote {
    /// Why an indicator, or a part of it, is not matched row by row.
    pub not_matched: Vec<String>,
}

impl Rows {
    /// Adds the rows of an object.
    pub fn add(&mut self, object: &Object, writing: &Writing) -> Wrote {
        match Indicator::of(object) {
            Ok(indicator) => self.add_indicator(object, &indicator, writing),
            Err(why) => {
                let is_indicator = object.kind == "indicator";
                self.objects.push(object_row(object, writing));
                let told = is_indicator.then(|| why.to_string());
                Wrote { not_matched: told.into_iter().collect() }
            }
        }
    }

    fn add_indicator(&mut self, object: &Object, indicator: &Indicator, writing: &Writing) -> Wrote {
        let (alternatives, reasons) = decided(indicator);
        let mut values: Vec<&Observable> = Vec::new();
        for part in alternatives.iter().flat_map(|alternative| &alternative.parts) {
            if !values.contains(&part) {
                values.push(part);
            }
        }
        let data = data(object);
        for (at, value) in values.iter().enumerate() {
            let is_first = at == 0;
            self.indicators.push(indicator_row(indicator, Some(value), &data, &reasons, is_first, writing));
            if writing.legacy {
                self.legacy.push(legacy::row(indicator, value, &data, writing));
            }
        }
        if values.is_empty() {
            self.indicators.push(indicator_row(indicator, None, &data, &reasons, true, writing));
        }
        Wrote { not_matched: reasons }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.indicators.len() + self.objects.len() + self.legacy.len()
    }
}

/// What is matched row by row of an indicator, and why the rest is not.
pub fn decided(indicator: &Indicator) -> (Vec<Alternative>, Vec<String>) {
    if indicator.pattern_type != "stix" {
        let why = format!(
            "its pattern is of the language `{}`; use a rule of that language",
            indicator.pattern_type
        );
        return (Vec::new(), vec![why]);
    }
    match Pattern::parse(&indicator.pattern) {
        Ok(pattern) => {
            let found = matchable(&pattern);
            (found.alternatives, found.left_out.iter().map(ToString::to_string).collect())
        }
        Err(error) => (Vec::new(), vec![error.to_string()]),
    }
}

/// Who an object says that it is from.
pub fn source_of(object: &Object) -> Option<&str> {
    let references = object.members.get("external_references")?.as_array()?;
    references.first()?.get("source_name")?.as_str()
}

/// The object as the column `Data` has it.
fn data(object: &Object) -> Value {
    let whole = object.to_json();
    if whole.to_string().len() <= LARGEST {
        return whole;
    }
    // What identifies it stays; the rest is with its source.
    let kept =
        ["type", "id", "created", "modified", "name", "pattern_type", "valid_from", "valid_until", "revoked"];
    let members: Map<String, Value> = object
        .members
        .iter()
        .filter(|(name, value)| kept.contains(&name.as_str()) && value.to_string().len() < LONG)
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(std::iter::once(("x_castellan_too_large".to_owned(), json!(true))))
        .collect();
    Value::Object(members)
}

fn additional(tlp: Option<&str>, reasons: &[String], writing: &Writing) -> Value {
    let mut members = Map::new();
    members.insert("Source".to_owned(), json!(writing.source));
    if let Some(tlp) = tlp {
        members.insert("TLPLevel".to_owned(), json!(tlp));
    }
    if !reasons.is_empty() {
        members.insert("NotMatched".to_owned(), json!(reasons.iter().take(20).collect::<Vec<_>>()));
    }
    Value::Object(members)
}

fn indicator_row(
    indicator: &Indicator,
    value: Option<&Observable>,
    data: &Value,
    reasons: &[String],
    is_first: bool,
    writing: &Writing,
) -> Value {
    let own_pattern = || value.map(Observable::pattern).unwrap_or_default();
    let is_short = is_first || indicator.pattern.len() <= LONG;
    let pattern = if is_short { indicator.pattern.clone() } else { own_pattern() };
    let data = if is_first || data.to_string().len() <= LONG { data.clone() } else { named(data) };
    let is_valid = indicator.valid_until.is_none_or(|until| until > writing.at);
    let mut row = json!({
        "TimeGenerated": writing.at.to_string(),
        "SourceSystem": writing.source,
        "Id": indicator.id,
        "Pattern": pattern,
        "ObservableKey": value.map(|value| value.kind.path(&value.value)).unwrap_or_default(),
        "ObservableValue": value.map(|value| value.value.as_str()).unwrap_or_default(),
        "Created": indicator.created.to_string(),
        "Modified": indicator.modified.to_string(),
        "ValidFrom": indicator.valid_from.to_string(),
        "IsActive": !indicator.revoked && is_valid,
        "IsDeleted": false,
        "Revoked": indicator.revoked,
        "LastUpdateMethod": writing.method,
        "Tags": indicator.labels.join(", "),
        "Data": data,
        "AdditionalFields": additional(indicator.tlp.map(castellan_stix::Tlp::name), reasons, writing),
    });
    if let Some(members) = row.as_object_mut() {
        if let Some(until) = indicator.valid_until {
            members.insert("ValidUntil".to_owned(), json!(until.to_string()));
        }
        if let Some(confidence) = indicator.confidence {
            members.insert("Confidence".to_owned(), json!(confidence));
        }
    }
    row
}

/// What names an object, where the rest of it stands in another row.
fn named(data: &Value) -> Value {
    let member = |name: &str| data.get(name).cloned().unwrap_or_default();
    json!({ "type": member("type"), "id": member("id"), "name": member("name") })
}

fn object_row(object: &Object, writing: &Writing) -> Value {
    json!({
        "TimeGenerated": writing.at.to_string(),
        "SourceSystem": writing.source,
        "Id": object.id,
        "StixType": object.kind,
        "IsDeleted": object.is_revoked(),
        "LastUpdateMethod": writing.method,
        "Data": data(object),
        "AdditionalFields": additional(object.tlp().map(castellan_stix::Tlp::name), &[], writing),
    })
}

/// Rows that say of an indicator that is held that it does not count any more: expired, or gone from its newest version.
pub fn ended(held: &Held, alternatives: &[Alternative], writing: &Writing) -> Rows {
    let mut rows = Rows::default();
    let mut values: Vec<&Observable> = Vec::new();
    for part in alternatives.iter().flat_map(|alternative| &alternative.parts) {
        if !values.contains(&part) {
            values.push(part);
        }
    }
    for value in values {
        rows.indicators.push(ended_row(held, Some(value), writing));
        if writing.legacy {
            rows.legacy.push(legacy::ended(held, value, writing));
        }
    }
    if rows.indicators.is_empty() && alternatives.is_empty() {
        rows.indicators.push(ended_row(held, None, writing));
    }
    rows
}

fn ended_row(held: &Held, value: Option<&Observable>, writing: &Writing) -> Value {
    let mut row = json!({
        "TimeGenerated": writing.at.to_string(),
        "SourceSystem": held.source,
        "Id": held.id,
        "Pattern": value.map(Observable::pattern).unwrap_or_default(),
        "ObservableKey": value.map(|value| value.kind.path(&value.value)).unwrap_or_default(),
        "ObservableValue": value.map(|value| value.value.as_str()).unwrap_or_default(),
        "Modified": held.modified.to_string(),
        "ValidFrom": held.from.to_string(),
        "IsActive": false,
        "IsDeleted": false,
        "Revoked": false,
        "LastUpdateMethod": writing.method,
        "Data": { "type": "indicator", "id": held.id, "name": held.name },
    });
    if let (Some(members), Some(until)) = (row.as_object_mut(), held.until) {
        members.insert("ValidUntil".to_owned(), json!(until.to_string()));
    }
    row
}

/// The values of an indicator that a newer version of it does not have any more.
pub fn vanished(before: &Held, now: &[Alternative]) -> Vec<Alternative> {
    let has = |part: &Observable| now.iter().any(|alternative| alternative.parts.contains(part));
    let gone =
        before.alternatives.iter().flat_map(|alternative| &alternative.parts).filter(|part| !has(part));
    gone.map(|part| Alternative { parts: vec![part.clone()], from: None, until: None }).collect()
}

/// The kind of a value as both tables name it: the digest's own name for digests.
pub(crate) fn digest_name(value: &Observable) -> Option<&'static str> {
    (value.kind == Kind::Hash).then(|| castellan_stix::observable::hash_name(&value.value))
}
