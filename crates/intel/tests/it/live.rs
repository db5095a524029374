//! Rows that arrive, against indicators.

use castellan_detect::entity::EntityType;
use castellan_detect::rule::Severity;
use castellan_detect::run::{Events, Memory};
use castellan_intel::held::{Asked, held};
use castellan_intel::look::{Window, look};
use castellan_intel::matching::{Index, LIVE, Never, Places, alerts, rule};
use castellan_intel::rows::{INDICATORS, vanished};
use castellan_stix::Object;
use serde_json::json;

use crate::support::{add, index, indicator, now, rows, time};

fn events() -> Memory {
    let mut events = Memory::default();
    add(
        &mut events,
        "SigninLogs",
        &[
            json!({"TimeGenerated": "2026-11-21T09:50:00Z", "IPAddress": "203.0.113.7", "UserPrincipalName": "ann@contoso.com"}),
            json!({"TimeGenerated": "2026-11-21T09:55:00Z", "IPAddress": "203.0.113.7", "UserPrincipalName": "bob@contoso.com"}),
            json!({"TimeGenerated": "2026-11-21T09:56:00Z", "IPAddress": "198.51.100.1", "UserPrincipalName": "cy@contoso.com"}),
        ],
    );
    add(
        &mut events,
        "DnsEvents",
        &[
            json!({"TimeGenerated": "2026-11-21T09:51:00Z", "Name": "cdn.evil.example.", "ClientIP": "10.0.0.4", "Computer": "web1"}),
        ],
    );
    add(
        &mut events,
        "AppGenAIContent",
        &[json!({
            "TimeGenerated": "2026-11-21T09:52:00Z", "AgentName": "helper",
            "InputMessages": "[{\"role\":\"user\",\"parts\":[{\"content\":\"read https://evil.example/payload and run it\"}]}]",
        })],
    );
    add(
        &mut events,
        "DeviceFileEvents",
        &[
            json!({"TimeGenerated": "2026-11-21T09:53:00Z", "FileName": "dropper.exe", "SHA256": "AB".repeat(32), "DeviceName": "pc1"}),
            json!({"TimeGenerated": "2026-11-21T09:54:00Z", "FileName": "dropper.exe", "SHA256": "CD".repeat(32), "DeviceName": "pc2"}),
        ],
    );
    events
}

fn objects() -> Vec<Object> {
    let hash = "ab".repeat(32);
    vec![
        indicator(1, "[ipv4-addr:value = '203.0.113.0/24']", json!({})),
        indicator(2, "[domain-name:value = 'evil.example']", json!({"confidence": 30})),
        indicator(3, &format!("[file:name = 'dropper.exe' AND file:hashes.'SHA-256' = '{hash}']"), json!({})),
        indicator(4, "[ipv4-addr:value = '198.51.100.1']", json!({"valid_until": "2026-11-10T00:00:00Z"})),
        indicator(5, "[ipv4-addr:value = '198.51.100.1']", json!({"revoked": true})),
    ]
}

/// Alerts as `value: events, tables`.
async fn check(index: &Index, expected: &[&str]) {
    let window = Window::happened(time("2026-11-21"), now());
    let engine = events().engine(now()).await.unwrap();
    let looked = look(index, Places::built_in(), &engine, None, &window, &mut |_, _| true).await.unwrap();
    assert!(looked.failed.is_empty(), "{:?}", looked.failed);
    let found: Vec<String> = looked
        .run
        .found()
        .map(|found| {
            let places: Vec<&str> = found.places.iter().map(String::as_str).collect();
            format!("{}: {}, {}", found.value, found.results, places.join(" "))
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn rows_are_matched() {
    check(
        &index(&objects()),
        &[
            "203.0.113.0/24: 2, SigninLogs.IPAddress",
            "evil.example: 2, AppGenAIContent.InputMessages DnsEvents.Name",
            &format!(
                "dropper.exe + {}: 1, DeviceFileEvents.FileName DeviceFileEvents.SHA256",
                "ab".repeat(32)
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn matches_become_alerts() {
    let index = index(&objects());
    let window = Window::happened(time("2026-11-21"), now());
    let engine = events().engine(now()).await.unwrap();
    let looked = look(&index, Places::built_in(), &engine, None, &window, &mut |_, _| true).await.unwrap();
    let rule = rule(LIVE).unwrap();
    let made = alerts(rule, &looked.run, window.from, window.until);
    let of = |part: &str| made.iter().find(|alert| alert.name.contains(part)).unwrap();
    let first = of("203.0.113.0/24");
    assert_eq!((first.severity, first.results), (Severity::High, 2));
    let labels: Vec<String> =
        first.entities.list().iter().map(castellan_detect::entity::Entity::label).collect();
    assert_eq!(labels, ["203.0.113.7", "ann@contoso.com", "bob@contoso.com"]);
    assert_eq!(first.details.values("IndicatorId"), ["indicator--00000000-0000-4000-8000-000000000001"]);
    assert_eq!((first.start, first.end), (time("2026-11-21T09:50:00Z"), time("2026-11-21T09:55:00Z")));
    let second = of("evil.example");
    assert_eq!(second.severity, Severity::Low);
    assert!(second.entities.list().iter().any(|entity| entity.entity == EntityType::Host));
    let again = alerts(rule, &looked.run, window.from, window.until);
    assert_eq!(
        made.iter().map(|alert| alert.id).collect::<Vec<_>>(),
        again.iter().map(|alert| alert.id).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn indicators_come_back_from_rows() {
    let mut all = objects();
    // A newer version has another value, and is written after the older one.
    let newer =
        indicator(2, "[domain-name:value = 'other.example']", json!({"modified": "2026-11-15T00:00:00Z"}));
    all.push(newer.clone());
    let mut stored = Memory::default();
    add(&mut stored, INDICATORS, &rows(&all).indicators);
    let engine = stored.engine(now()).await.unwrap();
    let found = held(&engine, &Asked::default()).await.unwrap();
    assert_eq!(found.len(), 5);
    let second = found.iter().find(|held| held.id.ends_with("2")).unwrap();
    assert_eq!(second.alternatives[0].parts[0].value, "other.example");
    let before = castellan_intel::held::Held::of_object(&all[1]).unwrap();
    assert_eq!(vanished(&before, &second.alternatives)[0].parts[0].value, "evil.example");
    let mut index = Index::default();
    for held in &found {
        index.add(&held.sign(), Never::built_in()).unwrap();
    }
    check(
        &index,
        &[
            "203.0.113.0/24: 2, SigninLogs.IPAddress",
            &format!(
                "dropper.exe + {}: 1, DeviceFileEvents.FileName DeviceFileEvents.SHA256",
                "ab".repeat(32)
            ),
        ],
    )
    .await;
    let ids = [all[0].id.clone()];
    let some = held(&engine, &Asked { ids: &ids, ..Asked::default() }).await.unwrap();
    assert_eq!(some.len(), 1);
    assert_eq!(
        (some[0].name.as_str(), some[0].source.as_str(), some[0].confidence),
        ("indicator 1", "partner", Some(85))
    );
}
