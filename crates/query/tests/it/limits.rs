//! Queries that would take all memory or all time end with an error that says so, and the engine goes on.

use std::time::{Duration, Instant};

use castellan_query::{Engine, Error, Limits, Settings};

/// How long a query may go on once its time is over: a step looks at the clock now and then. A loaded machine takes
/// several times as long as an idle one, and what does not look takes hours.
const GRACE: Duration = Duration::from_secs(90);

fn engine(time: Duration) -> Engine {
    let limits = Limits { time, memory: 64 << 20, rows: 1_000_000 };
    Engine::new(Settings { limits, threads: 2, ..Settings::default() })
}

/// Runs a query that has to end with one of these codes, and then one that has to work.
fn ends(query: &str, time: Duration, codes: &[&str]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = engine(time);
        let start = Instant::now();
        let told = engine.query(query).await.map(|answers| answers.answers[0].rows());
        let took = start.elapsed();
        let code = told.as_ref().map_err(|error: &Error| error.code);
        assert!(code.is_err_and(|code| codes.contains(&code)), "{query}: {told:?}");
        assert!(took < time + GRACE, "{query}: took {took:?}, {told:?}");
        let after = engine.query("print 1 + 1").await.unwrap();
        assert_eq!(after.answers[0].rows(), 1);
    });
}

/// A query that needs more memory than it may have. Where counting comes first, it has too many rows instead.
fn too_much(query: &str) {
    ends(query, Duration::from_secs(60), &["out-of-memory", "too-many-rows", "too-large"]);
}

/// A query that goes on for longer than it may.
fn too_long(query: &str) {
    ends(query, Duration::from_secs(1), &["stopped"]);
}

/// A query that does both, whichever comes first.
fn too_either(query: &str) {
    ends(query, Duration::from_secs(5), &["stopped", "out-of-memory", "too-many-rows"]);
}

/// So many rows of one column.
const MANY: &str = "range x from 1 to 1000000 step 1";

#[test]
fn lists_of_all_rows() {
    too_much(&format!(
        "{MANY} | extend s = strcat('a longer text for each row, so that it counts ', x) \
                       | summarize make_list(s, 10000000)"
    ));
    too_much(&format!(
        "{MANY} | extend s = strcat('a longer text for each row, so that it counts ', x) \
                       | summarize make_set(s, 10000000) by x % 3"
    ));
    too_much(&format!("{MANY} | summarize b = make_bag(bag_pack(tostring(x), x), 10000000)"));
}

#[test]
fn rows_that_grow() {
    too_either(
        "range x from 1 to 10000 step 1 | mv-expand y = range(1, 10000) | summarize make_list(y, 100000000)",
    );
    too_much("range x from 1 to 10000000000 step 1 | count");
    too_either("print d = range(1, 1000000) | mv-expand a = d | mv-expand b = d | count");
    too_either(
        "let t = range x from 1 to 3000 step 1 | extend k = 1; t | join kind=inner t on k \
              | mv-expand z = range(1, 100) | summarize make_list(z, 100000000)",
    );
}

#[test]
fn texts_that_grow() {
    too_much(&format!(
        "{MANY} | extend s = strrep('abcdefgh', 100000) | extend t = strcat(s, x) \
                       | summarize make_list(t, 10000000)"
    ));
    too_much(&format!(
        "{MANY} | extend s = strcat(strrep('abcdefgh', 100000), x) | where s has 'nothing' or s endswith '7' \
                       | summarize make_list(s, 10000000)"
    ));
    too_much(&format!(
        "{MANY} | extend s = replace_regex(strcat(strrep('a', 100000), x), 'a', 'bbbbbbbb') \
                       | summarize make_list(s, 10000000)"
    ));
    too_much(&format!("{MANY} | extend d = repeat(x, 100000) | summarize make_list(d, 10000000)"));
    too_much(&format!(
        "{MANY} | extend d = range(x, x + 100000) | where array_length(d) > 5 | project d, x | sort by x desc \
                       | summarize make_list(d, 10000000)"
    ));
}

#[test]
fn values_that_take_long() {
    // Long within one batch.
    too_long(&format!(
        "{MANY} | extend d = range(1, 20000) | where array_length(array_sort_desc(array_concat(d, range(x, x + 9)))) > x + 100000"
    ));
    too_long(&format!("{MANY} | where array_length(range(x, x + 50000)) < 3"));
    too_long(&format!("{MANY} | where hash_sha256(strrep('abcdefgh', 5000 + x % 7)) == ''"));
    too_long(&format!("{MANY} | summarize max(array_sum(range(x, x + 50000)))"));
}

#[test]
fn patterns_that_take_long() {
    let text = "strcat(strrep('ab', 200), x)";
    too_long(&format!("{MANY} | where {text} matches regex '(a*b*)*c|(x+x+)+y|[ab]*[ab]*[ab]*z'"));
    too_long(&format!(
        "{MANY} | extend t = {text} | parse kind=regex t with @'(a*b*)*' c:string @'z' | where c != ''"
    ));
    too_long(&format!("{MANY} | where array_length(extract_all(@'(a)(b)', {text})) < 3"));
}

/// A pattern that would need more memory than it may when it is compiled is no pattern.
#[test]
fn patterns_that_are_too_large_are_refused_or_match_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for pattern in ["((a{1000}){1000}){1000}", "(?:(?:[a-z]{100}){100}){100}", r"\\pL{5000}{5000}"] {
        for query in [
            format!("print s = 'aaa' | where s matches regex '{pattern}'"),
            format!("datatable(s: string, p: string) ['aaa', '{pattern}'] | where extract(p, 0, s) != ''"),
            format!("print s = 'aaa' | parse kind=regex s with '{pattern}' b:string | where b != ''"),
        ] {
            let start = Instant::now();
            let told = runtime.block_on(engine(Duration::from_secs(10)).query(&query));
            assert!(told.is_err() || told.is_ok_and(|answers| answers.answers[0].rows() == 0), "{query}");
            assert!(start.elapsed() < GRACE, "{query}");
        }
    }
}

#[test]
fn joins_that_take_long() {
    too_long(&format!(
        "let t = {MANY} | extend k = 1; t | join kind=inner t on k | where x + x1 < 0 | count"
    ));
    // A key that the plain engine compares.
    too_long(
        "let t = range x from 1 to 20000 step 1 | extend k = todecimal(1); t | join kind=inner t on k | where x + x1 < 0 | count",
    );
}

#[test]
fn steps_of_our_own_that_take_long() {
    too_long(&format!(
        "{MANY} | mv-apply y = range(1, 3000) on (where y % 7 == 0 | summarize sum(y)) | summarize sum(sum_y)"
    ));
    too_long(&format!("{MANY} | mv-expand y = range(1, 100000) | where y < 0 | count"));
    too_long(
        "range x from 1 to 20000 step 1 | serialize | scan declare (n: long = 0) with \
                       (step a: true => n = a.n + array_length(range(x, x + 5000));) | where n < 0",
    );
    too_either(&format!("{MANY} | partition hint.strategy=native by x (summarize sum(x))"));
    too_either(&format!("{MANY} | extend y = x % 1000 | evaluate basket(0.0001) | where Percent < 0"));
    too_either(&format!(
        "{MANY} | extend s = strcat('word', x % 5000, ' and ', x) | reduce by s | where Count < 0"
    ));
    too_long(
        "let e = range x from 1 to 60 step 1 | mv-expand y = range(1, 60) to typeof(long); \
         e | make-graph x --> y | graph-match cycles=all (a)-[e*1..12]->(b) where a.$id == 1 project n = 1 | count",
    );
}
