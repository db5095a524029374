//! Playbooks, conditions, automation rules and Logic Apps: any text is read or told, and what was read writes back the same.
#![no_main]

use castellan_base::{Limits, Sources, Ticks, json};
use castellan_respond::automation::Rule;
use castellan_respond::{import, playbook};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let reading = playbook::read("fuzz", text, &mut sources);
    if let Some(read) = reading.playbook {
        let again = playbook::read("again", &playbook::to_yaml(read.document()), &mut sources).playbook;
        assert_eq!(again.map(|again| again.digest()), Some(read.digest()));
    }
    let _ = playbook::Condition::parse(text);
    let source = sources.add("json", text);
    let limits = Limits { bytes: 1 << 20, depth: 64, values: 10_000 };
    if let Ok(node) = json::parse(text, source, &limits) {
        let _ = Rule::read(&node);
        let imported = import::logic_app(&node, "fuzz", Ticks::MIN);
        assert!(imported.problems.len() <= 1, "{:?}", imported.problems);
    }
});
