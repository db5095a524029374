//! Plans as bytes: what was written is read, and anything else is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_kql::bind::{Database, Options, Tables, bind};
use castellan_kql::interpret::{Limits, NoTables, run};
use castellan_kql::parse;
use castellan_kql::plan::{NamedPlan, Plan, Step, codec};
use castellan_kql::schema::Catalog;
use twox_hash::XxHash64;

fn bound(query: &str, database: &dyn Database) -> Option<Vec<NamedPlan>> {
    let options = Options {
        now: castellan_kql::value::parse_datetime("2026-11-21T10:00:00Z").unwrap(),
        ..Options::default()
    };
    Some(bind(&parse(query).script, database, &options).ok()?.results)
}

/// Writes and reads plans, and gives the bytes.
#[track_caller]
fn round_trip(query: &str, results: &[NamedPlan]) -> Vec<u8> {
    let bytes = codec::encode(results).unwrap_or_else(|refusal| panic!("{refusal}: {query}"));
    let read = codec::decode(&bytes).unwrap_or_else(|refusal| panic!("{refusal}: {query}"));
    // NaN differs from itself, but not from its text.
    if read != results {
        assert_eq!(format!("{read:?}"), format!("{results:?}"), "{query}");
    }
    assert_eq!(codec::encode(&read).as_ref(), Ok(&bytes), "{query}");
    bytes
}

#[test]
fn every_real_query_comes_back() {
    let catalog = Catalog::built_in();
    let (mut count, mut largest, mut steps) = (0, 0, 0);
    for (_, query) in crate::corpus::queries("kql/sentinel_queries.jsonl") {
        let query = crate::placeholders::filled(&query);
        let Some(results) = bound(&query, catalog) else { continue };
        largest = largest.max(round_trip(&query, &results).len());
        steps = steps.max(castellan_kql::plan::Extent::of(&results).steps);
        count += 1;
    }
    eprintln!("{count} plans, the largest of {largest} bytes, the longest of {steps} steps");
    assert!(count == 0 || count > 5_000, "{count}");
}

/// The plans of the documented and handwritten cases.
fn cases() -> Vec<(String, Vec<NamedPlan>)> {
    let names = ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl"];
    let queries = names.into_iter().flat_map(crate::corpus::queries).map(|(_, query)| query);
    queries.filter_map(|query| bound(&query, &Tables::default()).map(|results| (query, results))).collect()
}

#[test]
fn a_plan_that_comes_back_gives_the_same_rows() {
    let cases = cases();
    for (query, results) in &cases {
        let read = codec::decode(&round_trip(query, results)).unwrap();
        for (sent, read) in results.iter().zip(&read) {
            let limits = Limits { rows: 1_000_000, ..Limits::default() };
            let rows = |plan| run(plan, &NoTables, &limits).map_err(|error| error.code);
            assert_eq!(format!("{:?}", rows(&sent.plan)), format!("{:?}", rows(&read.plan)), "{query}");
        }
    }
    assert!(cases.is_empty() || cases.len() > 600, "{}", cases.len());
}

/// The bytes with a checksum that fits them: what somebody sends who means harm.
fn summed(mut body: Vec<u8>) -> Vec<u8> {
    let sum = XxHash64::oneshot(codec::VERSION, &body);
    body.extend(sum.to_le_bytes());
    body
}

#[test]
fn bytes_that_were_cut_or_changed_are_refused() {
    for (query, results) in cases().iter().step_by(7) {
        let bytes = round_trip(query, results);
        for length in 0..bytes.len() {
            assert!(codec::decode(&bytes[..length]).is_err(), "{query} cut to {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(codec::decode(&changed).is_err(), "{query} changed at {at}");
        }
    }
}

#[test]
fn bytes_that_mean_harm_are_refused_or_harmless() {
    let deadline = Instant::now() + Duration::from_secs(15);
    let (mut refused, mut ran) = (0, 0);
    for (query, results) in cases().iter().step_by(3) {
        let bytes = round_trip(query, results);
        let body = &bytes[..bytes.len() - 8];
        for at in (6..body.len()).step_by(5) {
            for change in [1_u8, 0x80, 0xFF] {
                let mut changed = body.to_vec();
                changed[at] ^= change;
                let Ok(read) = codec::decode(&summed(changed)) else {
                    refused += 1;
                    continue;
                };
                ran += 1;
                let end = Instant::now() + Duration::from_millis(200);
                let stop = || (Instant::now() > end).then(|| "late".to_owned());
                let limits = Limits { rows: 20_000, stop: Some(&stop), seed: 0 };
                for result in read {
                    let answer =
                        catch_unwind(AssertUnwindSafe(|| run(&result.plan, &NoTables, &limits).is_ok()));
                    assert!(answer.is_ok(), "{query} changed at {at} by {change}: {:?}", result.plan);
                }
            }
        }
        if Instant::now() > deadline {
            break;
        }
    }
    eprintln!("{refused} refused, {ran} read");
}

#[test]
fn plans_beyond_the_bounds_are_refused() {
    // Each twice the one before: small to send, endless to run.
    let one = Plan::new(Step::Rows(Vec::new()), Vec::new());
    let twice = |plan: Arc<Plan>| Plan::new(Step::Union(vec![Arc::clone(&plan), plan]), Vec::new());
    let encoded =
        |plan| codec::encode(&[NamedPlan { name: None, plan }]).map_err(|refusal| refusal.to_string());
    assert!(encoded((0..10).fold(Arc::clone(&one), |plan, _| twice(plan))).is_ok());
    let endless = (0..70).fold(Arc::clone(&one), |plan, _| twice(plan));
    assert_eq!(encoded(endless), Err("the plan has too many steps".to_owned()));
    let high = (0..codec::MAX_HEIGHT).fold(one, |plan, _| Plan::new(Step::Materialize(plan), Vec::new()));
    assert_eq!(encoded(high), Err("the plan has too many steps above each other".to_owned()));
}

#[test]
fn tables_that_double_are_refused() {
    let mut query = "let t0 = range x from 1 to 2 step 1;".to_owned();
    for at in 0..40 {
        query += &format!("let t{} = union t{at}, t{at};", at + 1);
    }
    query += "t40 | count";
    let error = bind(&parse(&query).script, &Tables::default(), &Options::default()).unwrap_err();
    assert_eq!(error.code, "too-large");
}

#[test]
fn what_is_no_plan_is_refused() {
    for bytes in [&b""[..], b"KQLP", b"KQLP\x01", b"{\"plan\": 1}, and something behind it"] {
        assert!(codec::decode(bytes).is_err());
    }
    assert_eq!(
        codec::decode(&summed(b"KQLP\x02\x00\x00".to_vec())).unwrap_err().to_string(),
        "the plan has another version"
    );
    assert_eq!(codec::decode(&summed(b"KQLP\x01\x00\x00".to_vec())), Ok(Vec::new()));
    // A list that claims more than there is.
    assert!(codec::decode(&summed(b"KQLP\x01\xff\xff\xff\xff\x0f".to_vec())).is_err());
}

/// Bytes of the first version: plans that were kept are read as long as the version stays.
#[test]
fn the_first_version_is_read() {
    let query = "datatable(user: string, n: long) ['ann', 3, 'bob', 1] | where n > 1 and user has 'ann' \
                 | summarize total = sum(n) by user | sort by total desc | take 5";
    let kept = include_bytes!("codec_v1.bin");
    assert_eq!(codec::decode(kept).unwrap(), bound(query, &Tables::default()).unwrap());
}
