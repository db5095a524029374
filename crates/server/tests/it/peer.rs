//! Presidio's own library, where it is installed, and requests that are drawn.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The library's answers to requests; nothing where it is not installed.
pub(crate) fn peer(requests: &[Value]) -> Option<Vec<Value>> {
    let python = python("presidio")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/peer.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The Python in which `tools/clients` has installed a client.
pub(crate) fn python(client: &str) -> Option<PathBuf> {
    let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
    let python = clients.or_else(home)?.join(client).join("bin/python");
    python.exists().then_some(python)
}

pub(crate) fn skipped() {
    eprintln!("skipped: no `presidio-anonymizer`; run `tools/clients`, which installs it");
}

/// A small generator of numbers that look random and are the same in every run (xorshift).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % limit
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }
}
