//! Objects of STIX, as they stand.

use castellan_base::Ticks;
use serde_json::{Map, Value};

/// An object of STIX: all members as they stand, known or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its id: `indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f`.
    pub id: String,
    /// Its type: `indicator`.
    pub kind: String,
    /// All its members.
    pub members: Map<String, Value>,
}

/// How far something may be passed on. Source: FIRST, Traffic Light Protocol 2.0; STIX 2.1, section 7.2.1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tlp {
    /// Anywhere. It was called white before.
    Clear,
    /// Within the community.
    Green,
    /// Within the organisation and its clients.
    Amber,
    /// Within the organisation.
    AmberStrict,
    /// To nobody else.
    Red,
}

/// Ids of the markings that the specifications define.
const MARKINGS: [(&str, Tlp); 9] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
    ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
];

impl Tlp {
    /// Its name, as the columns of Microsoft Sentinel have it.
    pub fn name(self) -> &'static str {
        match self {
            Tlp::Clear => "white",
            Tlp::Green => "green",
            Tlp::Amber => "amber",
            Tlp::AmberStrict => "amber+strict",
            Tlp::Red => "red",
        }
    }

    /// The id of the marking that STIX defines for it.
    pub fn marking(self) -> &'static str {
        MARKINGS.iter().find(|(_, tlp)| *tlp == self).map_or("", |(id, _)| id)
    }

    /// By a name, as `TLP:AMBER+STRICT`, `amber` or `white`.
    pub fn named(text: &str) -> Option<Tlp> {
        let lower = text.trim().to_ascii_lowercase();
        Some(match lower.strip_prefix("tlp:").unwrap_or(&lower) {
            "clear" | "white" => Tlp::Clear,
            "green" => Tlp::Green,
            "amber" => Tlp::Amber,
            "amber+strict" => Tlp::AmberStrict,
            "red" => Tlp::Red,
            _ => return None,
        })
    }
}

impl Object {
    /// The object that a value is.
    ///
    /// Errors: what is missing.
    pub fn of(value: Value) -> Result<Object, &'static str> {
        let Value::Object(members) = value else { return Err("it is no object") };
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, kind) = (text("id"), text("type"));
        if kind.is_empty() {
            return Err("it has no `type`");
        }
        if id.is_empty() {
            return Err("it has no `id`");
        }
        let is_id = id.len() <= 256 && id.strip_prefix(&*kind).is_some_and(|rest| rest.starts_with("--"));
        if !is_id {
            return Err("its `id` is not `TYPE--UUID`");
        }
        Ok(Object { id, kind, members })
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A member that is a time.
    pub fn time(&self, name: &str) -> Option<Ticks> {
        self.text(name)?.parse().ok()
    }

    /// A member that is a list of texts.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.members.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether its creator has taken it back.
    pub fn is_revoked(&self) -> bool {
        self.members.get("revoked").and_then(Value::as_bool).unwrap_or_default()
    }

    /// How far it may be passed on: the strictest of its markings that the specifications define.
    pub fn tlp(&self) -> Option<Tlp> {
        let refs = self.texts("object_marking_refs");
        MARKINGS.iter().filter(|(id, _)| refs.contains(id)).map(|(_, tlp)| *tlp).max()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        Value::Object(self.members.clone())
    }
}
