//! What schemathesis (PyPI) finds: requests that are drawn from the description of the API, right and wrong ones, get no 5xx
//! and no answer that is not described.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::site::{Site, TOKEN};
use crate::peer::python;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drawn_requests_get_described_answers() {
    let Some(python) = python("schemathesis") else {
        eprintln!("skipped: no `schemathesis`; run `tools/clients`, which installs it");
        return;
    };
    let site = Site::usual().await;
    let program: PathBuf = python.with_file_name("schemathesis");
    let examples = std::env::var("CASTELLAN_SCHEMATHESIS").unwrap_or_else(|_| "8".to_owned());
    let mut command = Command::new(program);
    command
        .args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.yaml"), "--url", &site.url])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples, "--seed", "1"])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"])
        // Events have no end, and the provider is not configured.
        .args(["--exclude-operation-id", "getEvents", "--request-timeout", "20", "--no-color"])
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    println!(
        "{}",
        told.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    );
}
