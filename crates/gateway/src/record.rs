//! What happened, as rows for the tables of the lake.
//!
//! *Invariant (nothing secret is recorded):* a decision holds names, places, numbers and reasons. Texts go to
//! `AppGenAIContent` alone, as far as the configuration says, and credentials nowhere.

use castellan_base::Ticks;
use castellan_wire::usage::Usage;
use castellan_wire::{Point, Unscanned};
use serde_json::{Map, Value, json};

use crate::guard::{Action, Hit};

/// Takes rows.
pub trait Recorder: Send + Sync {
    /// Takes rows of a table. They are given over, not waited for.
    ///
    /// # Errors
    /// When nothing more can be taken now.
    fn record(&self, table: &'static str, rows: Vec<Map<String, Value>>) -> Result<(), Full>;

    /// Whether anything can be taken now, which is asked before a request is served.
    fn has_room(&self) -> bool {
        true
    }
}

/// Nothing more can be recorded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decisions cannot be recorded at the moment")]
pub struct Full;

/// The table of decisions.
pub const DECISIONS: &str = "CastellanGateDecisions";

/// A request, from its first byte to its last.
#[derive(Clone, Debug)]
pub struct Decision {
    /// When it came.
    pub time: Ticks,
    /// The gate's own id of it.
    pub request: String,
    /// The trace that it is part of (W3C Trace Context).
    pub trace: String,
    /// The gate's span in it.
    pub span: String,
    /// The span of the client.
    pub parent: Option<String>,
    /// The session, where the client names one.
    pub session: Option<String>,
    /// Who asked.
    pub principal: Option<std::sync::Arc<castellan_access::principal::Verified>>,
    /// The client's address.
    pub address: Option<std::net::IpAddr>,
    /// Which API: `chat`, `messages`, `mcp`, ...
    pub api: &'static str,
    /// The dialect.
    pub dialect: &'static str,
    /// The model's alias.
    pub model: String,
    /// Who serves it.
    pub provider: String,
    /// The upstream that answered.
    pub upstream: Option<String>,
    /// How many attempts it took.
    pub attempts: u32,
    /// Whether a stream was asked for.
    pub is_stream: bool,
    /// The last stage that it came to.
    pub stage: Stage,
    /// What was decided.
    pub action: Action,
    /// Why, in a word.
    pub word: String,
    /// Why, in a sentence.
    pub reason: String,
    /// What was found.
    pub hits: Vec<Hit>,
    /// What was not looked at.
    pub unscanned: Vec<Unscanned>,
    /// Texts that were looked at.
    pub passages: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Findings that were known too late.
    pub late: usize,
    /// How texts of others were marked for the model, and what of them was not; empty where no profile asks for it.
    pub spotlight: String,
    /// What became of notices to the model; empty where no profile has one.
    pub notices: String,
    /// Values that became tokens.
    pub tokenised: usize,
    /// Values that came back for the client.
    pub restored: usize,
    /// The approval that it had, or that it waits for, with who decided.
    pub approval: Option<Approval>,
    /// The profiles that held.
    pub profiles: Vec<String>,
    /// Policies that decided.
    pub policies: Vec<String>,
    /// Their version.
    pub policy_version: String,
    /// The status that the client got.
    pub status: u16,
    /// Tokens.
    pub usage: Option<Usage>,
    /// What came of looking for an answer that was kept; nothing where none are, or it did not come as far.
    pub cache: Option<CacheResult>,
    /// What it cost, in the currency of the prices; unknown where a price is.
    pub cost: Option<f64>,
    /// Budgets of which a share was reached with it: `team-a 80 %`.
    pub budgets: Vec<String>,
    /// Why the answer ended.
    pub finish: Option<String>,
    /// The answer's id.
    pub answer: Option<String>,
    /// All of it, in milliseconds.
    pub duration_ms: f64,
    /// Guardrails, in milliseconds.
    pub guard_ms: f64,
    /// Until the upstream's head was there, in milliseconds.
    pub upstream_ms: f64,
    /// Texts, as far as they are recorded.
    pub texts: Vec<(Point, String)>,
    /// For the Model Context Protocol: what was asked of whom.
    pub mcp: Option<Mcp>,
}

/// What came of looking for an answer that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// It was given again.
    Hit,
    /// There was none; the one that came may be kept.
    Miss,
    /// The request is none whose answer is kept, for this reason: `sampling`, `tools`, ...
    Bypass(&'static str),
}

impl CacheResult {
    /// As the header `x-castellan-cache` and the column `Cache` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            CacheResult::Hit => "hit",
            CacheResult::Miss => "miss",
            CacheResult::Bypass(_) => "bypass",
        }
    }

    fn why(self) -> Option<&'static str> {
        match self {
            CacheResult::Bypass(why) => Some(why),
            _ => None,
        }
    }
}

/// What was asked of a server of the Model Context Protocol.
#[derive(Clone, Debug, Default)]
pub struct Mcp {
    /// The server.
    pub server: Option<String>,
    /// The tool, where one was called.
    pub tool: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// What happened: definitions that are new or others, names that pretend, flow rules, what was dropped, and contexts of
    /// Agent Hooks without what was in the call. Bounded, and never with texts of arguments or results.
    pub events: Vec<Value>,
}

/// What a person said of a request, or has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// Who decided, for people; nobody yet where it is empty.
    pub by: Vec<String>,
    /// What was decided: `pending`, `approved`, `denied`, ...
    pub stage: &'static str,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It has no API, or cannot be read.
    Read,
    /// Who asks was not shown.
    Authenticate,
    /// It was not allowed, or an order stopped it.
    Authorise,
    /// A limit was reached.
    Meter,
    /// A guardrail stopped it.
    InspectRequest,
    /// The upstream did not answer.
    Forward,
    /// A guardrail stopped the answer.
    InspectAnswer,
    /// The client went.
    Cancelled,
    /// It was answered.
    Done,
}

impl Stage {
    /// As tables write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Read => "read",
            Stage::Authenticate => "authenticate",
            Stage::Authorise => "authorise",
            Stage::Meter => "meter",
            Stage::InspectRequest => "inspect_request",
            Stage::Forward => "forward",
            Stage::InspectAnswer => "inspect_answer",
            Stage::Cancelled => "cancelled",
            Stage::Done => "done",
        }
    }
}

/// A row of the columns that have a value. There is one for each request, so that it is built once and in one piece.
macro_rules! row {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut row = Map::with_capacity([$($name),*].len());
        $(put(&mut row, $name, json!($value));)*
        row
    }};
}

fn put(row: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() {
        row.insert(name.to_owned(), value);
    }
}

impl Decision {
    /// Its rows, by table.
    pub fn rows(&self) -> Vec<(&'static str, Map<String, Value>)> {
        let mut rows = vec![(DECISIONS, self.decision())];
        if let Some(mcp) = &self.mcp {
            rows.extend(mcp.tool.is_some().then(|| ("ASimAgentEventLogs", self.agent_event())));
        } else if self.stage >= Stage::Forward {
            rows.push(("ApiManagementGatewayLlmLog", self.llm_log()));
            rows.push(("ASimAgentEventLogs", self.agent_event()));
        }
        if !self.texts.is_empty() {
            rows.push(("AppGenAIContent", self.content()));
        }
        rows
    }

    pub(crate) fn agent(&self) -> Option<String> {
        let principal = &self.principal.as_ref()?.principal;
        let is_agent = matches!(principal.kind.as_str(), "agent" | "agent-user");
        let acting = principal.actors.iter().find(|actor| actor.is_agent).map(|actor| actor.id.clone());
        acting.or_else(|| is_agent.then(|| principal.object.clone()))
    }

    fn decision(&self) -> Map<String, Value> {
        let principal = self.principal.as_ref().map(|verified| &verified.principal);
        row! {
            "TimeGenerated": self.time.to_string(),
            "RequestId": self.request,
            "TraceId": self.trace,
            "SpanId": self.span,
            "ParentSpanId": self.parent,
            "SessionId": self.session,
            "PrincipalId": principal.map(|principal| principal.id()),
            "PrincipalKind": principal.map(|principal| principal.kind.as_str()),
            "PrincipalObjectId": principal.map(|principal| principal.object.clone()),
            "PrincipalTenantId": principal.map(|principal| principal.tenant.clone()),
            "PrincipalName": principal.and_then(|principal| principal.display.name.clone().or_else(|| principal.display.user_name.clone())),
            "CredentialId": principal.and_then(|principal| principal.credential.id.clone()),
            "AppId": principal.and_then(|principal| principal.client.clone()),
            "AgentId": self.agent(),
            "SrcIpAddr": self.address.map(|address| address.to_string()),
            "Api": self.api,
            "Dialect": self.dialect,
            "ModelName": self.model,
            "Provider": self.provider,
            "Upstream": self.upstream,
            "Attempts": self.attempts,
            "IsStream": self.is_stream,
            "Stage": self.stage.as_str(),
            "Action": self.action.as_str(),
            "Reason": self.word,
            "Details": self.reason,
            "Findings": serde_json::to_value(&self.hits).unwrap_or_default(),
            "Unscanned": serde_json::to_value(&self.unscanned).unwrap_or_default(),
            "PassagesScanned": self.passages,
            "BytesScanned": self.bytes,
            "LateFindings": self.late,
            "Spotlight": (!self.spotlight.is_empty()).then_some(&self.spotlight),
            "Notices": (!self.notices.is_empty()).then_some(&self.notices),
            "ValuesTokenised": (self.tokenised > 0).then_some(self.tokenised),
            "ValuesRestored": (self.restored > 0).then_some(self.restored),
            "ApprovalId": self.approval.as_ref().map(|approval| &approval.id),
            "ApprovalStage": self.approval.as_ref().map(|approval| approval.stage),
            "ApprovedBy": self.approval.as_ref().filter(|approval| !approval.by.is_empty()).map(|approval| &approval.by),
            "Profiles": self.profiles,
            "Policies": self.policies,
            "PolicyVersion": self.policy_version,
            "StatusCode": self.status,
            "InputTokens": self.usage.map(|usage| usage.input),
            "OutputTokens": self.usage.map(|usage| usage.output),
            "CachedTokens": self.usage.map(|usage| usage.cached),
            "ReasoningTokens": self.usage.map(|usage| usage.reasoning),
            "Cache": self.cache.map(CacheResult::as_str),
            "CacheBypass": self.cache.and_then(CacheResult::why),
            "Cost": self.cost,
            "Budgets": self.budgets,
            "FinishReason": self.finish,
            "ResponseId": self.answer,
            "DurationMs": self.duration_ms,
            "GuardMs": self.guard_ms,
            "UpstreamMs": self.upstream_ms,
            "McpServer": self.mcp.as_ref().and_then(|mcp| mcp.server.clone()),
            "McpMethod": self.mcp.as_ref().and_then(|mcp| mcp.method.clone()),
            "McpEvents": self.mcp.as_ref().filter(|mcp| !mcp.events.is_empty()).map(|mcp| mcp.events.clone()),
            "ToolName": self.mcp.as_ref().and_then(|mcp| mcp.tool.clone()),
        }
    }

    fn llm_log(&self) -> Map<String, Value> {
        let usage = self.usage.unwrap_or_default();
        row! {
            "TimeGenerated": self.time.to_string(),
            "CorrelationId": self.trace,
            "RequestId": self.request,
            "DeploymentName": self.model,
            "ModelName": self.model,
            "OperationName": self.api,
            "IsStreamCompletion": self.is_stream,
            "PromptTokens": usage.input,
            "CompletionTokens": usage.output,
            "TotalTokens": usage.input.saturating_add(usage.output),
            "SequenceNumber": 0,
        }
    }

    fn agent_event(&self) -> Map<String, Value> {
        let principal = self.principal.as_ref().map(|verified| &verified.principal);
        let tool = self.mcp.as_ref().and_then(|mcp| mcp.tool.as_ref().map(|tool| (mcp, tool)));
        let is_model = tool.is_none();
        let usage = self.usage.filter(|_| is_model);
        let of_model = |text: &String| is_model.then(|| text.clone());
        row! {
            "TimeGenerated": self.time.to_string(),
            "EventType": if is_model { "ModelInvocation" } else { "ToolInvocation" },
            "EventSchema": "AgentEvent",
            "EventVendor": "Castellan",
            "EventProduct": "Gate",
            "EventCount": 1,
            "EventStartTime": self.time.to_string(),
            "EventOriginalUid": self.request,
            "EventRequestId": self.request,
            "EventResponseId": self.answer,
            "EventSessionId": self.session,
            "EventErrorDetails": (self.action.stops()).then(|| self.reason.clone()),
            "EventFinishReasons": self.finish.as_ref().map(|finish| json!([finish])),
            "ActorUserId": principal.map(|principal| principal.object.clone()),
            "ActorUsername": principal.and_then(|principal| principal.display.user_name.clone()),
            "ActorUserScopeId": principal.map(|principal| principal.tenant.clone()),
            "ActingAppId": principal.and_then(|principal| principal.client.clone()),
            "SrcAgentId": self.agent(),
            "SrcIpAddr": self.address.map(|address| address.to_string()),
            "ModelName": of_model(&self.model),
            "ModelProviderName": of_model(&self.provider),
            "InputTokensUsed": if is_model { Some(usage.unwrap_or_default().input) } else { None },
            "OutputTokensUsed": if is_model { Some(usage.unwrap_or_default().output) } else { None },
            "ToolName": tool.map(|(_, tool)| tool.clone()),
            "ToolId": tool.map(|(mcp, tool)| format!("{}/{tool}", mcp.server.as_deref().unwrap_or_default())),
            "ToolOriginalType": tool.map(|_| "mcp"),
            "AdditionalFields": json!({"traceId": self.trace, "spanId": self.span, "gateAction": self.action.as_str(),
                "mcpServer": tool.and_then(|(mcp, _)| mcp.server.clone())}),
        }
    }

    fn content(&self) -> Map<String, Value> {
        let of = |points: &[Point]| {
            let texts: Vec<Value> = self
                .texts
                .iter()
                .filter(|(point, _)| points.contains(point))
                .map(|(point, text)| json!({"role": role(*point), "parts": [{"type": "text", "content": text}]}))
                .collect();
            (!texts.is_empty()).then(|| Value::Array(texts).to_string())
        };
        row! {
            "TimeGenerated": self.time.to_string(),
            "Id": self.request,
            "TraceId": self.trace,
            "SpanId": self.span,
            "ParentSpanId": self.parent,
            "AgentId": self.agent(),
            "ModelName": self.model,
            "ServiceName": "castellan-gate",
            "SystemInstructions": of(&[Point::System]),
            "InputMessages": of(&[Point::User, Point::History, Point::Document, Point::ToolResult]),
            "OutputMessages": of(&[Point::Output, Point::Reasoning]),
            "ToolCallArguments": of(&[Point::ToolCall]),
            "ToolCallResult": self.mcp.as_ref().and_then(|_| of(&[Point::ToolResult])),
            "ToolDefinitions": of(&[Point::ToolDefinition]),
            "Attributes": json!({"castellan.action": self.action.as_str(), "castellan.request_id": self.request}),
        }
    }
}

fn role(point: Point) -> &'static str {
    match point {
        Point::System => "system",
        Point::User | Point::Document => "user",
        Point::ToolResult => "tool",
        _ => "assistant",
    }
}
