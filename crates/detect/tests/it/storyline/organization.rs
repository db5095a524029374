//! An organization whose week is told: people, agents, identities, models, vaults.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use castellan_detect::run::Rows;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::support::time;

/// The address behind which the whole office is.
pub(super) const OFFICE: &str = "203.0.113.10";
/// The account of models that all agents use.
pub(super) const SHARED: &str =
    "/subscriptions/5a1/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/aoai-prod";

/// Minutes since the beginning of the week.
pub(super) type Minute = i64;

/// A time of the week.
pub(super) fn at(minute: Minute) -> Ticks {
    time("2026-11-16T00:00:00Z").checked_add(minute * 60 * Ticks::PER_SECOND).unwrap()
}

#[derive(Clone)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    /// The object id of what it runs as.
    pub(super) principal: String,
    /// The id of the application of that.
    pub(super) application: String,
    /// Where it runs.
    pub(super) address: String,
    pub(super) tools: [String; 3],
    pub(super) vault: String,
    pub(super) storage: String,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) address: String,
}

/// Who there is, in an order that differs by seed: chains take theirs from the front, and all take part in normal traffic.
pub(super) struct Organization {
    pub(super) agents: Vec<Agent>,
    pub(super) users: Vec<User>,
    pub(super) chance: Chance,
}

const AGENTS: [&str; 14] = [
    "support",
    "sales",
    "finance",
    "devops",
    "research",
    "travel",
    "legal",
    "procurement",
    "onboarding",
    "recruiting",
    "catalog",
    "translation",
    "reporting",
    "planning",
];
const USERS: [&str; 20] = [
    "ann", "bob", "cho", "dan", "eva", "fay", "gus", "hal", "ida", "jon", "kim", "leo", "mia", "ned", "ola",
    "pam", "quy", "rob", "sue", "tom",
];
const TOOLS: [&str; 6] =
    ["lookup_order", "read_ticket", "search_wiki", "find_customer", "list_offers", "get_calendar"];

impl Organization {
    pub(super) fn new(seed: u64) -> Organization {
        let mut chance = Chance::new(seed);
        let agents = shuffled(&AGENTS, &mut chance);
        let users = shuffled(&USERS, &mut chance);
        let agents = agents.iter().enumerate().map(|(at, name)| agent(name, at, &mut chance)).collect();
        let user = |(at, name): (usize, &&str)| User {
            name: format!("{name}@contoso.com"),
            // Most sit in the office, some at home.
            address: if at % 3 == 0 { format!("198.18.4.{}", at + 10) } else { OFFICE.to_owned() },
        };
        let users = users.iter().enumerate().map(user).collect();
        Organization { agents, users, chance }
    }
}

fn shuffled<'n>(names: &[&'n str], chance: &mut Chance) -> Vec<&'n str> {
    let mut list = names.to_vec();
    for at in (1..list.len()).rev() {
        list.swap(at, chance.below(at + 1));
    }
    list
}

fn agent(name: &str, at: usize, chance: &mut Chance) -> Agent {
    let guid =
        |kind: u32, number: u64| format!("{kind:08x}-0000-4000-8000-{:012x}", number & 0xffff_ffff_ffff);
    let number = chance.next();
    let first = chance.below(TOOLS.len());
    let tool = |step: usize| TOOLS[(first + step) % TOOLS.len()].to_owned();
    let resource = |kind: &str, name: String| {
        format!("/subscriptions/5a1/resourceGroups/data/providers/Microsoft.{kind}/{name}")
    };
    Agent {
        id: format!("agent-{name}"),
        name: format!("{name} assistant"),
        principal: guid(0xaaaa, number),
        application: guid(0xbbbb, number),
        address: format!("20.50.1.{}", at + 10),
        tools: [tool(0), tool(1), tool(2)],
        vault: resource("KeyVault/vaults", format!("kv-{name}")),
        storage: resource("Storage/storageAccounts", format!("st{name}")),
    }
}

/// What the tables of the week hold.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) rows: BTreeMap<&'static str, Rows>,
    traces: u64,
}

/// Who does something in a trace, and when.
pub(super) struct Turn<'t> {
    pub(super) at: Minute,
    pub(super) trace: &'t str,
    pub(super) agent: &'t Agent,
    pub(super) user: &'t User,
}

impl Tables {
    pub(super) fn add(&mut self, table: &'static str, minute: Minute, mut row: Value) {
        let members = row.as_object_mut().unwrap();
        members.insert("TimeGenerated".to_owned(), at(minute).to_string().into());
        // It is taken in within the minute.
        let received = at(minute).checked_add(30 * Ticks::PER_SECOND).unwrap();
        members.insert("_TimeReceived".to_owned(), received.to_string().into());
        self.rows.entry(table).or_default().push(members.clone());
    }

    /// The name of a trace that there was not before.
    pub(super) fn trace(&mut self, of: &str) -> String {
        self.traces += 1;
        format!("{of}-{:06x}", self.traces)
    }

    /// An operation of an agent: of a kind, in a span below another. `more` are further columns.
    pub(super) fn operation(&mut self, turn: &Turn<'_>, kind: &str, span: &str, parent: &str, more: Value) {
        let mut row = json!({
            "EventType": kind, "SrcAgentId": turn.agent.id, "SrcAgentName": turn.agent.name,
            "ActorUsername": turn.user.name, "SrcIpAddr": turn.user.address, "EventSessionId": format!("s-{}", turn.trace),
            "AdditionalFields": { "TraceId": turn.trace, "SpanId": span, "ParentSpanId": parent },
        });
        if kind == "InvokeAgent" {
            let members = row.as_object_mut().unwrap();
            members.insert("TargetAgentId".to_owned(), turn.agent.id.clone().into());
            members.insert("TargetAgentName".to_owned(), turn.agent.name.clone().into());
            members.remove("SrcAgentId");
            members.remove("SrcAgentName");
        }
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.add("ASimAgentEventLogs", turn.at, row);
    }

    /// The verdict of a guardrail.
    pub(super) fn verdict(&mut self, turn: &Turn<'_>, span: &str, check: &str, label: &str) {
        let fields = json!({ "AdditionalFields": {
            "TraceId": turn.trace, "SpanId": span, "ParentSpanId": "s0",
            "gen_ai.evaluation.name": check, "gen_ai.evaluation.score.label": label,
        } });
        self.operation(turn, "CheckGuardrail", span, "s0", fields);
    }

    /// Content of a span of an agent.
    pub(super) fn content(&mut self, turn: &Turn<'_>, span: &str, more: Value) {
        let mut row = json!({
            "TraceId": turn.trace, "SpanId": span, "AgentId": turn.agent.id, "AgentName": turn.agent.name,
            "ModelName": "gpt-4o",
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.add("AppGenAIContent", turn.at, row);
    }

    /// A call of a tool, with what came back.
    pub(super) fn tool(&mut self, turn: &Turn<'_>, span: &str, tool: &str, arguments: &str, result: &str) {
        let described =
            json!({ "ToolName": tool, "ToolDescription": format!("Gives what `{tool}` is for.") });
        self.operation(turn, "ExecuteTool", span, "s0", described);
        self.content(turn, span, json!({ "ToolCallArguments": arguments, "ToolCallResult": result }));
    }

    /// A request to a model without an agent.
    pub(super) fn chat(&mut self, minute: Minute, trace: &str, user: &User, asked: &str, more: Value) {
        let mut row = json!({
            "EventType": "InvokeModel", "ActorUsername": user.name, "SrcIpAddr": user.address, "ActingAppName": "chat",
            "ModelName": "gpt-4o", "InputTokensUsed": 400, "OutputTokensUsed": 200, "_ResourceId": SHARED,
            "EventRequestTemperature": 0.7,
            "AdditionalFields": { "TraceId": trace, "SpanId": "s1", "ParentSpanId": "" },
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.add("ASimAgentEventLogs", minute, row);
        let messages =
            json!([{ "role": "user", "parts": [{ "type": "text", "content": asked }] }]).to_string();
        let content = json!({
            "TraceId": trace, "SpanId": "s1", "ModelName": "gpt-4o", "InputMessages": messages,
            "OutputMessages": "Here is what I found.",
        });
        self.add("AppGenAIContent", minute, content);
    }

    /// Something that somebody did to a resource of Azure.
    pub(super) fn activity(
        &mut self,
        minute: Minute,
        caller: &str,
        address: &str,
        operation: &str,
        resource: &str,
    ) {
        let row = json!({
            "OperationNameValue": operation, "ActivityStatusValue": "Success", "Caller": caller,
            "CallerIpAddress": address, "_ResourceId": resource,
        });
        self.add("AzureActivity", minute, row);
    }

    /// A secret that an identity reads.
    pub(super) fn secret(&mut self, minute: Minute, agent: &Agent, name: &str) {
        let vault = agent.vault.rsplit('/').next().unwrap();
        let row = json!({
            "OperationName": "SecretGet", "Identity": { "claim": { "appid": agent.application } },
            "RequestUri": format!("https://{vault}.vault.azure.net/secrets/{name}?api-version=7.4"),
            "CallerIpAddress": agent.address, "_ResourceId": agent.vault,
        });
        self.add("AZKVAuditLogs", minute, row);
    }

    /// A blob that an identity reads.
    pub(super) fn blob(&mut self, minute: Minute, agent: &Agent, path: &str) {
        let account = agent.storage.rsplit('/').next().unwrap();
        let row = json!({
            "OperationName": "GetBlob", "StatusCode": "200", "RequesterAppId": agent.application,
            "Uri": format!("https://{account}.blob.core.windows.net/{path}"),
            "CallerIpAddress": format!("{}:443", agent.address), "_ResourceId": agent.storage,
        });
        self.add("StorageBlobLogs", minute, row);
    }

    /// A sign-in of what an agent runs as.
    pub(super) fn sign_in(&mut self, minute: Minute, agent: &Agent, address: &str) {
        let row = json!({
            "ResultType": "0", "ServicePrincipalId": agent.principal, "AppId": agent.application,
            "IPAddress": address, "ResourceDisplayName": "Windows Azure Service Management API",
        });
        self.add("AADServicePrincipalSignInLogs", minute, row);
    }

    /// An agent as the inventory has it.
    pub(super) fn snapshot(&mut self, minute: Minute, agent: &Agent, tools: &[String]) {
        let row = json!({
            "AgentId": agent.id, "Name": agent.name, "Platform": "Foundry", "EntraAgentID": agent.application,
            "Version": "1", "DeclaredTools": tools, "McpServers": [{ "url": "https://tools.contoso.com/mcp" }],
            "ConnectedAgents": [], "Guardrails": ["default"], "Owners": ["owner@contoso.com"],
        });
        self.add("AgentsInfo", minute, row);
    }

    /// A request to models as the service logs it: by an object id, or by a key where there is none.
    pub(super) fn request(&mut self, minute: Minute, resource: &str, address: &str, object: &str) {
        let properties =
            if object.is_empty() { json!({}).to_string() } else { json!({ "objectId": object }).to_string() };
        let row = json!({
            "ResourceProvider": "MICROSOFT.COGNITIVESERVICES", "Category": "RequestResponse",
            "CallerIPAddress": address, "properties_s": properties, "_ResourceId": resource,
        });
        self.add("AzureDiagnostics", minute, row);
    }
}
