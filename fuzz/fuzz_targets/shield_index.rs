//! Indexes of protected texts: no bytes make the reader panic, and a line that is read can be added and written.
#![no_main]

use castellan_shield::protected::{Index, Options, read_line};
use libfuzzer_sys::fuzz_target;

const MARK: &[u8] = b"castprot\x01";

fuzz_target!(|bytes: &[u8]| {
    let key = Options::default().key;
    let _ = Index::from_bytes(bytes, &key);
    // With the digest that whoever has the key can make, so that what is behind it is read too.
    let mut whole = MARK.to_vec();
    whole.extend_from_slice(blake3::keyed_hash(&key, bytes).as_bytes());
    whole.extend_from_slice(bytes);
    let text = String::from_utf8_lossy(bytes);
    if let Ok(index) = Index::from_bytes(&whole, &key) {
        let _ = index.find(&text);
        let again = index.to_bytes().expect("an index can be written");
        assert_eq!(Index::from_bytes(&again, &key).expect("and read").find(&text), index.find(&text));
    }
    if let Ok((source, text)) = read_line(&text) {
        let options = Options { least_words: 11, least_code: 19, ..Options::default() };
        let mut index = Index::new(options).expect("these are the least lengths");
        if index.add(source, &text).is_ok() {
            assert!(!index.find(&text).runs.is_empty());
        }
    }
});
