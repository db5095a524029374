//! Indexes of tables: any bytes are refused or opened, a damaged index is refused, and what opens scans.
#![no_main]

use std::sync::OnceLock;

use castellan_classify::exact::{Builder, Column, Index, Key, Normalisation, Options};
use libfuzzer_sys::fuzz_target;

const KEY: &[u8] = b"a key for fuzzing alone, 32 long";

fn valid() -> &'static [u8] {
    static VALID: OnceLock<Vec<u8>> = OnceLock::new();
    VALID.get_or_init(|| {
        let columns = vec![
            Column::primary("account", Normalisation::IDENTIFIER),
            Column::secondary("surname", Normalisation::TEXT),
        ];
        let mut builder = Builder::new(columns, &Key::new(KEY).unwrap(), *b"a salt, 16 bytes").unwrap();
        builder.add(&["NL91ABNA0417164300", "de Vries"]).unwrap();
        builder.add(&["NL20INGB0001234567", "Jansen"]).unwrap();
        builder.finish().unwrap().bytes
    })
}

fuzz_target!(|bytes: &[u8]| {
    let key = Key::new(KEY).unwrap();
    if let Ok(index) = Index::open(bytes, &key) {
        let _ = index.scan(&String::from_utf8_lossy(bytes), &Options::default());
    }
    let mut damaged = valid().to_vec();
    for change in bytes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % damaged.len();
        damaged[place] ^= change[2];
    }
    let intact = damaged == valid();
    assert_eq!(Index::open(damaged, &key).is_ok(), intact);
});
