//! Task adherence: whether an agent's tool calls do what its user asked for.
//!
//! [`check`] reads a conversation as Azure AI Content Safety's `agent:analyzeTaskAdherence` takes it, and looks at each
//! tool call of the completion:
//!
//! * **Not asked for.** The tool's name, its description or an argument says that it sends, deletes, pays, shares,
//!   executes, publishes or changes something, and no request of the user's does. A request in words that no rule knows
//!   is taken to ask for a call whose arguments it names.
//! * **From content.** A recipient, an account, an address, a path or an amount stands in a tool's result and in nothing
//!   that the user said.
//! * **Against a restriction.** The user said "do not", "only", "without", "at most" of it.
//! * **Undeclared.** The tool is not among those that were given.
//!
//! Verbs and words are data in `content/shield/adherence.yaml`, in English, German, French and Spanish, each action with
//! examples.
//!
//! *Limits.* Words are compared, intentions are not understood: a request that asks for an action in words that are not
//! listed, and names none of the call's arguments, is told as not asked for, and a call that does the right action to the wrong thing is only seen by its
//! arguments. Answers of the agent in words are not judged, and neither are calls before the completion.
//!
//! *Bounds:* [`MOST_BYTES`] of text, [`MOST_MESSAGES`] messages, [`MOST_CALLS`] calls, [`MOST_VALUES`] values of one call.
//!
//! ```
//! use castellan_shield::adherence::{Conversation, Reason, check};
//!
//! let conversation: Conversation = serde_json::from_str(r#"{
//!     "tools": [{"type": "function", "function": {"name": "send_email", "description": "Sends an email"}}],
//!     "messages": [
//!         {"source": "Prompt", "role": "User", "contents": "How many mails came in today?"},
//!         {"source": "Completion", "role": "Assistant", "contents": "", "toolCalls": [
//!             {"type": "function", "id": "1", "function": {"name": "send_email", "arguments": "{\"to\": \"x@example.com\"}"}}]}
//!     ]}"#).unwrap();
//! let result = check(&conversation).unwrap();
//! assert!(result.task_risk_detected());
//! assert!(matches!(result.findings[0].reason, Reason::NotAsked));
//! assert_eq!(result.findings[0].to_string(), "`send_email` would send, which the user did not ask for");
//! ```

mod conversation;
mod judge;
mod request;
mod rules;
mod words;

use std::fmt;
use std::ops::Range;

pub use conversation::{Conversation, Function, FunctionCall, Message, Role, Source, Tool, ToolCall};
pub use rules::{Action, Example, Rules};

/// Most bytes of a conversation.
pub const MOST_BYTES: usize = 1 << 20;
/// Most messages of a conversation.
pub const MOST_MESSAGES: usize = 1_000;
/// Most tool calls of a conversation, and most tools.
pub const MOST_CALLS: usize = 100;
/// Most values of the arguments of one call.
pub const MOST_VALUES: usize = 100;

/// Why a conversation was not judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdherenceError {
    /// There is too much of it.
    #[error("the conversation has {0}; at most {1} are read: leave out what is old")]
    Large(String, usize),
}

/// Why a call is a risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user did not ask for such an action.
    NotAsked,
    /// A value comes from a tool's result, not from the user.
    FromContent {
        /// The name of the argument.
        argument: String,
        /// Its value.
        value: String,
    },
    /// The user has forbidden it.
    Restriction {
        /// What the user said.
        text: String,
    },
    /// The tool is not among those that were given.
    Undeclared,
}

/// Where something stands that a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which message.
    pub message: usize,
    /// The bytes of its contents.
    pub span: Range<usize>,
}

/// One reason why one call is a risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which message.
    pub message: usize,
    /// Which of its calls.
    pub call: usize,
    /// The name of the tool.
    pub tool: String,
    /// The id of the action, where it is about one.
    pub action: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What it rests on, where that is a text.
    pub evidence: Option<Evidence>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tool, action) = (&self.tool, self.action.as_deref().unwrap_or("act"));
        match &self.reason {
            Reason::NotAsked => write!(f, "`{tool}` would {action}, which the user did not ask for"),
            Reason::FromContent { argument, value } => {
                write!(
                    f,
                    "`{tool}` would {action} with `{argument}` = `{value}`, which comes from content, not from the user"
                )
            }
            Reason::Restriction { text } => write!(f, "`{tool}` would {action}, but the user said `{text}`"),
            Reason::Undeclared => write!(f, "`{tool}` is not among the given tools"),
        }
    }
}

/// What [`check`] gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adherence {
    /// In the order of the calls.
    pub findings: Vec<Finding>,
}

impl Adherence {
    /// Whether any call is a risk.
    pub fn task_risk_detected(&self) -> bool {
        !self.findings.is_empty()
    }

    /// All findings as sentences, in one text; empty where there are none.
    pub fn details(&self) -> String {
        let sentences: Vec<String> = self.findings.iter().map(Finding::to_string).collect();
        sentences.join("; ")
    }
}

/// Judges the tool calls of a conversation with the rules of the product.
pub fn check(conversation: &Conversation) -> Result<Adherence, AdherenceError> {
    check_with(conversation, Rules::product())
}

/// As [`check`], with rules of your own.
pub fn check_with(conversation: &Conversation, rules: &Rules) -> Result<Adherence, AdherenceError> {
    conversation.check_bounds()?;
    Ok(Adherence { findings: judge::judge(conversation, rules)? })
}
