//! Names that look like others.

use castellan_mcp::names::{Named, Problem, check, expose, expose_uri, is_server_id, resolve, resolve_uri};
use proptest::prelude::*;

fn problems(names: &[(&str, &str)]) -> Vec<Problem> {
    let named: Vec<Named<'_>> = names.iter().map(|(server, name)| Named { server, name }).collect();
    check(&named).into_iter().map(|finding| finding.problem).collect()
}

/// Names by server, and what is found about them.
type Case = (&'static [(&'static str, &'static str)], &'static [Problem]);

#[test]
fn names_that_pretend() {
    let table: &[Case] = &[
        (&[("a", "read_file"), ("a", "write_file"), ("b", "list_issues")], &[]),
        (&[("a", "read_file"), ("b", "read_file")], &[Problem::Shadows]),
        (&[("a", "read_file"), ("b", "ReadFile")], &[Problem::LooksLike]),
        (&[("a", "read_file"), ("b", "read-fi1e")], &[Problem::LooksLike]),
        (&[("a", "read_file"), ("b", "raed_file")], &[Problem::Typosquats]),
        (&[("a", "send_email"), ("b", "send_emails")], &[Problem::Typosquats]),
        (&[("a", "get_user"), ("a", "get_users")], &[]),
        (&[("a", "get"), ("b", "set")], &[]),
        (&[("a", "web_search")], &[Problem::Reserved]),
        (&[("a", "bash")], &[Problem::Reserved]),
        (&[("a", "two words")], &[Problem::Malformed]),
    ];
    for (names, expected) in table {
        assert_eq!(problems(names), *expected, "{names:?}");
    }
    // A Cyrillic letter in the middle: malformed, of two scripts, and it looks like the other one.
    let found = problems(&[("a", "paypal"), ("b", "p\u{430}ypal")]);
    assert_eq!(found, [Problem::Malformed, Problem::MixedScripts, Problem::LooksLike]);
    let found = problems(&[("a", "pay"), ("b", "pay\u{200b}")]);
    assert_eq!(found, [Problem::Hides, Problem::Malformed, Problem::LooksLike]);
}

proptest! {
    #[test]
    fn exposed_names_come_back(server in "[a-z][a-z0-9-]{0,8}[a-z0-9]", name in ".{0,30}") {
        prop_assert!(is_server_id(&server));
        let exposed = expose(&server, &name);
        prop_assert_eq!(resolve(&exposed), Some((server.as_str(), name.as_str())));
        let exposed = expose_uri(&server, &name);
        prop_assert_eq!(resolve_uri(&exposed), Some((server.as_str(), name.as_str())));
    }
}
