//! Limits: exact under concurrency, nothing leaks, and what outlives a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use castellan_base::Ticks;
use castellan_gateway::limit::{Ask, Config, Limits, Prices, Reason, Subject, Unit, Usage};
use proptest::prelude::*;

fn limits(rules: &str) -> Limits {
    Limits::new(toml::from_str(rules).unwrap(), Prices::built_in().unwrap()).unwrap()
}

fn at(time: &str) -> Ticks {
    time.parse().unwrap()
}

fn noon() -> Ticks {
    at("2026-11-22T12:00:00Z")
}

fn ask(principal: &str, input_tokens: u64, output_tokens: u64) -> Ask<'_> {
    let subject = Subject { principal, model: "gpt-4o", ..Subject::default() };
    Ask { subject, input_tokens, output_tokens: Some(output_tokens), ..Ask::default() }
}

fn rule(rest: &str) -> String {
    format!("[[rules]]\nname = \"r\"\n{rest}\n")
}

#[test]
fn many_threads_never_pass_the_limit_and_lose_nothing() {
    const THREADS: u64 = 8;
    let limits = limits(&format!(
        "{}[[rules]]\nname = \"s\"\nper = [\"principal\"]\nunit = \"requests\"\nwindow = \"day\"\nlimit = 700\n",
        rule("unit = \"tokens\"\nwindow = \"month\"\nlimit = 100000")
    ));
    // What is settled and reserved at this moment, counted beside.
    let (outside, requests) = (AtomicU64::new(0), AtomicU64::new(0));
    let now = noon();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (limits, outside, requests) = (limits.clone(), &outside, &requests);
            scope.spawn(move || {
                let principal = format!("p{}", thread % 2);
                for step in 0..2_000_u64 {
                    let size = 1 + (step * 7 + thread * 13) % 97;
                    let Ok(reservation) = limits.reserve(&ask(&principal, size, size), now) else { continue };
                    assert!(outside.fetch_add(2 * size, Ordering::SeqCst) + 2 * size <= 100_000);
                    match step % 3 {
                        0 => {
                            // Counted down before it is given back, so that the count beside is never too high.
                            outside.fetch_sub(2 * size, Ordering::SeqCst);
                            drop(reservation);
                        }
                        1 => {
                            outside.fetch_sub(size, Ordering::SeqCst);
                            requests.fetch_add(1, Ordering::SeqCst);
                            reservation.settle(Some(Usage { input: size, cached: 0, output: 0 }), now);
                        }
                        _ => {
                            requests.fetch_add(1, Ordering::SeqCst);
                            reservation.settle(None, now);
                        }
                    }
                }
            });
        }
    });
    let subject = Subject { principal: "p0", ..Subject::default() };
    let left = limits.remaining(&subject, now);
    assert_eq!(left[0].remaining, 100_000 - outside.load(Ordering::SeqCst));
    let other = limits.remaining(&Subject { principal: "p1", ..Subject::default() }, now);
    assert_eq!(left[1].remaining + other[1].remaining, 1_400 - requests.load(Ordering::SeqCst));
}

#[test]
fn exactly_as_many_as_the_limit_are_admitted() {
    let limits = Arc::new(limits(&rule("unit = \"requests\"\nwindow = \"minute\"\nlimit = 1000")));
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    if let Ok(reservation) = limits.reserve(&ask("p", 1, 1), noon()) {
                        admitted.fetch_add(1, Ordering::SeqCst);
                        reservation.settle(None, noon());
                    }
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::SeqCst), 1_000);
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(u64),
    Settle(usize, u64),
    Drop(usize),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u64..60).prop_map(Step::Reserve),
        3 => (0_usize..8, 0_u64..60).prop_map(|(which, actual)| Step::Settle(which, actual)),
        2 => (0_usize..8).prop_map(Step::Drop),
        1 => (0_i64..90).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_a_list_of_what_was_taken(steps in steps()) {
        let limits = limits(&rule("unit = \"tokens\"\nwindow = \"minute\"\nlimit = 100"));
        let mut now = noon();
        let mut open = Vec::new();
        // Window and amount of everything that counts.
        let mut taken: Vec<(i64, u64)> = Vec::new();
        let minute = |now: Ticks| now.get() / (60 * Ticks::PER_SECOND);
        for step in steps {
            match step {
                Step::Reserve(size) => {
                    let used: u64 = taken.iter().filter(|one| one.0 == minute(now)).map(|one| one.1).sum();
                    let result = limits.reserve(&ask("p", size, 0), now);
                    prop_assert_eq!(result.is_ok(), used + size <= 100);
                    if let Ok(reservation) = result {
                        open.push((reservation, taken.len()));
                        taken.push((minute(now), size));
                    }
                }
                Step::Settle(which, actual) if which < open.len() => {
                    let (reservation, index) = open.remove(which);
                    let actual = actual.min(taken[index].1);
                    taken[index].1 = actual;
                    reservation.settle(Some(Usage { input: actual, cached: 0, output: 0 }), now);
                }
                Step::Drop(which) if which < open.len() => {
                    let (reservation, index) = open.remove(which);
                    taken[index].1 = 0;
                    reservation.release();
                }
                Step::Wait(seconds) => now = now.checked_add(seconds * Ticks::PER_SECOND).unwrap(),
                Step::Settle(..) | Step::Drop(_) => {}
            }
        }
    }
}

#[test]
fn all_rules_must_admit_and_a_refusal_counts_nowhere() {
    let limits = limits(
        "[[rules]]\nname = \"all\"\nunit = \"requests\"\nwindow = \"day\"\nlimit = 10\n\
         [[rules]]\nname = \"one\"\nper = [\"principal\"]\nunit = \"requests\"\nwindow = \"minute\"\nlimit = 2\n\
         [[rules]]\nname = \"model\"\nonly = { model = [\"o1*\"] }\nunit = \"requests\"\nwindow = \"minute\"\nlimit = 1\n",
    );
    for _ in 0..2 {
        limits.reserve(&ask("a", 1, 1), noon()).unwrap().settle(None, noon());
    }
    let refused = limits.reserve(&ask("a", 1, 1), noon()).unwrap_err();
    assert_eq!((refused.rule.as_str(), refused.status().as_u16()), ("one", 429));
    assert_eq!(refused.headers().get("retry-after").unwrap(), "60");
    let other = Subject { principal: "b", ..Subject::default() };
    assert_eq!(limits.remaining(&other, noon())[0].remaining, 8);
    assert_eq!(limits.remaining(&other, noon()).len(), 2);
}

#[test]
fn quotas_are_forbidden_and_told_once() {
    let limits = limits(&rule("unit = \"tokens\"\nwindow = \"month\"\nlimit = 100"));
    let mut shares = Vec::new();
    for _ in 0..10 {
        let reservation = limits.reserve(&ask("p", 10, 0), noon()).unwrap();
        let settled = reservation.settle(Some(Usage { input: 10, cached: 0, output: 0 }), noon());
        shares.extend(settled.events.into_iter().map(|event| event.share));
    }
    assert_eq!(shares, [0.5, 0.8, 1.0]);
    let refused = limits.reserve(&ask("p", 10, 0), noon()).unwrap_err();
    assert_eq!(refused.status().as_u16(), 403);
    assert_eq!(refused.retry_after.unwrap().as_secs(), 8 * 86_400 + 43_200);
    let december = at("2026-12-01T00:00:00Z");
    assert!(limits.reserve(&ask("p", 10, 0), december).is_ok());
}

#[test]
fn bursts_fill_again() {
    let limits = limits(&rule("unit = \"requests\"\nwindow = \"minute\"\nlimit = 60\nburst = 3"));
    let mut now = noon();
    let take = |now| limits.reserve(&ask("p", 1, 1), now).map(|reservation| reservation.settle(None, now));
    for _ in 0..3 {
        take(now).unwrap();
    }
    let refused = take(now).unwrap_err();
    assert_eq!((refused.reason, refused.retry_after.unwrap().as_secs()), (Reason::Burst, 1));
    now = now.checked_add(Ticks::PER_SECOND).unwrap();
    take(now).unwrap();
    assert!(take(now).is_err());
}

#[test]
fn cost_is_counted_by_price_and_unknown_prices_are_not_free() {
    let limits = limits(&rule("unit = \"cost\"\nwindow = \"day\"\nlimit = 1.0"));
    // 100,000 tokens in at 2.5 and 50,000 out at 10 dollars a million are 75 cents.
    let reservation = limits.reserve(&ask("p", 100_000, 50_000), noon()).unwrap();
    assert!(limits.reserve(&ask("p", 100_000, 50_000), noon()).is_err());
    let settled = reservation.settle(Some(Usage { input: 100_000, cached: 100_000, output: 0 }), noon());
    assert_eq!(settled.cost, Some(125_000_000_000));
    assert!(limits.reserve(&ask("p", 100_000, 50_000), noon()).is_ok());
    let unknown = Ask { subject: Subject { model: "nobody-knows", ..Subject::default() }, ..Ask::default() };
    let refused = limits.reserve(&unknown, noon()).unwrap_err();
    assert_eq!((refused.reason, refused.status().as_u16()), (Reason::UnknownPrice, 403));
    let lenient = rule("unit = \"cost\"\nwindow = \"day\"\nlimit = 1.0\nunknown_price = \"ignore\"");
    let reservation = self::limits(&lenient).reserve(&unknown, noon()).unwrap();
    assert_eq!(reservation.settle(Some(Usage::default()), noon()).cost, None);
}

#[test]
fn counters_that_are_over_are_forgotten_and_memory_is_bounded() {
    let limits = limits(&format!(
        "counters = 2000\n{}",
        rule("per = [\"principal\"]\nunit = \"requests\"\nwindow = \"minute\"\nlimit = 5")
    ));
    let mut now = noon();
    for round in 0..20 {
        for person in 0..2_000 {
            limits.reserve(&ask(&format!("{round}-{person}"), 1, 1), now).unwrap().settle(None, now);
        }
        let refused = limits.reserve(&ask("one-more", 1, 1), now).unwrap_err();
        assert_eq!((refused.reason, refused.status().as_u16()), (Reason::TooManyCounters, 503));
        assert!(limits.counters() <= 2_000);
        now = now.checked_add(60 * Ticks::PER_SECOND).unwrap();
    }
}

fn durable(folder: &std::path::Path) -> Limits {
    let rules = rule("per = [\"principal\"]\nunit = \"tokens\"\nwindow = \"month\"\nlimit = 100000");
    let mut config: Config = toml::from_str(&rules).unwrap();
    config.file = Some(folder.join("counters"));
    Limits::open(config, Prices::default()).unwrap()
}

fn left(limits: &Limits, principal: &str) -> u64 {
    limits.remaining(&Subject { principal, ..Subject::default() }, noon())[0].remaining
}

#[test]
fn after_a_crash_there_is_never_more_and_at_most_a_hundredth_less() {
    let folder = tempfile::tempdir().unwrap();
    let mut settled = 0;
    for crash in 1..20_u64 {
        let limits = durable(folder.path());
        let before = left(&limits, "p");
        assert!(before <= 100_000 - settled, "{crash}: more than before");
        assert!(before + crash * 1_300 >= 100_000 - settled, "{crash}: {before} is too little");
        let mut used = 0;
        for step in 0..crash * 3 {
            let Ok(reservation) = limits.reserve(&ask("p", 150, 150), noon()) else { break };
            reservation.settle(Some(Usage { input: 100 + step % 50, cached: 0, output: 20 }), noon());
            used += 120 + step % 50;
        }
        settled += used;
        // No farewell: the process is gone.
        drop(limits);
    }
}

#[test]
fn a_proper_end_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let limits = durable(folder.path());
        assert_eq!(left(&limits, "p"), 100_000 - round * 1_000);
        limits.reserve(&ask("p", 1_000, 0), noon()).unwrap().settle(None, noon());
        limits.flush().unwrap();
        limits.close(noon()).unwrap();
    }
    let limits = durable(folder.path());
    let next_month = at("2026-12-02T00:00:00Z");
    let subject = Subject { principal: "p", ..Subject::default() };
    assert_eq!(limits.remaining(&subject, next_month)[0].remaining, 100_000);
}

#[test]
fn the_file_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let limits = durable(folder.path());
    for person in 0..500 {
        for _ in 0..40 {
            let principal = person.to_string();
            limits.reserve(&ask(&principal, 2_000, 0), noon()).unwrap().settle(None, noon());
        }
    }
    let size = std::fs::metadata(folder.path().join("counters")).unwrap().len();
    assert!(size < 48 * (2 * 500 + 4_096 + 2), "{size}");
    drop(limits);
    assert_eq!(left(&durable(folder.path()), "499"), 100_000 - 80_000 - 1_000);
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    for wrong in
        ["limit = 0", "limit = -1", "limit = 1.5", "limit = 1e300", "limit = nan", "limit = 1\ntell = [2.0]"]
    {
        let config = toml::from_str(&rule(&format!("unit = \"tokens\"\nwindow = \"day\"\n{wrong}"))).unwrap();
        assert!(Limits::new(config, Prices::default()).is_err(), "{wrong}");
    }
    let unknown: Result<Config, _> = toml::from_str(&rule("unit = \"tokens\"\nwindow = \"week\"\nlimit = 1"));
    assert!(unknown.is_err());
    assert_eq!(Unit::Cost.as_str(), "cost");
}
