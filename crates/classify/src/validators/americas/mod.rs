//! The Americas.

mod ar_to_br;
mod ca;
mod central;
mod mx;
mod south;
mod us;

use super::format::Format;

pub(super) const FORMATS: &[&[Format]] =
    &[ar_to_br::FORMATS, ca::FORMATS, central::FORMATS, south::FORMATS, mx::FORMATS, us::FORMATS];
