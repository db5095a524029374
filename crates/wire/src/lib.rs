//! The APIs of language models as they go over the wire: what each text of a request, an answer or a stream is, and how to
//! change one text without touching another byte.
//!
//! ```
//! use castellan_wire::{Direction, Point, json, passages, route};
//!
//! let route = route("POST", "/v1/chat/completions").unwrap();
//! let body = br#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#;
//! let tree = json::Tree::read(body, &json::Bounds::default()).unwrap();
//! let read = passages(&tree, route.api, Direction::Request);
//! let told: Vec<_> = read.passages.iter().map(|passage| (passage.point, passage.text.as_str())).collect();
//! assert_eq!(told, [(Point::System, "Be brief."), (Point::User, "Hi")]);
//! ```
//!
//! ```text
//! method, path -> route        which API, in whose dialect
//! bytes -> json::Tree          strict, bounded, each value knows its bytes
//! tree -> passages             every text, where it is meant to be read: system, user, tool result, document, output
//! passages + edits -> bytes    redacted texts put back; the rest is byte for byte what came
//! bytes -> frame::Frames       events of a stream; deltas that belong together are one channel
//! tree -> spotlight            texts of tools and documents marked, so that the model can tell them from instructions
//! text -> active               links and pictures to hosts that nobody has allowed
//! verdict -> refusal           the answer, or the end of a stream, that clients of that dialect expect
//! ```
//!
//! *Invariant (nothing passes unread):* every string of a body is in a passage, or is listed as unscanned with the reason; the
//! only exceptions are short words in members that are known to control the model (`model`, `type`, ...). A member that
//! nobody has heard of is read as what a user typed.
//! *Invariant (byte for byte):* what was not edited is passed on as it came.
//!
//! Everything here is pure: no clock, no disk, no network, no tasks.

mod control;
mod passage;
mod point;
mod route;
mod walk;

pub mod active;
pub mod annotate;
pub mod calls;
pub mod edit;
pub mod form;
pub mod frame;
pub mod json;
pub mod refusal;
pub mod spotlight;
pub mod usage;

pub use passage::{Passage, Place, PlaceKind, Reading, Segment, passages};
pub use point::{Direction, Matter, Point, Unscanned};
pub use route::{Api, Body, Dialect, Route, is_realtime, route};
