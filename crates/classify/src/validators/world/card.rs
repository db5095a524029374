//! Payment cards.

use crate::validators::checksum::luhn;
use crate::validators::format::{Check, Format, Kind, checksum, component, length};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[Format::new(
    "credit-card",
    Kind::Card,
    card,
    "Payment card number",
    "ISO/IEC 7812; ranges of the brands",
)
.checked()];

/// A brand's range of the first six digits, and the lengths of its numbers.
struct Brand {
    first: u64,
    last: u64,
    shortest: usize,
    longest: usize,
}

const fn brand(first: u64, last: u64, shortest: usize, longest: usize) -> Brand {
    Brand { first, last, shortest, longest }
}

/// Ranges from the documents of the brands, smallest first.
const BRANDS: &[Brand] = &[
    brand(100_000, 199_999, 15, 15), // UATP
    brand(220_000, 220_499, 16, 19), // Mir
    brand(220_500, 220_599, 16, 16), // Borica
    brand(222_100, 272_099, 16, 16), // Mastercard
    brand(300_000, 305_999, 14, 19), // Diners Club
    brand(309_500, 309_599, 14, 19), // Diners Club
    brand(340_000, 349_999, 15, 15), // American Express
    brand(352_800, 358_999, 16, 19), // JCB
    brand(360_000, 369_999, 14, 19), // Diners Club
    brand(370_000, 379_999, 15, 15), // American Express
    brand(380_000, 399_999, 14, 19), // Diners Club
    brand(400_000, 499_999, 13, 19), // Visa, and brands that share its cards
    brand(500_000, 509_999, 12, 19), // Maestro, Verve, Elo, RuPay, Dankort
    brand(510_000, 559_999, 16, 16), // Mastercard
    brand(560_000, 589_999, 12, 19), // Maestro
    brand(601_100, 601_199, 16, 19), // Discover
    brand(604_001, 604_200, 16, 19), // UkrCard
    brand(605_474, 605_474, 16, 16), // NPS Pridnestrovie
    brand(606_282, 606_282, 16, 19), // Hipercard
    brand(607_000, 608_999, 16, 16), // RuPay
    brand(620_000, 629_999, 16, 19), // UnionPay, and Discover
    brand(630_400, 630_499, 12, 19), // Maestro
    brand(636_000, 639_999, 16, 19), // InterPayment, Instapayment, Discover
    brand(644_000, 659_999, 16, 19), // Discover, RuPay, Verve, Elo
    brand(670_000, 679_999, 12, 19), // Maestro
    brand(810_000, 829_999, 16, 19), // UnionPay, RuPay
    brand(979_200, 979_299, 16, 16), // Troy
    brand(986_000, 986_099, 16, 16), // Humo
];

fn card(text: &str) -> Check {
    let n = digits(text, " -", 12..=19)?;
    let issuer = n.part(..6).number();
    let brand = BRANDS.iter().find(|brand| (brand.first..=brand.last).contains(&issuer));
    component(brand.is_some())?;
    length(brand.is_some_and(|brand| (brand.shortest..=brand.longest).contains(&n.len())))?;
    length(issuer / 100_000 != 4 || matches!(n.len(), 13 | 16 | 18 | 19))?;
    checksum(luhn(&n))
}
