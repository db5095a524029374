//! Guardrail profiles: which check runs at which point, and what follows. They are data, in `content/guardrails`.

use std::fmt;

use castellan_base::{Diagnostic, Limits, SourceId, yaml};
use castellan_shield::model::calibration::OperatingPoint;
use castellan_wire::{Matter, Point};
use serde::{Deserialize, Serialize};

/// What is done about something that a check found, the least restrictive first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing was found.
    #[default]
    Allow,
    /// It passes, and what was found is told.
    Annotate,
    /// It passes without what was found.
    Redact,
    /// It passes once a person has agreed.
    RequireApproval,
    /// It does not pass.
    Block,
}

impl Action {
    /// As configurations and logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Annotate => "annotate",
            Action::Redact => "redact",
            Action::RequireApproval => "require_approval",
            Action::Block => "block",
        }
    }

    /// Whether nothing of it passes now.
    pub fn stops(self) -> bool {
        self >= Action::RequireApproval
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How configurations and policies name it.
    pub id: String,
    /// Grows whenever it comes to do something else.
    pub version: u32,
    /// What holds where it is used.
    pub title: String,
    /// More about it.
    #[serde(default)]
    pub description: String,
    /// What is checked.
    pub rules: Vec<Rule>,
    /// How streams are looked at.
    #[serde(default)]
    pub stream: Streaming,
    /// How documents and results of tools are marked, so that the model can tell them from instructions.
    #[serde(default)]
    pub spotlight: Spotlight,
    /// Whether messages of the roles `system` and `developer` are the application's own. Where users can set them, they are
    /// not: they are judged as what a user typed then.
    #[serde(default = "yes")]
    pub trust_system: bool,
    /// What it does with these texts. They are run as tests.
    #[serde(default)]
    pub examples: Vec<Example>,
}

fn yes() -> bool {
    true
}

/// A rule of a profile.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique in its profile.
    pub id: String,
    /// What is looked for.
    pub check: Check,
    /// Where.
    pub points: Vec<Point>,
    /// What follows.
    pub action: Action,
    /// What follows when the check cannot run: blocking, unless it says otherwise.
    #[serde(default = "block")]
    pub on_failure: Action,
}

fn block() -> Action {
    Action::Block
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// Attacks on the prompt.
    Attack {
        /// How many harmless texts may be taken for attacks: `released`, `percent`, `half_percent`, `tenth_percent`.
        #[serde(default)]
        operating_point: Operating,
    },
    /// Harmful content from these severities on (0 to 7); a harm that is not named is not looked at.
    Harm {
        /// Attacks on people for what they are.
        hate: Option<u8>,
        /// Sexual content.
        sexual: Option<u8>,
        /// Violence and threats.
        violence: Option<u8>,
        /// Harm to oneself.
        self_harm: Option<u8>,
    },
    /// Personal data and secrets.
    Sensitive {
        /// Categories of detectors: `credential`, `financial`, ...
        #[serde(default)]
        categories: Vec<String>,
        /// Detectors by their ids. Where neither is named, all count.
        #[serde(default)]
        detectors: Vec<String>,
        /// Least confidence, 1 to 100.
        #[serde(default = "confident")]
        min_confidence: u8,
    },
    /// Items of block lists.
    Blocklist {
        /// The lists; all of them where none is named.
        #[serde(default)]
        lists: Vec<String>,
    },
    /// Texts that are longer than this.
    Size {
        /// Unicode characters.
        characters: usize,
    },
    /// What could not be looked into.
    Unscanned {
        /// Of which kind.
        matters: Vec<Matter>,
    },
}

fn confident() -> u8 {
    75
}

impl Check {
    /// As logs write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Check::Attack { .. } => "attack",
            Check::Harm { .. } => "harm",
            Check::Sensitive { .. } => "sensitive",
            Check::Blocklist { .. } => "blocklist",
            Check::Size { .. } => "size",
            Check::Unscanned { .. } => "unscanned",
        }
    }
}

/// An operating point of the shield, as configurations write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operating {
    /// One harmless text in a hundred of what people type, one in fifty of content.
    #[default]
    Released,
    /// One in a hundred.
    Percent,
    /// One in two hundred.
    HalfPercent,
    /// One in a thousand.
    TenthPercent,
}

impl From<Operating> for OperatingPoint {
    fn from(point: Operating) -> OperatingPoint {
        match point {
            Operating::Released => OperatingPoint::Released,
            Operating::Percent => OperatingPoint::Percent,
            Operating::HalfPercent => OperatingPoint::HalfPercent,
            Operating::TenthPercent => OperatingPoint::TenthPercent,
        }
    }
}

/// How a stream is looked at before the client gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streaming {
    /// When text passes.
    pub mode: StreamMode,
    /// Bytes of text that are held back while more may come: what is found is stopped as a whole where it is no longer than
    /// this, and of something longer at most the rest has passed.
    #[serde(default = "hold_back")]
    pub hold_back: usize,
}

fn hold_back() -> usize {
    200
}

impl Default for Streaming {
    fn default() -> Streaming {
        Streaming { mode: StreamMode::Windowed, hold_back: hold_back() }
    }
}

/// When text of a stream passes, the least restrictive first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamMode {
    /// At once; the stream ends when something is found. What has passed until then, has passed.
    Immediate,
    /// Once it and what follows for some bytes was looked at.
    Windowed,
    /// When the text is whole: nothing of what is blocked is ever seen.
    Whole,
}

impl Streaming {
    /// The more restrictive of two.
    #[must_use]
    pub fn and(self, other: Streaming) -> Streaming {
        Streaming { mode: self.mode.max(other.mode), hold_back: self.hold_back.max(other.hold_back) }
    }
}

/// How text that others wrote is marked before the model reads it (Hines et al. 2024, *Defending Against Indirect Prompt
/// Injection Attacks With Spotlighting*), the least changing first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spotlight {
    /// Not at all.
    #[default]
    None,
    /// Between marks that are random in each request.
    Delimit,
    /// Each space is a mark.
    Datamark,
    /// As base64.
    Base64,
}

/// A text and what the profile does with it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Where it stands.
    pub point: Point,
    /// What it says.
    pub text: String,
    /// What follows.
    pub action: Action,
    /// The rule that says so; needed unless it is allowed.
    pub rule: Option<String>,
}

/// Reads a profile from YAML.
///
/// # Errors
/// What is wrong, with its place where the text is no YAML.
pub fn read(text: &str, source: SourceId) -> Result<Profile, Diagnostic> {
    let document = yaml::parse(text, source, &Limits::default())?;
    let fault = |message: String| {
        Diagnostic::error(document.span, message)
            .with_help("content/README.md describes the form of a profile")
    };
    let profile: Profile =
        serde_json::from_value(document.to_json()).map_err(|error| fault(error.to_string()))?;
    profile.check().map_err(fault)?;
    Ok(profile)
}

impl Profile {
    fn check(&self) -> Result<(), String> {
        for (at, rule) in self.rules.iter().enumerate() {
            if self.rules.iter().take(at).any(|other| other.id == rule.id) {
                return Err(format!("the rule `{}` stands twice", rule.id));
            }
            if rule.points.is_empty() {
                return Err(format!("the rule `{}` names no point", rule.id));
            }
            if rule.action == Action::Allow {
                return Err(format!(
                    "the rule `{}` allows: a rule that does nothing is left out instead",
                    rule.id
                ));
            }
            if let Check::Sensitive { categories, .. } = &rule.check {
                let known = |name: &String| castellan_classify::rule::Category::from_name(name).is_some();
                if let Some(name) = categories.iter().find(|name| !known(name)) {
                    return Err(format!("the rule `{}` names the category `{name}`, which is none", rule.id));
                }
            }
            if matches!(rule.check, Check::Unscanned { .. } | Check::Size { .. })
                && rule.action == Action::Redact
            {
                return Err(format!("the rule `{}` cannot redact what it finds; annotate or block", rule.id));
            }
        }
        let rule = |id: &String| self.rules.iter().any(|rule| rule.id == *id);
        match self.examples.iter().find(|example| example.rule.as_ref().is_some_and(|id| !rule(id))) {
            Some(example) => Err(format!("the example `{}` names a rule that is none", example.text)),
            None => Ok(()),
        }
    }
}
