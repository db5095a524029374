//! Functions beside the language: found by name, never before those of the query or the database.

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::parse;

use crate::answers::{answer, texts};

#[test]
fn a_function_is_found_by_name() {
    assert_eq!(texts("print perm_fl(6, 4), comb_fl(6, 4), factorial_fl(5)"), ["360|15|120.0"]);
}

#[test]
fn a_function_of_the_query_comes_first() {
    assert_eq!(texts("let perm_fl = (n: long) { n + 1 }; print perm_fl(1)"), ["2"]);
}

#[test]
fn the_end_of_a_window_may_lie_before_or_behind() {
    let of = |direction: &str| {
        texts(&format!(
            "datatable(t: datetime, v: real, k: string) [datetime(2024-01-01), 1, 'a', datetime(2024-01-01 00:06), 3, 'a',
                datetime(2024-01-01 00:10), 5, 'a']
            | invoke time_window_rolling_avg_fl('t', 'v', 'k', 10m{direction}) | project avg_value"
        ))
    };
    assert_eq!(of(""), ["1.0", "2.0", "4.0"]);
    assert_eq!(of(", 1"), ["2.0", "4.0", "5.0"]);
}

#[test]
fn lists_have_a_limit() {
    let query = "datatable(s: string, t: string, w: long) ['a', 'x', 1, 'a', 'y', 2, 'a', 'z', 3]
        | invoke graph_blast_radius_fl('s', 't', 'w', 10, 2)";
    assert_eq!(texts(query), [r#"a|["x","y"]|3|6|True"#]);
}

#[test]
fn what_needs_python_is_refused_by_name() {
    let error = answer("print x = 1 | invoke ks_test_fl('a', 'b', 'c', 'd')").err().unwrap();
    assert_eq!(
        (error.code, error.to_string().as_str()),
        ("unsupported", "`ks_test_fl` needs Python, which does not run here")
    );
}

#[test]
fn what_is_wrong_inside_is_told_at_the_call() {
    let query = "print x = 1 | invoke entropy_fl('x')";
    let error = bind(&parse(query).script, &Tables::default(), &Options::default()).unwrap_err();
    assert!(error.span.text(query).contains("entropy_fl"), "{error} at {:?}", error.span);
}
