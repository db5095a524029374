//! The Model Context Protocol as a secure proxy sees it: messages, pins, inspection, taint.

pub mod arguments;
pub mod hidden;
pub mod inspect;
pub mod jcs;
pub mod json;
pub mod message;
pub mod names;
pub mod oauth;
pub mod pin;
pub mod proxy;
pub mod taint;
pub mod transport;
