//! Plans that are bound in one place and run in another.

use std::sync::Arc;

use castellan_kql::bind::{Options, bind};
use castellan_kql::plan::{NamedPlan, codec};
use castellan_query::arrow::array::{Int64Array, RecordBatch, StringArray};
use castellan_query::{Engine, Error, Settings, Watch};

fn engine() -> Engine {
    let batch = RecordBatch::try_from_iter([
        ("User", Arc::new(StringArray::from(vec!["ann", "bob", "ann"])) as _),
        ("Failed", Arc::new(Int64Array::from(vec![3, 1, 4])) as _),
    ])
    .unwrap();
    let mut engine = Engine::new(Settings { threads: 2, seed: Some(0), ..Settings::default() });
    engine.add_batches("Logins", batch.schema(), vec![batch]).unwrap();
    engine
}

/// The plans of a query as another process gets them.
fn sent(query: &str, from: &Engine) -> Vec<NamedPlan> {
    let script = castellan_kql::parse(query).script;
    let results = bind(&script, from.database(), &Options::default()).unwrap().results;
    codec::decode(&codec::encode(&results).unwrap()).unwrap()
}

async fn run(engine: &Engine, results: &[NamedPlan]) -> Result<String, Error> {
    let answers = engine.run(results, Watch::default()).await?;
    Ok(format!("{:?}", answers.iter().map(|answer| answer.values().unwrap()).collect::<Vec<_>>()))
}

#[tokio::test]
async fn a_plan_that_was_sent_gives_what_its_query_gives() {
    for query in [
        "Logins | summarize Failed = sum(Failed) by User | where Failed > 5",
        "let few = materialize(Logins | where Failed < 4); few | join kind=inner few on User | count",
        "Logins | where User in ((Logins | where Failed == 1 | project User)) | extend n = toscalar(Logins | count)",
        "Logins | sort by Failed asc | extend before = prev(User) | fork (where before has 'bob') (count)",
        "Logins | make-graph User --> User | graph-match (a)-[e]->(b) project e.Failed | summarize sum(e_Failed)",
    ] {
        let own = engine();
        let answers = own.query(query).await.unwrap().answers;
        let expected = answers.iter().map(|answer| answer.values().unwrap()).collect::<Vec<_>>();
        assert_eq!(run(&engine(), &sent(query, &own)).await.unwrap(), format!("{expected:?}"), "{query}");
    }
}

#[tokio::test]
async fn a_plan_over_other_tables_is_refused() {
    let results = sent("Logins | take 1", &engine());
    let error = run(&Engine::new(Settings::default()), &results).await.unwrap_err();
    assert_eq!(error.code, "unknown-table");
    let mut other = Engine::new(Settings::default());
    let batch = RecordBatch::try_from_iter([("User", Arc::new(Int64Array::from(vec![1])) as _)]).unwrap();
    other.add_batches("Logins", batch.schema(), vec![batch]).unwrap();
    assert_eq!(run(&other, &results).await.unwrap_err().code, "unknown-table");
}
