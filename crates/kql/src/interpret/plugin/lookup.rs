//! `ipv4_lookup` and `ipv6_lookup`: rows with the networks that hold their addresses.

use std::collections::{BTreeMap, HashMap};

use super::Call;
use crate::functions::Network;
use crate::interpret::{Result, Row, failure};
use crate::plan::{Field, PluginValue, ScalarKind};
use crate::value::{Key, Value};

/// Networks by the length of their prefix, and the rows of each.
#[derive(Default)]
struct Networks {
    by_length: BTreeMap<u32, BTreeMap<u128, Vec<usize>>>,
}

impl Networks {
    fn add(&mut self, network: Network, row: usize) {
        let start = network.address & Network::mask(network.prefix);
        self.by_length.entry(network.prefix).or_default().entry(start).or_default().push(row);
    }

    /// The rows of the networks that hold an address, the smallest network first. An address with a prefix of its own is
    /// compared over the shorter of the two, so that it also finds what lies inside it.
    fn holding(&self, address: Network) -> Vec<usize> {
        let first = address.address & Network::mask(address.prefix);
        let last = first | !Network::mask(address.prefix);
        let mut found = Vec::new();
        for (length, networks) in self.by_length.iter().rev() {
            if *length <= address.prefix {
                found.extend(networks.get(&(first & Network::mask(*length))).into_iter().flatten());
            } else {
                found.extend(networks.range(first..=last).flat_map(|(_, rows)| rows));
            }
        }
        found
    }
}

/// The networks of the table, for each combination of the further keys.
struct Table {
    rows: Vec<Row>,
    networks: HashMap<Vec<Key>, Networks>,
}

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let read = if call.plugin.row.name == "ipv4_lookup" { Network::ipv4 } else { Network::ipv6 };
    let keys = keys(call)?;
    let table = table(call, &keys, read)?;
    let address = call.required("address")?;
    let keeps_all = call.constant("return_unmatched")? == Some(Value::Bool(true));
    let columns = call.plugin.table("table").map(|plan| plan.columns.as_slice()).unwrap_or_default();
    let nothing: Row = columns.iter().map(|field| Value::empty(field.scalar_type)).collect();
    let is_first = call.plugin.row.schema.is_some_and(|schema| schema.starts_with("columns of the table"));
    let joined = |row: &Row, other: &Row| -> Row {
        let (left, right) = if is_first { (other, row) } else { (row, other) };
        left.iter().chain(right).cloned().collect()
    };
    let mut found = Vec::new();
    for row in &rows {
        let key: Vec<Key> = keys.iter().map(|(here, _)| key_at(row, *here)).collect();
        let networks = table.networks.get(&key).filter(|_| !key.contains(&Key::Null));
        let address = read(&call.run.value(&address, row).to_text());
        let partners = networks.zip(address).map(|(networks, address)| networks.holding(address));
        let partners = partners.unwrap_or_default();
        call.run.count(partners.len())?;
        if partners.is_empty() && keeps_all {
            found.push(joined(row, &nothing));
        }
        found.extend(partners.iter().filter_map(|at| table.rows.get(*at)).map(|other| joined(row, other)));
    }
    Ok(found)
}

fn key_at(row: &Row, at: usize) -> Key {
    row.get(at).map_or(Key::Null, Key::of)
}

/// The columns of further keys, of the rows and of the table, which have the same names.
fn keys(call: &Call<'_, '_>) -> Result<Vec<(usize, usize)>> {
    let named = call.plugin.arguments.iter().filter(|argument| argument.name == "key");
    let columns = named.filter_map(|argument| match &argument.value {
        PluginValue::Scalar(scalar) => match scalar.kind {
            ScalarKind::Column(at) => Some((at, call.input.columns.get(at)?)),
            _ => None,
        },
        _ => None,
    });
    let place = |(at, field): (usize, &Field)| {
        let there = call.plugin.table("table").and_then(|table| table.position(&field.name));
        let missing = || failure("unknown-name", format!("the table has no column `{}`", field.name));
        there.map(|there| (at, there)).ok_or_else(missing)
    };
    columns.map(place).collect()
}

fn table(call: &Call<'_, '_>, keys: &[(usize, usize)], read: fn(&str) -> Option<Network>) -> Result<Table> {
    let rows = call.plugin.table("table").map_or(Ok(Vec::new()), |plan| call.run.plan(plan))?;
    let network = call.required("network")?;
    let mut networks: HashMap<Vec<Key>, Networks> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(network) = read(&call.run.value(&network, row).to_text()) {
            let key = keys.iter().map(|(_, there)| key_at(row, *there)).collect();
            networks.entry(key).or_default().add(network, at);
        }
    }
    Ok(Table { rows, networks })
}
