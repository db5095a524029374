//! What access tokens of Microsoft Entra say.

use super::Refusal;
use super::claims::Claims;
use super::config::IssuerConfig;
use crate::principal::{Actor, ClientProof, Display, Kind, Method, Principal};
use crate::text;

/// Facets of an agent's token, `xms_act_fct` and `xms_sub_fct`: an agent identity.
const AGENT_IDENTITY: u32 = 11;
/// A user account of an agent.
const AGENT_USER: u32 = 13;
/// `xms_idrel`: a managed identity.
const MANAGED_IDENTITY: u32 = 33;

/// The tenant that an issuer's name has in it, and the token's version that it goes with.
pub(super) fn tenant_of(issuer: &str) -> Option<(&str, &'static str)> {
    let rest = issuer.strip_prefix("https://")?;
    let (_, path) = rest.split_once('/')?;
    let (tenant, version) = match path.strip_suffix("/v2.0") {
        Some(tenant) => (tenant, "2.0"),
        None => (path.strip_suffix('/')?, "1.0"),
    };
    text::is_guid(tenant).then_some((tenant, version))
}

/// The name of an issuer for a tenant and a version.
pub(super) fn issuer_of(config: &IssuerConfig, tenant: &str, version: &str) -> String {
    match version {
        "1.0" => format!("{}/{tenant}/", config.cloud.sts()),
        _ => format!("{}/{tenant}/v2.0", config.cloud.login()),
    }
}

/// Checks that issuer, tenant and version are of one piece.
pub(super) fn check_issuer<'a>(claims: Claims<'a>, config: &IssuerConfig) -> Result<&'a str, Refusal> {
    let issuer = claims.required("iss")?;
    let version = claims.required("ver")?;
    if !config.versions.iter().any(|known| known == version) {
        return Err(Refusal::Version);
    }
    let tenant = claims.required("tid")?;
    if !text::is_guid(tenant) {
        return Err(Refusal::BadClaim("tid"));
    }
    if issuer != issuer_of(config, tenant, version) {
        return Err(Refusal::TenantMismatch);
    }
    if !config.tenants.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
        return Err(Refusal::Tenant);
    }
    Ok(tenant)
}

/// The principal of a token whose signature, audience and times were checked.
pub(super) fn principal(claims: Claims<'_>, config: &IssuerConfig) -> Result<Principal, Refusal> {
    let tenant = check_issuer(claims, config)?;
    let object = claims.required("oid")?;
    if !text::is_guid(object) {
        return Err(Refusal::BadClaim("oid"));
    }
    let is_first = claims.required("ver")? == "1.0";
    let (client_claim, proof_claim) = if is_first { ("appid", "appidacr") } else { ("azp", "azpacr") };
    // An ID token has no `azp` of Entra's.
    let client = claims.text(client_claim)?.ok_or(Refusal::NotAnAccessToken)?;
    let scopes = claims.words("scp", "scp")?;
    let roles = claims.words("roles", "roles")?;
    let is_application = match (claims.text("idtyp")?, scopes.is_empty()) {
        // Delegated tokens have scopes, those of applications have none: the two claims must agree.
        (Some("app"), false) | (Some("user"), true) => return Err(Refusal::BadClaim("idtyp")),
        (Some("app"), true) => true,
        (Some("user") | None, false) => false,
        // Without the optional claim `idtyp`, an application is its own subject.
        (None, true) => claims.text("sub")? == Some(object),
        (Some(_), _) => return Err(Refusal::BadClaim("idtyp")),
    };
    if !is_application && scopes.is_empty() {
        return Err(Refusal::NotAnAccessToken);
    }
    let acting = facets(claims, "xms_act_fct")?;
    let subject = facets(claims, "xms_sub_fct")?;
    let kind = kind_of(claims, is_application, &acting, &subject)?;
    let (tenant, object) = (tenant.to_ascii_lowercase(), object.to_ascii_lowercase());
    let mut principal = Principal::new(kind, Method::Token, tenant, object);
    if !is_application {
        let is_agent = acting.contains(&AGENT_IDENTITY);
        principal.actors.push(Actor { tenant: None, id: client.to_owned(), is_agent });
    }
    principal.actors.extend(claims.acting_parties()?);
    principal.client = Some(client.to_owned());
    principal.client_proof = match claims.text(proof_claim)? {
        Some("0") => Some(ClientProof::Public),
        Some("1") => Some(ClientProof::Secret),
        Some("2") => Some(ClientProof::Certificate),
        _ => None,
    };
    principal.blueprint = claims.shown("xms_par_app_azp");
    principal.groups = claims.words("groups", "groups")?;
    principal.groups_known = !has_more_groups(claims);
    principal.roles = roles;
    principal.scopes = scopes;
    principal.takes_claims_challenge =
        claims.words("xms_cc", "xms_cc")?.iter().any(|word| word.eq_ignore_ascii_case("cp1"));
    principal.session = claims.shown("sid");
    principal.credential.id = claims.shown("uti");
    principal.display = Display {
        name: claims.shown("name"),
        user_name: ["preferred_username", "upn", "unique_name"]
            .into_iter()
            .find_map(|name| claims.shown(name)),
        email: claims.shown("email"),
        application: claims.shown("app_displayname"),
    };
    Ok(principal)
}

fn kind_of(
    claims: Claims<'_>,
    is_application: bool,
    acting: &[u32],
    subject: &[u32],
) -> Result<Kind, Refusal> {
    let agent_acts = acting.contains(&AGENT_IDENTITY);
    if subject.contains(&AGENT_USER) {
        return if agent_acts && !is_application {
            Ok(Kind::AgentUser)
        } else {
            Err(Refusal::BadClaim("xms_sub_fct"))
        };
    }
    if subject.contains(&AGENT_IDENTITY) {
        return if agent_acts && is_application {
            Ok(Kind::Agent)
        } else {
            Err(Refusal::BadClaim("xms_sub_fct"))
        };
    }
    if !is_application {
        return Ok(Kind::User);
    }
    let is_managed =
        claims.0.contains_key("xms_mirid") || facets(claims, "xms_idrel")?.contains(&MANAGED_IDENTITY);
    Ok(if is_managed { Kind::ManagedIdentity } else { Kind::Application })
}

/// Sets of numbers between spaces, in any order. Unknown ones are left alone, whatever their parity.
fn facets(claims: Claims<'_>, name: &'static str) -> Result<Vec<u32>, Refusal> {
    Ok(claims.words(name, name)?.iter().filter_map(|word| word.parse().ok()).collect())
}

/// A token that would get too large names no groups, and says where they can be asked for (`hasgroups`, or a claim name
/// that points to a source).
fn has_more_groups(claims: Claims<'_>) -> bool {
    let names = claims.0.get("_claim_names").and_then(serde_json::Value::as_object);
    let flagged = match claims.0.get("hasgroups") {
        Some(serde_json::Value::Bool(flag)) => *flag,
        Some(serde_json::Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    flagged || names.is_some_and(|names| names.contains_key("groups"))
}
