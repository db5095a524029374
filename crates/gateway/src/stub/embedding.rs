//! Embeddings: vectors that depend on the text alone, and mean nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::MODEL;

/// Length of a vector where the request names none.
const DIMENSIONS: usize = 64;
/// Longest vector.
const MOST: usize = 4096;

pub(super) fn openai(request: &Value) -> Value {
    let inputs = inputs(request);
    let dimensions = dimensions(request);
    let as_base64 = request.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, dimensions);
            let embedding = if as_base64 { json!(packed(&vector)) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens = tokens(&inputs);
    json!({"object": "list", "data": data, "model": MODEL,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
}

pub(super) fn ollama(request: &Value) -> Value {
    let dimensions = dimensions(request);
    if let Some(text) = request.get("prompt").and_then(Value::as_str) {
        return json!({"embedding": vector(text, dimensions)});
    }
    let inputs = inputs(request);
    let vectors: Vec<Vec<f32>> = inputs.iter().map(|text| vector(text, dimensions)).collect();
    json!({"model": MODEL, "embeddings": vectors, "prompt_eval_count": tokens(&inputs)})
}

fn inputs(request: &Value) -> Vec<String> {
    match request.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        // A list of numbers is one text in tokens; a list of texts or of lists is several.
        Some(Value::Array(items)) if items.iter().all(Value::is_number) => vec![json!(items).to_string()],
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        _ => vec![String::new()],
    }
}

fn tokens(inputs: &[String]) -> usize {
    inputs.iter().map(|text| text.chars().count().div_ceil(4)).sum()
}

fn dimensions(request: &Value) -> usize {
    let asked =
        request.get("dimensions").and_then(Value::as_u64).and_then(|asked| usize::try_from(asked).ok());
    asked.unwrap_or(DIMENSIONS).clamp(1, MOST)
}

/// A unit vector from the hash of a text.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut bytes = vec![0_u8; dimensions];
    blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut bytes);
    let raw: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) - 127.5).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.iter().map(|value| value / length).collect()
}

fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_length_one_and_depend_on_the_text() {
        let first = vector("a", 64);
        let length: f32 = first.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
        assert_eq!(first, vector("a", 64));
        assert_ne!(first, vector("b", 64));
    }
}
