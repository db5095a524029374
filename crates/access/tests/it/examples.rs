//! The example policies hold what they say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use castellan_access::policy::{Action, Asked, Circumstances, Policies, Resource};
use castellan_access::principal::{Actor, Kind, Method, Principal};
use castellan_base::OsSystem;
use serde_json::json;

use crate::support::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/gate/policies")
}

fn user(scopes: &[&str], roles: &[&str]) -> Principal {
    let mut user = Principal::new(Kind::User, Method::Token, TENANT, USER);
    user.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    user.roles = roles.iter().map(|&role| role.to_owned()).collect();
    user
}

fn labelled(name: &str, labels: &[&str]) -> Resource {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    Resource::Model {
        name: name.to_owned(),
        provider: "openai".to_owned(),
        labels,
        profile: None,
        route: None,
    }
}

fn check(policies: &Policies, asked: &Asked<'_>, allow: bool, by: &str) {
    let decision = policies.decide(asked);
    assert_eq!((decision.allow, &decision.errors), (allow, &Vec::new()), "{}", policies.explain(asked));
    let ids: Vec<&str> = decision.policies.iter().map(|decided| decided.id.as_ref()).collect();
    assert_eq!(ids.join(" "), by, "{}", policies.explain(asked));
}

#[test]
fn they_are_valid_and_decide() {
    let policies = Policies::open(&OsSystem, &folder()).unwrap();
    let status = policies.status();
    assert!(status.warnings.is_empty() && status.policies >= 15, "{status:?}");
    let staff = user(&["gate.invoke"], &[]);
    let small = labelled("small", &["small"]);
    check(&policies, &Asked::new(&staff, Action::Invoke, small.clone(), now()), true, "staff-ask-models");
    let costly = labelled("large", &["costly"]);
    check(&policies, &Asked::new(&staff, Action::Invoke, costly.clone(), now()), false, "");
    let mut research = staff.clone();
    research.groups.push("3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned());
    // 2026-11-21 is a Saturday.
    check(&policies, &Asked::new(&research, Action::Invoke, costly.clone(), now()), false, "");
    let monday = at("2026-11-23T10:00:00Z");
    check(
        &policies,
        &Asked::new(&research, Action::Invoke, costly.clone(), monday),
        true,
        "research-asks-costly-models",
    );
    research.groups_known = false;
    let asked = Asked::new(&research, Action::Invoke, costly, monday);
    check(&policies, &asked, false, "unknown-groups-are-no-groups");
    assert!(
        policies.decide(&asked).obligations.messages.iter().any(|text| text.contains("application roles"))
    );

    let mut asked = Asked::new(&staff, Action::Invoke, small, now());
    asked.circumstances.labels.insert("confidential".to_owned());
    check(&policies, &asked, false, "labelled-data-needs-a-grant");
    asked.held.labels.insert("confidential".to_owned());
    check(&policies, &asked, true, "staff-ask-models");
}

#[test]
fn tools_by_their_arguments() {
    let policies = Policies::open(&OsSystem, &folder()).unwrap();
    let ann = user(&[], &[]);
    for (tool, arguments, allow, by) in [
        (("mail", "send"), json!({ "to": ["ann@example.org"] }), true, "mail-inside-alone"),
        (("mail", "send"), json!({ "to": ["ann@example.org", "eve@evil.example"] }), false, ""),
        (("mail", "send"), json!({ "to": "ann@example.org" }), false, ""),
        (("bank", "transfer"), json!({ "amount": 999 }), true, "small-transfers"),
        (("bank", "transfer"), json!({ "amount": 1000 }), true, "large-transfers"),
        (("bank", "transfer"), json!({ "amount": "1" }), false, ""),
        (("files", "read"), json!({ "path": "/srv/shared/a" }), true, "files-below-a-folder"),
        (("files", "read"), json!({ "path": "/srv/shared/../../etc/passwd" }), false, ""),
        (("files", "read"), json!({ "a": { "path": "/srv/shared/a" } }), false, ""),
    ] {
        let mut asked = Asked::new(&ann, Action::Call, Resource::tool(tool.0, tool.1), now());
        asked.arguments = Some(&arguments);
        check(&policies, &asked, allow, by);
        assert_eq!(policies.decide(&asked).obligations.require_approval, by == "large-transfers");
    }
}

#[test]
fn agents_and_taint() {
    let policies = Policies::open(&OsSystem, &folder()).unwrap();
    let mut through = user(&["gate.call"], &["gate.admin"]);
    through.actors.push(Actor { tenant: None, id: CLIENT.to_owned(), is_agent: true });
    let tool = |destructive: bool, labels: &[&str]| Resource::Tool {
        server: "db".to_owned(),
        name: "run".to_owned(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        read_only: !destructive,
        destructive,
    };
    let mut asked = Asked::new(&through, Action::Call, tool(true, &[]), now());
    check(&policies, &asked, true, "agents-ask-before-they-destroy");
    assert!(policies.decide(&asked).obligations.require_approval);
    asked.circumstances.risk = 50;
    check(&policies, &asked, false, "agents-destroy-nothing-alone");
    let mut asked = Asked::new(&through, Action::Call, tool(false, &["sends"]), now());
    asked.circumstances.taint = BTreeSet::from(["private".to_owned(), "untrusted".to_owned()]);
    check(&policies, &asked, false, "no-way-out-for-private-data");
    let profile = Resource::Profile("strict".to_owned());
    let mut asked =
        Asked::new(&user(&["gate.admin"], &["gate.admin"]), Action::Administer, profile.clone(), now());
    check(&policies, &asked, false, "administer-from-inside");
    // An address of IPv4 in the clothes of IPv6 is the same address.
    for (ip, allow) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::1", true), ("8.8.8.8", false)] {
        asked.circumstances = Circumstances { ip: ip.parse().ok(), ..Circumstances::default() };
        assert_eq!(policies.decide(&asked).allow, allow, "{ip}");
    }
    let mut asked = Asked::new(&through, Action::Administer, profile, now());
    asked.circumstances.ip = "10.1.2.3".parse().ok();
    check(&policies, &asked, false, "agents-do-not-approve");
}
