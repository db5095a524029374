//! Policies and arguments of tools: any text is policies or told with places, any JSON is decided upon.
#![no_main]

use std::sync::LazyLock;

use castellan_access::policy::{Action, Asked, Policies, Resource, Source};
use castellan_access::principal::Principal;
use castellan_base::Ticks;
use libfuzzer_sys::fuzz_target;

static NOTHING: LazyLock<Policies> = LazyLock::new(|| Policies::built_in().expect("the policies of the binary"));

fuzz_target!(|text: &str| {
    let source = Source { name: "fuzz.cedar".to_owned(), text: text.to_owned() };
    let lines = text.matches('\n').count() + 1;
    let asked = || Asked::new(&Principal::anonymous(), Action::Call, Resource::tool("s", text), Ticks::MAX);
    match Policies::new(&[source]) {
        Ok(policies) => {
            let decision = policies.decide(&asked());
            assert!(!decision.allow || !decision.policies.is_empty());
        }
        Err(problems) => assert!(problems.0.iter().all(|problem| problem.line <= lines)),
    }
    if let Ok(arguments) = serde_json::from_str(text) {
        let mut asked = asked();
        asked.arguments = Some(&arguments);
        assert!(!NOTHING.decide(&asked).allow);
    }
});
