//! What a role may not see cannot be reached, whatever a query says.
//!
//! The measure is an engine whose tables really have no more than the role may see: every query has to give the same
//! with both, errors included. Cells that may not be seen hold a word that no answer may have either.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::bind::Stored;
use castellan_kql::plan::Field;
use castellan_kql::value::parse_datetime;
use castellan_kql::{ScalarType, Value};
use castellan_query::{Access, Engine, Error, Seen, Settings, Table, physical};
use proptest::prelude::*;

/// What stands in cells that may not be seen.
const MARK: &str = "FORBIDDEN";

type Row = Vec<Value>;

fn text(text: &str) -> Value {
    Value::string(text)
}

fn day(day: u32) -> Value {
    Value::datetime(parse_datetime(&format!("2026-01-{day:02}")).unwrap())
}

fn logins_columns() -> Vec<Field> {
    vec![
        Field::new("TimeGenerated", ScalarType::DateTime),
        Field::new("User", ScalarType::String),
        Field::new("Team", ScalarType::String),
        Field::new("Password", ScalarType::String),
        Field::new("Count", ScalarType::Long),
    ]
}

/// Rows of the red team from the third on may be seen, and no password.
fn logins() -> Vec<Row> {
    let row = |at: u32, user: &str, team: &str, count: i64| {
        vec![day(at), text(user), text(team), text(MARK), Value::Long(count)]
    };
    let hidden = format!("{MARK}-user");
    vec![
        row(1, &hidden, "red", 1),
        row(3, "ann", "red", 2),
        row(4, &hidden, "blue", 4),
        row(5, "bob", "red", 8),
        row(6, &hidden, "blue", 16),
        row(7, "ann", "red", 32),
    ]
}

fn secrets_columns() -> Vec<Field> {
    vec![Field::new("TimeGenerated", ScalarType::DateTime), Field::new("Value", ScalarType::String)]
}

fn open_columns() -> Vec<Field> {
    vec![Field::new("User", ScalarType::String), Field::new("Floor", ScalarType::Long)]
}

fn add(engine: &mut Engine, name: &str, columns: &[Field], rows: &[Row]) {
    let schema = physical::schema(columns);
    let batch = physical::batch(Arc::clone(&schema), columns, rows.iter()).unwrap();
    engine.add_batches(name, schema, vec![batch]).unwrap();
}

fn function(engine: &mut Engine, name: &str, body: &str) {
    let script = castellan_kql::parse(&format!("let f = {body}; print 1")).script;
    let Some(castellan_kql::ast::Statement::Let { value, .. }) = script.statements.first() else { panic!() };
    let castellan_kql::ast::ExprKind::Function(function) = &value.kind else { panic!() };
    engine.add_function(name, Stored::Function(Arc::new((**function).clone())));
}

fn empty_engine() -> Engine {
    let now = Ticks::new(parse_datetime("2026-01-08").unwrap());
    let settings =
        Settings { threads: 2, seed: Some(7), now, database: "db".to_owned(), ..Settings::default() };
    let mut engine = Engine::new(settings);
    function(&mut engine, "AllLogins", "() { Logins }");
    function(&mut engine, "Steal", "() { Secrets | project Value }");
    engine
}

fn open_rows() -> Vec<Row> {
    vec![vec![text("ann"), Value::Long(1)], vec![text("bob"), Value::Long(2)]]
}

fn full() -> Engine {
    let mut engine = empty_engine();
    add(&mut engine, "Logins", &logins_columns(), &logins());
    add(&mut engine, "Secrets", &secrets_columns(), &[vec![day(5), text(MARK)]]);
    add(&mut engine, "Open", &open_columns(), &open_rows());
    engine
}

/// The role, as a file would say it.
fn role() -> Access {
    serde_json::from_value(serde_json::json!({
        "tables": {
            "secrets": { "hidden": true },
            "Logins": {
                "hidden-columns": ["password"],
                "rows": "Team == 'red' and Password has 'forbidden'",
                "newer-than": "6d",
            },
        },
    }))
    .unwrap()
}

fn restricted() -> Engine {
    full().restrict(&role()).unwrap()
}

/// An engine that has nothing else.
fn reduced() -> Engine {
    let without = |row: Row| [&row[..3], &row[4..]].concat();
    let rows: Vec<Row> = logins()
        .into_iter()
        .filter(|row| row[2] == text("red") && row[1].as_str().is_some_and(|user| !user.contains(MARK)))
        .map(without)
        .collect();
    let columns = [&logins_columns()[..3], &logins_columns()[4..]].concat();
    let mut engine = empty_engine();
    add(&mut engine, "Logins", &columns, &rows);
    add(&mut engine, "Open", &open_columns(), &open_rows());
    engine
}

/// Everything that an engine says to a query. Rows are sorted unless the query sorts them.
async fn told(engine: &Engine, query: &str) -> String {
    let answers = match engine.query(query).await {
        Ok(answers) => answers,
        Err(error) => return format!("{error:?}"),
    };
    let mut lines = vec![format!("{:?} {:?}", answers.chart, answers.warnings)];
    for answer in &answers.answers {
        lines.push(format!("{:?} {:?}", answer.name, answer.columns));
        let mut rows: Vec<String> = answer.values().unwrap().iter().map(|row| format!("{row:?}")).collect();
        if !query.contains("sort") && !query.contains("order") {
            rows.sort();
        }
        lines.extend(rows);
    }
    lines.join("\n")
}

const ATTEMPTS: &str = include_str!("access/attempts.kql");

/// The attempts: pieces of a file between empty lines.
fn attempts() -> Vec<&'static str> {
    ATTEMPTS.split("\n\n").map(str::trim).filter(|query| !query.is_empty()).collect()
}

#[tokio::test]
async fn no_query_gets_round_a_role() {
    let (restricted, reduced) = (restricted(), reduced());
    let attempts = attempts();
    assert!(attempts.len() >= 60, "{}", attempts.len());
    let mut answered = 0;
    for query in attempts {
        let got = told(&restricted, query).await;
        assert_eq!(got, told(&reduced, query).await, "{query}");
        let asked_for_it = query.contains(MARK);
        assert!(asked_for_it || !got.contains(MARK), "{query}: {got}");
        answered += usize::from(!got.starts_with("Error"));
    }
    // Attempts that are refused for their grammar alone would show nothing.
    assert!(answered >= 50, "{answered}");
}

#[tokio::test]
async fn the_measure_would_see_a_leak() {
    let (full, reduced) = (full(), reduced());
    let mut leaks = 0;
    for query in attempts() {
        leaks += usize::from(told(&full, query).await != told(&reduced, query).await);
    }
    assert!(leaks >= 60, "{leaks}");
}

#[tokio::test]
async fn plans_that_are_sent_are_held_to_it() {
    use castellan_kql::bind::{Options, bind};
    let full = full();
    for query in ["Logins", "Secrets", "Logins | project Password", "Open | union Secrets"] {
        let script = castellan_kql::parse(query).script;
        let results = bind(&script, full.database(), &Options::default()).unwrap().results;
        let error = restricted().run(&results, castellan_query::Watch::default()).await.unwrap_err();
        assert_eq!(error.code, "unknown-table", "{query}");
    }
}

#[tokio::test]
async fn tables_that_come_later_are_held_to_it() {
    let mut engine = empty_engine().restrict(&role()).unwrap();
    add(&mut engine, "Logins", &logins_columns(), &logins());
    add(&mut engine, "Secrets", &secrets_columns(), &[vec![day(5), text(MARK)]]);
    add(&mut engine, "Open", &open_columns(), &open_rows());
    let query = "union withsource=T * | summarize count() by T, User";
    assert_eq!(told(&engine, query).await, told(&reduced(), query).await);
    // Without what the condition is about, there is nothing to go by.
    add(&mut engine, "Logins", &open_columns(), &open_rows());
    assert!(told(&engine, "Logins").await.contains("unknown-table"));
}

#[tokio::test]
async fn a_second_role_only_takes_away() {
    let open = Access::default().with("Logins", Seen { rows: Some("true".to_owned()), ..Seen::default() });
    let engine = restricted().restrict(&open).unwrap().restrict(&Access::default()).unwrap();
    for query in ["Logins | sort by Count asc", "union * | count", "Logins | getschema"] {
        assert_eq!(told(&engine, query).await, told(&reduced(), query).await, "{query}");
    }
    let less = Seen { rows: Some("User == 'ann'".to_owned()), ..Seen::default() };
    let engine = restricted().restrict(&Access::default().with("LOGINS", less)).unwrap();
    let answers = engine.query("Logins | summarize sum(Count)").await.unwrap();
    assert_eq!(answers.answers[0].values().unwrap(), [[Value::Long(34)]]);
}

#[tokio::test]
async fn a_time_holds_where_there_are_times() {
    let (from, until) = (parse_datetime("2026-01-04"), parse_datetime("2026-01-06"));
    let engine = full().restrict(&Access::of_all(Seen::within(from, until))).unwrap();
    let count = async |query: &str| engine.query(query).await.unwrap().answers[0].values().unwrap();
    assert_eq!(count("Logins | count").await, [[Value::Long(2)]]);
    assert_eq!(
        count("Logins | where TimeGenerated > datetime(2026-01-04) | count").await,
        [[Value::Long(1)]]
    );
    assert_eq!(
        count("Logins | where TimeGenerated < datetime(2030-01-01) | count").await,
        [[Value::Long(2)]]
    );
    assert_eq!(count("Open | count").await, [[Value::Long(2)]]);
    // Bounds that no calendar has are as good as none.
    let engine = full().restrict(&Access::of_all(Seen::within(Some(i64::MIN), Some(i64::MAX)))).unwrap();
    assert_eq!(engine.query("Logins").await.unwrap().answers[0].rows(), 6);
    // A role with an age hides what has no age.
    let aged = Access::of_all(Seen { newer_than: Some("6d".to_owned()), ..Seen::default() });
    let engine = full().restrict(&aged).unwrap();
    assert!(told(&engine, "Open").await.contains("unknown-table"));
    assert_eq!(engine.query("Logins").await.unwrap().answers[0].rows(), 5);
}

#[test]
fn conditions_that_are_none_give_no_engine() {
    for condition in [
        "",
        "Team",
        "Nothing == 1",
        "Team == 'red' | take 5",
        "true) | union (Secrets",
        "Team in ((Secrets | project Value))",
        "toscalar(Secrets | count) > 0",
        "Team == 'red'; Secrets",
        "rand() > 0.5",
        "new_guid() != guid(null)",
        "castellan_subject",
        "Team == ",
    ] {
        let role =
            Access::default().with("Logins", Seen { rows: Some(condition.to_owned()), ..Seen::default() });
        assert_eq!(full().restrict(&role).unwrap_err().code, "access", "{condition}");
        // For all tables, those that it does not fit are hidden.
        let role = Access::of_all(Seen { rows: Some(condition.to_owned()), ..Seen::default() });
        assert_eq!(full().restrict(&role).unwrap().tables().count(), 0, "{condition}");
    }
    for age in ["", "never", "-5d", "0d"] {
        let role =
            Access::default().with("Logins", Seen { newer_than: Some(age.to_owned()), ..Seen::default() });
        assert_eq!(full().restrict(&role).unwrap_err().code, "access", "{age}");
    }
}

#[test]
fn comments_do_not_open_a_condition() {
    let rows = Some("Team == 'red' // and the rest\n/* x".to_owned());
    let role = Access::default().with("Logins", Seen { rows, ..Seen::default() });
    match full().restrict(&role) {
        Ok(engine) => assert_eq!(engine.tables().count(), 3),
        Err(error) => assert_eq!(error.code, "access"),
    }
}

#[test]
fn roles_are_read_strictly() {
    let read = |role: serde_json::Value| serde_json::from_value::<Access>(role);
    assert!(read(serde_json::json!({ "table": {} })).is_err());
    assert!(read(serde_json::json!({ "tables": { "T": { "hide": true } } })).is_err());
    let role = read(serde_json::json!({
        "others": { "hidden": true },
        "tables": { "Open": { "columns": ["Floor", "Roof"] }, "Nowhere": {} },
    }))
    .unwrap();
    assert_eq!(role.unmatched(full().tables()), ["Nowhere", "Open.Roof"]);
    let engine = full().restrict(&role).unwrap();
    let tables: Vec<(&str, Vec<&str>)> = engine
        .tables()
        .map(|(name, columns)| (name, columns.iter().map(|column| &*column.name).collect()))
        .collect();
    assert_eq!(tables, [("Open", vec!["Floor"])]);
}

/// A table to read from.
fn source() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Logins",
        "(union Logins, Open)",
        "(union *)",
        "(find in (*) where true project User)",
        "(search 'ann')",
        "table('Logins')",
        "AllLogins",
        "AllLogins()",
        "database('db').Logins",
        "(Logins | join kind=inner Open on User)",
        "(Logins | join kind=rightouter (Logins | where Count > 4) on User)",
        "(Logins | lookup Open on User)",
        "materialize(Logins)",
        "(datatable(User: string)['ann'] | join kind=leftouter Logins on User)",
    ])
    .prop_map(str::to_owned)
}

/// Steps that need no column but those that every source has.
fn step() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "where User != 'ann'",
        "where User startswith 'F' or true",
        "where not(User == 'bob')",
        "extend all = pack_all()",
        "summarize n = count(), User = strcat_array(array_sort_asc(make_set(User)), ' ')",
        "summarize n = count() by User",
        "summarize User = max(User)",
        "extend User = strcat(User, '!')",
        "sort by User asc",
        "take 1000",
        "where User in ((Logins | project User))",
        "extend c = toscalar(Logins | count)",
        "union (Logins | project User)",
        "join kind=leftanti (Logins | where Count > 8) on User",
        "mv-expand x = range(1, 2) to typeof(long)",
        "distinct User",
        "as hint",
        "project User",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn drawn_queries_give_what_there_would_be(source in source(), steps in prop::collection::vec(step(), 0..5)) {
        let query = std::iter::once(source).chain(steps).collect::<Vec<_>>().join("\n| ");
        // An order that ties leave open is not compared.
        let query = query.replace("take 1000", "where true");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (got, wanted) = runtime.block_on(async {
            (told(&restricted(), &query).await, told(&reduced(), &query).await)
        });
        let sorted = |told: &str| {
            let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        prop_assert!(!got.contains(MARK), "{}: {}", query, got);
        prop_assert_eq!(sorted(&got), sorted(&wanted), "{}", query);
    }
}

/// What a function gives for a text is another table each time, is not seen by wildcards, and is hidden by the function's
/// name.
#[tokio::test]
async fn functions_give_tables_for_texts() {
    let table = |name: &str| {
        let column = Field::new(name, ScalarType::String);
        let rows = [vec![Value::string("x")]];
        let schema = physical::schema(std::slice::from_ref(&column));
        let batch = physical::batch(schema.clone(), &[column], rows.iter()).unwrap();
        Table::of_batches(schema, vec![batch]).unwrap()
    };
    let mut engine = Engine::new(Settings::default());
    engine.add_call("Lists", &["one"], table("First"));
    engine.add_call("Lists", &["two"], table("Second"));
    let names = async |engine: &Engine, query: &str| -> Result<Vec<String>, Error> {
        let answers = engine.query(query).await?;
        Ok(answers.answers[0].columns.iter().map(|column| column.name.to_string()).collect())
    };
    assert_eq!(names(&engine, "Lists('one')").await.unwrap(), ["First"]);
    assert_eq!(
        names(&engine, "let which = 'two'; Lists(which) | where Second == 'x'").await.unwrap(),
        ["Second"]
    );
    for query in ["Lists('three')", "Lists()", "Lists(1)", "union *"] {
        assert!(names(&engine, query).await.is_err(), "{query}");
    }
    let engine = engine.restrict(&Access::default().with("Lists", Seen::nothing())).unwrap();
    assert!(names(&engine, "Lists('one')").await.is_err());
}
