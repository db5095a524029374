//! The scanned estate: what a recommendation rests on, how it is fixed, and what people accept.
//!
//! Lists are tables (`CastellanRecommendations`, `CastellanInventory`, ...); here is what no table holds. What the estate is,
//! is a matter of whoever runs the server, who implements [`Estate`]. Its functions may take a while: they are called on
//! threads of their own, never on those that serve connections.

mod told;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use serde::Deserialize;
use serde_json::Value;

pub use told::{
    Category, EstateState, Exemption, Fix, FixKind, Observed, Place, Recommendation,
    State as RecommendationState,
};

use super::failure::Failure;
use super::request::{Caller, Request};
use super::time;

/// The scanned estate.
pub trait Estate: Send + Sync {
    /// What was scanned, and when. Quick.
    fn state(&self) -> EstateState;

    /// Begins to scan again, unless that is being done, and returns at once with the state then. When it is done, the
    /// implementor replaces its tables and calls [`Hub::posture`](super::Hub::posture).
    ///
    /// # Errors
    /// There is nothing to scan.
    fn scan(&self) -> Result<EstateState, Failure>;

    /// The AI bill of materials of what was scanned, as CycloneDX 1.7 in JSON.
    ///
    /// # Errors
    /// Nothing was scanned yet.
    fn bom(&self) -> Result<Value, Failure>;

    /// A finding, by `Id` of `CastellanRecommendations`.
    ///
    /// # Errors
    /// There is none with this id: [`Failure::missing`].
    fn recommendation(&self, id: &str) -> Result<Recommendation, Failure>;

    /// Accepts a finding until a time. The recommendation as it is then, in tables as well.
    ///
    /// # Errors
    /// There is none with this id, it is no violation ([`Failure::conflict`]), or it cannot be kept.
    fn exempt(&self, id: &str, exempt: &Exempt, by: &str) -> Result<Recommendation, Failure>;

    /// Takes back an exemption that was given by [`Estate::exempt`].
    ///
    /// # Errors
    /// There is none, or it stands in a file of somebody else's ([`Failure::conflict`]).
    fn lift(&self, id: &str, by: &str) -> Result<Recommendation, Failure>;
}

/// An exemption that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// Why, in words of at most 2,000 characters.
    pub reason: String,
    /// Why, in one word.
    pub category: Category,
    /// The first moment at which it no longer counts; it lies ahead.
    pub until: Ticks,
}

/// How long an exemption lasts where nobody says: 90 days, in ticks.
const USUAL: i64 = 90 * 24 * 3_600 * Ticks::PER_SECOND;
/// The longest reason, in characters.
const LONGEST: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    reason: String,
    category: Category,
    #[serde(default, with = "time::optional")]
    until: Option<Ticks>,
}

impl Asked {
    fn read(self, now: Ticks) -> Result<Exempt, Failure> {
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > LONGEST {
            return Err(Failure::bad(format!("`reason` has to say why, in at most {LONGEST} characters")));
        }
        let until = self.until.or_else(|| now.checked_add(USUAL)).unwrap_or(now);
        if until <= now {
            return Err(Failure::bad("`until` lies in the past; name a time ahead"));
        }
        Ok(Exempt { reason, category: self.category, until })
    }
}

/// What is answered where nothing was scanned.
fn nothing() -> Failure {
    Failure::missing("no estate was scanned; name what is to be scanned with `--scan PATH`")
}

impl Request {
    fn estate(&self) -> Result<std::sync::Arc<dyn Estate>, Failure> {
        self.console.estate.clone().ok_or_else(nothing)
    }

    pub(super) async fn get_estate(self) -> Result<Response, Failure> {
        let state = self.console.estate.as_ref().map(|estate| estate.state()).unwrap_or_default();
        Ok(axum::Json(state).into_response())
    }

    pub(super) async fn scan_estate(self) -> Result<Response, Failure> {
        let estate = self.estate()?;
        let state = self.console.gate.aside(move || estate.scan()).await?;
        Ok((StatusCode::ACCEPTED, axum::Json(state)).into_response())
    }

    pub(super) async fn export_bom(self) -> Result<Response, Failure> {
        let estate = self.estate()?;
        self.told(move || estate.bom()).await
    }

    pub(super) async fn get_recommendation(self) -> Result<Response, Failure> {
        let (estate, id) = (self.estate()?, self.part(0));
        self.told(move || estate.recommendation(&id)).await
    }

    pub(super) async fn exempt_recommendation(self, caller: &Caller) -> Result<Response, Failure> {
        let (estate, id, by) = (self.estate()?, self.part(0), caller.name.clone());
        let (request, asked) = self.body::<Asked>().await?;
        let exempt = asked.read(request.console.now())?;
        request.told(move || estate.exempt(&id, &exempt, &by)).await
    }

    pub(super) async fn lift_exemption(self, caller: &Caller) -> Result<Response, Failure> {
        let (estate, id, by) = (self.estate()?, self.part(0), caller.name.clone());
        self.told(move || estate.lift(&id, &by)).await
    }
}
