//! What must hold for any bytes, tried on many: the same that the targets in `fuzz` try on more.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

#[path = "../../../../fuzz/wire.rs"]
mod invariants;
#[path = "../../../../fuzz/nearly.rs"]
mod nearly;
mod random;
