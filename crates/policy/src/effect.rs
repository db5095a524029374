//! Effects: what a definition does where its condition holds.

/// The kinds of effect, told apart by what they mean for compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectFamily {
    /// `audit`, `deny`, `append`, `modify`, `mutate` and others: the condition itself tells what is wrong.
    Condition,
    /// `auditIfNotExists`, `deployIfNotExists`: a related resource must exist.
    IfNotExists,
    /// `manual`: somebody has to attest.
    Manual,
    /// `denyAction`: the resource is protected against an action, which is not a matter of compliance.
    Protect,
    /// `disabled`.
    Disabled,
}

impl EffectFamily {
    /// The family of a named effect; `None` for a name that Azure does not know.
    pub fn of(effect: &str) -> Option<EffectFamily> {
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(effect));
        if is(&["auditIfNotExists", "deployIfNotExists"]) {
            return Some(EffectFamily::IfNotExists);
        }
        if is(&[
            "audit",
            "deny",
            "append",
            "modify",
            "mutate",
            "enforceSetting",
            "enforceRegoPolicy",
            "enforceOPAConstraint",
            "auditAction",
            "addToNetworkGroup",
        ]) {
            return Some(EffectFamily::Condition);
        }
        match effect {
            _ if is(&["manual"]) => Some(EffectFamily::Manual),
            _ if is(&["denyAction"]) => Some(EffectFamily::Protect),
            _ if is(&["disabled"]) => Some(EffectFamily::Disabled),
            _ => None,
        }
    }

    /// The effect as Azure writes it: `auditIfNotExists` for any spelling of it.
    pub fn canonical(effect: &str) -> &str {
        const NAMES: [&str; 15] = [
            "audit",
            "deny",
            "append",
            "modify",
            "mutate",
            "enforceSetting",
            "enforceRegoPolicy",
            "enforceOPAConstraint",
            "auditAction",
            "addToNetworkGroup",
            "auditIfNotExists",
            "deployIfNotExists",
            "manual",
            "denyAction",
            "disabled",
        ];
        NAMES.iter().find(|name| name.eq_ignore_ascii_case(effect)).copied().unwrap_or(effect)
    }
}
