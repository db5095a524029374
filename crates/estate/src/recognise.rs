//! What a document is, by its content.

use castellan_base::Node;

use crate::shape::text;

/// What one parsed document is.
pub(crate) enum Recognised {
    /// An ARM template.
    Template,
    /// Parameter values for one.
    Parameters,
    /// `terraform show -json`.
    Terraform,
    /// Rows of an export.
    Rows(Rows),
    /// One Kubernetes object, or a list of them.
    Kubernetes,
    /// An agent definition.
    Agent,
    /// A configuration of MCP servers.
    Mcp,
    /// Recognised, but nothing to scan.
    Unsupported(Refusal),
    /// Anything else.
    Unknown,
}

/// Why a file is no input and what to do instead.
pub(crate) struct Refusal {
    /// Why.
    pub(crate) note: String,
    /// What to do; may be empty.
    pub(crate) next_step: String,
}

impl Refusal {
    pub(crate) fn new(note: &str, next_step: &str) -> Refusal {
        Refusal { note: note.to_owned(), next_step: next_step.to_owned() }
    }
}

/// The rows of an export and what the export says about its completeness.
pub(crate) struct Rows {
    /// The rows.
    pub(crate) rows: Vec<Node>,
    /// True for an answer of Resource Graph.
    pub(crate) is_graph: bool,
    /// How many rows the whole query has, if the page says so.
    pub(crate) total: Option<u64>,
    /// True when the answer says that rows are missing from it.
    pub(crate) truncated: bool,
    /// Where the next page is, for lists of the REST API.
    pub(crate) next_link: Option<String>,
}

impl Rows {
    pub(crate) fn plain(rows: Vec<Node>) -> Rows {
        Rows { rows, is_graph: false, total: None, truncated: false, next_link: None }
    }
}

/// Works out what a document is.
pub(crate) fn recognise(document: &Node) -> Recognised {
    if let Some(items) = document.as_array() {
        return Recognised::Rows(Rows::plain(items.to_vec()));
    }
    let Some(object) = document.as_object() else { return Recognised::Unknown };
    if castellan_arm::is_template(document) {
        return Recognised::Template;
    }
    if castellan_arm::is_parameters(document) {
        return Recognised::Parameters;
    }
    if castellan_arm::terraform::is_terraform(document) {
        return Recognised::Terraform;
    }
    if let Some(refusal) = known_other(document) {
        return Recognised::Unsupported(refusal);
    }
    if is_kubernetes(document) {
        return Recognised::Kubernetes;
    }
    if mcp_servers(document).is_some() {
        return Recognised::Mcp;
    }
    if let Some(rows) = graph_answer(document).or_else(|| rest_list(document)) {
        return Recognised::Rows(rows);
    }
    if is_agent(document) {
        return Recognised::Agent;
    }
    let has_id = object.get("id").and_then(Node::as_str).is_some_and(|id| id.starts_with('/'));
    if has_id || crate::rows::governance(document).is_some() {
        return Recognised::Rows(Rows::plain(vec![document.clone()]));
    }
    Recognised::Unknown
}

/// Formats that people keep beside their infrastructure and that describe no resources.
fn known_other(document: &Node) -> Option<Refusal> {
    let has = |key: &str| document.get(key).is_some();
    if text(document, "bomFormat") == Some("CycloneDX") {
        return Some(Refusal::new("a CycloneDX bill of materials is an output, not an input", ""));
    }
    if has("spdxVersion") || text(document, "@context").is_some_and(|context| context.contains("spdx.org")) {
        return Some(Refusal::new("an SPDX document describes software, not an estate", ""));
    }
    if has("runs") && text(document, "$schema").is_some_and(|schema| schema.contains("sarif")) {
        return Some(Refusal::new("a SARIF report is an output, not an input", ""));
    }
    if has("terraform_version") && has("lineage") && has("serial") {
        let next = "terraform show -json > state.json";
        return Some(Refusal::new("a raw Terraform state of this version is not read", next));
    }
    if has("openapi") || has("swagger") {
        return Some(Refusal::new("an API description is read only as part of an agent's tools", ""));
    }
    None
}

/// True for an object with the head that every Kubernetes object has.
pub(crate) fn is_kubernetes(document: &Node) -> bool {
    let head = text(document, "apiVersion").is_some() && text(document, "kind").is_some();
    let body = document.get("metadata").is_some() || document.get("items").is_some();
    head && body
}

/// The servers of an MCP configuration, under the names that the common clients use.
pub(crate) fn mcp_servers(document: &Node) -> Option<&Node> {
    let is_server =
        |node: &Node| ["command", "url", "serverUrl", "httpUrl"].iter().any(|key| node.get(key).is_some());
    for path in ["mcpServers", "mcp.servers", "servers", "context_servers"] {
        let Some(servers) = document.at_path(path) else { continue };
        let Some(object) = servers.as_object() else { continue };
        let looks_right = object.iter().all(|member| is_server(&member.value));
        if (path == "mcpServers" && object.is_empty()) || (looks_right && !object.is_empty()) {
            return Some(servers);
        }
    }
    None
}

/// An answer of Resource Graph: REST, CLI or PowerShell, rows as objects or as a table.
fn graph_answer(document: &Node) -> Option<Rows> {
    let data = document.get("data")?;
    let markers = [
        "totalRecords",
        "total_records",
        "count",
        "skip_token",
        "$skipToken",
        "skipToken",
        "resultTruncated",
    ];
    if !markers.iter().any(|marker| document.get(marker).is_some()) {
        return None;
    }
    let rows = match data.as_array() {
        Some(rows) => rows.to_vec(),
        None => table_rows(data)?,
    };
    let number =
        |key: &str| document.get(key).and_then(Node::as_i64).and_then(|total| u64::try_from(total).ok());
    let token = ["$skipToken", "skip_token", "skipToken"]
        .iter()
        .any(|key| document.get(key).and_then(Node::as_str).is_some_and(|token| !token.is_empty()));
    let truncated = document.get("resultTruncated").is_some_and(|flag| {
        flag.as_bool() == Some(true) || flag.as_str().is_some_and(|flag| flag.eq_ignore_ascii_case("true"))
    });
    Some(Rows {
        rows,
        is_graph: true,
        total: number("totalRecords").or_else(|| number("total_records")),
        truncated: truncated || token,
        next_link: None,
    })
}

/// The table form of Resource Graph: `{"columns": [{"name", "type"}], "rows": [[..]]}`.
fn table_rows(data: &Node) -> Option<Vec<Node>> {
    let columns = data.get("columns")?.as_array()?;
    let rows = data.get("rows")?.as_array()?;
    let names: Vec<&str> = columns.iter().map(|column| text(column, "name").unwrap_or_default()).collect();
    let row = |cells: &Node| {
        let mut object = crate::shape::ObjectBuilder::at(cells.span);
        for (name, cell) in names.iter().zip(cells.as_array().unwrap_or_default()) {
            object = object.set(name, cell.clone());
        }
        object.build()
    };
    Some(rows.iter().map(row).collect())
}

/// A list of the REST API, or a list of agents: `{"value": [..], "nextLink"}`, `{"object": "list", "data": [..]}`.
fn rest_list(document: &Node) -> Option<Rows> {
    if let Some(value) = document.get("value").and_then(Node::as_array) {
        let next_link = ["nextLink", "@odata.nextLink"].iter().find_map(|key| text(document, key));
        let next_link = next_link.filter(|link| !link.is_empty()).map(str::to_owned);
        return Some(Rows { next_link, ..Rows::plain(value.to_vec()) });
    }
    let data = document.get("data").and_then(Node::as_array)?;
    let is_list = text(document, "object") == Some("list") || data.iter().all(is_agent);
    let more = document.get("has_more").and_then(Node::as_bool) == Some(true);
    (is_list && !data.is_empty()).then(|| Rows { truncated: more, ..Rows::plain(data.to_vec()) })
}

/// True for an agent: an assistant or agent object of Foundry or OpenAI, or a declarative definition.
pub(crate) fn is_agent(document: &Node) -> bool {
    if matches!(text(document, "object"), Some("assistant" | "agent" | "agent.version")) {
        return true;
    }
    let inner = ["definition", "template"].iter().find_map(|key| document.get(key)).unwrap_or(document);
    let has_text = |key: &str| inner.get(key).and_then(Node::as_str).is_some();
    let model =
        inner.get("model").is_some_and(|model| model.as_str().is_some() || model.as_object().is_some());
    let tools = inner.get("tools").and_then(Node::as_array).is_some_and(|tools| {
        !tools.is_empty() && tools.iter().all(|tool| text(tool, "type").or(text(tool, "kind")).is_some())
    });
    let declared = ["kind", "type"].iter().any(|key| {
        text(inner, key).is_some_and(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind == "prompt" || kind == "hosted" || kind.ends_with("_agent") || kind.ends_with("_assistant")
        })
    });
    let instructed = has_text("instructions");
    (instructed && (model || tools))
        || (declared && (model || instructed))
        || (model && tools && document.get("name").is_some())
}
