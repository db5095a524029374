//! Events that MISP exports as JSON become indicators of STIX.
//!
//! Attributes that are not meant for detection (`to_ids`) are counted and left out, and so are types without a counterpart.
//! Source: MISP core format, draft-dulaunoy-misp-core-format.

use castellan_base::Ticks;
use serde_json::Value;

use crate::list::{Made, Said, indicator};
use crate::object::{Object, Tlp};
use crate::observable::{Kind, Observable};
use crate::read::Outcome;

/// Whether a text looks like an export of MISP.
pub fn is_export(value: &Value) -> bool {
    events(value).next().is_some()
}

/// Reads what MISP exports: an event, a list of them, or what its search answers.
pub fn read(value: &Value, made: &Made, each: &mut dyn FnMut(Object)) -> Outcome {
    let mut outcome = Outcome::default();
    for event in events(value) {
        let about = About::of(event);
        let own = list(event, "Attribute");
        let nested = list(event, "Object").flat_map(|object| list(object, "Attribute"));
        for attribute in own.chain(nested) {
            take(attribute, &about, made, &mut outcome, each);
        }
    }
    outcome
}

fn events(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter().filter_map(|item| item.get("Event"))),
        Value::Object(members) => match (members.get("Event"), members.get("response")) {
            (Some(event), _) => Box::new(std::iter::once(event)),
            (None, Some(Value::Array(items))) => Box::new(items.iter().filter_map(|item| item.get("Event"))),
            _ => Box::new(std::iter::empty()),
        },
        _ => Box::new(std::iter::empty()),
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What an event says of all its attributes.
struct About<'v> {
    info: &'v str,
    tags: Vec<String>,
}

impl<'v> About<'v> {
    fn of(event: &'v Value) -> About<'v> {
        About { info: text(event, "info"), tags: tags(event) }
    }
}

fn tags(value: &Value) -> Vec<String> {
    list(value, "Tag").map(|tag| text(tag, "name").to_owned()).filter(|tag| !tag.is_empty()).collect()
}

fn take(
    attribute: &Value,
    about: &About<'_>,
    made: &Made,
    outcome: &mut Outcome,
    each: &mut dyn FnMut(Object),
) {
    let (kind, value) = (text(attribute, "type"), text(attribute, "value"));
    let shown = || format!("`{}` of type `{kind}`", value.chars().take(80).collect::<String>());
    let is_flag = |name: &str| match attribute.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "1" || text == "true",
        _ => false,
    };
    if !is_flag("to_ids") {
        return outcome.leaves(|| format!("{}: it is not meant for detection (to_ids)", shown()));
    }
    if is_flag("deleted") {
        return outcome.leaves(|| format!("{}: it is deleted", shown()));
    }
    let Some(parts) = observables(kind, value) else {
        return outcome.leaves(|| format!("{}: there is no kind of observable for it", shown()));
    };
    let tests: Vec<String> = parts
        .iter()
        .map(|part| part.pattern().trim_start_matches('[').trim_end_matches(']').to_owned())
        .collect();
    let mut tags = tags(attribute);
    tags.extend(about.tags.iter().cloned());
    let changed = attribute.get("timestamp").and_then(seconds);
    let comment = text(attribute, "comment");
    let said = Said {
        name: about.info.to_owned(),
        description: if comment.is_empty() { text(attribute, "category") } else { comment }.to_owned(),
        from: text(attribute, "first_seen").parse().ok().or(changed),
        modified: changed,
        until: text(attribute, "last_seen").parse().ok().filter(|until| *until > made.at),
        tlp: tags.iter().filter_map(|tag| Tlp::named(tag)).max(),
        tags,
        id: Some(text(attribute, "uuid").to_ascii_lowercase()).filter(|id| uuid::Uuid::parse_str(id).is_ok()),
        ..Said::default()
    };
    outcome.objects += 1;
    each(indicator(&format!("[{}]", tests.join(" AND ")), value, &said, made));
}

/// Seconds since 1970, as MISP writes them: a text.
fn seconds(value: &Value) -> Option<Ticks> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    Ticks::from_unix_nanos(i128::from(seconds) * 1_000_000_000)
}

/// The values of an attribute, which hold together.
fn observables(kind: &str, value: &str) -> Option<Vec<Observable>> {
    let one = |kind: Kind, value: &str| Observable::new(kind, value).map(|found| vec![found]);
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    match kind {
        "ip-src" | "ip-dst" => one(Kind::Ip, value),
        // The port says less than the address, and rows write it apart.
        "ip-src|port" | "ip-dst|port" => one(Kind::Ip, first),
        "domain" | "hostname" => one(Kind::Domain, value),
        "domain|ip" | "hostname|port" => one(Kind::Domain, first),
        "url" | "uri" | "link" => one(Kind::Url, value),
        "md5" | "sha1" | "sha256" | "sha384" | "sha512" => one(Kind::Hash, value),
        "filename" => one(Kind::File, value),
        "filename|md5" | "filename|sha1" | "filename|sha256" | "filename|sha384" | "filename|sha512" => {
            one(Kind::Hash, second)
        }
        "malware-sample" => one(Kind::Hash, second),
        "email" | "email-src" | "email-dst" | "eppn" | "whois-registrant-email" => one(Kind::Email, value),
        "user-agent" => one(Kind::Agent, value),
        "x509-fingerprint-md5" | "x509-fingerprint-sha1" | "x509-fingerprint-sha256" => {
            one(Kind::Thumbprint, value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read() {
        let event = serde_json::json!({"response": [{"Event": {
            "info": "Campaign", "Tag": [{"name": "tlp:amber"}],
            "Attribute": [
                {"type": "ip-dst|port", "value": "203.0.113.7|443", "to_ids": true, "uuid": "5a1c4f4e-0000-4000-8000-000000000001", "timestamp": "1700000000"},
                {"type": "comment", "value": "hello", "to_ids": true},
                {"type": "domain", "value": "evil.example", "to_ids": false}
            ],
            "Object": [{"Attribute": [{"type": "filename|md5", "value": "a.exe|d41d8cd98f00b204e9800998ecf8427e", "to_ids": "1"}]}]
        }}]});
        assert!(is_export(&event));
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let made = Made { source: "misp".into(), at, until: None, confidence: None, tlp: None };
        let mut objects = Vec::new();
        let outcome = read(&event, &made, &mut |object| objects.push(object));
        assert_eq!((outcome.objects, outcome.left_out), (2, 2), "{:?}", outcome.told);
        assert_eq!(objects[0].id, "indicator--5a1c4f4e-0000-4000-8000-000000000001");
        assert_eq!(objects[0].members["pattern"], "[ipv4-addr:value = '203.0.113.7']");
        assert_eq!(objects[0].tlp(), Some(Tlp::Amber));
        assert_eq!(objects[1].members["pattern"], "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
    }
}
