//! The fixed words of rules: kinds, severities, operators, tactics.
//!
//! Sources: Microsoft.SecurityInsights/alertRules of Azure Resource Manager; MITRE ATT&CK and ATT&CK for ICS, whose
//! tactics Microsoft Sentinel writes without blanks.

use serde::{Deserialize, Serialize};

/// When a rule runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Each time its frequency has passed, over its period.
    #[default]
    Scheduled,
    /// Every minute, over what was taken in since.
    #[serde(rename = "NRT")]
    NearRealTime,
}

/// How bad an alert is, in the words of Microsoft Sentinel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Nothing has to be done.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// How the number of results is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// More results than the threshold.
    GreaterThan,
    /// Fewer.
    LessThan,
    /// As many.
    Equal,
    /// Any other number.
    NotEqual,
}

/// Which results make one alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grouping {
    /// All of a run.
    #[default]
    SingleAlert,
    /// Each by itself.
    AlertPerResult,
}

/// Which alerts come into one incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Matching {
    /// Those whose entities are all the same.
    #[default]
    AllEntities,
    /// All of the rule.
    AnyAlert,
    /// Those that agree in what is selected.
    Selected,
}

/// A tactic of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of ATT&CK.
pub enum Tactic {
    Reconnaissance,
    ResourceDevelopment,
    InitialAccess,
    Execution,
    Persistence,
    PrivilegeEscalation,
    DefenseEvasion,
    CredentialAccess,
    Discovery,
    LateralMovement,
    Collection,
    CommandAndControl,
    Exfiltration,
    Impact,
    /// ATT&CK for ICS alone.
    PreAttack,
    /// ATT&CK for ICS alone.
    ImpairProcessControl,
    /// ATT&CK for ICS alone.
    InhibitResponseFunction,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal $(| $other:literal)*),* $(,)? }) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The word as Microsoft Sentinel writes it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// The spellings that mean it; the first is the right one.
            pub(crate) fn spellings(self) -> &'static [&'static str] {
                match self { $($name::$variant => &[$word $(, $other)*]),* }
            }

            /// What a word means, whatever its case and whatever stands between its letters; and whether it is a
            /// spelling that Microsoft Sentinel takes.
            pub fn named(word: &str) -> Option<($name, bool)> {
                let exact = $name::ALL.iter().find(|known| known.spellings().contains(&word));
                if let Some(known) = exact {
                    return Some((*known, true));
                }
                let wanted = letters(word);
                let alike = |known: &&$name| known.spellings().iter().any(|spelling| letters(spelling) == wanted);
                $name::ALL.iter().find(alike).map(|known| (*known, false))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// The letters of a word in lower case.
fn letters(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

words!(Kind { Scheduled = "Scheduled", NearRealTime = "NRT" });
words!(Severity { Informational = "Informational", Low = "Low", Medium = "Medium", High = "High" });
words!(Operator {
    GreaterThan = "GreaterThan" | "gt",
    LessThan = "LessThan" | "lt",
    Equal = "Equal" | "eq",
    NotEqual = "NotEqual" | "ne",
});
words!(Grouping { SingleAlert = "SingleAlert", AlertPerResult = "AlertPerResult" });
words!(Matching { AllEntities = "AllEntities", AnyAlert = "AnyAlert", Selected = "Selected" });
words!(Tactic {
    Reconnaissance = "Reconnaissance",
    ResourceDevelopment = "ResourceDevelopment",
    InitialAccess = "InitialAccess",
    Execution = "Execution",
    Persistence = "Persistence",
    PrivilegeEscalation = "PrivilegeEscalation",
    DefenseEvasion = "DefenseEvasion",
    CredentialAccess = "CredentialAccess",
    Discovery = "Discovery",
    LateralMovement = "LateralMovement",
    Collection = "Collection",
    CommandAndControl = "CommandAndControl",
    Exfiltration = "Exfiltration",
    Impact = "Impact",
    PreAttack = "PreAttack",
    ImpairProcessControl = "ImpairProcessControl",
    InhibitResponseFunction = "InhibitResponseFunction",
});

impl Operator {
    /// Whether a number of results passes a threshold.
    pub fn holds(self, results: u64, threshold: u64) -> bool {
        match self {
            Operator::GreaterThan => results > threshold,
            Operator::LessThan => results < threshold,
            Operator::Equal => results == threshold,
            Operator::NotEqual => results != threshold,
        }
    }
}

/// True for an id of a technique of ATT&CK: `T1078`, `T1078.004`, and `T0883` for ICS.
pub fn is_technique(text: &str) -> bool {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_they_are_written() {
        assert_eq!(Tactic::named("CommandAndControl"), Some((Tactic::CommandAndControl, true)));
        assert_eq!(Tactic::named("CommandandControl"), Some((Tactic::CommandAndControl, false)));
        assert_eq!(Tactic::named("Command and Control"), Some((Tactic::CommandAndControl, false)));
        assert_eq!(Tactic::named("Lateral"), None);
        assert_eq!(Operator::named("gt"), Some((Operator::GreaterThan, true)));
        assert_eq!(Severity::named("high"), Some((Severity::High, false)));
        assert_eq!(Kind::named("nrt"), Some((Kind::NearRealTime, false)));
    }

    #[test]
    fn thresholds() {
        let holds =
            |results| Operator::ALL.iter().map(|operator| operator.holds(results, 5)).collect::<Vec<_>>();
        assert_eq!(holds(6), [true, false, false, true]);
        assert_eq!(holds(4), [false, true, false, true]);
        assert_eq!(holds(5), [false, false, true, false]);
    }

    #[test]
    fn ids_of_techniques() {
        assert!(is_technique("T1078") && is_technique("T1078.004"));
        for text in ["t1078", "T107", "T1078.4", "T10780", "1078", "T1078.0044", "T\u{661}078"] {
            assert!(!is_technique(text), "{text}");
        }
    }
}
