//! Africa.

mod north;
mod south;

use super::format::Format;

pub(super) const FORMATS: &[&[Format]] = &[north::FORMATS, south::FORMATS];
