//! Encryption that keeps the form of a value: digits stay digits, letters stay letters of their case, and everything
//! else stays as it is.
//!
//! The cipher is FF1 of NIST SP 800-38G with AES-256. Where all characters to be replaced are digits, it is FF1 with
//! radix 10. Where they are of several kinds, the value is ranked among all values of its form, the rank is encrypted as
//! a string of bits, again and again until the result is a rank once more (*cycle walking*, at most two rounds on
//! average), and that is written in the form of the value.

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};
use num_bigint::BigUint;
use zeroize::Zeroizing;

/// Least number of values that a form must have: below it, a table of all of them is quickly made (SP 800-38G
/// revision 1).
const SMALLEST_DOMAIN: u32 = 1_000_000;
/// Most characters that are replaced in a value.
const MOST_CHARACTERS: usize = 128;
/// Most rounds of cycle walking. Each ends it with a chance of more than a half.
const MOST_ROUNDS: usize = 4_096;

/// Check digits that a token is given anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CheckDigits {
    /// The type has none that are known here.
    #[default]
    None,
    /// The last digit by Luhn's formula (ISO/IEC 7812-1).
    Luhn,
    /// The two digits behind the country of an IBAN (ISO 13616); the country is kept.
    Iban,
}

/// How a token that keeps the form was made. It is needed to read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Format {
    /// Check digits that were made anew.
    pub check: CheckDigits,
    /// Whether they are wrong on purpose, so that nothing takes the token for a real value.
    pub invalid: bool,
    /// How many letters and digits at the beginning were kept.
    pub keep_first: u8,
}

/// Why a value has no token of its form, or a token no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Letters beyond ASCII, or too many characters.
    #[error("the value has letters beyond ASCII or more than 128 letters and digits")]
    Characters,
    /// There are too few values of this form.
    #[error("fewer than 1000000 values have this form")]
    Domain,
    /// The check digits are not those of the value.
    #[error("the check digits are wrong")]
    Check,
    /// The cipher refused.
    #[error("the value cannot be encrypted in its form")]
    Cipher,
}

/// Replaces a value by one of the same form.
pub(crate) fn encrypt(
    key: &[u8; 32],
    tweak: &[u8],
    value: &str,
    format: Format,
) -> Result<String, FormatError> {
    let mut form = Form::read(value, format, false)?;
    form.walk(key, tweak, true)?;
    form.write_check(format.invalid)?;
    Ok(form.text())
}

/// The value of a token that [`encrypt`] made with the same key, tweak and format.
pub(crate) fn decrypt(
    key: &[u8; 32],
    tweak: &[u8],
    token: &str,
    format: Format,
) -> Result<Zeroizing<String>, FormatError> {
    let mut form = Form::read(token, format, format.invalid)?;
    form.walk(key, tweak, false)?;
    form.write_check(false)?;
    Ok(Zeroizing::new(form.text()))
}

/// A value with the places that are replaced.
struct Form {
    text: Zeroizing<Vec<u8>>,
    /// Places of all letters and digits.
    places: Vec<usize>,
    /// The part of `places` that is encrypted.
    open: std::ops::Range<usize>,
    check: CheckDigits,
}

impl Form {
    /// Reads a value. Its check digits must be right, or as wrong as those of a token are.
    fn read(value: &str, format: Format, invalid: bool) -> Result<Form, FormatError> {
        let places: Vec<usize> = value
            .bytes()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_alphanumeric())
            .map(|(at, _)| at)
            .take(MOST_CHARACTERS + 1)
            .collect();
        if !value.is_ascii() || places.len() > MOST_CHARACTERS {
            return Err(FormatError::Characters);
        }
        let kept = usize::from(format.keep_first);
        let open = match format.check {
            CheckDigits::None => kept..places.len(),
            CheckDigits::Luhn => kept..places.len().saturating_sub(1),
            CheckDigits::Iban => kept.max(4)..places.len(),
        };
        let mut form =
            Form { text: Zeroizing::new(value.as_bytes().to_vec()), places, open, check: format.check };
        let before = form.text.clone();
        form.write_check(invalid)?;
        if *before != *form.text {
            return Err(FormatError::Check);
        }
        Ok(form)
    }

    fn text(&self) -> String {
        self.text.iter().map(|byte| char::from(*byte)).collect()
    }

    fn byte(&self, place: usize) -> u8 {
        self.places.get(place).and_then(|at| self.text.get(*at)).copied().unwrap_or(b'0')
    }

    fn set(&mut self, place: usize, byte: u8) {
        if let Some(target) = self.places.get(place).and_then(|at| self.text.get_mut(*at)) {
            *target = byte;
        }
    }

    /// Encrypts or decrypts what is open. What is kept before it becomes part of the tweak.
    fn walk(&mut self, key: &[u8; 32], tweak: &[u8], forwards: bool) -> Result<(), FormatError> {
        let radixes: Vec<u32> = self.open.clone().map(|place| kind(self.byte(place)).1).collect();
        let size = radixes.iter().fold(BigUint::from(1_u32), |size, radix| size * *radix);
        if size < BigUint::from(SMALLEST_DOMAIN) {
            return Err(FormatError::Domain);
        }
        let tweak = self.tweak(tweak);
        let numerals: Zeroizing<Vec<u32>> = Zeroizing::new(
            self.open.clone().map(|place| u32::from(self.byte(place) - kind(self.byte(place)).0)).collect(),
        );
        let numerals = if radixes.iter().all(|radix| *radix == 10) {
            let cipher = Cipher::new(key, 10)?;
            cipher.apply(&tweak, numerals.iter().map(|numeral| *numeral as u16).collect(), forwards)?
        } else {
            mixed(key, &tweak, (&radixes, &size), &numerals, forwards)?
        };
        for (place, numeral) in self.open.clone().zip(numerals) {
            let (first, _) = kind(self.byte(place));
            self.set(place, first + u8::try_from(numeral).unwrap_or(0));
        }
        Ok(())
    }

    fn tweak(&self, tweak: &[u8]) -> Vec<u8> {
        let mut whole = blake3::Hasher::new();
        whole.update(&(tweak.len() as u64).to_le_bytes());
        whole.update(tweak);
        // The check digits of an IBAN follow from the rest and differ between a value and its token.
        let check = if self.check == CheckDigits::Iban { 2..4 } else { 0..0 };
        let places = (0..self.open.start).filter(|place| !check.contains(place));
        let kept: Zeroizing<Vec<u8>> = Zeroizing::new(places.map(|place| self.byte(place)).collect());
        whole.update(&(kept.len() as u64).to_le_bytes());
        whole.update(&kept);
        whole.finalize().as_bytes().to_vec()
    }

    /// Writes check digits, right or wrong ones.
    fn write_check(&mut self, invalid: bool) -> Result<(), FormatError> {
        match self.check {
            CheckDigits::None => Ok(()),
            CheckDigits::Luhn => self.write_luhn(invalid),
            CheckDigits::Iban => self.write_iban(invalid),
        }
    }

    fn write_luhn(&mut self, invalid: bool) -> Result<(), FormatError> {
        let last = self.places.len().checked_sub(1).ok_or(FormatError::Domain)?;
        let mut sum = 0_u32;
        for (distance, place) in (0..last).rev().enumerate() {
            let byte = self.byte(place);
            if !byte.is_ascii_digit() {
                return Err(FormatError::Check);
            }
            let digit = u32::from(byte - b'0') * if distance % 2 == 0 { 2 } else { 1 };
            sum += digit / 10 + digit % 10;
        }
        let check = (10 - sum % 10 + u32::from(invalid)) % 10;
        self.set(last, b'0' + check as u8);
        Ok(())
    }

    fn write_iban(&mut self, invalid: bool) -> Result<(), FormatError> {
        let country = (0..2).all(|place| self.byte(place).is_ascii_uppercase());
        if self.places.len() < 5 || !country {
            return Err(FormatError::Check);
        }
        let order = (4..self.places.len()).chain(0..2).map(|place| self.byte(place));
        let rest = order.chain([b'0', b'0']).try_fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
            b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
            _ => None,
        });
        let right = 98 - rest.ok_or(FormatError::Check)?;
        // Right ones run from 02 to 98, and no two of these are the same by 97: the next one is wrong.
        let check = if invalid { if right == 98 { 2 } else { right + 1 } } else { right };
        self.set(2, b'0' + (check / 10) as u8);
        self.set(3, b'0' + (check % 10) as u8);
        Ok(())
    }
}

/// The first character of a kind, and how many it has.
fn kind(byte: u8) -> (u8, u32) {
    match byte {
        b'a'..=b'z' => (b'a', 26),
        b'A'..=b'Z' => (b'A', 26),
        _ => (b'0', 10),
    }
}

struct Cipher(FF1<Aes256>);

impl Cipher {
    fn new(key: &[u8; 32], radix: u32) -> Result<Cipher, FormatError> {
        FF1::new(key, radix).map(Cipher).map_err(|_| FormatError::Cipher)
    }

    fn apply(&self, tweak: &[u8], numerals: Vec<u16>, forwards: bool) -> Result<Vec<u32>, FormatError> {
        let input = FlexibleNumeralString::from(numerals);
        let output = if forwards { self.0.encrypt(tweak, &input) } else { self.0.decrypt(tweak, &input) };
        let output: Vec<u16> = output.map_err(|_| FormatError::Cipher)?.into();
        Ok(output.into_iter().map(u32::from).collect())
    }
}

/// Encrypts or decrypts numerals of several radixes by their rank among `size`.
fn mixed(
    key: &[u8; 32],
    tweak: &[u8],
    (radixes, size): (&[u32], &BigUint),
    numerals: &[u32],
    forwards: bool,
) -> Result<Vec<u32>, FormatError> {
    let cipher = Cipher::new(key, 2)?;
    let bits = (size - 1_u32).bits();
    let mut rank = radixes
        .iter()
        .zip(numerals)
        .fold(BigUint::from(0_u32), |rank, (radix, numeral)| rank * *radix + *numeral);
    for _ in 0..MOST_ROUNDS {
        let input = (0..bits).rev().map(|bit| u16::from(rank.bit(bit))).collect();
        let output = cipher.apply(tweak, input, forwards)?;
        rank = output.iter().fold(BigUint::from(0_u32), |rank, bit| rank * 2_u32 + *bit);
        if rank < *size {
            return Ok(unrank(rank, radixes));
        }
    }
    Err(FormatError::Cipher)
}

fn unrank(mut rank: BigUint, radixes: &[u32]) -> Vec<u32> {
    let mut numerals: Vec<u32> = radixes
        .iter()
        .rev()
        .map(|radix| {
            let numeral = (&rank % *radix).to_u32_digits().first().copied().unwrap_or(0);
            rank /= *radix;
            numeral
        })
        .collect();
    numerals.reverse();
    numerals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    /// NIST's examples of FF1 with AES-256: samples 7, 8 and 9.
    #[test]
    fn agrees_with_the_published_samples() {
        let key: [u8; 32] =
            bytes("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94").try_into().unwrap();
        let digits = "0123456789abcdefghijklmnopqrstuvwxyz";
        let numerals =
            |text: &str| -> Vec<u16> { text.chars().map(|it| digits.find(it).unwrap() as u16).collect() };
        for (radix, tweak, plain, expected) in [
            (10, "", "0123456789", "6657667009"),
            (10, "39383736353433323130", "0123456789", "1001623463"),
            (36, "3737373770717273373737", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
        ] {
            let cipher = Cipher::new(&key, radix).unwrap();
            let output = cipher.apply(&bytes(tweak), numerals(plain), true).unwrap();
            let text: String = output.iter().map(|it| digits.as_bytes()[*it as usize] as char).collect();
            assert_eq!(text, expected);
            let back = cipher.apply(&bytes(tweak), numerals(expected), false).unwrap();
            assert_eq!(back, numerals(plain).into_iter().map(u32::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn check_digits_are_right_or_wrong_as_asked() {
        let valid = |name: &str, text: &str| {
            let compact = text.replace([' ', '-'], "");
            crate::validators::validate(name, &compact) == Ok(Ok(()))
        };
        for (check, name, value) in [
            (CheckDigits::Luhn, "luhn", "4111-1111 1111 1111"),
            (CheckDigits::Iban, "iban", "DE89 3704 0044 0532 0130 00"),
            (CheckDigits::Iban, "iban", "GB82WEST12345698765432"),
        ] {
            for (invalid, salt) in
                [false, true].into_iter().flat_map(|it| (0..60_u8).map(move |salt| (it, salt)))
            {
                let format = Format { check, invalid, keep_first: 0 };
                let token = encrypt(&[7; 32], &[salt], value, format).unwrap();
                assert_eq!(valid(name, &token), !invalid, "{token}");
                assert_eq!(token.len(), value.len());
                assert_eq!(**decrypt(&[7; 32], &[salt], &token, format).unwrap(), *value);
                let other = Format { invalid: !invalid, ..format };
                assert_eq!(decrypt(&[7; 32], &[salt], &token, other), Err(FormatError::Check));
            }
        }
    }

    #[test]
    fn what_has_no_safe_form_is_refused() {
        let refused = |value: &str, check, expected| {
            let format = Format { check, ..Format::default() };
            assert_eq!(encrypt(&[7; 32], b"", value, format), Err(expected), "{value}");
        };
        refused("", CheckDigits::None, FormatError::Domain);
        refused("", CheckDigits::Luhn, FormatError::Domain);
        refused("99999", CheckDigits::None, FormatError::Domain);
        refused("abcd", CheckDigits::None, FormatError::Domain);
        refused("123455", CheckDigits::Luhn, FormatError::Domain);
        refused("Ren\u{e9} 1234567", CheckDigits::None, FormatError::Characters);
        refused(&"1".repeat(129), CheckDigits::None, FormatError::Characters);
        refused("4111111111111112", CheckDigits::Luhn, FormatError::Check);
        refused("DE00370400440532013000", CheckDigits::Iban, FormatError::Check);
        refused("DE", CheckDigits::Iban, FormatError::Check);
        assert!(encrypt(&[7; 32], b"", "123456", Format::default()).is_ok());
    }
}
