//! Upstreams against servers that behave, and servers that do not.

mod azure;
mod choosing;
mod encrypted;
mod faults;
mod sending;
