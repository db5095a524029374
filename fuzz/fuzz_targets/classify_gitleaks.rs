//! Configurations of gitleaks: any text gives rules or diagnostics, and what compiles scans.
#![no_main]

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::exchange::gitleaks;
use castellan_classify::{Dictionaries, Engine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let file = sources.add("fuzz", text);
    let (rules, _) = gitleaks::read(&sources, file);
    let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
    let _ = engine.scan(text);
});
