//! Indicators as they are held: what is needed of them to match, out of objects of STIX or out of rows.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use castellan_detect::run::Results;
use castellan_kql::Value;
use castellan_kql::value::format_datetime;
use castellan_query::{Engine, Error};
use castellan_stix::pattern::Pattern;
use castellan_stix::{Alternative, Indicator, Kind, Object, Observable, Unusable, matchable};
use serde::{Deserialize, Serialize};

use crate::look;
use crate::matching::Sign;
use crate::rows::INDICATORS;

/// An indicator, as far as it is needed to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who it is from.
    pub source: String,
    /// Its values. Empty where it cannot be matched row by row.
    pub alternatives: Vec<Alternative>,
    /// How sure its creator is.
    pub confidence: Option<u8>,
    /// It counts from then on.
    pub from: Ticks,
    /// It does not count then any more.
    pub until: Option<Ticks>,
    /// When it was changed last.
    pub modified: Ticks,
    /// When it was written down here.
    pub written: Ticks,
    /// Whether it counts at all: not revoked, not deleted.
    pub is_active: bool,
}

/// Columns of an indicator's rows that are read back.
const COLUMNS: &str = "Id, ObservableKey, ObservableValue, Pattern, Confidence, ValidFrom, ValidUntil, Modified, \
    IsActive, IsDeleted, Revoked, SourceSystem, TimeGenerated, Name = tostring(Data.name)";

impl Held {
    /// What an object of STIX says.
    ///
    /// Errors: it is no indicator that can be used.
    pub fn of_object(object: &Object) -> Result<Held, Unusable> {
        let indicator = Indicator::of(object)?;
        Ok(Held {
            alternatives: alternatives(&indicator),
            id: indicator.id,
            name: indicator.name,
            source: crate::rows::source_of(object).unwrap_or_default().to_owned(),
            confidence: indicator.confidence,
            from: indicator.valid_from,
            until: indicator.valid_until,
            modified: indicator.modified,
            written: indicator.modified,
            is_active: !indicator.revoked,
        })
    }

    /// For an index.
    pub fn sign(&self) -> Sign<'_> {
        let alternatives: &[Alternative] = if self.is_active { &self.alternatives } else { &[] };
        Sign {
            id: &self.id,
            name: &self.name,
            confidence: self.confidence,
            alternatives,
            from: self.from,
            until: self.until,
        }
    }

    /// Whether it counts for what happens at a time.
    pub fn counts_at(&self, time: Ticks) -> bool {
        self.is_active && self.until.is_none_or(|until| time < until)
    }
}

/// What of an indicator is matched row by row.
pub(crate) fn alternatives(indicator: &Indicator) -> Vec<Alternative> {
    if indicator.pattern_type != "stix" {
        return Vec::new();
    }
    Pattern::parse(&indicator.pattern).map(|pattern| matchable(&pattern).alternatives).unwrap_or_default()
}

/// Which rows of indicators are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Those that were taken in from then on.
    pub received_from: Option<Ticks>,
    /// Those that were taken in before.
    pub received_until: Option<Ticks>,
    /// Those of these ids; of all where there are none.
    pub ids: &'a [String],
}

/// Reads the indicators of an engine: of each id the newest version, with the values of that version alone.
///
/// Errors: the table cannot be read.
pub async fn held(engine: &Engine, asked: &Asked<'_>) -> Result<Vec<Held>, Error> {
    let at = |ticks: Ticks| format!("datetime({})", format_datetime(ticks.get()));
    let mut query = INDICATORS.to_owned();
    if let Some(from) = asked.received_from {
        query += &format!(" | where _TimeReceived >= {}", at(from));
    }
    if let Some(until) = asked.received_until {
        query += &format!(" | where _TimeReceived < {}", at(until));
    }
    if !asked.ids.is_empty() {
        let list: Vec<String> = asked.ids.iter().map(|id| format!("'{}'", look::escaped(id))).collect();
        query += &format!(" | where Id in ({})", list.join(", "));
    }
    query += &format!(" | project {COLUMNS}");
    let results = look::read(engine, &query).await?;
    of_results(&results)
}

/// The newest version of each id.
fn of_results(results: &Results) -> Result<Vec<Held>, Error> {
    let mut newest: BTreeMap<String, Held> = BTreeMap::new();
    results.each(|_, values| {
        let Some(row) = of_row(&values) else { return };
        let age = |held: &Held| (held.modified, held.written);
        match newest.get_mut(&row.id) {
            Some(own) if age(own) > age(&row) => {}
            Some(own) if age(own) == age(&row) => own.alternatives.extend(row.alternatives),
            _ => {
                newest.insert(row.id.clone(), row);
            }
        }
    })?;
    Ok(newest.into_values().map(distinct).collect())
}

/// Rows of one indicator repeat its pattern.
fn distinct(mut held: Held) -> Held {
    let mut seen = std::collections::HashSet::new();
    held.alternatives.retain(|alternative| seen.insert(format!("{alternative:?}")));
    held
}

/// What a row says.
fn of_row(values: &[Value]) -> Option<Held> {
    let text = |at: usize| values.get(at).map(Value::to_text).unwrap_or_default();
    let time = |at: usize| match values.get(at) {
        Some(Value::DateTime(ticks)) => Ticks::new(*ticks),
        _ => None,
    };
    let flag = |at: usize| match values.get(at) {
        Some(Value::Bool(flag)) => Some(*flag),
        _ => None,
    };
    let (id, key, value, pattern) = (text(0), text(1), text(2), text(3));
    let written = time(12).unwrap_or(Ticks::MIN);
    if id.is_empty() {
        return None;
    }
    let confidence = text(4).parse::<u8>().ok().map(|confidence| confidence.min(100));
    let is_active = flag(8).unwrap_or(true) && !flag(9).unwrap_or(false) && !flag(10).unwrap_or(false);
    Some(Held {
        alternatives: of_pattern(&pattern, &key, &value),
        name: text(13),
        source: text(11),
        confidence,
        from: time(5).unwrap_or(Ticks::MIN),
        until: time(6),
        modified: time(7).unwrap_or(written),
        written,
        is_active,
        id,
    })
}

/// The ways of a pattern that a row is about; where there is no pattern, what its property and value say.
fn of_pattern(pattern: &str, key: &str, value: &str) -> Vec<Alternative> {
    let read =
        |text: &str| Pattern::parse(text).map(|pattern| matchable(&pattern).alternatives).unwrap_or_default();
    let mut found = read(pattern);
    if !value.is_empty() {
        let is_own = |alternative: &Alternative| alternative.parts.iter().any(|part| part.value == value);
        if found.iter().any(is_own) {
            found.retain(is_own);
        } else if found.is_empty() {
            found = read(&format!("[{key} = '{}']", value.replace('\\', "\\\\").replace('\'', "\\'")));
        }
    }
    found
}

/// An alternative as it is written to files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Kinds and values of its parts.
    pub parts: Vec<(String, String)>,
    /// It counts from then on, in ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// It does not count then any more, in ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Written {
    /// An alternative in this form.
    pub fn of(alternative: &Alternative) -> Written {
        let part = |part: &Observable| (part.kind.name().to_owned(), part.value.clone());
        Written {
            parts: alternative.parts.iter().map(part).collect(),
            from: alternative.from.map(Ticks::get),
            until: alternative.until.map(Ticks::get),
        }
    }

    /// The alternative; none where it is of a kind that is not known.
    pub fn read(&self) -> Option<Alternative> {
        let part = |(kind, value): &(String, String)| Observable::new(Kind::named(kind)?, value);
        Some(Alternative {
            parts: self.parts.iter().map(part).collect::<Option<Vec<_>>>()?,
            from: self.from.and_then(Ticks::new),
            until: self.until.and_then(Ticks::new),
        })
    }
}
