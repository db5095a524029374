//! What principals come of tokens.

use castellan_access::principal::{ClientProof, Kind, Principal};
use castellan_access::token::IssuerConfig;
use serde_json::{Value, json};

use crate::support::*;

fn principal(claims: &Value) -> Principal {
    verified(&entra(), &token(claims)).principal.clone()
}

#[test]
fn a_user_through_an_application() {
    let user = principal(&claims(json!({
        "groups": ["11111111-0000-0000-0000-000000000001"], "roles": ["Reviewer"], "sid": "s1", "xms_cc": ["CP1"],
        "app_displayname": "Desk", "email": "ann@example.org"
    })));
    assert_eq!(
        (user.kind, user.client.as_deref(), user.client_proof),
        (Kind::User, Some(CLIENT), Some(ClientProof::Secret))
    );
    assert_eq!(user.scopes, ["gate.invoke", "other"]);
    assert_eq!(user.groups, ["11111111-0000-0000-0000-000000000001"]);
    assert_eq!(user.actors.len(), 1);
    assert!(!user.actors[0].is_agent && user.takes_claims_challenge && user.groups_known);
    assert_eq!((user.credential.id.as_deref(), user.session.as_deref()), (Some("unique"), Some("s1")));
    assert_eq!(user.recognised_by, "contoso");
    assert_eq!(user.credential.expires, Some(plus(3600)));
}

#[test]
fn an_application_and_a_managed_identity() {
    let application = principal(&app_claims(json!({})));
    assert_eq!((application.kind, application.actors.len()), (Kind::Application, 0));
    assert_eq!(application.roles, ["gate.use"]);
    // Without the optional claim, an application is its own subject.
    assert_eq!(principal(&app_claims(json!({ "idtyp": null }))).kind, Kind::Application);
    let managed = app_claims(json!({ "xms_mirid": "/subscriptions/s/resourcegroups/r/providers/x" }));
    assert_eq!(principal(&managed).kind, Kind::ManagedIdentity);
    assert_eq!(principal(&app_claims(json!({ "xms_idrel": "7 33 10" }))).kind, Kind::ManagedIdentity);
}

#[test]
fn agents_by_themselves_for_users_and_with_accounts() {
    let blueprint = json!("bbbbbbbb-0000-0000-0000-000000000001");
    // For a user: only who acts is an agent.
    let for_user = principal(&claims(json!({ "xms_act_fct": "9 11 3", "xms_par_app_azp": blueprint })));
    assert_eq!(for_user.kind, Kind::User);
    assert!(for_user.actors[0].is_agent);
    assert_eq!(for_user.blueprint.as_deref(), blueprint.as_str());
    // By itself.
    let alone =
        app_claims(json!({ "xms_act_fct": "3 11", "xms_sub_fct": "11 9", "xms_par_app_azp": blueprint }));
    assert_eq!(principal(&alone).kind, Kind::Agent);
    // With an account of its own.
    let account = claims(json!({ "xms_act_fct": "11", "xms_sub_fct": "5 13" }));
    let account = principal(&account);
    assert_eq!((account.kind, account.actors[0].is_agent), (Kind::AgentUser, true));
    // The blueprint is no part of who it is, and no permission.
    let other = principal(&claims(json!({ "xms_act_fct": "11", "xms_par_app_azp": "other" })));
    assert_eq!(other.id(), for_user.id());
    assert!(
        !for_user.scopes.contains(&blueprint.to_string()) && !for_user.roles.contains(&blueprint.to_string())
    );
}

#[test]
fn groups_that_are_not_named_are_not_known() {
    for overage in [
        json!({ "_claim_names": { "groups": "src1" } }),
        json!({ "hasgroups": true }),
        json!({ "hasgroups": "true" }),
    ] {
        assert!(!principal(&claims(overage)).groups_known);
    }
}

#[test]
fn identity_is_tenant_and_object_alone() {
    let ann = principal(&claims(json!({})));
    let renamed =
        json!({ "name": "Eve", "preferred_username": "eve@example.org", "sub": "other", "email": "x@y" });
    let renamed = principal(&claims(renamed));
    assert_eq!((ann.id(), ann.entity_id()), (renamed.id(), renamed.entity_id()));
    let upper = principal(&claims(json!({ "oid": USER.to_uppercase() })));
    assert_eq!(upper.id(), ann.id());
    // The same subject with another issuer is somebody else.
    let config = IssuerConfig::oidc("example", ISSUER, &[AUDIENCE]);
    let issuers = issuers(config, &json!({ "keys": [rsa_jwk(&KEYS.rsa, "RS256")] }));
    let claims = oidc_claims(json!({ "sub": USER, "tid": TENANT, "oid": USER }));
    assert_ne!(verified(&issuers, &oidc_token(&claims, "RS256")).principal.id(), ann.id());
}

#[test]
fn tokens_of_version_one() {
    let issuers = entra();
    let first = claims(json!({
        "ver": "1.0", "iss": format!("https://sts.windows.net/{TENANT}/"), "azp": null, "azpacr": null, "appid": CLIENT,
        "appidacr": "2", "upn": "ann@example.org", "preferred_username": null
    }));
    // The keys that Entra publishes for one version are not those of the other one's issuer.
    assert_eq!(refused(issuers.verify(&token(&first), None, now())).word(), "key-unfit");
    let mut keys = entra_keys();
    keys["keys"][0]["issuer"] = "https://sts.windows.net/{tenantid}/".into();
    let issuers = crate::support::issuers(entra_config(), &keys);
    let principal = verified(&issuers, &token(&first)).principal.clone();
    assert_eq!(principal.client_proof, Some(ClientProof::Certificate));
    assert_eq!(principal.display.user_name.as_deref(), Some("ann@example.org"));
    let newest = IssuerConfig { versions: vec!["2.0".to_owned()], ..entra_config() };
    let issuers = crate::support::issuers(newest, &keys);
    assert_eq!(refused(issuers.verify(&token(&first), None, now())).word(), "version");
}

#[test]
fn who_acts_for_whom_is_kept_in_order() {
    let config = IssuerConfig::oidc("example", ISSUER, &[AUDIENCE]);
    let issuers = issuers(config, &json!({ "keys": [rsa_jwk(&KEYS.rsa, "RS256")] }));
    let act = json!({ "sub": "gateway", "iss": "https://other.example", "act": { "client_id": "tool" } });
    let user = verified(&issuers, &oidc_token(&oidc_claims(json!({ "act": act })), "RS256"));
    let ids: Vec<&str> = user.principal.actors.iter().map(|actor| actor.id.as_str()).collect();
    assert_eq!(ids, ["app", "gateway", "tool"]);
    let service = verified(&issuers, &oidc_token(&oidc_claims(json!({ "sub": "app" })), "RS256"));
    assert_eq!((service.principal.kind, service.principal.actors.len()), (Kind::Application, 0));
}
