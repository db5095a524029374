//! France and Monaco.

use crate::validators::checksum::luhn;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new("fr.accise", Kind::Tax, accise, "French excise number", "DGDDI"),
    Format::new("fr.nif", Kind::Tax, nif, "French tax number (numero fiscal, SPI)", "OECD TIN sheet France")
        .checked(),
    Format::new("fr.nir", Kind::Person, nir, "French social security number (NIR)", "INSEE").checked(),
    Format::new("fr.rcs", Kind::Company, rcs, "French trade register entry (RCS)", "Infogreffe").checked(),
    Format::new("fr.siren", Kind::Company, siren, "French company number (SIREN)", "INSEE").checked(),
    Format::new("fr.siret", Kind::Company, siret, "French establishment number (SIRET)", "INSEE").checked(),
    Format::new("fr.tva", Kind::Vat, tva, "French VAT number", "BOFiP; VIES").checked(),
    Format::new("fr.rib", Kind::Bank, rib, "French bank account number (RIB)", "CFONB").checked(),
    Format::new("mc.tva", Kind::Vat, mc_tva, "Monegasque VAT number", "VIES").checked(),
];

fn accise(text: &str) -> Check {
    accise_shape(&Compact::new(text, " -")?)
}

/// `FR`, the office, the warehouse, a letter for the kind of trader and a number.
pub(super) fn accise_shape(n: &[u8]) -> Check {
    length(n.len() == 13)?;
    component(n.starts_with(b"FR"))?;
    shape(n.part(2..8).is_digits() && n.part(8..9).is_letters() && n.part(9..).is_digits())
}

fn nif(text: &str) -> Check {
    let n = digits(text, " ", 13..=13)?;
    component(n.at(0) <= b'3')?;
    checksum(n.part(..10).number() % 511 == n.part(10..).number())
}

fn nir(text: &str) -> Check {
    let n = Compact::new(text, " .")?;
    length(n.len() == 15)?;
    // The two Corsican departments are the only letters.
    let department = n.part(5..7);
    let standing = match department {
        b"2A" => 19,
        b"2B" => 18,
        _ => department.number(),
    };
    shape(n.part(..5).is_digits() && n.part(7..).is_digits())?;
    shape(department.is_digits() || matches!(department, b"2A" | b"2B"))?;
    let number = n.part(..5).number() * 100_000_000 + standing * 1_000_000 + n.part(7..13).number();
    checksum(97 - number % 97 == n.part(13..).number())
}

fn siren(text: &str) -> Check {
    let n = digits(text, " .", 9..=9)?;
    checksum(luhn(&n))
}

fn siret(text: &str) -> Check {
    let n = digits(text, " .", 14..=14)?;
    checksum(luhn(n.part(..9)))?;
    // The post office has more establishments than Luhn leaves room for.
    let is_post = n.starts_with(b"356000000") && n.digit_sum() % 5 == 0;
    checksum(is_post || luhn(&n))
}

fn rcs(text: &str) -> Check {
    let rest = strip_word(text.trim(), "RCS").ok_or(Invalid::Format)?;
    // The town, the letter A (a person) or B (a company), and the SIREN.
    let start = rest.find(|character: char| character.is_ascii_digit()).ok_or(Invalid::Format)?;
    let (town, number) = rest.split_at_checked(start).ok_or(Invalid::Format)?;
    let mut names = town.split_whitespace().rev();
    shape(matches!(names.next(), Some("A" | "B" | "a" | "b")))?;
    let is_name =
        |name: &str| name.chars().all(|character| character.is_alphabetic() || "-'.".contains(character));
    length(town.len() <= super::super::LONGEST)?;
    shape(names.clone().next().is_some() && names.all(is_name))?;
    siren(number)
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

/// The letters of the second kind of key: no I and no O.
const KEYS: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

pub(super) fn tva(text: &str) -> Check {
    let compact = Compact::new(text, " -./,")?;
    let n = compact.without(&["FR"]);
    length(n.len() == 11)?;
    let (key, number) = (n.part(..2), n.part(2..));
    shape(number.is_digits())?;
    // Numbers of Monaco begin with zeros and are no SIREN.
    if !number.starts_with(b"000") {
        checksum(luhn(number))?;
    }
    is_key(key, number)
}

fn is_key(key: &[u8], number: &[u8]) -> Check {
    if key.is_digits() {
        return checksum((number.number() * 100 + 12) % 97 == key.number());
    }
    let first = place(KEYS, key.at(0)).ok_or(Invalid::Format)?;
    let second = place(KEYS, key.at(1)).ok_or(Invalid::Format)?;
    let code = if first < 10 { first * 24 + second - 10 } else { first * 34 + second - 100 };
    checksum((number.number() + 1 + u64::from(code / 11)) % 11 == u64::from(code % 11))
}

fn mc_tva(text: &str) -> Check {
    let compact = Compact::new(text, " -./,")?;
    component(compact.without(&["FR"]).part(2..5) == b"000")?;
    tva(text)
}

/// The value of a letter in an account number.
fn account_digit(character: u8) -> Option<u64> {
    let digit = place("123456789", character).map(|index| index + 1);
    let letters = [b"ABCDEFGHI", b"JKLMNOPQR", b"0STUVWXYZ"];
    let group = |group: &&[u8; 9]| group.iter().position(|letter| *letter == character && character != b'0');
    let from_letter = letters.iter().find_map(group).map(|index| index as u64 + 1);
    if character == b'0' { Some(0) } else { digit.map(u64::from).or(from_letter) }
}

fn rib(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    rib_key(&n)
}

/// The key of the 23 characters of an account: bank, branch, account, key.
fn rib_key(n: &[u8]) -> Check {
    length(n.len() == 23)?;
    shape(n.part(..10).is_digits() && n.part(21..).is_digits())?;
    let mut rest = 0;
    for character in n {
        rest = (rest * 10 + account_digit(*character).ok_or(Invalid::Format)?) % 97;
    }
    checksum(rest == 0)
}
