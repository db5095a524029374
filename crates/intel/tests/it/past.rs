//! Indicators against what happened before they arrived.

use castellan_detect::run::{Events, Memory};
use castellan_intel::held::Held;
use castellan_intel::matching::{Never, Places, RETRO, alerts, rule};
use castellan_intel::retro::{Arrived, Entry, Hunted, Journal, Options, Queue, step};
use castellan_stix::Object;
use serde_json::{Value, json};

use crate::support::{add, indicator, now, time};

fn events() -> Memory {
    let mut events = Memory::default();
    let sign_in = |happened: &str, received: &str, address: &str| json!({"TimeGenerated": happened, "_TimeReceived": received, "IPAddress": address, "UserPrincipalName": "ann@contoso.com"});
    add(
        &mut events,
        "SigninLogs",
        &[
            sign_in("2026-11-01T00:00:00Z", "2026-11-01T00:00:01Z", "203.0.113.7"),
            sign_in("2026-09-01T00:00:00Z", "2026-09-01T00:00:01Z", "203.0.113.7"),
            sign_in("2026-11-20T00:00:00Z", "2026-11-20T00:00:01Z", "2001:DB8:0:0::5"),
            sign_in("2026-11-21T09:59:00Z", "2026-11-21T10:00:01Z", "203.0.113.7"),
        ],
    );
    add(
        &mut events,
        "CommonSecurityLog",
        &[
            json!({"TimeGenerated": "2026-11-10T00:00:00Z", "SourceIP": "10.0.0.5", "DestinationIP": "198.51.100.77", "RequestURL": "http://shop.evil.example:8080/a?b"}),
            json!({"TimeGenerated": "2026-11-11T00:00:00Z", "SourceIP": "10.0.0.5", "RequestURL": "http://good.example/evil", "FileHash": "AB".repeat(32)}),
        ],
    );
    add(
        &mut events,
        "UrlClickEvents",
        &[
            json!({"TimeGenerated": "2026-11-12T00:00:00Z", "Url": "https://other.example/%61", "AccountUpn": "bob@contoso.com"}),
        ],
    );
    add(
        &mut events,
        "W3CIISLog",
        &[json!({"TimeGenerated": "2026-11-12T00:00:00Z", "cIP": "192.0.2.1", "csUserAgent": "EvilBot/1.0"})],
    );
    events
}

fn old(number: u32, pattern: &str) -> Object {
    indicator(number, pattern, json!({"valid_from": "2026-01-01T00:00:00Z"}))
}

fn patterns() -> Vec<String> {
    let hash = "ab".repeat(32);
    [
        "[ipv4-addr:value = '203.0.113.7']",
        "[ipv6-addr:value = '2001:db8::5']",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        "[domain-name:value = 'evil.example']",
        "[url:value = 'http://other.example/a']",
        "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'evilbot/1.0']",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .chain([format!("[file:hashes.'SHA-256' = '{hash}']")])
    .collect()
}

fn arrive(queue: &mut Queue, object: &Object, is_watched: bool) -> usize {
    let held = Held::of_object(object).unwrap();
    let arrived = queue.arrive(&held, now(), is_watched, &Options::default());
    let hunts: Vec<_> = arrived
        .into_iter()
        .filter_map(|arrived| match arrived {
            Arrived::Hunt(hunt) => Some(*hunt),
            Arrived::Known | Arrived::Nothing => None,
        })
        .collect();
    let count = hunts.len();
    hunts.into_iter().for_each(|hunt| queue.apply(Entry::Queued(hunt)));
    count
}

async fn hunt(queue: &Queue) -> Hunted {
    let engine = events().engine(now()).await.unwrap();
    let hunted = step(queue.next(200), &engine, Places::built_in(), Never::built_in(), None).await.unwrap();
    assert!(hunted.is_whole(), "{:?}", hunted.failed);
    hunted
}

#[tokio::test]
async fn the_past_is_hunted_once() {
    let mut queue = Queue::default();
    for (number, pattern) in (0..).zip(patterns()) {
        assert_eq!(arrive(&mut queue, &old(number, &pattern), true), 1, "{pattern}");
    }
    let hunted = hunt(&queue).await;
    let found: Vec<String> =
        hunted.run.found().map(|found| format!("{}: {}", found.value, found.results)).collect();
    // What happened more than thirty days ago is not seen, nor what was taken in since: that is matched as it comes.
    let hash = format!("{}: 1", "ab".repeat(32));
    assert_eq!(
        found,
        [
            "203.0.113.7: 1",
            "2001:db8::5: 1",
            "198.51.100.0/24: 1",
            "evil.example: 1",
            "other.example/a: 1",
            "evilbot/1.0: 1",
            &hash,
        ]
    );
    let window = hunted.window.unwrap();
    let made = alerts(rule(RETRO).unwrap(), &hunted.run, window.from, window.until);
    assert!(made.iter().all(|alert| alert.name.contains("in the past")));
    let count = hunted.hunts.len();
    queue.apply(Entry::Done(count));
    assert_eq!((queue.pending(), queue.hunted()), (0, 7));
    // A newer version of the same value is not hunted again; a new value of it is.
    assert_eq!(arrive(&mut queue, &old(0, "[ipv4-addr:value = '203.0.113.7']"), true), 0);
    assert_eq!(arrive(&mut queue, &old(0, "[ipv4-addr:value IN ('203.0.113.7', '203.0.113.8')]"), true), 1);
    assert!(hunt(&queue).await.run.is_empty());
}

#[tokio::test]
async fn what_was_not_watched_is_hunted_from_where_it_was_left() {
    let mut queue = Queue::default();
    let object = old(0, "[ipv4-addr:value = '203.0.113.7']");
    arrive(&mut queue, &object, false);
    queue.apply(Entry::Done(1));
    let held = Held::of_object(&object).unwrap();
    let later = time("2026-11-21T11:00:00Z");
    let arrived = queue.arrive(&held, later, false, &Options::default());
    let [Arrived::Hunt(hunt)] = arrived.as_slice() else { panic!("{arrived:?}") };
    queue.apply(Entry::Queued((**hunt).clone()));
    let engine = events().engine(later).await.unwrap();
    let hunted = step(queue.next(200), &engine, Places::built_in(), Never::built_in(), None).await.unwrap();
    let found: Vec<u64> = hunted.run.found().map(|found| found.results).collect();
    assert_eq!(found, [1], "the row that was taken in since");
}

#[test]
fn a_queue_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("intel/hunts.jsonl");
    let mut queue = Queue::default();
    for (number, pattern) in (0..).zip(patterns()) {
        arrive(&mut queue, &old(number, &pattern), true);
    }
    let mut journal = Journal::open(&path).unwrap();
    journal.keep(queue.entries().collect()).unwrap();
    journal.keep(vec![Entry::Done(3)]).unwrap();
    queue.apply(Entry::Done(3));
    assert_eq!(journal.queue(), &queue);
    drop(journal);
    // A line that was cut off was never said to be kept.
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], b"{\"done\":"].concat()).unwrap();
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.queue(), &queue);
    journal.keep(vec![Entry::Done(1)]).unwrap();
    drop(journal);
    queue.apply(Entry::Done(1));
    assert_eq!(Journal::open(&path).unwrap().queue(), &queue);
    std::fs::write(&path, [b"nonsense\n", &whole[..]].concat()).unwrap();
    assert!(Journal::open(&path).is_err());
    let lines: Vec<Value> = whole
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
}
