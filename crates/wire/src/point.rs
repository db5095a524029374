//! Where a text is meant to be read, and by whom it was written.

use serde::{Deserialize, Serialize};

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the model.
    Request,
    /// From it.
    Response,
}

/// A point at which texts are inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Instructions of the application: messages of the roles `system` and `developer`, `system`, `instructions`.
    System,
    /// What a person typed, and whatever has no other place.
    User,
    /// What the model is said to have answered before. The client sends it, so it is not trusted.
    History,
    /// Names, descriptions and schemas of tools and of answers.
    ToolDefinition,
    /// Arguments of a call of a tool, whether the model makes it or the client says that it did.
    ToolCall,
    /// What a tool gave back.
    ToolResult,
    /// Documents, search results, citations.
    Document,
    /// What the model says.
    Output,
    /// What the model says to itself.
    Reasoning,
}

impl Point {
    /// All of them.
    pub const ALL: [Point; 9] = [
        Point::System,
        Point::User,
        Point::History,
        Point::ToolDefinition,
        Point::ToolCall,
        Point::ToolResult,
        Point::Document,
        Point::Output,
        Point::Reasoning,
    ];

    /// As configurations and logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Point::System => "system",
            Point::User => "user",
            Point::History => "history",
            Point::ToolDefinition => "tool_definition",
            Point::ToolCall => "tool_call",
            Point::ToolResult => "tool_result",
            Point::Document => "document",
            Point::Output => "output",
            Point::Reasoning => "reasoning",
        }
    }
}

/// What could not be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// A picture, in the body or by its address.
    Image,
    /// Sound.
    Audio,
    /// A file, in the body or by its id.
    File,
    /// A text as numbers of tokens.
    Tokens,
    /// What only the provider can read: encrypted reasoning, signatures.
    Encrypted,
    /// What the provider keeps: earlier answers, conversations, prompt templates, vector stores.
    Kept,
    /// A tool that the provider runs, such as an MCP server of its own choice: what passes there does not pass here.
    ProviderTool,
    /// A part of a text that decoding did not reach.
    Undecoded,
    /// Bytes of no known form.
    Bytes,
}

impl Matter {
    /// As configurations and logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Matter::Image => "image",
            Matter::Audio => "audio",
            Matter::File => "file",
            Matter::Tokens => "tokens",
            Matter::Encrypted => "encrypted",
            Matter::Kept => "kept",
            Matter::ProviderTool => "provider_tool",
            Matter::Undecoded => "undecoded",
            Matter::Bytes => "bytes",
        }
    }
}

/// A place that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unscanned {
    /// Where: `messages[0].content[1].image_url.url`.
    pub path: String,
    /// What is there.
    pub matter: Matter,
    /// At which point.
    pub point: Point,
}
