//! Values and documents as types of a scan.

use castellan_classify::batch::{Filter, Unit};
use castellan_classify::exact::{self, Column, Key, Normalisation, Options};
use castellan_classify::fingerprint;
use castellan_classify::indexed::{Hits, Indexes};
use serde_json::{Value, json};

const CONTRACT: &str = "The supplier delivers the goods to the place that the buyer has named in the order, at its own \
    cost and risk, within thirty days. A later delivery entitles the buyer to withdraw from the contract.";

fn key() -> Key {
    Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

fn people() -> exact::Index<Vec<u8>> {
    let columns = vec![
        Column::primary("account", Normalisation::IDENTIFIER),
        Column::secondary("surname", Normalisation::TEXT),
        Column::secondary("city", Normalisation::TEXT),
    ];
    let mut builder = exact::Builder::new(columns, &key(), [7; 16]).unwrap();
    builder.add(&["NL91 ABNA 0417 1643 00", "de Vries", "Delft"]).unwrap();
    builder.add(&["NL20 INGB 0001 2345 67", "Jansen", "Breda"]).unwrap();
    exact::Index::open(builder.finish().unwrap().bytes, &key()).unwrap()
}

fn contracts() -> fingerprint::Index<Vec<u8>> {
    let mut builder = fingerprint::Builder::new(&key(), [7; 16]);
    builder.add("contract", CONTRACT).unwrap();
    fingerprint::Index::open(builder.finish().unwrap().bytes, &key()).unwrap()
}

fn indexes(fields: usize) -> Indexes {
    let mut indexes = Indexes::new(Options { fields, ..Options::default() });
    indexes.add_values("people", people()).unwrap();
    indexes.add_documents("contracts", contracts()).unwrap();
    indexes
}

/// Type, text and confidence of each, with names of the evidence.
fn told<'t>(text: &'t str, hits: &Hits) -> Vec<(String, &'t str, u8, Vec<String>)> {
    assert!(hits.complete);
    let names = |hit: &castellan_classify::indexed::Hit| {
        hit.evidence.iter().map(|near| format!("{} {}", near.name, near.distance)).collect()
    };
    (hits.hits.iter())
        .map(|hit| {
            let span = hit.span.start as usize..hit.span.end as usize;
            (hit.id.to_string(), &text[span], hit.confidence, names(hit))
        })
        .collect()
}

#[test]
fn values_are_found_with_what_stands_near() {
    let check = |text: &str, fields: usize, expected: &[(&str, u8, &[&str])]| {
        let hits = indexes(fields).find(text);
        let found = told(text, &hits);
        let found: Vec<_> =
            found.iter().map(|(_, text, level, near)| (*text, *level, near.clone())).collect();
        let expected: Vec<_> = (expected.iter())
            .map(|(text, level, near)| (*text, *level, near.iter().map(|it| (*it).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    let text = "\u{e9}: NL91ABNA0417164300 of De Vries";
    check(text, 1, &[("NL91ABNA0417164300", 85, &["surname 4"])]);
    check("NL91ABNA0417164300", 1, &[]);
    check("NL91ABNA0417164300", 0, &[("NL91ABNA0417164300", 75, &[])]);
    check(
        "Delft, de Vries: nl91-abna-0417-1643-00",
        1,
        &[("nl91-abna-0417-1643-00", 95, &["surname 2", "city 12"])],
    );
    check("NL91ABNA0417164300 of Jansen", 1, &[]);
    check("", 0, &[]);
}

#[test]
fn documents_are_found_by_their_passages() {
    let indexes = indexes(1);
    let whole = indexes.find(CONTRACT);
    let expected = vec![("fingerprint:contracts".to_owned(), CONTRACT, 95_u8, vec!["contract 0".to_owned()])];
    assert_eq!(told(CONTRACT, &whole), expected);
    let mail = format!("Hello, they write: {} Is that so?", CONTRACT.to_uppercase());
    let found = indexes.find(&mail);
    let found = told(&mail, &found);
    assert_eq!((found.len(), found[0].2), (1, 85));
    // Up to five words on either side may be the same too.
    assert!(found[0].1.contains("THE BUYER HAS NAMED") && found[0].1.len() > 100, "{found:?}");
    assert!(indexes.find("The supplier delivers the goods on time.").hits.is_empty());
}

#[test]
fn cuts_do_not_matter() {
    let indexes = indexes(1);
    let filler = "Pay 1234567890 to somebody in Breda \u{1f600}. ".repeat(6_000);
    let text =
        format!("{CONTRACT} {filler} nl91abna0417164300 (De Vries) {filler} Jansen: NL20 INGB 0001 2345 67");
    let whole = indexes.find(&text);
    assert_eq!(whole.hits.len(), 3);
    for size in [1, 1_000, 131_072, 200_001] {
        let mut search = indexes.search();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (chunk, others) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
            search.push(chunk);
            rest = others;
        }
        assert_eq!(search.finish(), whole, "cut by {size}");
    }
}

#[test]
fn names_are_taken_once() {
    let mut indexes = indexes(1);
    let types: Vec<String> = indexes.types().iter().map(ToString::to_string).collect();
    assert_eq!(types, ["exact:people.account", "fingerprint:contracts"]);
    assert!(indexes.add_values("people", people()).unwrap_err().to_string().contains("`people`"));
    assert!(indexes.add_documents("contracts", contracts()).is_err());
    indexes.add_values("others", people()).unwrap();
    assert_eq!(indexes.types().len(), 3);
}

#[test]
fn lines_have_them_beside_what_detectors_find() {
    let mut filter = Filter::new(crate::content::engine().0, Unit::Utf16).with(indexes(1));
    let mut ask = |types: Value| {
        let text = "\u{1f600} NL91ABNA0417164300, de Vries, jane@example.com";
        let answer: Value =
            serde_json::from_str(&filter.line(&json!({ "id": 1, "text": text, "types": types }).to_string()))
                .unwrap();
        let findings = answer["findings"].as_array().cloned().unwrap_or_default();
        let types =
            findings.iter().map(|it| it["type"].as_str().unwrap().to_owned()).collect::<Vec<String>>();
        (types, findings, answer)
    };
    let (types, findings, answer) = ask(json!([]));
    assert!(types.contains(&"iban".to_owned()) && types.contains(&"email-address".to_owned()), "{types:?}");
    let own = findings.iter().find(|it| it["type"] == "exact:people.account").unwrap();
    let expected =
        json!({ "type": "exact:people.account", "start": 3, "end": 21, "confidence": 85, "validated": true });
    assert_eq!((own, answer.get("incomplete")), (&expected, None));
    assert_eq!(ask(json!(["exact:people.account"])).0, ["exact:people.account"]);
    assert_eq!(ask(json!(["fingerprint:contracts"])).0, Vec::<String>::new());
    assert_eq!(
        ask(json!(["email-address", "exact:people.account"])).0,
        ["email-address", "exact:people.account"]
    );
    assert_eq!(ask(json!(["exact:nobody"])).2["error"]["code"], "unknown-type");
}
