//! The analytics rules of Microsoft Sentinel: every one runs on both engines, over small tables whose values are partly
//! those that the rule looks for, and both give the same rows.

mod listed;
mod rows;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use castellan_kql::Value;
use castellan_kql::bind::{Options, bind};
use castellan_kql::interpret::{self, Limits, Row};
use castellan_kql::value::Dynamic;
use castellan_query::Engine;

use listed::LISTED;
use world::{World, now};

/// The query of a rule: the block behind `query:`, as the files write it.
fn query_of(text: &str) -> Option<String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let first = lines.find(|line| line.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("query:")))?;
    let rest = first.get(6..)?.trim();
    let mut query = if rest == "|" { String::new() } else { format!("{rest}\n") };
    for line in lines.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '\t'])) {
        query.push_str(line);
        query.push('\n');
    }
    Some(query)
}

/// The rules with the names of their files.
fn rules(folder: &Path) -> Vec<(String, Option<String>)> {
    let mut rules: Vec<(String, Option<String>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, query_of(&std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    rules.sort();
    rules
}

/// What the plain engine gives for each result of a query, and whether the order of its rows means something.
fn plain(world: &World, engine: &Engine, query: &str) -> Result<Vec<(Vec<Row>, bool)>, String> {
    let parsed = castellan_kql::parse(query);
    if let Some(wrong) = parsed.diagnostics.first() {
        return Err(format!("{}: {wrong}", wrong.code));
    }
    let mut options = Options { now: now(), ..Options::default() };
    let told = |error: castellan_kql::Diagnostic| format!("{}: {error}", error.code);
    loop {
        let bound = bind(&parsed.script, engine.database(), &options).map_err(told)?;
        if let Some(plan) = bound.undiscovered {
            options.discovered.push(interpret::discover(&plan, world, &Limits::default()).map_err(told)?);
            continue;
        }
        let rows = |plan| interpret::run(plan, world, &Limits::default()).map_err(told);
        return bound
            .results
            .iter()
            .map(|result| Ok((rows(&result.plan)?, result.plan.is_ordered())))
            .collect();
    }
}

async fn compiled(engine: &Engine, query: &str) -> Result<Vec<Vec<Row>>, String> {
    let answers = engine.query(query).await.map_err(|error| format!("{}: {error}", error.code))?;
    answers.answers.iter().map(|answer| answer.values().map_err(|error| error.to_string())).collect()
}

/// A row as text in which equal values look alike; the items of arrays in order, since sets and lists have none.
fn text(row: &Row) -> String {
    fn sorted(dynamic: &Dynamic) -> Dynamic {
        match dynamic {
            Dynamic::Array(items) => {
                let mut items: Vec<Dynamic> = items.iter().map(sorted).collect();
                items.sort_by_cached_key(Dynamic::to_string);
                Dynamic::Array(items)
            }
            Dynamic::Bag(members) => {
                Dynamic::Bag(members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
            }
            other => other.clone(),
        }
    }
    let cell = |value: &Value| match value {
        Value::Real(number) if number.is_finite() => format!("{number:.9e}"),
        Value::Dynamic(dynamic) => format!("dynamic {}", sorted(dynamic)),
        other => format!("{other:?}"),
    };
    row.iter().map(cell).collect::<Vec<String>>().join(" | ")
}

fn texts(rows: &[Row], is_ordered: bool) -> Vec<String> {
    let mut texts: Vec<String> = rows.iter().map(text).collect();
    if !is_ordered {
        texts.sort();
    }
    texts
}

/// What came of a rule.
enum Outcome {
    /// Both engines gave the same; so many rows.
    Agreed(usize),
    /// It cannot be run, or not be compared.
    Refused(String),
    /// The engines differ.
    Differs(String),
}

async fn outcome(name: &str, query: Option<&str>) -> Outcome {
    let Some(query) = query else { return Outcome::Refused("there is no query".to_owned()) };
    let world = match World::of(name, query) {
        Ok(world) => world,
        Err(reason) => return Outcome::Refused(reason),
    };
    let engine = world.engine(1);
    let expected = match plain(&world, &engine, query) {
        Ok(expected) => expected,
        Err(reason) => return Outcome::Refused(reason),
    };
    let given = match compiled(&engine, query).await {
        Ok(given) => given,
        Err(reason) => return Outcome::Differs(format!("compiled fails: {reason}")),
    };
    for ((expected, is_ordered), given) in expected.iter().zip(&given) {
        // Rows that are equal in what orders them may come in any order.
        let is_same = |is_ordered| texts(expected, is_ordered) == texts(given, is_ordered);
        if !is_same(*is_ordered) && !is_same(false) {
            let (left, right) = (texts(expected, false), texts(given, false));
            let only = |some: &[String], other: &[String]| {
                some.iter()
                    .find(|row| !other.contains(row))
                    .map(|row| row.chars().take(600).collect::<String>())
            };
            return Outcome::Differs(format!(
                "{} and {} rows\n  plain    {:?}\n  compiled {:?}",
                left.len(),
                right.len(),
                only(&left, &right),
                only(&right, &left)
            ));
        }
    }
    // Over several partitions and threads rows meet in any order, and what depends on that may differ; nothing may fail.
    if let Err(reason) = compiled(&world.engine(2), query).await {
        return Outcome::Differs(format!("compiled fails over two partitions: {reason}"));
    }
    Outcome::Agreed(expected.iter().map(|(rows, _)| rows.len()).sum())
}

#[tokio::test]
async fn every_rule_runs_alike_on_both_engines() {
    let Some(file) = crate::corpus("kql/sentinel_queries.jsonl") else { return };
    let rules = rules(&file.parent().unwrap().with_file_name("sentinel").join("rules"));
    let only = std::env::var("CASTELLAN_RULE").ok();
    let (mut agreed, mut with_rows, mut refused, mut wrong) = (0, 0, BTreeSet::new(), Vec::new());
    for (name, query) in &rules {
        if only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let listed = LISTED.iter().find(|(listed, _)| listed == name);
        match outcome(name, query.as_deref()).await {
            Outcome::Agreed(rows) => {
                agreed += 1;
                with_rows += usize::from(rows > 0);
                if let Some((_, reason)) = listed {
                    wrong.push(format!("{name} runs now: {reason}"));
                }
            }
            Outcome::Refused(reason) => {
                refused.insert(name);
                if listed.is_none() {
                    wrong.push(format!("{name}: {reason}"));
                }
            }
            Outcome::Differs(_) if listed.is_some() => {
                refused.insert(name);
            }
            Outcome::Differs(reason) => wrong.push(format!("{name} differs: {reason}")),
        }
    }
    eprintln!(
        "{agreed} of {} rules run alike, {with_rows} of them with rows; {} are listed",
        rules.len(),
        refused.len()
    );
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
    // Rows that come out show more than tables that stay empty.
    assert!(only.is_some() || agreed + LISTED.len() == rules.len() && with_rows >= 300);
}
