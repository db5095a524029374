//! What to collect: `azure:SUBSCRIPTION[,SUBSCRIPTION..]` or `azure:tenant`.

use std::fmt;
use std::str::FromStr;

/// What a live scan covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Every subscription that the identity sees.
    #[default]
    Tenant,
    /// These subscriptions, by id in lower case.
    Subscriptions(Vec<String>),
}

/// A text that names nothing to collect.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a subscription id; write `azure:` and the id (`az account list -o table` shows it), several ids with \
     commas between, or `azure:tenant`"
)]
pub struct ParseTargetError(String);

const PREFIX: &str = "azure:";

impl Target {
    /// True for an argument that means a live scan and not a path.
    pub fn is_target(argument: &str) -> bool {
        argument.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
    }
}

impl FromStr for Target {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let list = if Target::is_target(text) { text.get(PREFIX.len()..).unwrap_or_default() } else { text };
        if list.trim().eq_ignore_ascii_case("tenant") {
            return Ok(Target::Tenant);
        }
        let mut subscriptions = Vec::new();
        for word in list.split(',') {
            let id = word.trim().trim_start_matches("/subscriptions/").trim_end_matches('/');
            let id = id.to_ascii_lowercase();
            if !is_uuid(&id) {
                return Err(ParseTargetError(word.trim().to_owned()));
            }
            if !subscriptions.contains(&id) {
                subscriptions.push(id);
            }
        }
        Ok(Target::Subscriptions(subscriptions))
    }
}

/// True for 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tenant => f.write_str("azure:tenant"),
            Target::Subscriptions(ids) => write!(f, "azure:{}", ids.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parsing_never_panics_and_round_trips(text in "(azure:)?[a-fA-F0-9,/ -]{0,80}|.{0,20}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse(), Ok(target));
            }
        }
    }

    const ONE: &str = "11111111-2222-3333-4444-555555555555";
    const TWO: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    #[test]
    fn targets() {
        let text = format!("AZURE:/subscriptions/{ONE}, {},{ONE}", TWO.to_uppercase());
        let target: Target = text.parse().unwrap();
        assert_eq!(target.to_string(), format!("azure:{ONE},{TWO}"));
        assert_eq!("azure:Tenant".parse(), Ok(Target::Tenant));
        for wrong in
            ["azure:", "azure:my-subscription", "azure:11111111-2222-3333-4444-55555555555x", "azure:a,"]
        {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
        assert!(
            Target::is_target("azure:x")
                && !Target::is_target("azur\u{e9}:x")
                && !Target::is_target("./azure")
        );
    }
}
