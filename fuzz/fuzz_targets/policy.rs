//! Policy definitions: any line of a batch gets one line of answer.
#![no_main]

use castellan_policy::{AliasTable, batch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let answer = batch::line(text, &AliasTable::builtin());
    assert!(!answer.contains('\n'));
});
