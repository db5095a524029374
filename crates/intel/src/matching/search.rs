//! Rows against an index.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_detect::entity::{Entity, EntityType};
use castellan_detect::run::{Identity, Results, identity};
use castellan_kql::Value;
use castellan_query::Error;
use castellan_query::arrow::array::{Array, ArrayRef};
use castellan_query::physical::Reader;
use castellan_stix::Kind;
use castellan_stix::observable::{address, hash_name};

use super::index::{Index, Named};
use super::places::{Holds, Place, Role};
use super::text::tokens;

/// Columns that say when something happened, the first that there is.
pub(crate) const TIMES: [&str; 2] = ["TimeGenerated", "Timestamp"];

/// A row that has a value of an indicator.
#[derive(Clone, Debug)]
pub struct Match<'i> {
    /// What the index says of the value; of several that belong together, the first.
    pub named: Named<'i>,
    /// The values of the indicator.
    pub value: String,
    /// The kind of what stands in the row.
    pub kind: Kind,
    /// What stands in the row, in its normal form.
    pub seen: String,
    /// The columns in which it stands.
    pub columns: Vec<Arc<str>>,
    /// When it happened.
    pub time: Ticks,
    /// What makes the row the same as another one.
    pub row: Identity,
    /// Whom and what the row is about, the value first.
    pub about: Vec<Entity>,
}

/// What a search looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many rows.
    pub rows: u64,
    /// How many rows had values of indicators.
    pub matched: u64,
    /// How many pieces of texts were left out since one text has too many.
    pub left: u64,
}

/// A value of an indicator in a row.
struct Hit<'i> {
    named: Named<'i>,
    kind: Kind,
    seen: String,
    column: Arc<str>,
}

/// Shows all rows of a result that have values of indicators: each with each indicator once.
///
/// A row without a time counts as of `otherwise`.
///
/// Errors: batches that do not have the columns.
pub fn search<'i>(
    index: &'i Index,
    places: &[Place],
    results: &Results,
    otherwise: Ticks,
    see: &mut dyn FnMut(Match<'i>),
) -> Result<Searched, Error> {
    let mut searched = Searched::default();
    let position = |name: &str| results.position(name);
    let watched: Vec<(usize, &Place)> =
        places.iter().filter_map(|place| Some((position(&place.column)?, place))).collect();
    let time_at = TIMES.iter().find_map(|name| position(name));
    for batch in &results.batches {
        let arrays: Vec<ArrayRef> = batch.columns().iter().map(Arc::clone).collect();
        let readers = arrays
            .iter()
            .zip(&results.columns)
            .map(|(array, column)| Reader::new(array, column.scalar_type))
            .collect::<Result<Vec<_>, _>>()?;
        let mut hits: Vec<Hit<'i>> = Vec::new();
        for at in 0..batch.num_rows() {
            searched.rows += 1;
            let time = time_at.and_then(|column| readers.get(column)).map(|reader| reader.value(at));
            let time = match time {
                Some(Value::DateTime(ticks)) => Ticks::new(ticks).unwrap_or(otherwise),
                _ => otherwise,
            };
            hits.clear();
            for (column, place) in &watched {
                if let Some(reader) = readers.get(*column) {
                    searched.left += look_at(index, place, reader, at, time, &mut hits);
                }
            }
            if hits.is_empty() {
                continue;
            }
            let values: Vec<Value> = readers.iter().map(|reader| reader.value(at)).collect();
            let row = Row { values: &values, watched: &watched, time };
            searched.matched += u64::from(row.matches(&hits, see));
        }
    }
    Ok(searched)
}

/// Looks at a cell; how many pieces of its text were left out.
fn look_at<'i>(
    index: &'i Index,
    place: &Place,
    reader: &Reader<'_>,
    at: usize,
    time: Ticks,
    hits: &mut Vec<Hit<'i>>,
) -> u64 {
    if matches!(place.holds, Holds::About(_)) {
        return 0;
    }
    let mut find = |kind: Kind, normal: &str| {
        index.find(kind, normal, time, &mut |named| {
            let is_same = |hit: &Hit<'_>| {
                hit.named.indicator == named.indicator
                    && hit.named.value == named.value
                    && hit.column == place.column
            };
            if !hits.iter().any(is_same) {
                hits.push(Hit { named, kind, seen: normal.to_owned(), column: Arc::clone(&place.column) });
            }
        });
    };
    let left = match reader {
        Reader::String(array) if array.is_valid(at) => look(place.holds, array.value(at), &mut find),
        Reader::Dynamic(array) if array.is_valid(at) => {
            // Lists and bags are texts in which values stand.
            let text = reader.value(at).to_text();
            let holds = if text.starts_with(['[', '{']) { Holds::Text } else { place.holds };
            look(holds, &text, &mut find)
        }
        _ => 0,
    };
    u64::try_from(left).unwrap_or(u64::MAX)
}

/// Finds the values of a cell.
fn look(holds: Holds, text: &str, find: &mut dyn FnMut(Kind, &str)) -> usize {
    if text.is_empty() {
        return 0;
    }
    let kind = match holds {
        Holds::Text => return tokens(text, find),
        Holds::About(_) => return 0,
        Holds::Value(kind) => kind,
    };
    let plain = match kind {
        Kind::Ip => address(text).map(|found| (Kind::Ip, found.to_string())),
        Kind::Url | Kind::Domain => host_or_address_of_the_web(kind, text),
        other => other.normal(text).map(|normal| (other, normal)),
    };
    match plain {
        Some((kind, normal)) => {
            find(kind, &normal);
            0
        }
        // A list of values: `a, b`, `["a","b"]`.
        None if text.contains([',', ';', ' ', '[']) => tokens(text, find),
        None => 0,
    }
}

fn host_or_address_of_the_web(kind: Kind, text: &str) -> Option<(Kind, String)> {
    if text.starts_with(['[', '{']) {
        return None;
    }
    if let Some(found) = address(text) {
        return Some((Kind::Ip, found.to_string()));
    }
    let url = || Kind::Url.normal(text).map(|normal| (Kind::Url, normal));
    let domain = || Kind::Domain.normal(text).map(|normal| (Kind::Domain, normal));
    if kind == Kind::Url { url().or_else(domain) } else { domain().or_else(url) }
}

struct Row<'r> {
    values: &'r [Value],
    watched: &'r [(usize, &'r Place)],
    time: Ticks,
}

impl Row<'_> {
    /// Shows the matches that hits make; whether there are any.
    fn matches<'i>(&self, hits: &[Hit<'i>], see: &mut dyn FnMut(Match<'i>)) -> bool {
        let mut row: Option<Identity> = None;
        let mut shown: Vec<(u32, u32, &str)> = Vec::new();
        for hit in hits {
            let group = hit.named.group.map_or(0, |(group, _, _)| group);
            let key = (hit.named.indicator, group, if group > 0 { "" } else { hit.named.value });
            if shown.contains(&key) || !is_whole(hits, &hit.named) {
                continue;
            }
            shown.push(key);
            let mut together: Vec<&Hit<'i>> = hits.iter().filter(|other| is_of(other, &hit.named)).collect();
            together.sort_by_key(|other| other.named.group.map(|(_, _, part)| part));
            let mut parts: Vec<&str> = Vec::new();
            let mut columns: Vec<Arc<str>> = Vec::new();
            for other in &together {
                if !parts.contains(&other.named.value) {
                    parts.push(other.named.value);
                }
                if !columns.contains(&other.column) {
                    columns.push(Arc::clone(&other.column));
                }
            }
            let mut about: Vec<Entity> = Vec::new();
            for entity in together.iter().filter_map(|other| entity(other.kind, &other.seen)) {
                if !about.contains(&entity) {
                    about.push(entity);
                }
            }
            about.extend(self.about());
            see(Match {
                named: hit.named,
                value: parts.join(" + "),
                kind: hit.kind,
                seen: hit.seen.clone(),
                columns,
                time: self.time,
                row: row.get_or_insert_with(|| identity(self.values, None)).clone(),
                about,
            });
        }
        !shown.is_empty()
    }

    /// Whom and what the row is about.
    fn about(&self) -> Vec<Entity> {
        let of = |(column, place): &(usize, &Place)| {
            let Holds::About(role) = place.holds else { return None };
            let text = self.values.get(*column)?.to_text();
            let (entity, identifier) = match role {
                Role::Account => (EntityType::Account, "FullName"),
                Role::Host => (EntityType::Host, "FullName"),
                Role::Resource => (EntityType::AzureResource, "ResourceId"),
            };
            Entity::new(entity, [(identifier, text.as_str())])
        };
        self.watched.iter().filter_map(of).collect()
    }
}

/// Whether a hit is of the same indicator and the same value, or of the same group.
fn is_of(hit: &Hit<'_>, named: &Named<'_>) -> bool {
    hit.named.indicator == named.indicator
        && match (hit.named.group, named.group) {
            (Some((own, _, _)), Some((other, _, _))) => own == other,
            (None, None) => hit.named.value == named.value,
            _ => false,
        }
}

/// Whether all values that belong together with one were hit.
fn is_whole(hits: &[Hit<'_>], named: &Named<'_>) -> bool {
    let Some((group, count, _)) = named.group else { return true };
    let is_there = |part: u8| {
        hits.iter().any(|hit| {
            hit.named.indicator == named.indicator
                && hit.named.group.is_some_and(|(other, _, own)| other == group && own == part)
        })
    };
    (0..count).all(is_there)
}

/// What a value is to people.
fn entity(kind: Kind, normal: &str) -> Option<Entity> {
    match kind {
        Kind::Ip => Entity::new(EntityType::Ip, [("Address", normal)]),
        Kind::Domain => Entity::new(EntityType::Dns, [("DomainName", normal)]),
        Kind::Url => Entity::new(EntityType::Url, [("Url", normal)]),
        Kind::Hash => {
            let algorithm = hash_name(normal);
            Entity::new(EntityType::FileHash, [("Value", normal), ("Algorithm", algorithm)])
        }
        Kind::Email => Entity::new(EntityType::Mailbox, [("MailboxPrimaryAddress", normal)]),
        Kind::File => Entity::new(EntityType::File, [("Name", normal)]),
        Kind::Agent | Kind::Thumbprint => None,
    }
}
