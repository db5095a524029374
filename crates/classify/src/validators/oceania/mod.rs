//! Oceania.

mod au;
mod nz;

use super::format::Format;

pub(super) const FORMATS: &[&[Format]] = &[au::FORMATS, nz::FORMATS];
