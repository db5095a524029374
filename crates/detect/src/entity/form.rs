//! The one form of values.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{Entity, EntityType};

type Values = BTreeMap<Arc<str>, Arc<str>>;

/// As much of a text as fits into so many bytes.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default().trim_end()
}

/// Brings values into their form.
pub(super) fn normalize(entity: EntityType, values: &mut Values) {
    match entity {
        EntityType::Account => account(values),
        EntityType::Host => host(values),
        EntityType::Ip => {
            change(values, "Address", |text| {
                address(text).map_or_else(|| text.to_owned(), |found| found.to_string())
            });
        }
        EntityType::Dns => change(values, "DomainName", |text| text.trim_end_matches('.').to_lowercase()),
        EntityType::FileHash => {
            change(values, "Value", str::to_lowercase);
            change(values, "Algorithm", |text| text.replace(['-', '_'], "").to_uppercase());
        }
        EntityType::AzureResource => {
            change(values, "ResourceId", |text| text.trim_end_matches('/').to_owned())
        }
        _ => {}
    }
    values.retain(|_, value| !value.is_empty());
}

fn change(values: &mut Values, identifier: &str, form: impl Fn(&str) -> String) {
    if let Some(value) = values.get_mut(identifier) {
        *value = form(value).trim().into();
    }
}

/// `DOMAIN\name` and `name@suffix` come apart.
fn account(values: &mut Values) {
    apart(values, "Name", ["NTDomain", "UPNSuffix"], account_parts);
    if !values.contains_key("Name")
        && let Some(full) = values.remove("FullName")
    {
        values.insert("Name".into(), full);
        apart(values, "Name", ["NTDomain", "UPNSuffix"], account_parts);
    }
    beside(values, "Name", ["NTDomain", "UPNSuffix"], account_parts);
    // Logs of clouds name who acts by an id where it is no person. One is told by it, whatever column it came from.
    let is_alone =
        !values.keys().any(|known| ["AadUserId", "UPNSuffix", "NTDomain", "DnsDomain"].contains(&&**known));
    if is_alone && values.get("Name").is_some_and(|name| is_guid(name)) {
        let id = values.remove("Name").unwrap_or_default();
        values.insert("AadUserId".into(), id);
    }
}

/// What stands beside the name of an account, the name, and which of domain and suffix the first is.
fn account_parts(full: &str) -> Option<(&str, &str, usize)> {
    if let Some((domain, user)) = full.split_once('\\').filter(|(domain, user)| parts(domain, user)) {
        return Some((domain.trim(), user.trim(), 0));
    }
    let (user, suffix) = full.rsplit_once('@').filter(|(user, suffix)| parts(user, suffix))?;
    Some((suffix.trim(), user.trim(), 1))
}

/// What takes a full name apart: what stands beside the name, the name, and what the first is.
type Split = fn(&str) -> Option<(&str, &str, usize)>;

/// Takes a name apart that holds more than a name.
fn apart(values: &mut Values, name: &'static str, own: [&'static str; 2], split: Split) {
    let Some(full) = values.get(name).cloned() else { return };
    if let Some((behind, short, at)) = split(&full) {
        values.insert(name.into(), short.into());
        values.entry(own.get(at).copied().unwrap_or(name).into()).or_insert_with(|| behind.into());
    }
}

/// Adds what a full name says beside a name that is there. One that says something else stays as it is.
fn beside(values: &mut Values, name: &'static str, own: [&'static str; 2], split: Split) {
    let (Some(full), Some(known)) = (values.get("FullName").cloned(), values.get(name).cloned()) else {
        return;
    };
    if known.eq_ignore_ascii_case(&full) {
        values.remove("FullName");
        return;
    }
    let Some((behind, _, at)) = split(&full).filter(|(_, short, _)| short.eq_ignore_ascii_case(&known))
    else {
        return;
    };
    let place = own.get(at).copied().unwrap_or(name);
    if values.get(place).is_none_or(|said| said.eq_ignore_ascii_case(behind)) {
        values.entry(place.into()).or_insert_with(|| behind.into());
        values.remove("FullName");
    }
}

/// Whether two parts of a name are names that do not come apart again.
fn parts(left: &str, right: &str) -> bool {
    let is_name = |text: &str| !text.trim().is_empty() && !text.contains(['\\', '@']);
    is_name(left) && is_name(right)
}

/// `DOMAIN\host` and `host.domain` come apart.
fn host(values: &mut Values) {
    apart(values, "HostName", ["NTDomain", "DnsDomain"], host_parts);
    if !values.contains_key("HostName")
        && let Some(full) = values.remove("FullName")
    {
        values.insert("HostName".into(), full);
        apart(values, "HostName", ["NTDomain", "DnsDomain"], host_parts);
    }
    beside(values, "HostName", ["NTDomain", "DnsDomain"], host_parts);
}

/// What stands beside the name of a host, the name, and which of the two domains the first is.
fn host_parts(full: &str) -> Option<(&str, &str, usize)> {
    let split = full.split_once('\\').filter(|(domain, host)| parts(domain, host) && !host.contains('.'));
    if let Some((domain, host)) = split {
        return Some((domain.trim(), host.trim(), 0));
    }
    // An address that stands for a host has dots as well.
    if address(full).is_some() || full.contains('\\') {
        return None;
    }
    let (host, domain) = full.split_once('.')?;
    let is_both = !host.trim().is_empty() && !domain.trim().is_empty();
    is_both.then_some((domain.trim(), host.trim(), 1))
}

/// The address that a text is, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse::<IpAddr>().ok();
    alone
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .map(|found| found.to_canonical())
}

/// A value in the form by which two are the same. Names and addresses of most things are the same in upper and lower case;
/// paths of Linux, paths of links and ids that a system made are not.
pub(super) fn comparable(entity: &Entity, identifier: &str, value: &str) -> String {
    let lower = value.to_lowercase();
    match (entity.entity, identifier) {
        (EntityType::File, _) => {
            let is_of_windows = |text: &str| text.contains('\\') || text.get(1..2) == Some(":");
            if entity.values.values().any(|text| is_of_windows(text)) { lower } else { value.to_owned() }
        }
        (EntityType::Url, _) => link(value),
        (EntityType::AiAgent, "AgentId")
        | (EntityType::AiTool, "Name" | "ToolId")
        | (EntityType::IoTDevice, "DeviceId") => {
            if is_guid(value) {
                lower
            } else {
                value.to_owned()
            }
        }
        _ => lower,
    }
}

/// The scheme and the host of a link are the same in upper and lower case; what is behind is not.
fn link(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    format!("{}://{}{path}", scheme.to_lowercase(), host.to_lowercase())
}

fn is_guid(text: &str) -> bool {
    let bare = text.trim_matches(['{', '}']);
    bare.len() == 36 && bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
