//! Any text gives a tree whose places lie inside the text, in bounded time and depth.

use castellan_kql::{Span, parse};
use proptest::prelude::*;

/// Every place in the tree and the diagnostics stands inside the text and on boundaries of characters.
fn check(text: &str) {
    let parsed = parse(text);
    let inside = |span: Span| {
        let (start, end) = (span.start as usize, span.end as usize);
        start <= end && text.get(start..end).is_some()
    };
    for diagnostic in &parsed.diagnostics {
        assert!(inside(diagnostic.span), "{diagnostic:?} outside of {text:?}");
        assert!(!diagnostic.message.is_empty());
    }
    for span in spans(&format!("{:?}", parsed.script)) {
        assert!(inside(span), "{span:?} outside of {text:?}");
    }
    if parsed.diagnostics.is_empty() {
        assert_eq!(crate::print::difference(text), None, "{text:?}");
    }
}

/// The places that a tree's debug form shows; text in quotes cannot look like one by chance.
fn spans(debug: &str) -> impl Iterator<Item = Span> + '_ {
    debug.split("Span { start: ").skip(1).filter_map(|rest| {
        let (start, rest) = rest.split_once(", end: ")?;
        let (end, _) = rest.split_once(' ')?;
        Some(Span { start: start.parse().ok()?, end: end.parse().ok()? })
    })
}

/// A few queries with most of the grammar, to be broken.
const SEEDS: [&str; 8] = [
    "let f = (T: (a: string, *), n: long = 5) { T | where a has 'x' | take n }; f(U, 1) | count",
    "union isfuzzy=true A*, (B | where x in~ (dynamic(['a', \"b\"]))) | summarize n = count() by bin(t, 1h), ['a b']",
    "T | join kind=leftouter (U | project k, v = tostring(d.a['b'][0])) on $left.k == $right.k, m | sort by v asc nulls last",
    "datatable (a: long, b: dynamic) [1, dynamic({'x': [1d, null]}), -2, dynamic(1)] | mv-expand b to typeof(string) limit 3",
    "T | parse kind=regex x with * 'a=' a: int @'\\s' b | make-series avg(a) default=0.5 on t from ago(1d) to now() step 1h",
    "T | scan declare (s: long = 0) with (step one output=none: x == 1 => s = 1; step two: true;) | render timechart with (title='x')",
    "T | make-graph a --> b with N on id | graph-match (x)-[e*1..3]->(y)<--(z) where x.p between (1 .. 2) project x.q // end",
    "print h@'C:\\', ```a\nb```, datetime(2024-01-01 10:00), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), 0x1f, 1.5e-3, real(nan)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn words_of_the_language(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)) {
        check(&words.concat());
        check(&words.join(" "));
    }

    #[test]
    fn broken_queries(
        seed in proptest::sample::select(&SEEDS[..]),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "\\PC{0,3}"), 1..6),
    ) {
        let mut characters: Vec<char> = seed.chars().collect();
        for (place, kind, text) in edits {
            let at = place.index(characters.len() + 1);
            match kind {
                0 => characters.truncate(at),
                1 => drop(characters.splice(at..(at + 1).min(characters.len()), text.chars())),
                2 => drop(characters.splice(at..at, text.chars())),
                _ => {
                    let copy: Vec<char> = characters.iter().skip(at).take(20).copied().collect();
                    characters.splice(at..at, copy);
                }
            }
        }
        check(&characters.into_iter().collect::<String>());
    }
}

/// Pieces that mean something to the parser.
const WORDS: &[&str] = &[
    "T",
    "where",
    "project",
    "extend",
    "summarize",
    "by",
    "count",
    "join",
    "on",
    "union",
    "let",
    "=",
    "==",
    "|",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "..",
    "*",
    "-",
    "+",
    "!",
    "in",
    "!in~",
    "has",
    "between",
    "and",
    "or",
    "not",
    "'a'",
    "\"b",
    "```",
    "@'",
    "h'",
    "1",
    "1d",
    "0x",
    "1.",
    "dynamic(",
    "datetime(",
    "typeof(",
    "kind=",
    "hint.",
    "with",
    "to",
    "from",
    "step",
    "parse",
    "scan",
    "fork",
    "facet",
    "find",
    "search",
    ":",
    "=>",
    "--",
    "->",
    "<",
    ">",
    "make-series",
    "mv-apply",
    "top-nested",
    "of",
    "view",
    "declare",
    "pattern",
    "set",
    "//",
    "\n",
    "\u{e9}",
    "$left",
    "print",
    "range",
    "evaluate",
    "render",
    "asc",
    "nulls",
    "first",
    "default",
    "entity_group",
    "macro-expand",
    "as",
];

#[test]
fn corpora_without_an_end() {
    for (_, query) in crate::corpus::queries("kql/sentinel_queries.jsonl").iter().step_by(40) {
        for part in 1..8 {
            let cut = query.len() * part / 8;
            let cut = (0..=cut).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
            check(&query[..cut]);
            check(&query[cut..]);
        }
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [
        ("(", ")"),
        ("a[", "]"),
        ("f(", ")"),
        ("-", ""),
        ("- ", ""),
        ("dynamic([", "])"),
        ("T | join (", ")"),
        ("T | mv-apply x on (", ")"),
        ("(a:(", "))"),
        ("let f = () { ", " }"),
        ("a.", "a"),
        ("a and (", ")"),
        ("1 + ", "1"),
        ("a == ", "b"),
        ("T | fork (", ")"),
        ("macro-expand G as X (", ")"),
        ("[", "]"),
        ("{", "}"),
        ("a between (", " .. 1)"),
        ("a in (", ")"),
        ("toscalar(T | where ", ")"),
        ("declare pattern p = (a: string) { ('a') = { ", " } }"),
    ] {
        for count in [150, 5000] {
            let text = format!("{}1{}", open.repeat(count), close.repeat(count));
            let parsed = parse(&text);
            assert!(parsed.diagnostics.len() <= 100);
            drop(parsed.clone());
            if parsed.diagnostics.is_empty() {
                assert_eq!(crate::print::difference(&text), None, "{open}");
            }
        }
    }
}

#[test]
fn long_texts_take_time_in_proportion() {
    for piece in [
        "a + ",
        "T | where a | ",
        "a, ",
        "((",
        "))",
        "'",
        "|",
        ";",
        "let x = 1; ",
        "dynamic(",
        "(a:",
        "\u{1f600}",
        "\n//",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        crate::processor::within(std::time::Duration::from_secs(5), piece, || parse(&text));
    }
}

/// The corners of a star whose edges cross each other as often as they can.
fn star(corners: u32, turn: f64) -> String {
    let corner = |index: u32| {
        let angle = (f64::from(index * (corners / 2 - 1) % corners) + turn) / f64::from(corners)
            * std::f64::consts::TAU;
        format!("[{},{}]", angle.cos() * 5.0, angle.sin() * 5.0)
    };
    (0..corners).chain([0]).map(corner).collect::<Vec<_>>().join(",")
}

#[test]
fn shapes_with_many_crossings_take_bounded_time() {
    use castellan_kql::value::Dynamic;
    use castellan_kql::{Value, functions};

    let shape = |text: String| Value::dynamic(Dynamic::parse(&text).unwrap());
    for corners in [61, 20_001] {
        let polygon =
            |turn| shape(format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, star(corners, turn)));
        let line =
            |turn| shape(format!(r#"{{"type":"LineString","coordinates":[{}]}}"#, star(corners, turn)));
        let (polygons, lines) = ([polygon(0.0), polygon(0.5)], [line(0.0), line(0.5)]);
        let both = |shapes: &[Value; 2]| {
            Value::dynamic(Dynamic::Array(shapes.iter().map(Dynamic::from_value).collect()))
        };
        let numbers = |numbers: &[f64]| numbers.iter().copied().map(Value::Real).collect::<Vec<_>>();
        for function in functions::all().filter(|function| function.name.starts_with("geo_")) {
            let calls = [
                polygons.to_vec(),
                lines.to_vec(),
                vec![lines[0].clone(), polygons[0].clone()],
                vec![polygons[0].clone()],
                vec![lines[0].clone()],
                vec![both(&polygons)],
                vec![both(&lines)],
                [vec![polygons[0].clone()], numbers(&[5.0, 100.0])].concat(),
                [vec![lines[0].clone()], numbers(&[5.0, 100.0])].concat(),
                [numbers(&[1.0, 1.0]), vec![polygons[0].clone()]].concat(),
                [numbers(&[1.0, 1.0]), vec![lines[0].clone()]].concat(),
            ];
            for arguments in calls {
                let what = format!("{} of {corners}", function.name);
                crate::processor::within(std::time::Duration::from_secs(20), &what, || {
                    function.call(&arguments)
                });
            }
        }
    }
}
