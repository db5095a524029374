//! Checks by name that are no number formats.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::check::names::{name_case, several_words};
use crate::check::phone::phone;

type Function = fn(&str) -> bool;

/// Every check with its name.
pub(super) const ALL: [(&str, Function); 12] = [
    ("jwt", jwt),
    ("github-token", github_token),
    ("ipv6", ipv6),
    ("ipv4", ipv4),
    ("es-nif-letter", es_nif_letter),
    ("ph-tin", ph_tin),
    ("fi-hetu", fi_hetu),
    ("icao-check-digit", icao_check_digit),
    ("ipv6-any", ipv6_any),
    ("phone", phone),
    ("several-words", several_words),
    ("name-case", name_case),
];

/// RFC 7519: the first part is the base64url of a JSON object with `alg`.
fn jwt(text: &str) -> bool {
    let header = text.split('.').next().unwrap_or_default();
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(header) else { return false };
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else { return false };
    value.get("alg").is_some_and(serde_json::Value::is_string)
}

/// GitHub's tokens end with the CRC-32 of their random part, as six digits to the base 62.
fn github_token(text: &str) -> bool {
    let Some((_, body)) = text.split_once('_') else { return false };
    let Some((random, check)) = body.len().checked_sub(6).and_then(|at| body.split_at_checked(at)) else {
        return false;
    };
    let mut number = crc32(random.as_bytes());
    check.bytes().rev().all(|byte| {
        let digit =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".get(number as usize % 62);
        number /= 62;
        digit == Some(&byte)
    }) && number == 0
}

/// CRC-32 as in ISO-HDLC: reflected, polynomial 0x04C11DB7.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| {
            (state >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(state & 1))
        })
    })
}

/// The letter behind the digits of a Spanish identity number says what they leave when divided by 23. `es.dni` wants
/// all eight digits; people leave out a zero at the beginning.
fn es_nif_letter(text: &str) -> bool {
    let Some(letter) = text.chars().next_back() else { return false };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let Ok(number) = digits.parse::<usize>() else { return false };
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(number % 23).map(|byte| char::from(*byte))
        == Some(letter.to_ascii_uppercase())
}

/// The ninth digit of a Philippine taxpayer number is the weighted sum of the eight before it, modulo 11; branch codes
/// that follow have no part in it.
fn ph_tin(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).take(9).collect();
    let Some((check, body)) = digits.split_last() else { return false };
    let sum: u32 = body.iter().zip((2..=9).rev()).map(|(digit, weight)| digit * weight).sum();
    digits.len() == 9 && sum % 11 == *check && sum != 0
}

/// The check character of a Finnish identity code: all digits as one number, modulo 31. `fi.hetu` also refuses the
/// individual numbers from 900 on, which stand for people who have no code yet.
fn fi_hetu(text: &str) -> bool {
    let (Some(day), Some(individual), Some(check)) = (text.get(..6), text.get(7..10), text.get(10..)) else {
        return false;
    };
    let Ok(number) = format!("{day}{individual}").parse::<usize>() else { return false };
    let expected = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(number % 31).copied().unwrap_or_default();
    individual != "000"
        && individual != "001"
        && check.eq_ignore_ascii_case(&char::from(expected).to_string())
}

/// ICAO 9303 part 3, section 4.9: weights 7, 3, 1 over digits and letters (A is 10), modulo 10.
fn icao_check_digit(text: &str) -> bool {
    let values = text.chars().map(|character| character.to_digit(36)).collect::<Option<Vec<u32>>>();
    let Some(values) = values else { return false };
    let Some((check, body)) = values.split_last() else { return false };
    let sum: u32 = body.iter().zip([7, 3, 1].iter().cycle()).map(|(value, weight)| value * weight).sum();
    !body.is_empty() && body.len() < 64 && sum % 10 == *check
}

fn ipv6(text: &str) -> bool {
    ipv6_address(text).is_some_and(|address| !address.is_loopback() && !address.is_unspecified())
}

/// Any address, `::1` and `::` too.
fn ipv6_any(text: &str) -> bool {
    ipv6_address(text).is_some()
}

/// The address before the name of an interface and the length of a prefix, in this order (RFC 4007, section 11.7).
fn ipv6_address(text: &str) -> Option<std::net::Ipv6Addr> {
    let (text, length) = text.split_once('/').unwrap_or((text, "0"));
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    let fits = length.parse::<u8>().is_ok_and(|length| length <= 128) && !zone.is_empty();
    address.parse().ok().filter(|_| fits)
}

fn ipv4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{crc32, es_nif_letter, fi_hetu, github_token, icao_check_digit, ipv6, jwt, ph_tin};

    #[test]
    fn checksums() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(
            !github_token("ghp_short")
                && !github_token("ghp")
                && !github_token("ghp_\u{e9}\u{e9}\u{e9}\u{e9}")
        );
    }

    #[test]
    fn numbers() {
        assert!(es_nif_letter("12345678Z") && es_nif_letter("1111111-g") && !es_nif_letter("12345678A"));
        assert!(!es_nif_letter("") && !es_nif_letter("Z") && !es_nif_letter("99999999999999999999999Z"));
        assert!(ph_tin("000-123-456-000") && ph_tin("000123456"));
        assert!(!ph_tin("000-123-457-000") && !ph_tin("600-000-000") && !ph_tin("") && !ph_tin("0000"));
        assert!(fi_hetu("131052-308T") && fi_hetu("010594y9032") && !fi_hetu("131052-308U"));
        assert!(!fi_hetu("") && !fi_hetu("131052-308") && !fi_hetu("13105\u{e9}-308T"));
        // The document number of the specimen in ICAO 9303 part 4.
        assert!(icao_check_digit("L898902C36") && !icao_check_digit("L898902C37"));
        assert!(!icao_check_digit("") && !icao_check_digit("7") && !icao_check_digit("L898902C\u{e9}"));
    }

    #[test]
    fn forms() {
        assert!(jwt("eyJhbGciOiJub25lIn0.e30.") && !jwt("eyJ.e30.") && !jwt(""));
        assert!(ipv6("2001:db8::1") && !ipv6("::1") && !ipv6("1::2::3"));
        assert!(ipv6("fe80::1%eth0/64") && ipv6("2001:db8::/32"));
        assert!(!ipv6("2001:db8::/129") && !ipv6("2001:db8::/") && !ipv6("fe80::1%"));
    }
}
