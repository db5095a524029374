//! Which classes of a model mean an attack.

use std::collections::BTreeSet;

use crate::EncoderError;

/// Names that say of a text that it is an attack on the prompt, in capitals with `_` between words.
const ATTACKS: &[&str] = &[
    "ATTACK",
    "INDIRECT_INJECTION",
    "INJECTION",
    "JAILBREAK",
    "MALICIOUS",
    "PROMPT_ATTACK",
    "PROMPT_INJECTION",
    "UNSAFE",
];
/// Names that say that it is none.
const HARMLESS: &[&str] =
    &["BENIGN", "CLEAN", "HARMLESS", "LEGIT", "LEGITIMATE", "NORMAL", "NO_INJECTION", "SAFE"];

/// The classes that mean an attack, by number. With names that the user gave, those; else by what the labels are called,
/// where each of them is known and there is one of both kinds. Of `LABEL_0` and `LABEL_1`, the second one.
pub(crate) fn attacks(labels: &[String], asked: &[String]) -> Result<Vec<usize>, EncoderError> {
    let fault = |why: String| EncoderError::Labels { why, labels: told(labels) };
    let numbers: Vec<usize> = if asked.is_empty() {
        guessed(labels)
            .ok_or_else(|| fault("the model does not say plainly what means an attack".to_owned()))?
    } else {
        let number = |name: &String| {
            let found = labels.iter().position(|label| plain(label) == plain(name));
            found.ok_or_else(|| fault(format!("the model has no label `{name}`")))
        };
        // A label that is named twice means what it means once: its probability must not count twice.
        let mut seen = BTreeSet::new();
        let mut numbers: Vec<usize> = asked.iter().map(number).collect::<Result<_, _>>()?;
        numbers.retain(|number| seen.insert(*number));
        numbers
    };
    // A model of one label says how likely that one is; of more, one has to mean that there is no attack.
    if labels.len() > 1 && (0..labels.len()).all(|number| numbers.contains(&number)) {
        return Err(fault("every label would mean an attack".to_owned()));
    }
    Ok(numbers)
}

fn guessed(labels: &[String]) -> Option<Vec<usize>> {
    let names: Vec<String> = labels.iter().map(|label| plain(label)).collect();
    if names == ["LABEL_0", "LABEL_1"] {
        return Some(vec![1]);
    }
    let is_attack = |name: &String| ATTACKS.contains(&name.as_str());
    let is_known = names.iter().all(|name| is_attack(name) || HARMLESS.contains(&name.as_str()));
    let attacks: Vec<usize> =
        (0..).zip(&names).filter(|(_, name)| is_attack(name)).map(|(at, _)| at).collect();
    (is_known && !attacks.is_empty()).then_some(attacks)
}

fn plain(label: &str) -> String {
    label.trim().to_ascii_uppercase().replace(['-', ' '], "_")
}

fn told(labels: &[String]) -> String {
    let shown =
        labels.iter().take(20).map(|label| format!("`{}`", label.chars().take(60).collect::<String>()));
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(labels: &[&str], asked: &[&str], expected: Option<&[usize]>) {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let found = attacks(&own(labels), &own(asked));
        assert_eq!(found.as_deref().ok(), expected, "{labels:?} {asked:?}: {found:?}");
    }

    #[test]
    fn labels_are_guessed_only_where_they_leave_no_doubt() {
        check(&["SAFE", "INJECTION"], &[], Some(&[1]));
        check(&["jailbreak", "benign"], &[], Some(&[0]));
        check(&["BENIGN", "INJECTION", "JAILBREAK"], &[], Some(&[1, 2]));
        check(&["LABEL_0", "LABEL_1"], &[], Some(&[1]));
        check(&["prompt-injection"], &[], Some(&[0]));
        check(&["LABEL_0", "LABEL_1", "LABEL_2"], &[], None);
        check(&["POSITIVE", "NEGATIVE"], &[], None);
        check(&["SAFE", "INJECTION", "OTHER"], &[], None);
        check(&["SAFE", "BENIGN"], &[], None);
        check(&["ATTACK", "UNSAFE"], &[], None);
    }

    #[test]
    fn what_was_asked_for_holds() {
        check(&["POSITIVE", "NEGATIVE"], &["positive"], Some(&[0]));
        check(&["SAFE", "INJECTION", "OTHER"], &["other", "injection"], Some(&[2, 1]));
        check(&["SAFE", "INJECTION"], &["INJECTION", "injection"], Some(&[1]));
        check(&["SAFE", "INJECTION"], &["attack"], None);
        check(&["a", "b"], &["a", "b"], None);
    }
}
