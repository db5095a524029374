//! The gate alone: `serve FILE`, where the file is a `castellan.toml`. What it decides is counted and not kept.
//!
//! `castellan gate` does more: it records, issues keys and checks configurations.
#![allow(clippy::disallowed_methods)] // An example reads its file by itself.

use std::sync::Arc;

use castellan_base::OsSystem;
use castellan_gateway::record::{Full, Recorder};
use castellan_gateway::{Gate, Listener, config};
use serde_json::{Map, Value};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Nowhere;

impl Recorder for Nowhere {
    fn record(&self, _table: &'static str, _rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().next_back().ok_or("name a configuration")?;
    let config = config::read(&std::fs::read_to_string(path)?)?;
    let gate = Gate::new(config, Arc::new(OsSystem), Arc::new(Nowhere))?;
    Listener::bind(Arc::new(gate)).await?.run(std::future::pending(), |_| {}).await;
    Ok(())
}
