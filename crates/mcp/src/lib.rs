//! The Model Context Protocol as a secure proxy sees it: messages, pins, inspection, taint.

pub mod hidden;
pub mod jcs;
pub mod json;
pub mod message;
pub mod names;
pub mod pin;
pub mod transport;
