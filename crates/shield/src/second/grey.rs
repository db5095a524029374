//! Probabilities of the first tier that are not sure enough.

use std::str::FromStr;

use serde::Deserialize;

use crate::model::logistic::{logistic, logit};

/// How far the usual band reaches, as odds: from a tenth to ten times those of the operating point.
const ODDS: f32 = 10.0;

/// The band of probabilities in which the second tier is asked.
///
/// ```
/// use castellan_shield::second::Grey;
///
/// let grey: Grey = "0.2..0.9".parse().unwrap();
/// assert!(grey.holds(0.5, 0.588) && !grey.holds(0.95, 0.588));
/// // The usual one lies around the operating point: 0.125 to 0.935 here.
/// assert!(Grey::default().holds(0.2, 0.588) && !Grey::default().holds(0.1, 0.588));
/// assert!("0.9..0.2".parse::<Grey>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Grey(Option<(f32, f32)>);

/// A band that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no band of probabilities; write it as LOW..HIGH, each from 0 to 1, as in `0.2..0.9`")]
pub struct GreyError(String);

impl Grey {
    /// From one probability to another, both within it.
    ///
    /// # Errors
    /// When they are not two probabilities in ascending order.
    pub fn between(low: f32, high: f32) -> Result<Grey, GreyError> {
        let is_band = (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low < high;
        if is_band { Ok(Grey(Some((low, high)))) } else { Err(GreyError(format!("{low}..{high}"))) }
    }

    /// Whether a probability lies in it, given the least probability that is acted at.
    pub fn holds(self, probability: f32, operating_point: f32) -> bool {
        let around = || {
            let middle = logit(operating_point);
            (logistic(middle - ODDS.ln()), logistic(middle + ODDS.ln()))
        };
        let (low, high) = self.0.unwrap_or_else(around);
        (low..=high).contains(&probability)
    }
}

impl FromStr for Grey {
    type Err = GreyError;

    fn from_str(text: &str) -> Result<Grey, GreyError> {
        let fault = || GreyError(text.to_owned());
        let (low, high) = text.split_once("..").ok_or_else(fault)?;
        let number = |text: &str| text.trim().parse::<f32>().map_err(|_| fault());
        Grey::between(number(low)?, number(high)?).map_err(|_| fault())
    }
}

impl TryFrom<String> for Grey {
    type Error = GreyError;

    fn try_from(text: String) -> Result<Grey, GreyError> {
        text.parse()
    }
}
