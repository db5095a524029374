//! Address ranges in CIDR notation, IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use castellan_base::{Object, Value};

use super::{Call, Function, FunctionError, rows};

pub(super) static FUNCTIONS: &[Function] = rows! { "network":
    "cidrHost" 2 2 Shallow cidr_host, "cidrHost(network, index)", "The usable address with a position, from 0.";
    "cidrSubnet" 3 3 Shallow cidr_subnet, "cidrSubnet(network, prefix, index)", "The subnet with a position.";
    "ipRangeContains" 2 2 Shallow ip_range_contains, "ipRangeContains(range, target)", "Whether a range holds an address or a range.";
    "parseCidr" 1 1 Shallow parse_cidr, "parseCidr(network)", "Network, netmask, broadcast, usable addresses and prefix.";
};

/// A range: its first and last address as numbers, and the family's width in bits.
struct Range {
    first: u128,
    last: u128,
    bits: u32,
    prefix: u32,
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn address(number: u128, bits: u32) -> String {
    if bits == 32 {
        return Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).to_string();
    }
    Ipv6Addr::from(number).to_string()
}

/// The host part of a prefix as a mask.
fn host_mask(prefix: u32, bits: u32) -> u128 {
    let host_bits = bits.saturating_sub(prefix);
    if host_bits >= 128 { u128::MAX } else { (1_u128 << host_bits) - 1 }
}

/// Reads `address`, `network/prefix` or `first-last`.
fn range(text: &str) -> Result<Range, FunctionError> {
    let error = || FunctionError::new(format!("`{text}` is no address range"));
    let parse = |text: &str| text.trim().parse::<IpAddr>().map(number).map_err(|_| error());
    if let Some((first, last)) = text.split_once('-') {
        let ((first, bits), (last, other_bits)) = (parse(first)?, parse(last)?);
        return if bits == other_bits { Ok(Range { first, last, bits, prefix: bits }) } else { Err(error()) };
    }
    let (base, prefix) = text.split_once('/').map_or((text, None), |(base, prefix)| (base, Some(prefix)));
    let (base, bits) = parse(base)?;
    let prefix =
        prefix.map_or(Some(bits), |prefix| prefix.trim().parse().ok()).filter(|prefix| *prefix <= bits);
    let prefix = prefix.ok_or_else(error)?;
    let mask = host_mask(prefix, bits);
    Ok(Range { first: base & !mask, last: base | mask, bits, prefix })
}

fn ip_range_contains(call: &Call<'_>) -> Result<Value, FunctionError> {
    let (outer, inner) = (range(call.text(0)?)?, range(call.text(1)?)?);
    Ok(Value::Bool(outer.bits == inner.bits && outer.first <= inner.first && inner.last <= outer.last))
}

fn parse_cidr(call: &Call<'_>) -> Result<Value, FunctionError> {
    let range = range(call.text(0)?)?;
    let text = |value: u128| call.at(Value::string(address(value, range.bits)));
    let width = if range.bits == 32 { u128::from(u32::MAX) } else { u128::MAX };
    let mut object = Object::new();
    object.insert("network", text(range.first));
    object.insert("netmask", text(width & !host_mask(range.prefix, range.bits)));
    object.insert("cidr", call.at(Value::Int(i64::from(range.prefix))));
    // IPv6 has no broadcast address, and all its addresses can be used.
    let is_v4 = range.bits == 32;
    let has_room = is_v4 && range.last - range.first > 1;
    if is_v4 {
        object.insert("broadcast", text(range.last));
    }
    object.insert("firstUsable", text(if has_room { range.first + 1 } else { range.first }));
    object.insert("lastUsable", text(if has_room { range.last - 1 } else { range.last }));
    Ok(Value::object(object))
}

fn cidr_subnet(call: &Call<'_>) -> Result<Value, FunctionError> {
    let outer = range(call.text(0)?)?;
    let prefix =
        u32::try_from(call.int(1)?).ok().filter(|prefix| (outer.prefix..=outer.bits).contains(prefix));
    let prefix =
        prefix.ok_or_else(|| FunctionError::new("the new prefix has to be longer than the network's"))?;
    let step = host_mask(prefix, outer.bits).saturating_add(1);
    let offset = u128::try_from(call.int(2)?).ok().and_then(|index| index.checked_mul(step));
    let first =
        offset.and_then(|offset| outer.first.checked_add(offset)).filter(|first| *first <= outer.last);
    let first = first.ok_or_else(|| FunctionError::new("there is no subnet with this position"))?;
    Ok(Value::string(format!("{}/{prefix}", address(first, outer.bits))))
}

fn cidr_host(call: &Call<'_>) -> Result<Value, FunctionError> {
    let range = range(call.text(0)?)?;
    let index = u128::try_from(call.int(1)?).ok();
    let first_usable = if range.bits == 32 { range.first + 1 } else { range.first };
    let last_usable = if range.bits == 32 { range.last.saturating_sub(1) } else { range.last };
    let host = index.and_then(|index| first_usable.checked_add(index)).filter(|host| *host <= last_usable);
    let host = host.ok_or_else(|| FunctionError::new("there is no address with this position"))?;
    Ok(Value::string(address(host, range.bits)))
}
