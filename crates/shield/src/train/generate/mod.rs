//! Texts that are made: what the corpora have too little of.
//!
//! * [`grammar`] expands the grammars of `content/shield/grammars`.
//! * [`embed`] hides instructions in mails, tables, code and pages, and makes the same documents without them.
//! * [`simple`] makes texts that say next to nothing.
//! * [`suffix`] puts machine-made strings behind requests, and harmless strings that look as odd.
//!
//! Everything is made of the texts of one fold, so that what is left out stays out.

pub mod embed;
pub mod grammar;
pub mod pools;
pub mod simple;
pub mod suffix;

pub use pools::Pools;
