//! Files that are missing, damaged or made to do harm: each gives an error that says why.

use castellan_encoder::Options;

use crate::{changed, fixtures, open};

fn refused(name: &str, bytes: Option<&[u8]>, why: &str) {
    let folder = changed(name, bytes);
    let fault = open(folder.path(), &Options::default()).unwrap_err().to_string();
    assert!(fault.contains(name) || why.contains("classes"), "{fault}");
    assert!(fault.contains(why), "`{why}` is not in: {fault}");
}

#[test]
fn missing_files_are_named() {
    for name in ["model.onnx", "tokenizer.json", "config.json"] {
        refused(name, None, "cannot read");
    }
}

#[test]
fn models_that_are_no_encoders_are_refused_with_the_reason() {
    for (name, why) in [
        ("batch-of-four", "more than one text"),
        ("dangling", "resolve"),
        ("far-gather", ""),
        ("huge", "too large"),
        ("loop", "`Loop`"),
        ("mismatched-shapes", ""),
        ("no-mask", "`attention_mask`"),
        ("not-a-number", "no number"),
        ("other-input", "`pixels`"),
        ("outside", "another file"),
        ("unknown-operator", "`Det`"),
    ] {
        let bytes = std::fs::read(fixtures().join("broken").join(format!("{name}.onnx"))).unwrap();
        refused("model.onnx", Some(&bytes), why);
    }
}

#[test]
fn another_number_of_classes_is_told() {
    let config =
        br#"{"max_position_embeddings": 64, "id2label": {"0": "SAFE", "1": "INJECTION", "2": "JAILBREAK"}}"#;
    refused("config.json", Some(config), "the model has 2 classes, its configuration names 3");
    let config = br#"{"id2label": {"0": "SAFE", "1": "INJECTION"}}"#;
    refused("config.json", Some(config), "max_position_embeddings");
}

#[test]
fn garbage_is_refused() {
    for name in ["model.onnx", "tokenizer.json", "config.json"] {
        for bytes in [&b""[..], b"{", b"\xff\xfe\x00garbage", &[0x0a; 3_000]] {
            refused(name, Some(bytes), "");
        }
    }
}

/// Every file cut off and with bytes changed: an error, or a model that answers.
#[test]
fn damaged_files_do_no_harm() {
    for (folder, name) in [("bag", "model.onnx"), ("bag", "tokenizer.json"), ("bert", "model.onnx")] {
        let whole = std::fs::read(fixtures().join(folder).join(name)).unwrap();
        let step = (whole.len() / 60).max(1);
        for at in (0..whole.len()).step_by(step) {
            let mut damaged = whole.clone();
            damaged[at] = damaged[at].wrapping_add(0x55);
            for bytes in [&damaged[..], &whole[..at]] {
                let folder = changed(name, Some(bytes));
                drop(open(folder.path(), &Options::default()));
            }
        }
    }
}
