//! The arithmetic of check digits. Each algorithm answers whether a number with its check digits is right.

mod base58;
mod bech32;
mod crc;
mod damm;
mod iso7064;
mod keccak;
mod luhn;
mod verhoeff;
mod weighted;

pub(super) use base58::{RIPPLE, base58check};
pub(super) use bech32::{Bech32, bech32};
pub(super) use crc::crc16_xmodem;
pub(super) use damm::damm;
pub(super) use iso7064::{hybrid, mod_11_2, mod_11_10, mod_37_2, mod_37_36, mod_97_10, remainder_97};
pub(super) use keccak::keccak256;
pub(super) use luhn::{luhn, luhn_digit, luhn_of};
pub(super) use verhoeff::verhoeff;
pub(super) use weighted::{complement, cyclic, personal_11, twofold_11};
