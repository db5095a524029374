//! Guardrails: profiles as data, the engines behind their checks, and what they say of a body or a stream.
//!
//! *Invariant (most restrictive wins):* profiles compose by union. Of all rules that find something in a text the most
//! restrictive action counts, so that naming one more profile never lets anything pass that did not pass before.
//! *Invariant (fail closed):* a check that cannot run counts as what its rule says of failures, which is blocking unless
//! somebody wrote otherwise, and the failure is told.
//! *Invariant (unscanned is told):* what cannot be looked into is judged by rules as texts are, and listed in the record.

mod asset;
#[cfg(test)]
mod broken;
mod change;
mod compiled;
mod content;
mod inspect;
mod judgement;
mod looked;
mod memory;
mod profile;
mod stream;
mod tokens;
mod transform;
mod whole;

pub use change::Changed;
pub use compiled::{Profiles, ProfilesError, Selected};
pub use inspect::Inspector;
pub use judgement::{Hit, Judgement};
pub use memory::Memory;
pub use profile::{
    Action, Check, End, Example, Notice, Profile, Rule, Spotlight, StreamMode, Streaming, Transform, read,
};
pub use stream::{Guarded, GuardedEnd, Passed, Ruling};
pub use tokens::{Consistent, Shape, TokensConfig};
pub(crate) use whole::Whole;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use castellan_shield::Shield;
    use castellan_shield::second::{Classifier, Fault, Grey, Second};
    use castellan_wire::{Passage, Point};

    use super::*;

    #[test]
    fn every_profile_does_what_its_examples_say() {
        let inspector =
            Inspector::new(Arc::new(Shield::builtin().unwrap()), &castellan_detectors::engine()).unwrap();
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/gate/guardrails");
        let profiles = Profiles::builtin().unwrap();
        let profiles = profiles.with_folder(examples.as_ref(), &castellan_base::OsSystem).unwrap();
        assert!(profiles.all().any(|profile| profile.id == "desk"));
        let mut ran = 0;
        for profile in profiles.all() {
            let selected = profiles.select(&[&profile.id], inspector.engine()).unwrap();
            for example in &profile.examples {
                let passage = Passage {
                    point: example.point,
                    path: "x".into(),
                    text: example.text.clone(),
                    segments: Vec::new(),
                };
                let (judgement, _) = inspector.passage(&passage, &selected, &mut Memory::new("t"));
                assert_eq!(
                    judgement.action, example.action,
                    "{}: {}: {judgement:?}",
                    profile.id, example.text
                );
                let rule = example.rule.as_ref().map(|rule| format!("{}/{rule}", profile.id));
                let found = judgement.decisive().map(|hit| hit.rule.to_string());
                assert_eq!(found, rule, "{}", example.text);
                ran += 1;
            }
        }
        assert!(ran >= 10);
    }

    /// A second tier that fails once and then finds nothing.
    #[derive(Debug, Default)]
    struct Flaky(std::sync::atomic::AtomicBool);

    impl Classifier for Flaky {
        fn probability(&self, _: &str, _: std::time::Duration) -> Result<f32, Fault> {
            let was_asked = self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
            if was_asked { Ok(0.0) } else { Err(Fault::Time) }
        }
    }

    #[test]
    fn what_the_second_tier_could_not_say_blocks_and_is_asked_again() {
        let second = Second::new(Arc::new(Flaky::default())).grey(Grey::between(0.0, 1.0).unwrap());
        let shield = Shield::builtin().unwrap().with_second(second);
        let inspector = Inspector::new(Arc::new(shield), &castellan_detectors::engine()).unwrap();
        let profiles = Profiles::builtin().unwrap();
        let selected = profiles.select(&["default"], inspector.engine()).unwrap();
        let text = "What is the capital of France, and how many people live there?".to_owned();
        let passage = Passage { point: Point::User, path: "x".into(), text, segments: Vec::new() };
        let judged = || inspector.passage(&passage, &selected, &mut Memory::new("t")).0;
        let failed = judged();
        assert_eq!(failed.action, Action::Block);
        assert!(failed.decisive().unwrap().failed, "{failed:?}");
        assert_eq!(judged().action, Action::default());
    }

    #[test]
    fn naming_one_more_profile_never_lets_anything_pass() {
        let inspector =
            Inspector::new(Arc::new(Shield::builtin().unwrap()), &castellan_detectors::engine()).unwrap();
        let profiles = Profiles::builtin().unwrap();
        let names: Vec<String> = profiles.all().map(|profile| profile.id.clone()).collect();
        let texts: Vec<(Point, String)> = profiles
            .all()
            .flat_map(|profile| profile.examples.iter().map(|example| (example.point, example.text.clone())))
            .collect();
        let judged = |selected: &Selected, point: Point, text: &str| {
            let passage = Passage { point, path: "x".into(), text: text.to_owned(), segments: Vec::new() };
            inspector.passage(&passage, selected, &mut Memory::new("t")).0.action
        };
        for one in &names {
            let alone = profiles.select(&[one], inspector.engine()).unwrap();
            for other in &names {
                let both = alone.and(&profiles.select(&[other], inspector.engine()).unwrap());
                assert_eq!(both.names, profiles.select(&[one, other], inspector.engine()).unwrap().names);
                for (point, text) in &texts {
                    assert!(
                        judged(&both, *point, text) >= judged(&alone, *point, text),
                        "{one} {other} {text}"
                    );
                }
            }
        }
    }
}
