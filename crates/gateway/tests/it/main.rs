//! Tests of the gate against real connections.

mod stub;
mod support;
mod upstream;
