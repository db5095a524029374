//! Results as people and programs read them.

use anyhow::{Context, Result};
use castellan_base::System;
pub(crate) use castellan_incident::rows::cell;
use castellan_kql::Value;
use castellan_query::{Answer, Answers};
use comfy_table::{CellAlignment, ContentArrangement, presets};
use serde_json::{Map, Value as Json};

use crate::arguments::QueryFormat;
use crate::output::{inert_lines, width};

/// Rows that a person is shown.
const SHOWN: usize = 500;

/// All results in a format.
pub(super) fn answers(answers: &Answers, format: QueryFormat, system: &dyn System) -> Result<Vec<u8>> {
    match format {
        QueryFormat::Table => {
            let mut text = String::new();
            for answer in &answers.answers {
                if let Some(name) = &answer.name {
                    text.push_str(&format!("{name}\n"));
                }
                text.push_str(&table(answer, system)?);
            }
            Ok(text.into_bytes())
        }
        QueryFormat::Json => {
            let mut all = match answers.answers.as_slice() {
                [single] => serde_json::to_vec_pretty(&objects(single)?)?,
                several => {
                    serde_json::to_vec_pretty(&several.iter().map(objects).collect::<Result<Vec<_>>>()?)?
                }
            };
            all.push(b'\n');
            Ok(all)
        }
        QueryFormat::Jsonl => {
            let mut all = Vec::new();
            for answer in &answers.answers {
                for object in objects(answer)? {
                    serde_json::to_writer(&mut all, &object)?;
                    all.push(b'\n');
                }
            }
            Ok(all)
        }
        QueryFormat::Csv => csv(first(answers)?),
        QueryFormat::Parquet => super::parquet::write(first(answers)?),
    }
}

fn first(answers: &Answers) -> Result<&Answer> {
    answers.answers.first().context("there is no result")
}

fn objects(answer: &Answer) -> Result<Vec<Json>> {
    let object = |row: &Vec<Value>| {
        let members = answer.columns.iter().zip(row);
        Json::Object(
            members.map(|(column, value)| (column.name.to_string(), cell(value))).collect::<Map<_, _>>(),
        )
    };
    Ok(answer.values()?.iter().map(object).collect())
}

fn csv(answer: &Answer) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(answer.columns.iter().map(|column| &*column.name))?;
    for row in answer.values()? {
        writer.write_record(row.iter().map(Value::to_text))?;
    }
    writer.into_inner().context("cannot write CSV")
}

/// What a terminal shows: control characters written out, long cells wrapped.
fn table(answer: &Answer, system: &dyn System) -> Result<String> {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width(system)).unwrap_or(u16::MAX));
    table.set_header(answer.columns.iter().map(|column| inert_lines(&column.name)));
    let all = answer.values()?;
    for row in all.iter().take(SHOWN) {
        table.add_row(row.iter().map(|value| inert_lines(&value.to_text())));
    }
    for (at, column) in answer.columns.iter().enumerate() {
        if let Some(shown) = table.column_mut(at).filter(|_| column.scalar_type.is_number()) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    let count = all.len();
    let rest = if count > SHOWN {
        format!(", the first {SHOWN} shown (--format json has all)")
    } else {
        String::new()
    };
    Ok(format!("{table}\n{count} {}{rest}\n", if count == 1 { "row" } else { "rows" }))
}
