//! What a protected resource says of itself (RFC 9728) and to whoever comes without the right token (RFC 6750).

use crate::json::{self, Kind, Value};

/// The metadata document of a protected resource.
#[must_use]
pub fn metadata(resource: &str, issuers: &[String], scopes: &[String], name: Option<&str>) -> String {
    let list =
        |texts: &[String]| Value::new(Kind::Array(texts.iter().map(|text| Value::string(text)).collect()));
    let mut members = vec![
        ("resource", Value::string(resource)),
        ("authorization_servers", list(issuers)),
        // Tokens in addresses end up in logs.
        ("bearer_methods_supported", list(&["header".to_owned()])),
    ];
    if !scopes.is_empty() {
        members.push(("scopes_supported", list(scopes)));
    }
    members.extend(name.map(|name| ("resource_name", Value::string(name))));
    json::write(&Value::object(members))
}

/// Where the metadata of a resource lie: `/.well-known/oauth-protected-resource` before the path of its URL.
#[must_use]
pub fn metadata_path(resource_path: &str) -> String {
    format!("/.well-known/oauth-protected-resource{}", resource_path.trim_end_matches('/'))
}

/// A `WWW-Authenticate` answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No token came: 401.
    Missing,
    /// The token is not valid here: 401.
    Invalid {
        /// Why, for the client's author. Never holds the token.
        description: String,
    },
    /// The token is valid and lacks scopes: 403.
    Scope {
        /// What this request needs.
        scopes: Vec<String>,
    },
}

impl Challenge {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Challenge::Missing | Challenge::Invalid { .. } => 401,
            Challenge::Scope { .. } => 403,
        }
    }

    /// The header's value. `scopes` are what a client should ask for.
    #[must_use]
    pub fn header(&self, metadata_url: &str, scopes: &[String]) -> String {
        let mut parts = Vec::new();
        match self {
            Challenge::Missing => {}
            Challenge::Invalid { description } => {
                parts.push(("error", "invalid_token".to_owned()));
                parts.push(("error_description", description.clone()));
            }
            Challenge::Scope { .. } => parts.push(("error", "insufficient_scope".to_owned())),
        }
        let scopes = match self {
            Challenge::Scope { scopes } => scopes,
            _ => scopes,
        };
        if !scopes.is_empty() {
            parts.push(("scope", scopes.join(" ")));
        }
        parts.push(("resource_metadata", metadata_url.to_owned()));
        let parts: Vec<String> =
            parts.iter().map(|(key, value)| format!("{key}=\"{}\"", quoted(value))).collect();
        format!("Bearer {}", parts.join(", "))
    }
}

/// What may stand between quotes in a header.
fn quoted(text: &str) -> String {
    let visible = text.chars().filter(|character| matches!(character, ' '..='~'));
    visible
        .flat_map(|character| matches!(character, '"' | '\\').then_some('\\').into_iter().chain([character]))
        .collect()
}

/// A resource's URL in the form in which two are compared: scheme and host in small letters, no fragment, the default port
/// and a single slash at the end left out. `None` if it is no such URL.
#[must_use]
pub fn canonical_resource(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "https" | "http") || url.contains('#') || !url.is_ascii() {
        return None;
    }
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let default = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default).unwrap_or(&authority);
    let path = if path == "/" { "" } else { path };
    Some(format!("{scheme}://{authority}{path}"))
}

/// Whether a token's audiences (`aud`) name this resource, or one of the other names that it has at its issuer
/// (Entra: an application's id or `api://` URI). An empty list never matches.
#[must_use]
pub fn audience_matches(audiences: &[&str], resource: &str, aliases: &[String]) -> bool {
    let resource = canonical_resource(resource);
    audiences.iter().any(|audience| {
        aliases.iter().any(|alias| alias == audience)
            || (resource.is_some() && canonical_resource(audience) == resource)
    })
}
