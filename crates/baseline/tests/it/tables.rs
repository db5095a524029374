//! Activities out of tables, by the time at which rows were taken in.

use castellan_base::Ticks;
use castellan_baseline::{BEHAVIOR, Bounds, Failure, State, step};
use castellan_detect::run::{Events, Memory, Rows};
use castellan_query::{Limits, Settings};
use serde_json::json;

use crate::support::{calls, start, time};

fn row(of: &str, received: &str, user: &str, tool: &str) -> serde_json::Map<String, serde_json::Value> {
    let row = json!({"TimeGenerated": of, "_TimeReceived": received, "User": user, "Team": "", "Tool": tool,
        "Country": "NL", "Amount": 5});
    row.as_object().unwrap().clone()
}

#[tokio::test]
async fn rows_are_counted_once_whenever_they_come() {
    let definition = calls();
    let mut rows: Rows = Vec::new();
    for day in 1..=20 {
        for hour in 10..13 {
            let of = format!("2026-09-{day:02}T{hour}:00:00Z");
            rows.push(row(&of, &of, "a", "search"));
        }
    }
    // Of the tenth, and taken in on the 21st.
    rows.push(row("2026-09-10T12:00:00Z", "2026-09-21T11:00:00Z", "a", "late"));
    rows.push(row("2026-09-21T12:00:00Z", "2026-09-21T12:00:00Z", "a", "shell"));
    let mut events = Memory::default();
    events.add_json("Calls", Vec::new(), &rows).unwrap();
    let mut state = State::begin_at(&definition, start());
    let (mut unusual, mut parts) = (Vec::new(), 0);
    let now = time("2026-09-22T00:00:30Z");
    while let Some(part) = state.next(now, Ticks::PER_DAY) {
        let engine = events.engine(now).await.unwrap();
        let taken = step(&definition, &mut state, engine, part, &Bounds::default()).await.unwrap();
        unusual.extend(taken.rows.of(BEHAVIOR).to_vec());
        parts += 1;
    }
    assert_eq!(state.counts().activities, 62);
    let tools: Vec<String> =
        unusual.iter().map(|row| row["ActivityInsights"]["Values"]["Tool"].to_string()).collect();
    assert!(tools.contains(&"\"shell\"".to_owned()), "{tools:?}");
    assert!(parts > 100, "the ninety days before are learnt from, day by day");
    assert_eq!(state.next(now, Ticks::PER_DAY), None);
}

#[tokio::test]
async fn too_many_rows_leave_the_state_as_it_was() {
    let definition = calls();
    let rows: Rows = (0..50)
        .map(|at| {
            let of = format!("2026-09-01T00:00:{at:02}Z");
            row(&of, &of, "a", "search")
        })
        .collect();
    let limits = Limits { rows: 10, ..Limits::default() };
    let mut events = Memory::new(Settings { limits, ..Settings::default() });
    events.add_json("Calls", Vec::new(), &rows).unwrap();
    let now = time("2026-09-01T01:00:00Z");
    let mut state = State::begin_at(&definition, start());
    let mut most = Ticks::PER_DAY;
    let mut narrowest = most;
    while let Some(part) = state.next(now, most) {
        let before = state.clone();
        let engine = events.engine(now).await.unwrap();
        match step(&definition, &mut state, engine, part, &Bounds::default()).await {
            Ok(_) => most = (most * 2).min(Ticks::PER_DAY),
            Err(error) if error.is_too_much() => {
                assert_eq!(state, before);
                most /= 2;
                narrowest = narrowest.min(most);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(state.counts().activities, 50);
    assert!(narrowest < 16 * Ticks::PER_SECOND);
}

#[tokio::test]
async fn a_query_without_its_columns_is_told() {
    let definition = castellan_baseline::Definition {
        query: "Calls | project Time = TimeGenerated, Actor = User".to_owned(),
        ..calls()
    };
    let mut events = Memory::default();
    events
        .add_json("Calls", Vec::new(), &vec![row("2026-09-01T00:00:00Z", "2026-09-01T00:00:00Z", "a", "t")])
        .unwrap();
    let engine = events.engine(time("2026-09-02T00:00:00Z")).await.unwrap();
    let error = castellan_baseline::activities(&definition, &engine).await.unwrap_err();
    assert!(matches!(&error, Failure::Column { column, .. } if column == "Tool"), "{error}");
}
