//! Spain.

use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, letter, listed, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "es.cae",
        Kind::Tax,
        cae,
        "Spanish excise establishment code (CAE)",
        "Royal decree 1165/1995 article 41; of the activity its family is verified, the check letter is not public",
    ),
    Format::new("es.ccc", Kind::Bank, account, "Spanish bank account number (CCC)", "AEB, norm 43").checked(),
    Format::new("es.iban", Kind::Bank, iban, "Spanish IBAN", "SWIFT IBAN registry and CCC").checked(),
    Format::new("es.cif", Kind::Tax, cif, "Spanish tax number of an entity (CIF)", "Order EHA/451/2008")
        .checked(),
    Format::new(
        "es.cups",
        Kind::Place,
        cups,
        "Spanish supply point code (CUPS)",
        "Resolution of the DGPEM, BOE",
    )
    .checked(),
    Format::new("es.dni", Kind::Person, dni, "Spanish identity number (DNI)", "Royal decree 1553/2005")
        .checked(),
    Format::new(
        "es.nie",
        Kind::Person,
        nie,
        "Spanish identity number of a foreigner (NIE)",
        "Order INT/2058/2008",
    )
    .checked(),
    Format::new("es.nif", Kind::Vat, nif, "Spanish tax and VAT number (NIF)", "Royal decree 1065/2007")
        .checked(),
    Format::new("es.nss", Kind::Person, nss, "Spanish social security number", "TGSS").checked(),
    Format::new(
        "es.postal_code",
        Kind::Place,
        postal_code,
        "Spanish postal code",
        "Correos; the province is verified",
    ),
    Format::new(
        "es.referenciacatastral",
        Kind::Place,
        cadastre,
        "Spanish cadastral reference",
        "Direccion General del Catastro",
    )
    .checked(),
];

/// The letter of a number by 23.
const LETTERS: &str = "TRWAGMYFPDXBNJZSQVHLCKE";

/// Families of activities: alcohol, spirits, beer, distillers and depots, extracts, fermented drinks, oil, electricity,
/// intermediate products, registered traders, plants and bottlers, receivers, tobacco, wine.
const ACTIVITIES: &[u8] = b"ABCDEFHLMOPRTV";

fn cae(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 13)?;
    component(n.starts_with(b"ES"))?;
    shape(n.part(2..5) == b"000" && n.part(5..7).is_digits() && n.part(7..9).is_alphanumeric())?;
    shape(n.part(9..12).is_digits() && n.part(12..).is_letters())?;
    // Offices of the provinces, and six of other towns.
    component((1..=56).contains(&n.part(5..7).number()) && ACTIVITIES.contains(&n.at(7)))
}

fn account(text: &str) -> Check {
    ccc(&digits(text, " -", 20..=20)?)
}

/// The check digits of the 20 digits of an account.
pub(crate) fn ccc(n: &[u8]) -> Check {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let check = |part: &[u8], weights: &[u32]| {
        let digit = 11 - part.weighted(weights) % 11;
        if digit < 10 { digit } else { 11 - digit }
    };
    let bank = check(n.part(..8), WEIGHTS.get(2..).unwrap_or_default());
    let number = check(n.part(10..), &WEIGHTS);
    checksum(bank == n.digit(8) && number == n.digit(9))
}

fn iban(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    component(n.starts_with(b"ES"))?;
    crate::validators::world::iban(text)
}

fn dni(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    is_dni(&n)
}

fn is_dni(n: &[u8]) -> Check {
    length(n.len() == 9)?;
    shape(n.part(..8).is_digits())?;
    checksum(letter(LETTERS, (n.part(..8).number() % 23) as u32) == n.at(8))
}

fn nie(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    is_nie(&n)
}

fn is_nie(n: &[u8]) -> Check {
    length(n.len() == 9)?;
    shape(n.part(1..8).is_digits())?;
    let first = place("XYZ", n.at(0)).ok_or(Invalid::Format)?;
    let number = u64::from(first) * 10_000_000 + n.part(1..8).number();
    checksum(letter(LETTERS, (number % 23) as u32) == n.at(8))
}

fn cif(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    is_cif(&n)
}

fn is_cif(n: &[u8]) -> Check {
    length(n.len() == 9)?;
    shape(n.part(1..8).is_digits() && b"ABCDEFGHJNPQRSUVW".contains(&n.at(0)))?;
    let digit = crate::validators::checksum::luhn_digit(n.part(1..8));
    let is_digit = n.digit(8) == digit && n.at(8).is_ascii_digit();
    let is_letter = letter("JABCDEFGHI", digit) == n.at(8);
    // Foreign and public bodies have a letter, companies a digit, the others either.
    checksum(match n.at(0) {
        b'N' | b'P' | b'Q' | b'R' | b'S' | b'W' => is_letter,
        b'A' | b'B' | b'E' | b'H' => is_digit,
        _ => is_letter || is_digit,
    })
}

pub(super) fn nif(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let n = compact.without(&["ES"]);
    length(n.len() == 9)?;
    shape(n.part(1..8).is_digits())?;
    match n.at(0) {
        // Minors, residents abroad and foreigners without another number.
        b'K' | b'L' | b'M' => checksum(letter(LETTERS, (n.part(1..8).number() % 23) as u32) == n.at(8)),
        b'0'..=b'9' => is_dni(n),
        b'X' | b'Y' | b'Z' => is_nie(n),
        _ => is_cif(n),
    }
}

fn nss(text: &str) -> Check {
    let n = digits(text, " -/", 11..=12)?;
    component(province(n.part(..2)) || listed("53 66", n.part(..2)))?;
    let (body, check) = (n.part(2..n.len() - 2), n.part(n.len() - 2..));
    let number = body.number();
    // A short number stands beside the province without a zero between them.
    let region = n.part(..2).number();
    let joined =
        if number < 10_000_000 { region * 10_000_000 + number } else { n.part(..n.len() - 2).number() };
    checksum(joined % 97 == check.number())
}

fn province(digits: &[u8]) -> bool {
    (1..=52).contains(&digits.number())
}

fn postal_code(text: &str) -> Check {
    let n = digits(text, " ", 5..=5)?;
    component(province(n.part(..2)))
}

fn cups(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(matches!(n.len(), 20 | 22))?;
    component(n.starts_with(b"ES"))?;
    shape(n.part(2..18).is_digits() && n.part(18..20).is_letters())?;
    if n.len() == 22 {
        // Which of the metering points, and of what kind it is.
        shape(n.part(20..21).is_digits() && b"FPRCXYZ".contains(&n.at(21)))?;
    }
    let rest = (n.part(2..18).number() % 529) as u32;
    checksum(letter(LETTERS, rest / 23) == n.at(18) && letter(LETTERS, rest % 23) == n.at(19))
}

/// The value of a character of a cadastral reference: digits as they are, letters from 1 on, with N-tilde after N.
fn cadastral(character: u8) -> Option<u32> {
    match character {
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        b'A'..=b'N' => Some(u32::from(character - b'A') + 1),
        0xD1 => Some(15),
        b'O'..=b'Z' => Some(u32::from(character - b'A') + 2),
        _ => None,
    }
}

fn cadastre(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 20)?;
    shape(n.iter().all(|character| cadastral(*character).is_some()))?;
    const WEIGHTS: [u32; 11] = [13, 15, 12, 5, 4, 17, 9, 21, 3, 7, 1];
    let check = |half: &[u8]| {
        let characters = half.iter().chain(n.part(14..18));
        let sum: u32 =
            characters.zip(WEIGHTS).map(|(one, weight)| cadastral(*one).unwrap_or(0) * weight).sum();
        letter("MQWERTYUIOPASDFGHJKLBZX", sum % 23)
    };
    checksum(check(n.part(..7)) == n.at(18) && check(n.part(7..14)) == n.at(19))
}
