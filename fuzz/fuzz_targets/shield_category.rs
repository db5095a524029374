//! Categories and their examples: no bytes make the readers panic, and what is read judges within bounds.
#![no_main]

use castellan_shield::harm::{Examples, Incident, NamedCategory};
use libfuzzer_sys::fuzz_target;

const MARK: &[u8] = b"castcate\x01";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = NamedCategory::from_bytes(bytes);
    // With its digest, so that what is behind it is read too.
    let mut whole = MARK.to_vec();
    whole.extend_from_slice(blake3::hash(bytes).as_bytes());
    whole.extend_from_slice(bytes);
    if let Ok(category) = NamedCategory::from_bytes(&whole) {
        assert!((0.0..=1.0).contains(&category.category().probability(&text)));
        assert_eq!(category.to_bytes().expect("a category can be written"), whole);
    }
    if let Ok(examples) = Examples::read(&text) {
        let incident = Incident::new(&examples.positive);
        for sample in &examples.negative {
            assert!((0.0..=1.001).contains(&incident.similarity(sample)));
        }
    }
});
