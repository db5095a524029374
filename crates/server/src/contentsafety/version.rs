//! Versions of the API, and which operation came with which.

use std::str::FromStr;

use serde::Deserialize;

use crate::contentsafety::Failure;

/// A version, in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V2023_10_01,
    V2024_09_01,
    V2024_09_15Preview,
    V2024_09_30Preview,
    V2024_12_15Preview,
    V2026_09_01Preview,
    V2026_10_15Preview,
}

const ALL: [(&str, Version); 7] = [
    ("2023-10-01", Version::V2023_10_01),
    ("2024-09-01", Version::V2024_09_01),
    ("2024-09-15-preview", Version::V2024_09_15Preview),
    ("2024-09-30-preview", Version::V2024_09_30Preview),
    ("2024-12-15-preview", Version::V2024_12_15Preview),
    ("2026-09-01-preview", Version::V2026_09_01Preview),
    ("2026-10-15-preview", Version::V2026_10_15Preview),
];

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

    /// The version that was asked for, if it has an operation that came with `first`.
    pub(crate) fn since(&self, first: Version) -> Result<Version, Failure> {
        let named = self.version.as_deref().ok_or_else(|| {
            Failure::version("the parameter `api-version` is missing; add `?api-version=2024-09-01`")
        })?;
        let version: Version = named.parse()?;
        if version < first {
            let since = ALL.iter().find(|(_, version)| *version == first).map_or("?", |(name, _)| name);
            return Err(Failure::version(format!(
                "version `{named}` has no such operation; it came with {since}"
            )));
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Version};

    #[test]
    fn operations_come_with_versions() {
        let asked = |version: Option<&str>| Asked { version: version.map(str::to_owned) };
        let preview = asked(Some("2026-09-01-Preview"));
        assert_eq!(preview.since(Version::V2024_09_01), Ok(Version::V2026_09_01Preview));
        assert!(asked(Some("2023-10-01")).since(Version::V2024_09_01).is_err());
        assert!(asked(Some("2022-01-01")).since(Version::V2023_10_01).is_err());
        assert!(asked(None).since(Version::V2023_10_01).is_err());
    }
}
