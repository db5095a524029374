//! Exact match against a plain map of the table.

use std::collections::{BTreeSet, HashMap};

use castellan_classify::exact::{
    BuildError, Builder, Built, Column, Guessable, Index, Key, Match, Normalisation, OpenError, Options,
};
use proptest::prelude::*;

const SALT: [u8; 16] = *b"salt of the test";
const FIXTURE: &[u8] = include_bytes!("../fixtures/exact-1.bin");

fn key() -> Key {
    Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

fn columns() -> Vec<Column> {
    vec![
        Column::primary("number", Normalisation::IDENTIFIER).accept_guessable(),
        Column::primary("name", Normalisation::TEXT).accept_guessable(),
        Column::secondary("town", Normalisation::TEXT),
    ]
}

type Row = [String; 3];

fn build(rows: &[Row]) -> Built {
    let mut builder = Builder::new(columns(), &key(), SALT).unwrap();
    rows.iter().for_each(|row| builder.add(row).unwrap());
    builder.finish().unwrap()
}

fn people() -> Vec<Row> {
    [["AB-123 456", "Anna O'Brien", "Lund"], ["CD 98 76 54", "Bo Ek", "Malmo"], ["EF777888", "Cy Lind", ""]]
        .map(|row| row.map(str::to_owned))
        .to_vec()
}

/// Finds with a map of normal forms, in ASCII alone.
struct Plain {
    tables: [HashMap<String, BTreeSet<usize>>; 2],
    most: [usize; 2],
    gap: [usize; 2],
}

fn tokens(text: &str) -> Vec<(usize, usize)> {
    let inside = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_alphanumeric);
    let starts = (0..text.len()).filter(|at| inside(*at) && (*at == 0 || !inside(at - 1)));
    starts.map(|start| (start, (start..).find(|at| !inside(*at)).unwrap())).collect()
}

fn normal(text: &str, column: usize) -> String {
    let all = tokens(text);
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return String::new() };
    let lower = text[first.0..last.1].to_lowercase();
    if column == 0 { lower.replace(|c: char| !c.is_ascii_alphanumeric(), "") } else { spaces(&lower) }
}

fn spaces(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

impl Plain {
    fn new(rows: &[Row]) -> Plain {
        let mut plain = Plain { tables: Default::default(), most: [0; 2], gap: [3; 2] };
        for (number, row) in rows.iter().enumerate() {
            for (column, cell) in row.iter().take(2).enumerate() {
                let value = normal(cell, column);
                let parts = tokens(cell);
                let groups = if column == 0 { value.len() / 2 } else { 0 };
                plain.most[column] = plain.most[column].max(parts.len()).max(groups);
                let gaps = parts.windows(2).map(|pair| pair[1].0 - pair[0].1);
                plain.gap[column] = gaps.fold(plain.gap[column], usize::max);
                if !value.is_empty() {
                    plain.tables[column].entry(value).or_default().insert(number);
                }
            }
        }
        plain
    }

    fn find(&self, text: &str) -> BTreeSet<(usize, usize, usize, usize)> {
        let all = tokens(text);
        let mut found = BTreeSet::new();
        for column in 0..2 {
            for first in 0..all.len() {
                for last in first..all.len().min(first + self.most[column]) {
                    if last > first && all[last].0 - all[last - 1].1 > self.gap[column] {
                        break;
                    }
                    let (start, end) = (all[first].0, all[last].1);
                    let rows = self.tables[column].get(&normal(&text[start..end], column));
                    found.extend(rows.into_iter().flatten().map(|row| (start, end, column, *row)));
                }
            }
        }
        found
    }
}

fn row() -> impl Strategy<Value = Row> {
    let word = "[a-cA-C]{1,2}|[12]{1,3}";
    let gap = "[ -]|  |\t";
    let cell = (word, proptest::collection::vec((gap, word), 0..3))
        .prop_map(|(first, rest)| rest.into_iter().fold(first, |text, (gap, word)| text + &gap + &word));
    [cell.clone().boxed(), cell.clone().boxed(), prop_oneof![Just(String::new()), cell].boxed()]
}

fn unique(rows: &[Row]) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    let forms = |row: &Row| [normal(&row[0], 0), normal(&row[1], 1), normal(&row[2], 1)];
    rows.iter().filter(|row| seen.insert(forms(row))).cloned().collect()
}

/// A text with a few values of the table in it.
fn holding(rows: &[Row], noise: &[String], picks: &[usize]) -> String {
    let mut text = String::new();
    for (noise, pick) in noise.iter().zip(picks) {
        let row = &rows[pick % rows.len()];
        text = text + noise + " " + &row[pick / 7 % 3] + ", ";
    }
    text
}

proptest! {
    #[test]
    fn finds_what_a_plain_map_finds(
        rows in proptest::collection::vec(row(), 1..12),
        noise in proptest::collection::vec("[a-c12 .-]{0,12}", 1..12),
        picks in proptest::collection::vec(0_usize..100, 12),
    ) {
        let rows = unique(&rows);
        let text = holding(&rows, &noise, &picks);
        let index = Index::open(build(&rows).bytes, &key()).unwrap();
        let options = Options { fields: 0, ..Options::default() };
        let matches = index.scan(&text, &options);
        prop_assert!(matches.complete);
        let numbers: HashMap<u64, usize> =
            rows.iter().enumerate().map(|(number, row)| (index.row_of(row).unwrap(), number)).collect();
        let found = matches.found.iter().map(|found| (found.span.start, found.span.end, found.column, numbers[&found.row]));
        prop_assert_eq!(found.collect::<BTreeSet<_>>(), Plain::new(&rows).find(&text));
        for found in &matches.found {
            fields_are_right(&text, found, &rows[numbers[&found.row]]);
        }
    }

    #[test]
    fn an_update_is_a_new_build(
        rows in proptest::collection::vec(row(), 2..20),
        cut in 1_usize..20,
        gone in proptest::collection::vec(0_usize..20, 0..5),
    ) {
        let cut = cut.min(rows.len());
        let first = Index::open(build(&rows[..cut]).bytes, &key()).unwrap();
        let mut update = Builder::update(&first, &key());
        rows[cut..].iter().for_each(|row| update.add(row).unwrap());
        let gone: Vec<Row> = gone.iter().map(|at| rows[at % rows.len()].clone()).collect();
        gone.iter().for_each(|row| update.remove(row).unwrap());
        let second = Index::open(update.finish().unwrap().bytes, &key()).unwrap();
        prop_assert_eq!(second.revision(), 2);

        let removed: BTreeSet<Option<u64>> = gone.iter().map(|row| first.row_of(row)).collect();
        let left: Vec<Row> = rows.iter().filter(|row| !removed.contains(&first.row_of(*row))).cloned().collect();
        let text = rows.iter().map(|row| row.join(" , ")).collect::<Vec<_>>().join(" ; ");
        let options = Options { fields: 0, ..Options::default() };
        let (left, all) = (Index::open(build(&left).bytes, &key()).unwrap(), Index::open(build(&rows).bytes, &key()).unwrap());
        // Shapes of values that are gone stay, so a removal may find more ways to write what is left.
        let (fresh, updated) = (left.scan(&text, &options).found, second.scan(&text, &options).found);
        prop_assert!(fresh.iter().all(|found| updated.contains(found)));
        prop_assert!(updated.iter().all(|found| all.scan(&text, &options).found.contains(found)));
        prop_assert!(updated.iter().all(|found| !removed.contains(&Some(found.row))));
        prop_assert_eq!(left.rows(), second.rows());
    }

    #[test]
    fn any_change_is_refused(at in 0_usize..FIXTURE.len(), bit in 0_u8..8) {
        let mut bytes = FIXTURE.to_vec();
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(Index::open(bytes, &key()).is_err());
        prop_assert!(Index::open(&FIXTURE[..at], &key()).is_err());
    }

    #[test]
    fn anything_else_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let headed = [&FIXTURE[..12], &bytes].concat();
        prop_assert!(Index::open(bytes, &key()).is_err());
        prop_assert!(Index::open(headed, &key()).is_err());
    }
}

/// What is said is there, and what is not said is not there.
fn fields_are_right(text: &str, found: &Match, row: &Row) {
    let mut taken = vec![found.span.clone()];
    taken.extend(found.fields.iter().map(|field| field.span.clone()));
    for (number, span) in taken.iter().enumerate() {
        assert!(taken[..number].iter().all(|other| span.end <= other.start || other.end <= span.start));
    }
    for column in (0..3).filter(|column| *column != found.column) {
        let wanted = normal(&row[column], column);
        if let Some(field) = found.fields.iter().find(|field| field.column == column) {
            assert_eq!(normal(&text[field.span.clone()], column), wanted);
            continue;
        }
        // A value as it stands in the row, free and near, would have been found.
        let cell = row[column].as_str();
        let near = text.match_indices(cell).filter(|_| !wanted.is_empty()).any(|(start, _)| {
            let end = start + cell.len();
            let edge = |at: Option<usize>| {
                at.and_then(|at| text.as_bytes().get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
            };
            let free = taken.iter().all(|span| end <= span.start || span.end <= start);
            let away = start.saturating_sub(found.span.end).max(found.span.start.saturating_sub(end));
            free && away <= 300 && edge(start.checked_sub(1)) && edge(Some(end))
        });
        assert!(!near, "column {column} of {row:?} is near {found:?} in {text:?}");
    }
}

fn check(text: &str, fields: usize, proximity: usize, expected: &[&str]) {
    let index = Index::open(build(&people()).bytes, &key()).unwrap();
    let matches = index.scan(text, &Options { fields, proximity, ..Options::default() });
    let said = matches.found.iter().map(|found| {
        let all = found.fields.iter().map(|field| format!("+{}", &text[field.span.clone()]));
        text[found.span.clone()].to_owned() + &all.collect::<String>()
    });
    assert_eq!(said.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn joins_fields_of_one_row() {
    check(
        "ab123456 of anna  o'brien in Lund",
        1,
        300,
        &["ab123456+anna  o'brien+Lund", "anna  o'brien+ab123456+Lund"],
    );
    check("ab123456 lives in Malmo with Bo Ek", 1, 300, &["Bo Ek+Malmo"]);
    check("ab123456 ........ Lund", 1, 10, &["ab123456+Lund"]);
    check("ab123456 ......... Lund", 1, 10, &[]);
    check("xab123456 ab1234567 a-b-1", 0, 300, &[]);
    check("CD-987-654", 0, 300, &["CD-987-654"]);
    check("(EF777888)", 0, 300, &["EF777888"]);
    check("", 0, 300, &[]);
}

#[test]
fn a_fixture_of_version_1_is_read() {
    if std::env::var_os("CASTELLAN_WRITE_FIXTURES").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/exact-1.bin"),
            build(&people()).bytes,
        )
        .unwrap();
    }
    let index = Index::open(FIXTURE, &key()).unwrap();
    assert_eq!((index.rows(), index.revision()), (3, 1));
    assert_eq!(index.scan("AB123456, Lund", &Options::default()).found.len(), 1);
    assert_eq!(FIXTURE, build(&people()).bytes, "the format has changed: give it a new version");
}

#[test]
fn nothing_of_the_source_is_in_the_file() {
    let rows: Vec<Row> =
        (0..100).map(|n| [format!("ID{n:08}"), format!("Anna B{n}"), "Stockholm".into()]).collect();
    let bytes = build(&rows).bytes;
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    for text in ["ID00000", "id00000", "Anna", "anna", "Stockholm", "stockholm"] {
        assert!(!holds(text.as_bytes()), "{text}");
    }
    // The town of all rows has a different digest in each: no four bytes come a hundred times.
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    bytes.windows(4).for_each(|window| *counts.entry(window).or_default() += 1);
    let often = counts.iter().filter(|(window, count)| **count > 20 && window.iter().any(|byte| *byte != 0));
    assert_eq!(often.count(), 0);
}

#[test]
fn another_key_is_told_apart() {
    let other = Key::new(b"0123456789abcdef0123456789abcdeg").unwrap();
    assert_eq!(Index::open(FIXTURE, &other).err(), Some(OpenError::WrongKey));
    assert_eq!(Index::open(&b"something else"[..], &key()).err(), Some(OpenError::NotAnIndex));
    let later = [&FIXTURE[..8], &[9, 0, 0, 0], &FIXTURE[12..]].concat();
    assert_eq!(Index::open(later, &key()).err(), Some(OpenError::Version(9)));
}

#[test]
fn guessable_columns_are_refused() {
    let attempt = |values: &[&str], accept: bool| {
        let column = Column::primary("c", Normalisation::TEXT);
        let column = if accept { column.accept_guessable() } else { column };
        let row = Column::secondary("row", Normalisation::TEXT);
        let mut builder = Builder::new(vec![column, row], &key(), SALT).unwrap();
        let rows = values.iter().enumerate();
        rows.for_each(|(number, value)| builder.add(&[*value, &number.to_string()]).unwrap());
        builder.finish().map(|built| built.report.guessable)
    };
    let refused = |reason| Err(BuildError::Guessable { column: "c".into(), reason });
    assert_eq!(attempt(&["1984-02-11", "1999-12-31"], false), refused(Guessable::Dates));
    assert_eq!(attempt(&["1984-02-11", "1999-12-31"], true), Ok(vec![("c".into(), Guessable::Dates)]));
    assert_eq!(attempt(&["123456", "654321"], false), refused(Guessable::Short));
    assert_eq!(attempt(&["Stockholm", "Stockholm", "Stockholm"], false), refused(Guessable::Repeating));
    assert_eq!(attempt(&["Stockholm"; 40], false), refused(Guessable::Repeating));
    assert_eq!(attempt(&["Stockholm", "Goteborg"], false), Ok(vec![]));
    assert_eq!(attempt(&["anna@example.com", "bo@example.org"], false), Ok(vec![]));
}

#[test]
fn what_is_left_out_is_counted() {
    let mut builder = Builder::new(
        vec![Column::primary("id", Normalisation::IDENTIFIER), Column::secondary("n", Normalisation::DIGITS)],
        &key(),
        SALT,
    )
    .unwrap();
    for number in 0..40 {
        builder.add(&["common-value".to_owned(), number.to_string()]).unwrap();
        builder.add(&[format!("value{number:09}"), String::new()]).unwrap();
    }
    builder.add(&["1234", "5"]).unwrap();
    builder.add(&["x".repeat(256), "5".to_owned()]).unwrap();
    builder.add(&["", "5"]).unwrap();
    assert_eq!(builder.add(&["one"]), Err(BuildError::Width { cells: 1, columns: 2 }));
    let report = builder.finish().unwrap().report;
    assert_eq!((report.rows, report.values, report.rows_without_primary), (80, 40, 3));
    assert_eq!((report.too_short, report.too_long, report.too_common), (1, 1, 1));
}

#[test]
fn a_common_value_stays_common() {
    let row = |number: usize| ["shared value".to_owned(), format!("person {number}"), String::new()];
    let first = Index::open(build(&(0..20).map(row).collect::<Vec<_>>()).bytes, &key()).unwrap();
    assert!(first.scan("SharedValue", &Options { fields: 0, ..Options::default() }).found.is_empty());
    let mut update = Builder::update(&first, &key());
    update.add(&row(21)).unwrap();
    let second = Index::open(update.finish().unwrap().bytes, &key()).unwrap();
    assert!(second.scan("shared value", &Options { fields: 0, ..Options::default() }).found.is_empty());
    assert_eq!(second.scan("person 21", &Options { fields: 0, ..Options::default() }).found.len(), 1);
}

#[test]
fn bounds_are_said() {
    let index = Index::open(FIXTURE, &key()).unwrap();
    let text = "AB123456 in Lund. ".repeat(50);
    assert!(index.scan(&text, &Options::default()).complete);
    let few = index.scan(&text, &Options { most_matches: 49, ..Options::default() });
    assert_eq!((few.found.len(), few.complete), (49, false));
    assert!(!index.scan(&text, &Options { most_comparisons: 100, ..Options::default() }).complete);
}
