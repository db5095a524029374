//! Clusters: librdkafka's own, and a broker of another make.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::peer::python;

/// A cluster, and clients that write to it.
pub(crate) struct Cluster {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(super) brokers: Vec<String>,
    _broker: Option<Broker>,
}

/// A broker that runs until this is dropped.
struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// librdkafka's cluster of two brokers; nothing where the client is not installed.
    pub(super) fn mock() -> Option<Cluster> {
        Cluster::with(&[], None)
    }

    /// Tansu: a broker in Rust that has nothing in common with librdkafka. Nothing where it is not installed.
    pub(super) fn tansu() -> Option<Cluster> {
        let program = std::env::var_os("CASTELLAN_TANSU").map(PathBuf::from).or_else(|| {
            Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/kafka-tansu/bin/tansu"))
        });
        let Some(program) = program.filter(|program| program.exists()) else {
            eprintln!(
                "skipped: no `tansu`; get it with: cargo install tansu --features dynostore --root ~/.cache/castellan/kafka-tansu"
            );
            return None;
        };
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listens = format!("tcp://{free}");
        let arguments =
            ["broker", "--storage-engine", "memory://tansu/", "--silent", "--listener-url", &listens];
        let child = Command::new(program)
            .args(arguments)
            .args(["--advertised-listener-url", &listens])
            .env("RUST_LOG", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let broker = Broker(child);
        for _ in 0..100 {
            if std::net::TcpStream::connect(free).is_ok() {
                return Cluster::with(&[free.to_string()], Some(broker));
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("tansu does not listen");
    }

    fn with(arguments: &[String], broker: Option<Broker>) -> Option<Cluster> {
        let Some(python) = python("kafka") else {
            eprintln!("skipped: no `kafka`; run `tools/clients`, which installs it");
            return None;
        };
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/kafka_cluster.py");
        let mut child = Command::new(python)
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut cluster =
            Cluster { child, input, output: BufReader::new(output), brokers: Vec::new(), _broker: broker };
        let brokers = cluster.answer();
        cluster.brokers = brokers.as_str().unwrap().split(',').map(str::to_owned).collect();
        Some(cluster)
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Has something done; gives why it was not.
    pub(super) fn tried(&mut self, request: &Value) -> Result<String, String> {
        writeln!(self.input, "{request}").unwrap();
        self.input.flush().unwrap();
        match self.answer() {
            Value::String(told) => Ok(told),
            failed => Err(failed.to_string()),
        }
    }

    pub(super) fn ask(&mut self, request: Value) -> String {
        self.tried(&request).unwrap_or_else(|failed| panic!("{request}: {failed}"))
    }

    pub(super) fn create(&mut self, topic: &str, partitions: usize) {
        self.ask(json!({ "do": "create", "topic": topic, "partitions": partitions }));
    }

    /// Writes rows `{"n": NUMBER}`.
    pub(super) fn count(&mut self, topic: &str, first: usize, count: usize, partitions: usize, codec: &str) {
        self.ask(json!({
            "do": "count", "topic": topic, "first": first, "count": count, "partitions": partitions, "codec": codec,
        }));
    }

    /// Writes messages: partition, key, value, headers.
    pub(super) fn produce(&mut self, topic: &str, client: &str, codec: &str, messages: Value) {
        self.ask(json!({
            "do": "produce", "topic": topic, "client": client, "codec": codec, "messages": messages,
        }));
    }
}
