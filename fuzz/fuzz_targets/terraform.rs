//! Terraform plans and state: any JSON expands to resources and diagnostics.
#![no_main]

use castellan_arm::{DeploymentContext, terraform};
use castellan_base::{Limits, Sources, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let source = sources.add("fuzz", text);
    if let Ok(plan) = json::parse(text, source, &Limits::default()) {
        let _ = terraform::expand(&plan, &DeploymentContext::default());
    }
});
