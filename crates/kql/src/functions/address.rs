//! Addresses of IP, versions 4 and 6, with and without a prefix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{MANY, ScalarFunction, at, boolean, function, items_at, long_at, or_null, text_at};
use crate::value::{Dynamic, Value};

/// An address with a prefix, from the highest bit on whatever the version: `10.0.0.0/8` begins with the bits of 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The address.
    pub(crate) address: u128,
    /// The bits that count.
    pub(crate) prefix: u32,
}

impl Network {
    /// Version 4; `None` for anything else.
    pub(crate) fn ipv4(text: &str) -> Option<Network> {
        ipv4(text).map(|(address, prefix)| Network { address: u128::from(address) << 96, prefix })
    }

    /// Version 6, and version 4 as its mapped addresses; `None` for anything else.
    pub(crate) fn ipv6(text: &str) -> Option<Network> {
        ipv6(text).map(|(address, prefix)| Network { address, prefix })
    }

    /// The bits of a prefix.
    pub(crate) fn mask(prefix: u32) -> u128 {
        mask6(prefix)
    }
}

/// An address of version 4 and the bits of its prefix, 32 where the text has none; `None` for anything else.
pub fn ipv4(text: &str) -> Option<(u32, u32)> {
    if let Some(address) = four_numbers(text) {
        return Some((address, 32));
    }
    let (address, prefix) = text.trim().split_once('/').unwrap_or((text.trim(), "32"));
    let address: Ipv4Addr = address.parse().ok()?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some((address.into(), prefix))
}

/// The plain form `a.b.c.d`, which nearly all addresses in logs have.
fn four_numbers(text: &str) -> Option<u32> {
    let (mut address, mut number, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for byte in text.bytes() {
        match byte {
            // A zero in front is refused: some read it as octal.
            b'0'..=b'9' if digits < 3 && (digits == 0 || number > 0) => {
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && number < 256 && dots < 3 => {
                address = address << 8 | number;
                (number, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0 && number < 256).then_some(address << 8 | number)
}

/// The bits of an address of version 4 that a prefix counts.
pub fn mask4(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0)
}

/// Version 4 as the mapped addresses of version 6, so that both compare.
fn ipv6(text: &str) -> Option<(u128, u32)> {
    let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let prefix: u32 =
                prefix.map_or(Some(32), |prefix| prefix.parse().ok()).filter(|prefix| *prefix <= 32)?;
            Some((address.to_ipv6_mapped().into(), prefix + 96))
        }
        IpAddr::V6(address) => {
            let prefix: u32 =
                prefix.map_or(Some(128), |prefix| prefix.parse().ok()).filter(|prefix| *prefix <= 128)?;
            Some((address.into(), prefix))
        }
    }
}

fn mask6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0)
}

/// -1, 0 or 1, over the shortest prefix.
fn compare4(arguments: &[Value]) -> Option<i64> {
    let ((left, a), (right, b)) = (ipv4(&text_at(arguments, 0))?, ipv4(&text_at(arguments, 1))?);
    let given = long_at(arguments, 2).and_then(|prefix| u32::try_from(prefix).ok()).unwrap_or(32);
    let mask = mask4(a.min(b).min(given));
    Some(i64::from((left & mask).cmp(&(right & mask)) as i8))
}

fn compare6(arguments: &[Value]) -> Option<i64> {
    let ((left, a), (right, b)) = (ipv6(&text_at(arguments, 0))?, ipv6(&text_at(arguments, 1))?);
    let given = long_at(arguments, 2).and_then(|prefix| u32::try_from(prefix).ok()).unwrap_or(128);
    let mask = mask6(a.min(b).min(given));
    Some(i64::from((left & mask).cmp(&(right & mask)) as i8))
}

fn in_range4(address: &str, range: &str) -> Option<bool> {
    let ((address, own), (network, prefix)) = (ipv4(address)?, ipv4(range)?);
    let mask = mask4(prefix.min(own));
    Some(address & mask == network & mask)
}

fn in_range6(address: &str, range: &str) -> Option<bool> {
    let ((address, own), (network, prefix)) = (ipv6(address)?, ipv6(range)?);
    let mask = mask6(prefix.min(own));
    Some(address & mask == network & mask)
}

/// True when any of the ranges, given one by one or as an array, holds the address.
fn in_any(arguments: &[Value], test: fn(&str, &str) -> Option<bool>) -> Value {
    let address = text_at(arguments, 0);
    let ranges: Vec<String> = (1..arguments.len())
        .flat_map(|index| match items_at(arguments, index) {
            Some(items) => items.iter().map(|item| item.to_value().to_text()).collect(),
            None => vec![text_at(arguments, index)],
        })
        .collect();
    let tested: Vec<Option<bool>> = ranges.iter().map(|range| test(&address, range)).collect();
    if tested.contains(&Some(true)) {
        return boolean(true);
    }
    if tested.iter().all(Option::is_none) { Value::Null } else { boolean(false) }
}

/// The networks that nobody routes (RFC 1918).
pub const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

fn is_private(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    or_null(ipv4(&text), |_| boolean(PRIVATE.iter().any(|range| in_range4(&text, range) == Some(true))))
}

fn parse4(arguments: &[Value]) -> Value {
    or_null(ipv4(&text_at(arguments, 0)), |(address, prefix)| Value::Long(i64::from(address & mask4(prefix))))
}

fn parse4_mask(arguments: &[Value]) -> Value {
    let prefix = long_at(arguments, 1).and_then(|prefix| u32::try_from(prefix).ok());
    match (ipv4(&text_at(arguments, 0)), prefix) {
        (Some((address, own)), Some(prefix)) => Value::Long(i64::from(address & mask4(own.min(prefix)))),
        _ => Value::Null,
    }
}

/// All eight groups with four digits each.
fn parse6(arguments: &[Value], prefix: Option<i64>) -> Value {
    let given = prefix.and_then(|prefix| u32::try_from(prefix).ok()).unwrap_or(128);
    match ipv6(&text_at(arguments, 0)) {
        Some((address, own)) => {
            let groups = Ipv6Addr::from(address & mask6(own.min(given))).segments();
            let groups: Vec<String> = groups.iter().map(|group| format!("{group:04x}")).collect();
            Value::string(groups.join(":"))
        }
        None => Value::string(""),
    }
}

fn netmask(arguments: &[Value]) -> Value {
    or_null(ipv4(&text_at(arguments, 0)), |(_, prefix)| Value::Long(i64::from(prefix)))
}

/// `format_ipv4(address, prefix)`, the address as text or number.
fn format4(arguments: &[Value], with_prefix: bool) -> Value {
    let prefix = long_at(arguments, 1).map(|prefix| u32::try_from(prefix).unwrap_or(u32::MAX));
    let address = match at(arguments, 0).unwrapped() {
        Value::String(text) => ipv4(&text),
        other => other.to_i64().and_then(|number| u32::try_from(number).ok()).map(|address| (address, 32)),
    };
    let valid = prefix.is_none_or(|prefix| prefix <= 32);
    match address.filter(|_| valid) {
        Some((address, own)) => {
            let prefix = prefix.unwrap_or(own).min(own);
            let text = Ipv4Addr::from(address & mask4(prefix)).to_string();
            Value::string(if with_prefix { format!("{text}/{prefix}") } else { text })
        }
        None => Value::string(""),
    }
}

/// `has_ipv4(text, address)`: the address stands in the text with something else than digits, letters or dots around it.
fn has4(arguments: &[Value]) -> Value {
    let (text, wanted) = (text_at(arguments, 0), text_at(arguments, 1));
    if ipv4(&wanted).is_none() {
        return boolean(false);
    }
    boolean(addresses(&text).contains(&wanted.as_str()))
}

fn has_any4(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    let found = addresses(&text);
    let wanted = (1..arguments.len()).flat_map(|index| match items_at(arguments, index) {
        Some(items) => items.iter().map(|item| item.to_value().to_text()).collect(),
        None => vec![text_at(arguments, index)],
    });
    boolean(wanted.into_iter().any(|wanted| found.contains(&wanted.as_str())))
}

/// `has_ipv4_prefix(text, "10.1.")`
fn has_prefix4(arguments: &[Value]) -> Value {
    let (text, wanted) = (text_at(arguments, 0), text_at(arguments, 1));
    let is_prefix = wanted.ends_with('.') || ipv4(&wanted).is_some();
    boolean(is_prefix && addresses(&text).iter().any(|address| address.starts_with(&wanted)))
}

fn has_any_prefix4(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    let wanted = (1..arguments.len()).flat_map(|index| match items_at(arguments, index) {
        Some(items) => items.iter().map(Dynamic::to_value).collect(),
        None => vec![at(arguments, index).clone()],
    });
    let has = |wanted: Value| has_prefix4(&[Value::string(text.as_str()), wanted]) == boolean(true);
    boolean(wanted.into_iter().any(has))
}

/// The addresses in a text.
fn addresses(text: &str) -> Vec<&str> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    parts.filter(|part| part.parse::<Ipv4Addr>().is_ok()).collect()
}

fn range_to_cidrs(arguments: &[Value]) -> Value {
    let (Some((first, _)), Some((last, _))) = (ipv4(&text_at(arguments, 0)), ipv4(&text_at(arguments, 1)))
    else {
        return Value::Null;
    };
    let (mut here, last) = (u64::from(first), u64::from(last));
    let mut blocks = Vec::new();
    while here <= last {
        let aligned = if here == 0 { 32 } else { here.trailing_zeros().min(32) };
        let fitting = 63 - (last - here + 1).leading_zeros();
        let bits = aligned.min(fitting);
        let address = Ipv4Addr::from(u32::try_from(here).unwrap_or(0));
        blocks.push(Dynamic::String(format!("{address}/{}", 32 - bits).into()));
        here += 1 << bits;
    }
    super::array(blocks)
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("ipv4_compare", 2, 3, |a| or_null(compare4(a), Value::Long)),
    function("ipv4_is_match", 2, 3, |a| or_null(compare4(a), |order| boolean(order == 0))),
    function("ipv4_is_in_range", 2, 2, |a| or_null(in_range4(&text_at(a, 0), &text_at(a, 1)), boolean)),
    function("ipv4_is_in_any_range", 2, MANY, |a| in_any(a, in_range4)),
    function("ipv4_is_private", 1, 1, is_private),
    function("ipv4_netmask_suffix", 1, 1, netmask),
    function("ipv4_range_to_cidr_list", 2, 2, range_to_cidrs),
    function("parse_ipv4", 1, 1, parse4),
    function("parse_ipv4_mask", 2, 2, parse4_mask),
    function("format_ipv4", 1, 2, |a| format4(a, false)),
    function("format_ipv4_mask", 1, 2, |a| format4(a, true)),
    function("has_ipv4", 2, 2, has4),
    function("has_any_ipv4", 2, MANY, has_any4),
    function("has_ipv4_prefix", 2, 2, has_prefix4),
    function("has_any_ipv4_prefix", 2, MANY, has_any_prefix4),
    function("ipv6_compare", 2, 3, |a| or_null(compare6(a), Value::Long)),
    function("ipv6_is_match", 2, 3, |a| or_null(compare6(a), |order| boolean(order == 0))),
    function("ipv6_is_in_range", 2, 2, |a| or_null(in_range6(&text_at(a, 0), &text_at(a, 1)), boolean)),
    function("ipv6_is_in_any_range", 2, MANY, |a| in_any(a, in_range6)),
    function("parse_ipv6", 1, 1, |a| parse6(a, None)),
    function("parse_ipv6_mask", 2, 2, |a| parse6(a, long_at(a, 1))),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn four_numbers_are_what_the_library_reads(text in r"([0-9]{1,4}|0{1,2}|25[0-9])(\.([0-9]{1,3}|25[0-9])){2,4}\.?") {
            prop_assert_eq!(four_numbers(&text), text.parse::<Ipv4Addr>().ok().map(u32::from));
        }
    }
}
