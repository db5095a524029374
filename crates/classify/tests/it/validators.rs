//! The validators beside the whole corpus of documented numbers, their own examples, and texts of every kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use castellan_classify::validators::{Invalid, LONGEST, all, find, validate};
use proptest::prelude::*;

const EXAMPLES: &str = include_str!("../../src/validators/data/examples.tsv");

/// Modules of the corpus that have no format here, and why.
const UNIMPLEMENTED: &[(&str, &str)] = &[
    ("at.postleitzahl", "needs the list of Austrian postal codes in use"),
    ("do.cedula", "many numbers in use break Luhn's formula; only the register tells them from wrong ones"),
];

/// Cases that a format here answers otherwise, by their place in the corpus, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "stdnum:iso7064.mod_37_2:448",
        "the documentation passes another alphabet, which the case does not hold",
    ),
    (
        "stdnum:iso7064.mod_37_36:450",
        "the documentation passes another alphabet, which the case does not hold",
    ),
    ("stdnum:de.stnr:4060", "the documentation passes a state, which the case does not hold"),
    ("stdnum:eu.nace:5946", "the documentation passes another revision, which the case does not hold"),
    ("stdnum:kr.rrn:9359", "the documentation passes a switch that allows dates of the future"),
    ("stdnum:mac:9632", "the documentation passes a switch that allows unknown makers"),
    ("stdnum:mac:9634", "the documentation passes a switch that wants known makers"),
    ("stdnum:mx.rfc:533", "the documentation passes a switch that verifies the check character"),
    ("stdnum:mx.rfc:10154", "the documentation passes a switch that verifies the check character"),
    ("stdnum:mx.rfc:10156", "the documentation passes a switch that verifies the check character"),
    (
        "stdnum:do.rnc:4542",
        "registered with a wrong check digit; only the register tells such numbers from wrong ones",
    ),
];

fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    named.into_iter().chain([beside]).find(|folder| folder.is_dir())
}

/// The case of the corpus, and whether the format is right about it; nothing when there is no such format.
fn is_right(case: &serde_json::Value) -> Option<bool> {
    let answer = validate(case["module"].as_str().unwrap(), case["text"].as_str().unwrap()).ok()?;
    Some(answer.is_ok() == case["valid"].as_bool().unwrap())
}

#[test]
fn agrees_with_the_whole_corpus() {
    let Some(folder) = corpora() else {
        eprintln!("skipped: no corpora; set CASTELLAN_CORPORA");
        return;
    };
    let text = std::fs::read_to_string(folder.join("pii/stdnum_cases.jsonl")).unwrap();
    let exceptions: BTreeSet<&str> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    let unimplemented: BTreeSet<&str> = UNIMPLEMENTED.iter().map(|(module, _)| *module).collect();
    let mut modules = BTreeMap::<String, (usize, usize)>::new();
    let (mut wrong, mut stale, mut missing) = (Vec::new(), Vec::new(), BTreeSet::new());
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (id, module) = (case["id"].as_str().unwrap(), case["module"].as_str().unwrap());
        let count = modules.entry(module.to_owned()).or_default();
        count.1 += 1;
        match is_right(&case) {
            None if unimplemented.contains(module) => {}
            None => {
                missing.insert(module.to_owned());
            }
            Some(true) => {
                count.0 += 1;
                if exceptions.contains(id) {
                    stale.push(id.to_owned());
                }
            }
            Some(false) if exceptions.contains(id) => {}
            Some(false) => wrong.push(format!("{id} {}", case["text"])),
        }
    }
    let right: usize = modules.values().map(|count| count.0).sum();
    let cases: usize = modules.values().map(|count| count.1).sum();
    let whole = modules.values().filter(|count| count.0 == count.1).count();
    println!("{right} of {cases} cases; {whole} of {} modules whole; {} formats", modules.len(), all().len());
    for (module, (right, cases)) in modules.iter().filter(|(_, count)| count.0 != count.1) {
        println!("  {module}: {right} of {cases}");
    }
    assert!(missing.is_empty(), "no format and no reason: {missing:?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "exceptions that are none any more: {stale:?}");
    for module in unimplemented {
        assert!(find(module).is_none(), "{module} has a format; take it off the list");
        assert!(modules.contains_key(module), "{module} is not in the corpus");
    }
}

fn examples() -> impl Iterator<Item = (&'static str, String, String)> {
    EXAMPLES.lines().map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap();
        (next(), next().replace("\\n", "\n"), next().replace("\\n", "\n"))
    })
}

#[test]
fn every_format_has_examples_that_hold() {
    let mut seen = BTreeSet::new();
    for (name, right, wrong) in examples() {
        let format = find(name).unwrap_or_else(|| panic!("no format {name}"));
        assert_eq!(format.check(&right), Ok(()), "{name} {right}");
        assert!(format.check(&wrong).is_err(), "{name} {wrong}");
        seen.insert(name);
    }
    for format in all() {
        assert!(seen.contains(format.name), "{} has no example", format.name);
    }
}

/// Specimens and worked examples of the documents that define the formats, where the corpus has few or none.
const SPECIMENS: &[(&str, &str)] = &[
    ("at.uid", "ATU13585627"),
    ("br.cnh", "62472927637"),
    ("br.pis", "120.56874.10-7"),
    ("credit-card", "4111 1111 1111 1111"),
    ("credit-card", "3782 822463 10005"),
    ("crypto.ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("crypto.ripple", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("crypto.stellar", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),
    ("crypto.tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("de.fuehrerschein", "B072RRE2I55"),
    ("de.kvnr", "A123456780"),
    ("de.personalausweis", "T220001293"),
    ("de.reisepass", "C01X00T478"),
    ("de.svnr", "65170839J003"),
    ("es.dni", "12345678Z"),
    ("fr.rib", "30006 00001 12345678901 89"),
    ("gb.driver", "MORGA657054SM9IJ"),
    ("hk.hkid", "A123456(3)"),
    ("hu.adoazonosito", "8071592153"),
    ("hu.taj", "111 111 110"),
    ("issn", "0378-5955"),
    ("lu.matricule", "1893120105732"),
    ("mrz", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    ("mrz", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    ("mrz", "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"),
    ("mrz", "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"),
    ("mrz", "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226"),
    ("mx.clabe", "032180000118359719"),
    ("no.orgnr", "974760673"),
    ("nz.nhi", "ZZZ0016"),
    ("nz.nhi", "ZBN77VL"),
    ("pl.dowod", "ABA300000"),
    ("rs.jmbg", "0710003730015"),
    ("ru.snils", "112-233-445 95"),
    ("se.samordningsnummer", "701063-2391"),
    ("sg.nric", "S1234567D"),
    ("sg.nric", "T1234567J"),
    ("sg.nric", "F1234567N"),
    ("sg.nric", "G1234567X"),
    ("sg.nric", "M1234567K"),
    ("uy.ci", "1.234.567-2"),
    ("es.nss", "28/12345678/40"),
    ("br.cns", "898 0000 0004 3208"),
    ("si.ddv", "SI50223054"),
    ("tw.id", "A123456789"),
    ("us.mbi", "1EG4-TE5-MK73"),
    ("us.npi", "1234567893"),
    ("vin", "1M8GDM9AXKP042788"),
];

#[test]
fn accepts_documented_specimens() {
    for (name, text) in SPECIMENS {
        assert_eq!(validate(name, text), Ok(Ok(())), "{name} {text}");
    }
}

#[test]
fn formats_are_found_by_name() {
    for format in all() {
        assert_eq!(find(format.name).map(|found| found.name), Some(format.name));
        assert!(!format.title.is_empty() && !format.source.is_empty(), "{}", format.name);
    }
    assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name), "names are unique and in order");
    assert!(all().iter().filter(|format| find(format.name).is_some()).count() >= 150);
    assert_eq!(find("in_.aadhaar").and_then(|format| format.country()), Some("in"));
    assert_eq!(find("luhn").and_then(|format| format.country()), None);
    assert_eq!(find("iso7064.mod_11_2").and_then(|format| format.country()), None);
    let error = validate("xx.unknown", "1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no number format is named `xx.unknown`; `all()` lists those that there are"
    );
}

#[test]
fn refuses_what_is_too_long() {
    for length in [LONGEST + 1, 100_000] {
        for character in ["0", "1", "A", " ", "\u{D1}", "\u{1F600}"] {
            let text = character.repeat(length);
            for format in all() {
                assert!(format.check(&text).is_err(), "{} {character}", format.name);
            }
        }
    }
    assert_eq!(validate("luhn", &"0".repeat(LONGEST)), Ok(Ok(())));
    assert_eq!(validate("luhn", &"0".repeat(LONGEST + 1)), Ok(Err(Invalid::Length)));
}

/// Formats whose check digits catch every single wrong digit, wherever it stands.
const SINGLE_DIGIT_SAFE: &[&str] = &[
    "ar.cbu",
    "au.abn",
    "be.eid",
    "be.ogm_vcs",
    "ca.sin",
    "cn.uscc",
    "credit-card",
    "damm",
    "de.idnr",
    "de.vat",
    "es.dni",
    "fi.ytunnus",
    "fr.siren",
    "fr.siret",
    "hr.oib",
    "iban",
    "il.idnr",
    "in_.aadhaar",
    "in_.vid",
    "isin",
    "isni",
    "iso11649",
    "iso7064.mod_11_10",
    "iso7064.mod_11_2",
    "iso7064.mod_97_10",
    "issn",
    "lei",
    "luhn",
    "lu.matricule",
    "ma.ice",
    "nl.bsn",
    "pl.nip",
    "rs.pib",
    "sa.nid",
    "tr.tckimlik",
    "us.npi",
    "us.rtn",
    "verhoeff",
];

#[test]
fn catches_every_changed_digit() {
    for (name, right, _) in examples().filter(|example| SINGLE_DIGIT_SAFE.contains(&example.0)) {
        let format = find(name).unwrap();
        for place in
            right.char_indices().filter(|(_, character)| character.is_ascii_digit()).map(|(place, _)| place)
        {
            for digit in '0'..='9' {
                let mut wrong = right.clone();
                wrong.replace_range(place..=place, &digit.to_string());
                assert!(wrong == right || format.check(&wrong).is_err(), "{name} {right} {wrong}");
            }
        }
    }
}

#[test]
fn every_checksum_catches_most_changed_digits() {
    let mut weak = Vec::new();
    for (name, right, _) in
        examples().filter(|example| find(example.0).is_some_and(|format| format.has_checksum))
    {
        let format = find(name).unwrap();
        let (mut caught, mut changes) = (0_u32, 0_u32);
        for place in
            right.char_indices().filter(|(_, character)| character.is_ascii_digit()).map(|(place, _)| place)
        {
            for digit in '0'..='9' {
                let mut wrong = right.clone();
                wrong.replace_range(place..=place, &digit.to_string());
                if wrong != right {
                    changes += 1;
                    caught += u32::from(format.check(&wrong).is_err());
                }
            }
        }
        if changes > 0 && caught * 2 <= changes {
            weak.push(format!("{name} {right}: {caught} of {changes}"));
        }
    }
    assert!(weak.is_empty(), "{}", weak.join("\n"));
}

proptest! {
    #[test]
    fn no_text_makes_a_check_panic(text in "\\PC{0,40}") {
        for format in all() {
            let _ = format.check(&text);
        }
    }

    #[test]
    fn no_identifier_like_text_makes_a_check_panic(text in "[A-Z]{0,4}[0-9A-Z /.<+*-]{0,45}") {
        for format in all() {
            let _ = format.check(&text);
        }
    }

    #[test]
    fn no_changed_example_makes_a_check_panic(
        index in 0..EXAMPLES.lines().count(),
        place in 0_usize..60,
        change in proptest::char::any(),
    ) {
        let (name, right, _) = examples().nth(index).unwrap();
        let format = find(name).unwrap();
        let changed = |keep: bool| -> String {
            let replace = |(at, one)| if at == place { change } else { one };
            right.chars().enumerate().filter(|(at, _)| keep || *at != place).map(replace).collect()
        };
        let _ = format.check(&changed(true));
        let _ = format.check(&changed(false));
    }

    #[test]
    fn spaces_around_do_not_matter(index in 0..EXAMPLES.lines().count(), before in " {0,3}", after in "[ \t]{0,3}") {
        let (name, right, _) = examples().nth(index).unwrap();
        prop_assert_eq!(find(name).unwrap().check(&format!("{before}{right}{after}")), Ok(()));
    }
}
