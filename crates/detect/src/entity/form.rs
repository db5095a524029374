//! The one form of values.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::EntityType;

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
    if let Some(full) = values.remove("FullName") {
        // What was said by itself counts.
        values.entry("Name".into()).or_insert(full);
    }
    let Some(name) = values.get("Name").cloned() else { return };
    if let Some((domain, user)) = name.split_once('\\')
        && parts(domain, user)
    {
        values.insert("Name".into(), user.trim().into());
        values.entry("NTDomain".into()).or_insert_with(|| domain.trim().into());
        return;
    }
    if let Some((user, suffix)) = name.rsplit_once('@')
        && parts(user, suffix)
        && !user.contains('@')
    {
        values.insert("Name".into(), user.trim().into());
        values.entry("UPNSuffix".into()).or_insert_with(|| suffix.trim().into());
    }
}

/// Whether two parts of a name are names that do not come apart again.
fn parts(left: &str, right: &str) -> bool {
    let is_name = |text: &str| !text.trim().is_empty() && !text.contains(['\\', '@']);
    is_name(left) && is_name(right)
}

/// `DOMAIN\host` and `host.domain` come apart.
fn host(values: &mut Values) {
    if let Some(full) = values.remove("FullName") {
        values.entry("HostName".into()).or_insert(full);
    }
    let Some(name) = values.get("HostName").cloned() else { return };
    if let Some((domain, host)) = name.split_once('\\')
        && parts(domain, host)
        && !host.contains('.')
    {
        values.insert("HostName".into(), host.trim().into());
        values.entry("NTDomain".into()).or_insert_with(|| domain.trim().into());
        return;
    }
    // An address that stands for a host has dots as well.
    if address(&name).is_some() || name.contains('\\') {
        return;
    }
    if let Some((host, domain)) = name.split_once('.')
        && !host.trim().is_empty()
        && !domain.trim().is_empty()
    {
        values.insert("HostName".into(), host.trim().into());
        values.entry("DnsDomain".into()).or_insert_with(|| domain.trim().into());
    }
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
