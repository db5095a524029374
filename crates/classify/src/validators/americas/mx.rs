//! Mexico.

use crate::validators::checksum::complement;
use crate::validators::date::{date, date_of_unknown_century, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("mx.curp", Kind::Person, curp, "Mexican population register key (CURP)", "RENAPO, DOF 2021")
        .checked()
        .dated(),
    Format::new(
        "mx.rfc",
        Kind::Tax,
        rfc,
        "Mexican taxpayer key (RFC)",
        "SAT; its check character may be another's",
    )
    .dated(),
    Format::new("mx.clabe", Kind::Bank, clabe, "Mexican bank account key (CLABE)", "ABM").checked(),
    Format::new("mx.nss", Kind::Person, nss, "Mexican social security number (NSS)", "IMSS").checked(),
];

/// The 32 states, and those born abroad.
const STATES: &str =
    "AS BC BS CC CH CL CM CS DF DG GR GT HG JC MC MN MS NE NL NT OC PL QR QT SL SP SR TC TL TS VZ YN ZS";

/// Four letters that must not come out of a name.
const INCONVENIENT: &str = "BACA BAKA BUEI BUEY CACA CACO CAGA CAGO CAKA CAKO COGE COGI COJA COJE COJI COJO COLA CULO \
FALO FETO GETA GUEI GUEY JETA JOTO KACA KACO KAGA KAGO KAKA KAKO KOGE KOGI KOJA KOJE KOJI KOJO KOLA KULO LILO LOCA \
LOCO LOKA LOKO MAME MAMO MEAR MEAS MEON MIAR MION MOCO MOKO MULA MULO NACA NACO PEDA PEDO PENE PIPI PITO POPO PUTA \
PUTO QULO RATA ROBA ROBE ROBO RUIN SENO TETA VACA VAGA VAGO VAKA VUEI VUEY WUEI WUEY";

fn curp(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 18)?;
    shape(n.part(..4).iter().all(|one| one.is_ascii_uppercase() || *one == 0xD1))?;
    shape(n.part(10..16).iter().all(|one| one.is_ascii_uppercase() || *one == 0xD1))?;
    shape(n.part(16..17).is_alphanumeric() && n.part(17..).is_digits())?;
    component(!listed(INCONVENIENT, n.part(..4)))?;
    component(matches!(n.at(10), b'H' | b'M' | b'X') && listed(STATES, n.part(11..13)))?;
    let (year, month, day) = triple(&n, 4)?;
    // A digit before the last stands for the 20th century, a letter for the 21st.
    date(if n.at(16).is_ascii_digit() { 1900 } else { 2000 } + year, month, day)?;
    let products = n.iter().zip((2..=18).rev());
    let sum: u32 = products.map(|(character, weight)| curp_value(*character) * weight).sum();
    checksum(complement(sum, 10) == n.digit(17))
}

/// N-tilde stands between N and O.
fn curp_value(character: u8) -> u32 {
    match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A'..=b'N' => u32::from(character - b'A') + 10,
        0xD1 => 24,
        b'O'..=b'Z' => u32::from(character - b'A') + 11,
        _ => 0,
    }
}

fn rfc(text: &str) -> Check {
    let n = Compact::new(text, " -_")?;
    let letters = match n.len() {
        // A person with and without the three characters that tell namesakes apart, and a company.
        10 | 13 => 4,
        12 => 3,
        _ => return Err(Invalid::Length),
    };
    let is_name = |one: &u8| one.is_ascii_uppercase() || *one == 0xD1 || (letters == 3 && *one == b'&');
    shape(n.part(..letters).iter().all(|one| is_name(one) || *one == b'&'))?;
    shape(n.part(letters..letters + 6).is_digits())?;
    component(letters == 3 || !listed(INCONVENIENT, n.part(..4)))?;
    let (year, month, day) = triple(&n, letters)?;
    date_of_unknown_century(year, month, day)?;
    let homonym = n.part(letters + 6..);
    shape(homonym.is_empty() || homonym.is_alphanumeric())?;
    shape(homonym.is_empty() || homonym.at(2).is_ascii_digit() || homonym.at(2) == b'A')
}

fn clabe(text: &str) -> Check {
    let n = digits(text, " -", 18..=18)?;
    let sum: u32 = n
        .body()
        .iter()
        .zip([3, 7, 1].into_iter().cycle())
        .map(|(one, weight)| u32::from(one - b'0') * weight % 10)
        .sum();
    checksum(complement(sum, 10) == n.digit(17))
}

fn nss(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    checksum(crate::validators::checksum::luhn(&n))
}
