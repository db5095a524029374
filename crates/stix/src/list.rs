//! Plain lists and CSV of observables become indicators of STIX.
//!
//! A plain list has a value a line; `#` and `//` begin comments, and what stands behind the value is left out. CSV has a
//! header: `value` (or `indicator`, `ioc`, `observable`), and optionally `type`, `confidence`, `valid_from`, `valid_until`
//! (or `expires`), `name`, `description`, `tags`, `tlp`.

use castellan_base::Ticks;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::object::{Object, Tlp};
use crate::observable::{Kind, Observable};
use crate::read::Outcome;

/// Names for columns of CSV.
const COLUMNS: [(&str, &[&str]); 9] = [
    (
        "value",
        &["value", "indicator", "ioc", "observable", "observablevalue", "ioc_value", "dst_ip", "ip_address"],
    ),
    ("type", &["type", "kind", "indicator_type", "ioc_type", "observable_type", "observablekey"]),
    ("confidence", &["confidence", "confidence_level", "confidencescore"]),
    ("valid_from", &["valid_from", "validfrom", "first_seen", "first_seen_utc"]),
    ("valid_until", &["valid_until", "validuntil", "expires", "expiration", "expirationdatetime"]),
    ("name", &["name", "title", "threat", "malware"]),
    ("description", &["description", "comment", "reference"]),
    ("tags", &["tags", "labels"]),
    ("tlp", &["tlp", "tlplevel"]),
];

/// What indicators are made with.
#[derive(Clone, Debug)]
pub struct Made {
    /// Who the values are from, as people call it. Indicators of different sources are different.
    pub source: String,
    /// When they were taken in. They count from then on, where the list does not say otherwise.
    pub at: Ticks,
    /// When they stop to count, where the list does not say.
    pub until: Option<Ticks>,
    /// How sure the source is, where the list does not say.
    pub confidence: Option<u8>,
    /// How far they may be passed on, where the list does not say.
    pub tlp: Option<Tlp>,
}

/// What a list says of a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) confidence: Option<u8>,
    pub(crate) from: Option<Ticks>,
    pub(crate) until: Option<Ticks>,
    pub(crate) modified: Option<Ticks>,
    pub(crate) tags: Vec<String>,
    pub(crate) tlp: Option<Tlp>,
    pub(crate) id: Option<String>,
}

/// An indicator of a value. Its id is the same for the same source and value.
pub(crate) fn indicator(pattern: &str, key: &str, said: &Said, made: &Made) -> Object {
    let name = format!("castellan:{}\u{1f}{key}", made.source);
    let uuid = || Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string();
    let id = format!("indicator--{}", said.id.clone().unwrap_or_else(uuid));
    let from = said.from.unwrap_or(made.at);
    let modified = said.modified.unwrap_or(made.at);
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("type", json!("indicator"));
    put("spec_version", json!("2.1"));
    put("id", json!(id));
    put("created", json!(from.min(modified).to_string()));
    put("modified", json!(modified.to_string()));
    put("name", json!(if said.name.is_empty() { key } else { &said.name }));
    if !said.description.is_empty() {
        put("description", json!(said.description));
    }
    put("pattern", json!(pattern));
    put("pattern_type", json!("stix"));
    put("valid_from", json!(from.to_string()));
    if let Some(until) = said.until.or(made.until) {
        put("valid_until", json!(until.to_string()));
    }
    if let Some(confidence) = said.confidence.or(made.confidence) {
        put("confidence", json!(confidence.min(100)));
    }
    if !said.tags.is_empty() {
        put("labels", json!(said.tags));
    }
    if let Some(tlp) = said.tlp.or(made.tlp) {
        put("object_marking_refs", json!([tlp.marking()]));
    }
    put("external_references", json!([{ "source_name": made.source }]));
    Object { id, kind: "indicator".to_owned(), members }
}

/// Reads a plain list.
pub fn plain(text: &str, made: &Made, each: &mut dyn FnMut(Object)) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") || line.starts_with(';') {
            continue;
        }
        let value = line.split_whitespace().next().unwrap_or_default();
        // A list of hosts names an address that leads nowhere first.
        let rest = line.split_whitespace().nth(1).filter(|_| matches!(value, "0.0.0.0" | "127.0.0.1"));
        let value = rest.unwrap_or(value).trim_matches(['"', '\'', ',', ';']);
        match Kind::guess(value) {
            Some(found) => {
                outcome.objects += 1;
                each(indicator(&found.pattern(), &found.value, &Said::default(), made));
            }
            None => outcome.leaves(|| format!("line {}: `{}` is no observable", number + 1, short(value))),
        }
    }
    outcome
}

/// Reads CSV with a header.
///
/// Errors: no header that names a column of values.
pub fn csv(text: &str, made: &Made, each: &mut dyn FnMut(Object)) -> Result<Outcome, String> {
    let mut reader =
        ::csv::ReaderBuilder::new().flexible(true).comment(Some(b'#')).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| format!("the header cannot be read: {error}"))?.clone();
    let find = |wanted: &str| {
        let names = COLUMNS.iter().find(|(name, _)| *name == wanted).map(|(_, names)| *names)?;
        let is_it = |header: &str| {
            let header =
                header.trim().trim_start_matches('\u{feff}').to_ascii_lowercase().replace([' ', '-'], "_");
            names.contains(&&*header)
        };
        headers.iter().position(is_it)
    };
    let Some(value_at) = find("value") else {
        return Err("no column is named `value`, `indicator`, `ioc` or `observable`".to_owned());
    };
    let places: Vec<(&str, Option<usize>)> = COLUMNS.iter().map(|(name, _)| (*name, find(name))).collect();
    let mut outcome = Outcome::default();
    for (number, record) in reader.records().enumerate() {
        let line = number + 2;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                outcome.leaves(|| format!("record {line}: {error}"));
                continue;
            }
        };
        let cell = |wanted: &str| {
            let place = places.iter().find(|(name, _)| *name == wanted)?.1?;
            record.get(place).map(str::trim).filter(|text| !text.is_empty())
        };
        let Some(value) = record.get(value_at).map(str::trim).filter(|text| !text.is_empty()) else {
            outcome.leaves(|| format!("record {line}: it has no value"));
            continue;
        };
        let kind = cell("type").and_then(kind_named);
        let found = match kind {
            Some(kind) => Observable::new(kind, value),
            None => Kind::guess(value),
        };
        let Some(found) = found else {
            outcome.leaves(|| {
                format!("record {line}: `{}` is no {}", short(value), cell("type").unwrap_or("observable"))
            });
            continue;
        };
        match said(&cell) {
            Ok(said) => {
                outcome.objects += 1;
                each(indicator(&found.pattern(), &found.value, &said, made));
            }
            Err(why) => outcome.leaves(|| format!("record {line}: {why}")),
        }
    }
    Ok(outcome)
}

fn said<'r>(cell: &impl Fn(&str) -> Option<&'r str>) -> Result<Said, String> {
    let time = |name: &str| match cell(name) {
        Some(text) => text.parse::<Ticks>().map(Some).map_err(|error| format!("{name}: {error}")),
        None => Ok(None),
    };
    let confidence = match cell("confidence") {
        Some(text) => {
            let number = text
                .trim_end_matches('%')
                .parse::<f64>()
                .ok()
                .filter(|number| (0.0..=100.0).contains(number));
            let number =
                number.ok_or_else(|| format!("confidence: `{}` is no number from 0 to 100", short(text)))?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 100")]
            Some(number as u8)
        }
        None => None,
    };
    let text = |name: &str| cell(name).unwrap_or_default().to_owned();
    Ok(Said {
        name: text("name"),
        description: text("description"),
        confidence,
        from: time("valid_from")?,
        until: time("valid_until")?,
        tags: text("tags")
            .split([',', ';', '|'])
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect(),
        tlp: cell("tlp").and_then(Tlp::named),
        ..Said::default()
    })
}

/// Kinds by the names that lists have for them.
fn kind_named(name: &str) -> Option<Kind> {
    let lower = name.to_ascii_lowercase().replace(['_', ' '], "-");
    Some(match &*lower {
        "ip" | "ipv4" | "ipv6" | "ipv4-addr" | "ipv6-addr" | "ipv4-addr:value" | "ipv6-addr:value"
        | "cidr" | "ip-address" | "networkip" => Kind::Ip,
        "domain" | "hostname" | "host" | "fqdn" | "domain-name" | "domain-name:value" => Kind::Domain,
        "url" | "uri" | "url:value" => Kind::Url,
        "hash" | "md5" | "sha1" | "sha-1" | "sha256" | "sha-256" | "sha512" | "sha-512" | "md5-hash"
        | "sha256-hash" | "file-hash" | "filehash" => Kind::Hash,
        "email" | "e-mail" | "email-addr" | "email-addr:value" | "email-address" => Kind::Email,
        "file" | "filename" | "file-name" | "file:name" => Kind::File,
        "agent" | "user-agent" | "useragent" => Kind::Agent,
        "thumbprint" | "certificate" | "x509" => Kind::Thumbprint,
        _ => return None,
    })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Indicator;

    fn made() -> Made {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        Made { source: "list".into(), at, until: None, confidence: Some(60), tlp: Some(Tlp::Green) }
    }

    fn patterns(objects: &[Object]) -> Vec<String> {
        objects.iter().map(|object| Indicator::of(object).unwrap().pattern).collect()
    }

    #[test]
    fn a_plain_list_is_read() {
        let text = "# comment\nevil[.]example\n 203.0.113.7  # why\n\nnonsense\n0.0.0.0 bad.example\n";
        let mut objects = Vec::new();
        let outcome = plain(text, &made(), &mut |object| objects.push(object));
        assert_eq!((outcome.objects, outcome.left_out), (3, 1));
        assert!(outcome.told[0].contains("line 5"));
        let expected = [
            "[domain-name:value = 'evil.example']",
            "[ipv4-addr:value = '203.0.113.7']",
            "[domain-name:value = 'bad.example']",
        ];
        assert_eq!(patterns(&objects), expected);
        let indicator = Indicator::of(&objects[0]).unwrap();
        assert_eq!((indicator.confidence, indicator.tlp), (Some(60), Some(Tlp::Green)));
        let mut again = Vec::new();
        plain(text, &made(), &mut |object| again.push(object));
        assert_eq!(again, objects);
    }

    #[test]
    fn a_list_may_count_since_ever() {
        let made = Made { at: Ticks::MIN, ..made() };
        plain("evil.example", &made, &mut |object| {
            assert_eq!(Indicator::of(&object).unwrap().valid_from, Ticks::MIN);
        });
    }

    #[test]
    fn csv_is_read() {
        let text = "Type,Indicator,Confidence,Expires,Tags\nurl,hxxp://evil[.]example/x,90,2027-01-01,a;b\nsha256,zz,,,\n,a@evil.example,high,,\nfile,evil.exe,,,\n";
        let mut objects = Vec::new();
        let outcome = csv(text, &made(), &mut |object| objects.push(object)).unwrap();
        assert_eq!((outcome.objects, outcome.left_out), (2, 2), "{:?}", outcome.told);
        let first = Indicator::of(&objects[0]).unwrap();
        assert_eq!(first.pattern, "[url:value = 'http://evil.example/x']");
        assert_eq!((first.confidence, first.labels.len()), (Some(90), 2));
        assert_eq!(first.valid_until, "2027-01-01".parse().ok());
        assert!(csv("a,b\n1,2\n", &made(), &mut |_| ()).is_err());
    }
}
