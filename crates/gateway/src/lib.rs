//! The gate for model and tool traffic: authenticate, authorise, meter, inspect, forward, record.

pub mod limit;
pub mod stub;
pub mod upstream;
