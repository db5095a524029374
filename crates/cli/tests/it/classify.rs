//! `castellan classify`.

use serde_json::{Value, json};

use crate::Desk;

const CARD: &str = "My visa card is 4111 1111 1111 1111.\nNothing here.\n";

#[test]
fn findings_say_where_they_stand_and_what_they_passed() {
    let desk = Desk::new();
    desk.file("data/note.txt", CARD);
    desk.file("data/people.csv", "name,card number\nann,4111111111111111\nbob,4111111111111112\n");
    let found = desk.run(&["classify", "data", "--types", "payment-card", "-q"]);
    assert_eq!(found.code, 0, "{}", found.err);
    let told = found.json();
    let places: Vec<(&str, Option<u64>, &str)> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["path"].as_str().unwrap(), it["line"].as_u64(), it["location"].as_str().unwrap()))
        .collect();
    assert_eq!(
        places,
        [("data/note.txt", Some(1), "text"), ("data/people.csv", Some(2), "row 2 column 2 (card number)")]
    );
    assert_eq!(told["findings"][0]["start"], 16);
    assert_eq!(told["findings"][1]["start"], 0);
    let certificate = &told["certificate"];
    assert_eq!((&certificate["files"], &certificate["files_complete"]), (&json!(2), &json!(2)));
    // With the one that names the columns, in which something may stand too.
    assert_eq!(certificate["rows"], 3);
}

#[test]
fn what_is_not_read_is_said() {
    let desk = Desk::new();
    desk.file("data/note.txt", CARD);
    std::fs::write(desk.path("data/program"), b"\x7FELF\x02\x01\x01\0\0\0\0\0").unwrap();
    std::fs::write(desk.path("data/broken.zip"), b"PK\x03\x04 and nothing more").unwrap();
    let told = desk.run(&["classify", "data", "missing", "-q"]).json();
    let skipped = told["certificate"]["skipped"].as_array().unwrap();
    let paths: Vec<&str> = skipped.iter().map(|it| it["path"].as_str().unwrap()).collect();
    for path in ["missing", "data/program", "data/broken.zip"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
}

#[test]
fn exit_codes_tell_findings_and_bad_input() {
    let desk = Desk::new();
    desk.file("note.txt", CARD);
    assert_eq!(desk.run(&["classify", "note.txt", "-q", "--fail-on", "85"]).code, 1);
    assert_eq!(desk.run(&["classify", "note.txt", "-q", "--fail-on", "100"]).code, 0);
    assert_eq!(desk.run(&["classify", "missing", "-q"]).code, 2);
    let unknown = desk.run(&["classify", "note.txt", "--types", "no-such-type"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no-such-type"), "{}", unknown.err);
    assert_eq!(desk.run(&["classify"]).code, 2);
}

#[test]
fn unchanged_files_are_known_from_the_state() {
    let desk = Desk::new();
    desk.file("a.txt", CARD);
    desk.file("b.txt", "nothing");
    let arguments = ["classify", "a.txt", "b.txt", "-q", "--state", "state.jsonl"];
    let first = desk.run(&arguments).json();
    assert_eq!(first["certificate"]["files_reused"], 0);
    desk.file("b.txt", "something else");
    let second = desk.run(&arguments).json();
    assert_eq!(second["certificate"]["files_reused"], 1);
    assert_eq!(first["findings"], second["findings"]);
    let state = std::fs::read_to_string(desk.path("state.jsonl")).unwrap();
    assert!(!state.contains("4111"), "the state holds what was found");
    // A line that was cut off counts for nothing.
    std::fs::write(desk.path("state.jsonl"), &state[..state.len() / 3]).unwrap();
    assert_eq!(desk.run(&arguments).json()["findings"], first["findings"]);
}

#[test]
fn lines_are_answered_one_by_one() {
    let desk = Desk::new();
    desk.file(
        "lines.jsonl",
        "{\"id\": 1, \"text\": \"\u{1f600} visa 4111 1111 1111 1111\"}\nno json\n{\"id\": 2, \"text\": \"x\", \"types\": [\"nothing\"]}\n",
    );
    let answers = |offsets: &str| -> Vec<Value> {
        let told = desk.run(&["classify", "--batch", "lines.jsonl", "--offsets", offsets]);
        assert_eq!(told.code, 0, "{}", told.err);
        told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (offsets, start) in [("codepoint", 7), ("byte", 10), ("utf16", 8)] {
        let answers = answers(offsets);
        let finding = &answers[0]["findings"][0];
        assert_eq!((&finding["start"], &finding["validated"]), (&json!(start), &json!(true)), "{offsets}");
        assert_eq!(answers[1]["error"]["code"], "invalid-json");
        assert_eq!(answers[2]["error"]["code"], "unknown-type");
    }
}

#[test]
fn numbers_are_validated() {
    let desk = Desk::new();
    desk.file(
        "numbers.jsonl",
        "{\"id\": 1, \"format\": \"iban\", \"text\": \"DE89 3704 0044 0532 0130 00\"}\n{\"id\": 2, \"format\": \"us.ssn\", \"text\": \"666-00-0000\"}\n{\"id\": 3, \"format\": \"none\", \"text\": \"\"}\n",
    );
    let told = desk.run(&["classify", "validate", "--batch", "numbers.jsonl"]);
    let answers: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], json!({ "id": 1, "valid": true }));
    assert_eq!(answers[1], json!({ "id": 2, "valid": false }));
    assert_eq!(answers[2]["error"]["code"], "unknown-format");
}

#[test]
fn all_types_are_listed() {
    let desk = Desk::new();
    let listed = desk.run(&["classify", "--list", "--format", "json"]).json();
    assert!(listed.as_array().unwrap().iter().any(|it| it["id"] == "payment-card"));
}

#[test]
fn texts_are_redacted_and_restored() {
    let desk = Desk::new();
    desk.file("mail.txt", "My visa card is 4111 1111 1111 1111, mail ann@example.org.\n");
    let told = desk.run(&["classify", "redact", "mail.txt"]);
    assert_eq!(
        (told.code, told.out.as_str()),
        (0, "My visa card is <PAYMENT_CARD>, mail <EMAIL_ADDRESS>.\n")
    );
    let keyless = desk.run(&["classify", "redact", "mail.txt", "--operator", "token"]);
    assert_eq!(keyless.code, 2);
    assert!(keyless.err.contains("castellan classify key"), "{}", keyless.err);

    let key = desk.run(&["classify", "key", "k1"]);
    desk.file("keys", &key.out);
    private(&desk.path("keys"));
    let redact =
        ["classify", "redact", "mail.txt", "--operator", "token", "--keys", "keys", "--items", "items.jsonl"];
    let token = desk.run(&redact);
    assert_eq!(token.code, 0, "{}", token.err);
    assert!(!token.out.contains("4111 1111") && !token.out.contains("ann@"), "{}", token.out);
    desk.file("clean.txt", &token.out);
    let restore = |keys: &str| {
        let arguments = ["--items", "items.jsonl", "--audit", "audit.jsonl", "--by", "ann"];
        desk.run(&[&["classify", "restore", "clean.txt", "--keys", keys][..], &arguments].concat())
    };
    let restored = restore("keys");
    assert_eq!((restored.code, restored.out), (0, std::fs::read_to_string(desk.path("mail.txt")).unwrap()));
    let audit = std::fs::read_to_string(desk.path("audit.jsonl")).unwrap();
    let audit: Value = serde_json::from_str(audit.trim()).unwrap();
    assert_eq!((&audit["by"], &audit["values"], &audit["keys"]["k1"]), (&json!("ann"), &json!(2), &json!(2)));

    desk.file("other", &desk.run(&["classify", "key", "k2"]).out);
    private(&desk.path("other"));
    let refused = restore("other");
    assert_eq!((refused.code, refused.out), (1, token.out));
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

#[test]
#[cfg(unix)]
fn keys_that_others_can_read_are_refused() {
    let desk = Desk::new();
    desk.file("keys", &desk.run(&["classify", "key", "k1"]).out);
    let told = desk.run(&["classify", "redact", "--operator", "hash", "--keys", "keys"]);
    assert_eq!(told.code, 2);
    assert!(told.err.contains("chmod 600"), "{}", told.err);
}

#[test]
fn what_is_not_utf_8_is_not_passed_on() {
    let desk = Desk::new();
    std::fs::write(
        desk.path("wide.txt"),
        "\u{feff}4111 1111".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    )
    .unwrap();
    let told = desk.run(&["classify", "redact", "wide.txt"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.err.contains("UTF-8"), "{}", told.err);
}

#[test]
fn lines_of_a_session_are_redacted_alike() {
    let desk = Desk::new();
    desk.file("policy.yaml", "default: { replace: numbered }\n");
    desk.file(
        "lines.jsonl",
        "{\"id\":1,\"session\":\"a\",\"text\":\"mail ann@example.org\"}\n{\"id\":2,\"session\":\"a\",\"text\":\"bo@example.org or ann@example.org\"}\n{\"id\":3,\"text\":\"mail ann@example.org\",\"types\":[\"payment-card\"]}\n",
    );
    let told = desk.run(&["classify", "redact", "--batch", "lines.jsonl", "--policy", "policy.yaml"]);
    let texts: Vec<Value> =
        told.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["text"].clone()).collect();
    assert_eq!(
        texts,
        ["mail <EMAIL_ADDRESS_1>", "<EMAIL_ADDRESS_2> or <EMAIL_ADDRESS_1>", "mail ann@example.org"]
    );
}

#[test]
fn rules_of_others_run_beside_ours() {
    let desk = Desk::new();
    desk.file("leaks.toml", "[[rules]]\nid = 'badge'\ndescription = 'Badge'\nregex = '''badge_[a-z0-9]{12}'''\nkeywords = ['badge_']\n");
    desk.file("note.txt", "badge_0a1b2c3d4e5f and visa 4111 1111 1111 1111\n");
    let told = desk.run(&["classify", "note.txt", "-q", "--rules", "leaks.toml"]).json();
    let types: Vec<&str> =
        told["findings"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"badge") && types.contains(&"payment-card"), "{types:?}");
    desk.file("wrong.txt", "no rules at all");
    assert_eq!(desk.run(&["classify", "note.txt", "--rules", "wrong.txt"]).code, 2);
}

#[test]
fn what_is_nearly_found_is_explained() {
    let desk = Desk::new();
    desk.file("note.txt", "visa 4111 1111 1111 1112\n");
    desk.file("lines.jsonl", "{\"id\": 1, \"text\": \"visa 4111 1111 1111 1112, SSN: 536-22-8726\"}\n");
    let is_card = |it: &&Value| it["type"] == "payment-card";
    let told = desk.run(&["classify", "note.txt", "-q", "--explain"]).json();
    let miss = told["misses"].as_array().unwrap().iter().find(is_card).unwrap().clone();
    assert!(miss["reason"].as_str().unwrap().starts_with("does not pass "), "{miss}");
    let told = desk.run(&["classify", "--batch", "lines.jsonl", "--explain"]).json();
    assert!(
        told["misses"].as_array().unwrap().iter().any(|it| is_card(&it) && it["reason"]["check"].is_string())
    );
    let found = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["type"] == "us-social-security-number")
        .unwrap();
    assert_eq!(found["evidence"][0]["distance"], 2);
}

#[test]
fn a_sample_says_what_it_can_have_missed() {
    let desk = Desk::new();
    for number in 0..40 {
        desk.file(&format!("data/{number}.txt"), "nothing\n");
    }
    let told = desk.run(&["classify", "data", "-q", "--sample", "20", "--seed", "3"]).json();
    let sample = &told["certificate"]["sample"];
    assert_eq!((&sample["files"], &sample["drawn"]), (&json!(40), &json!(20)));
    // 4 of 40 escape a draw of 20 with a chance of 4845/91390 = 0.053, 5 with 0.024.
    assert_eq!(sample["others_with_findings_at_most"], 4);
}

#[test]
fn values_of_a_table_and_parts_of_documents_are_found_without_them() {
    let desk = Desk::new();
    desk.file("keys", &desk.run(&["classify", "key", "k1"]).out);
    private(&desk.path("keys"));
    desk.file("people.csv", "account,surname\nNL91ABNA0417164300,de Vries\nNL20INGB0001234567,Jansen\n");
    let index = ["--keys", "keys", "-o", "people.edm"];
    let made = desk.run(
        &[&["classify", "index", "people.csv", "--primary", "account", "--secondary", "surname"][..], &index]
            .concat(),
    );
    assert_eq!(made.code, 0, "{}", made.err);
    desk.file(
        "out/mail.txt",
        "Please pay nl91 abna 0417 1643 00, De Vries. And NL20INGB0001234567 of nobody.\n",
    );
    let find = || {
        let found = desk.run(&[
            "classify",
            "match",
            "out",
            "--index",
            "people.edm",
            "--keys",
            "keys",
            "--fail-on-match",
        ]);
        (
            found.code,
            found.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>(),
        )
    };
    let (code, found) = find();
    assert_eq!((code, found.len()), (1, 1), "{found:?}");
    assert_eq!((&found[0]["column"], &found[0]["start_byte"]), (&json!("account"), &json!(11)));
    assert_eq!(found[0]["fields"][0]["column"], "surname");

    desk.file("gone.csv", "account,surname\nNL91ABNA0417164300,de Vries\n");
    desk.file("none.csv", "account,surname\n");
    let update = ["classify", "index", "none.csv", "--update", "people.edm", "--remove", "gone.csv"];
    let made = desk.run(&[&update[..], &index].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(find(), (0, Vec::new()));

    let contract = "The supplier delivers the goods to the place that the buyer has named in the order, at its own cost \
                    and risk, within thirty days. A later delivery entitles the buyer to withdraw from the contract.";
    desk.file("contracts/one.txt", contract);
    let made = desk.run(&["classify", "fingerprint", "contracts", "--keys", "keys", "-o", "contracts.fp"]);
    assert_eq!(made.code, 0, "{}", made.err);
    desk.file("out/mail.txt", &format!("They write: {}", contract.to_uppercase()));
    let found = desk.run(&["classify", "match", "out", "--fingerprints", "contracts.fp", "--keys", "keys"]);
    let found: Value = serde_json::from_str(found.out.trim()).unwrap();
    assert_eq!(found["document"], "contracts/one.txt");
    assert!(found["share_of_document"].as_f64().unwrap() > 0.9, "{found}");
}

/// Types and places of what was found in `out`, with the names of the evidence.
fn told(found: &Value) -> Vec<(String, String, u64, u64, Vec<String>)> {
    let name = |it: &Value| it["name"].as_str().unwrap().to_owned();
    (found["findings"].as_array().unwrap().iter())
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            let evidence = it["evidence"].as_array().unwrap().iter().map(name).collect();
            (
                text("type"),
                text("location"),
                it["start"].as_u64().unwrap(),
                it["end"].as_u64().unwrap(),
                evidence,
            )
        })
        .collect()
}

#[test]
fn indexes_are_types_of_a_scan() {
    let desk = Desk::new();
    desk.file("keys", &desk.run(&["classify", "key", "k1"]).out);
    private(&desk.path("keys"));
    desk.file("table.csv", "account,surname\nNL91ABNA0417164300,de Vries\nNL20INGB0001234567,Jansen\n");
    let make = ["--primary", "account", "--secondary", "surname", "--keys", "keys", "-o", "people.edm"];
    let made = desk.run(&[&["classify", "index", "table.csv"][..], &make].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    let contract = "The supplier delivers the goods to the place that the buyer has named in the order, at its own cost \
                    and risk, within thirty days. A later delivery entitles the buyer to withdraw from the contract.";
    desk.file("contracts/one.txt", contract);
    let made = desk.run(&["classify", "fingerprint", "contracts", "--keys", "keys", "-o", "contracts.fp"]);
    assert_eq!(made.code, 0, "{}", made.err);

    // A value and a field of its row in two cells.
    desk.file("out/list.csv", "who,number\nDe Vries,nl91 abna 0417 1643 00\nNobody,NL20INGB0001234567\n");
    desk.file("out/mail.txt", &format!("\u{e9}: they write\n{}", contract.to_uppercase()));
    let indexes = ["--exact", "people.edm", "--fingerprints", "contracts.fp", "--keys", "keys", "-q"];
    let types = ["--types", "exact:people.account,fingerprint:contracts"];
    let found = desk.run(&[&["classify", "out"][..], &indexes, &types].concat());
    assert_eq!(found.code, 0, "{}", found.err);
    let found = found.json();
    let all = told(&found);
    assert_eq!(
        all[0],
        (
            "exact:people.account".to_owned(),
            "row 2 column 2 (number)".to_owned(),
            0,
            22,
            vec!["surname".to_owned()]
        )
    );
    let (id, location, start, end, document) = &all[1];
    assert_eq!(
        (id.as_str(), location.as_str(), document.as_slice()),
        ("fingerprint:contracts", "text", &["contracts/one.txt".to_owned()][..])
    );
    // Up to five words on either side may be the same too.
    assert!((14..60).contains(start) && *end > start + 100, "{found}");
    assert_eq!((all.len(), &found["findings"][1]["line"]), (2, &json!(2)));
    assert_eq!(found["findings"][0]["confidence"], 85);

    // Beside what detectors find, and in lines.
    let found = desk.run(&[&["classify", "out/list.csv"][..], &indexes].concat()).json();
    let ids: Vec<String> = told(&found).into_iter().map(|it| it.0).collect();
    assert!(ids.contains(&"iban".to_owned()) && ids.contains(&"exact:people.account".to_owned()), "{ids:?}");
    desk.file(
        "lines.jsonl",
        "{\"id\":1,\"text\":\"de Vries: NL91ABNA0417164300\",\"types\":[\"exact:people.account\"]}\n",
    );
    let line = desk.run(&[&["classify", "--batch", "lines.jsonl"][..], &indexes].concat());
    let line: Value = serde_json::from_str(line.out.trim()).unwrap();
    assert_eq!(
        (&line["findings"][0]["start"], &line["findings"][0]["end"]),
        (&json!(10), &json!(28)),
        "{line}"
    );

    let refused = desk.run(&[&["classify", "out", "--types", "iban"][..], &indexes].concat());
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("exact:people.account"), "{}", refused.err);
    assert_eq!(desk.run(&["classify", "out", "--exact", "people.edm"]).code, 2);
}

#[test]
fn names_of_files_are_read_too() {
    let desk = Desk::new();
    desk.file("4111111111111111/cv_jane.doe@example.com.pdf", "nothing here");
    desk.file("4111111111111111/other.txt", "nothing here");
    let found =
        desk.run(&["classify", "4111111111111111", "--types", "payment-card,email-address", "-q"]).json();
    let all: Vec<(String, String, u64)> = told(&found).into_iter().map(|it| (it.0, it.1, it.2)).collect();
    assert_eq!(
        all,
        [
            ("payment-card".to_owned(), "name".to_owned(), 0),
            ("email-address".to_owned(), "name".to_owned(), 17)
        ]
    );
    assert_eq!(found["findings"][1]["path"], "4111111111111111/cv_jane.doe@example.com.pdf");
}

#[test]
fn combinations_are_told_and_misses_of_long_texts_explained() {
    let desk = Desk::new();
    desk.file(
        "rules.yaml",
        "elements:\n  pay: { keywords: [salary] }\n  amount: { regex: '\\d{1,3},\\d{3} EUR' }\naffinities:\n  - { id: pay, title: \
         Pay, proximity: 40, threshold: 80, evidence: [{ confidence: 60, of: [pay] }, { confidence: 60, of: [amount] }] }\n",
    );
    let filler = "and so on and on\n".repeat(40_000);
    desk.file(
        "out/long.txt",
        &format!("visa 4111 1111 1111 1112\n{filler}\u{e9} salary: 70,000 EUR\n{filler}salary"),
    );
    let found = desk.run(&["classify", "out", "--rules", "rules.yaml", "--types", "pay", "-q"]).json();
    let start = 25 + 17 * 40_000 + 2;
    assert_eq!(
        told(&found),
        [(
            "pay".to_owned(),
            "text".to_owned(),
            start,
            start + 18,
            vec!["pay".to_owned(), "amount".to_owned()]
        )]
    );
    assert_eq!(found["findings"][0]["line"], 40_002);
    let found = desk.run(&["classify", "out", "--types", "payment-card", "--explain", "-q"]).json();
    assert_eq!(found["misses"][0]["reason"], "does not pass credit-card", "{}", found["misses"]);
}
