//! Grants from asking to their end.

use castellan_access::grant::{Ask, EventKind, GrantError, GrantRules, GrantStore, Held, Stage, Subject};
use castellan_access::policy::{Action, Asked, Policies, Resource};
use castellan_access::principal::{Actor, Kind, Method, Principal};
use castellan_access::{Pattern, Refresh};

use crate::support::*;

fn person(name: &str) -> Principal {
    Principal::new(Kind::User, Method::Token, TENANT, name)
}

fn open(folder: &tempfile::TempDir, rules: GrantRules) -> GrantStore {
    GrantStore::open(folder.path().join("grants.json"), rules).unwrap()
}

fn model(name: &str) -> Resource {
    Resource::model(name, "openai")
}

fn ask() -> Ask {
    Ask { subject: Subject::Model { model: Pattern::new("gpt-*") }, reason: "trial".to_owned(), seconds: 600 }
}

#[test]
fn two_of_three_approve_and_the_grant_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (ann, ben, cem, dan, eve) =
        (person("ann"), person("ben"), person("cem"), person("dan"), person("eve"));
    let approvers = vec![ann.id(), ben.id(), cem.id()];
    let store = open(&folder, GrantRules { approvals: 2, approvers, ..GrantRules::default() });
    let grant = store.ask(&ann, ask(), now()).unwrap();
    let id = grant.id.as_str();
    let may_not = |result: Result<_, GrantError>, part: &str| {
        let error = result.map(|_: castellan_access::grant::Grant| ()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    may_not(store.approve(id, &ann, "", now()), "themselves");
    may_not(store.approve(id, &eve, "", now()), "other approvers");
    assert_eq!(store.approve(id, &ben, "fine", plus(10)).unwrap().stage(plus(10)), Stage::Pending);
    may_not(store.approve(id, &ben, "", plus(11)), "twice");
    assert_eq!(store.held(&ann, &model("gpt-5"), plus(11)), Held::default());
    let grant = store.approve(id, &cem, "fine", plus(20)).unwrap();
    assert_eq!(grant.active, Some((plus(20), plus(620))));
    for (principal, resource, at, holds) in [
        (&ann, model("gpt-5"), 20, true),
        (&ann, model("gpt-5"), 619, true),
        (&ann, model("gpt-5"), 620, false),
        (&ann, model("gpt-5"), 19, false),
        (&ann, model("claude"), 30, false),
        (&ann, Resource::tool("gpt-5", "x"), 30, false),
        (&dan, model("gpt-5"), 30, false),
    ] {
        let held = store.held(principal, &resource, plus(at));
        assert_eq!(held.ids.contains(id), holds, "{resource:?} at {at}");
        let mut asked = Asked::new(principal, Action::Invoke, resource, plus(at));
        asked.held = held;
        assert_eq!(Policies::built_in().unwrap().decide(&asked).allow, holds);
    }
    assert_eq!(store.get(id).unwrap().stage(plus(620)), Stage::Expired);
    assert!(matches!(store.approve(id, &cem, "", plus(621)), Err(GrantError::Stage(Stage::Expired))));
    let trail: Vec<String> = store.trail(id).iter().map(|event| event.by_shown.clone()).collect();
    assert_eq!(trail.len(), 3);
    assert!(trail[1].contains("ben"));
}

#[test]
fn only_people_approve_and_no_agents() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, GrantRules::default());
    let ann = person("ann");
    let grant = store.ask(&ann, ask(), now()).unwrap();
    let mut through = person("ben");
    through.actors.push(Actor { tenant: None, id: "agent".to_owned(), is_agent: true });
    let robot = Principal::new(Kind::Application, Method::Token, TENANT, "robot");
    for principal in [&through, &robot, &Principal::anonymous()] {
        assert!(matches!(store.approve(&grant.id, principal, "", now()), Err(GrantError::MayNot(_))));
    }
    // Who asked through an agent is who asked.
    let mut asked = ann.clone();
    asked.actors = through.actors.clone();
    let second = store.ask(&asked, ask(), now()).unwrap();
    assert!(matches!(store.approve(&second.id, &ann, "", now()), Err(GrantError::MayNot(_))));
    assert!(matches!(store.approve("none", &person("ben"), "", now()), Err(GrantError::Unknown(_))));
}

#[test]
fn ends_of_all_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, GrantRules { decide_within_seconds: 100, ..GrantRules::default() });
    let (ann, ben) = (person("ann"), person("ben"));
    let ask = |seconds: u32| store.ask(&ann, Ask { seconds, ..ask() }, now()).unwrap().id;
    let (lapsed, denied, withdrawn, revoked, active) = (ask(1), ask(2), ask(3), ask(4), ask(3600));
    store.deny(&denied, &ben, "no", plus(1)).unwrap();
    assert!(matches!(store.withdraw(&withdrawn, &ben, plus(1)), Err(GrantError::MayNot(_))));
    store.withdraw(&withdrawn, &ann, plus(1)).unwrap();
    store.approve(&revoked, &ben, "", plus(1)).unwrap();
    store.revoke(&revoked, &ben, "over", plus(2)).unwrap();
    store.approve(&active, &ben, "", plus(99)).unwrap();
    assert!(matches!(store.approve(&lapsed, &ben, "", plus(100)), Err(GrantError::Stage(Stage::Lapsed))));
    assert!(matches!(store.approve(&denied, &ben, "", plus(50)), Err(GrantError::Stage(Stage::Denied))));
    let stages = |store: &GrantStore| {
        [&lapsed, &denied, &withdrawn, &revoked, &active].map(|id| store.get(id).unwrap().stage(plus(200)))
    };
    let expected = [Stage::Lapsed, Stage::Denied, Stage::Withdrawn, Stage::Revoked, Stage::Active];
    assert_eq!(stages(&store), expected);
    // Another process reads the same.
    assert_eq!(stages(&open(&folder, GrantRules::default())), expected);
    assert_eq!(store.forget_ended(plus(1000), plus(200)).unwrap(), 4);
    assert_eq!(store.list().len(), 1);
    assert_eq!(store.held(&ann, &model("gpt-5"), plus(200)).ids.len(), 1);
}

#[test]
fn tools_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, GrantRules::default());
    let (ann, ben) = (person("ann"), person("ben"));
    let tool = Subject::Tool { server: "files".to_owned(), tool: Pattern::new("read*") };
    for subject in [tool, Subject::Label { label: "confidential".to_owned() }] {
        let grant = store.ask(&ann, Ask { subject, ..ask() }, now()).unwrap();
        store.approve(&grant.id, &ben, "", now()).unwrap();
    }
    let held = store.held(&ann, &Resource::tool("files", "read_file"), now());
    assert_eq!((held.ids.len(), held.labels.contains("confidential")), (1, true));
    assert!(store.held(&ann, &Resource::tool("file", "read_file"), now()).ids.is_empty());
    assert!(store.held(&ann, &Resource::tool("files", "write"), now()).ids.is_empty());
}

#[test]
fn bounds_and_rules() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |rules: GrantRules| GrantStore::open(folder.path().join("x.json"), rules).is_err();
    assert!(wrong(GrantRules { approvals: 0, ..GrantRules::default() }));
    assert!(wrong(GrantRules { longest_seconds: 0, ..GrantRules::default() }));
    // One person twice is one approver.
    let approvers = vec!["a".to_owned(), "a".to_owned()];
    assert!(wrong(GrantRules { approvals: 2, approvers, ..GrantRules::default() }));
    let store = open(&folder, GrantRules::default());
    let ann = person("ann");
    for ask in [
        Ask { seconds: 0, ..ask() },
        Ask { seconds: 9 * 3600, ..ask() },
        Ask { reason: " ".to_owned(), ..ask() },
        Ask { subject: Subject::Label { label: String::new() }, ..ask() },
        Ask { subject: Subject::Label { label: "a\nb".to_owned() }, ..ask() },
    ] {
        assert!(matches!(store.ask(&ann, ask, now()), Err(GrantError::Unfit(_))));
    }
    assert!(store.ask(&Principal::anonymous(), ask(), now()).is_err());
    for _ in 0..20 {
        store.ask(&ann, ask(), now()).unwrap();
    }
    assert!(matches!(store.ask(&ann, ask(), now()), Err(GrantError::Unfit(_))));
    store.ask(&person("ben"), ask(), now()).unwrap();
}

/// Somebody who can write the file cannot make an event happen that must not.
#[test]
fn events_that_must_not_happen_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, GrantRules::default());
    let (ann, ben) = (person("ann"), person("ben"));
    let grant = store.ask(&ann, ask(), now()).unwrap();
    store.approve(&grant.id, &ben, "", now()).unwrap();
    let path = folder.path().join("grants.json");
    let text = read(&path);
    std::fs::write(&path, text.replace(&ben.id(), &ann.id())).unwrap();
    assert_eq!(store.refresh().unwrap(), Refresh::Changed);
    assert_eq!(store.get(&grant.id).unwrap().stage(now()), Stage::Pending);
    assert!(matches!(store.trail(&grant.id)[1].what, EventKind::Approved { .. }));
    assert_eq!(store.held(&ann, &model("gpt-5"), now()), Held::default());
}
