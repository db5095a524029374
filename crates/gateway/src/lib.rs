//! The gate for model and tool traffic: authenticate, authorise, meter, inspect, forward, record.

pub mod guard;
pub mod stub;
pub mod upstream;
