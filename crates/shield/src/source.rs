//! Where a text comes from, which decides what is an attack in it.

use serde::{Deserialize, Serialize};

/// Who put a text before the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The application's own instructions. Trusted.
    System,
    /// The developer's instructions. Trusted.
    Developer,
    /// What a person typed.
    User,
    /// What a tool gave back, and descriptions of tools.
    ToolResult,
    /// A file, a mail, a web page.
    Document,
    /// What an agent remembered from before.
    Memory,
}

impl Source {
    /// Instructions to the model belong here, so they are never an attack.
    pub fn is_trusted(self) -> bool {
        matches!(self, Source::System | Source::Developer)
    }

    /// Content to work on: an instruction to the model in it is an attack.
    pub fn is_content(self) -> bool {
        matches!(self, Source::ToolResult | Source::Document | Source::Memory)
    }
}
