//! A judge that finds what texts say of themselves: `attack`, `severity 5 violence`.

use std::sync::Arc;

use castellan_server::judge::Judge;
use castellan_shield::Source;
use castellan_shield::attack::{Evidence, Subtype, Tier, Verdict};
use castellan_shield::harm::{Harm, Harms};
use castellan_shield::second::Allowance;

pub(crate) struct Scripted;

impl Scripted {
    pub(crate) fn judge() -> Arc<dyn Judge> {
        Arc::new(Scripted)
    }
}

impl Judge for Scripted {
    fn attack(&self, text: &str, source: Source, _allowance: &Allowance) -> Verdict {
        let place = text.find("attack").filter(|_| !source.is_trusted());
        Verdict {
            detected: place.is_some(),
            probability: if place.is_some() { 0.97 } else { 0.02 },
            subtype: place.map(|_| Subtype::ChangeOfSystemRules),
            spans: place
                .map(|start| Evidence { start, end: start + 6, reason: "rule script".to_owned() })
                .into_iter()
                .collect(),
            decoded: Vec::new(),
            tier: Tier::Linear,
            second: None,
            unscanned: Vec::new(),
        }
    }

    fn harm(&self, text: &str) -> Harms {
        let words: Vec<&str> = text.split_whitespace().collect();
        let harm = |name: &str| {
            let said = words.windows(3).find(|said| said[0] == "severity" && said[2] == name);
            let severity = said.map_or(0, |said| said[1].parse().unwrap());
            Harm { severity, probability: f32::from(severity) / 7.0 }
        };
        Harms {
            hate: harm("hate"),
            sexual: harm("sexual"),
            violence: harm("violence"),
            self_harm: harm("self_harm"),
        }
    }
}
