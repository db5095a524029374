//! Policies: loaded, checked, decided, replaced.

use std::collections::BTreeSet;

use castellan_access::Pattern;
use castellan_access::key::Scopes;
use castellan_access::policy::{
    Action, Asked, Circumstances, Effect, Outcome, Party, Policies, Reload, Resource, SCHEMA, Source,
};
use castellan_access::principal::{Actor, Kind, Method, Principal};
use castellan_base::OsSystem;
use serde_json::{Value, json};

use crate::support::*;

fn source(text: &str) -> Source {
    Source { name: "a.cedar".to_owned(), text: text.to_owned() }
}

fn policies(text: &str) -> Policies {
    Policies::new(&[source(text)]).unwrap()
}

fn application(roles: &[&str]) -> Principal {
    let mut application = Principal::new(Kind::Application, Method::Token, TENANT, USER);
    application.roles = roles.iter().map(|&role| role.to_owned()).collect();
    application
}

fn key(scopes: Scopes) -> Principal {
    let mut key = Principal::new(Kind::Key, Method::Key, "castellan", "abc");
    key.key_scopes = Some(scopes);
    key
}

fn model(name: &str) -> Resource {
    Resource::model(name, "openai")
}

fn server(name: &str) -> Resource {
    Resource::McpServer { name: name.to_owned(), labels: vec![] }
}

#[test]
fn without_a_folder_scopes_decide() {
    let policies = Policies::built_in().unwrap();
    let scopes = Scopes {
        models: vec![Pattern::new("gpt-*")],
        tools: vec![Pattern::new("files/read")],
        servers: vec![Pattern::new("wiki")],
        profiles: vec![],
    };
    let key = key(scopes);
    let all = application(&["gate.use"]);
    let invoker = application(&["gate.invoke"]);
    let nobody = Principal::anonymous();
    for (principal, action, resource, allow) in [
        (&key, Action::Invoke, model("gpt-5"), true),
        (&key, Action::Invoke, model("claude"), false),
        (&key, Action::List, model("gpt-5"), true),
        (&key, Action::Call, Resource::tool("files", "read"), true),
        (&key, Action::Call, Resource::tool("files", "write"), false),
        (&key, Action::List, server("files"), true),
        (&key, Action::Read, server("files"), false),
        (&key, Action::Read, server("wiki"), true),
        (&key, Action::Get, server("wiki"), true),
        (&key, Action::Administer, model("gpt-5"), false),
        (&key, Action::Approve, model("gpt-5"), false),
        (&all, Action::Invoke, model("claude"), true),
        (&all, Action::Call, Resource::tool("files", "write"), true),
        (&all, Action::Administer, model("gpt-5"), false),
        (&invoker, Action::Invoke, model("claude"), true),
        (&invoker, Action::Call, Resource::tool("files", "read"), false),
        (&invoker, Action::List, model("claude"), true),
        (&nobody, Action::Invoke, model("gpt-5"), false),
        (&nobody, Action::List, model("gpt-5"), false),
        (&application(&[]), Action::Invoke, model("gpt-5"), false),
    ] {
        let asked = Asked::new(principal, action, resource, now());
        let decision = policies.decide(&asked);
        assert_eq!((decision.allow, &decision.errors), (allow, &vec![]), "{}", policies.explain(&asked));
        // A question by nobody says so, and a decision without a policy is a denial.
        assert_eq!(decision.policies.is_empty(), !allow);
    }
    // An approval takes a person with the role, and a client with the scope.
    let may = |principal: &Principal, action| {
        policies.decide(&Asked::new(principal, action, model("a"), now())).allow
    };
    let mut approver = application(&["gate.approve", "gate.admin", "gate.use"]);
    assert!(!may(&approver, Action::Approve) && may(&approver, Action::Administer));
    approver.kind = Kind::User;
    for action in [Action::Approve, Action::Administer, Action::Invoke] {
        assert!(
            !may(&approver, action),
            "a user's role is no permission of whatever application acts for the user"
        );
    }
    approver.scopes = vec!["gate.approve".to_owned(), "gate.admin".to_owned()];
    assert!(
        may(&approver, Action::Approve)
            && may(&approver, Action::Administer)
            && !may(&approver, Action::Invoke)
    );
    approver.actors.push(Actor { tenant: None, id: CLIENT.to_owned(), is_agent: true });
    assert!(!may(&approver, Action::Approve) && !may(&approver, Action::Administer));
}

/// What is asked fits the schema: deciding does not check that again.
#[test]
fn questions_are_those_of_the_schema() {
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(SCHEMA).unwrap();
    let all = "permit (principal, action, resource);";
    let policies = policies(all);
    let arguments = json!({ "a": [1, "b", { "c": null }], "d": ["e", "f"], "g.h": 1.5 });
    let labels = vec!["x".to_owned()];
    let resources = [
        Resource::Model {
            name: "m".into(),
            provider: "p".into(),
            labels: labels.clone(),
            profile: Some("s".into()),
            route: Some("r".into()),
        },
        Resource::Tool {
            server: "s".into(),
            name: "t".into(),
            labels: labels.clone(),
            read_only: true,
            destructive: false,
        },
        Resource::McpServer { name: "s".into(), labels },
        Resource::Profile("p".into()),
        Resource::Route("r".into()),
    ];
    let kinds = [
        Kind::User,
        Kind::Application,
        Kind::Agent,
        Kind::AgentUser,
        Kind::ManagedIdentity,
        Kind::Key,
        Kind::Certificate,
        Kind::Anonymous,
    ];
    let actions = [
        Action::Invoke,
        Action::Call,
        Action::List,
        Action::Read,
        Action::Get,
        Action::Approve,
        Action::Administer,
    ];
    let mut fitting = 0;
    for kind in kinds {
        let mut principal = Principal::new(kind, Method::Token, TENANT, USER);
        principal.groups.push("g".to_owned());
        for action in actions {
            for resource in &resources {
                let mut asked = Asked::new(&principal, action, resource.clone(), now());
                asked.arguments = Some(&arguments);
                asked.circumstances = Circumstances {
                    labels: BTreeSet::from(["l".to_owned()]),
                    answer_labels: BTreeSet::from(["m".to_owned()]),
                    ip: "10.0.0.1".parse().ok(),
                    risk: 200,
                    tokens: u64::MAX,
                    session: Some("s".to_owned()),
                    ..Circumstances::default()
                };
                match asked.check_against(&schema) {
                    Ok(()) => fitting += 1,
                    // What the schema has no place for is not asked by the gate; everything else must fit.
                    Err(error) => assert!(error.contains("not valid for"), "{error}"),
                }
                assert!(policies.decide(&asked).allow);
            }
        }
    }
    // Resources of the schema's actions: 1 + 1 + 4 + 1 + 1 + 5 + 5.
    assert_eq!(fitting, kinds.len() * 18);
}

#[test]
fn problems_have_places() {
    for (text, place, part) in [
        ("permit (principal, action, resource)", "a.cedar:1", "unexpected end"),
        ("\n\npermit (principal, action == Action::\"fly\", resource);", "a.cedar:3", "fly"),
        ("permit (principal, action, resource)\nwhen { context.nothing == 1 };", "a.cedar:2:8", "nothing"),
        (
            "permit (principal is User, action, resource)\nwhen { principal.name == 1 };",
            "a.cedar:2:8",
            "name",
        ),
        ("permit (principal == ?principal, action, resource);", "a.cedar", "template"),
        (
            "@require_aproval(\"true\")\npermit (principal, action, resource);",
            "a.cedar:1:1",
            "@require_aproval",
        ),
        (
            "@require_approval(\"yes\")\npermit (principal, action, resource);",
            "a.cedar:1:1",
            "\"true\" or \"false\"",
        ),
        ("@profile(\"a,\")\npermit (principal, action, resource);", "a.cedar:1:1", "names nothing"),
        (
            "@id(\"a\")\npermit (principal, action, resource);\n@id(\"a\")\nforbid (principal, action, resource);",
            "a.cedar:3:1",
            "already",
        ),
        (
            "permit (principal, action == Action::\"call\", resource)\nwhen { context.arguments.getTag(\"x\") == \"y\" };",
            "a.cedar:2",
            "tag",
        ),
    ] {
        let problems = Policies::new(&[source(text)]).unwrap_err();
        let told = problems.to_string();
        assert!(told.starts_with(place) && told.contains(part), "{told}");
    }
    // All that is wrong is told at once.
    let two = [source("permit"), Source { name: "b.cedar".to_owned(), text: "forbid".to_owned() }];
    let told = Policies::new(&two).unwrap_err().to_string();
    assert!(told.contains("a.cedar") && told.contains("b.cedar"), "{told}");
}

#[test]
fn a_forbid_that_fails_denies() {
    let text = r#"
@id("all") permit (principal, action, resource);
@id("overflow") forbid (principal, action == Action::"invoke", resource) when { context.tokens * 4 > 100 };
@id("broken permit") permit (principal, action, resource) when { context.tokens * 8 > 0 };
"#;
    let policies = policies(text);
    let mut asked = Asked::new(&application(&[]), Action::Invoke, model("m"), now());
    assert!(policies.decide(&asked).allow);
    asked.circumstances.tokens = u64::MAX;
    let decision = policies.decide(&asked);
    assert!(!decision.allow);
    assert_eq!(decision.errors.len(), 2, "{decision:?}");
    let ids: Vec<&str> = decision.policies.iter().map(|decided| decided.id.as_ref()).collect();
    assert_eq!(ids, ["overflow"]);
    // A permit that fails permits nothing, and denies nothing either.
    asked.action = Action::List;
    let decision = policies.decide(&asked);
    assert!(decision.allow && decision.errors.len() == 1, "{decision:?}");
    let explained = policies.explain(&asked);
    assert_eq!(explained.policies.len(), 3);
    assert!(explained.policies.iter().any(|(_, outcome)| matches!(outcome, Outcome::Fails(_))));
    assert!(explained.to_string().contains("forbid overflow (a.cedar:3): does not apply"), "{explained}");
}

#[test]
fn what_cannot_be_asked_is_denied() {
    let policies = policies("permit (principal, action, resource);");
    let mut crowd = application(&[]);
    crowd.groups = (0..2001).map(|at| at.to_string()).collect();
    let decision = policies.decide(&Asked::new(&crowd, Action::Invoke, model("m"), now()));
    assert!(!decision.allow && decision.errors[0].contains("groups"), "{decision:?}");
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let wide = Value::Array((0..5000).map(Value::from).collect());
    for arguments in [deep, wide, json!({ "x".repeat(2000): 1 })] {
        let mut asked = Asked::new(&application(&[]), Action::Call, Resource::tool("s", "t"), now());
        asked.arguments = Some(&arguments);
        let decision = policies.decide(&asked);
        assert!(!decision.allow && decision.reason().contains("arguments"), "{decision:?}");
    }
}

#[test]
fn paths_of_arguments_are_unambiguous() {
    let text = r#"permit (principal, action == Action::"call", resource)
when { context.arguments.hasTag("a.b") && context.arguments.getTag("a.b") == "x" };"#;
    let policies = policies(text);
    for (arguments, allow) in [
        (json!({ "a": { "b": "x" } }), true),
        (json!({ "a.b": "x" }), false),
        (json!({ "a": ["x"], "a[0]": "y" }), false),
    ] {
        let mut asked = Asked::new(&application(&[]), Action::Call, Resource::tool("s", "t"), now());
        asked.arguments = Some(&arguments);
        assert_eq!(policies.decide(&asked).allow, allow, "{arguments}");
    }
}

#[test]
fn obligations_add_up() {
    let text = r#"
@id("a") @profile("strict, mail") @log("x") permit (principal, action, resource);
@id("b") @require_approval("true") @x_ticket("7") permit (principal, action == Action::"invoke", resource);
@id("c") @require_approval("false") @log("y") permit (principal, action, resource);
@id("d") @message("never") @profile("unused") forbid (principal, action == Action::"list", resource);
"#;
    let policies = policies(text);
    let decision = policies.decide(&Asked::new(&application(&[]), Action::Invoke, model("m"), now()));
    let obligations = &decision.obligations;
    assert!(decision.allow && obligations.require_approval);
    assert_eq!(obligations.profiles, BTreeSet::from(["mail".to_owned(), "strict".to_owned()]));
    assert_eq!(obligations.log, BTreeSet::from(["x".to_owned(), "y".to_owned()]));
    assert_eq!(obligations.others["x_ticket"], BTreeSet::from(["7".to_owned()]));
    assert_eq!(decision.reason(), "allow by a (a.cedar:2), b (a.cedar:3), c (a.cedar:4)");
    let denied = policies.decide(&Asked::new(&application(&[]), Action::List, model("m"), now()));
    assert_eq!((denied.allow, denied.policies[0].effect), (false, Effect::Forbid));
    assert_eq!(denied.obligations.messages, BTreeSet::from(["never".to_owned()]));
}

#[test]
fn new_policies_hold_when_they_are_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cedar");
    assert!(Policies::open(&OsSystem, folder.path()).is_err());
    std::fs::write(&path, "permit (principal, action, resource);").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a policy").unwrap();
    let policies = Policies::open(&OsSystem, folder.path()).unwrap();
    let first = policies.status().version;
    let asked = Asked::new(&application(&[]), Action::Invoke, model("m"), now());
    assert_eq!(policies.reload_folder(&OsSystem, folder.path()), Ok(Reload::Unchanged));
    for bad in ["permit (principal", "permit (principal, action, resource) when { context.x };", "\u{0}"] {
        std::fs::write(&path, bad).unwrap();
        assert!(policies.reload_folder(&OsSystem, folder.path()).is_err());
        let status = policies.status();
        assert_eq!(status.version, first);
        assert!(status.refused.is_some() && policies.decide(&asked).allow);
    }
    std::fs::write(&path, "forbid (principal, action, resource);").unwrap();
    assert_eq!(policies.reload_folder(&OsSystem, folder.path()), Ok(Reload::Changed));
    let status = policies.status();
    assert!(status.refused.is_none() && status.version != first);
    let decision = policies.decide(&asked);
    assert_eq!((decision.allow, decision.version), (false, status.version));
    // A folder that vanished changes nothing either.
    std::fs::remove_file(&path).unwrap();
    assert!(policies.reload_folder(&OsSystem, folder.path()).is_err());
    assert!(!policies.decide(&asked).allow);
}

#[test]
fn groups_have_the_name_of_their_tenant() {
    let text = format!(r#"permit (principal in Group::"{TENANT}/g", action, resource);"#);
    let policies = policies(&text);
    let mut member = application(&[]);
    member.groups.push("g".to_owned());
    assert!(policies.decide(&Asked::new(&member, Action::Invoke, model("m"), now())).allow);
    // The group of the same name in another tenant is another group.
    member.tenant = OTHER_TENANT.to_owned();
    assert!(!policies.decide(&Asked::new(&member, Action::Invoke, model("m"), now())).allow);
    // A name with quotes is a name.
    member.object = "a\"::b".to_owned();
    assert!(Party::new(&member).unwrap().id().starts_with("Application::\""));
}
