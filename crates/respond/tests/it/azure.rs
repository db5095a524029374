//! The actions in Azure against a fake Resource Manager and Graph over real HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use castellan_respond::actions::{Action, AzureConnection, Call, Catalogue, Probe, TokenSource};
use castellan_respond::playbook::Resolved;
use castellan_testkit::MemorySystem;
use castellan_testkit::fake_arm::estate::{FakeEstate, foundry_account, harbour};
use castellan_testkit::fake_arm::{FakeArm, Fault, TOKEN};
use serde_json::json;

use crate::support::Outcome;

/// The token of the fake.
#[derive(Debug)]
pub(crate) struct Fixed;

impl TokenSource for Fixed {
    fn token(&self, _: &str) -> Result<String, String> {
        Ok(TOKEN.to_owned())
    }
}

pub(crate) const USER: &str = "0b1c2d3e-0000-4000-8000-000000000001";
pub(crate) const AGENT: &str = "0b1c2d3e-0000-4000-8000-000000000002";

pub(crate) fn assignment() -> String {
    let scope = "/subscriptions/5cab1e00-0000-4000-8000-00000000ffff/resourceGroups/Quay";
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/ra-1")
}

/// A storage account that lets anybody read containers that say so.
pub(crate) fn storage() -> String {
    "/subscriptions/5cab1e00-0000-4000-8000-00000000ffff/resourceGroups/Quay/providers/Microsoft.Storage/storageAccounts/quaydocs".to_owned()
}

pub(crate) fn estate() -> FakeEstate {
    let mut estate = harbour();
    estate
        .resources
        .push(json!({"id": storage(), "name": "quaydocs", "properties": {"allowBlobPublicAccess": true}}));
    estate.resources.push(json!({
        "id": assignment(), "name": "ra-1",
        "properties": {"principalId": AGENT, "roleDefinitionId": "/r/owner", "condition": null},
    }));
    estate.resources.push(json!({"id": format!("/v1.0/users/{USER}"), "accountEnabled": true,
        "signInSessionsValidFromDateTime": "2026-01-01T00:00:00Z"}));
    estate.resources.push(json!({"id": format!("/v1.0/servicePrincipals/{AGENT}"), "accountEnabled": true}));
    estate
}

pub(crate) fn catalogue(fake: &FakeArm) -> Catalogue {
    let connection = AzureConnection::new(&fake.endpoint(), &fake.endpoint(), Box::new(Fixed));
    Catalogue::default().with_azure(connection)
}

struct Case {
    action: &'static str,
    inputs: Vec<(&'static str, String)>,
    is_reversible: bool,
}

fn cases() -> Vec<Case> {
    let case = |action, inputs: &[(&'static str, String)], is_reversible| Case {
        action,
        inputs: inputs.to_vec(),
        is_reversible,
    };
    let resource = [("resource", foundry_account())];
    vec![
        case("azure.disable-keys", &resource, true),
        case("azure.isolate-network", &resource, true),
        case("azure.disable-public-blobs", &[("resource", storage())], true),
        // As logs of the service name what was opened.
        case(
            "azure.disable-public-blobs",
            &[("resource", format!("{}/blobServices/default/containers/$web", storage()))],
            true,
        ),
        case("azure.rotate-key", &resource, false),
        case("azure.remove-role", &[("assignment", assignment())], true),
        case("entra.disable-user", &[("user", USER.to_owned())], true),
        case("entra.disable-service-principal", &[("service_principal", AGENT.to_owned())], true),
        case("entra.revoke-sessions", &[("user", USER.to_owned())], false),
    ]
}

fn inputs(case: &Case) -> BTreeMap<String, Resolved> {
    case.inputs.iter().map(|(name, value)| ((*name).to_owned(), Resolved::plain(value.clone()))).collect()
}

fn is_in_effect(probe: &Probe) -> bool {
    matches!(probe, Probe::InEffect(_))
}

fn everything(fake: &FakeArm) -> String {
    let ids = [
        foundry_account(),
        storage(),
        assignment(),
        format!("/v1.0/users/{USER}"),
        format!("/v1.0/servicePrincipals/{AGENT}"),
    ];
    let shown = ids.map(|id| {
        fake.resource(&id).map(|mut resource| {
            // Nulls and the order of members are no difference.
            if let Some(properties) = resource["properties"].as_object_mut() {
                properties.retain(|_, value| !value.is_null());
            }
            resource
        })
    });
    format!("{shown:?}")
}

#[test]
fn each_action_is_done_shown_and_undone() -> Outcome {
    for case in cases() {
        let (fake, system) = (FakeArm::start(estate()), MemorySystem::default());
        let catalogue = catalogue(&fake);
        let action = catalogue.action(case.action).ok_or(case.action)?;
        let inputs = inputs(&case);
        assert_eq!(action.spec().problems(&inputs), Vec::<String>::new());
        let call = Call {
            path: "/p",
            key: "k1",
            inputs: &inputs,
            timeout: Duration::from_secs(10),
            system: &system,
        };
        let at_first = everything(&fake);
        let before = action.prepare(&call)?;
        assert_eq!(everything(&fake), at_first, "{}: preparing changes nothing", case.action);
        assert!(!is_in_effect(&action.probe(&call, &before)?), "{}: before", case.action);
        action.perform(&call, &before)?;
        assert_ne!(everything(&fake), at_first, "{}", case.action);
        assert!(is_in_effect(&action.probe(&call, &before)?), "{}: after", case.action);
        let undone = action.undo(&call, &before);
        assert_eq!(undone.is_ok(), case.is_reversible, "{}: {undone:?}", case.action);
        if case.is_reversible {
            assert!(!is_in_effect(&action.probe(&call, &before)?), "{}: undone", case.action);
            action.undo(&call, &before)?;
            let undone = action.probe(&call, &before)?;
            assert!(!is_in_effect(&undone), "{}: undone twice", case.action);
        }
        let recording = fake.recording();
        let with_token = recording.requests.iter().all(|request| request.authorization.is_some());
        assert!(with_token, "{}", case.action);
    }
    Ok(())
}

#[test]
fn a_role_comes_back_as_it_was() -> Outcome {
    let (fake, system) = (FakeArm::start(estate()), MemorySystem::default());
    let catalogue = catalogue(&fake);
    let action = catalogue.action("azure.remove-role").ok_or("no action")?;
    let inputs = BTreeMap::from([("assignment".to_owned(), Resolved::plain(assignment()))]);
    let call =
        Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_secs(10), system: &system };
    let before = action.prepare(&call)?;
    action.perform(&call, &before)?;
    assert_eq!(fake.resource(&assignment()), None);
    action.undo(&call, &before)?;
    let again = fake.resource(&assignment()).ok_or("not there")?;
    assert_eq!(again["properties"], json!({"principalId": AGENT, "roleDefinitionId": "/r/owner"}));
    Ok(())
}

#[test]
fn failures_say_whether_it_may_have_happened() -> Outcome {
    let system = MemorySystem::default();
    let inputs = BTreeMap::from([("resource".to_owned(), Resolved::plain(foundry_account()))]);
    let call =
        Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_millis(700), system: &system };
    let cases = [
        (Fault::always(403), false, false),
        (Fault::always(429), false, true),
        (Fault::always(500), true, true),
        (Fault::Slow(Duration::from_secs(2)), true, true),
        (Fault::RedirectTo("http://127.0.0.1:9/".to_owned()), false, false),
    ];
    for (fault, perhaps, again) in cases {
        let fake = FakeArm::start(estate());
        let catalogue = catalogue(&fake);
        let action = catalogue.action("azure.disable-keys").ok_or("no action")?;
        let before = action.prepare(&call)?;
        fake.inject("", fault.clone());
        let error = action.perform(&call, &before).err().ok_or("it worked")?;
        assert_eq!((error.perhaps, error.again), (perhaps, again), "{fault:?}: {error}");
        let error = action.probe(&call, &before).err().ok_or("the probe worked")?;
        assert!(!error.perhaps, "{fault:?}: looking changes nothing");
    }
    Ok(())
}

#[test]
fn tokens_and_keys_do_not_show() -> Outcome {
    let (fake, system) = (FakeArm::start(estate()), MemorySystem::default());
    let catalogue = catalogue(&fake);
    let inputs = BTreeMap::from([("resource".to_owned(), Resolved::plain(foundry_account()))]);
    let call =
        Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_secs(5), system: &system };
    let rotate = catalogue.action("azure.rotate-key").ok_or("no action")?;
    let before = rotate.prepare(&call)?;
    let outputs = rotate.perform(&call, &before)?;
    assert!(!format!("{before}{outputs:?}").contains("value-"), "{before} {outputs:?}");
    fake.inject("", Fault::EchoToken);
    let error = rotate.perform(&call, &before).err().ok_or("it worked")?;
    assert!(!error.message.contains(TOKEN), "{error}");
    Ok(())
}

#[test]
fn ids_that_lead_elsewhere_are_refused() -> Outcome {
    let (fake, system) = (FakeArm::start(estate()), MemorySystem::default());
    let catalogue = catalogue(&fake);
    let account = foundry_account();
    let odd = [
        format!("{account}/../../x/providers/Microsoft.CognitiveServices/accounts/a"),
        "/x?y=/providers/Microsoft.CognitiveServices/accounts/a".to_owned(),
        "//evil.example/providers/Microsoft.CognitiveServices/accounts/a".to_owned(),
        "@evil.example/providers/Microsoft.CognitiveServices/accounts/a".to_owned(),
        "/subscriptions/s/providers/Microsoft.Compute/virtualMachines/v".to_owned(),
        format!("{account}/deployments/d"),
        format!("{account}/blobServices/default"),
    ];
    let action: &dyn Action = catalogue.action("azure.disable-keys").ok_or("no action")?;
    for id in odd {
        let inputs = BTreeMap::from([("resource".to_owned(), Resolved::plain(id.clone()))]);
        let call =
            Call { path: "/p", key: "k1", inputs: &inputs, timeout: Duration::from_secs(5), system: &system };
        assert!(action.prepare(&call).is_err(), "{id}");
    }
    assert_eq!(fake.recording().requests.len(), 0);
    Ok(())
}
