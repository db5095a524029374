//! Rules that are told of events as they arrive give what they give on their schedules.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_detect::rule::{Kind, Rule};
use castellan_detect::run::{Alert, Events, Memory, Rows};
use castellan_detect::schedule::{State, Timing, run};
use castellan_detect::stream::{Heard, How, Limits, Streams};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_kql::plan::random::mixed;
use castellan_query::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use castellan_query::arrow::compute::filter_record_batch;
use castellan_query::arrow::datatypes::SchemaRef;
use castellan_query::compiled::{Arrived, Columns};
use castellan_query::{Error, Watch, physical};
use serde_json::json;

use crate::support::{rule, time};

const MINUTE: i64 = 60 * Ticks::PER_SECOND;
const HOUR: i64 = 60 * MINUTE;

/// An event: its table, when it was taken in, and its members.
struct Event {
    table: &'static str,
    received: Ticks,
    row: serde_json::Map<String, serde_json::Value>,
}

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn range(&mut self, range: std::ops::Range<i64>) -> i64 {
        self.0 = self.0.wrapping_add(1);
        let width = u64::try_from(range.end - range.start).unwrap();
        range.start + i64::try_from(mixed(self.0) % width).unwrap()
    }

    fn holds(&mut self, percent: i64) -> bool {
        self.range(0..100) < percent
    }
}

fn columns(table: &str) -> Vec<Column> {
    let names: &[&str] = match table {
        "Logons" => &["User", "Ip", "Result", "Agent"],
        _ => &["User", "Operation", "Target"],
    };
    let times = ["TimeGenerated", "_TimeReceived"].map(|name| Column::new(name, ScalarType::DateTime));
    let texts = names.iter().map(|name| Column::new(*name, ScalarType::String));
    times.into_iter().chain(texts).chain([Column::new("Bytes", ScalarType::Long)]).collect()
}

/// Events of so many days. Most arrive within seconds, some minutes or hours late, some from a clock that is ahead.
fn events(seed: u64, days: i64, each_hour: usize) -> Vec<Event> {
    let mut dice = Dice(seed);
    let begin = time("2026-10-01T00:00:00Z");
    let mut made = Vec::new();
    for hour in 0..days * 24 {
        for _ in 0..each_hour {
            let happened = hour * HOUR + dice.range(0..HOUR / 10_000) * 10_000;
            let delay = match dice.range(0..100) {
                0..80 => dice.range(0..20) * Ticks::PER_SECOND,
                80..92 => dice.range(1..10) * MINUTE,
                92..99 => dice.range(1..30) * HOUR,
                _ => -dice.range(1..90) * MINUTE,
            };
            let at = |ticks: i64| begin.checked_add(ticks).unwrap();
            let (happened, received) = (at(happened), at(happened + delay.max(-happened)));
            let user = format!("u{}@contoso.com", dice.range(0..12));
            let (table, mut row) = if dice.holds(60) {
                let result = if dice.holds(30) { "50126" } else { "0" };
                let ip = format!("10.0.0.{}", dice.range(0..20));
                let agent = if dice.holds(5) { "python-requests/2.31" } else { "Mozilla/5.0" };
                ("Logons", json!({ "User": user, "Ip": ip, "Result": result, "Agent": agent }))
            } else {
                let operation =
                    ["Read", "Write", "Delete", "List keys"][usize::try_from(dice.range(0..4)).unwrap()];
                (
                    "Actions",
                    json!({ "User": user, "Operation": operation, "Target": format!("t{}", dice.range(0..6)) }),
                )
            };
            row["Bytes"] = json!(dice.range(0..5_000));
            row["TimeGenerated"] = json!(happened.to_string());
            row["_TimeReceived"] = json!(received.to_string());
            made.push(Event { table, received, row: row.as_object().unwrap().clone() });
        }
    }
    made.sort_by_key(|event| event.received);
    made
}

fn memory(events: &[Event]) -> Memory {
    let mut memory = Memory::default();
    for table in ["Logons", "Actions"] {
        let rows: Rows =
            events.iter().filter(|event| event.table == table).map(|event| event.row.clone()).collect();
        memory.add_json(table, columns(table), &rows).unwrap();
    }
    memory
}

/// Rows of a table that have just arrived.
struct Arriving {
    table: Arc<str>,
    batch: RecordBatch,
    schema: SchemaRef,
}

impl Columns for Arriving {
    fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, Error> {
        Ok(Arc::clone(self.batch.column(at)))
    }
}

impl Arrived for Arriving {
    fn table(&self) -> &Arc<str> {
        &self.table
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn chosen(&self, mask: &BooleanArray) -> Result<RecordBatch, Error> {
        Ok(filter_record_batch(&self.batch, mask)?)
    }
}

/// The rows of a table, in the order of the events, as they lie in its batches.
async fn rows(memory: &Memory, table: &str) -> RecordBatch {
    let engine = memory.engine(time("2027-01-01T00:00:00Z")).await.unwrap();
    let answers = engine.query_watched(table, Watch::default()).await.unwrap();
    let answer = &answers.answers[0];
    let schema = physical::schema(&answer.columns);
    let batches: Vec<RecordBatch> =
        answer.batches.iter().map(|batch| physical::renamed(batch, &schema).unwrap()).collect();
    castellan_query::arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// What a rule raised: how many results of each identity alerts stand for, and in how many alerts.
#[derive(Debug, Default)]
struct Raised {
    identities: BTreeMap<String, Vec<(Ticks, Ticks, u64)>>,
    results: u64,
    alerts: usize,
    /// How many results were told before their window was over.
    early: u64,
    /// How many windows a query ran over.
    queried: usize,
}

impl Raised {
    fn take(&mut self, alerts: &[Alert]) {
        for alert in alerts {
            self.alerts += 1;
            self.results += alert.results;
            for identity in &alert.identities {
                self.identities.entry(identity.clone()).or_default().push((
                    alert.raised,
                    alert.start,
                    alert.results,
                ));
            }
        }
    }
}

impl Raised {
    /// What was raised here and not there: when, and the first event of it.
    fn only(&self, other: &Raised) -> Vec<String> {
        let own = self.identities.iter().filter(|(identity, _)| !other.identities.contains_key(*identity));
        own.take(5).map(|(identity, alerts)| format!("{identity}: {alerts:?}")).collect()
    }
}

async fn in_batch(
    rule: &Rule,
    events: &dyn Events,
    times: impl Iterator<Item = Ticks>,
    timing: &Timing,
) -> Raised {
    let (mut state, mut raised) = (State::default(), Raised::default());
    for now in times {
        let ran = run(rule, &mut state, events, now, timing).await;
        assert!(ran.failure.is_none() && ran.late_left == 0, "{}: {:?}", rule.name, ran.failure);
        raised.queried += ran.windows.iter().filter(|window| !window.took.is_zero()).count();
        raised.take(&ran.alerts);
    }
    raised
}

/// Runs rules over events as they arrive, and at each time of `times` what is due.
async fn in_stream(
    rules: &[Rule],
    events: &[Event],
    memory: &Memory,
    times: impl Iterator<Item = Ticks>,
    timing: &Timing,
) -> (Vec<Raised>, Streams) {
    let begin = time("2026-10-01T00:00:00Z");
    let limits = Limits { rest: 0, ..Limits::default() };
    let mut streams = Streams::open(rules, memory, begin, limits).await.unwrap();
    let empty = self::memory(&[]);
    let mut states = vec![State::default(); rules.len()];
    for (at, state) in states.iter().enumerate() {
        streams.warm(at, state, &empty, begin, timing).await.unwrap();
    }
    let mut raised: Vec<Raised> = rules.iter().map(|_| Raised::default()).collect();
    let all: BTreeMap<&str, RecordBatch> = BTreeMap::from([
        ("Logons", rows(memory, "Logons").await),
        ("Actions", rows(memory, "Actions").await),
    ]);
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waiting = events.iter().peekable();
    for now in times {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        while let Some(event) = waiting.next_if(|event| event.received < now) {
            *count.entry(event.table).or_default() += 1;
        }
        let mut arrived = Vec::new();
        for (table, count) in count {
            let from = next.entry(table).or_default();
            let batch = all[table].slice(*from, count);
            *from += count;
            arrived.push(Arriving { table: table.into(), schema: batch.schema(), batch });
        }
        let arrived: Vec<&dyn Arrived> = arrived.iter().map(|arriving| arriving as &dyn Arrived).collect();
        streams.arrive(&arrived).unwrap();
        for at in streams.waiting() {
            let ran = streams.look(at, &mut states[at], memory, now, timing).await;
            assert!(ran.failure.is_none(), "{}: {:?}", rules[at].name, ran.failure);
            raised[at].take(&ran.alerts);
            raised[at].early += ran.alerts.iter().map(|alert| alert.results).sum::<u64>();
        }
        for (at, rule) in rules.iter().enumerate() {
            let own = streams.events(at, memory).unwrap();
            let ran = run(rule, &mut states[at], &own, now, timing).await;
            assert!(ran.failure.is_none(), "{}: {:?}", rule.name, ran.failure);
            raised[at].take(&ran.alerts);
        }
        streams.forget(now, timing).unwrap();
    }
    (raised, streams)
}

fn named(name: &str, extra: &str, query: &str) -> Rule {
    Rule { name: name.into(), id: name.into(), ..rule(extra, query) }
}

const DAILY: &str = "queryFrequency: 1d\nqueryPeriod: 1d\n";
const OFTEN: &str = "queryFrequency: 6h\nqueryPeriod: 1d\n";
const SOME: &str = "queryFrequency: 6h\nqueryPeriod: 6h\n";

fn rules() -> Vec<Rule> {
    let near = |query: &str| Rule {
        kind: Kind::NearRealTime,
        frequency: 3 * HOUR,
        ..named("near real time", SOME, query)
    };
    vec![
        named(
            "rows",
            SOME,
            "Logons | where Agent has 'python' and Result != '0' | project TimeGenerated, User, Ip",
        ),
        named(
            "rows of two tables",
            DAILY,
            "union (Logons | where Result == '50126' and Ip endswith '.7' | extend Operation = 'Logon'), (Actions | where Operation == 'List keys' and Target == 't3') | project TimeGenerated, User, Operation",
        ),
        named(
            "rows in overlapping windows",
            OFTEN,
            "Actions | where Operation == 'Delete' and Target in ('t1', 't5') | where TimeGenerated > ago(20h)",
        ),
        named(
            "each row its alert",
            &format!("{SOME}eventGroupingSettings:\n  aggregationKind: AlertPerResult\n"),
            "Logons | where Agent has 'python'",
        ),
        named(
            "counts",
            SOME,
            "Logons | where Result != '0' | summarize Failed = count(), First = min(TimeGenerated) by User | where Failed > 3",
        ),
        named(
            "counts in overlapping windows",
            OFTEN,
            "Logons | where Result != '0' | summarize Failed = count(), Ips = dcount(Ip) by User | where Failed >= 5 and Ips > 4",
        ),
        named(
            "bins",
            DAILY,
            "Actions | where Operation == 'Delete' | summarize Count = count() by User, bin(TimeGenerated, 1h) | where Count > 1",
        ),
        named(
            "joined",
            DAILY,
            "Logons | where Agent has 'python' | summarize Logons = count() by User | join kind=inner (Actions | where Operation == 'List keys' | summarize Keys = count() by User) on User | where Keys > 1",
        ),
        named(
            "membership",
            SOME,
            "Actions | where Operation == 'Write' and Target == 't2' | where User in ((Logons | where Agent has 'python' | project User))",
        ),
        named(
            "many results",
            &format!("{SOME}triggerOperator: gt\ntriggerThreshold: 4\n"),
            "Logons | where Result != '0' and Ip in ('10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7', '10.0.0.8')",
        ),
        named(
            "the absent",
            DAILY,
            "Actions | where Operation == 'Write' | join kind=leftanti (Logons | where Agent has 'python') on User | summarize by User",
        ),
        near("Logons | where Agent has 'python' and Result != '0' | project TimeGenerated, User, Ip"),
    ]
}

/// A month of events, in three ways: on schedules alone, without the windows in which nothing matters, and as they arrive.
#[tokio::test]
async fn batch_and_stream_agree_on_a_month() {
    let (days, timing) = (28, Timing::default());
    let events = events(20_261_122, days, 12);
    let memory = memory(&events);
    let begin = time("2026-10-01T00:00:00Z");
    let rules = rules();
    // Beyond the end, so that what comes late is seen.
    let hours = |step: i64| {
        (1..(days + 3) * 24 * 60 / step)
            .map(move |at| begin.checked_add(at * step * MINUTE + 2 * MINUTE).unwrap())
    };
    let (streamed, streams) = in_stream(&rules, &events, &memory, hours(30), &timing).await;
    let heard = Heard::open(&rules, &memory, begin).await.unwrap();
    for (at, rule) in rules.iter().enumerate() {
        let batch = in_batch(rule, &memory, hours(60), &timing).await;
        assert!(batch.results > 10, "{}: too few results to say anything", rule.name);
        let known = in_batch(rule, &heard.events(at, &memory), hours(60), &timing).await;
        assert_eq!((known.results, known.alerts), (batch.results, batch.alerts), "{}", rule.name);
        assert_eq!(known.identities, batch.identities, "{}", rule.name);
        assert!(known.queried < batch.queried, "{}: {} windows", rule.name, batch.queried);
        let stream = &streamed[at];
        assert_eq!(stream.only(&batch), Vec::<String>::new(), "{}: told in the stream alone", rule.name);
        assert_eq!(batch.only(stream), Vec::<String>::new(), "{}: told in batch alone", rule.name);
        assert_eq!(stream.results, batch.results, "{}: {:?}", rule.name, streams.how(at));
        let waits = matches!(streams.how(at), Some(How::Scheduled(_)));
        assert_eq!(waits, &*rule.name == "the absent", "{}: {:?}", rule.name, streams.how(at));
        assert!(
            waits || stream.early * 2 > stream.results,
            "{}: {} of {}",
            rule.name,
            stream.early,
            stream.results
        );
    }
}

/// A rule that looks at what does not happen hears nothing, and one that tells of silence is never left out.
#[tokio::test]
async fn what_cannot_be_heard_is_known_before() {
    let memory = memory(&events(7, 2, 4));
    let rules = [
        named("never", SOME, "Logons | where Agent == 'telnet' | summarize count() by User"),
        named("half", SOME, "Logons | where Agent == 'telnet' | join kind=inner Actions on User"),
        named("one of two", SOME, "union (Logons | where Agent == 'telnet'), Actions"),
        named(
            "silence",
            &format!("{SOME}triggerOperator: lt\ntriggerThreshold: 1\n"),
            "Logons | where User == ''",
        ),
        named("a count of nothing", SOME, "Logons | where User == 'nobody' | summarize count()"),
    ];
    let heard = Heard::open(&rules, &memory, time("2026-10-01T00:00:00Z")).await.unwrap();
    let silent: Vec<&str> = rules
        .iter()
        .enumerate()
        .filter(|(at, _)| heard.is_silent(*at))
        .map(|(_, rule)| &*rule.name)
        .collect();
    assert_eq!(silent, ["never", "half"]);
}
