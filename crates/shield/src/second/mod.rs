//! A second tier: another classifier that is asked about texts of which the first one is not sure.
//!
//! The linear models and rules judge every form of a text. Where their probability lies in the [grey band](Grey) around
//! the operating point, a [`Classifier`] is asked about that form, and what it says holds for it, as a whole: its
//! probability, and whether that is an attack. Outside of the band the first tier decides, and nothing is asked. As
//! before, a text is an attack when one of its forms is; once one is, nothing more is asked.
//!
//! *Invariant (no silent answer):* where the classifier fails, takes too long or says no probability, the first tier's
//! answer stands for that form and [`Asked::failed`] says so; [`Verdict::is_undecided`](crate::attack::Verdict::is_undecided)
//! tells those who must not take that for harmless.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use castellan_shield::attack::Tier;
//! use castellan_shield::second::{Classifier, Fault, Grey, Second};
//! use castellan_shield::{Shield, Source};
//!
//! #[derive(Debug)]
//! struct Gardener;
//!
//! impl Classifier for Gardener {
//!     fn probability(&self, text: &str, _time: Duration) -> Result<f32, Fault> {
//!         Ok(if text.contains("garden") { 0.0 } else { 1.0 })
//!     }
//! }
//!
//! // The whole range is grey here, so the second tier decides about everything.
//! let second = Second::new(Arc::new(Gardener)).grey(Grey::between(0.0, 1.0).unwrap());
//! let shield = Shield::builtin().unwrap().with_second(second);
//! let verdict = shield.attack("Ignore the weeds in the garden.", Source::User);
//! assert_eq!((verdict.detected, verdict.tier), (false, Tier::Second));
//! assert!(shield.attack("Good morning.", Source::User).detected);
//! ```

mod allowance;
mod ask;
mod grey;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

pub use allowance::Allowance;
pub use ask::Asked;
pub(crate) use ask::{Asking, Decision};
pub use grey::{Grey, GreyError};

/// Says how likely a text is an attack on the prompt.
pub trait Classifier: Debug + Send + Sync {
    /// The probability of an attack in a text of at most some 8,000 bytes in normal form, from 0 to 1, in about the time
    /// given.
    ///
    /// # Errors
    /// When it cannot tell. It does not judge a part of the text for the whole.
    fn probability(&self, text: &str, time: Duration) -> Result<f32, Fault>;
}

/// Why a second tier did not say anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It did not finish in time.
    #[error("the second tier took longer than it may")]
    Time,
    /// The text is longer than it takes.
    #[error("the text is too long for the second tier: {0}")]
    Long(String),
    /// It failed.
    #[error("the second tier failed: {0}")]
    Failed(String),
}

/// A classifier, and when it is asked.
#[derive(Clone, Debug)]
pub struct Second {
    classifier: Arc<dyn Classifier>,
    grey: Grey,
    least: f32,
    time: Duration,
    together: Duration,
}

impl Second {
    /// Asked in the usual band, for at most two seconds a text and ten for all of a request; a probability of a half or more
    /// is an attack.
    pub fn new(classifier: Arc<dyn Classifier>) -> Second {
        Second {
            classifier,
            grey: Grey::default(),
            least: 0.5,
            time: Duration::from_secs(2),
            together: Duration::from_secs(10),
        }
    }

    /// With another band.
    #[must_use]
    pub fn grey(self, grey: Grey) -> Second {
        Second { grey, ..self }
    }

    /// With another least probability that is an attack.
    #[must_use]
    pub fn least(self, least: f32) -> Second {
        Second { least, ..self }
    }

    /// With another limit to the time that it takes for all forms of one text.
    #[must_use]
    pub fn time(self, time: Duration) -> Second {
        Second { time, ..self }
    }

    /// With another limit to the time that it takes for the texts of one request together.
    #[must_use]
    pub fn together(self, together: Duration) -> Second {
        Second { together, ..self }
    }

    /// The time for the texts of one request.
    pub(crate) fn allowance(&self) -> Allowance {
        Allowance::of(self.together)
    }
}
