//! Formats of no one country.

mod algorithms;
mod bank;
mod card;
mod cfi;
mod goods;
mod mrz;
mod securities;
mod telecom;
mod vatin;
mod wallets;
mod works;

use super::format::Format;

pub(super) use bank::iban;
pub(super) use goods::ean13;

pub(super) const FORMATS: &[&[Format]] = &[
    algorithms::FORMATS,
    bank::FORMATS,
    card::FORMATS,
    cfi::FORMATS,
    goods::FORMATS,
    mrz::FORMATS,
    securities::FORMATS,
    telecom::FORMATS,
    vatin::FORMATS,
    wallets::FORMATS,
    works::FORMATS,
];
