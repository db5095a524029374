//! `Castellan.AI/agents`: agents with what their tools add up to.

use castellan_base::{Node, Origin, Resource, ResourceId, Span, Value};

use super::{filters, tools};
use crate::agents::{self, DEFINITION};
use crate::estate::Estate;
use crate::shape::{ObjectBuilder, derived, first_text, items, text, with_members};

const APPLICATION: &str = "Microsoft.CognitiveServices/accounts/projects/applications";

pub(super) fn derive(estate: &Estate, resource: &Resource, into: &mut Vec<Resource>) {
    if resource.is_type(DEFINITION) {
        let Some(document) = resource.at_path("properties") else { return };
        let name = agents::name(document).unwrap_or_else(|| resource.name());
        let properties = describe(estate, resource, document, name);
        into.push(derived(resource, "agents", name, properties));
    } else if resource.is_type(APPLICATION) {
        let Some(document) = resource.at_path("properties") else { return };
        let properties = if document.as_unresolved().is_some() {
            ObjectBuilder::at(resource.span)
                .text("name", resource.name())
                .text("source", "foundry")
                .set("tools", document.clone())
                .build()
        } else {
            application(estate, resource, document)
        };
        into.push(derived(resource, "agents", resource.name(), properties));
    }
}

/// A published application: its tools are kept with the agents it publishes, which Resource Manager does not return.
fn application(estate: &Estate, resource: &Resource, document: &Node) -> Node {
    if document.get("tools").is_some() {
        return describe(estate, resource, document, resource.name());
    }
    let hint = "export the project's agents with GET {project endpoint}/agents and scan them as well";
    let unknown = crate::shape::not_collected("tools", hint, document.span);
    let mut object = ObjectBuilder::at(document.span)
        .text("name", resource.name())
        .copy("description", document.get("description"))
        .set("tools", unknown.clone());
    for capability in tools::CAPABILITIES {
        object = object.set(capability, unknown.clone());
    }
    object.text("source", "foundry").build()
}

/// The definition proper: an agent of the newer service wraps it in versions.
fn inner(document: &Node) -> &Node {
    let paths = ["versions.latest.definition", "definition", "template"];
    paths
        .iter()
        .find_map(|path| document.at_path(path))
        .filter(|node| node.as_object().is_some())
        .unwrap_or(document)
}

fn describe(estate: &Estate, resource: &Resource, document: &Node, name: &str) -> Node {
    let definition = inner(document);
    let instructions = definition.get("instructions").filter(|node| !node.is_null());
    let has_instructions = instructions.is_some_and(|node| match node.as_str() {
        Some(text) => !text.trim().is_empty(),
        None => node.as_unresolved().is_some() || node.as_object().is_some(),
    });
    let tools: Vec<Node> = items(definition, "tools").iter().map(tools::describe).collect();
    let tools_span = definition.get("tools").map_or(definition.span, |tools| tools.span);
    let mut object = ObjectBuilder::at(document.span)
        .text("name", name)
        .copy("description", document.get("description").or_else(|| definition.get("description")))
        .copy("model", model(definition))
        .copy("instructions", instructions)
        .flag("hasInstructions", has_instructions)
        .set("tools", Value::array(tools.clone()).at(tools_span));
    for capability in tools::CAPABILITIES {
        object = object.set(capability, any(&tools, capability, tools_span));
    }
    if let Some(guardrail) = guardrail(estate, resource, definition) {
        object = object.set("guardrail", guardrail);
    }
    let connected = connected_agents(definition);
    if !connected.is_empty() {
        object = object.list("connectedAgents", connected);
    }
    object.text("source", source(resource, document)).build()
}

fn model(definition: &Node) -> Option<&Node> {
    let model = definition.get("model")?;
    ["id", "name", "deployment", "connection.modelId"]
        .iter()
        .find_map(|path| model.at_path(path))
        .or_else(|| model.as_str().map(|_| model))
}

/// True when any tool can, false when none can, unresolved when that hangs on a tool that does not tell.
fn any(tools: &[Node], capability: &str, span: Span) -> Node {
    let of_tools = || tools.iter().filter_map(|tool| tool.get(capability));
    let yes = of_tools().find(|node| node.as_bool() == Some(true));
    let untold = || of_tools().find(|node| node.as_unresolved().is_some());
    yes.or_else(untold).cloned().unwrap_or_else(|| Value::Bool(false).at(span))
}

fn guardrail(estate: &Estate, resource: &Resource, definition: &Node) -> Option<Node> {
    let paths = ["rai_config.rai_policy_name", "raiConfig.raiPolicyName", "rai_policy_name", "raiPolicyName"];
    let name = paths.iter().find_map(|path| definition.at_path(path)).filter(|name| !name.is_null())?;
    // A definition in a file does not say on which account its filter lies; where only one filter has this name, that
    // one is meant.
    let wanted = name.as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    let mut named =
        estate.of_type(filters::RAI_POLICY).filter(|policy| policy.name().eq_ignore_ascii_case(wanted));
    let account = match (named.next(), named.next()) {
        (Some(only), None) => only.id.parent(),
        _ => None,
    };
    let filter = filters::find(estate, account.as_ref(), resource, Some(name));
    let guardrail = ObjectBuilder::at(name.span)
        .copy("name", Some(name))
        .set("jailbreak", filters::blocks(&filter.filters, "Jailbreak"))
        .set("indirectAttack", filters::blocks(&filter.filters, "Indirect Attack"))
        .build();
    Some(guardrail)
}

fn connected_agents(definition: &Node) -> Vec<Node> {
    let connected = |tool: &Node| {
        let inner = tool.get("connected_agent").or_else(|| tool.get("connectedAgent"))?;
        let name = first_text(inner, &["name", "id"])?;
        let object =
            ObjectBuilder::at(inner.span).text("name", name).copy("description", inner.get("description"));
        Some(object.copy("id", inner.get("id")).build())
    };
    items(definition, "tools").iter().filter_map(connected).collect()
}

fn source(resource: &Resource, document: &Node) -> &'static str {
    if resource.origin != Origin::AgentDefinition {
        return "foundry";
    }
    match text(document, "object") {
        Some("agent" | "agent.version") => "foundry",
        // Foundry's classic agents and OpenAI's assistants are one format; tools that only Foundry has tell them apart.
        Some("assistant") => {
            let own = ["code_interpreter", "file_search", "function"];
            let foreign = |tool: &Node| text(tool, "type").is_some_and(|kind| !own.contains(&kind));
            if items(document, "tools").iter().any(foreign) { "foundry" } else { "openai" }
        }
        _ => "file",
    }
}

/// An agent that hands work to another can do what the other can. Where the other was read, what was untold is told.
pub(super) fn resolve_callees(derived: &mut [Resource]) {
    // Two rounds settle an agent that calls an agent that calls an agent; deeper chains stay untold.
    for _ in 0..2 {
        let known: Vec<(String, ResourceId, Node)> = derived
            .iter()
            .filter(|resource| resource.is_type("Castellan.AI/agents"))
            .filter_map(|agent| {
                let properties = agent.at_path("properties")?;
                Some((agent.name().to_ascii_lowercase(), agent.id.clone(), properties.clone()))
            })
            .collect();
        for agent in derived.iter_mut().filter(|resource| resource.is_type("Castellan.AI/agents")) {
            resolve_agent(agent, &known);
        }
    }
}

fn resolve_agent(agent: &mut Resource, known: &[(String, ResourceId, Node)]) {
    let Some(properties) = agent.at_path("properties") else { return };
    let tools = items(properties, "tools");
    if !tools.iter().any(|tool| text(tool, "kind") == Some("connected_agent")) {
        return;
    }
    let resolved: Vec<Node> = tools.iter().map(|tool| resolve_tool(tool, &agent.id, known)).collect();
    let tools_span = properties.get("tools").map_or(properties.span, |tools| tools.span);
    let mut members: Vec<(&str, Node)> =
        tools::CAPABILITIES.iter().map(|name| (*name, any(&resolved, name, tools_span))).collect();
    members.push(("tools", Value::array(resolved).at(tools_span)));
    let properties = with_members(properties, members);
    agent.body = with_members(&agent.body, vec![("properties", properties)]);
}

fn resolve_tool(tool: &Node, caller: &ResourceId, known: &[(String, ResourceId, Node)]) -> Node {
    let name = text(tool, "name").filter(|_| text(tool, "kind") == Some("connected_agent"));
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let mut callees = known.iter().filter(|(other, id, _)| *other == name && id != caller);
    let (Some((_, _, callee)), None) = (callees.next(), callees.next()) else { return tool.clone() };
    let members = tools::CAPABILITIES.iter().filter_map(|capability| {
        let value = callee.get(capability)?;
        Some((*capability, Node { value: value.value.clone(), span: tool.span }))
    });
    with_members(tool, members.collect())
}
