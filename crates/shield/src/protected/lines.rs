//! Protected texts as JSON lines.

use serde::Deserialize;

use super::{Kind, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    text: String,
    licence: Option<String>,
    kind: Option<Kind>,
}

/// Reads a line `{"name", "text", "licence"?, "kind"?}`: what [`Index::add`](super::Index::add) takes. The kind is `text`,
/// which is what it is without one, or `code`.
///
/// ```
/// use castellan_shield::protected::{Kind, read_line};
///
/// let line = r#"{"name": "https://example.com/a.py", "text": "import this", "licence": "MIT", "kind": "code"}"#;
/// let (source, text) = read_line(line).unwrap();
/// assert_eq!((source.kind, text.as_str()), (Kind::Code, "import this"));
/// ```
///
/// # Errors
/// What is wrong with the line.
pub fn read_line(line: &str) -> Result<(Source, String), serde_json::Error> {
    let line: Line = serde_json::from_str(line)?;
    let kind = line.kind.unwrap_or(Kind::Text);
    Ok((Source { name: line.name, licence: line.licence, kind }, line.text))
}
