//! A cheap look at a file before it is parsed.

use std::path::Path;

use castellan_base::{Limits, Node, SourceId, Span, json};

use crate::recognise::Refusal;

/// What to parse a text as.
pub(crate) enum Form {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Nothing to parse.
    Refused(Refusal),
}

/// Files that are known by their name to need another tool first, or to hold nothing of interest. They are not read.
pub(crate) fn by_name(path: &Path) -> Option<Refusal> {
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    let shown = path.display();
    let refusal = match extension.as_str() {
        "bicep" => Refusal::new("Bicep source has to be compiled first", &format!("bicep build {shown}")),
        "bicepparam" => {
            Refusal::new("Bicep parameters have to be compiled first", &format!("bicep build-params {shown}"))
        }
        "tf" | "tfvars" => Refusal::new(
            "Terraform source says too little without its variables and modules",
            "terraform plan -out p && terraform show -json p > plan.json",
        ),
        "tfplan" => Refusal::new(
            "a binary Terraform plan has no stable form",
            &format!("terraform show -json {shown} > plan.json"),
        ),
        known if OTHER_EXTENSIONS.contains(&known) => {
            Refusal::new("not a format that describes resources", "")
        }
        _ => return None,
    };
    Some(refusal)
}

/// Code, text, pictures, archives, models: looked at by nobody.
const OTHER_EXTENSIONS: [&str; 70] = [
    "md",
    "rst",
    "adoc",
    "pdf",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "ico",
    "webp",
    "bmp",
    "mp4",
    "mp3",
    "wav",
    "zip",
    "gz",
    "tgz",
    "tar",
    "bz2",
    "xz",
    "7z",
    "jar",
    "whl",
    "exe",
    "dll",
    "so",
    "dylib",
    "o",
    "a",
    "class",
    "pyc",
    "rs",
    "py",
    "js",
    "mjs",
    "cjs",
    "ts",
    "tsx",
    "jsx",
    "go",
    "java",
    "kt",
    "cs",
    "cpp",
    "c",
    "h",
    "hpp",
    "rb",
    "php",
    "sh",
    "ps1",
    "psm1",
    "bat",
    "cmd",
    "html",
    "htm",
    "css",
    "scss",
    "csv",
    "tsv",
    "parquet",
    "onnx",
    "safetensors",
    "gguf",
    "pt",
    "bin",
    "lock",
    "toml",
    "ipynb",
];

/// Decides by the beginning of the text, with the name as a hint.
pub(crate) fn sniff(path: &Path, text: &str) -> Form {
    let start = text.trim_start();
    if start.is_empty() {
        return Form::Refused(Refusal::new("an empty file", ""));
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let is_yaml = matches!(extension.as_deref(), Some("yaml" | "yml"));
    let is_json = matches!(extension.as_deref(), Some("json" | "jsonc" | "jsonl" | "ndjson"));
    if is_template_text(start) && !is_json {
        return Form::Refused(Refusal::new(
            "a Helm template is not a manifest before it is rendered",
            "helm template CHART > manifests.yaml",
        ));
    }
    if is_json || (start.starts_with(['{', '[']) && !is_yaml) {
        return Form::Json;
    }
    if is_yaml || has_line(start, "apiVersion:") || has_line(start, "instructions:") {
        return if speaks_of_workloads(start) {
            Form::Yaml
        } else {
            Form::Refused(Refusal::new("YAML that is neither a manifest nor an agent definition", ""))
        };
    }
    Form::Refused(Refusal::new("not a format that describes resources", ""))
}

/// Go template actions outside of quoted text, as charts have them.
fn is_template_text(text: &str) -> bool {
    ["{{ .", "{{- ", "{{.", "{{ include", "{{- if"].iter().any(|mark| text.contains(mark))
        && (text.contains(".Values") || text.contains(".Release") || text.contains("include \""))
}

fn has_line(text: &str, start: &str) -> bool {
    text.lines().take(2000).any(|line| line.trim_start().starts_with(start))
}

/// True when a YAML text can hold anything that is scanned. Pipelines, compose files and the like are not parsed.
fn speaks_of_workloads(text: &str) -> bool {
    let words = [
        "apiVersion",
        "instructions",
        "mcpServers",
        "model:",
        "\"model\"",
        "/subscriptions/",
        "deploymentTemplate",
    ];
    words.iter().any(|word| text.contains(word))
}

/// Reads a text as one JSON document a line; `None` when it is no such text. Blank lines are allowed.
pub(crate) fn json_lines(text: &str, source: SourceId, limits: &Limits) -> Option<Vec<Node>> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let complete = |line: &str| {
        let line = line.trim();
        (line.starts_with('{') && line.ends_with('}')) || (line.starts_with('[') && line.ends_with(']'))
    };
    if !complete(first) {
        return None;
    }
    let mut documents = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            let node = json::parse(line, source, limits).ok()?;
            documents.push(shift(&node, offset));
        }
        offset += line.len();
    }
    Some(documents)
}

/// The same tree with every span moved by the offset of its line.
fn shift(node: &Node, by: usize) -> Node {
    use castellan_base::{Member, Object, Value};
    let moved = |span: Span| {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        Span { start: span.start.saturating_add(by), end: span.end.saturating_add(by), ..span }
    };
    let value = match &node.value {
        Value::Array(items) => Value::array(items.iter().map(|item| shift(item, by)).collect()),
        Value::Object(object) => {
            let mut shifted = Object::new();
            for member in object.iter() {
                shifted.push(Member {
                    key: member.key.clone(),
                    key_span: moved(member.key_span),
                    value: shift(&member.value, by),
                });
            }
            Value::object(shifted)
        }
        other => other.clone(),
    };
    value.at(moved(node.span))
}
