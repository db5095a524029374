//! Who asks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use castellan_access::certificate::ClientCertificate;
use castellan_access::key::is_virtual_key;
use castellan_access::principal::Verified;
use castellan_access::token::{FetchPlan, Outcome, Refusal};
use http::HeaderMap;
use tokio::time::sleep;

use super::body;
use super::stop::Stop;
use crate::gate::Gate;
use crate::record::Stage;

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// The certificate that it showed, with its SHA-256.
    pub(crate) certificate: Option<(ClientCertificate, [u8; 32])>,
}

/// How long and how often a request waits for keys that another one fetches.
const WAIT: (Duration, u32) = (Duration::from_millis(50), 100);

/// Who asks, with the terms in which policies speak of it.
pub(super) async fn verified(gate: &Gate, peer: &Peer, headers: &HeaderMap) -> Result<Arc<Verified>, Stop> {
    let shown = credential(headers)?;
    let Some(shown) = shown else {
        if let Some((certificate, _)) = &peer.certificate {
            let principal = gate.certificates.principal(certificate, gate.now());
            return principal
                .map(|known| Arc::new(Verified::new(known)))
                .map_err(|refusal| refused(&refusal));
        }
        if gate.config.anonymous {
            not_a_page(headers)?;
            return Ok(Arc::clone(&gate.nobody));
        }
        return Err(refused(&Refusal::NoCredential));
    };
    if is_virtual_key(&shown) {
        let keys = gate.keys.as_ref().ok_or_else(|| refused(&Refusal::UnknownVirtualKey))?;
        return keys.recognise(&shown, gate.now()).map_err(|refusal| refused(&refusal));
    }
    let binding = peer.certificate.as_ref().map(|(_, digest)| digest);
    let mut waited = 0;
    let mut fetched = false;
    loop {
        match gate.issuers.verify(&shown, binding, gate.now()) {
            Outcome::Verified(verified) => return Ok(verified),
            Outcome::Refused(refusal) if gate.config.anonymous && is_placeholder(&refusal) => {
                not_a_page(headers)?;
                return Ok(Arc::clone(&gate.nobody));
            }
            Outcome::Refused(refusal) => return Err(refused(&refusal)),
            Outcome::NeedsKeys { plan, lead: true } if !fetched => {
                fetched = true;
                fetch(gate, &plan).await;
            }
            Outcome::NeedsKeys { .. } if waited < WAIT.1 => {
                waited += 1;
                sleep(WAIT.0).await;
            }
            Outcome::NeedsKeys { .. } => return Err(refused(&Refusal::KeysUnavailable)),
        }
    }
}

/// Refuses what a page of another site can have a browser send to this machine unasked: what names another host, and what has an
/// origin and is not JSON. With JSON a browser asks first, and the gate does not say yes.
fn not_a_page(headers: &HeaderMap) -> Result<(), Stop> {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let is_local = name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_json = body::kind(headers).ends_with("json");
    if is_local && (is_json || !headers.contains_key("origin")) {
        return Ok(());
    }
    let message = "a page of another site asks; show a credential, or ask from a program";
    Err(Stop::new(Stage::Authenticate, 403, "foreign_page", message))
}

/// Clients insist on some key; where nobody needs one, what is no token at all counts as none.
fn is_placeholder(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Malformed(_))
}

/// The one credential of a request.
fn credential(headers: &HeaderMap) -> Result<Option<String>, Stop> {
    let stop = |message: &str| Stop::new(Stage::Authenticate, 400, "ambiguous_credential", message);
    let mut shown: Option<String> = None;
    for name in ["authorization", "api-key", "x-api-key", "ocp-apim-subscription-key"] {
        for value in headers.get_all(name) {
            let value = value.to_str().map_err(|_| stop("a credential has characters that none has"))?;
            let value = match name {
                "authorization" => {
                    bearer(value).ok_or_else(|| stop("`Authorization` has to be `Bearer` and a token"))?
                }
                _ => value.trim(),
            };
            if shown.as_ref().is_some_and(|known| known != value) {
                return Err(stop("the request shows two credentials that differ; show one"));
            }
            shown = Some(value.to_owned());
        }
    }
    Ok(shown.filter(|shown| !shown.is_empty()))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Fetches keys of an issuer. What goes wrong shows when they are asked for again.
async fn fetch(gate: &Gate, plan: &FetchPlan) {
    let fetched = async {
        let url = match (&plan.jwks_url, &plan.metadata_url) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => {
                let metadata = gate.fetcher.get(url).await?;
                gate.issuers.take_metadata(plan, &metadata).map_err(|error| error.to_string())?
            }
            (None, None) => return Err("there is no address of keys".to_owned()),
        };
        let keys = gate.fetcher.get(&url).await?;
        gate.issuers.take_keys(plan, &keys, gate.now()).map(drop).map_err(|error| error.to_string())
    };
    if fetched.await.is_err() {
        gate.issuers.fetch_failed(plan, gate.now());
    }
}

/// Fetches keys that are due, so that no request waits for it.
pub(crate) async fn refresh(gate: &Gate) {
    for plan in gate.issuers.due(gate.now()) {
        fetch(gate, &plan).await;
    }
}

fn refused(refusal: &Refusal) -> Stop {
    let word = refusal.word();
    let status = refusal.status();
    let challenge = match refusal {
        Refusal::NoCredential => "Bearer realm=\"castellan\"".to_owned(),
        _ => format!("Bearer realm=\"castellan\", error=\"invalid_token\", error_description=\"{word}\""),
    };
    let code = match refusal {
        Refusal::KeysUnavailable => "keys_unavailable",
        Refusal::ReplayMemory => "replay_memory_full",
        _ => "invalid_api_key",
    };
    Stop::new(Stage::Authenticate, status, code, refusal.to_string())
        .with_word(word)
        .with_header("www-authenticate", challenge)
}
