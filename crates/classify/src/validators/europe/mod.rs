//! Europe, one file a country; small countries share one.

mod ad_to_ch;
mod at;
mod be;
mod bg;
mod cz;
mod de;
mod dk_to_hu;
mod es;
mod eu;
mod fi;
mod fr;
mod gb;
mod ie_to_md;
mod it;
mod jmbg;
mod nace;
mod nl;
mod no;
mod pl;
mod pt;
mod register;
mod ro;
mod ru;
mod se;
mod si_to_ua;

use super::format::Format;

pub(super) use es::ccc;
pub(super) use eu::vat_of;

pub(super) const FORMATS: &[&[Format]] = &[
    ad_to_ch::FORMATS,
    at::FORMATS,
    be::FORMATS,
    bg::FORMATS,
    cz::FORMATS,
    de::FORMATS,
    dk_to_hu::FORMATS,
    es::FORMATS,
    eu::FORMATS,
    fi::FORMATS,
    fr::FORMATS,
    gb::FORMATS,
    ie_to_md::FORMATS,
    it::FORMATS,
    jmbg::FORMATS,
    nace::FORMATS,
    nl::FORMATS,
    no::FORMATS,
    pl::FORMATS,
    pt::FORMATS,
    register::FORMATS,
    ro::FORMATS,
    ru::FORMATS,
    se::FORMATS,
    si_to_ua::FORMATS,
];
