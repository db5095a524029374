//! Pins for people: lists, one pin with its history, what changes, and a decision about it.
//!
//! Everything that a server wrote is shown with its hidden characters written out: what a person looks at is what a model
//! would read.

use std::fmt::Write as _;

use castellan_base::Ticks;
use castellan_mcp::hidden::reveal;
use castellan_mcp::pin::{Decision, Kind, Origin, Pin, State, Store};
use serde::Serialize;

use super::pins::{PinsError, Ruled, waiting};

/// Fewest hexadecimal digits of a hash that name it.
const SHORTEST: usize = 12;

/// A pin in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// The server.
    pub server: String,
    /// What is defined.
    pub kind: Kind,
    /// Its name, hidden characters written out.
    pub name: String,
    /// How it stands: `pinned`, `changed`, `new`, ...
    pub state: &'static str,
    /// Whether it may be used.
    pub usable: bool,
    /// The hash that is pinned, or that waits for a decision where something does.
    pub hash: String,
    /// Since when it stands so.
    pub since: String,
    /// Who vouched for it.
    pub by: String,
}

/// A pin that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The server.
    pub server: String,
    /// What is defined.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// Pins, of one server or of all; those that wait alone where that is asked for.
pub fn listed(store: &Store, server: Option<&str>, waits: bool) -> Vec<Listed> {
    let servers = store.servers().filter(|id| server.is_none_or(|only| only == *id));
    let mut rows = Vec::new();
    for id in servers {
        for (kind, pins) in store.server(id).into_iter().flat_map(|pins| &pins.pins) {
            let pins = pins.iter().filter(|(_, pin)| !waits || pin.quarantine.is_some());
            rows.extend(pins.map(|(name, pin)| row(store, id, *kind, name, pin)));
        }
    }
    rows
}

fn row(store: &Store, server: &str, kind: Kind, name: &str, pin: &Pin) -> Listed {
    let waits = pin.quarantine.as_ref();
    Listed {
        server: server.to_owned(),
        kind,
        name: reveal(name),
        state: state(pin),
        usable: store.is_usable(server, kind, name),
        hash: waits.map_or_else(|| pin.hash.clone(), |waits| waits.hash.clone()),
        since: time(waits.map_or(pin.since, |waits| waits.since)),
        by: match &pin.origin {
            None => String::new(),
            Some(Origin::FirstUse) => "first use".to_owned(),
            Some(Origin::Preset) => "preset".to_owned(),
            Some(Origin::Person(who)) => reveal(who),
        },
    }
}

fn state(pin: &Pin) -> &'static str {
    match pin.quarantine.as_ref().map(|waits| &waits.state) {
        Some(State::New) => "new",
        Some(State::Changed) => "changed",
        Some(State::Renamed(_)) => "renamed",
        Some(State::Copied(_)) => "copied",
        Some(_) => "quarantined",
        None if pin.removed => "removed",
        None if pin.hash.is_empty() => "rejected",
        None => "pinned",
    }
}

fn time(ticks: i64) -> String {
    Ticks::new(ticks).unwrap_or(Ticks::MIN).to_string()
}

/// The pin that a text names: `SERVER/NAME`, or `SERVER` for what a server says of itself. Names may be written as they are
/// shown.
///
/// # Errors
/// When there is none, or there are several of different kinds and `kind` names none of them.
pub fn found(store: &Store, text: &str, kind: Option<Kind>) -> Result<Named, PinsError> {
    let (server, name) = text.split_once('/').unwrap_or((text, ""));
    let pins = store.server(server).into_iter().flat_map(|pins| &pins.pins);
    let pins = pins.filter(|(own, _)| kind.is_none_or(|kind| kind == **own));
    let names = pins.flat_map(|(kind, pins)| pins.keys().map(|name| (*kind, name)));
    let mut found = names.filter(|(_, known)| *known == name || reveal(known) == name);
    let none =
        || PinsError::Named(format!("there is no pin `{text}`; `castellan gate pins list` shows them"));
    let (kind, name) = found.next().ok_or_else(none)?;
    if let Some((other, _)) = found.next() {
        let why = format!("`{text}` is a {kind} and a {other}; name one with --kind");
        return Err(PinsError::Named(why));
    }
    Ok(Named { server: server.to_owned(), kind, name: name.clone() })
}

/// A pin with what is pinned, what waits, and what was decided.
pub fn described(store: &Store, named: &Named) -> String {
    let Named { server, kind, name } = named;
    let Some(pin) = store.pin(server, *kind, name) else { return String::new() };
    let row = row(store, server, *kind, name, pin);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{kind} {server}/{}", row.name);
    let usable = if row.usable { "usable" } else { "not usable" };
    let _ = writeln!(text, "state: {}, {usable}, since {}", row.state, row.since);
    if !pin.hash.is_empty() {
        let by = if row.by.is_empty() { String::new() } else { format!(" ({})", row.by) };
        let _ = writeln!(text, "pinned: {}{by}\n{}", pin.hash, pretty(&pin.definition));
    }
    if let Some(waits) = &pin.quarantine {
        let _ = writeln!(text, "waits: {}\n{}", waits.hash, pretty(&waits.proposed));
    }
    for record in &pin.records {
        let decided = match record.decision {
            Decision::Approve => "approved",
            Decision::Reject => "rejected",
        };
        let (by, reason) = (reveal(&record.by), reveal(&record.reason));
        let _ = writeln!(text, "{} {decided} by {by}: {} {reason}", time(record.at), record.hash);
    }
    text
}

/// A definition for people: a member a line, hidden characters written out.
fn pretty(definition: &str) -> String {
    if definition.is_empty() {
        return "  (only its hash was given)".to_owned();
    }
    let value = serde_json::from_str::<serde_json::Value>(definition);
    let text = value.and_then(|value| serde_json::to_string_pretty(&value));
    let text = text.unwrap_or_else(|_| definition.to_owned());
    text.lines().map(|line| format!("  {}", reveal(line))).collect::<Vec<_>>().join("\n")
}

/// What changes with a definition that waits, and the hash that a decision has to name.
///
/// # Errors
/// When nothing about it waits.
pub fn difference(store: &Store, named: &Named) -> Result<String, PinsError> {
    let waits = waiting(store);
    let is_it = |one: &&super::pins::Waiting| {
        one.server == named.server && one.kind == named.kind && one.name == named.name
    };
    let Some(waits) = waits.iter().find(is_it) else { return Err(nothing(named)) };
    Ok(format!("{}\nhash: {}\n", waits.shown.trim_end(), waits.hash))
}

fn nothing(named: &Named) -> PinsError {
    let name = reveal(&named.name);
    PinsError::Named(format!("nothing about `{}/{name}` waits for a decision", named.server))
}

/// A decision about what waits, if it has the hash that was seen: all of it, or at least its first 12 digits.
///
/// # Errors
/// When nothing waits, or something else than what was seen.
pub fn ruled(store: &Store, named: &Named, hash: &str, by: &str, reason: &str) -> Result<Ruled, PinsError> {
    let pin = store.pin(&named.server, named.kind, &named.name);
    let waits = pin.and_then(|pin| pin.quarantine.as_ref()).ok_or_else(|| nothing(named))?;
    let digits = |hash: &str| hash.trim().trim_start_matches("sha256:").to_ascii_lowercase();
    let given = digits(hash);
    if given.len() < SHORTEST {
        let why = format!(
            "the hash has to be that of `castellan gate pins diff`, at least {SHORTEST} digits of it"
        );
        return Err(PinsError::Named(why));
    }
    if !digits(&waits.hash).starts_with(&given) {
        let why =
            format!("what waits has the hash {}, not the one that was seen; look at it again", waits.hash);
        return Err(PinsError::Named(why));
    }
    Ok(Ruled {
        server: named.server.clone(),
        kind: named.kind,
        name: named.name.clone(),
        hash: waits.hash.clone(),
        by: by.to_owned(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use castellan_base::{OsSystem, System as _};
    use castellan_mcp::json::{Limits, parse};
    use castellan_mcp::pin::{Definition, Settings};

    use super::super::pins::PinFile;
    use super::*;

    fn definition(text: &str) -> Definition {
        let json = serde_json::json!({"name": "echo", "description": text}).to_string();
        let value = parse(json.as_bytes(), &Limits::default()).unwrap();
        Definition::read(Kind::Tool, &value, &[]).unwrap()
    }

    #[test]
    fn a_person_sees_what_changes_and_decides_about_what_was_seen() {
        let now = OsSystem.now();
        let mut store = Store::new();
        let settings = Settings::default();
        for text in ["Says it.", "Says it.\u{200b} And sends it."] {
            store.observe("files", Kind::Tool, &settings, &[definition(text)], true, now);
        }
        let rows = listed(&store, None, true);
        assert_eq!((rows.len(), rows[0].state, rows[0].usable), (1, "changed", false));
        let named = found(&store, "files/echo", None).unwrap();
        assert!(found(&store, "files/other", None).is_err());
        let shown = described(&store, &named);
        assert!(
            shown.contains("Says it.") && !shown.contains('\u{200b}') && shown.contains("waits: sha256:")
        );
        assert!(difference(&store, &named).unwrap().contains(&rows[0].hash));
        assert!(ruled(&store, &named, "sha256:000000000000", "ann", "").is_err());
        assert!(ruled(&store, &named, &rows[0].hash[..12], "ann", "").is_err(), "five digits are too few");
        let ruled = ruled(&store, &named, &rows[0].hash[..20], "ann", "looked").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins.json");
        std::fs::write(&path, serde_json::to_vec(&store.to_json()).unwrap()).unwrap();
        let file = PinFile::new(&path);
        file.decide(&OsSystem, Decision::Approve, &ruled, now).unwrap();
        let store = file.read(&OsSystem).unwrap();
        assert_eq!(listed(&store, Some("files"), false)[0].state, "pinned");
        assert!(described(&store, &named).contains("approved by ann"));
        assert!(difference(&store, &named).is_err());
    }
}
