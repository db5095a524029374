//! Virtual keys from their issue to their end.

use std::collections::BTreeMap;

use castellan_access::key::{Issue, KeyError, KeyStore, Pepper, Scopes};
use castellan_access::principal::Kind;
use castellan_access::token::Refusal;
use castellan_access::{Pattern, Refresh, StoreError};

use crate::support::*;

fn open(folder: &tempfile::TempDir) -> KeyStore {
    KeyStore::open(folder.path().join("gate/keys.json"), Pepper::new([7; 32])).unwrap()
}

fn issue() -> Issue {
    Issue {
        owner: "ann".to_owned(),
        name: "desk".to_owned(),
        labels: BTreeMap::from([("team".to_owned(), "red".to_owned())]),
        scopes: Scopes {
            models: vec![Pattern::new("gpt-*")],
            tools: vec![Pattern::new("files/read*")],
            ..Scopes::default()
        },
        groups: vec!["trial".to_owned()],
        budget: Some("small".to_owned()),
        by: "ben".to_owned(),
        ..Issue::default()
    }
}

#[test]
fn a_key_is_recognised_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let issued = store
        .issue(Issue { not_before: Some(plus(10)), expires: Some(plus(100)), ..issue() }, now())
        .unwrap();
    let key = issued.key.reveal();
    assert_eq!(store.recognise(key, plus(9)), Err(Refusal::NotYetValid));
    let principal = store.recognise(key, plus(10)).unwrap().principal.clone();
    assert_eq!((principal.kind, principal.budget.as_deref()), (Kind::Key, Some("small")));
    assert_eq!(
        (principal.object.as_str(), principal.labels.as_slice()),
        (issued.record.id.as_str(), ["team=red".to_owned()].as_slice())
    );
    assert_eq!(store.recognise(key, plus(100)), Err(Refusal::Expired));
    assert_eq!(store.revoke(&issued.record.id, false, "ben", "lost", plus(20)).unwrap(), 1);
    assert_eq!(store.recognise(key, plus(21)), Err(Refusal::Revoked));
    assert!(matches!(store.revoke("none", false, "ben", "", now()), Err(KeyError::Unknown(_))));
    // Another store's key has the right form and is not known.
    let stranger = KeyStore::open(folder.path().join("other.json"), Pepper::new([7; 32])).unwrap();
    let foreign = stranger.issue(issue(), now()).unwrap();
    assert_eq!(store.recognise(foreign.key.reveal(), now()), Err(Refusal::UnknownVirtualKey));
    // With another pepper nothing is known.
    let peppered = KeyStore::open(folder.path().join("other.json"), Pepper::new([8; 32])).unwrap();
    assert_eq!(peppered.recognise(foreign.key.reveal(), now()), Err(Refusal::UnknownVirtualKey));
}

#[test]
fn no_key_is_in_the_file_or_in_messages() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let issued = store.issue(issue(), now()).unwrap();
    let text = read(&folder.path().join("gate/keys.json"));
    let secret = issued.key.reveal().split('-').nth(2).unwrap();
    assert!(!text.contains(secret) && !text.contains(&secret[..12]));
    let told = format!("{store:?} {issued:?} {:?}", store.list());
    assert!(!told.contains(secret), "{told}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("gate/keys.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn rotation_overlaps_and_keeps_the_principal() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let first = store.issue(issue(), now()).unwrap();
    let second = store.rotate(&first.record.id, 60, "ben", plus(1)).unwrap();
    let (one, two) = (
        store.recognise(first.key.reveal(), plus(2)).unwrap().principal.clone(),
        store.recognise(second.key.reveal(), plus(2)).unwrap().principal.clone(),
    );
    assert_eq!((one.id(), one.entity_id()), (two.id(), two.entity_id()));
    assert_ne!(one.credential.id, two.credential.id);
    assert_eq!(store.recognise(first.key.reveal(), plus(61)), Err(Refusal::Expired));
    assert!(store.recognise(second.key.reveal(), plus(61)).is_ok());
    assert!(matches!(store.rotate(&first.record.id, 60, "ben", plus(2)), Err(KeyError::Ended(_))));
    // A rotation never lengthens a key's life.
    let short = store.issue(Issue { expires: Some(plus(10)), ..issue() }, now()).unwrap();
    let next = store.rotate(&short.record.id, 3600, "ben", plus(1)).unwrap();
    assert_eq!(store.recognise(short.key.reveal(), plus(10)), Err(Refusal::Expired));
    assert_eq!(store.recognise(next.key.reveal(), plus(10)), Err(Refusal::Expired));
    // The whole line ends at once.
    assert_eq!(store.revoke(&first.record.id, true, "ben", "leaked", plus(3)).unwrap(), 2);
    assert_eq!(store.recognise(second.key.reveal(), plus(4)), Err(Refusal::Revoked));
    assert_eq!(store.forget_ended(plus(1000)).unwrap(), 4);
    assert!(store.list().is_empty());
}

#[test]
fn what_another_process_changes_counts_after_a_refresh() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, desk) = (open(&folder), open(&folder));
    let issued = desk.issue(issue(), now()).unwrap();
    assert_eq!(gate.recognise(issued.key.reveal(), now()), Err(Refusal::UnknownVirtualKey));
    assert_eq!(gate.refresh().unwrap(), Refresh::Changed);
    assert_eq!(gate.refresh().unwrap(), Refresh::Unchanged);
    gate.recognise(issued.key.reveal(), now()).unwrap();
    desk.revoke(&issued.record.id, false, "ben", "", now()).unwrap();
    gate.refresh().unwrap();
    assert_eq!(gate.recognise(issued.key.reveal(), now()), Err(Refusal::Revoked));
    // Uses are written without losing the other's change.
    gate.flush_uses().unwrap();
    desk.refresh().unwrap();
    assert_eq!(desk.list()[0].last_used, Some(now()));
    assert!(desk.list()[0].revoked.is_some());
}

#[test]
fn damage_is_told_and_the_last_state_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let path = folder.path().join("gate/keys.json");
    let issued = store.issue(issue(), now()).unwrap();
    let good = read(&path);
    let newer = good.replace("\"version\": 1", "\"version\": 2");
    let other = good.replace("castellan-keys", "castellan-grants");
    for damaged in ["", "{", "[]", &good[..good.len() / 2], &newer, &other] {
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(store.refresh(), Err(StoreError::Damaged { .. })), "{damaged}");
        store.recognise(issued.key.reveal(), now()).unwrap();
        // Nothing is written over it either.
        assert!(store.issue(issue(), now()).is_err());
        assert!(KeyStore::open(&path, Pepper::new([7; 32])).is_err());
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.refresh(), Err(StoreError::Damaged { .. })));
    assert!(store.issue(issue(), now()).is_err());
    store.recognise(issued.key.reveal(), now()).unwrap();
    std::fs::write(&path, good).unwrap();
    assert_eq!(store.refresh().unwrap(), Refresh::Changed);
    store.issue(issue(), now()).unwrap();
    assert_eq!(store.list().len(), 2);
}

#[test]
fn two_stores_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let store = open(&folder);
            scope.spawn(move || {
                for _ in 0..10 {
                    store.issue(issue(), now()).unwrap();
                }
            });
        }
    });
    assert_eq!(open(&folder).list().len(), 40);
}

#[test]
fn scopes_and_bounds() {
    let scopes = issue().scopes;
    assert!(scopes.has_model("gpt-5") && !scopes.has_model("claude"));
    assert!(scopes.has_tool("files", "read_file") && !scopes.has_tool("files", "write"));
    assert!(!scopes.has_tool("file", "s/read") && scopes.has_server("files") && !scopes.has_server("file"));
    assert!(!Scopes::default().has_model("gpt-5") && !Scopes::all_models().has_tool("a", "b"));
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for wrong in [
        Issue { owner: String::new(), ..issue() },
        Issue { name: "x".repeat(2000), ..issue() },
        Issue { groups: vec!["a\nb".to_owned()], ..issue() },
        Issue { expires: Some(now()), ..issue() },
        Issue { scopes: Scopes { models: vec![Pattern::new("a"); 1001], ..Scopes::default() }, ..issue() },
    ] {
        assert!(matches!(store.issue(wrong, now()), Err(KeyError::Unfit(_))));
    }
}
