//! Conversations, in the member names of Azure AI Content Safety.

use serde::{Deserialize, Serialize};

use super::{AdherenceError, MOST_BYTES, MOST_CALLS, MOST_MESSAGES};

/// Tools and messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// What the agent may call.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// In their order.
    #[serde(default)]
    pub messages: Vec<Message>,
}

/// What an agent may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `function`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What it is.
    pub function: Function,
}

/// The name and the description of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    #[serde(default)]
    pub description: String,
}

/// Whether a message was given to the agent or comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// What was before.
    #[serde(alias = "prompt")]
    Prompt,
    /// What is judged.
    #[serde(alias = "completion")]
    Completion,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Who built the agent. Azure has no such role; what it forbids counts.
    #[serde(alias = "system", alias = "developer", alias = "Developer")]
    System,
    /// Who asks.
    #[serde(alias = "user")]
    User,
    /// The agent.
    #[serde(alias = "assistant")]
    Assistant,
    /// What a tool gave back.
    #[serde(alias = "tool")]
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Given or made.
    pub source: Source,
    /// Who speaks.
    pub role: Role,
    /// The text.
    #[serde(default)]
    pub contents: String,
    /// What the agent calls.
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool answers.
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

/// One call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// `function`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Which tool, and with what.
    pub function: FunctionCall,
    /// The id of the call.
    #[serde(default)]
    pub id: String,
}

/// A tool's name and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The name of the tool.
    pub name: String,
    /// JSON; anything else is read as one text.
    #[serde(default)]
    pub arguments: String,
}

impl Conversation {
    pub(super) fn check_bounds(&self) -> Result<(), AdherenceError> {
        let calls = self.messages.iter().map(|message| message.tool_calls.len()).sum();
        let tools = self.tools.iter().map(|tool| tool.function.name.len() + tool.function.description.len());
        let messages = self.messages.iter().map(|message| message.contents.len());
        let of_call = |call: &ToolCall| call.function.name.len() + call.function.arguments.len();
        let arguments = self.messages.iter().flat_map(|message| &message.tool_calls).map(of_call);
        let bytes = tools.chain(messages).chain(arguments).sum();
        let bounds = [
            (self.messages.len(), MOST_MESSAGES, "messages"),
            (self.tools.len(), MOST_CALLS, "tools"),
            (calls, MOST_CALLS, "tool calls"),
            (bytes, MOST_BYTES, "bytes"),
        ];
        match bounds.into_iter().find(|(count, most, _)| count > most) {
            Some((count, most, what)) => Err(AdherenceError::Large(format!("{count} {what}"), most)),
            None => Ok(()),
        }
    }
}
