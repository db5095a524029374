//! Analytics rules of Microsoft Sentinel over the rows that are written.

use std::path::{Path, PathBuf};

use castellan_base::Sources;
use castellan_detect::rule::read::read;
use castellan_detect::run::{Memory, once};
use castellan_intel::rows::{INDICATORS, LEGACY, OBJECTS};
use castellan_stix::Object;
use serde_json::{Value, json};

use crate::support::{add, indicator, now, rows};

fn rule_text(name: &str) -> Option<String> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    let path = folder.join("sentinel/rules").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: no {}", path.display());
    }
    text
}

fn objects() -> Vec<Object> {
    let hash = "ab".repeat(32);
    vec![
        indicator(
            1,
            "[ipv4-addr:value = '203.0.113.7']",
            json!({"object_marking_refs": ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]}),
        ),
        indicator(2, "[domain-name:value = 'evil.example']", json!({})),
        indicator(
            3,
            &format!(
                "[file:hashes.'SHA-256' = '{hash}' OR file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf84270']"
            ),
            json!({}),
        ),
        indicator(4, "[email-addr:value = 'mallory@evil.example']", json!({})),
        indicator(5, "[url:value = 'http://evil.example/a']", json!({})),
        // Neither of these counts any more.
        indicator(6, "[ipv4-addr:value = '198.51.100.1']", json!({"valid_until": "2026-11-10T00:00:00Z"})),
        indicator(7, "[ipv4-addr:value = '198.51.100.2']", json!({"revoked": true})),
    ]
}

fn events() -> Memory {
    let mut events = Memory::default();
    let rows = rows(&objects());
    add(&mut events, INDICATORS, &rows.indicators);
    add(&mut events, LEGACY, &rows.legacy);
    let at = "2026-11-21T09:30:00Z";
    add(&mut events, "AzureDiagnostics", &["203.0.113.7", "198.51.100.1", "198.51.100.2"].map(|address| {
        json!({"TimeGenerated": at, "ResourceType": "VAULTS", "CallerIPAddress": address, "ResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", "OperationName": "SecretGet", "SubscriptionId": "s", "identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g": "4d1f1b9e-0000-4000-8000-000000000001"})
    }));
    add(
        &mut events,
        "DnsEvents",
        &[json!({"TimeGenerated": at, "Name": "evil.example", "Computer": "web1", "ClientIP": "10.0.0.4"})],
    );
    add(
        &mut events,
        "CommonSecurityLog",
        &[
            json!({"TimeGenerated": at, "FileHash": "AB".repeat(32), "SourceIP": "10.0.0.4", "DeviceName": "fw", "SourceUserName": "ann", "DeviceVendor": "Palo Alto Networks", "Activity": "TRAFFIC", "DestinationIP": "203.0.113.7"}),
        ],
    );
    add(
        &mut events,
        "OfficeActivity",
        &[
            json!({"TimeGenerated": at, "UserId": "mallory@evil.example", "ClientIP": "203.0.113.7", "OfficeWorkload": "Exchange", "Operation": "MailItemsAccessed"}),
        ],
    );
    add(
        &mut events,
        "AppServiceHTTPLogs",
        &[
            json!({"TimeGenerated": at, "CIp": "203.0.113.7", "CsHost": "shop.example", "CsUsername": "ann", "_ResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop"}),
        ],
    );
    add(
        &mut events,
        "AWSCloudTrail",
        &[
            json!({"TimeGenerated": at, "SourceIpAddress": "203.0.113.7", "EventName": "GetObject", "UserIdentityUserName": "ann"}),
        ],
    );
    add(
        &mut events,
        "VMConnection",
        &[
            json!({"TimeGenerated": at, "RemoteIp": "203.0.113.7", "SourceIp": "10.0.0.4", "DestinationIp": "203.0.113.7", "Computer": "web1", "Direction": "outbound"}),
        ],
    );
    events
}

/// Runs a rule; labels of the entities of all its alerts have to have a text in them.
async fn check(name: &str, expected: &str) {
    let Some(text) = rule_text(name) else { return };
    let rule = read(name, &text, &mut Sources::default()).rules.remove(0);
    let (_, alerts) = once(&rule, &events(), now()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(alerts.len(), 1, "{name}");
    assert_eq!(alerts[0].results, 1, "{name}");
    let labels: Vec<String> =
        alerts[0].entities.list().iter().map(castellan_detect::entity::Entity::label).collect();
    assert!(labels.join(" ").contains(expected), "{name}: {labels:?}");
}

#[tokio::test]
async fn rules_of_sentinel_find_what_is_written() {
    let of = |name: &str| format!("Detections__ThreatIntelligenceIndicator__{name}");
    check(&of("IPEntity_AzureKeyVault"), "203.0.113.7").await;
    check(&of("DomainEntity_DnsEvents"), "web1").await;
    check(&of("FileHashEntity_CommonSecurityLog"), &"AB".repeat(32).to_lowercase()).await;
    check(&of("EmailEntity_OfficeActivity"), "mallory@evil.example").await;
    check(&of("IPEntity_AppServiceHTTPLogs"), "203.0.113.7").await;
    check(&of("IPEntity_AWSCloudTrail"), "203.0.113.7").await;
    check(&of("IPEntity_OfficeActivity"), "203.0.113.7").await;
    check(&of("IPEntity_VMConnection"), "203.0.113.7").await;
}

/// The newer rules read `ThreatIntelIndicators` in this way.
#[tokio::test]
async fn the_newer_table_is_found_too() {
    let text = r#"
id: 1b7e3c1c-0000-4000-8000-000000000001
name: Indicators and sign-ins of applications
kind: Scheduled
severity: Medium
queryFrequency: 1h
queryPeriod: 14d
triggerOperator: gt
triggerThreshold: 0
query: |
  ThreatIntelIndicators
  | where ObservableKey in ("ipv4-addr:value", "ipv6-addr:value", "network-traffic:src_ref.value")
  | where isnotempty(ObservableValue) and IsDeleted == false
  | summarize LatestIndicatorTime = arg_max(TimeGenerated, *) by Id, ObservableValue
  | where IsActive and (ValidUntil > now() or isempty(ValidUntil))
  | extend TrafficLightProtocolLevel = tostring(parse_json(AdditionalFields).TLPLevel), Name = tostring(Data.name)
  | join kind=innerunique (AppServiceHTTPLogs | where TimeGenerated >= ago(1h)) on $left.ObservableValue == $right.CIp
  | project CIp, Id, Name, TrafficLightProtocolLevel, Confidence, Pattern
entityMappings:
  - entityType: IP
    fieldMappings: [ { identifier: Address, columnName: CIp } ]
customDetails: { Level: TrafficLightProtocolLevel, Name: Name }
"#;
    let rule = read("rule.yaml", text, &mut Sources::default()).rules.remove(0);
    let (_, alerts) = once(&rule, &events(), now()).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].details.values("Level"), ["amber"]);
    assert_eq!(alerts[0].details.values("Name"), ["indicator 1"]);
}

#[test]
fn rows_have_the_documented_columns() {
    let malware = json!({"type": "malware", "id": "malware--00000000-0000-4000-8000-000000000001", "name": "M", "x_own": [1]});
    let hunted = indicator(8, "[file:name LIKE 'a%']", json!({}));
    let sigma = indicator(9, "title: x", json!({"pattern_type": "sigma"}));
    let all: Vec<Object> = vec![Object::of(malware).unwrap(), hunted, sigma];
    let made = rows(&all);
    assert_eq!((made.objects.len(), made.indicators.len(), made.legacy.len()), (1, 2, 0));
    assert_eq!(made.objects[0]["StixType"], "malware");
    assert_eq!(made.objects[0]["Data"]["x_own"], json!([1]));
    let reason = |row: &Value| row["AdditionalFields"]["NotMatched"][0].as_str().unwrap().to_owned();
    assert!(reason(&made.indicators[0]).contains("LIKE"));
    assert!(reason(&made.indicators[1]).contains("sigma"));
    let mut events = Memory::default();
    add(&mut events, OBJECTS, &made.objects);
    add(&mut events, INDICATORS, &made.indicators);
}
