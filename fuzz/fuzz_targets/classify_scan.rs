//! The scan: any bytes are scanned, and where they are cut does not matter.
#![no_main]

use std::sync::OnceLock;

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::rule::read;
use castellan_classify::{Dictionaries, Engine};
use libfuzzer_sys::fuzz_target;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut sources = Sources::default();
        let file = sources.add("models.yaml", include_str!("../../crates/classify/tests/data/models.yaml"));
        let (rules, _) = read(&sources, &[file]);
        let dictionaries = Dictionaries::default().with("given-names", ["Jane", "John", "Maria"]);
        Engine::compile(rules, &Checks::standard(), &dictionaries).0
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let whole = engine().scan_bytes(text).findings;
    let mut scanner = engine().scanner();
    let mut cut = Vec::new();
    for chunk in text.chunks(usize::from(*first) + 1) {
        scanner.push(chunk, &mut cut);
    }
    scanner.finish(&mut cut);
    assert_eq!(whole, cut);
});
