//! What JWT access tokens of other OpenID Connect issuers say (RFC 9068).

use super::Refusal;
use super::claims::Claims;
use super::config::IssuerConfig;
use crate::principal::{Actor, Display, Kind, Method, Principal};

/// The principal of a token whose signature, audience and times were checked.
pub(super) fn principal(claims: Claims<'_>, config: &IssuerConfig) -> Result<Principal, Refusal> {
    let issuer = claims.required("iss")?;
    if config.issuer.as_deref() != Some(issuer) {
        return Err(Refusal::Issuer);
    }
    let subject = claims.required("sub")?;
    let client = match claims.text("client_id")? {
        Some(client) => Some(client),
        None => claims.text("azp")?,
    };
    // RFC 9068, 5 and 2.2: where no resource owner took part, `sub` is the client.
    let is_application = client == Some(subject);
    let kind = if is_application { Kind::Application } else { Kind::User };
    let mut principal = Principal::new(kind, Method::Token, issuer, subject);
    if let Some(client) = client.filter(|_| !is_application) {
        principal.actors.push(Actor { tenant: None, id: client.to_owned(), is_agent: false });
    }
    principal.actors.extend(claims.acting_parties()?);
    principal.client = client.map(str::to_owned);
    principal.scopes = claims.words("scope", "scope")?;
    if principal.scopes.is_empty() {
        principal.scopes = claims.words("scp", "scp")?;
    }
    principal.groups = claims.words(&config.groups_claim, "groups")?;
    principal.roles = claims.words(&config.roles_claim, "roles")?;
    principal.session = claims.shown("sid");
    principal.credential.id = claims.shown("jti");
    principal.display = Display {
        name: claims.shown("name"),
        user_name: claims.shown("preferred_username"),
        email: claims.shown("email"),
        application: None,
    };
    Ok(principal)
}
