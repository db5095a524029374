//! What is found of anomalies that were planted among 60 generated days.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use castellan_baseline::{ANOMALIES, Activity, Bounds, State};

use crate::support::{activity, calls, end_of, start};

/// Numbers that look random and are the same each time (Vigna, SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

const DAYS: i64 = 60;
const ACTORS: u64 = 60;
/// Tools of each of three teams, the first ones used most; some are used by all.
const TOOLS: u64 = 8;

/// The tool of a team: a low number more often than a high one.
fn tool(chance: &mut Chance, actor: u64) -> String {
    if chance.next(5) == 0 {
        return format!("shared{}", chance.next(4));
    }
    let number = chance.next(TOOLS).min(chance.next(TOOLS)).min(chance.next(TOOLS));
    format!("team{}-{number}", actor % 3)
}

/// A usual day: office hours on five days, volumes that vary by a half.
fn usual(chance: &mut Chance, day: i64) -> Vec<Activity> {
    let mut activities = Vec::new();
    for actor in 0..ACTORS {
        if day % 7 > 4 || chance.next(20) == 0 {
            continue;
        }
        for _ in 0..6 + chance.next(10) {
            let minute = day * 1440 + 8 * 60 + i64::try_from(chance.next(10 * 60)).unwrap();
            let home = ["NL", "DE", "FR"][usize::try_from(actor % 3).unwrap()];
            // Now and then somebody travels to a country of the others.
            let country = if chance.next(400) == 0 { "BE" } else { home };
            let amount = 500 + actor * 20 + chance.next(500 + actor * 10);
            activities.push(activity(
                minute,
                &format!("actor{actor}"),
                &tool(chance, actor),
                country,
                amount,
            ));
        }
    }
    activities
}

/// What is planted: the actor and the day of each, with what it is.
fn planted(chance: &mut Chance, day: i64) -> Vec<(Activity, &'static str)> {
    let actor = chance.next(ACTORS);
    let name = format!("actor{actor}");
    let minute = day * 1440 + 3 * 60 + i64::try_from(chance.next(60)).unwrap();
    match day % 4 {
        0 => vec![(activity(minute, &name, "exfiltrate", "NL", 700), "new tool")],
        1 => vec![(activity(minute, &name, "shared0", "KP", 700), "new country")],
        2 => vec![(activity(minute, &name, "shared1", "DE", 400_000), "volume")],
        _ => vec![(activity(minute, &name, "keys", "RU", 900), "new tool and country")],
    }
}

/// An actor and a day.
type Place = (String, i64);

/// What was planted and what was found, of a seed.
fn ran(seed: u64) -> (BTreeMap<Place, &'static str>, BTreeSet<Place>) {
    let definition = calls();
    let mut chance = Chance(seed);
    let mut state = State::begin_at(&definition, start());
    let (mut truth, mut found) = (BTreeMap::new(), BTreeSet::new());
    for day in 0..DAYS {
        let mut activities = usual(&mut chance, day);
        // Two weeks to learn, then one of them on each working day.
        if day >= 21 && day % 7 <= 4 {
            for (activity, what) in planted(&mut chance, day) {
                truth.insert((activity.actor.to_string(), day), what);
                activities.push(activity);
            }
        }
        let taken = state.take(&definition, activities, end_of(day), &Bounds::default());
        for row in taken.rows.of(ANOMALIES) {
            let at: Ticks = row["StartTime"].as_str().unwrap().parse().unwrap();
            let day = (at.get() - start().get()) / Ticks::PER_DAY;
            let one = (row["UserName"].as_str().unwrap().to_owned(), day);
            if !truth.contains_key(&one) {
                println!("beside: {one:?} {}", row["Description"]);
            }
            found.insert(one);
        }
    }
    (truth, found)
}

#[test]
fn planted_anomalies_are_found() {
    let (mut planted, mut all, mut hits) = (0, 0, 0);
    for seed in [42, 7, 2026, 99] {
        let (truth, found) = ran(seed);
        let missed: Vec<_> = truth.iter().filter(|(one, _)| !found.contains(*one)).collect();
        println!("seed {seed}: missed {missed:?}");
        planted += truth.len();
        all += found.len();
        hits += found.iter().filter(|one| truth.contains_key(one)).count();
    }
    let (precision, recall) = (hits as f64 / all.max(1) as f64, hits as f64 / planted as f64);
    println!(
        "planted {planted}, found {hits} of them and {} beside: precision {precision:.3}, recall {recall:.3}",
        all - hits
    );
    assert!(planted > 100 && precision >= 0.85 && recall >= 0.8, "precision {precision}, recall {recall}");
}
