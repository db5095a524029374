//! Several texts of one event, judged together.

use castellan_shield::Source;
use castellan_shield::attack::Verdict;
use castellan_shield::harm::{Harm, Harms};
use serde_json::Value;

use crate::judge::Judge;

/// A text of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// Where it stands in the event, as `$target.messages[0].content`.
    pub(crate) path: String,
    pub(crate) text: &'a str,
    /// Who wrote it, where attacks on the model are looked for in it.
    pub(crate) source: Option<Source>,
}

/// What the texts of an event are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judged {
    /// The worst of each harm.
    pub(crate) harms: Harms,
    /// The likeliest attack, and where it stands.
    pub(crate) attack: Option<(String, Verdict)>,
    /// What was not looked at, or not decided, and why.
    pub(crate) unscanned: Vec<String>,
}

/// Judges texts. Trusted ones are judged for harm alone.
pub(crate) fn judge<'a>(judge: &dyn Judge, parts: impl IntoIterator<Item = Part<'a>>) -> Judged {
    let mut judged = Judged::default();
    let allowance = judge.allowance();
    for part in parts {
        let harms = judge.harm(part.text);
        judged.harms = Harms {
            hate: worse(judged.harms.hate, harms.hate),
            sexual: worse(judged.harms.sexual, harms.sexual),
            violence: worse(judged.harms.violence, harms.violence),
            self_harm: worse(judged.harms.self_harm, harms.self_harm),
        };
        let Some(source) = part.source.filter(|source| !source.is_trusted()) else { continue };
        let attack = judge.attack(part.text, source, &allowance);
        let unscanned = attack.unscanned.iter();
        judged.unscanned.extend(
            unscanned
                .map(|left| format!("{}: bytes {} to {}: {}", part.path, left.start, left.end, left.reason)),
        );
        if let Some(failure) = attack.failure() {
            judged.unscanned.push(format!("{}: {failure}", part.path));
        }
        let likelier = judged.attack.as_ref().is_none_or(|(_, known)| {
            (attack.detected, attack.probability) > (known.detected, known.probability)
        });
        if likelier {
            judged.attack = Some((part.path, attack));
        }
    }
    judged
}

fn worse(one: Harm, other: Harm) -> Harm {
    if (other.severity, other.probability) > (one.severity, one.probability) { other } else { one }
}

/// Every string of a value, and every name of a member that could hide a sentence.
pub(crate) fn collect<'a>(value: &'a Value, path: String, source: Option<Source>, parts: &mut Vec<Part<'a>>) {
    match value {
        Value::String(text) if !text.is_empty() => parts.push(Part { path, text, source }),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{place}]"), source, parts);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains(' ') {
                    parts.push(Part { path: path.clone(), text: name, source });
                }
                collect(member, format!("{path}.{name}"), source, parts);
            }
        }
        _ => {}
    }
}
