//! How much is usual: counts that fade, spread that outliers do not widen, distinct values, hours of the week, likeness.
//!
//! Each of these gives the same for the same activities in any order, so that a state does not depend on when events came.

mod decay;
mod distinct;
mod hours;
mod likeness;
mod robust;

pub(crate) use decay::{Clock, Faded};
pub(crate) use distinct::Distinct;
pub(crate) use hours::Weeks;
pub(crate) use likeness::{Signature, alike, nearest};
pub(crate) use robust::{OUTLIER, Spread};
