//! What each user, identity, agent, tool and key usually does, and what is new or rare.
//!
//! A [`Definition`] is data: a query that gives activities, and what of them is remembered. A [`State`] is what is known of
//! all its actors: first and last seen, counts that fade, volumes, hours of the week, peers. [`step`] reads what was taken in since the
//! last time and gives rows: what is known goes to `CastellanBaselines`, what is unusual to `BehaviorAnalytics` and
//! `Anomalies`, who is like whom to `UserPeerAnalytics`. Rules join these tables.
//!
//! ```
//! use std::sync::Arc;
//! use castellan_baseline::{Activity, Bounds, State, definition};
//! use castellan_base::{Sources, Ticks};
//!
//! let loaded = definition::built_in(&mut Sources::default());
//! let signins = loaded.definitions.iter().find(|one| &*one.id == "user-signins").unwrap();
//! let start: Ticks = "2026-11-01T00:00:00Z".parse().unwrap();
//! let mut state = State::begin_at(signins, start);
//! let activity = |day: i64, country: &str| Activity {
//!     time: start.get() + day * Ticks::PER_DAY,
//!     actor: "ann".into(),
//!     values: signins.dimensions.iter().map(|one| if &*one.column == "Country" { country.into() } else { Arc::from("") }).collect(),
//!     amount: 1,
//!     ..Activity::default()
//! };
//! for day in 0..20 {
//!     let until = start.get() + (day + 1) * Ticks::PER_DAY;
//!     state.take(signins, vec![activity(day, "NL"), activity(day, "NL")], until, &Bounds::default());
//! }
//! let judged = state.judge(signins, &activity(20, "KP"));
//! assert!(judged.insights[0].is_first && judged.priority >= 2);
//! println!("{}", judged.explanation.join("\n"));
//! ```
//!
//! *Invariant (order does not matter):* late events change a state as if they had come in time. *Invariant (replay):* what is taken
//! in again from an older state gives the same state, so that a state may be written now and then; rows are the caller's to
//! write once, by the time that a part ends with. *Invariant (unknown is a verdict):* an actor with too little history is not unusual,
//! and what there is no room for is told ([`Counts`]).
//!
//! Deliberately absent: the lake, the clock, files. What an actor is, its groups and its risk are the queries' to say.

mod activity;
pub mod definition;
pub mod examples;
mod judge;
mod measure;
mod rows;
mod run;
mod state;
mod take;

pub use activity::Activity;
pub use definition::Definition;
pub use judge::{Excess, Insight, Judged, Verdict, rarity};
pub use rows::{ANOMALIES, BASELINES, BEHAVIOR, PEERS, Row, Rows};
pub use run::{Failure, Part, activities, step};
pub use state::{Bounds, Counts, Damaged, State};
pub use take::Taken;
