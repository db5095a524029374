use super::super::support::scripted;
use super::{ask, chat, guarded, said};

const PROFILE: &str = "
id: own
version: 1
title: t
rules:
  - { id: all, check: { sensitive: {} }, points: [user, output], action: annotate }
  - { id: cards, check: { sensitive: { detectors: [payment-card] } }, points: [user], action: redact }
stream: { mode: windowed, hold_back: 200 }
";

#[tokio::test(flavor = "multi_thread")]
async fn policies_decide_about_what_is_in_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "@id(\"all\") permit (principal, action, resource);\n\
        @id(\"cards-stay\") forbid (principal, action == Action::\"invoke\", resource)\n\
        when { context has answerLabels && context.answerLabels.contains(\"financial\") };\n";
    std::fs::write(folder.path().join("a.cedar"), policy).unwrap();
    let script = "rules:\n  - { match: { contains: card }, text: 'Sure, the visa card is 4111 1111 1111 1111, expires 11/29.' }\n  - { text: 'We open at nine.' }\n";
    let stub = scripted(script).await;
    let (gate, _folder) = guarded(&stub, PROFILE, &format!("policies = {:?}", folder.path())).await;
    for is_stream in [false, true] {
        let got = ask(&gate, &chat("Which card?", is_stream)).await;
        assert!(!got.text().contains("4111") && got.text().contains("content_filter"), "{}", got.text());
        assert_eq!(said(&ask(&gate, &chat("When?", is_stream)).await), "We open at nine.");
    }
    let row = gate.rows.decision(3).await;
    let rows = gate.rows.of("CastellanGateDecisions");
    let stopped: Vec<_> = rows.iter().filter(|row| row["Stage"] == "inspect_answer").collect();
    assert_eq!(stopped.len(), 2, "{row:?}");
    assert!(
        stopped.iter().all(|row| row["Findings"].to_string().contains("policy/cards-stay")),
        "{stopped:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_look_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "@id(\"all\") permit (principal, action, resource);\n\
        @id(\"more\") @profile(\"strict\") permit (principal, action, resource) when { context.labels.contains(\"financial\") };\n";
    std::fs::write(folder.path().join("a.cedar"), policy).unwrap();
    let stub = scripted("rules:\n  - text: Fine.\n").await;
    let (gate, _folder) = guarded(&stub, PROFILE, &format!("policies = {:?}", folder.path())).await;
    let text = "My visa card is 4111 1111 1111 1111, and my address is ann.smith@example.com, please.";
    assert_eq!(ask(&gate, &chat(text, false)).await.status, 200);
    let row = gate.rows.decision(1).await;
    let found = row["Findings"].as_array().unwrap();
    let of = |rule: &str, what: &str| {
        let is_it = |hit: &&serde_json::Value| hit["rule"] == rule && hit["what"] == what;
        found.iter().filter(is_it).map(|hit| hit["count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("own/cards", "payment-card"), [1], "{found:?}");
    assert_eq!(of("own/all", "email-address"), [1], "{found:?}");
    assert_eq!(of("strict/personal-data", "email-address"), [1], "{found:?}");
    assert_eq!(row["PassagesScanned"].as_u64(), Some(2), "one of the prompt, one of the answer");
}
