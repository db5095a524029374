//! Clusters that change, and brokers that fail.

use std::time::Duration;

use castellan_lake::{Lake, Options};
use serde_json::json;
use tempfile::TempDir;

use super::{Cluster, Reader, config};

const TOPIC: &str = "[[topics]]\ntopic = \"numbers\"\ntable = \"Numbers_CL\"\n";
const COUNT: &str = "Numbers_CL | summarize strcat(count(), ' ', sum(n))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_goes_on_when_brokers_fail_and_leaders_change() {
    let Some(mut cluster) = Cluster::mock() else { return };
    cluster.create("numbers", 2);
    let folder = TempDir::new().unwrap();
    let reader = Reader::start(&folder, &config(&cluster, TOPIC)).await;
    cluster.count("numbers", 0, 10, 2, "none");
    reader.has(COUNT, "10 45").await;
    for (partition, broker) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
        cluster.ask(json!({ "do": "lead", "topic": "numbers", "partition": partition, "broker": broker }));
    }
    cluster.count("numbers", 10, 10, 2, "none");
    reader.has(COUNT, "20 190").await;
    cluster.ask(json!({ "do": "down", "broker": 2 }));
    reader.told("it is tried again").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    cluster.ask(json!({ "do": "up", "broker": 2 }));
    cluster.count("numbers", 20, 10, 2, "none");
    reader.has(COUNT, "30 435").await;
    reader.told("it goes on").await;
    // Errors of every kind are waited out: not the leader, no storage, quota, and one that nobody knows.
    cluster.ask(json!({ "do": "fail", "api": 1, "codes": [6, 56, 89, 999, 2, 3] }));
    cluster.ask(json!({ "do": "fail", "api": 3, "codes": [5] }));
    cluster.count("numbers", 30, 10, 2, "none");
    reader.has(COUNT, "40 780").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_no_longer_has_is_told() {
    let Some(mut cluster) = Cluster::mock() else { return };
    cluster.create("numbers", 1);
    let folder = TempDir::new().unwrap();
    let reader = Reader::start(&folder, &config(&cluster, TOPIC)).await;
    for at in 0..10 {
        cluster.count("numbers", at, 1, 1, "none");
    }
    reader.has(COUNT, "10 45").await;
    reader.end().await;
    for at in 10..30 {
        cluster.count("numbers", at, 1, 1, "none");
    }
    cluster.ask(json!({ "do": "trim", "topic": "numbers", "partition": 0, "offset": 15 }));
    let reader = Reader::start(&folder, &config(&cluster, TOPIC)).await;
    reader.has("Numbers_CL | summarize strcat(count(), ' ', max(n))", "25 29").await;
    reader.told("5 messages before offset 15 are gone").await;
    reader.has("KafkaIntake_CL | where Event == 'gap' | project strcat(Offset, ' ', Count)", "10 5").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_may_come_later() {
    let Some(mut cluster) = Cluster::mock() else { return };
    let folder = TempDir::new().unwrap();
    let latest = TOPIC.replace("table", "start = \"latest\"\ntable");
    let reader = Reader::start(&folder, &config(&cluster, &latest)).await;
    reader.told("kafka, numbers: there is no such topic").await;
    cluster.create("numbers", 2);
    cluster.count("numbers", 0, 10, 2, "none");
    // All that is in it came after it was asked for.
    reader.has(COUNT, "10 45").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_may_be_made_again() {
    let Some(mut cluster) = Cluster::mock() else { return };
    let folder = TempDir::new().unwrap();
    let latest = TOPIC.replace("table", "start = \"latest\"\ntable");
    cluster.create("numbers", 1);
    cluster.count("numbers", 0, 5, 1, "none");
    let reader = Reader::start(&folder, &config(&cluster, &latest)).await;
    reader.has("KafkaIntake_CL | where Event == 'begun' | project Offset", "5").await;
    cluster.count("numbers", 5, 5, 1, "none");
    reader.has(COUNT, "5 35").await;
    cluster.ask(json!({ "do": "delete", "topic": "numbers" }));
    cluster.create("numbers", 2);
    cluster.count("numbers", 100, 4, 2, "none");
    reader.has(COUNT, "9 441").await;
    reader.told("another topic has taken its name (generation 2)").await;
    reader.end().await;
    let reader = Reader::start(&folder, &config(&cluster, &latest)).await;
    cluster.count("numbers", 104, 2, 2, "none");
    reader.has(COUNT, "11 650").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_without_an_id_that_ends_too_early_waits_for_a_person() {
    let Some(mut cluster) = Cluster::mock() else { return };
    // As brokers before 2.8 and Event Hubs: topics have no ids, and fetches are of an old version.
    cluster.ask(json!({ "do": "least", "api": 3, "version": 8 }));
    cluster.ask(json!({ "do": "least", "api": 1, "version": 4 }));
    cluster.create("numbers", 1);
    for at in 0..5 {
        cluster.count("numbers", at, 1, 1, "gzip");
    }
    let folder = TempDir::new().unwrap();
    let reader = Reader::start(&folder, &config(&cluster, TOPIC)).await;
    reader.has(COUNT, "5 10").await;
    cluster.ask(json!({ "do": "delete", "topic": "numbers" }));
    cluster.create("numbers", 1);
    cluster.count("numbers", 100, 1, 1, "none");
    reader.told("say `generation = 2` for the topic").await;
    reader.has(COUNT, "5 10").await;
    reader.end().await;
    let reader = Reader::start(&folder, &config(&cluster, &format!("{TOPIC}generation = 2\n"))).await;
    reader.has(COUNT, "6 110").await;
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_come_later_are_read_from_their_beginning() {
    let Some(mut cluster) = Cluster::mock() else { return };
    // Without ids, a topic that is made again with more partitions and no messages yet is one that was given some.
    cluster.ask(json!({ "do": "least", "api": 3, "version": 8 }));
    cluster.create("numbers", 1);
    let folder = TempDir::new().unwrap();
    let latest = TOPIC.replace("table", "start = \"latest\"\ntable");
    let reader = Reader::start(&folder, &config(&cluster, &latest)).await;
    reader.has("KafkaIntake_CL | where Event == 'begun' | count", "1").await;
    cluster.ask(json!({ "do": "delete", "topic": "numbers" }));
    cluster.create("numbers", 3);
    cluster.count("numbers", 6, 6, 3, "none");
    reader.has(COUNT, "6 51").await;
    reader.has("KafkaIntake_CL | where Event == 'begun' | count", "3").await;
    reader.end().await;
}

/// A lake that has no room makes reading wait, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_without_room_makes_reading_wait() {
    let Some(mut cluster) = Cluster::mock() else { return };
    cluster.create("numbers", 2);
    cluster.count("numbers", 0, 5_000, 2, "zstd");
    let folder = TempDir::new().unwrap();
    let options = Options { disk_reserve: 0, memory: 20_000, ..Options::default() };
    let lake = std::sync::Arc::new(Lake::open(&folder.path().join("lake"), options).await.unwrap());
    let text = config(&cluster, TOPIC).replace("wait = 100", "wait = 100, fetch = 4096");
    let reader = Reader::over(lake, &folder, &text).await;
    reader.told("the lake does not take rows now").await;
    reader.has(COUNT, "5000 12497500").await;
    reader.end().await;
}
