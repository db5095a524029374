//! VAT numbers with the letters of their country, of the Union and beyond.

use crate::validators::europe::vat_of;
use crate::validators::format::{Check, Format, Invalid, Kind};
use crate::validators::text::{Characters, Compact};

pub(super) const FORMATS: &[Format] =
    &[Format::new("vatin", Kind::Vat, vatin, "VAT number of any country", "the rule of each country")
        .checked()];

/// Countries outside the Union and the format of their numbers; whether the format has the letters itself.
const COUNTRIES: &[(&str, &str)] = &[
    ("AD", "ad.nrt"),
    ("AL", "al.nipt"),
    ("AR", "ar.cuit"),
    ("AU", "au.abn"),
    ("AZ", "az.voen"),
    ("BR", "br.cnpj"),
    ("BY", "by.unp"),
    ("CA", "ca.bn"),
    ("CH", "ch.vat"),
    ("CL", "cl.rut"),
    ("CN", "cn.uscc"),
    ("CO", "co.nit"),
    ("CR", "cr.cpj"),
    ("DO", "do.rnc"),
    ("DZ", "dz.nif"),
    ("EC", "ec.ruc"),
    ("EU", "eu.oss"),
    ("FO", "fo.vn"),
    ("GB", "gb.vat"),
    ("GT", "gt.nit"),
    ("ID", "id.npwp"),
    ("IM", "eu.oss"),
    ("IN", "in_.gstin"),
    ("IS", "is_.vsk"),
    ("JP", "jp.cn"),
    ("KR", "kr.brn"),
    ("MC", "mc.tva"),
    ("ME", "me.pib"),
    ("MK", "mk.edb"),
    ("MX", "mx.rfc"),
    ("NO", "no.mva"),
    ("NZ", "nz.ird"),
    ("OM", "om.vat"),
    ("PE", "pe.ruc"),
    ("PY", "py.ruc"),
    ("RS", "rs.pib"),
    ("RU", "ru.inn"),
    ("SG", "sg.uen"),
    ("SM", "sm.coe"),
    ("SV", "sv.nit"),
    ("TH", "th.tin"),
    ("TR", "tr.vkn"),
    ("TW", "tw.ubn"),
    ("UA", "ua.edrpou"),
    ("UY", "uy.rut"),
    ("VE", "ve.rif"),
    ("VN", "vn.mst"),
    ("ZA", "za.tin"),
];

fn vatin(text: &str) -> Check {
    let n = Compact::new(text, " -./,:()")?;
    let country = n.part(..2);
    let whole = std::str::from_utf8(&n).map_err(|_| Invalid::Format)?;
    if let Some(rule) = vat_of(country) {
        return rule(whole);
    }
    let (_, name) =
        COUNTRIES.iter().find(|(code, _)| code.as_bytes() == country).ok_or(Invalid::Component)?;
    let format = crate::validators::find(name).ok_or(Invalid::Component)?;
    // Some numbers have the letters, some stand behind them.
    let rest = whole.get(2..).unwrap_or_default();
    format.check(whole).or_else(|_| format.check(rest))
}
