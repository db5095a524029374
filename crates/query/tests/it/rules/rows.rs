//! Rows by chance, the same for the same rule: values are partly those that the rule looks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_kql::interpret::Row;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::{Dynamic, TICKS_PER_DAY};
use castellan_kql::{ScalarType, Value};

use super::world::now;
use crate::chance::Chance;

/// Rows of a table.
const COUNT: usize = 40;

const TEXTS: [&str; 20] = [
    "",
    "Success",
    "Failure",
    "alice@contoso.com",
    "bob@contoso.com",
    "CONTOSO\\alice",
    "host1.contoso.com",
    "HOST1",
    "10.0.0.5",
    "192.168.1.20",
    "8.8.8.8",
    "203.0.113.7",
    "2001:db8::1",
    "https://contoso.com/a/b.exe?x=1",
    "C:\\Windows\\System32\\cmd.exe",
    "74be27de-1e4e-49d9-b579-fe0b331d3642",
    "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "{\"a\":[1,2]}",
    "0",
];

const NUMBERS: [i64; 8] = [0, 1, 2, 22, 443, 3389, 50_000, 1_000_000];

pub(super) struct Rows {
    chance: Chance,
    query: String,
    /// The texts of the lines that name a column.
    near: BTreeMap<Arc<str>, Vec<String>>,
    texts: Vec<String>,
    numbers: Vec<i64>,
    keys: Vec<String>,
    made: i64,
}

impl Rows {
    pub(super) fn new(name: &str, query: &str) -> Rows {
        let seed =
            name.bytes().fold(17_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let words = || query.split(|character| !is_word(character)).filter(|word| !word.is_empty());
        let numbers = words().filter_map(|word| word.parse::<i64>().ok()).take(200).collect();
        let after_dot = query.split('.').skip(1).filter_map(|rest| {
            let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
            rest.get(..end).filter(|word| word.starts_with(char::is_alphabetic)).map(str::to_owned)
        });
        let mut keys: Vec<String> = after_dot.take(60).collect();
        let texts = quoted(query);
        keys.extend(
            texts.iter().filter(|text| !text.is_empty() && text.chars().all(is_word)).take(40).cloned(),
        );
        Rows {
            chance: Chance::new(seed),
            query: query.to_owned(),
            near: BTreeMap::new(),
            texts,
            numbers,
            keys,
            made: 0,
        }
    }

    /// Rows of a table with these columns.
    pub(super) fn table(&mut self, columns: &[Column]) -> Vec<Row> {
        (0..COUNT).map(|_| columns.iter().map(|column| self.value(column)).collect()).collect()
    }

    fn value(&mut self, column: &Column) -> Value {
        let is_null = column.scalar_type != ScalarType::String && self.chance.percent(6);
        if is_null && &*column.name != "TimeGenerated" {
            return Value::Null;
        }
        match column.scalar_type {
            ScalarType::Bool => Value::Bool(self.chance.percent(60)),
            ScalarType::Int => Value::Int(i32::try_from(self.number()).unwrap_or(7)),
            ScalarType::Long => Value::Long(self.number()),
            ScalarType::Real => Value::Real(self.number() as f64 + 0.5 * self.chance.below(2) as f64),
            ScalarType::Decimal => Value::Long(self.number()).convert(ScalarType::Decimal),
            ScalarType::String => Value::string(self.text_of(column)),
            ScalarType::DateTime => Value::datetime(self.time()),
            ScalarType::TimeSpan => Value::TimeSpan(self.number().saturating_mul(10_000_000)),
            ScalarType::Guid => Value::Guid(u128::from(self.chance.next() % 5)),
            ScalarType::Dynamic => Value::dynamic(self.dynamic(0)),
        }
    }

    fn number(&mut self) -> i64 {
        if !self.numbers.is_empty() && self.chance.percent(60) {
            return *self.chance.pick(&self.numbers);
        }
        *self.chance.pick(&NUMBERS)
    }

    /// No two rows have the same time, so that the first and the last of some are always the same.
    fn time(&mut self) -> i64 {
        self.made += 1;
        let days = if self.chance.percent(50) { 1 } else { 20 };
        let back = self.chance.next() % u64::try_from(days * TICKS_PER_DAY).unwrap();
        let back = i64::try_from(back).unwrap();
        now() - back - back % 1_000 - self.made
    }

    /// Mostly what the query compares the column with.
    fn text_of(&mut self, column: &Column) -> String {
        if !self.near.contains_key(&column.name) {
            let lines = self.query.lines().filter(|line| line.contains(&*column.name));
            let near = lines.flat_map(quoted).filter(|text| !text.is_empty()).collect();
            self.near.insert(Arc::clone(&column.name), near);
        }
        match self.near.get(&column.name) {
            Some(near) if !near.is_empty() && self.chance.percent(70) => self.chance.pick(near).clone(),
            _ => self.text(),
        }
    }

    fn text(&mut self) -> String {
        match self.chance.below(10) {
            0..6 if !self.texts.is_empty() => self.chance.pick(&self.texts).clone(),
            6 => format!("x {} y", self.literal()),
            7 => self.dynamic(1).to_string(),
            _ => (*self.chance.pick(&TEXTS)).to_owned(),
        }
    }

    fn literal(&mut self) -> String {
        if self.texts.is_empty() {
            return (*self.chance.pick(&TEXTS)).to_owned();
        }
        self.chance.pick(&self.texts).clone()
    }

    fn dynamic(&mut self, depth: usize) -> Dynamic {
        match self.chance.below(if depth < 3 { 8 } else { 3 }) {
            0 | 1 => Dynamic::String(self.literal().into()),
            2 => Dynamic::Long(self.number()),
            3 => {
                let count = self.chance.below(4);
                Dynamic::Array((0..count).map(|_| self.dynamic(depth + 1)).collect())
            }
            _ => {
                let count = 1 + self.chance.below(5);
                Dynamic::bag(
                    (0..count)
                        .map(|_| {
                            let key = if self.keys.is_empty() {
                                "name".to_owned()
                            } else {
                                self.chance.pick(&self.keys).clone()
                            };
                            (Arc::from(key), self.dynamic(depth + 1))
                        })
                        .collect::<Vec<_>>(),
                )
            }
        }
    }
}

/// The texts in quotes of a query, roughly.
fn quoted(query: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in query.lines() {
        let mut rest = line;
        while let Some(at) = rest.find(['\'', '"']) {
            let quote = &rest[at..=at];
            let inner = &rest[at + 1..];
            let Some(end) = inner.find(quote) else { break };
            let text = &inner[..end];
            if text.len() <= 120 {
                found.push(text.replace("\\\\", "\\"));
            }
            rest = &inner[end + 1..];
        }
        if found.len() > 400 {
            break;
        }
    }
    found
}
