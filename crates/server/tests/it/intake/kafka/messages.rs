//! What messages are, as producers of several makes write them.

use castellan_base::OsSystem;
use castellan_server::intake::kafka::Kafka;
use serde_json::json;
use tempfile::TempDir;

use super::super::{lake, listener};
use super::{Cluster, Reader, config};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// Has clients write with every packing.
async fn every_packing(mut cluster: Cluster, clients: &[&str]) {
    cluster.create("packed", 2);
    for client in clients {
        for codec in CODECS {
            let messages: Vec<_> = (0..40)
                .map(|at| {
                    let value =
                        json!({ "client": client, "codec": codec, "at": at, "text": "x".repeat(at * 50) });
                    json!([at % 2, "key", value.to_string(), [["trace", "abc"]]])
                })
                .collect();
            cluster.produce("packed", client, codec, messages.into());
        }
    }
    let folder = TempDir::new().unwrap();
    let topic = "[[topics]]\ntopic = \"packed\"\ntable = \"Packed_CL\"\n\
        attributes = { Key = \"key\", Headers = \"headers\", Offset = \"offset\", TimeGenerated = \"time\" }\n";
    let reader = Reader::start(&folder, &config(&cluster, topic)).await;
    let count = &(clients.len() * 200).to_string();
    reader.has("Packed_CL | count", count).await;
    let kinds = "Packed_CL | summarize n = count() by client, codec | where n == 40 | count";
    reader.has(kinds, &(clients.len() * 5).to_string()).await;
    reader.has("Packed_CL | where strlen(text) == at * 50 | count", count).await;
    let told = "Packed_CL | where Key == 'key' and tostring(Headers.trace) == 'abc' | count";
    reader.has(told, count).await;
    reader.has("Packed_CL | where TimeGenerated between (ago(1h) .. now(1h)) | count", count).await;
    reader.has("Packed_CL | summarize by Offset | count", &(clients.len() * 100).to_string()).await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_packing_is_read() {
    let Some(cluster) = Cluster::mock() else { return };
    every_packing(cluster, &["confluent", "aiokafka"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_packing_is_read_from_another_broker() {
    let Some(cluster) = Cluster::tansu() else { return };
    every_packing(cluster, &["confluent", "aiokafka", "kafka-python"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_told_and_passed_by() {
    let Some(mut cluster) = Cluster::mock() else { return };
    cluster.create("mixed", 1);
    cluster.create("logs", 1);
    let messages = json!([
        [0, null, "{\"n\": 1}"],
        [0, null, "{\"n\": "],
        [0, "k", null],
        [0, null, "[{\"n\": 2}, 7, {\"n\": 3}]"],
        [0, null, "\u{ff}\u{fe}"],
        [0, null, "{\"n\": 4}"],
        [0, null, ""],
    ]);
    cluster.produce("mixed", "confluent", "none", messages);
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "a" } }] }] }] });
    cluster.produce("logs", "confluent", "none", json!([[0, null, logs.to_string()], [0, null, "{"]]));
    let folder = TempDir::new().unwrap();
    let topics = "[[topics]]\ntopic = \"mixed\"\ntable = \"Mixed_CL\"\n[[topics]]\ntopic = \"logs\"\nformat = \"otlp-logs\"\n";
    let reader = Reader::start(&folder, &config(&cluster, topics)).await;
    reader.has("Mixed_CL | summarize strcat(count(), ' ', sum(n))", "4 10").await;
    cluster.produce("mixed", "confluent", "none", json!([[0, null, "{\"n\": \"four\"}"]]));
    reader.has("Mixed_CL | summarize strcat(count(), ' ', sum(n))", "5 10").await;
    reader.has("OTelLogs | where Body == 'a' | count", "1").await;
    let offsets = "KafkaIntake_CL | where Topic == 'mixed' and Event == 'rejected' | order by Offset asc
        | summarize strcat_array(make_list(Offset), ' ')";
    reader.has(offsets, "1 3 4 6").await;
    reader.has("KafkaIntake_CL | where Topic == 'logs' and Event == 'rejected' | project Offset", "1").await;
    let changed = "KafkaIntake_CL | where Topic == 'mixed' and Event == 'changed' | project Detail";
    reader.has(changed, "n: 1 not of the column's type").await;
    reader.told("kafka, mixed/0: offset 1: it is not JSON").await;
    reader.end().await;
    // It is passed by for good.
    let reader = Reader::start(&folder, &config(&cluster, topics)).await;
    cluster.produce("mixed", "confluent", "none", json!([[0, null, "{\"n\": 5}"]]));
    reader.has("Mixed_CL | summarize strcat(count(), ' ', sum(n))", "6 15").await;
    reader.has("KafkaIntake_CL | where Event == 'rejected' | count", "5").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_transformed() {
    let Some(mut cluster) = Cluster::mock() else { return };
    cluster.create("calls", 1);
    let calls = json!([
        [0, null, "{\"agent\": \"payout\", \"amount\": 7}"],
        [0, null, "{\"agent\": \"test\"}"],
        [0, null, "[]"],
        [0, null, "{\"agent\": \"payout\", \"amount\": 9}"],
    ]);
    cluster.produce("calls", "confluent", "gzip", calls);
    let folder = TempDir::new().unwrap();
    let topic = "[[topics]]\ntopic = \"calls\"\ntable = \"AgentCalls_CL\"\n\
        columns = { agent = \"string\", amount = \"long\" }\n\
        transformKql = \"source | where agent != 'test' | project Agent = agent, Amount = amount * 2\"\n";
    let reader = Reader::start(&folder, &config(&cluster, topic)).await;
    reader
        .has("AgentCalls_CL | where Agent == 'payout' | summarize strcat(count(), ' ', sum(Amount))", "2 32")
        .await;
    reader.end().await;
    let lake = lake(&folder).await;
    for (topic, expected) in [
        (topic.replace("amount * 2", "nothing * 2"), "kafka.toml:8:16: `transformKql`, line 1, column "),
        (
            topic.replace("amount * 2", "strcat(amount, '')"),
            "the topic `calls`: `Amount` comes out as string",
        ),
    ] {
        let file = folder.path().join("kafka.toml");
        std::fs::write(&file, config(&cluster, &topic)).unwrap();
        let refused = Kafka::open(&file, &OsSystem, lake.clone(), listener().0).await;
        let told = refused.err().unwrap().to_string();
        assert!(told.contains(expected), "{told}");
    }
}
