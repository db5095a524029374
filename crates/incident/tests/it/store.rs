//! What survives when a process ends anywhere, and what is told of damage.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use castellan_base::Ticks;
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::incident::{By, Command, Incidents, Order, Owner};
use castellan_detect::rule::Rule;
use castellan_detect::rule::read::read;
use castellan_detect::run::Alert;
use castellan_incident::desk::Desk;
use castellan_incident::evidence::{Original, PrivateKey};
use castellan_incident::store::{Act, Call, Entry, Files, Store, StoreError};
use proptest::prelude::*;

use crate::sample::time;

/// Files that end at a write: of what was to be written then, a part is there.
#[derive(Clone, Default)]
struct Fragile(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, Vec<u8>>,
    writes: usize,
    /// The write that fails, and how many of its bytes arrive in thousandths.
    fails: Option<(usize, usize)>,
}

impl Fragile {
    fn failing(&self, at: usize, share: usize) {
        let mut inner = self.0.lock().unwrap();
        inner.fails = Some((inner.writes + at, share));
    }

    fn mended(&self) {
        self.0.lock().unwrap().fails = None;
    }

    fn file(&self, name: &str, work: impl FnOnce(&mut Vec<u8>)) {
        work(self.0.lock().unwrap().files.get_mut(name).unwrap());
    }

    /// Counts a write; the bytes that arrive, and whether it fails.
    fn arrives(inner: &mut Inner, length: usize) -> (usize, bool) {
        inner.writes += 1;
        match inner.fails {
            Some((at, share)) if inner.writes > at => (length * share / 1_000, true),
            _ => (length, false),
        }
    }
}

fn failed(name: &str) -> StoreError {
    StoreError::Disk { what: "writing", name: name.to_owned(), source: io::Error::other("cut off") }
}

impl Files for Fragile {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().unwrap().files.get(name).cloned())
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.0.lock().unwrap().files.keys().cloned().collect())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.0.lock().unwrap();
        let (arrived, fails) = Fragile::arrives(&mut inner, bytes.len());
        inner.files.entry(name.to_owned()).or_default().extend_from_slice(&bytes[..arrived]);
        if fails { Err(failed(name)) } else { Ok(()) }
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.0.lock().unwrap();
        let (arrived, fails) = Fragile::arrives(&mut inner, bytes.len());
        // A rename happens or does not.
        if arrived == bytes.len() {
            inner.files.insert(name.to_owned(), bytes.to_vec());
        }
        if fails { Err(failed(name)) } else { Ok(()) }
    }

    fn cut(&mut self, name: &str, length: u64) -> Result<(), StoreError> {
        self.0.lock().unwrap().files.get_mut(name).unwrap().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

const RULE: &str = "id: 1b7e3c1c-0000-4000-8000-000000000001\nname: Failed logons\nkind: Scheduled\nseverity: Medium\n\
    queryFrequency: 5m\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: SigninLogs\n";

pub(crate) fn rule() -> Rule {
    read("rule.yaml", RULE, &mut castellan_base::Sources::default()).rules.remove(0)
}

pub(crate) fn alert(number: u128) -> Alert {
    Alert {
        id: uuid::Uuid::from_u128(number),
        rule: rule().id,
        rule_name: "Failed logons".into(),
        name: format!("Failed logons of user {}", number % 7),
        description: String::new(),
        severity: castellan_detect::rule::Severity::Medium,
        tactics: Vec::new(),
        techniques: Vec::new(),
        raised: time("10:00:00"),
        start: time("09:00:00"),
        end: time("09:30:00"),
        entities: castellan_detect::entity::Entities::default(),
        details: castellan_detect::run::Details::default(),
        results: 1,
        identities: Vec::new(),
        properties: BTreeMap::new(),
        context: Arc::default(),
    }
}

fn now() -> Ticks {
    time("11:00:00")
}

fn person() -> By {
    By::Person("ann@contoso.com".to_owned())
}

/// Something that is done to a store; how it ends.
fn step(store: &mut Store, number: u128) -> Result<(), StoreError> {
    let known: Vec<u32> =
        store.incidents().iter().filter(|one| one.is_open()).map(|one| one.number).collect();
    let changes = match number % 5 {
        0 | 1 => store.incidents().clone().take(&rule(), &alert(number), Correlation::built_in(), now()).1,
        2 if known.len() > 3 => ordered(store, known[0], Order::Merge { from: vec![known[1]] }),
        3 if !known.is_empty() => {
            ordered(store, known[0], Order::Comment { text: format!("comment {number}") })
        }
        4 => {
            let act = Act::KeyChanged { key: Some(number.to_string()) };
            return store.note_act(now().get(), act);
        }
        _ => return Ok(()),
    };
    if changes.is_empty() {
        return Ok(());
    }
    store.write(now().get(), Entry::of(changes)).map(|_| ())
}

fn ordered(store: &Store, incident: u32, order: Order) -> Vec<castellan_detect::incident::Change> {
    store
        .incidents()
        .decide(&Command { incident, seen: None, by: person(), order }, now())
        .unwrap_or_default()
}

fn open(files: &Fragile) -> Store {
    Store::over(Box::new(files.clone())).unwrap().with_journals_of(3_000)
}

/// Works until a write fails; the state after the last step that was acknowledged, and whether one failed.
fn until_cut(files: &Fragile, from: u128, steps: u128) -> (Incidents, usize, bool) {
    let mut store = open(files);
    let (mut kept, mut audited) = (store.incidents().clone(), store.audit().len());
    for number in from..from + steps {
        match step(&mut store, number) {
            Ok(()) => (kept, audited) = (store.incidents().clone(), store.audit().len()),
            Err(_) => {
                assert!(matches!(step(&mut store, 4), Err(StoreError::Broken)));
                return (kept, audited, true);
            }
        }
    }
    (kept, audited, false)
}

#[test]
fn wherever_it_is_cut_off_what_was_acknowledged_is_there() {
    let mut cuts = 0;
    for at in 0..60 {
        for share in [0, 1, 500, 999, 1_000] {
            let files = Fragile::default();
            until_cut(&files, 0, 9);
            files.failing(at, share);
            let (kept, audited, was_cut) = until_cut(&files, 9, 36);
            files.mended();
            cuts += usize::from(was_cut);
            let store = open(&files);
            // What was not acknowledged may be there as a whole.
            let is_more = store.incidents() != &kept;
            assert!(!is_more || share == 1_000, "write {at}, {share}");
            assert!(store.audit().len() >= audited && store.audit().len() <= audited + 1);
            store.verify().unwrap();
            drop(store);
            // And it goes on from there.
            let (_, _, again) = until_cut(&files, 100, 10);
            assert!(!again);
            open(&files).verify().unwrap();
        }
    }
    assert!(cuts > 150, "{cuts}");
}

#[test]
fn a_torn_line_is_told_and_a_changed_one_is_damage() {
    let files = Fragile::default();
    until_cut(&files, 0, 5);
    let name = "journal-00000001.jsonl";
    files.file(name, |bytes| bytes.extend_from_slice(b"0123 {\"number\""));
    let store = open(&files);
    assert!(store.told()[0].contains("never acknowledged"), "{:?}", store.told());
    drop(store);
    assert!(open(&files).told().is_empty());
    // The last line was acknowledged: changed, it is damage and not torn.
    let whole = files.read(name).unwrap().unwrap();
    files.file(name, |bytes| {
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
    });
    assert!(matches!(Store::over(Box::new(files.clone())), Err(StoreError::Damaged { .. })));
    files.file(name, |bytes| *bytes = whole.clone());
    files.file(name, |bytes| bytes[80] ^= 1);
    let opened = Store::over(Box::new(files.clone()));
    assert!(matches!(opened, Err(StoreError::Damaged { line: 1, .. })), "{opened:?}");
}

#[test]
fn a_damaged_snapshot_is_told_and_done_without() {
    let files = Fragile::default();
    let (kept, _, _) = until_cut(&files, 0, 40);
    let names = files.names().unwrap();
    let snapshots: Vec<&String> = names.iter().filter(|name| name.starts_with("snapshot")).collect();
    assert!(snapshots.len() > 2, "{names:?}");
    for name in &snapshots {
        files.file(name, |bytes| bytes[100] ^= 1);
    }
    let store = open(&files);
    assert_eq!(store.told().len(), snapshots.len());
    assert_eq!(store.incidents(), &kept);
    store.verify().unwrap();
}

#[test]
fn the_trail_of_an_incident_is_read_from_all_journals() {
    let files = Fragile::default();
    until_cut(&files, 0, 40);
    let store = open(&files);
    let trail = store.trail(1).unwrap();
    assert!(trail.len() > 5 && trail.iter().all(|change| change.concerns(1)));
    let mut again = Incidents::default();
    let mut all = BTreeMap::new();
    for number in 1..=store.incidents().last_number() {
        for change in store.trail(number).unwrap() {
            all.entry(format!("{:?}", change)).or_insert(change);
        }
    }
    assert!(all.len() >= trail.len());
    assert!(again.apply(&trail[0]).is_ok());
}

#[test]
fn an_audit_log_whose_end_was_cut_off_is_found_out() {
    let files = Fragile::default();
    until_cut(&files, 0, 20);
    let whole = files.read("audit.jsonl").unwrap().unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 4);
    files.file("audit.jsonl", |bytes| *bytes = lines[..3].concat());
    let opened = Store::over(Box::new(files.clone()));
    assert!(matches!(opened, Err(StoreError::AuditCut { wanted: 4, .. })), "{opened:?}");
    files.file("audit.jsonl", |bytes| {
        *bytes = whole.clone();
        bytes[90] ^= 1;
    });
    assert!(matches!(Store::over(Box::new(files.clone())), Err(StoreError::Damaged { .. })));
    // Another entry in the middle.
    files.file("audit.jsonl", |bytes| *bytes = [lines[0], lines[2], lines[1], lines[3]].concat());
    assert!(matches!(Store::over(Box::new(files)), Err(StoreError::Damaged { line: 2, .. })));
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked(_))));
    drop(first);
    assert!(Store::open(folder.path()).is_ok());
}

#[test]
fn rows_are_owed_until_they_are_sent_and_numbered_upwards() {
    let files = Fragile::default();
    until_cut(&files, 0, 30);
    let offsets = |store: &Store| -> Vec<i64> {
        store
            .state()
            .pending()
            .flat_map(|pending| pending.calls.iter().map(|call: &Call| call.offset))
            .collect()
    };
    let mut store = open(&files);
    let before = offsets(&store);
    assert!(before.len() > 10 && before.is_sorted_by(|one, other| one < other));
    let first = store.state().pending().next().unwrap().record;
    store.write(0, Entry::Sent { through: first }).unwrap();
    drop(store);
    let mut store = open(&files);
    assert!(offsets(&store).len() < before.len());
    assert_eq!(store.state().base_above(0), None);
    let high = before.last().unwrap() + 1_000_000;
    let base = store.state().base_above(high).unwrap();
    store.write(0, Entry::Based { base }).unwrap();
    step(&mut store, 101).unwrap();
    assert!(*offsets(&store).last().unwrap() > high);
}

#[test]
fn evidence_is_recorded_before_it_is_given() {
    let files = Fragile::default();
    let key = PrivateKey::generate().unwrap();
    let desk = Desk::over(open(&files), Some(key.public_key().clone()), now()).unwrap();
    desk.take(&rule(), &[alert(1)], None, now()).unwrap();
    let text = "the password is hunter2 and my card is 4111 1111 1111 1111";
    let original = Original {
        kind: "prompt",
        source: "by hand",
        incident: "",
        alert: "",
        by: "ann",
        text,
        at: 1,
        kept: 2,
    };
    let kept = desk.keep(1, &[original], &person()).unwrap();
    let id = kept[0].id.clone();
    for (by, reason) in [("", "why"), ("ann", " ")] {
        assert!(desk.reveal(1, &id, by, reason, now()).is_err());
    }
    assert!(desk.reveal(1, "abc", "ann", "why", now()).is_err());
    let before = desk.audit().len();
    // Where the log cannot be written, nothing is given.
    files.failing(0, 0);
    assert!(desk.reveal(1, &id, "ann", "to tell the owner", now()).is_err());
    files.mended();
    drop(desk);
    let desk = Desk::over(open(&files), Some(key.public_key().clone()), now()).unwrap();
    assert_eq!(desk.audit().len(), before);
    let (exhibit, sealed) = desk.reveal(1, &id[..12], "ann", "to tell the owner", now()).unwrap();
    assert_eq!(key.open(&exhibit, &sealed).unwrap().as_str(), text);
    let last = desk.audit().pop().unwrap();
    assert!(
        matches!(last.act, Act::Revealed { by, reason, incident: 1, evidence, .. } if by == "ann" && reason == "to tell the owner" && evidence == id)
    );
    // The original is in no file.
    for (name, bytes) in &files.0.lock().unwrap().files {
        assert!(!bytes.windows(4).any(|part| part == b"4111"), "{name}");
    }
    assert!(desk.case(1).unwrap().trail.iter().any(|step| step.what == "revealed"));
    let verified = desk.verify().unwrap();
    assert_eq!((verified.evidence, verified.audited), (1, 2));
    files.file(&format!("evidence/{id}.sealed"), |bytes| bytes[60] ^= 1);
    assert!(desk.verify().is_err());
}

#[test]
fn another_key_is_noted() {
    let files = Fragile::default();
    let key = || Some(PrivateKey::generate().unwrap().public_key().clone());
    let one = key();
    for key in [one.clone(), one.clone(), key(), None, None] {
        drop(Desk::over(open(&files), key, now()).unwrap());
    }
    assert_eq!(open(&files).audit().len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens, what is read again is what was there.
    #[test]
    fn what_is_read_again_is_the_same(steps in proptest::collection::vec(0_u128..200, 0..60)) {
        let files = Fragile::default();
        let mut store = open(&files);
        for number in steps {
            step(&mut store, number).unwrap();
        }
        let assigned = Order::Assign { owner: Owner { assigned_to: "ben".into(), ..Owner::default() } };
        let changes = ordered(&store, 1, assigned);
        store.write(0, Entry::of(changes)).unwrap();
        let again = open(&files);
        prop_assert_eq!(again.incidents(), store.incidents());
        prop_assert_eq!(again.state().pending().collect::<Vec<_>>(), store.state().pending().collect::<Vec<_>>());
        prop_assert_eq!(again.verify().unwrap().records, store.last());
    }
}
