//! `AzureActivity`: people and pipelines change resources.

use anyhow::Result;

use crate::events::attack::{BRUTE_FORCE, DELETION, under_way};
use crate::events::rows::{Cell, Rows};
use crate::events::world::{DOMAIN, Resource, World, guid};
use crate::random::Random;

/// What is done to a resource: the end of the operation's name, which comes after the resource type.
const OPERATIONS: &[(u64, &str)] = &[
    (420, "write"),
    (140, "delete"),
    (150, "listKeys/action"),
    (60, "regenerateKey/action"),
    (60, "restart/action"),
    (50, "providers/Microsoft.Insights/diagnosticSettings/write"),
    (30, "providers/Microsoft.Insights/diagnosticSettings/delete"),
    (40, "providers/Microsoft.Authorization/locks/delete"),
    (50, "deployments/write"),
];

const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments/write";

/// Names of roles with the ids that Azure gives them.
const ROLES: &[(u64, (&str, &str))] = &[
    (50, ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7")),
    (30, ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c")),
    (10, ("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6")),
    (6, ("User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9")),
    (4, ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635")),
];

pub(super) fn event(world: &World, random: &mut Random, at: i64, rows: &mut Rows) -> Result<()> {
    let (caller, address, operation) = who_does_what(world, random, at);
    let resource = world.resources.pick(random);
    let is_assignment = operation == ASSIGNMENT;
    let name = if is_assignment { ASSIGNMENT.to_owned() } else { format!("{}/{operation}", resource.kind) };
    let (status, substatus, level) = random.weighted(&[
        (46, ("Start", "", "Information")),
        (44, ("Success", "OK", "Information")),
        (6, ("Failure", "Forbidden", "Error")),
        (4, ("Failure", "Conflict", "Warning")),
    ]);
    let properties = if is_assignment { assignment(world, random) } else { change(resource, status, random) };
    let request = format!(
        r#"{{"clientRequestId":"{}","clientIpAddress":"{address}","method":"{}"}}"#,
        guid(random),
        method(operation)
    );
    rows.push(&[
        ("TimeGenerated", Cell::Time(at)),
        (
            "EventSubmissionTimestamp",
            Cell::Time(at + 1_000_000 * (20 + i64::try_from(random.below(160)).unwrap_or(0))),
        ),
        ("CorrelationId", Cell::Text(&guid(random))),
        ("EventDataId", Cell::Text(&guid(random))),
        ("OperationNameValue", Cell::Text(&name.to_uppercase())),
        ("ActivityStatusValue", Cell::Text(status)),
        ("ActivitySubstatusValue", Cell::Text(substatus)),
        (
            "CategoryValue",
            Cell::Text(random.weighted(&[(92, "Administrative"), (5, "Policy"), (3, "Security")])),
        ),
        ("Level", Cell::Text(level)),
        ("Caller", Cell::Text(&caller)),
        ("CallerIpAddress", Cell::Text(&address)),
        ("SubscriptionId", Cell::Text(&resource.subscription)),
        ("ResourceGroup", Cell::Text(&resource.group)),
        ("ResourceProviderValue", Cell::Text(&provider(resource).to_uppercase())),
        ("_ResourceId", Cell::Text(&resource.id.to_lowercase())),
        ("Authorization_d", Cell::Dynamic(&authorization(resource, &name))),
        ("Claims_d", Cell::Dynamic(&claims(&caller, &address))),
        ("Properties_d", Cell::Dynamic(&properties)),
        ("HTTPRequest", Cell::Text(&request)),
    ])
}

/// Caller, address and operation. Those who were broken into go on here.
fn who_does_what(world: &World, random: &mut Random, at: i64) -> (String, String, &'static str) {
    if random.chance(30_000)
        && let Some(mut strike) = under_way(&DELETION, world, at)
    {
        let user = world.users.pick(&mut strike.random);
        return (user.principal.clone(), strike.address, "delete");
    }
    if random.chance(2_000)
        && let Some(mut strike) = under_way(&BRUTE_FORCE, world, at)
    {
        let user = world.users.pick(&mut strike.random);
        return (user.principal.clone(), strike.address, "listKeys/action");
    }
    let operation = if random.chance(3_000) { ASSIGNMENT } else { random.weighted(OPERATIONS) };
    if random.chance(45_000) {
        let number = random.below(40);
        let agent = format!("10.{}.0.{}", 20 + number % 4, 10 + number);
        return (format!("7e57ab1e-0000-4000-8000-0000000000{number:02}"), agent, operation);
    }
    let user = world.users.pick(random);
    let address = if random.chance(80_000) { world.offices.pick(random) } else { &user.home_address };
    (user.principal.clone(), address.clone(), operation)
}

fn method(operation: &str) -> &'static str {
    match operation.rsplit('/').next() {
        Some("delete") => "DELETE",
        Some("action") => "POST",
        _ => "PUT",
    }
}

fn provider(resource: &Resource) -> &'static str {
    resource.kind.split('/').next().unwrap_or(resource.kind)
}

fn authorization(resource: &Resource, action: &str) -> String {
    format!(
        r#"{{"scope":"{}","action":"{action}","evidence":{{"role":"Contributor","roleAssignmentScope":"/subscriptions/{}","principalType":"User"}}}}"#,
        resource.id, resource.subscription
    )
}

fn claims(caller: &str, address: &str) -> String {
    let kind = if caller.ends_with(DOMAIN) { "user" } else { "app" };
    format!(
        r#"{{"aud":"https://management.core.windows.net/","iss":"https://sts.windows.net/8f4b7b0c-0000-4000-8000-5a5a5a5a5a5a/","appid":"c44b4083-3bb0-49c1-b47d-974e53cbdf3c","ipaddr":"{address}","idtyp":"{kind}","name":"{caller}"}}"#
    )
}

fn change(resource: &Resource, status: &str, random: &mut Random) -> String {
    let code = if status == "Start" { "Accepted" } else { status };
    format!(
        r#"{{"statusCode":"{code}","serviceRequestId":"{}","eventCategory":"Administrative","entity":"{}","hierarchy":"tenant/{}"}}"#,
        guid(random),
        resource.id,
        resource.subscription
    )
}

/// What was asked for stands as JSON text inside the JSON, as in real records.
fn assignment(world: &World, random: &mut Random) -> String {
    let (name, id) = random.weighted(ROLES);
    let target = &world.users.pick(random).id;
    format!(
        r#"{{"statusCode":"Created","roleName":"{name}","requestbody":"{{\"Id\":\"{}\",\"Properties\":{{\"PrincipalId\":\"{target}\",\"PrincipalType\":\"User\",\"RoleDefinitionId\":\"/providers/Microsoft.Authorization/roleDefinitions/{id}\"}}}}"}}"#,
        guid(random)
    )
}
