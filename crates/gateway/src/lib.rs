//! The gate for model and tool traffic: authenticate, authorise, meter, inspect, forward, record.
#![recursion_limit = "256"] // For rows of many columns in `json!`.

mod aside;
pub mod cache;
pub mod config;
mod described;
mod fetch;
mod gate;
pub mod guard;
mod held;
mod idle;
pub mod limit;
mod listen;
pub mod mcp;
pub mod metrics;
mod opening;
mod proxy;
pub mod record;
pub mod stub;
mod tls;
pub mod traces;
pub mod upstream;
pub mod view;

pub use config::Config;
pub use gate::{Gate, GateError, pepper};
pub use listen::{ListenError, Listener};
pub use tls::TlsError;
