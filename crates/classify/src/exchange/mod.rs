//! Rules of others: read into the model, and written from it.
//!
//! * [`rule_package`] - Microsoft's rule packages (XML), both ways.

pub mod rule_package;
