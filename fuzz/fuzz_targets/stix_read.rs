//! Bundles, lists, CSV and MISP's JSON: any bytes are read or told, and what is counted is given.
#![no_main]

use castellan_base::Ticks;
use castellan_stix::list::{self, Made};
use castellan_stix::{Indicator, Kind, misp, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut given = 0_u64;
    let read = read::from(bytes, 1 << 20, &mut |object| {
        given += 1;
        let _ = Indicator::of(&object);
        let _ = object.tlp();
    });
    if let Ok(outcome) = read {
        assert_eq!(outcome.objects, given);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let made = Made { source: "fuzz".to_owned(), at: Ticks::MIN, until: None, confidence: None, tlp: None };
    list::plain(text, &made, &mut |object| assert!(Indicator::of(&object).is_ok()));
    let _ = list::csv(text, &made, &mut |object| drop(Indicator::of(&object)));
    if let Ok(value) = serde_json::from_str(text) {
        misp::read(&value, &made, &mut |object| drop(Indicator::of(&object)));
    }
    for kind in Kind::ALL {
        let _ = kind.normal(text);
    }
});
