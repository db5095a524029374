//! How fast rows are held against indicators: `cargo bench -p castellan-intel`.
//!
//! A million indicators of six kinds; rows of network events of which one in a thousand has a value of them. What the index
//! weighs is printed first.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::sync::LazyLock;

use castellan_base::Ticks;
use castellan_detect::run::Results;
use castellan_intel::matching::{Index, Never, Places, Sign, search};
use castellan_kql::plan::Field as Column;
use castellan_kql::{ScalarType, Value};
use castellan_query::physical;
use castellan_stix::{Alternative, Kind, Observable};
use divan::counter::ItemsCount;

const INDICATORS: usize = 1_000_000;
const ROWS: usize = 100_000;

fn main() {
    println!("{} indicators: {} MiB", INDEX.values(), INDEX.bytes() >> 20);
    divan::main();
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for number in 0..INDICATORS {
        let alternatives = [Alternative { parts: vec![observable(number)], from: None, until: None }];
        let id = format!("indicator--00000000-0000-4000-8000-{number:012}");
        let sign = Sign {
            id: &id,
            name: "campaign",
            confidence: Some(70),
            alternatives: &alternatives,
            from: Ticks::MIN,
            until: None,
        };
        index.add(&sign, Never::built_in()).unwrap();
    }
    index
});

static EVENTS: LazyLock<Results> = LazyLock::new(|| {
    let columns: Vec<Column> = ["SourceIP", "DestinationIP", "DestinationHostName", "RequestURL", "FileHash"]
        .into_iter()
        .map(|name| Column::new(name, ScalarType::String))
        .chain([Column::new("TimeGenerated", ScalarType::DateTime)])
        .collect();
    let rows: Vec<Vec<Value>> = (0..ROWS).map(row).collect();
    let batch = physical::batch(physical::schema(&columns), &columns, rows.iter()).unwrap();
    Results { columns, batches: vec![batch] }
});

static PROMPTS: LazyLock<Results> = LazyLock::new(|| {
    let columns = vec![
        Column::new("TimeGenerated", ScalarType::DateTime),
        Column::new("InputMessages", ScalarType::String),
    ];
    let text = "Please look at https://docs.example.org/a/b?c=d and summarise what ann@contoso.com wrote. "
        .repeat(10);
    let rows: Vec<Vec<Value>> = (0..1_000)
        .map(|_| vec![Value::datetime(638_000_000_000_000_000), Value::string(text.as_str())])
        .collect();
    let batch = physical::batch(physical::schema(&columns), &columns, rows.iter()).unwrap();
    Results { columns, batches: vec![batch] }
});

fn observable(number: usize) -> Observable {
    let (kind, value) = match number % 6 {
        0 => (
            Kind::Ip,
            format!("{}.{}.{}.{}", 20 + number % 80, number / 80 % 250, number / 20_000 % 250, number % 251),
        ),
        1 => (Kind::Domain, format!("h{number}.evil.example")),
        2 => (Kind::Url, format!("http://h{number}.example/a/{number}")),
        3 => (Kind::Hash, format!("{number:064x}")),
        4 => (Kind::Email, format!("u{number}@evil.example")),
        _ => {
            (Kind::Ip, format!("{}.{}.{}.0/24", 110 + number % 80, number / 80 % 250, number / 20_000 % 250))
        }
    };
    Observable::new(kind, &value).unwrap()
}

fn row(number: usize) -> Vec<Value> {
    let host = if number.is_multiple_of(1_000) {
        format!("x.h{}.evil.example", number + 1)
    } else {
        format!("h{number}.good.example")
    };
    vec![
        Value::string(format!("10.1.{}.{}", number / 250 % 250, number % 250)),
        Value::string(format!("200.{}.{}.{}", number % 250, number / 250 % 250, number % 99)),
        Value::string(host.as_str()),
        Value::string(format!("https://{host}/path/{number}?q=1")),
        Value::string(format!("{:063x}f", number)),
        Value::datetime(638_000_000_000_000_000),
    ]
}

#[divan::bench]
fn network_events(bencher: divan::Bencher<'_, '_>) {
    let places = Places::built_in().of("CommonSecurityLog");
    bencher.counter(ItemsCount::new(ROWS)).bench(|| found(places, &EVENTS));
}

#[divan::bench]
fn prompts_of_a_kilobyte(bencher: divan::Bencher<'_, '_>) {
    let places = Places::built_in().of("AppGenAIContent");
    bencher.counter(ItemsCount::new(1_000_usize)).bench(|| found(places, &PROMPTS));
}

fn found(places: &[castellan_intel::matching::Place], results: &Results) -> u64 {
    let mut count = 0;
    search(&INDEX, places, results, Ticks::MAX, &mut |_| count += 1).unwrap();
    count
}
