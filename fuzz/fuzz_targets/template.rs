//! ARM templates: any JSON expands to resources and diagnostics.
#![no_main]

use castellan_arm::{DeploymentContext, expand_template};
use castellan_base::{Limits, Sources, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let source = sources.add("fuzz", text);
    if let Ok(template) = json::parse(text, source, &Limits::default()) {
        let _ = expand_template(&template, None, &DeploymentContext::default());
    }
});
