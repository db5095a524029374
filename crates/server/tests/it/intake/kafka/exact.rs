//! Every message once, whatever happens in the middle.

use std::time::Duration;

use tempfile::TempDir;

use super::{Cluster, Reader, config};
use crate::peer::Numbers;

const TOPIC: &str = "[[topics]]\ntopic = \"numbers\"\ntable = \"Numbers_CL\"\n";
/// How many rows there are, and whether all of them are different.
const COUNTS: &str =
    "Numbers_CL | summarize rows = count(), numbers = dcount(n, 4), least = min(n), most = max(n), sum(n)
    | project strcat(rows, ' ', least, ' ', most, ' ', sum_n)";

/// Reads 20,000 messages over four partitions while reading is killed and begun again.
async fn killed(mut cluster: Cluster) {
    const COUNT: usize = 20_000;
    cluster.create("numbers", 4);
    let folder = TempDir::new().unwrap();
    let text = config(&cluster, TOPIC).replace("wait = 100", "wait = 100, fetch = 4096");
    let mut numbers = Numbers(7);
    let (mut written, mut kills) = (0, 0);
    let mut reader = Reader::start(&folder, &text).await;
    while written < COUNT {
        let codec = numbers.pick(&["none", "gzip", "snappy", "lz4", "zstd"]);
        cluster.count("numbers", written, 1_000, 4, codec);
        written += 1_000;
        tokio::time::sleep(Duration::from_millis(numbers.below(150))).await;
        match numbers.below(4) {
            0 => reader.end().await,
            _ => reader.kill().await,
        }
        kills += 1;
        reader = Reader::start(&folder, &text).await;
    }
    let sum = COUNT * (COUNT - 1) / 2;
    reader.has(COUNTS, &format!("{COUNT} 0 {} {sum}", COUNT - 1)).await;
    reader.has("Numbers_CL | summarize by n | count", &COUNT.to_string()).await;
    // What is read is read: nothing comes again, from the log or from files.
    reader.end().await;
    let reader = Reader::start(&folder, &text).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    reader.has("Numbers_CL | count", &COUNT.to_string()).await;
    reader.has("KafkaIntake_CL | where Event == 'begun' | count", "4").await;
    reader.end().await;
    eprintln!("{COUNT} messages are there once after {kills} interruptions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_kept_once_over_interruptions() {
    let Some(cluster) = Cluster::mock() else { return };
    killed(cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_another_broker_are_kept_once_over_interruptions() {
    let Some(cluster) = Cluster::tansu() else { return };
    killed(cluster).await;
}

/// A topic whose messages go to several tables: some have what others have not when reading is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_one_topic_are_exact_each() {
    let Some(mut cluster) = Cluster::mock() else { return };
    const ROUNDS: usize = 12;
    cluster.create("insights", 1);
    let folder = TempDir::new().unwrap();
    let text = config(&cluster, "[[topics]]\ntopic = \"insights\"\nformat = \"diagnostics\"\n");
    let mut numbers = Numbers(11);
    let mut reader = Reader::start(&folder, &text).await;
    for round in 0..ROUNDS {
        let records: Vec<_> = (0..50)
            .map(|at| {
                let category = if (round + at) % 3 == 0 { "SignInLogs" } else { "Odd" };
                let id = format!("{round}-{at}");
                let record = serde_json::json!({ "records": [{
                    "time": "2026-11-21T00:00:00Z", "category": category, "correlationId": id,
                    "resourceId": "/tenants/t/providers/Microsoft.aadiam" }] });
                serde_json::json!([0, null, record.to_string()])
            })
            .collect();
        cluster.produce("insights", "confluent", "lz4", records.into());
        tokio::time::sleep(Duration::from_millis(numbers.below(120))).await;
        reader.kill().await;
        reader = Reader::start(&folder, &text).await;
    }
    let signs = (0..ROUNDS).map(|round| (0..50).filter(|at| (round + at) % 3 == 0).count()).sum::<usize>();
    reader.has("SigninLogs | count", &signs.to_string()).await;
    reader.has("AzureDiagnostics | count", &(ROUNDS * 50 - signs).to_string()).await;
    reader
        .has(
            "union SigninLogs, AzureDiagnostics | summarize by CorrelationId | count",
            &(ROUNDS * 50).to_string(),
        )
        .await;
    reader.end().await;
}
