//! Which form dynamic values should have: `cargo bench -p castellan-query --bench dynamic`.
//!
//! Logs bring dynamic columns as JSON text. Kept as text, each lookup passes over the text; kept in a binary form, the
//! text is read once and a lookup is a jump. `tree` stands for any binary form: its lookups are as quick as they can be,
//! and making it is what reading JSON costs at least. The form of choice is the one with the smaller sum for as many
//! lookups as a typical query makes, which is one or two.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use castellan_kql::Value;
use castellan_query::physical::dynamic::{Part, decode, find};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// Device details of 8,192 sign-ins, as Microsoft Entra ID writes them.
fn texts() -> Vec<String> {
    let text = |at: usize| {
        let (day, system) = (at % 28 + 1, if at.is_multiple_of(2) { "Windows 11" } else { "MacOs" });
        format!(
            r#"{{"deviceId":"{at:08x}-1c2b-4e7a-9f00-{at:012x}","displayName":"LAPTOP-{at:05}","operatingSystem":"{system}","browser":"Edge 130.0.{day}","isCompliant":{},"isManaged":{},"trustType":"Azure AD joined","labels":["corp","wave-{day}"]}}"#,
            at.is_multiple_of(3),
            !at.is_multiple_of(5),
        )
    };
    (0..8_192).map(text).collect()
}

fn path() -> [Part; 1] {
    [Part::Key("operatingSystem".into())]
}

/// So many members found in the text of each value.
#[divan::bench(args = [1, 2, 4, 8])]
fn text_and_lookups(bencher: Bencher<'_, '_>, lookups: usize) {
    let (texts, path) = (texts(), path());
    bencher.bench(|| {
        for text in &texts {
            for _ in 0..lookups {
                black_box(find(black_box(text), &path));
            }
        }
    });
}

/// Each value read into a tree once, and so many members found in that.
#[divan::bench(args = [1, 2, 4, 8])]
fn tree_and_lookups(bencher: Bencher<'_, '_>, lookups: usize) {
    let texts = texts();
    bencher.bench(|| {
        for text in &texts {
            let Value::Dynamic(tree) = decode(black_box(text)) else { continue };
            for _ in 0..lookups {
                black_box(tree.get(black_box("operatingSystem")));
            }
        }
    });
}
