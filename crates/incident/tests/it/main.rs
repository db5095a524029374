//! Incidents from outside.

mod exports;
mod sample;
mod store;

type Outcome = Result<(), Box<dyn std::error::Error>>;
