//! When rules run, what comes late, and what is counted once.

use castellan_base::Ticks;
use castellan_detect::backtest::{Backtest, backtest};
use castellan_detect::rule::Rule;
use castellan_detect::run::{Memory, Rows};
use castellan_detect::schedule::{Ran, State, Timing, due, run};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{rule, time};

const MINUTE: i64 = 60 * Ticks::PER_SECOND;

fn at(minutes: i64) -> Ticks {
    time("2026-11-21T00:00:00Z").checked_add(minutes * MINUTE).unwrap()
}

/// Events: when each happened, when it was taken in (minutes of the day), and what it is called.
fn world(events: &[(i64, i64, &str)]) -> Memory {
    let row = |(happened, received, name): &(i64, i64, &str)| {
        let row = json!({
            "TimeGenerated": at(*happened).to_string(), "_TimeReceived": at(*received).to_string(), "Name": name
        });
        row.as_object().unwrap().clone()
    };
    let rows: Rows = events.iter().map(row).collect();
    let mut made = Memory::default();
    let columns = ["TimeGenerated", "_TimeReceived"]
        .map(|name| castellan_kql::plan::Field::new(name, castellan_kql::ScalarType::DateTime));
    let mut all = columns.to_vec();
    all.push(castellan_kql::plan::Field::new("Name", castellan_kql::ScalarType::String));
    made.add_json("Events", all, &rows).unwrap();
    made
}

fn counted(extra: &str, query: &str) -> Rule {
    rule(extra, query)
}

async fn each(rule: &Rule, events: &Memory, times: impl IntoIterator<Item = i64>) -> Vec<Ran> {
    let (mut state, mut all) = (State::default(), Vec::new());
    for minute in times {
        let ran = run(rule, &mut state, events, at(minute), &Timing::default()).await;
        assert!(ran.failure.is_none(), "{:?}", ran.failure);
        // What is remembered survives being written down.
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        all.push(ran);
    }
    all
}

fn results(ran: &[Ran]) -> Vec<u64> {
    ran.iter().map(|ran| ran.alerts.iter().map(|alert| alert.results).sum()).collect()
}

const HOURLY: &str = "queryFrequency: 1h\nqueryPeriod: 1h\n";

#[tokio::test]
async fn an_event_that_comes_late_is_counted_once_in_the_next_run() {
    // It happened at 0:30, before the run of 1:01, and came at 1:20.
    let events = world(&[(10, 11, "a"), (30, 80, "late"), (70, 71, "b")]);
    let rule = counted(HOURLY, "Events");
    let ran = each(&rule, &events, [61, 121, 181, 241]).await;
    assert_eq!(results(&ran), [1, 2, 0, 0]);
    let again: Vec<bool> = ran[1].windows.iter().map(|looked| looked.is_again).collect();
    assert_eq!(again, [true, false]);
    assert_eq!(ran[1].repeated[0].results, 1, "`a` was raised before");
    assert_eq!(ran[1].repeated[0].alert.as_deref(), Some(ran[0].alerts[0].id.to_string().as_str()));
}

#[tokio::test]
async fn a_late_event_can_lift_an_old_window_over_its_threshold() {
    let events = world(&[(10, 11, "ann"), (20, 100, "ann")]);
    let query = "Events | summarize Count = count() by Name | where Count >= 2";
    let ran = each(&counted(HOURLY, query), &events, [61, 121, 181]).await;
    assert_eq!(results(&ran), [0, 1, 0]);
    assert_eq!(ran[1].alerts[0].raised, at(60), "it is of its own window");
}

#[tokio::test]
async fn overlapping_windows_raise_once() {
    let events = world(&[(3, 3, "ann"), (7, 7, "ann"), (200, 200, "ann")]);
    let often = "queryFrequency: 5m\nqueryPeriod: 1h\n";
    let rows = each(&counted(often, "Events"), &events, (6..300).step_by(5)).await;
    assert_eq!(results(&rows).iter().sum::<u64>(), 3, "each event once, not twelve times");
    let groups = counted(often, "Events | summarize Count = count() by Name");
    let ran = each(&groups, &events, (6..300).step_by(5)).await;
    assert_eq!(
        ran.iter().map(|ran| ran.alerts.len()).sum::<usize>(),
        3,
        "once for each period in which it goes on"
    );
    let repeated: u64 = ran.iter().flat_map(|ran| &ran.repeated).map(|repeated| repeated.results).sum();
    assert!(repeated >= 20, "{repeated}");
}

#[tokio::test]
async fn runs_that_were_missed_are_made_up_for() {
    let events = world(&[(10, 10, "a"), (70, 70, "b"), (130, 130, "c"), (250, 250, "d")]);
    let rule = counted(HOURLY, "Events");
    let ran = each(&rule, &events, [61, 301, 302]).await;
    assert_eq!(results(&ran), [1, 3, 0]);
    assert_eq!((ran[1].windows.len(), ran[2].windows.len()), (4, 0));
    let timing = Timing { catch_up: 2, ..Timing::default() };
    let state = State { done: Some(at(60).get()), ..State::default() };
    let due = due(&rule, &state, at(301), &timing);
    assert_eq!((due.windows.len(), due.skipped), (2, 2));
}

#[tokio::test]
async fn near_real_time_sees_each_event_once() {
    // Whatever its time says: one has a wrong clock.
    let events = world(&[(10, 10, "a"), (2, 11, "late"), (5_000, 12, "future"), (14, 14, "d")]);
    let rule = counted(
        "kind: NRT\nqueryFrequency: 1m\nqueryPeriod: 1m\ntriggerOperator: gt\ntriggerThreshold: 0\n",
        "Events",
    );
    let ran = each(&rule, &events, 10..20).await;
    assert_eq!(results(&ran).iter().sum::<u64>(), 4);
    assert!(results(&ran).iter().all(|count| *count <= 1));
}

#[tokio::test]
async fn a_rule_rests_after_an_alert() {
    let events = world(&[(10, 10, "a"), (70, 70, "b"), (130, 130, "c"), (190, 190, "d"), (250, 250, "e")]);
    let rule = counted(&format!("{HOURLY}suppressionEnabled: true\nsuppressionDuration: 2h\n"), "Events");
    let ran = each(&rule, &events, [61, 121, 181, 241, 301]).await;
    assert_eq!(results(&ran), [1, 0, 0, 1, 0]);
    assert_eq!(ran.iter().map(|ran| ran.suppressed).sum::<usize>(), 3);
}

#[tokio::test]
async fn what_comes_late_from_before_an_alert_does_not_rest() {
    let events = world(&[(10, 190, "late"), (70, 70, "b")]);
    let rule = counted(&format!("{HOURLY}suppressionEnabled: true\nsuppressionDuration: 3h\n"), "Events");
    let ran = each(&rule, &events, [61, 121, 241]).await;
    assert_eq!(results(&ran), [0, 1, 1]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_silence_a_rule() {
    let events = world(&[(10, 10, "a")]);
    for extra in [HOURLY, "kind: NRT\nqueryFrequency: 1m\nqueryPeriod: 1m\n"] {
        let rule = counted(extra, "Events");
        let ahead = Some(at(60 * 24 * 365).get());
        let mut state = State { done: ahead, received: ahead, ..State::default() };
        let ran = run(&rule, &mut state, &events, at(61), &Timing::default()).await;
        assert_eq!(ran.windows.len(), 1, "{extra}");
    }
}

#[tokio::test]
async fn a_rule_that_is_turned_on_again_begins_with_the_last_window() {
    let events = world(&[(10, 10, "a"), (70, 70, "b")]);
    let (on, off) = (counted(HOURLY, "Events"), counted(&format!("{HOURLY}enabled: false\n"), "Events"));
    let mut state = State::default();
    run(&on, &mut state, &events, at(61), &Timing::default()).await;
    run(&off, &mut state, &events, at(121), &Timing::default()).await;
    let ran = run(&on, &mut state, &events, at(601), &Timing::default()).await;
    assert_eq!((ran.windows.len(), ran.alerts.len()), (1, 0));
}

#[tokio::test]
async fn a_rule_that_is_off_does_nothing() {
    let events = world(&[(10, 10, "a")]);
    let ran = each(&counted(&format!("{HOURLY}enabled: false\n"), "Events"), &events, [61]).await;
    assert!(ran[0].windows.is_empty() && ran[0].alerts.is_empty());
}

#[tokio::test]
async fn a_run_that_fails_is_tried_again() {
    let rule = counted(HOURLY, "Events");
    let mut state = State::default();
    let failed = run(&rule, &mut state, &Memory::default(), at(61), &Timing::default()).await;
    assert!(failed.failure.is_some() && state.done.is_none() && state.received.is_none());
    let ran = run(&rule, &mut state, &world(&[(10, 10, "a")]), at(62), &Timing::default()).await;
    assert_eq!((ran.alerts.len(), state.failed.is_empty()), (1, true));
    let mut given_up = Vec::new();
    for minute in 121..127 {
        let ran = run(&rule, &mut state, &Memory::default(), at(minute), &Timing::default()).await;
        given_up.push(ran.given_up);
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    }
    assert_eq!(
        given_up,
        [0, 0, 0, 0, 1, 1],
        "what came late cannot be asked for either, and holds nothing up"
    );
    assert_eq!(state.done, Some(at(60).get()));
    let rule = counted(HOURLY, "Events | where toint(assert(false, 'no')) == 1");
    let mut state = State { done: Some(at(60).get()), ..State::default() };
    let mut given_up = Vec::new();
    for minute in 121..127 {
        given_up.push(run(&rule, &mut state, &world(&[]), at(minute), &Timing::default()).await.given_up);
    }
    assert_eq!(given_up, [0, 0, 0, 0, 1, 0], "a window is not tried for ever");
    assert_eq!(state.done, Some(at(120).get()));
}

#[tokio::test]
async fn tables_that_do_not_say_when_rows_came_are_named() {
    let events = crate::support::logons(&[("00:30", "ann")]);
    let ran = each(&counted(HOURLY, "Logons"), &events, [61, 121]).await;
    assert_eq!(ran[1].blind.iter().map(|name| &**name).collect::<Vec<_>>(), ["Logons"]);
}

#[tokio::test]
async fn near_real_time_sees_tables_without_times_of_taking_in_once_as_well() {
    let events = crate::support::logons(&[("00:12", "ann"), ("00:15", "bob")]);
    let extra = "kind: NRT\nqueryFrequency: 1m\nqueryPeriod: 1m\ntriggerOperator: gt\ntriggerThreshold: 0\n";
    let ran = each(&counted(extra, "Logons"), &events, 10..20).await;
    assert_eq!(results(&ran).iter().sum::<u64>(), 2);
    assert_eq!(ran[0].blind.iter().map(|name| &**name).collect::<Vec<_>>(), ["Logons"]);
}

#[tokio::test]
async fn many_results_are_quick() {
    let rows: Vec<(i64, i64, &str)> =
        (0..30_000).map(|at| (at % 60, at % 60, ["a", "b", "c"][at as usize % 3])).collect();
    let events = world(&rows);
    let extra = format!(
        "{HOURLY}eventGroupingSettings: {{ aggregationKind: AlertPerResult }}\nentityMappings: [ {{ entityType: Account, fieldMappings: [ {{ identifier: FullName, columnName: Name }} ] }} ]\n"
    );
    let begun = std::time::Instant::now();
    let ran = each(&counted(&extra, "Events"), &events, [61, 121]).await;
    eprintln!("30,000 results, two runs: {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!((ran[0].alerts.len(), results(&ran)), (3, vec![30_000, 0]));
    assert!(begun.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn a_backtest_is_what_would_have_been() {
    let events = world(&[(10, 11, "a"), (30, 80, "late"), (70, 71, "b"), (130, 131, "c")]);
    let asked = Backtest::new(at(61), at(241));
    let made = backtest(&counted(&format!("{HOURLY}enabled: false\n"), "Events"), &events, &asked).await;
    assert!(made.failure.is_none());
    assert_eq!((made.windows, made.again), (5, 1));
    assert_eq!(made.alerts.iter().map(|alert| alert.results).sum::<u64>(), 4);
    assert_eq!(made.repeated, 1);
    assert!(made.scanned >= 4 && made.seconds > 0.0);
    let few = backtest(&counted(HOURLY, "Events"), &events, &Backtest { runs: 2, ..asked }).await;
    assert_eq!((few.windows, few.left), (3, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever order events come in, each is counted as often as it happened.
    #[test]
    fn late_is_not_lost_and_once(
        list in proptest::collection::vec((0_i64..300, 0_i64..400, 0_usize..3), 0..14),
        (frequency, period) in prop_oneof![Just((60, 60)), Just((30, 60)), Just((20, 60)), Just((60, 180))],
        nudge in 1_i64..20,
    ) {
        let names = ["ann", "bob", "cid"];
        let events: Vec<(i64, i64, &str)> =
            list.iter().map(|(happened, late, name)| (1_000 + happened, 1_000 + happened + late, names[*name])).collect();
        let extra = format!("queryFrequency: {frequency}m\nqueryPeriod: {period}m\n");
        // The rule began before the first event, and ends after the last one came.
        let times: Vec<i64> = (0..30).map(|step| 960 + step * 31 + nudge).chain([1_950, 2_011]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ran = runtime.block_on(each(&counted(&extra, "Events"), &world(&events), times));
        prop_assert_eq!(results(&ran).iter().sum::<u64>(), events.len() as u64);
    }
}
