//! Order, replay, decay and room.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_baseline::{Activity, BASELINES, BEHAVIOR, Bounds, State, Verdict};
use proptest::prelude::*;

use crate::support::{activity, calls, end_of, start};

fn some() -> impl Strategy<Value = Activity> {
    let tools = prop::sample::select(vec!["search", "mail", "files", "shell", ""]);
    let countries = prop::sample::select(vec!["NL", "DE", "FR"]);
    let names = prop::sample::select(vec!["a", "b", "c"]);
    (0..5_760_i64, names, tools, countries, 0..5_000_u64)
        .prop_map(|(minute, name, tool, country, amount)| activity(minute, name, tool, country, amount))
}

/// Takes activities in by the day on which they come, each day in parts.
fn taken(came: &[(Activity, i64)], parts: i64) -> State {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    let length = Ticks::PER_DAY / parts;
    for part in 0..6 * parts {
        let (from, until) = (start().get() + part * length, start().get() + (part + 1) * length);
        let now = came.iter().filter(|(_, at)| (from..until).contains(at));
        let activities = now.map(|(activity, _)| activity.clone()).collect();
        state.take(&definition, activities, until, &Bounds::default());
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn when_events_come_does_not_matter(
        activities in prop::collection::vec((some(), 0..2_880_i64), 0..80), parts in 1..5_i64,
    ) {
        let last = start().get() + 6 * Ticks::PER_DAY - 1;
        let in_time: Vec<_> = activities.iter().map(|(one, _)| (one.clone(), one.time)).collect();
        let late: Vec<_> = activities
            .iter()
            .map(|(one, by)| (one.clone(), (one.time + by * 60 * Ticks::PER_SECOND).min(last)))
            .collect();
        let (one, other) = (taken(&in_time, 1), taken(&late, parts));
        // Peers are those of the last midnight, and what was known then does depend on what had come.
        prop_assert_eq!(at_rest(one), at_rest(other));
    }

    #[test]
    fn replaying_from_an_older_state_gives_the_same(
        activities in prop::collection::vec(some(), 0..80), cut in 0..6_i64,
    ) {
        let definition = calls();
        let day = |day: i64| -> Vec<Activity> {
            let range = end_of(day - 1)..end_of(day);
            activities.iter().filter(|one| range.contains(&one.time)).cloned().collect()
        };
        let mut state = State::begin_at(&definition, start());
        let (mut kept, mut rows) = (None, Vec::new());
        for number in 0..6 {
            if number == cut {
                kept = Some(state.encode().unwrap());
            }
            rows.push(state.take(&definition, day(number), end_of(number), &Bounds::default()).rows);
        }
        let mut again = State::decode(&kept.unwrap()).unwrap();
        for number in cut..6 {
            let taken = again.take(&definition, day(number), end_of(number), &Bounds::default());
            prop_assert_eq!(&taken.rows, &rows[usize::try_from(number).unwrap()]);
        }
        prop_assert_eq!(again, state);
    }

    #[test]
    fn a_state_stays_within_its_room(
        activities in prop::collection::vec((0..3_000_i64, 0..500_u32, 0..500_u32), 1..2_000),
    ) {
        let definition = calls();
        let bounds = Bounds { actors: 40, values: 20, bytes: 200_000 };
        let mut state = State::begin_at(&definition, start());
        let count = u64::try_from(activities.len()).unwrap();
        for (number, chunk) in activities.chunks(100).enumerate() {
            let day = i64::try_from(number).unwrap();
            let chunk = chunk.iter().map(|(minute, actor, tool)| {
                activity(day * 1440 + minute % 1440, &format!("a{actor}"), &format!("t{tool}"), "NL", 1)
            });
            state.take(&definition, chunk.collect(), end_of(day), &bounds);
            prop_assert!(state.actors() <= bounds.actors && state.bytes() <= bounds.bytes);
        }
        let counts = *state.counts();
        prop_assert_eq!(counts.activities, count);
        prop_assert!(counts.evicted_actors > 0 || count < 200, "{:?}", counts);
    }

    #[test]
    fn bytes_that_are_no_state_are_told(at in 0..400_usize, byte in any::<u8>(), cut in 0..400_usize) {
        let definition = calls();
        let mut state = State::begin_at(&definition, start());
        state.take(&definition, vec![activity(1, "a", "t", "NL", 1)], end_of(0), &Bounds::default());
        let bytes = state.encode().unwrap();
        prop_assert_eq!(&State::decode(&bytes).unwrap(), &state);
        let mut changed = bytes.clone();
        let place = at % bytes.len();
        changed[place] ^= byte | 1;
        prop_assert!(State::decode(&changed).is_err());
        prop_assert!(State::decode(&bytes[..cut % bytes.len()]).is_err());
    }
}

/// A state after a day on which nothing came, so that peers are those of what is known now.
fn at_rest(mut state: State) -> State {
    state.take(&calls(), Vec::new(), end_of(6), &Bounds::default());
    state
}

#[test]
fn too_little_history_is_an_answer_of_its_own() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    for day in 0..6 {
        let activities =
            (0..4).map(|hour| activity(day * 1440 + hour * 60, "a", "search", "NL", 1)).collect();
        state.take(&definition, activities, end_of(day), &Bounds::default());
    }
    let new = |day: i64, actor: &str| activity(day * 1440 + 5, actor, "shell", "KP", 1);
    for (actor, words) in [("a", "too short a time: 6 days"), ("b", "never seen before")] {
        let judged = state.judge(&definition, &new(6, actor));
        assert_eq!((judged.verdict, judged.priority), (Verdict::InsufficientHistory, 0));
        assert!(judged.explanation[0].contains(words), "{:?}", judged.explanation);
    }
    let taken = state.take(&definition, vec![new(6, "b")], end_of(6), &Bounds::default());
    let row = &taken.rows.of(BEHAVIOR)[0];
    assert!(
        row["InvestigationPriority"].is_null() && row["ActivityInsights"]["Verdict"] == "InsufficientHistory"
    );
    let known = taken.rows.of(BASELINES).iter().filter(|row| row["Actor"] == "b");
    assert!(known.into_iter().all(|row| row["Verdict"] == "InsufficientHistory"));
    state.take(&definition, vec![activity(7 * 1440, "a", "search", "NL", 1)], end_of(7), &Bounds::default());
    assert_eq!(state.judge(&definition, &new(8, "a")).verdict, Verdict::Unusual);
}

#[test]
fn values_without_room_are_not_new() {
    let definition = calls();
    let bounds = Bounds { values: 5, ..Bounds::default() };
    let mut state = State::begin_at(&definition, start());
    for day in 0..10 {
        let activities: Vec<Activity> =
            (0..8).map(|tool| activity(day * 1440 + tool, "a", &format!("t{tool}"), "NL", 1)).collect();
        state.take(&definition, activities, end_of(day), &bounds);
    }
    let judged = state.judge(&definition, &activity(10 * 1440, "a", "shell", "NL", 1));
    assert_eq!(judged.verdict, Verdict::Unknown, "{judged:?}");
    assert!(state.counts().beyond > 0 && state.counts().evicted_values > 0);
}

#[test]
fn what_is_not_counted_is_told() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    let activities = vec![
        activity(-200 * 1440, "a", "t", "NL", 1),
        activity(10 * 1440, "a", "t", "NL", 1),
        activity(5, "", "t", "NL", 1),
        activity(6, "a", "t", "NL", 1),
    ];
    let counts = state.take(&definition, activities, end_of(0), &Bounds::default()).counts;
    assert_eq!((counts.old, counts.ahead, counts.nameless, counts.activities), (1, 1, 1, 1));
}

#[test]
fn peers_are_those_of_a_group_and_those_who_are_alike() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    let mut peers = Vec::new();
    for day in 0..10 {
        let mut activities = Vec::new();
        for (team, tools) in [("red", ["a", "b", "c"]), ("blue", ["x", "y", "z"])] {
            for actor in 0..5 {
                for (hour, tool) in (9..).zip(tools) {
                    let name = format!("{team}{actor}");
                    activities.push(activity(day * 1440 + hour * 60, &name, tool, "NL", 1));
                }
            }
        }
        let mut odd = activity(day * 1440 + 600, "odd", &format!("only{day}"), "KP", 1);
        odd.group = Arc::from("red");
        let mut of_group = activity(day * 1440 + 600, "red0", "a", "NL", 1);
        of_group.group = Arc::from("red");
        activities.extend([odd, of_group]);
        let taken = state.take(&definition, activities, end_of(day), &Bounds::default());
        peers.extend(taken.rows.of(castellan_baseline::PEERS).to_vec());
    }
    let of = |user: &str| -> BTreeSet<String> {
        let rows = peers.iter().filter(|row| row["UserId"] == user);
        rows.map(|row| row["PeerUserId"].as_str().unwrap().to_owned()).collect()
    };
    assert!(of("red1").iter().all(|peer| peer.starts_with("red")) && of("red1").contains("red2"));
    assert!(of("blue1").iter().all(|peer| peer.starts_with("blue")) && !of("blue1").is_empty());
    assert_eq!(of("odd"), BTreeSet::from(["red0".to_owned()]), "by the group alone");
    let judged = state.judge(&definition, &activity(11 * 1440, "red1", "shell", "NL", 1));
    assert!(judged.insights[0].peers.0 >= 4 && judged.insights[0].peers.1 == 0, "{judged:?}");
    let shared = state.judge(&definition, &activity(11 * 1440, "red1", "x", "NL", 1));
    assert!(shared.priority < judged.priority, "{shared:?}");
}

#[test]
fn what_is_not_seen_again_is_forgotten() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    state.take(&definition, vec![activity(1, "a", "t", "NL", 1)], end_of(0), &Bounds::default());
    for day in 1..=90 {
        state.take(&definition, Vec::new(), end_of(day), &Bounds::default());
    }
    assert_eq!(state.actors(), 1);
    state.take(&definition, Vec::new(), end_of(91), &Bounds::default());
    assert_eq!((state.actors(), state.bytes()), (0, 0));
}
