//! What is blocked: policies that requests name.

/// A policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// How requests name it.
    pub(crate) name: &'static str,
    /// The least severity of a harm, 0 to 7, that is blocked.
    pub(crate) severity: u8,
}

/// Prompt attacks are blocked by all of them.
const ALL: [Policy; 3] = [
    Policy { name: "default", severity: 4 },
    Policy { name: "strict", severity: 2 },
    Policy { name: "lenient", severity: 6 },
];

impl Policy {
    /// The policy of that name; the first where none is named.
    pub(crate) fn named(name: Option<&str>) -> Result<Policy, String> {
        let name = name.unwrap_or("default");
        ALL.into_iter().find(|policy| policy.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|policy| policy.name).collect();
            format!("there is no policy `{name}`; name one of {}", names.join(", "))
        })
    }
}
