//! Detectors in any number.

use std::fmt::Write as _;

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::rule::{self, Rules};
use castellan_classify::{Dictionaries, Engine};

use crate::texts::Random;

const MODELS: &str = include_str!("../../tests/data/models.yaml");

/// The product's detectors and as many made-up ones as it takes.
pub(crate) fn yaml(count: usize) -> String {
    let mut text = MODELS.to_owned();
    let mut random = Random::new(7);
    for number in 14..count {
        made_up(&mut text, number, &mut random);
    }
    text
}

fn made_up(text: &mut String, number: usize, random: &mut Random) {
    let word = random.letters(6);
    let (element, evidence) = match number % 20 {
        0..8 => {
            let prefix = format!("{}{}", random.letters(3), ["_", "-", "."][number % 3]);
            (
                format!(
                    "{{ regex: '{prefix}[A-Za-z0-9_-]{{{}}}', checks: [not-placeholder, {{ entropy: 3.0 }}] }}",
                    20 + number % 24
                ),
                "",
            )
        }
        8..12 => (format!(r"{{ regex: '\d{{{}}}' }}", 7 + number % 6), "w"),
        12..14 => (
            format!(r"{{ regex: '\d{{3}}[ .-]?\d{{3}}[ .-]?\d{{{}}}', checks: [luhn] }}", 2 + number % 3),
            "w",
        ),
        14..17 => (format!(r"{{ regex: '[A-Z]{{{}}}\d{{{}}}[A-Z]?' }}", 1 + number % 3, 5 + number % 4), "w"),
        17..19 => (
            format!(
                "{{ regex: '[A-Za-z0-9]{{{}}}', boundary: token, checks: [{{ entropy: 3.0 }}] }}",
                32 + 4 * (number % 3)
            ),
            "w",
        ),
        _ => (format!(r"{{ regex: '\d{{{}}}', checks: [luhn, {{ date: yymmdd }}] }}", 11 + number % 3), ""),
    };
    writeln!(
        text,
        "  - id: made-up-{number}\n    title: Made up {number}\n    category: custom\n    elements:"
    )
    .unwrap();
    writeln!(text, "      e: {element}").unwrap();
    writeln!(text, "      w: {{ keywords: [{word}, {word} number, {word} no, numero {word}, {word}id, {word} code, tax {word}, {word}-nummer] }}").unwrap();
    writeln!(text, "    patterns:\n      - {{ confidence: 75, primary: e, evidence: [{evidence}] }}")
        .unwrap();
    writeln!(text, "    examples: ['example {{{{{word}}}}}']\n    counterexamples: ['no {word}']").unwrap();
}

pub(crate) fn read(text: &str) -> Rules {
    let mut sources = Sources::default();
    let file = sources.add("detectors.yaml", text);
    let (rules, problems) = rule::read(&sources, &[file]);
    assert!(problems.is_empty(), "{problems:?}");
    rules
}

pub(crate) fn compile(rules: Rules) -> Engine {
    let dictionaries = Dictionaries::default().with("given-names", ["Jane", "John", "Maria"]);
    let (engine, problems) = Engine::compile(rules, &Checks::standard(), &dictionaries);
    assert!(problems.is_empty(), "{problems:?}");
    engine
}

pub(crate) fn engine(count: usize) -> Engine {
    compile(read(&yaml(count)))
}
