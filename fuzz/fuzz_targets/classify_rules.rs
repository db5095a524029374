//! Rules from outside: any text gives rules or diagnostics, and what compiles scans.
#![no_main]

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::exchange::rule_package;
use castellan_classify::rule::{Rules, read};
use castellan_classify::{Dictionaries, Engine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let file = sources.add("fuzz", text);
    let (rules, _) = read(&sources, &[file]);
    let package = rule_package::read(&sources, file, &Rules::default());
    let _ = rule_package::write(&package.rules, &package.package);
    for rules in [rules, package.rules] {
        let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
        let _ = engine.scan(text);
    }
});
