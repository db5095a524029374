//! Who asks, in one form, however it was found out.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use castellan_base::Ticks;
use serde_json::Value;

use crate::policy::Party;
use crate::text;

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person, directly or through an application or an agent that acts for it.
    User,
    /// An application by itself.
    Application,
    /// An agent by itself: an agent identity of Entra, without a user.
    Agent,
    /// A user account that belongs to an agent.
    AgentUser,
    /// A managed identity of Azure.
    ManagedIdentity,
    /// A virtual key.
    Key,
    /// A client certificate.
    Certificate,
    /// Nobody in particular.
    Anonymous,
}

impl Kind {
    /// The word, as it stands in logs and in Cedar's attribute `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Application => "application",
            Kind::Agent => "agent",
            Kind::AgentUser => "agent-user",
            Kind::ManagedIdentity => "managed-identity",
            Kind::Key => "key",
            Kind::Certificate => "certificate",
            Kind::Anonymous => "anonymous",
        }
    }
}

/// How it was shown who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// By an access token.
    Token,
    /// By an access token that is bound to the client's certificate (RFC 8705).
    BoundToken,
    /// By a virtual key.
    Key,
    /// By a client certificate.
    Certificate,
    /// Not at all.
    None,
}

impl Method {
    /// The word, as it stands in logs and in Cedar's attribute `method`.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Token => "token",
            Method::BoundToken => "bound-token",
            Method::Key => "key",
            Method::Certificate => "certificate",
            Method::None => "none",
        }
    }
}

/// How the client that asked for a token proved who it is (`azpacr` and `appidacr` of Entra).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientProof {
    /// Not at all: a public client.
    Public,
    /// By a shared secret.
    Secret,
    /// By a certificate or a federated credential.
    Certificate,
}

/// A party that acts for the principal, the nearest to the gate first (`act` of RFC 8693, `azp` of Entra).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The issuer or tenant, when it is not the principal's.
    pub tenant: Option<String>,
    /// Its id.
    pub id: String,
    /// True for an agent.
    pub is_agent: bool,
}

/// Names for people who read logs. Nothing is ever decided by them: they can be changed and given to somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// `name`, or the owner of a key.
    pub name: Option<String>,
    /// `preferred_username`, `upn` or `unique_name`.
    pub user_name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `app_displayname`.
    pub application: Option<String>,
}

/// Facts of the token, key or certificate that was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// `uti` or `jti` of a token, id of a key, thumbprint of a certificate. Never the credential.
    pub id: Option<String>,
    /// When it ends.
    pub expires: Option<Ticks>,
    /// When it was issued.
    pub issued: Option<Ticks>,
}

/// Who asks.
///
/// *Invariant (identity):* two principals are the same if and only if [`Principal::tenant`] and [`Principal::object`]
/// are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it is.
    pub kind: Kind,
    /// The tenant of Entra, or the issuer; `castellan` for keys, `certificate` or a configured name for certificates.
    pub tenant: String,
    /// Its id there: `oid`, `sub`, the id of a key, the name in a certificate.
    pub object: String,
    /// Which configured issuer or mapping recognised it.
    pub recognised_by: String,
    /// For logs.
    pub display: Display,
    /// The application that the token was issued to (`azp`, `appid`, `client_id`).
    pub client: Option<String>,
    /// How that application proved itself.
    pub client_proof: Option<ClientProof>,
    /// The blueprint of an agent (`xms_par_app_azp`). Logged; never a reason to allow.
    pub blueprint: Option<String>,
    /// Ids of groups.
    pub groups: Vec<String>,
    /// False when the token says that there are groups which it does not name. What is decided by an absent group is
    /// then unknown; policies can ask for `groupsKnown`.
    pub groups_known: bool,
    /// Application roles.
    pub roles: Vec<String>,
    /// Delegated scopes.
    pub scopes: Vec<String>,
    /// Who acts for the principal, the nearest first.
    pub actors: Vec<Actor>,
    /// How it was shown who asks.
    pub method: Method,
    /// Facts of what was shown.
    pub credential: Credential,
    /// True when the client can answer a claims challenge (`xms_cc` holds `cp1`): a capability, not an authority.
    pub takes_claims_challenge: bool,
    /// The session (`sid`), for correlation.
    pub session: Option<String>,
    /// Labels that an administrator gave, as keys have them.
    pub labels: Vec<String>,
    /// What a virtual key may be used for; `None` for everybody else.
    pub key_scopes: Option<crate::key::Scopes>,
    /// The budget that pays, by its name; the principal's own when `None`.
    pub budget: Option<String>,
}

impl Principal {
    /// A principal with nothing but an identity.
    pub fn new(
        kind: Kind,
        method: Method,
        tenant: impl Into<String>,
        object: impl Into<String>,
    ) -> Principal {
        Principal {
            kind,
            tenant: tenant.into(),
            object: object.into(),
            recognised_by: String::new(),
            display: Display::default(),
            client: None,
            client_proof: None,
            blueprint: None,
            groups: Vec::new(),
            groups_known: true,
            roles: Vec::new(),
            scopes: Vec::new(),
            actors: Vec::new(),
            method,
            credential: Credential::default(),
            takes_claims_challenge: false,
            session: None,
            labels: Vec::new(),
            key_scopes: None,
            budget: None,
        }
    }

    /// Nobody in particular.
    pub fn anonymous() -> Principal {
        Principal::new(Kind::Anonymous, Method::None, "", "anonymous")
    }

    /// The id for quotas, logs and grants: short, stable, made of tenant and object alone, and the same whatever token
    /// showed them. It tells neither.
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("castellan 2026-11 principal id");
        hasher.update(&u64::try_from(self.tenant.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(self.tenant.as_bytes());
        hasher.update(self.object.as_bytes());
        let digest = hasher.finalize();
        format!("p-{}", text::base32(digest.as_bytes().get(..15).unwrap_or_default()))
    }

    /// What the principal may by itself: an application its roles and scopes; whoever acts for a user its delegated scopes
    /// alone. A user's roles say what the user may, and not what the application may in the user's name.
    pub fn permissions(&self) -> impl Iterator<Item = &String> {
        let is_delegated = matches!(self.kind, Kind::User | Kind::AgentUser);
        self.scopes.iter().chain(self.roles.iter().filter(move |_| !is_delegated))
    }

    /// `TENANT/OBJECT`, the id of its entity in Cedar; for keys and for nobody the object alone.
    pub fn entity_id(&self) -> String {
        match self.kind {
            Kind::Key | Kind::Anonymous => self.object.clone(),
            _ => format!("{}/{}", self.tenant, self.object),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.entity_id())
    }
}

/// A principal whose token, key or certificate was verified.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is.
    pub principal: Principal,
    /// The certificate that its token is bound to, by its SHA-256.
    pub binding: Option<[u8; 32]>,
    party: OnceLock<Result<Arc<Party>, String>>,
}

impl Verified {
    /// A principal that nothing is bound to.
    pub fn new(principal: Principal) -> Verified {
        Verified::bound(principal, None)
    }

    pub(crate) fn bound(principal: Principal, binding: Option<[u8; 32]>) -> Verified {
        Verified { principal, binding, party: OnceLock::new() }
    }

    /// The principal in Cedar's terms, which are made once. The error denies.
    pub fn party(&self) -> Result<Arc<Party>, String> {
        self.party.get_or_init(|| Party::new(&self.principal).map(Arc::new)).clone()
    }
}

impl PartialEq for Verified {
    fn eq(&self, other: &Verified) -> bool {
        (&self.principal, self.binding) == (&other.principal, other.binding)
    }
}

impl Eq for Verified {}

/// The longest member of a [`UserSecurityContext`], in bytes.
const LONGEST_CLAIM: usize = 256;

/// What an application says of its own user: the member `user_security_context` of requests to Azure OpenAI.
///
/// These are claims of the application. They are logged and correlated, and are never a reason to allow anything: an
/// application can write whatever it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSecurityContext {
    /// The user's id.
    pub end_user_id: Option<String>,
    /// The user's tenant.
    pub end_user_tenant_id: Option<String>,
    /// The address that the user came from.
    pub source_ip: Option<IpAddr>,
    /// The application's name.
    pub application_name: Option<String>,
}

impl UserSecurityContext {
    /// Reads the member's value. What is too long, of another type or no address is left out and named in the list.
    ///
    /// ```
    /// use castellan_access::principal::UserSecurityContext;
    ///
    /// let value = serde_json::json!({ "end_user_id": "ann", "source_ip": "nowhere" });
    /// let (context, ignored) = UserSecurityContext::read(&value);
    /// assert_eq!(context.end_user_id.as_deref(), Some("ann"));
    /// assert_eq!(ignored, ["source_ip"]);
    /// ```
    pub fn read(value: &Value) -> (UserSecurityContext, Vec<&'static str>) {
        let mut ignored = Vec::new();
        let Some(object) = value.as_object() else {
            return (UserSecurityContext::default(), vec!["user_security_context"]);
        };
        let mut member = |name: &'static str| -> Option<String> {
            let value = object.get(name).filter(|value| !value.is_null())?;
            let text = value.as_str().filter(|text| text::is_plain(text, LONGEST_CLAIM));
            if text.is_none() {
                ignored.push(name);
            }
            text.map(str::to_owned)
        };
        let mut context = UserSecurityContext {
            end_user_id: member("end_user_id"),
            end_user_tenant_id: member("end_user_tenant_id"),
            source_ip: None,
            application_name: member("application_name"),
        };
        if let Some(address) = member("source_ip") {
            context.source_ip = address.parse().ok();
            if context.source_ip.is_none() {
                ignored.push("source_ip");
            }
        }
        (context, ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_tenant_and_object_alone() {
        let mut one = Principal::new(Kind::User, Method::Token, "t", "o");
        let id = one.id();
        assert_eq!(id.len(), 26);
        one.display.email = Some("ann@example.org".to_owned());
        one.kind = Kind::Agent;
        assert_eq!(one.id(), id);
        // Where the tenant ends matters.
        assert_ne!(Principal::new(Kind::User, Method::Token, "to", "").id(), id);
        assert_ne!(Principal::new(Kind::User, Method::Token, "", "to").id(), id);
    }

    #[test]
    fn claims_of_an_application_are_bounded() {
        let value = serde_json::json!({
            "end_user_id": "x".repeat(257), "application_name": "a\nb", "end_user_tenant_id": 7,
            "source_ip": "10.0.0.1", "other": true
        });
        let (context, ignored) = UserSecurityContext::read(&value);
        assert_eq!(context.source_ip, "10.0.0.1".parse().ok());
        assert_eq!(context.end_user_id, None);
        assert_eq!(ignored, ["end_user_id", "end_user_tenant_id", "application_name"]);
        assert_eq!(UserSecurityContext::read(&Value::Null).1, ["user_security_context"]);
    }
}
