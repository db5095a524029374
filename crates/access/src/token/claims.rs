//! Claims of all tokens: reading them, and the times and audiences that all issuers have.

use serde_json::{Map, Value};

use super::Refusal;
use super::config::{IssuerConfig, is_foreign};
use crate::principal::Actor;
use crate::text;

/// The longest text of a claim that is kept, in bytes.
pub(super) const LONGEST_TEXT: usize = 1024;
/// The longest chain of acting parties.
const LONGEST_CHAIN: usize = 8;

/// Claims of a token.
#[derive(Clone, Copy)]
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

/// When a token counts, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) issued: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) expires: i64,
}

impl<'a> Claims<'a> {
    /// A text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(value)) if !value.is_empty() && text::is_plain(value, LONGEST_TEXT) => {
                Ok(Some(value))
            }
            Some(_) => Err(Refusal::BadClaim(name)),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&'a str, Refusal> {
        self.text(name)?.ok_or(Refusal::MissingClaim(name))
    }

    /// A text for logs: what is not fit for them is left out.
    pub(super) fn shown(&self, name: &'static str) -> Option<String> {
        self.text(name).ok().flatten().map(str::to_owned)
    }

    /// A time. `NumericDate` may have a fraction (RFC 7519, 2).
    fn time(&self, name: &'static str) -> Result<Option<i64>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                let whole = number.as_i64().or_else(|| {
                    let seconds = number.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
                    format!("{seconds:.0}").parse().ok()
                });
                whole.filter(|seconds| *seconds >= 0).map(Some).ok_or(Refusal::BadClaim(name))
            }
            Some(_) => Err(Refusal::BadClaim(name)),
        }
    }

    /// Texts: a list of them, or one text of words between spaces.
    pub(super) fn words(&self, name: &str, label: &'static str) -> Result<Vec<String>, Refusal> {
        let fits = |word: &str| !word.is_empty() && text::is_plain(word, LONGEST_TEXT);
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(words)) => {
                let words: Vec<String> =
                    words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
                if words.iter().all(|word| fits(word)) { Ok(words) } else { Err(Refusal::BadClaim(label)) }
            }
            Some(Value::Array(items)) => {
                let word = |item: &Value| item.as_str().filter(|word| fits(word)).map(str::to_owned);
                items.iter().map(|item| word(item).ok_or(Refusal::BadClaim(label))).collect()
            }
            Some(_) => Err(Refusal::BadClaim(label)),
        }
    }

    /// Whom the token is for.
    pub(super) fn audiences(&self) -> Result<Vec<&'a str>, Refusal> {
        match self.0.get("aud") {
            None => Err(Refusal::MissingClaim("aud")),
            Some(Value::String(audience)) => Ok(vec![audience]),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or(Refusal::BadClaim("aud"))).collect()
            }
            Some(_) => Err(Refusal::BadClaim("aud")),
        }
    }

    /// The audience must be ours. One of Microsoft's own is told as such, before anything else is looked at.
    pub(super) fn check_not_foreign(&self) -> Result<(), Refusal> {
        let is_any = self.audiences()?.into_iter().any(is_foreign);
        if is_any { Err(Refusal::ForeignAudience) } else { Ok(()) }
    }

    pub(super) fn check_audience(&self, config: &IssuerConfig) -> Result<(), Refusal> {
        let is_ours = |audience: &&str| config.audiences.iter().any(|own| own == audience);
        if self.audiences()?.iter().any(is_ours) { Ok(()) } else { Err(Refusal::Audience) }
    }

    pub(super) fn check_times(&self, config: &IssuerConfig, now: i64) -> Result<Times, Refusal> {
        let skew = i64::from(config.skew_seconds);
        let expires = self.time("exp")?.ok_or(Refusal::MissingClaim("exp"))?;
        let (not_before, issued) = (self.time("nbf")?, self.time("iat")?);
        if now >= expires.saturating_add(skew) {
            return Err(Refusal::Expired);
        }
        if not_before.is_some_and(|from| now < from.saturating_sub(skew)) {
            return Err(Refusal::NotYetValid);
        }
        if issued.is_some_and(|issued| now < issued.saturating_sub(skew)) {
            return Err(Refusal::IssuedInFuture);
        }
        // Without the time of issue the longest lifetime counts from now on.
        let start = issued.or(not_before).unwrap_or(now);
        if expires.saturating_sub(start) > i64::from(config.longest_lifetime_seconds) {
            return Err(Refusal::Lifetime);
        }
        Ok(Times { issued, not_before, expires })
    }

    /// ID tokens have claims that access tokens have not (OpenID Connect Core 3.1.3.6, 3.3.2.11), and tokens of security
    /// events and of logout have theirs.
    pub(super) fn check_is_access_token(&self) -> Result<(), Refusal> {
        let others = ["nonce", "at_hash", "c_hash", "s_hash", "events", "toe"];
        if others.iter().any(|name| self.0.contains_key(*name)) {
            return Err(Refusal::NotAnAccessToken);
        }
        Ok(())
    }

    /// What an ID token has to say (OpenID Connect Core 1.0, 3.1.3.7): it answers a request of ours, and was given to us.
    pub(super) fn check_is_id_token(&self, config: &IssuerConfig) -> Result<(), Refusal> {
        if self.0.contains_key("events") {
            return Err(Refusal::Type);
        }
        self.required("nonce")?;
        let party = self.text("azp")?;
        if self.audiences()?.len() > 1 && party.is_none() {
            return Err(Refusal::MissingClaim("azp"));
        }
        let is_ours = |party: &str| config.audiences.iter().any(|own| own == party);
        if party.is_some_and(|party| !is_ours(party)) { Err(Refusal::Audience) } else { Ok(()) }
    }

    /// The thumbprint that the token is bound to (RFC 8705, 3.1). Other confirmations are refused: they are not checked.
    pub(super) fn binding(&self) -> Result<Option<[u8; 32]>, Refusal> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let Some(confirmation) = self.0.get("cnf") else { return Ok(None) };
        let members = confirmation.as_object().ok_or(Refusal::BadClaim("cnf"))?;
        let thumbprint = members.get("x5t#S256").and_then(Value::as_str).ok_or(Refusal::Proof)?;
        if members.len() != 1 {
            return Err(Refusal::Proof);
        }
        let bytes = URL_SAFE_NO_PAD.decode(thumbprint).map_err(|_| Refusal::BadClaim("cnf"))?;
        bytes.try_into().map(Some).map_err(|_| Refusal::BadClaim("cnf"))
    }

    /// Who acts for the subject (RFC 8693, 4.1), the nearest first.
    pub(super) fn acting_parties(&self) -> Result<Vec<Actor>, Refusal> {
        let mut actors = Vec::new();
        let mut next = self.0.get("act");
        while let Some(value) = next {
            let object = value.as_object().ok_or(Refusal::BadClaim("act"))?;
            let claims = Claims(object);
            let id = claims.text("sub").or(Err(Refusal::BadClaim("act")))?;
            let id = match id {
                Some(id) => Some(id),
                None => claims.text("client_id").or(Err(Refusal::BadClaim("act")))?,
            };
            let id = id.ok_or(Refusal::BadClaim("act"))?.to_owned();
            let tenant = claims.text("iss").or(Err(Refusal::BadClaim("act")))?.map(str::to_owned);
            if actors.len() == LONGEST_CHAIN {
                return Err(Refusal::BadClaim("act"));
            }
            actors.push(Actor { tenant, id, is_agent: false });
            next = object.get("act");
        }
        Ok(actors)
    }
}
