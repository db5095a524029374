//! The real binary, as people and pipelines run it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

mod backup;
mod baseline;
mod bom;
mod classify;
mod console;
mod content;
mod demo_pages;
mod detect;
mod face;
mod fixes;
mod foundry;
mod gate;
mod incident;
mod intake;
mod intel;
mod kafka;
mod lake;
mod live;
mod packaging;
mod page;
mod pages;
mod pipes;
mod playbook;
mod policy;
mod query;
mod query_examples;
mod reports;
mod scan;
mod shield;
mod up;
mod upgrades;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own for a test, in which the binary runs and keeps what it installs.
struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: TempDir::new().unwrap(), environment: Vec::new() }
    }

    fn with_env(mut self, name: &str, value: &str) -> Desk {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_castellan"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("CASTELLAN_HOME", self.path("home")).envs(self.environment.clone());
        command
    }

    /// Runs the binary to its end.
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs the binary with a text on its standard input.
    fn pipe(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        // A run that refuses its arguments ends without reading.
        let _ = writer.join().unwrap();
        Ran::from(output)
    }
}

/// How a run ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// The output as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The bundled example estate.
fn harbour() -> String {
    repository().join("examples/harbour-mutual").canonicalize().unwrap().display().to_string()
}

/// The corpora, where there are some.
fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("CASTELLAN_CORPORA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| repository().join("../shared/corpora"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpora at {}", folder.display());
    None
}

/// A template with an account that takes keys from everywhere.
const OPEN_ACCOUNT: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {
      "type": "Microsoft.CognitiveServices/accounts",
      "apiVersion": "2025-06-01",
      "name": "open",
      "location": "swedencentral",
      "kind": "OpenAI",
      "sku": { "name": "S0" },
      "properties": { "disableLocalAuth": false, "publicNetworkAccess": "Enabled" }
    }
  ]
}"#;
