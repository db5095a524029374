//! Recognisers of Presidio, in YAML and JSON: any text gives rules or diagnostics, and what compiles scans.
#![no_main]

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::exchange::{presidio, read_any};
use castellan_classify::rule::Rules;
use castellan_classify::{Dictionaries, Engine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let file = sources.add("fuzz", text);
    let known = Rules::default();
    for (rules, _) in [presidio::read(&sources, file, &known), presidio::read_json(&sources, file, &known)] {
        let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
        let _ = engine.scan(text);
    }
    let _ = read_any(&sources, file, &known);
});
