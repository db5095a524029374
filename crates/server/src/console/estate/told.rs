//! What is told of the estate. Members are those of `docs/api/openapi.yaml`.

use castellan_base::{Location, Severity, Ticks};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was scanned, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EstateState {
    /// Whether there is anything to scan.
    pub available: bool,
    /// What is scanned.
    pub paths: Vec<String>,
    /// Whether it is being scanned now.
    pub is_scanning: bool,
    /// When the last scan that was good ended.
    pub scanned: Option<Ticks>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<f64>,
    /// How many resources it found.
    pub resources: Option<u64>,
    /// Why a later scan failed; what the last good one found is shown.
    pub problem: Option<String>,
}

/// What a check says of a resource, in the words of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// The resource is not as it must be.
    Unhealthy,
    /// It is.
    Healthy,
    /// It cannot be told.
    Unknown,
    /// It is not, and somebody has accepted that.
    Exempt,
}

/// A finding with its evidence and its fixes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// `Id` of `CastellanRecommendations`.
    pub id: String,
    /// The check.
    pub check_id: String,
    /// What the check asks for, in one line.
    pub title: String,
    /// More about it.
    pub description: String,
    /// How bad a violation is.
    pub severity: Severity,
    /// What the check says.
    pub state: State,
    /// The resource.
    pub resource_id: String,
    /// Its name.
    pub resource_name: String,
    /// Its type.
    pub resource_type: String,
    /// The workload that it belongs to; empty for none.
    pub workload: String,
    /// Why the check says so; for unknown ones also what would settle it.
    pub reason: String,
    /// What was looked at.
    pub evidence: Vec<Observed>,
    /// Where to look first.
    pub location: Option<Place>,
    /// What to do.
    pub remediation: String,
    /// Controls of frameworks: `nist-ai-rmf:1.0:MAP-1.1`.
    pub frameworks: Vec<String>,
    /// By how much the risk score falls when it is fixed.
    pub risk_gain: f64,
    /// By how much the secure score grows.
    pub score_gain: f64,
    /// Whether a fix can be applied as it is.
    pub fixable: bool,
    /// Why it is accepted, where it is.
    pub exemption: Option<Exemption>,
    /// Ways to fix it, the one for the file that was scanned first.
    pub fixes: Vec<Fix>,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// What: a property path or a related resource.
    pub path: String,
    /// What was found; null where there is nothing.
    pub actual: Value,
    /// The condition, as `equals`.
    pub operator: String,
    /// What it compares with.
    pub expected: Value,
    /// Where it stands.
    pub location: Option<Place>,
    /// Lines of the file around the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// The number of the first of these lines, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet_line: Option<u32>,
}

/// A place in a file that was scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end, one past the last character.
    pub end_column: u32,
}

impl From<&Location> for Place {
    fn from(location: &Location) -> Place {
        Place {
            file: location.file.to_string(),
            line: location.line,
            column: location.column,
            end_line: location.end_line,
            end_column: location.end_column,
        }
    }
}

/// Why something is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// The risk is accepted.
    Waiver,
    /// The intent is met by other means.
    Mitigated,
}

/// An exemption that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// Why, in one word.
    pub category: Category,
    /// Why, in a sentence.
    pub reason: String,
    /// Who accepted it.
    pub approver: String,
    /// The first moment at which it no longer counts.
    pub expires: Option<Ticks>,
    /// Whether it was given here, so that it can be lifted here.
    pub is_ours: bool,
}

/// What a fix is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the tools")]
pub enum FixKind {
    Arm,
    Bicep,
    Terraform,
    Az,
}

/// A way to fix something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// In a few words.
    pub title: String,
    /// What it is written in.
    pub kind: FixKind,
    /// The file that the diff is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The change as a snippet, where no file is patched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Commands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What a person has to decide first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
