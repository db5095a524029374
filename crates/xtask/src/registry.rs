//! The registry of the query language: YAML in, Rust tables out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{Limits, Node, Sources, yaml};

use crate::read;

const DATA: &str = "crates/kql/data/registry";
const TABLES: &str = "crates/kql/src/registry/generated";

/// The families in the order of the reference page; each is a file.
const FAMILIES: [&str; 23] = [
    "statements",
    "operators",
    "joins",
    "types",
    "infix",
    "general",
    "conversion",
    "strings",
    "parse",
    "datetime",
    "math",
    "dynamic",
    "network",
    "hash",
    "aggregates",
    "sketch",
    "window",
    "series",
    "graph",
    "plugins",
    "session",
    "units",
    "geo",
];

/// Every table with its text.
pub(crate) fn tables(root: &Path) -> Result<Vec<(String, String)>> {
    let mut tables = Vec::new();
    let mut index = BTreeMap::new();
    for family in FAMILIES {
        let path = format!("{DATA}/{family}.yaml");
        let rows = rows(root, &path)?;
        for (position, row) in rows.iter().enumerate() {
            for name in std::iter::once(&row.name).chain(&row.legacy) {
                let key = (name.clone(), kind_order(&row.kind));
                if index.insert(key, format!("&{family}::ROWS[{position}]")).is_some() {
                    bail!("{path}: `{name}` stands twice as {}", row.kind);
                }
            }
        }
        tables.push((format!("{TABLES}/{family}.rs"), table(family, &rows)));
    }
    tables.push((format!("{TABLES}/mod.rs"), module(&index)));
    Ok(tables)
}

/// A row as Rust.
struct Row {
    name: String,
    kind: String,
    legacy: Vec<String>,
    rust: String,
}

const KINDS: [&str; 10] =
    ["scalar", "window", "aggregate", "graph", "plugin", "operator", "infix", "statement", "join", "type"];

fn kind_order(kind: &str) -> usize {
    KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len())
}

fn rows(root: &Path, path: &str) -> Result<Vec<Row>> {
    let mut sources = Sources::default();
    let source = sources.add(path, read(&root.join(path))?);
    let text = sources.text(source).context("no text")?;
    let document = yaml::parse(&text, source, &Limits::default())
        .map_err(|diagnostic| anyhow!("{path}: {}", diagnostic.message))?;
    let rows = document.as_array().with_context(|| format!("{path}: expected a list"))?;
    let place = |node: &Node| sources.locate(node.span).map(|place| place.to_string()).unwrap_or_default();
    rows.iter().map(|node| row(node).with_context(|| place(node))).collect()
}

fn row(node: &Node) -> Result<Row> {
    const KEYS: [&str; 12] = [
        "name",
        "kind",
        "signatures",
        "syntax",
        "doc",
        "example",
        "result",
        "legacy",
        "column",
        "columns",
        "schema",
        "azure_monitor",
    ];
    known_keys(node, &KEYS)?;
    let name = text(node, "name")?;
    let kind = text(node, "kind")?;
    if !KINDS.contains(&kind.as_str()) {
        bail!("`{kind}` is no kind");
    }
    let signatures: Result<Vec<String>> = list(node, "signatures").map(signature).collect();
    let columns: Result<Vec<String>> = list(node, "columns").map(column).collect();
    let legacy: Vec<String> = list(node, "legacy").filter_map(Node::as_str).map(str::to_owned).collect();
    let shown: Vec<String> = legacy.iter().map(|name| literal(name)).collect();
    let azure_monitor = node.get("azure_monitor").and_then(Node::as_bool).context("no `azure_monitor`")?;
    let rust = format!(
        "Row {{ name: {}, kind: K::{}, signatures: &[{}], syntax: {}, doc: {}, example: {}, result: {}, \
         legacy: &[{}], column: {}, columns: &[{}], schema: {}, azure_monitor: {azure_monitor} }}",
        literal(&name),
        camel(&kind),
        signatures?.join(", "),
        option(node, "syntax"),
        literal(&text(node, "doc")?),
        literal(&text(node, "example")?),
        option(node, "result"),
        shown.join(", "),
        option(node, "column"),
        columns?.join(", "),
        option(node, "schema"),
    );
    Ok(Row { name, kind, legacy, rust })
}

fn signature(node: &Node) -> Result<String> {
    known_keys(node, &["args", "returns"])?;
    let arguments: Result<Vec<String>> = list(node, "args").map(argument).collect();
    let returns = text(node, "returns")?;
    let rule = match returns.as_str() {
        "arg1" => "R::Argument1".to_owned(),
        "promoted" | "widest" | "common" | "typeof" | "scalar" | "first" | "column" | "columns" | "tuple"
        | "arrays" | "tabular" | "database" | "cluster" | "graph" | "variable" | "type" => {
            format!("R::{}", camel(&returns))
        }
        other => format!("R::Exact({})", scalar(other)?),
    };
    Ok(format!("Signature {{ arguments: &[{}], returns: {rule} }}", arguments?.join(", ")))
}

fn argument(node: &Node) -> Result<String> {
    known_keys(node, &["name", "type", "optional", "constant", "named", "repeat"])?;
    let types: Result<Vec<String>> = text(node, "type")?.split('|').map(argument_type).collect();
    let flag = |key: &str| node.get(key).and_then(Node::as_bool).unwrap_or(false);
    let repeat = match node.get("repeat").and_then(Node::as_str) {
        None => "None".to_owned(),
        Some(range) => {
            let (least, most) = range.split_once("..").context("`repeat` is LEAST..MOST")?;
            format!("Some(({}, {}))", least.parse::<u16>()?, most.parse::<u16>()?)
        }
    };
    Ok(format!(
        "Argument {{ name: {}, types: &[{}], optional: {}, constant: {}, named: {}, repeat: {repeat} }}",
        literal(&text(node, "name")?),
        types?.join(", "),
        flag("optional"),
        flag("constant"),
        flag("named"),
    ))
}

fn argument_type(word: &str) -> Result<String> {
    match word {
        "number" | "summable" | "ordered" | "scalar" | "any" | "column" | "tabular" | "type" | "star"
        | "aggregate" | "variable" => Ok(format!("T::{}", camel(word))),
        other => Ok(format!("T::Exact({})", scalar(other)?)),
    }
}

fn column(node: &Node) -> Result<String> {
    known_keys(node, &["name", "type"])?;
    let kind = scalar(&text(node, "type")?)?;
    Ok(format!("OutputColumn {{ name: {}, scalar: {kind} }}", literal(&text(node, "name")?)))
}

fn scalar(word: &str) -> Result<String> {
    let variant = match word {
        "datetime" => "DateTime".to_owned(),
        "timespan" => "TimeSpan".to_owned(),
        "bool" | "int" | "long" | "real" | "decimal" | "string" | "guid" | "dynamic" => camel(word),
        other => bail!("`{other}` is no type"),
    };
    Ok(format!("S::{variant}"))
}

fn known_keys(node: &Node, keys: &[&str]) -> Result<()> {
    let object = node.as_object().context("expected a mapping")?;
    match object.iter().find(|member| !keys.contains(&&*member.key)) {
        Some(member) => bail!("`{}` is no key here", member.key),
        None => Ok(()),
    }
}

fn list<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n Node> {
    node.get(key).and_then(Node::as_array).unwrap_or_default().iter()
}

fn text(node: &Node, key: &str) -> Result<String> {
    let value = node.get(key).with_context(|| format!("no `{key}`"))?;
    value.as_str().map(str::to_owned).with_context(|| format!("`{key}` is no text"))
}

fn option(node: &Node, key: &str) -> String {
    match node.get(key).and_then(Node::as_str) {
        Some(text) => format!("Some({})", literal(text)),
        None => "None".to_owned(),
    }
}

fn literal(text: &str) -> String {
    format!("\"{}\"", text.escape_default().to_string().replace("\\'", "'"))
}

fn camel(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

const NOTICE: &str = "// Derived from data/registry by `cargo xtask generate`; do not edit.\n";

fn table(family: &str, rows: &[Row]) -> String {
    let mut code = format!("//! The family `{family}`.\n\n{NOTICE}\nuse super::*;\n\n");
    let _ = writeln!(code, "pub(in crate::registry) static ROWS: [Row; {}] = [", rows.len());
    for row in rows {
        let _ = writeln!(code, "    {},", row.rust);
    }
    code.push_str("];\n");
    code
}

fn module(index: &BTreeMap<(String, usize), String>) -> String {
    let mut code = format!(
        "//! The rows as constants.\n\n{NOTICE}\n#![allow(unused_imports)] // Not every family uses every type.\n\n"
    );
    code.push_str("use super::row::{Argument, ArgumentType as T, Kind as K, OutputColumn, Returns as R, Row, Signature};\n");
    code.push_str("use crate::value::ScalarType as S;\n\n");
    for family in FAMILIES {
        let _ = writeln!(code, "mod {family};");
    }
    let _ = writeln!(code, "\npub(super) static FAMILIES: [(&str, &[Row]); {}] = [", FAMILIES.len());
    for family in FAMILIES {
        let _ = writeln!(code, "    (\"{family}\", &{family}::ROWS),");
    }
    let _ = writeln!(code, "];\n\n/// By name in byte order, then by kind.");
    let _ = writeln!(code, "pub(super) static INDEX: [(&str, &Row); {}] = [", index.len());
    for ((name, _), row) in index {
        let _ = writeln!(code, "    ({}, {row}),", literal(name));
    }
    code.push_str("];\n");
    code
}
