//! Topics of Kafka read by the real program, which is killed while it reads.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::intake::Up;
use crate::{Desk, repository};

/// librdkafka's cluster, and a client that writes to it.
struct Cluster {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// The cluster and its brokers; nothing where the client is not installed.
    fn start() -> Option<(Cluster, String)> {
        let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
        let python = clients.or_else(home)?.join("kafka/bin/python");
        if !python.exists() {
            eprintln!("skipped: no `kafka`; run `tools/clients`, which installs it");
            return None;
        }
        let script = repository().join("crates/server/tests/data/kafka_cluster.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut cluster = Cluster { child, input, output: BufReader::new(output) };
        let brokers = cluster.answer().as_str().unwrap().to_owned();
        Some((cluster, brokers))
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, request: &Value) {
        writeln!(self.input, "{request}").unwrap();
        self.input.flush().unwrap();
        let answer = self.answer();
        assert!(answer.is_string(), "{request}: {answer}");
    }
}

#[test]
fn messages_are_kept_once_though_the_program_is_killed() {
    const ROUNDS: usize = 8;
    const A_ROUND: usize = 1_500;
    let Some((mut cluster, brokers)) = Cluster::start() else { return };
    let desk = Desk::new();
    let brokers: Vec<&str> = brokers.split(',').collect();
    desk.file(
        "kafka.toml",
        &format!(
            "name = \"killed\"\nbrokers = {brokers:?}\nlimits = {{ refresh = 1, wait = 100, fetch = 4096 }}\n\
             [[topics]]\ntopic = \"numbers\"\ntable = \"Numbers_CL\"\n"
        ),
    );
    cluster.ask(&json!({ "do": "create", "topic": "numbers", "partitions": 3 }));
    let start = || Up::start(&desk, &["--lake", "l", "--kafka", "kafka.toml"]);
    for round in 0..ROUNDS {
        let mut up = start();
        up.told("castellan is up at http://");
        cluster.ask(&json!({
            "do": "count", "topic": "numbers", "first": round * A_ROUND, "count": A_ROUND, "partitions": 3, "codec": "lz4",
        }));
        // Some are killed before they have read anything, some in the midst, some when they are through.
        std::thread::sleep(Duration::from_millis(u64::try_from(round).unwrap() * 130 % 700));
        up.kill();
    }
    let all = ROUNDS * A_ROUND;
    let mut up = start();
    up.told("castellan is up at http://");
    let query =
        "Numbers_CL | summarize rows = count(), numbers = dcount(n, 4), least = min(n), most = max(n)";
    let mut last = String::new();
    for _ in 0..120 {
        std::thread::sleep(Duration::from_millis(500));
        let ran = desk.run(&["query", "Numbers_CL | count", "--lake", "l", "--format", "csv"]);
        last = format!("{ran:?}");
        if ran.out.lines().nth(1) == Some(&all.to_string()) {
            break;
        }
    }
    let (code, told) = up.end();
    assert_eq!(code, Some(0), "{told}");
    let ran = desk.run(&["query", query, "--lake", "l", "--format", "csv"]);
    let row = ran.out.lines().nth(1).unwrap_or_default();
    assert!(
        row.starts_with(&format!("{all},")) && row.ends_with(&format!(",0,{}", all - 1)),
        "{ran:?} {last}"
    );
    let ran = desk.run(&["query", "Numbers_CL | summarize by n | count", "--lake", "l", "--format", "csv"]);
    assert_eq!(ran.out.lines().nth(1), Some(all.to_string().as_str()), "{ran:?}");
}
