//! Versions of the API, and which of them has which operation.

use std::str::FromStr;

use serde::Deserialize;

use crate::contentsafety::Failure;

/// A version, in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V2023_10_01,
    V2024_09_01,
    V2024_09_15Preview,
    V2024_09_30Preview,
    V2024_12_15Preview,
    V2026_09_01Preview,
    V2026_10_15Preview,
}

use Version::{
    V2023_10_01, V2024_09_01, V2024_09_15Preview, V2024_09_30Preview, V2024_12_15Preview, V2026_09_01Preview,
    V2026_10_15Preview,
};

const ALL: [(&str, Version); 7] = [
    ("2023-10-01", V2023_10_01),
    ("2024-09-01", V2024_09_01),
    ("2024-09-15-preview", V2024_09_15Preview),
    ("2024-09-30-preview", V2024_09_30Preview),
    ("2024-12-15-preview", V2024_12_15Preview),
    ("2026-09-01-preview", V2026_09_01Preview),
    ("2026-10-15-preview", V2026_10_15Preview),
];

/// What can be asked. Previews end: an operation of one need not be in those that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    AnalyzeImage,
    AnalyzeText,
    Blocklists,
    Categories,
    Evaluate,
    Groundedness,
    Incidents,
    ProtectedCode,
    ProtectedText,
    ShieldPrompt,
    TaskAdherence,
    UnifiedModerate,
}

impl Operation {
    /// The versions that have it, after the specifications of the service.
    fn versions(self) -> &'static [Version] {
        match self {
            Operation::AnalyzeImage | Operation::AnalyzeText | Operation::Blocklists => &[
                V2023_10_01,
                V2024_09_01,
                V2024_09_15Preview,
                V2024_09_30Preview,
                V2024_12_15Preview,
                V2026_09_01Preview,
                V2026_10_15Preview,
            ],
            Operation::ShieldPrompt | Operation::ProtectedText => &[
                V2024_09_01,
                V2024_09_15Preview,
                V2024_09_30Preview,
                V2024_12_15Preview,
                V2026_09_01Preview,
                V2026_10_15Preview,
            ],
            Operation::Categories | Operation::Groundedness | Operation::Incidents => {
                &[V2024_09_15Preview, V2024_09_30Preview]
            }
            Operation::ProtectedCode => &[V2024_09_15Preview],
            Operation::TaskAdherence => &[V2024_12_15Preview],
            Operation::UnifiedModerate => &[V2026_09_01Preview, V2026_10_15Preview],
            Operation::Evaluate => &[V2026_10_15Preview],
        }
    }
}

impl FromStr for Version {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Version, Failure> {
        let known = ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, version)| *version).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
            Failure::version(format!("`{text}` is no version of this API; use one of {}", names.join(", ")))
        })
    }
}

/// The parameters that every operation has.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(rename = "api-version")]
    version: Option<String>,
}

impl Asked {
    pub(crate) fn of(version: Option<String>) -> Asked {
        Asked { version }
    }

    /// The name of the version, as links in answers repeat it.
    pub(crate) fn name(&self) -> &str {
        self.version.as_deref().unwrap_or_default()
    }

    /// Whether the version that was asked for has an operation.
    pub(crate) fn has(&self, operation: Operation) -> Result<(), Failure> {
        let named = self.version.as_deref().ok_or_else(|| {
            Failure::version("the parameter `api-version` is missing; add `?api-version=2024-09-01`")
        })?;
        let version: Version = named.parse()?;
        if operation.versions().contains(&version) {
            return Ok(());
        }
        let having = ALL.iter().filter(|(_, version)| operation.versions().contains(version));
        let names: Vec<&str> = having.map(|(name, _)| *name).collect();
        Err(Failure::version(format!(
            "version `{named}` has no such operation; those that have it are {}",
            names.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Operation};

    #[test]
    fn operations_come_with_versions_and_go_with_them() {
        let has = |version: &str, operation| Asked::of(Some(version.to_owned())).has(operation).is_ok();
        assert!(has("2026-09-01-Preview", Operation::ShieldPrompt));
        assert!(!has("2023-10-01", Operation::ShieldPrompt));
        assert!(has("2024-09-15-preview", Operation::Groundedness));
        assert!(!has("2026-09-01-preview", Operation::Groundedness));
        assert!(!has("2022-01-01", Operation::AnalyzeText));
        assert!(Asked::of(None).has(Operation::AnalyzeText).is_err());
    }
}
