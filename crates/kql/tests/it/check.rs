//! Everything that is wrong with a query, each thing once.

use castellan_kql::bind::{Known, Options, check, outline};
use castellan_kql::parse;
use castellan_kql::schema::Catalog;

/// What is wrong with a query, each as the text that it is about and the message.
#[track_caller]
fn wrong(query: &str, expected: &[(&str, &str)]) {
    let found = check(&parse(query).script, Catalog::built_in(), &Options::default());
    let found: Vec<(&str, &str)> =
        found.iter().map(|wrong| (wrong.span.text(query), &*wrong.message)).collect();
    assert_eq!(found, expected, "{query}");
}

#[test]
fn every_operator_is_checked() {
    wrong(
        "SigninLogs | where Nme == 1 and Idd == 2 | summarize m = max(Nope) by Id | extend x = m + 1 | project Gone",
        &[
            ("Nme", "there is no column or variable `Nme`"),
            ("Idd", "there is no column or variable `Idd`"),
            ("Nope", "there is no column or variable `Nope`"),
            ("Gone", "there is no column or variable `Gone`"),
        ],
    );
}

#[test]
fn what_follows_from_an_error_is_not_told() {
    wrong("let a = nope + 1; SigninLogs | take a", &[("nope", "there is no column or variable `nope`")]);
    wrong("Nope | where x == 1 | summarize count() by y", &[("Nope", "there is no table `Nope`")]);
    wrong(
        "SigninLogs | where strlen(nope) > 1 | project Id",
        &[("nope", "there is no column or variable `nope`")],
    );
}

#[test]
fn functions_are_checked_without_a_call() {
    let query = "let f = (x: string, n: long) { SigninLogs | where Id == x | take n | project Nope };
        let g = (x: string) { toupper(x, 1) };
        SigninLogs | count";
    wrong(
        query,
        &[
            ("Nope", "there is no column or variable `Nope`"),
            ("toupper(x, 1)", "`toupper` does not take (string, long)"),
        ],
    );
}

#[test]
fn a_function_that_is_called_twice_is_told_once() {
    let query = "let f = () { SigninLogs | project Nope }; union f, f";
    wrong(query, &[("Nope", "there is no column or variable `Nope`")]);
}

#[test]
fn a_fuzzy_union_may_lack_tables() {
    wrong(
        "union isfuzzy=true SigninLogs, Nope | count",
        &[("Nope", "left out of the union: there is no table `Nope`")],
    );
}

#[test]
fn an_outline_goes_on_behind_errors() {
    let query =
        "let t = 1h; let f = (x: long) { x }; SigninLogs | where Nope == 1 | project Id, when = now() + t";
    let outline = outline(&parse(query).script, Catalog::built_in(), &Options::default());
    let columns: Vec<&str> = outline.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(columns, ["Id", "when"]);
    let [(f, Known::Function(_)), (t, Known::Value(_))] = outline.names.as_slice() else {
        panic!("{:?}", outline.names)
    };
    assert_eq!((&**f, &**t), ("f", "t"));
}
