//! Kleene's three truth values.

use serde::Serialize;

/// True, false, or not known.
///
/// ```
/// use castellan_policy::Truth;
///
/// assert_eq!(Truth::False.and(Truth::Unknown), Truth::False);
/// assert_eq!(Truth::True.and(Truth::Unknown), Truth::Unknown);
/// assert_eq!(Truth::True.or(Truth::Unknown), Truth::True);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// Holds, whatever the unknown values turn out to be.
    True,
    /// Does not hold, whatever they turn out to be.
    False,
    /// Hangs on a value that is not known.
    Unknown,
}

impl Truth {
    /// Conjunction: false decides.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    /// Disjunction: true decides.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// True when definite.
    pub fn is_known(self) -> bool {
        self != Truth::Unknown
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(flag: bool) -> Truth {
        if flag { Truth::True } else { Truth::False }
    }
}
