//! `--batch`: a query a line in, a result a line out.

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_query::{Answer, Engine, Error};
use serde_json::{Value as Json, json};

use super::render::cell;
use crate::Ending;

/// Answers line by line, each as soon as it is there. One bad line never stops the rest.
pub(super) async fn run(engine: &Engine, file: &Path, system: &dyn System) -> Result<Ending> {
    if file == Path::new("-") {
        // Lines are answered one by one, so that whoever asks may wait for an answer before asking on.
        let mut lines = std::io::stdin().lock().lines();
        while let Some(line) = lines.next().transpose().context("cannot read standard input")? {
            answer_line(engine, &line).await?;
        }
        return Ok(Ending::Fine);
    }
    let bytes = system.read(file, MAX_FILE).with_context(|| format!("cannot read `{}`", file.display()))?;
    for line in String::from_utf8_lossy(&bytes).lines() {
        answer_line(engine, line).await?;
    }
    Ok(Ending::Fine)
}

/// Largest file of queries, in bytes.
const MAX_FILE: u64 = 256 << 20;

async fn answer_line(engine: &Engine, line: &str) -> Result<()> {
    if line.trim().is_empty() {
        return Ok(());
    }
    let answer = match read(line) {
        Ok((id, query)) => match engine.query(&query).await {
            Ok(answers) => match answers.answers.first() {
                Some(answer) => rows(&id, answer),
                None => failed(&id, &Error::new("no-query", "there is no query to run")),
            },
            Err(error) => failed(&id, &error),
        },
        Err((id, message)) => failed(&id, &Error::new("bad-line", message)),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// The id and the query of a line.
fn read(line: &str) -> std::result::Result<(Json, String), (Json, String)> {
    let parsed: Json = serde_json::from_str(line).map_err(|error| (Json::Null, error.to_string()))?;
    let id = parsed.get("id").cloned().unwrap_or(Json::Null);
    match parsed.get("query").and_then(Json::as_str) {
        Some(query) => Ok((id, query.to_owned())),
        None => Err((id, "a line is an object with `id` and `query`".to_owned())),
    }
}

fn rows(id: &Json, answer: &Answer) -> Json {
    let columns: Vec<Json> = answer
        .columns
        .iter()
        .map(|column| json!({ "name": &*column.name, "type": column.scalar_type.name() }))
        .collect();
    let rows: Vec<Json> = match answer.values() {
        Ok(rows) => rows.iter().map(|row| Json::Array(row.iter().map(cell).collect())).collect(),
        Err(error) => return failed(id, &error),
    };
    json!({ "id": id, "columns": columns, "rows": rows })
}

fn failed(id: &Json, error: &Error) -> Json {
    let span = error.span.map(|span| json!({ "start": span.start, "end": span.end }));
    json!({ "id": id, "error": { "code": error.code, "message": error.to_string(), "span": span } })
}
