//! Conditions that let few rows through beside those that match.

use std::collections::BTreeSet;

use castellan_stix::observable::{Range, host_of};
use castellan_stix::{Alternative, Kind};

use crate::look::escaped;
use crate::matching::{Holds, Place};

/// What rows have to hold, by how it is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// Addresses of IPv4, names of domains, hosts of addresses of the web, e-mail: what `has` finds.
    hosts: BTreeSet<String>,
    hashes: BTreeSet<String>,
    emails: BTreeSet<String>,
    files: BTreeSet<String>,
    agents: BTreeSet<String>,
    thumbprints: BTreeSet<String>,
    /// Ranges of IPv4.
    ranges: BTreeSet<String>,
    /// Addresses and ranges of IPv6, which are written in many ways.
    ranges6: BTreeSet<String>,
}

/// Lists by their names in queries.
type List<'v> = (&'static str, &'v BTreeSet<String>);

impl Values {
    pub(super) fn of(alternatives: &[Alternative]) -> Values {
        let mut values = Values::default();
        for part in alternatives.iter().flat_map(|alternative| &alternative.parts) {
            let Some(normal) = part.kind.normal(&part.value) else { continue };
            match part.kind {
                Kind::Ip => values.take_address(&normal),
                Kind::Domain => drop(values.hosts.insert(normal)),
                Kind::Url => drop(values.hosts.insert(host_of(&normal).to_owned())),
                Kind::Hash => drop(values.hashes.insert(normal)),
                Kind::Email => drop(values.emails.insert(normal)),
                Kind::File => drop(values.files.insert(normal)),
                Kind::Agent => drop(values.agents.insert(normal)),
                Kind::Thumbprint => {
                    let pairs: Vec<String> = normal
                        .as_bytes()
                        .chunks(2)
                        .map(|pair| String::from_utf8_lossy(pair).into_owned())
                        .collect();
                    values.thumbprints.insert(pairs.join(":"));
                    values.thumbprints.insert(normal);
                }
            }
        }
        values
    }

    fn take_address(&mut self, normal: &str) {
        let Some(range) = Range::parse(normal) else { return };
        match (range.is_v4(), range.is_single()) {
            (true, true) => drop(self.hosts.insert(normal.to_owned())),
            (true, false) => drop(self.ranges.insert(normal.to_owned())),
            (false, true) => drop(self.ranges6.insert(format!("{normal}/128"))),
            (false, false) => drop(self.ranges6.insert(normal.to_owned())),
        }
    }

    fn lists(&self) -> [List<'_>; 8] {
        [
            ("ti_hosts", &self.hosts),
            ("ti_hashes", &self.hashes),
            ("ti_emails", &self.emails),
            ("ti_files", &self.files),
            ("ti_agents", &self.agents),
            ("ti_thumbprints", &self.thumbprints),
            ("ti_ranges", &self.ranges),
            ("ti_ranges6", &self.ranges6),
        ]
    }

    /// The lists, declared in front of a query.
    pub(super) fn declared(&self) -> String {
        let list = |(name, values): &List<'_>| {
            let quoted: Vec<String> = values.iter().map(|value| format!("'{}'", escaped(value))).collect();
            format!("let {name} = dynamic([{}]); ", quoted.join(","))
        };
        self.lists().iter().filter(|(_, values)| !values.is_empty()).map(list).collect()
    }

    /// What has to hold for a row of these columns; nothing where none of them can hold a value.
    pub(super) fn condition(&self, places: &[Place]) -> Option<String> {
        let mut tests: Vec<String> = Vec::new();
        for place in places {
            let column = format!("['{}']", escaped(&place.column));
            let mut has = |list: &str, values: &BTreeSet<String>| {
                if !values.is_empty() {
                    tests.push(format!("{column} has_any ({list})"));
                }
            };
            match place.holds {
                Holds::About(_) => {}
                Holds::Text => {
                    has("ti_hosts", &self.hosts);
                    has("ti_hashes", &self.hashes);
                    has("ti_emails", &self.emails);
                }
                Holds::Value(Kind::Hash) => has("ti_hashes", &self.hashes),
                Holds::Value(Kind::File) => has("ti_files", &self.files),
                Holds::Value(Kind::Thumbprint) => has("ti_thumbprints", &self.thumbprints),
                Holds::Value(Kind::Email) => {
                    has("ti_hosts", &self.hosts);
                    has("ti_emails", &self.emails);
                }
                Holds::Value(Kind::Agent) => {
                    if !self.agents.is_empty() {
                        tests.push(format!("{column} in~ (ti_agents)"));
                    }
                }
                Holds::Value(Kind::Ip | Kind::Domain | Kind::Url) => {
                    has("ti_hosts", &self.hosts);
                    self.ranges_of(&column, place.holds, &mut tests);
                }
            }
        }
        (!tests.is_empty()).then(|| tests.join(" or "))
    }

    /// Ranges in a column of addresses, or of hosts.
    fn ranges_of(&self, column: &str, holds: Holds, tests: &mut Vec<String>) {
        // What stands before a port, and what stands in a list, is no address to the function.
        let text = format!("tostring({column})");
        let bare = match holds {
            Holds::Value(Kind::Url) => format!("tostring(parse_url({text}).Host)"),
            _ => text.clone(),
        };
        if !self.ranges.is_empty() {
            let first = format!("extract(@'\\d+\\.\\d+\\.\\d+\\.\\d+', 0, {text})");
            tests.push(format!("ipv4_is_in_any_range({first}, ti_ranges)"));
        }
        if !self.ranges6.is_empty() {
            let address = format!("extract(@'[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*', 0, {bare})");
            tests.push(format!("ipv6_is_in_any_range({address}, ti_ranges6)"));
        }
    }
}
