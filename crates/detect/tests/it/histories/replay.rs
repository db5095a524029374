//! Histories by chance: their changes make the same incidents again.

use castellan_detect::incident::correlate::{Correlation, sum};
use castellan_detect::incident::{
    Became, By, Change, Classification, Command, Incidents, Order, Status, Update, Verdict, What,
};
use castellan_detect::rule::Severity;
use castellan_detect::run::Alert;
use proptest::prelude::*;

use super::{alert, by, minutes, numbered, order};

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Alert { rule: usize, at: i64, agent: usize, account: usize, trace: usize },
    Order { incident: u32, person: bool, order: Order },
    SplitFirst(u32),
    Archive(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let alert = (0_usize..4, 0_i64..600, 0_usize..4, 0_usize..4, 0_usize..6)
        .prop_map(|(rule, at, agent, account, trace)| Step::Alert { rule, at, agent, account, trace });
    let verdict = |classification| Verdict { classification, reason: None, comment: String::new() };
    let orders = prop_oneof![
        Just(Order::Comment { text: "a".to_owned() }),
        Just(Order::Tag { names: vec!["a".to_owned(), "b".to_owned()] }),
        Just(Order::Untag { names: vec!["a".to_owned()] }),
        Just(Order::AddTask { title: "a".to_owned(), description: String::new() }),
        (1_u32..4).prop_map(|task| Order::FinishTask { task }),
        Just(Order::Update(Update { severity: Some(Severity::Low), ..Update::default() })),
        Just(Order::Update(Update { title: Some("mine".to_owned()), ..Update::default() })),
        Just(Order::ComputeSeverity),
        Just(Order::SetStatus {
            status: Status::Closed,
            verdict: Some(verdict(Classification::Undetermined))
        }),
        Just(Order::SetStatus { status: Status::Active, verdict: None }),
        proptest::collection::vec(1_u32..8, 1..3).prop_map(|from| Order::Merge { from }),
        (1_u32..8).prop_map(|with| Order::DeclineMerge { with }),
    ];
    let order = (1_u32..8, any::<bool>(), orders).prop_map(|(incident, person, order)| Step::Order {
        incident,
        person,
        order,
    });
    let step = prop_oneof![
        6 => alert,
        4 => order,
        1 => (1_u32..8).prop_map(Step::SplitFirst),
        1 => (0_i64..700).prop_map(Step::Archive),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Does what happens; all changes that it made.
fn live(steps: &[Step]) -> (Incidents, Vec<Change>, Vec<Alert>) {
    let (mut incidents, mut all, mut seen) = (Incidents::default(), Vec::new(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        let now = minutes(1_000 + at as i64);
        match step {
            Step::Alert { rule, at, agent, account, trace } => {
                let rule = numbered(*rule);
                let found = alert(
                    &rule,
                    *at,
                    &[["a", "b", "c", "d"][*agent]],
                    &[["w@x", "x@x", "y@x", "z@x"][*account]],
                    &format!("t{trace}"),
                );
                let (became, changes) = incidents.take(&rule, &found, Correlation::built_in(), now);
                assert_eq!(changes.is_empty(), matches!(became, Became::Known(_)));
                all.extend(changes);
                seen.push(found);
            }
            Step::Order { incident, person, order } => {
                let by = if *person { by("ann") } else { By::Automation("triage".to_owned()) };
                let command = Command { incident: *incident, seen: None, by, order: order.clone() };
                let before = incidents.clone();
                match incidents.command(&command, now) {
                    Ok(changes) => all.extend(changes),
                    Err(_) => assert_eq!(incidents, before, "what is refused changes nothing"),
                }
            }
            Step::SplitFirst(number) => {
                let Some(incident) = incidents.get(*number) else { continue };
                let alerts = incident.alert_ids().take(1).map(str::to_owned).collect();
                let command = order(*number, Order::Split { alerts });
                all.extend(incidents.command(&command, now).unwrap_or_default());
            }
            Step::Archive(before) => {
                for change in incidents.decide_archive(minutes(1_000 + before / 20), now) {
                    incidents.apply(&change).unwrap();
                    all.push(change);
                }
            }
        }
    }
    (incidents, all, seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Changes alone make the state again, however it came about, from the beginning and from a snapshot.
    #[test]
    fn changes_make_the_state_again(steps in steps(), cut in 0_usize..80) {
        let (incidents, changes, seen) = live(&steps);
        let mut again = Incidents::default();
        for (at, change) in changes.iter().enumerate() {
            if at == cut {
                again = serde_json::from_str(&serde_json::to_string(&again).unwrap()).unwrap();
            }
            let change: Change = serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap();
            prop_assert!(again.apply(&change).is_ok(), "{:?}", change);
        }
        prop_assert_eq!(&again, &incidents);
        let text = serde_json::to_string(&incidents).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Incidents>(&text).unwrap(), &incidents);
        // Each version of an incident is a change of its audit trail.
        for incident in incidents.iter() {
            let trail = changes.iter().filter(|change| change.concerns(incident.number)).count() as u64;
            prop_assert_eq!(trail, incident.version);
        }
        // Each alert is in one incident, unless that is archived.
        let archived: u64 = changes.iter().filter(|change| matches!(change.what, What::Archived)).count() as u64;
        let mut ids: Vec<String> = seen.iter().map(|alert| alert.id.to_string()).collect();
        ids.sort();
        ids.dedup();
        let mut held: Vec<&str> = incidents.iter().flat_map(|incident| incident.alert_ids()).collect();
        held.sort_unstable();
        let distinct = { let mut held = held.clone(); held.dedup(); held.len() };
        prop_assert_eq!(distinct, held.len());
        prop_assert!(archived > 0 || held.len() == ids.len());
        let counted: u64 = incidents.iter().map(|incident| incident.alert_count()).sum();
        prop_assert_eq!(counted, held.len() as u64);
    }

    /// A score is the sum of its links, and each says why in words.
    #[test]
    fn scores_are_the_sums_of_their_links(steps in steps()) {
        let (_, changes, _) = live(&steps);
        for change in &changes {
            let (score, links) = match &change.what {
                What::Joined { score, links, .. } => (*score, links),
                What::MergeProposed(proposal) => (proposal.score, &proposal.links),
                What::Merged { score, links, .. } if change.by == By::Correlation => (*score, links),
                _ => continue,
            };
            prop_assert_eq!(score, sum(links));
            prop_assert!(!links.is_empty() && links.iter().all(|link| link.weight > 0 && link.says.ends_with('.')));
            if change.by == By::Correlation && matches!(change.what, What::Joined { .. }) {
                prop_assert!(score >= Correlation::built_in().join);
            }
        }
    }
}
