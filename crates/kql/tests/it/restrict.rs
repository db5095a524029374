//! What `restrict access to`, `declare pattern` and `alias database` leave and give.

use std::sync::Arc;

use castellan_kql::bind::{Database, Options, Shape, Stored, Tables, bind};
use castellan_kql::plan::{Field, Step};
use castellan_kql::{ScalarType, ast::Statement};

/// A function as a database stores it.
fn function(body: &str) -> Stored {
    let script = castellan_kql::parse(&format!("let f = {body}; print 1")).script;
    match &script.statements[0] {
        Statement::Let { value, .. } => match &value.kind {
            castellan_kql::ast::ExprKind::Function(function) => {
                Stored::Function(Arc::new((**function).clone()))
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn database() -> Tables {
    let mut tables = Tables::default();
    for name in ["Events", "MyEvents", "Secrets"] {
        tables.add(name, vec![Field::new("User", ScalarType::String)]);
    }
    tables.add_function("Summary", function("() { Secrets | count }"));
    tables.add_function("MySummary", function("() { Secrets | count }"));
    tables
}

/// The tables that a query reads, or the code that it is refused with.
fn reads(query: &str) -> Result<Vec<String>, &'static str> {
    let parsed = castellan_kql::parse(query);
    assert!(parsed.diagnostics.is_empty(), "{:?}: {query}", parsed.diagnostics);
    match bind(&parsed.script, &database(), &Options::default()) {
        Ok(bound) => {
            let mut tables: Vec<String> = bound
                .results
                .iter()
                .flat_map(|result| result.plan.tables())
                .map(|name| name.to_string())
                .collect();
            tables.sort();
            Ok(tables)
        }
        Err(error) => Err(error.code),
    }
}

fn read(query: &str, tables: &[&str]) {
    assert_eq!(reads(query), Ok(tables.iter().map(|name| (*name).to_owned()).collect()), "{query}");
}

fn refused(query: &str, code: &str) {
    assert_eq!(reads(query), Err(code), "{query}");
}

#[test]
fn a_view_that_is_named_is_left_and_reads_what_it_did() {
    let views = "let Mine = view () { Events | where User == 'me' }; let Other = view () { Events }; \
                 restrict access to (Mine); ";
    read(&format!("{views} Mine | count"), &["Events"]);
    read(&format!("{views} union * | count"), &["Events"]);
    read(&format!("{views} search 'me'"), &["Events"]);
    refused(&format!("{views} Other"), "unknown-table");
    for query in [
        "Events",
        "table('Events')",
        "Secrets | count",
        "database().Secrets",
        "database('castellan').Secrets",
        "union Mine, Secrets",
        "Mine | join Secrets on User",
        "Mine | where User in (Secrets)",
        "let again = Secrets; again",
        "let f = () { Secrets }; f()",
        "let f = (t: string) { table(t) }; f('Secrets')",
        "print toscalar(Secrets | count)",
        "Mine | extend n = toscalar(Secrets | count)",
        "search in (Secrets) 'me'",
        "find in (Secrets) where User == 'me'",
        "Summary",
        "Summary()",
        "Mine | union (Summary)",
        "materialize(Secrets)",
        "union Sec*",
        "restrict access to (Secrets); Secrets",
        "restrict access to (database().*); Secrets",
        "Mine | as Rows | union Secrets",
        "Mine | invoke Summary()",
        "Mine | lookup Secrets on User",
        "Mine | partition by User (join Secrets on User)",
    ] {
        assert!(
            reads(&format!("{views} {query}")).is_err(),
            "{query}: {:?}",
            reads(&format!("{views} {query}"))
        );
    }
}

#[test]
fn fuzzy_unions_leave_out_what_is_not_left() {
    read("restrict access to (Events); union isfuzzy=true Events, Secrets", &["Events"]);
}

#[test]
fn a_view_hides_the_table_of_its_name() {
    let views = "let Events = view () { Events | where User == 'me' }; restrict access to (Events); ";
    read(&format!("{views} Events"), &["Events"]);
    refused(&format!("{views} database().Events"), "unknown-table");
}

#[test]
fn tables_and_functions_are_named_alone_or_with_their_database() {
    read("restrict access to (Events); Events", &["Events"]);
    refused("restrict access to (Events); Secrets", "unknown-table");
    read(
        "restrict access to (database().Events, database().Summary); Summary | union Events",
        &["Events", "Secrets"],
    );
    refused("restrict access to (database().Events); Summary", "unknown-table");
    read("restrict access to (database().*); union *", &["Events", "MyEvents", "Secrets"]);
}

#[test]
fn wildcards_take_what_has_the_form() {
    read("restrict access to (My*); union * | count", &["MyEvents"]);
    read("restrict access to (My*); MySummary", &["Secrets"]);
    refused("restrict access to (My*); Events", "unknown-table");
    // A star alone means what the query itself has named.
    read(
        "let a = view () { Events }; let b = view () { Secrets }; restrict access to (*); union *",
        &["Events", "Secrets"],
    );
    refused("let a = view () { Events }; restrict access to (*); Events", "unknown-table");
}

#[test]
fn values_and_functions_of_values_stay() {
    read(
        "let n = 3; let twice = (x: long) { 2 * x }; restrict access to (Events); Events | where twice(n) == 6",
        &["Events"],
    );
    refused("let f = () { Secrets }; restrict access to (Events); f()", "unknown-function");
}

#[test]
fn what_is_named_afterwards_is_seen() {
    read("restrict access to (Events); let mine = Events | take 1; mine", &["Events"]);
}

#[test]
fn several_restrictions_hold_together() {
    refused("restrict access to (Events); restrict access to (Secrets); Secrets", "unknown-table");
    refused("restrict access to (Events); restrict access to (Secrets); Events", "unknown-table");
    read("restrict access to (database().*); restrict access to (Events); Events", &["Events"]);
}

#[test]
fn what_is_no_entity_is_refused() {
    refused("restrict access to (1); Events", "not-tabular");
}

const PATTERN: &str = "declare pattern App = (id: string)[kind: string] { \
    ('a1').['Data'] = { Events | where User == id }; \
    ('a1').['Metrics'] = { let t = MyEvents; t | extend Kind = kind }; \
    ('a2').['Data'] = { Secrets }; };";

#[test]
fn a_pattern_gives_the_case_that_has_the_values() {
    read(&format!("{PATTERN} App('a1').Data"), &["Events"]);
    read(&format!("{PATTERN} App('a1').['Data']"), &["Events"]);
    read(&format!("{PATTERN} App('a1').Metrics | project Kind, User"), &["MyEvents"]);
    read(&format!("{PATTERN} union (App('a1').Data), (App('a2').Data)"), &["Events", "Secrets"]);
    read("declare pattern P = (id: string) { ('x') = { Events }; }; let t = P('x'); t | count", &["Events"]);
}

#[test]
fn values_of_a_pattern_are_values_in_its_case() {
    let query = "declare pattern P = (id: string)[path: string] { ('x').['y'] = { print strcat(id, '.', path) }; }; P('x').y";
    assert_eq!(crate::answers::texts(query), ["x.y"]);
}

#[test]
fn a_pattern_without_the_case_says_what_is_asked_for() {
    let parsed = castellan_kql::parse("declare pattern App; App('a2').Data | count");
    let error = bind(&parsed.script, &database(), &Options::default()).unwrap_err();
    assert_eq!(
        (error.code, &*error.message),
        ("unresolved-pattern", "no case of the pattern is `App('a2').['Data']`")
    );
    refused(&format!("{PATTERN} App('a3').Data"), "unresolved-pattern");
    refused(&format!("{PATTERN} App('a1')"), "unresolved-pattern");
    refused(&format!("{PATTERN} App"), "not-tabular");
    refused("declare pattern P = (id: long) { (1) = { Events }; }; P(1)", "type-mismatch");
    refused("declare pattern P = (id: string) { ('a', 'b') = { Events }; }; P('a')", "argument-count");
}

#[test]
fn a_pattern_can_be_all_that_is_left() {
    read(&format!("{PATTERN} restrict access to (App); App('a1').Data"), &["Events"]);
    refused(&format!("{PATTERN} restrict access to (App); Events"), "unknown-table");
    refused(&format!("{PATTERN} restrict access to (Events); App('a1').Data"), "not-tabular");
}

/// A database beside another.
struct Two(Tables, Tables);

impl Database for Two {
    fn table(&self, name: &str) -> Option<Shape> {
        self.0.table(name)
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        self.0.table_names()
    }

    fn elsewhere(&self, qualifiers: &[castellan_kql::bind::Qualifier]) -> Option<&dyn Database> {
        qualifiers.last().filter(|last| last.name == "Other").map(|_| &self.1 as &dyn Database)
    }
}

fn reads_of_two(query: &str) -> Result<String, &'static str> {
    let mut other = Tables::default();
    other.add("There", vec![Field::new("User", ScalarType::String)]);
    other.add("Hidden", vec![Field::new("User", ScalarType::String)]);
    let bound = bind(&castellan_kql::parse(query).script, &Two(database(), other), &Options::default());
    match bound.map_err(|error| error.code)?.results[0].plan.step.clone() {
        Step::Table(name) => Ok(name.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alias_leads_where_it_says() {
    assert_eq!(
        reads_of_two("alias database there = cluster('c').database('Other'); database('there').There"),
        Ok("There".to_owned())
    );
    assert_eq!(
        reads_of_two("alias database here = database(); database('here').Events"),
        Ok("Events".to_owned())
    );
    assert_eq!(
        reads_of_two("alias database there = cluster('c').database('None'); database('there').There"),
        Err("elsewhere")
    );
}

#[test]
fn other_databases_are_restricted_too() {
    assert_eq!(reads_of_two("restrict access to (Events); database('Other').There"), Err("unknown-table"));
    let left = "restrict access to (database('Oth*').There);";
    assert_eq!(reads_of_two(&format!("{left} database('Other').There")), Ok("There".to_owned()));
    assert_eq!(reads_of_two(&format!("{left} database('Other').Hidden")), Err("unknown-table"));
    assert_eq!(reads_of_two(&format!("{left} Events")), Err("unknown-table"));
}
