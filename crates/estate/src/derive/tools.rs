//! What an agent's tool can do, by its kind and by what its definition says.

use castellan_base::{Node, Span, Value};

use crate::shape::{ObjectBuilder, first_text, items, not_collected, text};

/// What is known of one capability.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
    /// The definition does not tell: it depends on code or on a server elsewhere.
    Untold,
}
use Known::{No, Untold, Yes};

/// Reads private data, reads what outsiders can write, sends data outside, changes state.
type Capabilities = [Known; 4];

pub(super) const CAPABILITIES: [&str; 4] =
    ["readsPrivateData", "readsUntrustedContent", "sendsOutside", "changesState"];

/// The kinds of tools with the names that Foundry, OpenAI and declarative definitions give them (lower case, without
/// punctuation and without `preview`), and what each can do whatever its settings.
const KINDS: &[(&str, &[&str], Capabilities)] = &[
    ("function", &["function"], [Untold, Untold, Untold, Untold]),
    ("mcp", &["mcp", "mcptool"], [Untold, Yes, Yes, Untold]),
    ("openapi", &["openapi"], [Untold, Yes, Yes, Untold]),
    // The sandbox has no network; files that users attach are read in it.
    ("code_interpreter", &["codeinterpreter"], [No, Yes, No, No]),
    // Files attached to a conversation are searched along with the agent's own.
    ("file_search", &["filesearch", "retrieval"], [Yes, Yes, No, No]),
    ("azure_ai_search", &["azureaisearch", "aisearch"], [Yes, No, No, No]),
    ("bing_grounding", &["binggrounding", "bingsearch", "websearch"], [No, Yes, Yes, No]),
    ("bing_custom_search", &["bingcustomsearch", "bingcustomgrounding"], [No, Yes, Yes, No]),
    ("sharepoint_grounding", &["sharepointgrounding", "sharepoint"], [Yes, Yes, No, No]),
    ("fabric_dataagent", &["fabricdataagent", "microsoftfabric", "fabric"], [Yes, No, No, No]),
    ("browser_automation", &["browserautomation"], [No, Yes, Yes, Yes]),
    ("computer_use", &["computeruse", "computer"], [Untold, Yes, Yes, Yes]),
    ("azure_function", &["azurefunction"], [Untold, Untold, Untold, Untold]),
    ("logic_app", &["logicapp", "logicapps"], [Untold, Untold, Yes, Yes]),
    ("connected_agent", &["connectedagent", "agent"], [Untold, Untold, Untold, Untold]),
    ("image_generation", &["imagegeneration"], [No, No, No, No]),
    ("a2a", &["a2a"], [Untold, Yes, Yes, Untold]),
];

/// Describes one tool of a definition.
pub(super) fn describe(tool: &Node) -> Node {
    let written = text(tool, "type").or_else(|| text(tool, "kind")).unwrap_or_default();
    let (kind, mut capabilities) = classify(written);
    // Most tools keep their settings under a member named after their type.
    let settings = tool.get(written).filter(|inner| inner.as_object().is_some()).unwrap_or(tool);
    let first = |names: &[&str]| first_text(settings, names).or_else(|| first_text(tool, names));
    let server_url = first(&["server_url", "serverUrl", "url", "base_url", "baseUrl"])
        .or_else(|| items(settings, "spec.servers").first().and_then(|server| text(server, "url")));
    let mut object = ObjectBuilder::at(tool.span)
        .text("kind", kind)
        .text_if("name", first(&["name", "id", "function.name"]).or(first(&["server_label", "serverLabel"])))
        .text_if("description", first(&["description"]))
        .text_if("serverLabel", first(&["server_label", "serverLabel", "serverName"]))
        .text_if("serverUrl", server_url)
        .text_if("connection", connection(settings));
    let auth = auth_type(tool, settings);
    if kind == "openapi" {
        openapi(settings, auth, &mut capabilities);
    }
    if kind == "mcp" {
        object = object.text("requireApproval", approval(tool, settings));
        if let Some(allowed) = allowed_tools(tool, settings) {
            object = object.set("allowedTools", allowed);
        }
    }
    for (name, known) in CAPABILITIES.iter().zip(capabilities) {
        object = object.set(name, capability(known, kind, name, tool.span));
    }
    object.text_if("authType", auth).build()
}

fn capability(known: Known, kind: &str, name: &str, span: Span) -> Node {
    match known {
        Yes => Value::Bool(true).at(span),
        No => Value::Bool(false).at(span),
        Untold => {
            let hint = "look at what the tool does; its definition does not say";
            not_collected(&format!("{name} of the {kind} tool"), hint, span)
        }
    }
}

fn classify(written: &str) -> (&'static str, Capabilities) {
    let plain: String = written.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    let plain = plain.split("preview").next().unwrap_or_default();
    let row = KINDS.iter().find(|(_, names, _)| names.contains(&plain));
    row.map_or(("other", [Untold; 4]), |(kind, _, capabilities)| (kind, *capabilities))
}

/// An API description tells more: anything but a GET changes something, and an interface that asks for no credential
/// holds nothing private.
fn openapi(settings: &Node, auth: Option<&str>, capabilities: &mut Capabilities) {
    let [private, _, _, changes] = capabilities;
    *private = match auth {
        Some("anonymous") => No,
        Some(_) => Yes,
        None => Untold,
    };
    let Some(paths) = settings.at_path("spec.paths").and_then(Node::as_object) else { return };
    let writes = |method: &str| {
        ["post", "put", "patch", "delete"].iter().any(|verb| method.eq_ignore_ascii_case(verb))
    };
    let any = paths
        .iter()
        .any(|path| path.value.as_object().into_iter().flatten().any(|operation| writes(&operation.key)));
    *changes = if any { Yes } else { No };
}

fn auth_type<'n>(tool: &'n Node, settings: &'n Node) -> Option<&'n str> {
    let declared = ["auth.type", "auth_type", "authType", "authentication.type", "connection.kind"];
    if let Some(kind) = first_text(settings, &declared) {
        return Some(kind);
    }
    let headers = settings.get("headers").or_else(|| tool.get("headers")).and_then(Node::as_object);
    if headers.is_some_and(|headers| headers.iter().any(|header| super::mcp::is_secret_name(&header.key))) {
        return Some("header");
    }
    if settings.get("authorization").is_some() {
        return Some("token");
    }
    connection(settings).map(|_| "connection")
}

/// The connection that a tool goes through.
fn connection(settings: &Node) -> Option<&str> {
    let direct =
        ["project_connection_id", "projectConnectionId", "connection_id", "connectionId", "connection.id"];
    if let Some(id) = first_text(settings, &direct) {
        return Some(id);
    }
    let lists = ["indexes", "connections", "search_configurations", "project_connections"];
    let names = ["index_connection_id", "project_connection_id", "connection_id"];
    lists.iter().flat_map(|list| items(settings, list)).find_map(|item| first_text(item, &names))
}

/// `always`, `never` or `partial`. The services ask for approval unless told otherwise.
fn approval(tool: &Node, settings: &Node) -> &'static str {
    let names = ["require_approval", "requireApproval", "approvalMode"];
    let found = names.iter().find_map(|name| settings.get(name).or_else(|| tool.get(name)));
    match found {
        Some(node) if node.as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("never")) => "never",
        Some(node) if node.as_bool() == Some(false) => "never",
        Some(node) if node.as_object().is_some() => {
            if let Some(kind) = text(node, "kind") {
                return if kind.eq_ignore_ascii_case("never") { "never" } else { "always" };
            }
            if node.get("never").is_some() { "partial" } else { "always" }
        }
        _ => "always",
    }
}

fn allowed_tools(tool: &Node, settings: &Node) -> Option<Node> {
    let names = ["allowed_tools", "allowedTools"];
    let found = names.iter().find_map(|name| settings.get(name).or_else(|| tool.get(name)))?;
    let list = found.get("tool_names").or_else(|| found.get("toolNames")).unwrap_or(found);
    list.as_array().filter(|tools| !tools.is_empty()).map(|_| list.clone())
}
