//! Approvals of single requests, from asking to their use.

use castellan_access::approval::{ApprovalRules, ApprovalStore, Asking, Stage};
use castellan_access::principal::{Actor, Kind, Method, Principal};

use crate::support::*;

fn person(name: &str) -> Principal {
    Principal::new(Kind::User, Method::Token, TENANT, name)
}

fn asking<'a>(principal: &'a Principal, digest: &'a str) -> Asking<'a> {
    Asking { principal, what: "model m", why: "mail/large", digest, request: "r-1" }
}

fn open(folder: &tempfile::TempDir, rules: ApprovalRules) -> ApprovalStore {
    ApprovalStore::open(folder.path().join("approvals.json"), rules).unwrap()
}

#[test]
fn a_request_passes_once_and_nothing_else_by_the_same_word() {
    let folder = tempfile::tempdir().unwrap();
    let (ann, ben) = (person("ann"), person("ben"));
    let store = open(&folder, ApprovalRules::default());
    let asked = store.ask(asking(&ann, "d1"), now()).unwrap();
    assert_eq!(asked.stage(now()), Stage::Pending);
    assert_eq!(store.ask(asking(&ann, "d1"), plus(1)).unwrap().id, asked.id, "it waits once");
    assert_ne!(store.ask(asking(&ann, "d2"), now()).unwrap().id, asked.id, "another body is another request");
    assert_ne!(store.ask(asking(&ben, "d1"), now()).unwrap().id, asked.id, "so is another principal");
    let refused = |result: Result<_, castellan_access::approval::ApprovalError>, part: &str| {
        let error = result.map(|_: castellan_access::approval::Approval| ()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(store.use_up(&asked.id, &ann, "d1", plus(2)), "pending");
    refused(store.approve(&asked.id, &ann, "", plus(2)), "themselves");
    let mut agent = person("cem");
    agent.actors.push(Actor { tenant: None, id: "bot".to_owned(), is_agent: true });
    refused(store.approve(&asked.id, &agent, "", plus(2)), "only a person");
    // Another process decides.
    let other = open(&folder, ApprovalRules::default());
    other.approve(&asked.id, &ben, "looked at it", plus(3)).unwrap();
    store.refresh().unwrap();
    assert_eq!(store.ask(asking(&ann, "d1"), plus(4)).unwrap().stage(plus(4)), Stage::Approved);
    refused(store.use_up(&asked.id, &ann, "d2", plus(5)), "another request");
    refused(store.use_up(&asked.id, &ben, "d1", plus(5)), "another request");
    store.use_up(&asked.id, &ann, "d1", plus(5)).unwrap();
    refused(other.use_up(&asked.id, &ann, "d1", plus(6)), "used");
    let again = store.ask(asking(&ann, "d1"), plus(7)).unwrap();
    assert!(again.id != asked.id && again.stage(plus(7)) == Stage::Pending);
    assert_eq!(store.get(&asked.id).unwrap().said[0].reason, "looked at it");
}

#[test]
fn approvals_end() {
    let folder = tempfile::tempdir().unwrap();
    let (ann, ben, cem) = (person("ann"), person("ben"), person("cem"));
    let approvers = vec![ben.id(), cem.id()];
    let rules = ApprovalRules { approvals: 2, approvers, use_within_seconds: 60, ..ApprovalRules::default() };
    let store = open(&folder, rules);
    let late = store.ask(asking(&ann, "d1"), now()).unwrap();
    assert_eq!(store.get(&late.id).unwrap().stage(plus(3_600)), Stage::Lapsed);
    assert!(store.approve(&late.id, &ben, "", plus(3_600)).is_err());
    let asked = store.ask(asking(&ann, "d2"), now()).unwrap();
    assert!(store.approve(&asked.id, &person("dan"), "", plus(1)).is_err());
    store.approve(&asked.id, &ben, "", plus(1)).unwrap();
    assert!(store.approve(&asked.id, &ben, "", plus(2)).is_err(), "nobody counts twice");
    assert_eq!(store.get(&asked.id).unwrap().stage(plus(2)), Stage::Pending);
    store.approve(&asked.id, &cem, "", plus(10)).unwrap();
    assert_eq!(store.get(&asked.id).unwrap().stage(plus(69)), Stage::Approved);
    assert!(store.use_up(&asked.id, &ann, "d2", plus(70)).is_err(), "it has expired");
    let denied = store.ask(asking(&ann, "d3"), now()).unwrap();
    store.deny(&denied.id, &cem, "no", plus(1)).unwrap();
    assert_eq!(store.ask(asking(&ann, "d3"), plus(2)).unwrap().id, denied.id, "no stays no for a while");
    assert!(store.approve(&denied.id, &ben, "", plus(3)).is_err());
    for number in 0..40 {
        if store.ask(asking(&ann, &format!("x{number}")), plus(3)).is_err() {
            assert!(number >= 18);
            return;
        }
    }
    panic!("nobody may have others wait without end");
}
