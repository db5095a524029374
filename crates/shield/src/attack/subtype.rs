//! What kind of attack a text is.

use serde::{Deserialize, Serialize};

/// The kinds that Azure's Prompt Shields describe, and poisoned tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subtype {
    /// An attempt to change the rules of the system.
    ChangeOfSystemRules,
    /// A conversation mock-up inside of a text.
    ConversationMockup,
    /// A role in which the rules would not hold, and stories to the same end.
    RolePlay,
    /// Encodings, ciphers and strings made by a machine.
    EncodingAttack,
    /// Content that steers what the model says.
    ManipulatedContent,
    /// Access to the infrastructure of the system.
    AccessToSystemInfrastructure,
    /// Gathering of information: leaks of data.
    InformationGathering,
    /// The model is kept from its work.
    Availability,
    /// Fraud on the user.
    Fraud,
    /// Malware, or links to it.
    Malware,
    /// Instructions hidden in the description of a tool.
    ToolPoisoning,
}

impl Subtype {
    /// All of them.
    pub const ALL: [Subtype; 11] = [
        Subtype::ChangeOfSystemRules,
        Subtype::ConversationMockup,
        Subtype::RolePlay,
        Subtype::EncodingAttack,
        Subtype::ManipulatedContent,
        Subtype::AccessToSystemInfrastructure,
        Subtype::InformationGathering,
        Subtype::Availability,
        Subtype::Fraud,
        Subtype::Malware,
        Subtype::ToolPoisoning,
    ];

    /// The name in rules, cases and answers.
    pub fn name(self) -> &'static str {
        match self {
            Subtype::ChangeOfSystemRules => "change_of_system_rules",
            Subtype::ConversationMockup => "conversation_mockup",
            Subtype::RolePlay => "role_play",
            Subtype::EncodingAttack => "encoding_attack",
            Subtype::ManipulatedContent => "manipulated_content",
            Subtype::AccessToSystemInfrastructure => "access_to_system_infrastructure",
            Subtype::InformationGathering => "information_gathering",
            Subtype::Availability => "availability",
            Subtype::Fraud => "fraud",
            Subtype::Malware => "malware",
            Subtype::ToolPoisoning => "tool_poisoning",
        }
    }

    /// The kind of that name, in snake or kebab case, or of one of the short names that cases use.
    pub fn from_name(name: &str) -> Option<Subtype> {
        let snake = name.replace('-', "_");
        match snake.as_str() {
            "system_rules" => Some(Subtype::ChangeOfSystemRules),
            "encoding" => Some(Subtype::EncodingAttack),
            "infrastructure_access" => Some(Subtype::AccessToSystemInfrastructure),
            _ => Subtype::ALL.into_iter().find(|subtype| subtype.name() == snake),
        }
    }
}
