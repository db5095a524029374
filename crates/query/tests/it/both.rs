//! A query over the same tables on both engines.

use std::sync::Arc;

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{self, Limits, Row, Source, failure};
use castellan_kql::plan::Field as Column;
use castellan_kql::{ScalarType, Value};
use castellan_query::arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use castellan_query::{Engine, Settings, Table, physical};

use crate::agree::{is_same, now, text};

/// A table in partitions of batches.
pub(crate) struct Data {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) partitions: Vec<Vec<RecordBatch>>,
}

impl Data {
    /// Rows, cut into so many partitions of batches of two rows.
    pub(crate) fn new(
        name: &'static str,
        columns: &[(&str, ScalarType)],
        rows: &[Row],
        partitions: usize,
    ) -> Data {
        let columns: Vec<Column> =
            columns.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)).collect();
        let mut data = Data { name, partitions: vec![Vec::new(); partitions], columns };
        for (at, rows) in rows.chunks(2).enumerate() {
            let schema = physical::schema(&data.columns);
            let batch = physical::batch(schema, &data.columns, rows.iter()).unwrap();
            data.partitions[at % partitions].push(batch);
        }
        data
    }

    /// A column of dynamic values by their texts, and one of their numbers.
    pub(crate) fn texts(name: &'static str, texts: &[&str], partitions: usize) -> Data {
        let columns = [("n", ScalarType::Long), ("d", ScalarType::Dynamic)];
        let rows: Vec<Row> = (0..texts.len()).map(|at| vec![Value::Long(at as i64), Value::Null]).collect();
        let mut data = Data::new(name, &columns, &rows, partitions);
        for batch in data.partitions.iter_mut().flatten() {
            let numbers = physical::rows(batch, &data.columns).unwrap();
            let text = |row: &Row| row[0].to_i64().map(|at| texts[at as usize]);
            let texts: ArrayRef = Arc::new(numbers.iter().map(text).collect::<StringViewArray>());
            *batch = RecordBatch::try_new(batch.schema(), vec![batch.column(0).clone(), texts]).unwrap();
        }
        data
    }

    fn rows(&self) -> Vec<Row> {
        let batches = self.partitions.iter().flatten();
        batches.flat_map(|batch| physical::rows(batch, &self.columns).unwrap()).collect()
    }

    fn table(&self) -> Table {
        Table::of_partitions(physical::schema(&self.columns), self.partitions.clone()).unwrap()
    }
}

struct Rows<'d>(&'d [Data]);

impl Source for Rows<'_> {
    fn rows(&self, table: &str) -> interpret::Result<Vec<Row>> {
        let data = self.0.iter().find(|data| data.name == table);
        data.map(Data::rows).ok_or_else(|| failure("unknown-table", table.to_owned()))
    }
}

/// What the plain engine gives.
fn plain(data: &[Data], query: &str) -> (Vec<Row>, bool) {
    let mut tables = Tables::default();
    for data in data {
        tables.add(data.name, data.columns.clone());
    }
    let parsed = castellan_kql::parse(query);
    assert!(parsed.diagnostics.is_empty(), "{query}: {:?}", parsed.diagnostics);
    let mut options = Options { now: now(), ..Options::default() };
    loop {
        let bound = bind(&parsed.script, &tables, &options).unwrap();
        if let Some(plan) = bound.undiscovered {
            options.discovered.push(interpret::discover(&plan, &Rows(data), &Limits::default()).unwrap());
            continue;
        }
        let plan = &bound.results[0].plan;
        return (interpret::run(plan, &Rows(data), &Limits::default()).unwrap(), plan.is_ordered());
    }
}

/// Runs a query on both engines and compares.
pub(crate) async fn check(data: &[Data], query: &str) -> Vec<Row> {
    let (plain, is_ordered) = plain(data, query);
    let settings =
        Settings { now: castellan_base::Ticks::new(now()), seed: Some(0), threads: 3, ..Settings::default() };
    let mut engine = Engine::new(settings);
    for data in data {
        engine.add(data.name, data.table());
    }
    let answers = engine.query(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let compiled = answers.answers[0].values().unwrap();
    assert!(
        is_same(&plain, &compiled, is_ordered),
        "{query}\nplain: {:#?}\ncompiled: {:#?}",
        plain.iter().map(text).collect::<Vec<_>>(),
        compiled.iter().map(text).collect::<Vec<_>>()
    );
    plain
}
