//! The facts of the language that an engine gets wrong without a word, on the compiled engine.

#[path = "../../../kql/tests/it/traps_file.rs"]
mod traps_file;

use castellan_kql::Value;
use castellan_query::{Answer, Engine, Error, Settings};

use self::traps_file::{Trap, read};

const FILE: &str = include_str!("../../../kql/tests/data/traps.txt");

/// On this many threads, so that rows come in parts.
const THREADS: [usize; 2] = [1, 3];

fn engine(threads: usize) -> Engine {
    Engine::new(Settings {
        now: castellan_base::Ticks::new(crate::agree::now()),
        seed: Some(0),
        threads,
        ..Settings::default()
    })
}

fn cell(value: &Value) -> String {
    if value.is_null() { "null".to_owned() } else { value.to_text() }
}

/// The columns and rows as the file writes them.
fn written(answer: &Answer) -> (String, Vec<String>) {
    let columns: Vec<String> =
        answer.columns.iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect();
    let line = |row: &Vec<Value>| row.iter().map(cell).collect::<Vec<String>>().join("|");
    (columns.join("|"), answer.values().unwrap().iter().map(line).collect())
}

/// Whether a query says in which order its rows come.
fn is_ordered(query: &str) -> bool {
    crate::agree::plain(query).is_ok_and(|(_, is_ordered)| is_ordered)
}

/// What is wrong with an answer to a trap's query, if anything is.
fn wrong(trap: &Trap<'_>, told: Result<&Answer, &Error>) -> Option<String> {
    let answer = match (told, trap.refusal()) {
        (Err(error), Some(code)) if error.code == code => return None,
        (Err(error), _) => return Some(format!("{}: {error}", error.code)),
        (Ok(_), Some(code)) => return Some(format!("not refused with {code}")),
        (Ok(answer), None) => answer,
    };
    let (columns, mut rows) = written(answer);
    let mut expected: Vec<String> = trap.rows.iter().map(|row| (*row).to_owned()).collect();
    if !is_ordered(&trap.query) {
        rows.sort();
        expected.sort();
    }
    (columns != trap.columns || rows != expected).then(|| format!("{columns} {rows:?}, and not {expected:?}"))
}

#[tokio::test]
async fn the_facts_of_the_language_hold() {
    let traps = read(FILE);
    assert!(traps.len() > 150);
    let mut failed = Vec::new();
    for threads in THREADS {
        for trap in &traps {
            let told = engine(threads).query(&trap.query).await;
            let answer = told.as_ref().map(|answers| &answers.answers[0]);
            if let Some(reason) = wrong(trap, answer) {
                failed.push(format!("{} ({threads} threads): {reason}", trap.name));
            }
        }
    }
    assert!(failed.is_empty(), "{} facts do not hold: {failed:#?}", failed.len());
}
