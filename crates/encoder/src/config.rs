//! What the files beside a model say of it.

use serde_json::Value;

/// Most labels of a model.
const MOST_LABELS: usize = 1_000;
/// Models whose positions begin after that of the token that pads.
const SHIFTED: &[&str] = &["camembert", "longformer", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl"];

/// What `config.json` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// What the classes are called, by number.
    pub(crate) labels: Vec<String>,
    /// Most tokens of a text, where it is said.
    pub(crate) length: Option<usize>,
    /// The token that pads.
    pub(crate) pad: i64,
    /// Whether several labels may hold at once.
    pub(crate) is_multiple: bool,
}

/// Reads `config.json`, and how many tokens `tokenizer_config.json` allows where that is there.
pub(crate) fn read(config: &[u8], tokenizer_config: Option<&[u8]>) -> Result<Config, String> {
    let config: Value = serde_json::from_slice(config).map_err(|error| format!("it is no JSON: {error}"))?;
    let number =
        |name: &str| config.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let kind = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let pad = number("pad_token_id").unwrap_or(0);
    let shift = if SHIFTED.contains(&kind) { pad.saturating_add(1) } else { 0 };
    let positions = number("max_position_embeddings").and_then(|most| most.checked_sub(shift));
    let tokens: Option<Value> = match tokenizer_config {
        Some(bytes) => Some(
            serde_json::from_slice(bytes)
                .map_err(|error| format!("`tokenizer_config.json` beside it is no JSON: {error}"))?,
        ),
        None => None,
    };
    // Where a tokeniser knows no bound, it says 10 to the power of 30, which is no integer of 64 bits.
    let allowed = tokens.as_ref().and_then(|value| value.get("model_max_length")).and_then(Value::as_u64);
    let allowed = allowed.and_then(|most| usize::try_from(most).ok());
    let length = [positions, allowed].into_iter().flatten().filter(|most| *most > 0).min();
    let kind_of_problem = config.get("problem_type").and_then(Value::as_str);
    Ok(Config {
        labels: labels(&config)?,
        length,
        pad: i64::try_from(pad).unwrap_or(0),
        is_multiple: kind_of_problem == Some("multi_label_classification"),
    })
}

/// The names of the classes: by `id2label`, else by `label2id`.
fn labels(config: &Value) -> Result<Vec<String>, String> {
    let mut named: Vec<(usize, String)> = Vec::new();
    if let Some(names) = config.get("id2label").and_then(Value::as_object) {
        for (number, name) in names {
            let number = number
                .parse()
                .map_err(|_| format!("`id2label` has the key `{number}`, which is no number"))?;
            named.push((number, name.as_str().ok_or("`id2label` has a name that is no text")?.to_owned()));
        }
    } else if let Some(numbers) = config.get("label2id").and_then(Value::as_object) {
        for (name, number) in numbers {
            let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
            named.push((number.ok_or("`label2id` has a value that is no number")?, name.clone()));
        }
    }
    named.sort();
    if named.is_empty() || named.len() > MOST_LABELS {
        return Err("it needs `id2label`, with a name for each class of the model".to_owned());
    }
    if (0..).zip(&named).any(|(expected, (number, _))| expected != *number) {
        return Err("the numbers of its labels do not run from 0 without gaps".to_owned());
    }
    Ok(named.into_iter().map(|(_, name)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_by_number_and_lengths_leave_room_for_what_pads() {
        let text = r#"{"model_type": "roberta", "id2label": {"1": "B", "0": "A"}, "pad_token_id": 1, "max_position_embeddings": 514}"#;
        let config =
            read(text.as_bytes(), Some(br#"{"model_max_length": 1000000000000000019884624838656}"#)).unwrap();
        assert_eq!(
            (config.labels, config.length, config.pad),
            (vec!["A".to_owned(), "B".to_owned()], Some(512), 1)
        );
        let config =
            read(br#"{"label2id": {"B": 1, "A": 0}}"#, Some(br#"{"model_max_length": 256}"#)).unwrap();
        assert_eq!((config.labels.len(), config.length), (2, Some(256)));
    }

    #[test]
    fn faults_are_told() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"id2label": {"0": "A", "2": "B"}}"#,
            r#"{"id2label": {"x": "A"}}"#,
            r#"{"id2label": {"0": 7}}"#,
            r#"{"label2id": {"A": -1}}"#,
        ] {
            assert!(read(text.as_bytes(), None).is_err(), "{text}");
        }
        assert!(read(br#"{"id2label": {"0": "A"}}"#, Some(b"{")).is_err());
    }
}
