//! Banks, accounts and references of payments.

use crate::validators::checksum::{mod_97_10, remainder_97};
use crate::validators::countries::is_country;
use crate::validators::europe::ccc;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "bic",
        Kind::Bank,
        bic,
        "Business identifier code (BIC, SWIFT)",
        "ISO 9362; its country is verified",
    ),
    Format::new(
        "iban",
        Kind::Bank,
        iban,
        "International bank account number (IBAN)",
        "ISO 13616; SWIFT IBAN registry",
    )
    .checked(),
    Format::new("iso11649", Kind::Reference, creditor_reference, "Creditor reference (RF)", "ISO 11649")
        .checked(),
    Format::new("lei", Kind::Company, lei, "Legal entity identifier (LEI)", "ISO 17442").checked(),
];

fn bic(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(matches!(n.len(), 8 | 11))?;
    shape(n.part(..6).is_letters() && n.part(6..).is_alphanumeric())?;
    component(is_country(n.part(4..6)) || n.part(4..6) == b"XK")
}

/// The accounts of each country behind its code and the two check digits: how many characters of which kind, where `n`
/// is a digit, `a` a capital letter and `c` either.
const ACCOUNTS: &str = "\
AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c \
CZ20n DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n \
GR7n16c GT4c20c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c \
LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD2c18c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n \
NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n \
SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR5n1n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c";

/// Whether an account has the form of its country; nothing when the country has no accounts of this kind.
fn account_form(country: &[u8], account: &[u8]) -> Option<bool> {
    let row = ACCOUNTS.split_ascii_whitespace().find(|row| row.as_bytes().starts_with(country))?;
    let mut rest = account;
    let mut count = 0;
    for symbol in row.bytes().skip(2) {
        if symbol.is_ascii_digit() {
            count = count * 10 + usize::from(symbol - b'0');
            continue;
        }
        let (part, after) = rest.split_at_checked(count).unwrap_or_default();
        let fits = match symbol {
            b'n' => part.is_digits(),
            b'a' => part.is_letters(),
            _ => part.is_alphanumeric(),
        };
        if !fits {
            return Some(false);
        }
        (rest, count) = (after, 0);
    }
    Some(rest.is_empty())
}

/// Verifies an IBAN: form, check digits, and the national check digits of Belgium and Spain.
pub(crate) fn iban(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length((15..=34).contains(&n.len()))?;
    let (country, account) = (n.part(..2), n.part(4..));
    shape(country.is_letters() && n.part(2..4).is_digits() && account.is_alphanumeric())?;
    let fits = account_form(country, account).ok_or(Invalid::Component)?;
    checksum(is_rotated_97(&n))?;
    shape(fits)?;
    match country {
        b"BE" => {
            let rest = account.part(..10).number() % 97;
            checksum(account.part(10..).number() == if rest == 0 { 97 } else { rest })
        }
        b"ES" => ccc(account),
        _ => Ok(()),
    }
}

/// Whether the number is 1 by 97 once its first four characters stand at its end.
fn is_rotated_97(n: &[u8]) -> bool {
    let mut moved = match Compact::of(n.part(4..)) {
        Ok(moved) => moved,
        Err(_) => return false,
    };
    n.part(..4).iter().all(|character| moved.push(*character).is_ok()) && remainder_97(&moved) == Some(1)
}

fn creditor_reference(text: &str) -> Check {
    let n = Compact::new(text, " -.,/:")?;
    length((5..=25).contains(&n.len()))?;
    shape(n.starts_with(b"RF") && n.part(2..4).is_digits() && n.is_alphanumeric())?;
    checksum(is_rotated_97(&n))
}

fn lei(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 20)?;
    shape(n.is_alphanumeric() && n.part(18..).is_digits())?;
    checksum(mod_97_10(&n))
}
