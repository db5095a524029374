//! Virtual keys and what applications say of their users: any text is refused, any JSON is read within its bounds.
#![no_main]

use std::sync::LazyLock;

use castellan_access::key::{KeyStore, Pepper};
use castellan_access::principal::UserSecurityContext;
use castellan_base::Ticks;
use libfuzzer_sys::fuzz_target;

static STORE: LazyLock<KeyStore> = LazyLock::new(|| {
    let path = std::env::temp_dir().join("castellan-fuzz-access-key-none.json");
    KeyStore::open(path, Pepper::new([7; 32])).expect("a store")
});

fuzz_target!(|text: &str| {
    assert!(STORE.recognise(text, Ticks::MIN).is_err());
    assert!(STORE.recognise(&format!("cst-{text}"), Ticks::MIN).is_err());
    if let Ok(value) = serde_json::from_str(text) {
        let (context, _) = UserSecurityContext::read(&value);
        let texts = [context.end_user_id, context.end_user_tenant_id, context.application_name];
        assert!(texts.into_iter().flatten().all(|text| text.len() <= 256));
    }
});
