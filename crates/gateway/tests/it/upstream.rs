//! Upstreams against servers that behave, and servers that do not.

mod sending;
