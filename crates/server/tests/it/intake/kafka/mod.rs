//! Topics of Kafka, from a cluster that librdkafka brings and, where it is installed, from a broker of another make.

mod cluster;
mod exact;
mod logins;
mod messages;
mod trouble;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use castellan_base::OsSystem;
use castellan_lake::Lake;
use castellan_query::Settings;
use castellan_server::intake::kafka::Kafka;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{lake, listener};
pub(super) use cluster::Cluster;

/// How long something may take that happens in the background.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lake, and what reads topics into it.
struct Reader {
    lake: Arc<Lake>,
    told: Arc<Mutex<Vec<String>>>,
    running: tokio::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// A configuration with a cluster and these topics.
fn config(cluster: &Cluster, topics: &str) -> String {
    format!(
        "name = \"test\"\nbrokers = {:?}\nlimits = {{ refresh = 1, wait = 100 }}\n{topics}",
        cluster.brokers
    )
}

async fn open(lake: &Arc<Lake>, folder: &Path, text: &str) -> (Kafka, Arc<Mutex<Vec<String>>>) {
    let file = folder.join("kafka.toml");
    std::fs::write(&file, text).unwrap();
    let (tell, told) = listener();
    (Kafka::open(&file, &OsSystem, Arc::clone(lake), tell).await.unwrap(), told)
}

impl Reader {
    async fn start(folder: &TempDir, text: &str) -> Reader {
        Reader::over(lake(folder).await, folder, text).await
    }

    async fn over(lake: Arc<Lake>, folder: &TempDir, text: &str) -> Reader {
        let (kafka, told) = open(&lake, folder.path(), text).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(kafka.run(async {
            let _ = stopped.await;
        }));
        Reader { lake, told, running, stop }
    }

    /// Waits until a query has a value.
    async fn has(&self, query: &str, expected: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let found = self.value(query).await;
            if found == expected {
                return;
            }
            let told = self.told.lock().unwrap().join("\n");
            assert!(tokio::time::Instant::now() < until, "{query}: {found} instead of {expected}\n{told}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The single value of a query as text, or why there is none yet.
    async fn value(&self, query: &str) -> String {
        match self.lake.engine(Settings::default()).query(query).await {
            Ok(answers) => match answers.answers[0].values().unwrap().as_slice() {
                [row] if row.len() == 1 => row[0].to_text(),
                rows => format!("{} rows", rows.len()),
            },
            Err(error) => error.to_string(),
        }
    }

    /// Waits until something is told.
    async fn told(&self, part: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !self.told.lock().unwrap().iter().any(|line| line.contains(part)) {
            let told = self.told.lock().unwrap().join("\n");
            assert!(tokio::time::Instant::now() < until, "nobody told `{part}`:\n{told}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends in an orderly way, and closes the lake.
    async fn end(self) {
        drop(self.stop);
        self.running.await.unwrap();
        let mut lake = self.lake;
        for _ in 0..100 {
            match Arc::try_unwrap(lake) {
                Ok(lake) => return lake.close().await.unwrap(),
                Err(shared) => lake = shared,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("somebody holds the lake");
    }

    /// Ends at any moment, as a process does that is killed; what was begun may or may not be in the lake.
    async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
        let mut lake = self.lake;
        for _ in 0..500 {
            match Arc::try_unwrap(lake) {
                Ok(lake) => return drop(lake),
                Err(shared) => lake = shared,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("somebody holds the lake");
    }
}
