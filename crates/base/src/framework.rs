//! Ids of controls in security and compliance frameworks, with the edition where a framework has editions.
//!
//! ```
//! use castellan_base::FrameworkId;
//!
//! let prompt_injection: FrameworkId = "owasp-llm:2025:LLM01".parse().unwrap();
//! assert_eq!(prompt_injection.pack(), "owasp-llm:2025");
//! let technique: FrameworkId = "atlas:AML.T0051".parse().unwrap();
//! assert_eq!((technique.edition(), technique.control()), (None, "AML.T0051"));
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `framework:edition:control`, or `framework:control` for a framework that numbers its controls once and for all.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameworkId(Arc<str>);

/// A text that is no framework id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a framework id; write `framework:edition:control` or `framework:control`")]
pub struct ParseFrameworkIdError(String);

impl FromStr for FrameworkId {
    type Err = ParseFrameworkIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let well_formed = matches!(parts.len(), 2 | 3)
            && parts.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace));
        if !well_formed {
            return Err(ParseFrameworkIdError(text.to_owned()));
        }
        Ok(FrameworkId(text.into()))
    }
}

impl FrameworkId {
    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The framework: `owasp-llm`.
    pub fn framework(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The edition, if the framework has editions: `2025`.
    pub fn edition(&self) -> Option<&str> {
        let mut parts = self.0.split(':').skip(1);
        let edition = parts.next();
        parts.next().and(edition)
    }

    /// The control's own id: `LLM01`.
    pub fn control(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }

    /// Framework and edition: the id of the pack that must define the control.
    pub fn pack(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(pack, _)| pack)
    }
}

impl fmt::Display for FrameworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for FrameworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameworkId({})", self.0)
    }
}

impl Serialize for FrameworkId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FrameworkId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
