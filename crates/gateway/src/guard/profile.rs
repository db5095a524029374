//! Guardrail profiles: which check runs at which point, and what follows. They are data, in `content/guardrails`.

use std::fmt;
use std::path::PathBuf;

use castellan_access::Pattern;
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
    /// It passes in another form, as the rule says: without what no reader sees, shorter, ...
    Transform,
    /// It passes with tokens in the place of what was found, which the gate can turn back.
    Tokenise,
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
            Action::Transform => "transform",
            Action::Tokenise => "tokenise",
            Action::Redact => "redact",
            Action::RequireApproval => "require_approval",
            Action::Block => "block",
        }
    }

    /// Whether nothing of it passes now.
    pub fn stops(self) -> bool {
        self >= Action::RequireApproval
    }

    /// Whether it passes as something else.
    pub fn changes(self) -> bool {
        matches!(self, Action::Transform | Action::Tokenise | Action::Redact)
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
    /// What the model is told beside the application's own instructions.
    #[serde(default)]
    pub notices: Vec<Notice>,
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
    /// Where. None for what is asked of a request as a whole.
    #[serde(default)]
    pub points: Vec<Point>,
    /// What follows.
    pub action: Action,
    /// For `tokenise`: whether the answer's tokens are turned back for whoever asked. They are not unless it is said.
    #[serde(default)]
    pub restore: bool,
    /// For `transform`: what becomes of the text, in this order.
    #[serde(default)]
    pub transform: Vec<Transform>,
    /// For `require_approval`: for how many seconds the request waits for somebody to decide, at most 300. It is refused
    /// at once, with what to name, unless it is said.
    #[serde(default)]
    pub wait_seconds: u16,
    /// What follows when the check cannot run: blocking, unless it says otherwise.
    #[serde(default = "block")]
    pub on_failure: Action,
}

fn block() -> Action {
    Action::Block
}

/// What becomes of a text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// What a reader sees, in the plainest characters, as the shield reads it: compatibility forms, look-alikes, accents
    /// and what shows nothing are gone. For requests alone, and not for what programs read.
    Normalise,
    /// Without characters that people do not see and models read: tags, bidirectional controls, terminal escapes,
    /// characters of no width.
    StripInvisible,
    /// Without links and pictures that lead to hosts which are not named.
    StripActive {
        /// Hosts that may be named: `docs.example.com`, `*.example.com`.
        #[serde(default)]
        hosts: Vec<String>,
        /// Whether addresses that stand in the text as they are go, too.
        #[serde(default)]
        bare: bool,
    },
    /// No longer than this.
    Truncate {
        /// Unicode characters.
        characters: usize,
        /// What stands in the place of the rest.
        #[serde(default = "mark")]
        mark: String,
    },
}

fn mark() -> String {
    " [...]".to_owned()
}

impl Transform {
    /// As logs write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Transform::Normalise => "normalise",
            Transform::StripInvisible => "strip_invisible",
            Transform::StripActive { .. } => "strip_active",
            Transform::Truncate { .. } => "truncate",
        }
    }
}

/// Something that the model is told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What.
    pub text: String,
    /// At which end of the application's own instructions.
    #[serde(default)]
    pub at: End,
}

/// An end of the application's own instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Before them.
    Start,
    /// After them.
    #[default]
    End,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// Every text.
    Any {},
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
    /// What is longer, or more, than this. Of several bounds each counts.
    Size {
        /// Unicode characters of a text.
        characters: Option<usize>,
        /// Tokens of a text, estimated.
        tokens: Option<u64>,
        /// Tokens of all texts of a request, estimated.
        total_tokens: Option<u64>,
        /// Messages of a request.
        messages: Option<usize>,
        /// Tools that a request offers.
        tools: Option<usize>,
        /// Pictures in a request.
        images: Option<usize>,
    },
    /// A category of one's own, as `castellan shield train` makes it.
    Custom {
        /// Its file, beside the profile's.
        category: PathBuf,
        /// Least probability, above 0 and up to 1.
        #[serde(default = "belongs")]
        threshold: f32,
    },
    /// What does not fit a JSON Schema: arguments of tools at `tool_call`, texts that have to be JSON at other points, and
    /// the body of a request where no point is named.
    Schema {
        /// Its file, beside the profile's.
        file: PathBuf,
        /// For arguments: of which tools, by their names; of all where none is named.
        tool: Option<Pattern>,
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

fn belongs() -> f32 {
    castellan_shield::harm::Category::BELONGS
}

impl Check {
    /// Whether it is asked of a request as a whole, and not of its texts.
    pub(super) fn is_of_request(&self, points: &[Point]) -> bool {
        match self {
            Check::Size { characters: None, tokens: None, .. } => true,
            Check::Schema { .. } => points.is_empty(),
            _ => false,
        }
    }

    /// As logs write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Check::Any {} => "any",
            Check::Custom { .. } => "custom",
            Check::Schema { .. } => "schema",
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
            if rule.points.is_empty() && !rule.check.is_of_request(&[]) {
                return Err(format!("the rule `{}` names no point", rule.id));
            }
            rule.check().map_err(|why| format!("the rule `{}` {why}", rule.id))?;
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
        }
        let rule = |id: &String| self.rules.iter().any(|rule| rule.id == *id);
        match self.examples.iter().find(|example| example.rule.as_ref().is_some_and(|id| !rule(id))) {
            Some(example) => Err(format!("the example `{}` names a rule that is none", example.text)),
            None => Ok(()),
        }
    }
}

impl Rule {
    /// Whether its parts fit together.
    fn check(&self) -> Result<(), String> {
        let is_sensitive = matches!(self.check, Check::Sensitive { .. });
        let is_text = !matches!(self.check, Check::Unscanned { .. } | Check::Schema { .. })
            && !self.check.is_of_request(&self.points);
        if self.action == Action::Redact && !is_text {
            return fault("cannot redact what it finds; annotate or block");
        }
        if self.action == Action::Tokenise && !is_sensitive {
            return fault("tokenises, which only `sensitive` data can be");
        }
        if self.restore && self.action != Action::Tokenise {
            return fault("restores what it does not tokenise");
        }
        if (self.action == Action::Transform) == self.transform.is_empty() {
            return fault("needs both `action: transform` and what to do, in `transform`");
        }
        if self.action == Action::Transform && !is_text {
            return fault("cannot transform what is no text");
        }
        if self.wait_seconds > 0 && self.action != Action::RequireApproval || self.wait_seconds > 300 {
            return fault("waits; that is for `require_approval`, and for at most 300 seconds");
        }
        if matches!(self.on_failure, Action::Transform | Action::Tokenise) {
            return fault("cannot do that when its check cannot run; annotate, require approval or block");
        }
        self.points
            .iter()
            .try_for_each(|point| self.transform.iter().try_for_each(|one| one.check(*point)))?;
        match &self.check {
            Check::Size { characters, tokens, total_tokens, messages, tools, images } => {
                let of_text = characters.is_some() || tokens.is_some();
                let of_request =
                    total_tokens.is_some() || [messages, tools, images].iter().any(|most| most.is_some());
                match (of_text, of_request, self.points.is_empty()) {
                    (false, false, _) => fault("bounds nothing"),
                    (true, true, _) => fault("bounds texts and requests at once; make two rules of it"),
                    (false, true, false) => {
                        fault("bounds requests, which have no points; leave `points` out")
                    }
                    _ => Ok(()),
                }
            }
            Check::Custom { threshold, .. } if !(*threshold > 0.0 && *threshold <= 1.0) => {
                fault("has a threshold that is not above 0 and up to 1")
            }
            Check::Schema { tool: Some(_), .. } if self.points != [Point::ToolCall] => {
                fault("names a tool; that is for the point `tool_call` alone")
            }
            Check::Schema { .. } if self.points.contains(&Point::ToolCall) && self.points.len() > 1 => {
                fault("is about arguments of tools and other texts at once; make two rules of it")
            }
            _ => Ok(()),
        }
    }
}

fn fault(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

impl Transform {
    /// Whether it makes sense at a point.
    fn check(&self, point: Point) -> Result<(), String> {
        let is_of_answers = matches!(point, Point::Output | Point::Reasoning);
        let is_data = matches!(point, Point::ToolCall | Point::ToolDefinition);
        match self {
            Transform::Normalise if is_of_answers || is_data => {
                Err(format!("normalises at `{}`, where it would destroy what is said", point.as_str()))
            }
            Transform::Truncate { .. } if is_data => {
                Err(format!("truncates at `{}`, where what is left could not be read", point.as_str()))
            }
            _ => Ok(()),
        }
    }
}
