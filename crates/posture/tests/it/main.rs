//! What a person gets: assessments, reports, fixes and packs, from files to text.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod assessment;
mod coverage;
mod fixes;
mod packs;
mod reports;
mod support;
