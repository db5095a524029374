//! What a person is told about a broken query, and where.

use castellan_kql::parse;

/// `line:column message (help)` for each diagnostic.
fn check(query: &str, expected: &[&str]) {
    let told: Vec<String> = parse(query)
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let (line, column) = diagnostic.span.line_and_column(query);
            format!("{line}:{column} {diagnostic}")
        })
        .collect();
    assert_eq!(told, expected, "{query}");
}

#[test]
fn messages() {
    check("T | parse a with 'x' in~ *", &["1:22 expected a name, found `in~`"]);
    check("T | where !has 'x'", &["1:11 expected an expression, found `!has`"]);
    check(
        "T | summarise count() by a",
        &["1:5 there is no operator `summarise` (did you mean `summarize`?)"],
    );
    check("T\n| Where a == 1", &["2:3 there is no operator `Where` (did you mean `where`?)"]);
    check("T | projectaway a", &["1:5 there is no operator `projectaway` (did you mean `project-away`?)"]);
    check("T | where a == ", &["1:16 expected an expression, the query ends"]);
    check("T | where a = 'x'", &["1:13 `=` names a column and compares nothing (write `==` to compare)"]);
    check("T | where (a == 1", &["1:18 expected `)`, the query ends"]);
    check("T | where a == 1)", &["1:17 `)` closes nothing"]);
    check(
        "T | where a has ('x', 'y')",
        &["1:17 these brackets hold one value (compare with several by `in`, `has_any` or `has_all`)"],
    );
    check("T | where a == 'x", &["1:16 this string is never closed"]);
    check("T | | count", &["1:5 there is no operator between the bars"]);
    check("T | join U on", &["1:14 expected an expression, the query ends"]);
    check("T | top 5", &["1:10 expected `by`, the query ends"]);
    check("T | extend a = 1 b = 2", &["1:18 expected `|`, `;` or the end of the query, found `b`"]);
    check("let x = 5 T | count", &["1:11 expected `|`, `;` or the end of the query, found `T`"]);
    check("let = 5; T", &["1:5 expected a name, found `=`"]);
    check(
        "let f = (a: strin) { a }; T",
        &[
            "1:13 there is no type `strin` (use bool, int, long, real, decimal, string, datetime, timespan, guid or dynamic)",
        ],
    );
    check("T | where a == 1 # 2", &["1:18 `#` has no meaning here"]);
    check("print datetime(2024-02-30)", &["1:16 `2024-02-30` is no datetime"]);
    check(".show tables", &["1:1 management commands are not part of a query"]);
    check("| where a", &["1:1 a query begins with a table, not with `|`"]);
    check("T | mv-expand a to string", &["1:20 expected `typeof`, found `string`"]);
    check("T | parse a with", &["1:17 expected a pattern, the query ends"]);
    check("T | where a and", &["1:16 expected an expression, the query ends"]);
    check("T | summarize count() by", &["1:25 expected an expression, the query ends"]);
    check("T | sort a", &["1:10 expected `by`, found `a`"]);
    check(
        "T | where x == 'it's'",
        &["1:20 expected `|`, `;` or the end of the query, found `s`", "1:21 this string is never closed"],
    );
    check("SELECT * FROM T", &["1:15 expected `|`, `;` or the end of the query, found `T`"]);
    check("T | where f(a, b == 1", &["1:22 expected `)`, the query ends"]);
    check("datatable (a: long) [1, 2", &["1:26 expected `]`, the query ends"]);
    check(
        "T | whree a | sumarize count() | take",
        &[
            "1:5 there is no operator `whree` (did you mean `where`?)",
            "1:15 there is no operator `sumarize` (did you mean `summarize`?)",
            "1:38 expected an expression, the query ends",
        ],
    );
    check("T | where a == 99999999999999999999", &["1:16 `99999999999999999999` does not fit into 64 bits"]);
    check("T where a == 1", &["1:3 expected `|` before `where`"]);
    check("T | render", &["1:11 expected a name, the query ends"]);
    check(
        "T | where a !contain 'x'",
        &["1:13 there is no comparison `!contain` (did you mean `!contains`?)"],
    );
    check("T | make-series count() on t", &["1:29 expected `step`, the query ends"]);
}
