//! Asia.

mod cn;
mod id_to_my;
mod in_;
mod jp_kr;
mod sg_th;
mod west;

use super::format::Format;

pub(super) const FORMATS: &[&[Format]] =
    &[cn::FORMATS, id_to_my::FORMATS, in_::FORMATS, jp_kr::FORMATS, sg_th::FORMATS, west::FORMATS];
