//! Paths of properties to set: `properties.networkAcls.defaultAction`, `properties.policies[*].enabled`.

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A member of an object.
    Member(String),
    /// Every element of an array.
    Each,
}

/// Splits a path. Dots inside brackets do not split; `[*]` steps into every element.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let mut rest = part;
        while let Some(before) = rest.strip_suffix("[*]") {
            rest = before;
        }
        let arrays = (part.len() - rest.len()) / "[*]".len();
        steps.push(Step::Member(rest.to_owned()));
        steps.extend(std::iter::repeat_n(Step::Each, arrays));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements() {
        let member = |name: &str| Step::Member(name.to_owned());
        assert_eq!(
            steps("properties.rules[*].on"),
            [member("properties"), member("rules"), Step::Each, member("on")]
        );
        assert_eq!(steps("sku"), [member("sku")]);
    }
}
