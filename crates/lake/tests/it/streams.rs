//! What comes in before it is rows of a table, and values that are too long.

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_lake::{Append, Form, Misfit, MisfitReason, Origin, TableSchema, rows};
use castellan_query::arrow::array::Array;
use castellan_query::{Engine, Settings};

use crate::support::{Outcome, open, value};

#[tokio::test]
async fn a_stream_keeps_what_tables_would_replace() -> Outcome {
    let columns = vec![
        Column::new("Type", ScalarType::String),
        Column::new("TimeGenerated", ScalarType::DateTime),
        Column::new("Note", ScalarType::Dynamic),
    ];
    let stream = TableSchema::stream("Custom-In", columns)?;
    let origin = Origin { received: 0, resource: None, keeps_times: true, longest: None };
    let text = br#"[{"Type": "mine", "Further": 1}, {"TimeGenerated": "2001-01-01T00:00:00Z"}]"#;
    let read = rows::from_json(&stream, text, Form::Array, &origin)?;
    assert_eq!(read.misfits, [Misfit { column: "Further".into(), count: 1, reason: MisfitReason::NoColumn }]);
    let filled = read.filled(&stream)?;
    assert_eq!((filled.num_columns(), filled.column(1).null_count()), (3, 1), "no time is made up");
    let mut engine = Engine::new(Settings::default());
    engine.add_batches("source", filled.schema(), vec![filled])?;
    let answers = engine.query("source | where Type == 'mine' and isnull(TimeGenerated)").await?;
    assert_eq!(answers.answers.first().map(castellan_query::Answer::rows), Some(1));
    Ok(())
}

#[tokio::test]
async fn names_that_differ_in_case_are_one_column() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    let text = br#"[{"clientIp_s": "a", "Further_s": "x"}, {"clientIP_s": "b", "further_S": "y"}]"#;
    let appended = lake.append("AzureDiagnostics", text, Form::Array, Append::default()).await?;
    assert_eq!(appended.misfits, []);
    lake.flush().await?;
    let query = "AzureDiagnostics | summarize strcat_array(make_set(strcat(column_ifexists('clientIp_s', ''), column_ifexists('clientIP_s', ''), column_ifexists('Further_s', ''), column_ifexists('further_S', ''))), '/')";
    assert_eq!(value(&lake, query).await?, "ax/by");
    Ok(())
}

#[tokio::test]
async fn long_values_are_cut_and_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lake = open(folder.path()).await?;
    lake.create_table(
        "Cut_CL",
        vec![Column::new("Text", ScalarType::String), Column::new("Bag", ScalarType::Dynamic)],
    )
    .await?;
    let how = Append { longest: Some(5), ..Append::default() };
    // The fifth byte is half of a character, and an escape is one character.
    let text = r#"[{"Text": "abcd\u00e9f", "Bag": {"a": "b"}}, {"Text": "\u0041bcde", "Bag": [1]}]"#;
    let appended = lake.append("Cut_CL", text.as_bytes(), Form::Array, how.clone()).await?;
    let cut = |column: &str| Misfit { column: column.into(), count: 1, reason: MisfitReason::Cut };
    assert_eq!(appended.misfits, [cut("Bag"), cut("Text")]);
    assert_eq!(value(&lake, "Cut_CL | where Text in ('abcd', 'Abcde') | count").await?, "2");
    assert_eq!(value(&lake, "Cut_CL | where tostring(Bag) == '{\"a\":' | count").await?, "1");

    let answers =
        Engine::new(Settings::default()).query("print Text = 'abcdefgh', Bag = dynamic({'a': 'b'})").await?;
    let batch = answers.answers.first().and_then(|answer| answer.batches.first()).ok_or("no rows")?;
    let appended = lake.append_batch("Cut_CL", batch, how).await?;
    assert_eq!(appended.misfits.len(), 2, "{:?}", appended.misfits);
    assert_eq!(value(&lake, "Cut_CL | where Text == 'abcde' | count").await?, "1");
    assert_eq!(value(&lake, "Cut_CL | where gettype(Bag) == 'string' | count").await?, "2");
    Ok(())
}
