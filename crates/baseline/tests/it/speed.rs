//! How many activities a second. `cargo test -p castellan-baseline --test it speed -- --ignored --nocapture`

use std::time::Instant;

use castellan_baseline::{Activity, Bounds, State};

use crate::support::{activity, calls, end_of, start};

#[test]
#[ignore = "it measures"]
fn activities_a_second() {
    let definition = calls();
    let mut state = State::begin_at(&definition, start());
    let (mut count, mut seconds) = (0_u64, 0.0);
    for day in 0..10 {
        let activities: Vec<Activity> = (0..200_000_i64)
            .map(|at| {
                let actor = format!("actor{}", at % 5_000);
                let tool = format!("tool{}", at * 7 % 23);
                activity(day * 1440 + at % 1440, &actor, &tool, "NL", 100)
            })
            .collect();
        count += u64::try_from(activities.len()).unwrap();
        let begun = Instant::now();
        state.take(&definition, activities, end_of(day), &Bounds::default());
        seconds += begun.elapsed().as_secs_f64();
    }
    let begun = Instant::now();
    let bytes = state.encode().unwrap();
    println!(
        "{:.0} activities a second; 5,000 actors in {} KiB by its own count, {} KiB written in {:.2} s",
        count as f64 / seconds,
        state.bytes() >> 10,
        bytes.len() >> 10,
        begun.elapsed().as_secs_f64()
    );
}
