//! Queries that would take the machine: each ends with a clear error, or an answer, within its limits.

use std::time::{Duration, Instant};

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{Limits, NoTables, Row, discover, run};
use castellan_kql::{Diagnostic, parse};
use proptest::prelude::*;

const ROWS: usize = 100_000;

/// Runs a query with a bound on rows and two seconds of time.
fn bounded(query: &str) -> Result<Vec<Row>, Diagnostic> {
    let parsed = parse(query);
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return Err(error);
    }
    let start = Instant::now();
    let stop = || (start.elapsed() > Duration::from_secs(2)).then(|| "time is up".to_owned());
    let limits = Limits { rows: ROWS, stop: Some(&stop), seed: 1 };
    let mut options = Options::default();
    for _ in 0..4 {
        let bound = bind(&parsed.script, &Tables::default(), &options)?;
        if let Some(plan) = bound.undiscovered {
            options.discovered.push(discover(&plan, &NoTables, &limits)?);
            continue;
        }
        let plan = &bound.results.first().expect("a result").plan;
        return run(plan, &NoTables, &limits);
    }
    Ok(Vec::new())
}

/// Holds a query to the time that it may take, and says how it ended: a code, or the number of rows.
#[track_caller]
fn ends(query: &str) -> String {
    match crate::processor::within(Duration::from_secs(15), query, || bounded(query)) {
        Ok(rows) => rows.len().to_string(),
        Err(error) => error.code.to_owned(),
    }
}

#[test]
fn a_huge_range_ends() {
    for query in [
        "range x from 1 to 1000000000000 step 1 | count",
        "range x from 0.0 to 1e300 step 1e-300 | count",
        "range x from 1 to 1000000 step 1 | count",
        "range t from datetime(0001-01-01) to datetime(9999-01-01) step 1tick | count",
        "print x = range(1, 1000000000000, 1) | mv-expand x | count",
        "print x = range(1, 1000000, 1) | mv-expand x | mv-expand y = range(1, 1000000, 1) | count",
    ] {
        let end = ends(query);
        assert!(["too-many-rows", "stopped", "1"].contains(&end.as_str()), "{end}: {query}");
    }
}

#[test]
fn a_huge_join_ends() {
    let pairs = "range x from 1 to 50000 step 1 | extend k = 1 | join kind=inner (range y from 1 to 40000 step 1 | extend k = 1) on k";
    assert_eq!(ends(pairs), "too-many-rows");
    let twice = "let T = range x from 1 to 300 step 1 | extend k = 1; let U = T | join kind=inner T on k; U | join kind=inner U on k";
    assert_eq!(ends(twice), "too-many-rows");
}

#[test]
fn growing_arrays_and_texts_end() {
    // Each doubles what the one before it made.
    let doubled = |first: &str, step: &str| {
        let steps: String = (0..40).map(|_| format!(" | extend x = {step}")).collect();
        format!("print x = {first}{steps} | project n = 1")
    };
    for query in [
        doubled("'0123456789abcdef'", "strcat(x, x)"),
        doubled("'ab'", "strrep(x, 1000)"),
        doubled("'ab'", "replace_string(x, 'a', strcat(x, x))"),
        doubled("dynamic([1, 2])", "array_concat(x, x)"),
        doubled("dynamic([1, 2])", "pack_array(x, x)"),
        doubled("dynamic([1, 2])", "bag_pack('a', x, 'b', x)"),
        doubled("'ab'", "strcat_array(repeat(x, 1000), x)"),
        doubled("'ab'", "tostring(pack_array(x, x))"),
        doubled("'ab'", "url_encode(strcat(x, '%', x))"),
        doubled("'ab'", "base64_encode_tostring(strcat(x, x))"),
        doubled("'ab'", "strcat_delim(x, x, x, x)"),
        doubled("'a,b'", "tostring(split(strcat(x, ',', x), ','))"),
        "print x = repeat('0123456789', 1000000000000)".to_owned(),
        "print x = strrep('0123456789', 1000000000000)".to_owned(),
        "print x = pack_array(repeat(repeat(1, 10000), 10000))".to_owned(),
        "range i from 1 to 10000 step 1 | extend s = strrep('x', 100000) | summarize make_list(s)".to_owned(),
    ] {
        ends(&query);
    }
}

#[test]
fn a_series_with_many_bins_ends() {
    for query in [
        "datatable(t: datetime) [datetime(2024-01-01)] | make-series count() on t from datetime(0001-01-01) to datetime(9999-01-01) step 1tick",
        "datatable(x: real) [1.0] | make-series count() on x from 0.0 to 1e300 step 1e-300",
        "range k from 1 to 1000 step 1 | make-series count() on x = k from 0 to 5000000 step 1 by k",
        "print x = 1 | make-series count() on x from 0 to 9000000 step 1 | mv-expand x, count_",
        "range x from 1 to 9000 step 1 | summarize y = make_list(x) | extend f = series_fit_poly(y, y, 7), d = series_decompose(y), p = series_periods_detect(y, 2.0, 4000.0, 3)",
    ] {
        ends(query);
    }
}

#[test]
fn regular_expressions_end() {
    for query in [
        "print 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches regex '(a+)+$'",
        "print extract('(x+x+)+y', 0, strrep('x', 100000))",
        "print extract_all('(((((a{1,100}){1,100}){1,100}){1,100}){1,100})', 'aaaa')",
        "print replace_regex(strrep('a', 100000), '(a*)*', strrep('b', 100000))",
        "print strrep('a', 1000000) matches regex '(.*)(.*)(.*)(.*)(.*)[^a]'",
        "print s = strrep('a b ', 20000) | parse kind=regex s with '(.*)*' x ' ' * 'z' y",
        "print s = strrep('a ', 20000) | parse s with x 'a' y 'a' z 'b' w",
    ] {
        ends(query);
    }
}

#[test]
fn deep_nesting_ends() {
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    for count in [20, 45, 150, 5_000] {
        for query in [
            format!("print {}", nested("strcat('a', ", "'b'", ")", count)),
            format!("print {}", nested("iff(1 == 1, 1, ", "2", ")", count)),
            format!("print parse_json('{}')", nested("[", "1", "]", count)),
            format!("print parse_xml('{}')", nested("<a>", "1", "</a>", count)),
            format!("print x = 1{}", " | extend x = x + x".repeat(count)),
            format!(
                "print x = dynamic([1]){}",
                " | mv-apply y = x on (project x = y".repeat(count) + &")".repeat(count)
            ),
            format!("print x = 1{}", " | union (print x = 1)".repeat(count)),
            (0..count.min(300))
                .map(|at| {
                    format!(
                        "let f{at} = () {{ {} }}; ",
                        if at == 0 { "1".to_owned() } else { format!("f{0}() + f{0}()", at - 1) }
                    )
                })
                .collect::<String>()
                + &format!("print f{}()", count.min(300) - 1),
            (0..count.min(300))
                .map(|at| {
                    format!(
                        "let t{at} = {}; ",
                        if at == 0 { "print x = 1".to_owned() } else { format!("union t{0}, t{0}", at - 1) }
                    )
                })
                .collect::<String>()
                + &format!("t{} | count", count.min(300) - 1),
        ] {
            ends(&query);
        }
    }
}

#[test]
fn values_of_values_end() {
    let lets: String = (1..60).map(|at| format!("let a{at} = a{0} + a{0}; ", at - 1)).collect();
    assert_eq!(ends(&format!("let a0 = toscalar(print rand()); {lets} print a59")), "too-large");
    let calls = format!("{}x{}", "f(".repeat(40), ")".repeat(40));
    assert_eq!(
        ends(&format!("let f = (n: real) {{ n + n }}; print x = 1.0 | extend y = {calls}")),
        "too-large"
    );
}

#[test]
fn long_pipelines_are_refused() {
    let long = |count: usize| format!("print x = 1{}", " | extend x = x + 1".repeat(count));
    assert_eq!(ends(&long(200)), "1");
    assert_eq!(ends(&long(5_000)), "too-deep");
    let lets: String = (1..5_000).map(|at| format!("let t{at} = t{} | extend y = 1; ", at - 1)).collect();
    assert_eq!(ends(&format!("let t0 = print x = 1; {lets} t4999")), "too-deep");
}

#[test]
fn values_that_grow_end_as_nothing() {
    let grown = |first: &str, step: &str| {
        let steps = format!(" | extend x = {step}").repeat(40);
        crate::answers::texts(&format!("print x = {first}{steps} | project isempty(x)"))
    };
    assert_eq!(grown("'0123456789abcdef'", "strcat(x, x)"), ["True"]);
    assert_eq!(grown("dynamic([1, 2])", "pack_array(x, x)"), ["False"], "an array of nothing");
    assert_eq!(grown("dynamic([1, 2])", "array_concat(x, x)"), ["False"], "an array of nothing");
}

#[test]
fn graphs_and_windows_end() {
    let edges = "range a from 1 to 60 step 1 | extend k = 1 | join kind=inner (range b from 1 to 60 step 1 | extend k = 1) on k";
    for query in [
        format!("{edges} | make-graph a --> b | graph-match (x)-[e*1..10]->(y) project x, y"),
        format!("{edges} | make-graph a --> b | graph-match (u)-->(v)-->(w)-->(x)-->(y) project u, y"),
        format!("{edges} | make-graph a --> b | graph-shortest-paths output=all (x)-[e*1..10]->(y) project a = 1"),
        "range x from 1 to 20000 step 1 | scan with (step a output=all: true => x = x; step b: x > 5; step c: x > 6;) | count".to_owned(),
        "range x from 1 to 3000 step 1 | extend t = strcat('word', x, ' ', x * 7 % 13) | reduce by t".to_owned(),
        "range x from 1 to 3000 step 1 | extend a = x % 7, b = x % 11, c = x % 13, d = x % 17 | evaluate autocluster()".to_owned(),
        "range x from 1 to 2000 step 1 | extend a = x % 3, b = x % 4, c = x % 5, d = x % 6, e = x % 7 | evaluate basket(0.01)".to_owned(),
        "range x from 1 to 5000 step 1 | evaluate pivot(x)".to_owned(),
        "range x from 1 to 3000 step 1 | extend b = bag_pack(strcat('k', x), x) | evaluate bag_unpack(b)".to_owned(),
    ] {
        ends(&query);
    }
}

/// Queries that mutation starts from.
fn seeds() -> Vec<String> {
    let traps = crate::traps_file::read(include_str!("../data/traps.txt"));
    let mut seeds: Vec<String> = traps.into_iter().map(|trap| trap.query).collect();
    seeds.extend(crate::corpus::queries("kql/doc_cases.jsonl").into_iter().map(|(_, query)| query));
    seeds.retain(|query| query.len() < 2_000);
    seeds
}

#[test]
fn changed_queries_end() {
    let seeds = seeds();
    let words = [
        "0",
        "-1",
        "1e300",
        "long(null)",
        "dynamic([])",
        "''",
        "1tick",
        "9223372036854775807",
        "*",
        "(",
        ")",
        "x",
        ",",
        "by",
    ];
    let config = ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0..words.len()), 1..4);
    let strategy = (any::<prop::sample::Index>(), edits);
    let outcome = runner.run(&strategy, |(seed, edits)| {
        let query: &String = seed.get(&seeds);
        let mut tokens = tokens(query);
        for (at, word) in edits {
            let at = at.index(tokens.len());
            tokens[at] = words[word].to_owned();
        }
        ends(&tokens.concat());
        Ok(())
    });
    outcome.unwrap();
}

/// Words, and what stands between them.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut was_word = false;
    for letter in text.chars() {
        let is_word = letter.is_alphanumeric() || letter == '_';
        match tokens.last_mut() {
            Some(token) if is_word && was_word => token.push(letter),
            _ => tokens.push(letter.to_string()),
        }
        was_word = is_word;
    }
    tokens
}
