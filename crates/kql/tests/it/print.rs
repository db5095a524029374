//! What is printed reads back as the same tree.

use castellan_kql::ast::Script;
use castellan_kql::parse;

/// The tree without its places.
pub(crate) fn shape(script: &Script) -> String {
    let debug = format!("{script:?}");
    let mut shape = String::with_capacity(debug.len());
    let mut rest = debug.as_str();
    while let Some(start) = rest.find("Span { start: ") {
        shape.push_str(&rest[..start]);
        rest = &rest[start..];
        rest = &rest[rest.find('}').unwrap() + 1..];
    }
    shape + rest
}

/// What differs after printing and reading again; nothing where the query has messages of its own.
pub(crate) fn difference(query: &str) -> Option<String> {
    let parsed = parse(query);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let printed = parsed.script.to_string();
    let again = parse(&printed);
    if let Some(first) = again.diagnostics.first() {
        let (line, column) = first.span.line_and_column(&printed);
        return Some(format!("{line}:{column}: {first}\n{printed}"));
    }
    let (before, after) = (shape(&parsed.script), shape(&again.script));
    if before != after {
        let at = before.bytes().zip(after.bytes()).position(|(a, b)| a != b).unwrap_or(0);
        let from = (0..=at.saturating_sub(80)).rev().find(|at| before.is_char_boundary(*at)).unwrap_or(0);
        let cut = |text: &str| text.get(from..).unwrap_or("").chars().take(300).collect::<String>();
        return Some(format!("{}\n----\n{}\n====\n{printed}", cut(&before), cut(&after)));
    }
    let twice = again.script.to_string();
    (twice != printed).then(|| format!("{printed}\n----\n{twice}"))
}

#[test]
fn corpora_round_trip() {
    for name in ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl", "kql/sentinel_queries.jsonl"] {
        let mut different = Vec::new();
        for (id, query) in crate::corpus::queries(name) {
            let query = crate::placeholders::filled(&query);
            if let Some(difference) = difference(&query) {
                different.push(format!("{name} {id}: {difference}"));
            }
        }
        let first: Vec<String> = different.iter().take(5).cloned().collect();
        assert!(different.is_empty(), "{} differ:\n{}", different.len(), first.join("\n\n"));
    }
}

fn check(query: &str, expected: &str) {
    let parsed = parse(query);
    assert!(parsed.diagnostics.is_empty(), "{query}: {:?}", parsed.diagnostics);
    assert_eq!(parsed.script.to_string(), expected);
    assert_eq!(difference(query), None);
}

#[test]
fn layout() {
    check(
        "let f=(t:string,n:long=5){T|where a has t|take n};set notruncation;f('x')|order by a asc nulls last",
        "let f = (t: string, n: long = 5) {\n    T\n    | where a has t\n    | take n\n};\nset notruncation;\n\
         f(\"x\")\n| sort by a asc nulls last",
    );
    check(
        "T | join kind = leftouter hint.strategy=shuffle (U | mvexpand b limit 3) on $left.a==$right.b, c",
        "T\n| join kind=leftouter hint.strategy=shuffle (\n    U\n    | mv-expand b limit 3\n) on $left.a == $right.b, c",
    );
    check(
        "datatable(a:long,b:string)[1,'x',2,'y'] | summarize n=count(), any(b) by bin(a,10)",
        "datatable (a: long, b: string) [\n    1, \"x\",\n    2, \"y\"\n]\n| summarize n = count(), any(b) by bin(a, 10)",
    );
}

#[test]
fn brackets_stand_where_precedence_asks() {
    for (query, expected) in [
        ("print (1+2)*3", "print (1 + 2) * 3"),
        ("print 1+(2*3)", "print 1 + 2 * 3"),
        ("print 1-(2-3)", "print 1 - (2 - 3)"),
        ("print (1-2)-3", "print 1 - 2 - 3"),
        ("print not(a) and (b or c)", "print not(a) and (b or c)"),
        ("print -(a+b)", "print -(a + b)"),
        ("print (-1).x", "print (-1).x"),
        ("print a.b['c d'][0].['e f']", "print a.b[\"c d\"][0].[\"e f\"]"),
        ("print x between (1 .. (2+3))", "print x between (1 .. 2 + 3)"),
        ("print - -(-a), +1", "print ---a, +1"),
        ("print time( time(1d), datetime(a - b))", "print time((1d), datetime((a - b)))"),
        ("print (1).x, (1d)[0]", "print (1).x, (1d)[0]"),
        ("print f(['print'] * 1)", "print f([\"print\"] * 1)"),
        ("print ['my column'], ['and'], count", "print [\"my column\"], [\"and\"], count"),
    ] {
        check(query, expected);
    }
}
