//! The plan, clocks and drills that are built in.

use castellan_respond::Library;
use castellan_respond::plan::{Handbook, rehearse};

use crate::support::Outcome;

#[test]
fn drills_go_as_they_have_to() {
    let handbook = Handbook::embedded();
    let wrong: Vec<&str> =
        handbook.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(wrong, Vec::<&str>::new());
    assert!(handbook.drills.len() >= 3 && handbook.clocks.len() >= 10);
    for drill in &handbook.drills {
        let transcript = rehearse(&handbook, drill);
        assert_eq!(transcript.failures, Vec::<String>::new(), "{}", drill.id);
        assert_eq!(transcript.lines.len(), drill.lines.len());
    }
}

#[test]
fn plans_name_what_exists() -> Outcome {
    let (handbook, library) = (Handbook::embedded(), Library::embedded());
    for plan in &handbook.plans {
        assert_eq!(handbook.clocks_of(plan).count(), plan.clocks.len());
        for file in plan.playbooks.values() {
            let text = format!("../../content/playbooks/{file}.yaml");
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(text);
            assert!(path.exists(), "{file}");
        }
        assert_eq!(
            plan.playbooks.len() + 1,
            library.iter().count(),
            "every playbook but `tell-people` answers something"
        );
    }
    Ok(())
}

/// A drill that is played wrong says where.
#[test]
fn drills_tell_what_is_wrong() {
    let mut handbook = Handbook::embedded();
    handbook.add("mine.yaml", "drills:\n  - id: d\n    title: t\n    plan: ai-incident\n    begins: 2026-01-01T00:00:00Z\n    severity: low\n    lines:\n      - { minute: 3, expect_told: [executive] }\n      - { minute: 4, expect_due: gdpr/notify, at: 2026-01-01T00:00:00Z }\n");
    let failures =
        handbook.drills.last().map(|drill| rehearse(&handbook, drill).failures).unwrap_or_default();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures[1].contains("`aware` is not known"), "{failures:?}");
    handbook.add(
        "broken.yaml",
        "clocks:\n  - id: x\n    stages: [{ id: a, what: b, from: c, hours: 1, days: 2 }]\n",
    );
    assert!(handbook.clocks.iter().all(|clock| clock.id != "x"));
    handbook.add("unknown.yaml", "plans:\n  - id: p\n    name: n\n    clocks: [gdpr, gdrp]\n");
    assert!(handbook.plan("p").is_none(), "a plan that looks at a clock nobody knows");
    handbook.add(
        "half.yaml",
        "clocks:\n  - id: y\n    stages: [{ id: a, what: b, from: c, hours: 1, latest_hours: 2 }]\n",
    );
    assert!(handbook.clocks.iter().all(|clock| clock.id != "y"));
    assert!(!handbook.diagnostics.is_empty());
}
