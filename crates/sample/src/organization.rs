//! An organization whose week is told: people, agents, identities, models, vaults.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde_json::{Map, Value, json};

use crate::chance::Chance;

/// The address behind which the whole office is.
pub(crate) const OFFICE: &str = "203.0.113.10";
/// The account of models that all agents use.
pub(crate) const SHARED: &str =
    "/subscriptions/5a1/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/aoai-prod";

/// Minutes since the beginning of the week.
pub type Minute = i64;

/// A time of the week.
pub(crate) fn at(begins: Ticks, minute: Minute) -> Ticks {
    begins.checked_add(minute.saturating_mul(60 * Ticks::PER_SECOND)).unwrap_or(begins)
}

/// A row of a table.
pub type Row = Map<String, Value>;

/// An agent.
#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The object id of what it runs as.
    pub principal: String,
    /// The id of the application of that.
    pub application: String,
    /// Where it runs.
    pub address: String,
    /// What it may call.
    pub tools: [String; 3],
    /// The resource id of its vault.
    pub vault: String,
    /// The resource id of its storage.
    pub storage: String,
}

/// A person.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// How they sign in.
    pub name: String,
    /// Where they are.
    pub address: String,
}

/// Who there is, in an order that differs by seed: chains take theirs from the front, and all take part in normal traffic.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Agents.
    pub agents: Vec<Agent>,
    /// People.
    pub users: Vec<User>,
    pub(crate) chance: Chance,
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
    /// That of a seed.
    pub fn new(seed: u64) -> Organization {
        let mut chance = Chance::new(seed);
        let agents = chance.shuffled(&AGENTS);
        let users = chance.shuffled(&USERS);
        let agents = agents.iter().enumerate().map(|(at, name)| agent(name, at, &mut chance)).collect();
        let user = |(at, name): (usize, &&str)| User {
            name: format!("{name}@contoso.com"),
            // Most sit in the office, some at home.
            address: if at % 3 == 0 { format!("198.18.4.{}", at + 10) } else { OFFICE.to_owned() },
        };
        let users = users.iter().enumerate().map(user).collect();
        Organization { agents, users, chance }
    }

    /// An agent by its place.
    pub(crate) fn agent(&self, at: usize) -> Agent {
        self.agents.get(at).cloned().unwrap_or_default()
    }

    /// A person by their place.
    pub(crate) fn user(&self, at: usize) -> User {
        self.users.get(at).cloned().unwrap_or_default()
    }
}

fn agent(name: &str, at: usize, chance: &mut Chance) -> Agent {
    let guid =
        |kind: u32, number: u64| format!("{kind:08x}-0000-4000-8000-{:012x}", number & 0xffff_ffff_ffff);
    let number = chance.draw();
    let first = chance.below(TOOLS.len());
    let tool = |step: usize| TOOLS.iter().cycle().nth(first + step).copied().unwrap_or_default().to_owned();
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

/// Adds the members of one object to another.
fn extend(row: &mut Value, more: Value) {
    if let (Some(members), Value::Object(more)) = (row.as_object_mut(), more) {
        members.extend(more);
    }
}

/// What the tables of the week hold.
#[derive(Clone, Debug)]
pub struct Tables {
    /// When the week begins.
    pub begins: Ticks,
    /// Rows by the names of tables.
    pub rows: BTreeMap<&'static str, Vec<Row>>,
    traces: u64,
}

/// Who does something in a trace, and when.
pub(crate) struct Turn<'t> {
    pub(crate) at: Minute,
    pub(crate) trace: &'t str,
    pub(crate) agent: &'t Agent,
    pub(crate) user: &'t User,
}

impl Tables {
    /// None yet.
    pub(crate) fn new(begins: Ticks) -> Tables {
        Tables { begins, rows: BTreeMap::new(), traces: 0 }
    }

    pub(crate) fn add(&mut self, table: &'static str, minute: Minute, mut row: Value) {
        let Some(members) = row.as_object_mut() else { return };
        let time = at(self.begins, minute);
        members.insert("TimeGenerated".to_owned(), time.to_string().into());
        // It is taken in within the minute.
        let received = time.checked_add(30 * Ticks::PER_SECOND).unwrap_or(time);
        members.insert("_TimeReceived".to_owned(), received.to_string().into());
        self.rows.entry(table).or_default().push(std::mem::take(members));
    }

    /// The name of a trace that there was not before.
    pub(crate) fn trace(&mut self, of: &str) -> String {
        self.traces += 1;
        format!("{of}-{:06x}", self.traces)
    }

    /// An operation of an agent: of a kind, in a span below another. `more` are further columns.
    pub(crate) fn operation(&mut self, turn: &Turn<'_>, kind: &str, span: &str, parent: &str, more: Value) {
        let mut row = json!({
            "EventType": kind, "SrcAgentId": turn.agent.id, "SrcAgentName": turn.agent.name,
            "ActorUsername": turn.user.name, "SrcIpAddr": turn.user.address, "EventSessionId": format!("s-{}", turn.trace),
            "AdditionalFields": { "TraceId": turn.trace, "SpanId": span, "ParentSpanId": parent },
        });
        if kind == "InvokeAgent" {
            let target = json!({ "TargetAgentId": turn.agent.id, "TargetAgentName": turn.agent.name });
            extend(&mut row, target);
            for name in ["SrcAgentId", "SrcAgentName"] {
                row.as_object_mut().and_then(|members| members.remove(name));
            }
        }
        extend(&mut row, more);
        self.add("ASimAgentEventLogs", turn.at, row);
    }

    /// The verdict of a guardrail.
    pub(crate) fn verdict(&mut self, turn: &Turn<'_>, span: &str, check: &str, label: &str) {
        let fields = json!({ "AdditionalFields": {
            "TraceId": turn.trace, "SpanId": span, "ParentSpanId": "s0",
            "gen_ai.evaluation.name": check, "gen_ai.evaluation.score.label": label,
        } });
        self.operation(turn, "CheckGuardrail", span, "s0", fields);
    }

    /// Content of a span of an agent.
    pub(crate) fn content(&mut self, turn: &Turn<'_>, span: &str, more: Value) {
        let mut row = json!({
            "TraceId": turn.trace, "SpanId": span, "AgentId": turn.agent.id, "AgentName": turn.agent.name,
            "ModelName": "gpt-4o",
        });
        extend(&mut row, more);
        self.add("AppGenAIContent", turn.at, row);
    }

    /// A call of a tool, with what came back.
    pub(crate) fn tool(&mut self, turn: &Turn<'_>, span: &str, tool: &str, arguments: &str, result: &str) {
        let described =
            json!({ "ToolName": tool, "ToolDescription": format!("Gives what `{tool}` is for.") });
        self.operation(turn, "ExecuteTool", span, "s0", described);
        self.content(turn, span, json!({ "ToolCallArguments": arguments, "ToolCallResult": result }));
    }

    /// A request to a model without an agent.
    pub(crate) fn chat(&mut self, minute: Minute, trace: &str, user: &User, asked: &str, more: Value) {
        let mut row = json!({
            "EventType": "InvokeModel", "ActorUsername": user.name, "SrcIpAddr": user.address, "ActingAppName": "chat",
            "ModelName": "gpt-4o", "InputTokensUsed": 400, "OutputTokensUsed": 200, "_ResourceId": SHARED,
            "EventRequestTemperature": 0.7,
            "AdditionalFields": { "TraceId": trace, "SpanId": "s1", "ParentSpanId": "" },
        });
        extend(&mut row, more);
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
    pub(crate) fn activity(
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
    pub(crate) fn secret(&mut self, minute: Minute, agent: &Agent, name: &str) {
        let vault = agent.vault.rsplit('/').next().unwrap_or_default();
        let row = json!({
            "OperationName": "SecretGet", "Identity": { "claim": { "appid": agent.application } },
            "RequestUri": format!("https://{vault}.vault.azure.net/secrets/{name}?api-version=7.4"),
            "CallerIpAddress": agent.address, "_ResourceId": agent.vault,
        });
        self.add("AZKVAuditLogs", minute, row);
    }

    /// A blob that an identity reads.
    pub(crate) fn blob(&mut self, minute: Minute, agent: &Agent, path: &str) {
        let account = agent.storage.rsplit('/').next().unwrap_or_default();
        let row = json!({
            "OperationName": "GetBlob", "StatusCode": "200", "RequesterAppId": agent.application,
            "Uri": format!("https://{account}.blob.core.windows.net/{path}"),
            "CallerIpAddress": format!("{}:443", agent.address), "_ResourceId": agent.storage,
        });
        self.add("StorageBlobLogs", minute, row);
    }

    /// A sign-in of what an agent runs as.
    pub(crate) fn sign_in(&mut self, minute: Minute, agent: &Agent, address: &str) {
        let row = json!({
            "ResultType": "0", "ServicePrincipalId": agent.principal, "AppId": agent.application,
            "IPAddress": address, "ResourceDisplayName": "Windows Azure Service Management API",
        });
        self.add("AADServicePrincipalSignInLogs", minute, row);
    }

    /// An agent as the inventory has it.
    pub(crate) fn snapshot(&mut self, minute: Minute, agent: &Agent, tools: &[String]) {
        let row = json!({
            "AgentId": agent.id, "Name": agent.name, "Platform": "Foundry", "EntraAgentID": agent.application,
            "Version": "1", "DeclaredTools": tools, "McpServers": [{ "url": "https://tools.contoso.com/mcp" }],
            "ConnectedAgents": [], "Guardrails": ["default"], "Owners": ["owner@contoso.com"],
        });
        self.add("AgentsInfo", minute, row);
    }

    /// A request to models as the service logs it: by an object id, or by a key where there is none.
    pub(crate) fn request(&mut self, minute: Minute, resource: &str, address: &str, object: &str) {
        let properties =
            if object.is_empty() { json!({}).to_string() } else { json!({ "objectId": object }).to_string() };
        let row = json!({
            "ResourceProvider": "MICROSOFT.COGNITIVESERVICES", "Category": "RequestResponse",
            "CallerIPAddress": address, "properties_s": properties, "_ResourceId": resource,
        });
        self.add("AzureDiagnostics", minute, row);
    }
}
