//! What queries mean: names, types and columns, against the built-in catalog.

use castellan_kql::bind::{Database, Options, Shape, Tables, bind};
use castellan_kql::plan::Field;
use castellan_kql::schema::Catalog;
use castellan_kql::{ScalarType, parse};

/// The columns of a query as `name: type`, or its error.
fn bound(query: &str, database: &dyn Database) -> String {
    let parsed = parse(query);
    assert!(parsed.diagnostics.is_empty(), "{query}: {:?}", parsed.diagnostics);
    match bind(&parsed.script, database, &Options::default()) {
        Ok(bound) => {
            let columns = &bound.results.last().unwrap().plan.columns;
            let texts = columns.iter().map(|column| format!("{}: {}", column.name, column.scalar_type));
            texts.collect::<Vec<String>>().join(", ")
        }
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(query: &str, expected: &str) {
    assert_eq!(bound(query, Catalog::built_in()), expected, "{query}");
}

#[test]
fn tables_of_the_catalog_are_known() {
    check("SigninLogs | project TimeGenerated, UserPrincipalName", {
        "TimeGenerated: datetime, UserPrincipalName: string"
    });
    check("SignInLogs | count", "there is no table `SignInLogs` (did you mean `SigninLogs`?)");
    check("SigninLogs | project Usr", "there is no column or variable `Usr`");
    check("workspace('other').SigninLogs | project ResultType", "ResultType: string");
}

#[test]
fn every_table_of_azure_monitor_has_the_standard_columns() {
    check("DnsEvents | project TenantId, _ItemId", "TenantId: string, _ItemId: string");
    check("Resources | project _ItemId", "there is no column or variable `_ItemId`");
}

#[test]
fn names_of_open_tables_say_their_types() {
    check(
        "AzureDiagnostics | project a_s, a_d, a_b, a_t, a_g, other",
        "a_s: string, a_d: real, a_b: bool, a_t: datetime, a_g: guid, other: dynamic",
    );
    check("AzureDiagnostics | where bag_s.name == 'x' | summarize by x_s", "x_s: string");
    check("AzureDiagnostics | summarize arg_max(TimeGenerated, *) by a_s | project b_d", "b_d: real");
    check("AzureDiagnostics | project-keep a* | project a_t", "a_t: datetime");
    check("AzureDiagnostics | project a_s | project b_s", {
        "there is no column or variable `b_s` (did you mean `a_s`?)"
    });
    check("AzureDiagnostics | make-series n = count() on time_x step 1h", "n: dynamic, time_x: dynamic");
}

#[test]
fn functions_of_the_catalog_take_what_they_declare() {
    check("_Im_Dns(starttime=ago(1h)) | project DnsQuery", "DnsQuery: string");
    check("_Im_Dns(startime=ago(1h))", "the function has no argument `startime` (did you mean `starttime`?)");
    check("print _GetWatchlist('x')", {
        "this function gives rows, and a value is expected here (take its first value with toscalar())"
    });
}

#[test]
fn a_union_over_every_table_is_checked() {
    crate::processor::within(std::time::Duration::from_secs(5), "unions over every table", || {
        check("search 'x' | project TimeGenerated", "TimeGenerated: datetime");
        check("union withsource = t * | summarize count() by t", "t: string, count_: long");
    });
}

#[test]
fn a_text_is_equal_to_a_number() {
    check("SigninLogs | where ResultType == 0 | count", "Count: long");
    check("SecurityEvent | where EventID != '4688' | count", "Count: long");
    check("SigninLogs | where ResultType > 0 | count", {
        "`>` does not take string and long (convert with tolong() or tostring())"
    });
}

#[test]
fn any_column_may_have_a_text() {
    check("Resources | where * contains 'x' | project id", "id: string");
}

#[test]
fn what_is_expanded_keeps_its_name() {
    check("SecurityAlert | mv-expand parse_json(Entities) | project Entities.Type", "Entities_Type: dynamic");
    // A column may be called like a setting of some other operator.
    check("print 1 | mv-expand id = pack_array('a') to typeof(string) | project id", "id: string");
    check(
        "print x = 1 | summarize output = count(), id = max(x) by flags = x | project output, id, flags",
        "output: long, id: long, flags: long",
    );
}

#[test]
fn functions_may_name_values_of_the_row() {
    check(
        "let f = (x: dynamic) { let y = array_concat(x[0], x[1]); iff(y[0] == '', 'a', 'b') };
         datatable(z: dynamic) [dynamic([])] | extend w = f(z) | project w",
        "w: string",
    );
}

#[test]
fn arguments_of_arg_max_may_have_names() {
    check(
        "SigninLogs | summarize arg_max(TimeGenerated, code = toint(ResultType)) by Id",
        "Id: string, TimeGenerated: datetime, code: int",
    );
}

#[test]
fn find_shows_what_all_tables_have() {
    let mut tables = Tables::default();
    let text = |name: &str| Field::new(name, ScalarType::String);
    tables.add("A", vec![text("shared"), text("a"), Field::new("only", ScalarType::Int)]);
    tables.add("B", vec![text("shared"), text("b")]);
    assert_eq!(
        bound("find in (A, B) where a == 'x'", &tables),
        "source_: string, shared: string, a: string, pack_: dynamic"
    );
    assert_eq!(bound("find in (A, B) where a == 'x' project only", &tables), "source_: string, only: int");
}

#[test]
fn tables_in_memory_may_be_open() {
    let mut tables = Tables::default();
    tables.add("T", Shape { columns: Vec::new(), is_open: true });
    assert_eq!(bound("T | extend n = strlen(x_s)", &tables), "n: long");
}

#[test]
fn a_long_list_of_types_is_cut() {
    let arguments = vec!["1"; 100].join(", ");
    assert_eq!(
        bound(&format!("print tolower({arguments})"), &Tables::default()),
        "`tolower` does not take (long, long, long, long, long, long, long, long, ...) (write tolower(text: scalar))"
    );
}
