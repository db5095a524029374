//! Playbooks from their text to their effects.

// Fixtures are JSON that is written here; a wrong one has to stop the test that uses it.
#![allow(clippy::indexing_slicing)]

mod automation;
mod azure;
mod behaviour;
mod content;
mod hostile;
mod import;
mod killed;
mod messages;
mod plans;
mod random;
mod reading;
mod schemas;
mod service;
mod support;
mod verdicts;
