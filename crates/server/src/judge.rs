//! What judges the texts of requests.

use castellan_shield::attack::Verdict;
use castellan_shield::harm::Harms;
use castellan_shield::model::calibration::OperatingPoint;
use castellan_shield::second::Allowance;
use castellan_shield::{Shield, Source};

/// Finds out whether texts attack or harm.
pub trait Judge: Send + Sync {
    /// Whether a text that comes from there is an attack on the model that is to read it, in the time that is left for the
    /// texts of its request.
    fn attack(&self, text: &str, source: Source, allowance: &Allowance) -> Verdict;

    /// The time for the texts of one request, where judging them may take long.
    fn allowance(&self) -> Allowance {
        Allowance::unlimited()
    }

    /// How harmful a text is.
    fn harm(&self, text: &str) -> Harms;
}

impl Judge for Shield {
    fn attack(&self, text: &str, source: Source, allowance: &Allowance) -> Verdict {
        self.attack_within(text, source, OperatingPoint::default(), allowance)
    }

    fn allowance(&self) -> Allowance {
        Shield::allowance(self)
    }

    fn harm(&self, text: &str) -> Harms {
        Shield::harm(self, text)
    }
}
