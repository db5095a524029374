//! Policies by the resource types they speak about.

use rustc_hash::FxHashMap;

use crate::policy::Policy;

/// Finds the policies that can apply to a type, so that all others cost nothing.
///
/// ```
/// use castellan_base::Node;
/// use castellan_policy::{AliasTable, Definition, Policy, PolicyIndex};
///
/// let rule = |name: &str| {
///     let document = serde_json::json!({"if": {"field": "type", "equals": name}, "then": {"effect": "audit"}});
///     let definition = Definition::parse(&Node::from_json(&document)).unwrap();
///     Policy::compile(&definition, &AliasTable::builtin()).unwrap()
/// };
/// let index = PolicyIndex::new(vec![rule("A.B/c"), rule("A.B/d")]);
/// assert_eq!(index.candidates("a.b/C").count(), 1);
/// ```
#[derive(Debug, Default)]
pub struct PolicyIndex {
    policies: Vec<Policy>,
    by_type: FxHashMap<Box<str>, Vec<usize>>,
    /// Policies that can apply to types that no policy names.
    open: Vec<usize>,
}

impl PolicyIndex {
    /// An index over policies; their positions are their numbers.
    pub fn new(policies: Vec<Policy>) -> PolicyIndex {
        let mut by_type: FxHashMap<Box<str>, Vec<usize>> = FxHashMap::default();
        for policy in &policies {
            for name in policy.concerned() {
                by_type.entry(lower(name)).or_default();
            }
        }
        for (number, policy) in policies.iter().enumerate() {
            if policy.is_open() {
                let excluded: Vec<Box<str>> = policy.excluded().map(lower).collect();
                for (name, list) in &mut by_type {
                    if !excluded.contains(name) {
                        list.push(number);
                    }
                }
                continue;
            }
            for name in policy.concerned() {
                let list = by_type.entry(lower(name)).or_default();
                if list.last() != Some(&number) {
                    list.push(number);
                }
            }
        }
        let open =
            policies.iter().enumerate().filter(|(_, policy)| policy.is_open()).map(|(number, _)| number);
        PolicyIndex { open: open.collect(), by_type, policies }
    }

    /// All policies, by number.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The numbers of the policies that can apply to a type. All others are not applicable to its resources.
    pub fn candidate_numbers(&self, resource_type: &str) -> &[usize] {
        self.by_type.get(lower(resource_type).as_ref()).unwrap_or(&self.open)
    }

    /// The policies that can apply to a type.
    pub fn candidates(&self, resource_type: &str) -> impl Iterator<Item = &Policy> {
        self.candidate_numbers(resource_type).iter().filter_map(|number| self.policies.get(*number))
    }
}

fn lower(text: &str) -> Box<str> {
    text.to_ascii_lowercase().into_boxed_str()
}
