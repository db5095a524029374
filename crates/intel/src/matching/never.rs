//! What is never matched.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use castellan_stix::Kind;
use castellan_stix::observable::{Range, host_of};

const BUILT_IN: &str = include_str!("../../../../content/intel/never.csv");

/// Values that are never matched, with the reasons.
#[derive(Clone, Debug, Default)]
pub struct Never {
    values: BTreeMap<(Kind, String), String>,
    ranges: Vec<(Range, String)>,
}

impl Never {
    /// What `content/intel` holds.
    pub fn built_in() -> &'static Never {
        static NEVER: OnceLock<Never> = OnceLock::new();
        // A test reads it to its end; there is nothing to report.
        NEVER.get_or_init(|| Never::read(BUILT_IN).unwrap_or_default())
    }

    /// Reads lines of `kind,value,why` under a header.
    ///
    /// Errors: a line of another form, with its number.
    pub fn read(text: &str) -> Result<Never, String> {
        let mut never = Never::default();
        never.add(text)?;
        Ok(never)
    }

    /// Adds lines of the same form.
    ///
    /// Errors: as [`Never::read`].
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        for (number, record) in csv::Reader::from_reader(text.as_bytes()).records().enumerate() {
            let line = number + 2;
            let record = record.map_err(|error| format!("line {line}: {error}"))?;
            let kind = record.get(0).and_then(Kind::named);
            let kind = kind.ok_or_else(|| format!("line {line}: it does not begin with a kind"))?;
            let value = record.get(1).unwrap_or_default();
            let normal = kind.normal(value);
            let normal = normal.ok_or_else(|| format!("line {line}: `{value}` is no {}", kind.name()))?;
            let why = record.get(2).unwrap_or_default().to_owned();
            match (kind, Range::parse(&normal)) {
                (Kind::Ip, Some(range)) => self.ranges.push((range, why)),
                _ => {
                    self.values.insert((kind, normal), why);
                }
            }
        }
        Ok(())
    }

    /// Why a value in its normal form is never matched; nothing where it may be.
    pub fn why(&self, kind: Kind, normal: &str) -> Option<&str> {
        match kind {
            Kind::Ip => {
                let range = Range::parse(normal)?;
                // A range of half of all addresses is a mistake, as one within a range that is listed is.
                if range.prefix < if range.is_v4() { 96 + 8 } else { 16 } {
                    return Some("a range that is far too large");
                }
                let listed = self.ranges.iter();
                let mut found = listed.filter(|(own, _)| own.contains(range) || range.contains(*own));
                found.next().map(|(_, why)| why.as_str())
            }
            // An address of the web that is a whole site says no more than the name of the site.
            Kind::Url => {
                let host = host_of(normal);
                let is_whole = normal.split_once('/').is_none_or(|(_, path)| path.is_empty());
                let is_inner = Kind::Ip.normal(host).is_some_and(|host| self.why(Kind::Ip, &host).is_some());
                if is_inner {
                    return Some("an address of the web at a host that is never matched");
                }
                is_whole.then(|| self.why(Kind::Domain, host))?
            }
            Kind::Domain if !normal.contains('.') => Some("a suffix and no name"),
            _ => self.values.get(&(kind, normal.to_owned())).map(String::as_str),
        }
    }
}
