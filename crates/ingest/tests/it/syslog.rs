//! Messages of syslog and CEF to rows.

use castellan_ingest::syslog::{self, Frames, Peer};
use castellan_ingest::{ProblemKind, Taken};
use proptest::prelude::*;
use serde_json::json;

use crate::check::{fits, received, rows};

const PEER: Peer<'_> = Peer { address: "192.0.2.7", collector: "castellan" };

fn take(text: &str) -> Taken {
    syslog::message(text.as_bytes(), PEER, received())
}

#[test]
fn a_message_of_each_rfc() {
    let taken =
        take("<86>1 2026-11-21T22:14:15.003Z web-1 sshd 230 - [x@1 a=\"b\"] Accepted publickey for ada");
    assert_eq!(
        rows(&taken, "Syslog"),
        [
            json!({"TimeGenerated": "2026-11-21T22:14:15.0030000Z", "EventTime": "2026-11-21T22:14:15.0030000Z",
            "Computer": "web-1", "HostName": "web-1", "HostIP": "192.0.2.7", "CollectorHostName": "castellan",
            "Facility": "authpriv", "SeverityLevel": "info", "ProcessName": "sshd", "ProcessID": 230,
            "SourceSystem": "Linux", "SyslogMessage": "[x@1 a=\"b\"] Accepted publickey for ada"})
        ]
    );
    let taken = take("<34>Nov 21 22:14:15 mymachine su: 'su root' failed\n");
    let row = &rows(&taken, "Syslog")[0];
    assert_eq!(
        (&row["SyslogMessage"], &row["Facility"], &row["SeverityLevel"]),
        (&json!("'su root' failed"), &json!("auth"), &json!("crit"))
    );
    assert!(taken.problems.is_empty());
}

#[test]
fn what_is_neither_is_text_and_told() {
    let taken = take("hello \u{1} \"there\"");
    let row = &rows(&taken, "Syslog")[0];
    assert_eq!(
        (&row["SyslogMessage"], &row["Computer"]),
        (&json!("hello \u{1} \"there\""), &json!("192.0.2.7"))
    );
    assert_eq!(taken.problems[0].kind, ProblemKind::NotSyslog);
    let taken = syslog::message(b"<13>\xff\xfe", PEER, received());
    assert_eq!(taken.problems[0].kind, ProblemKind::NotUtf8);
    let taken = take("<13>Nov 21 22:14:15 h CEF:0|only|this");
    assert_eq!((taken.count("Syslog"), &taken.problems[0].kind), (1, &ProblemKind::NotCef));
}

#[test]
fn cef_with_and_without_a_header() {
    let cef = r"CEF:0|Contoso|Wall|1.2|deny-7|Connection denied|8|src=10.0.0.1 spt=4711 dst=10.0.0.2 dpt=443 in=9000000000 cn1=5000000000 cn1Label=Score cs1Label=Rule cs1=block\=all rt=1795219200000 msg=two words vendorKey=v externalId=abc";
    for text in [
        cef.to_owned(),
        format!("<134>Nov 21 00:00:00 fw-1 {cef}"),
        format!("<134>1 2026-11-21T00:00:00Z fw-1 - - - - {cef}"),
    ] {
        let taken = take(&text);
        assert_eq!(taken.count("Syslog"), 0, "{text}");
        let row = &rows(&taken, "CommonSecurityLog")[0];
        assert_eq!(row["TimeGenerated"], "2026-11-21T00:00:00.0000000Z");
        for (column, value) in [
            ("DeviceVendor", json!("Contoso")),
            ("DeviceEventClassID", json!("deny-7")),
            ("Activity", json!("Connection denied")),
            ("LogSeverity", json!("8")),
            ("SourceIP", json!("10.0.0.1")),
            ("SourcePort", json!(4711)),
            ("DestinationPort", json!(443)),
            ("ReceivedBytes", json!(9_000_000_000_i64)),
            ("FieldDeviceCustomNumber1", json!(5_000_000_000_i64)),
            ("DeviceCustomNumber1Label", json!("Score")),
            ("DeviceCustomString1", json!("block=all")),
            ("DeviceCustomString1Label", json!("Rule")),
            ("Message", json!("two words")),
            ("AdditionalExtensions", json!("vendorKey=v;externalId=abc")),
        ] {
            assert_eq!(row[column], value, "{column}");
        }
        assert_eq!(row.get("DeviceCustomNumber1"), None);
        assert_eq!(taken.problems[0].kind, ProblemKind::WrongType("externalId".into()));
    }
}

proptest! {
    #[test]
    fn any_message_is_one_row(bytes in any::<Vec<u8>>()) {
        let taken = syslog::message(&bytes, PEER, received());
        fits(&taken);
        prop_assert_eq!(taken.count("Syslog") + taken.count("CommonSecurityLog"), 1);
    }

    #[test]
    fn nearly_messages(text in "(<[0-9]{1,3}>)?(1 )?(Nov 2[0-9] 1[0-9]:00:0[0-9] )?([a-z-]{0,4}(\\[[0-9]\\])?:? ){0,4}(CEF:0(\\|[a-z\\\\]{0,3}){0,8})?([a-z0-9]{1,3}=[a-z=\\\\ ]{0,4} ){0,4}") {
        let taken = syslog::message(text.as_bytes(), PEER, received());
        fits(&taken);
        prop_assert_eq!(taken.count("Syslog") + taken.count("CommonSecurityLog"), 1);
    }

    #[test]
    fn any_stream_stays_in_bounds(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
        let mut frames = Frames::new(16);
        let mut found: Vec<_> = pieces.iter().flat_map(|piece| frames.push(piece)).collect();
        found.extend(frames.finish());
        prop_assert!(found.iter().all(|frame| frame.bytes.len() <= 16));
    }
}
