//! Indexes of documents: any bytes are refused or opened, a damaged index is refused, and what opens compares.
#![no_main]

use std::sync::OnceLock;

use castellan_classify::exact::Key;
use castellan_classify::fingerprint::{Builder, Index, Thresholds};
use libfuzzer_sys::fuzz_target;

const KEY: &[u8] = b"a key for fuzzing alone, 32 long";
const TEXT: &str = "the quick brown fox jumps over the lazy dog and runs away from all of the other animals here";

fn valid() -> &'static [u8] {
    static VALID: OnceLock<Vec<u8>> = OnceLock::new();
    VALID.get_or_init(|| {
        let mut builder = Builder::new(&Key::new(KEY).unwrap(), *b"a salt, 16 bytes");
        builder.add("one", TEXT).unwrap();
        builder.finish().unwrap().bytes
    })
}

fuzz_target!(|bytes: &[u8]| {
    let key = Key::new(KEY).unwrap();
    if let Ok(index) = Index::open(bytes, &key) {
        let _ = index.compare(&String::from_utf8_lossy(bytes), &Thresholds::default());
    }
    let mut damaged = valid().to_vec();
    for change in bytes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % damaged.len();
        damaged[place] ^= change[2];
    }
    let intact = damaged == valid();
    assert_eq!(Index::open(damaged, &key).is_ok(), intact);
});
