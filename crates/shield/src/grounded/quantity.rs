//! Numbers, with their units, months and days of the week.

use super::language::Language;
use super::text::{Kind, Token};

/// A number and what it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    /// Nothing where none is written beside it.
    pub(super) unit: Option<String>,
    /// Said to be approximate.
    pub(super) about: bool,
}

impl Quantity {
    fn plain(value: f64) -> Quantity {
        Quantity { value, unit: None, about: false }
    }

    fn of(value: f64, unit: &str) -> Quantity {
        Quantity { value, unit: Some(unit.to_owned()), about: false }
    }

    /// Whether a source that says `source` supports this.
    pub(super) fn agrees(&self, source: &Quantity) -> bool {
        let units = match (&self.unit, &source.unit) {
            (Some(left), Some(right)) => left == right,
            (Some(unit), None) | (None, Some(unit)) => {
                !matches!(unit.as_str(), "month of year" | "weekday" | "time")
            }
            (None, None) => true,
        };
        let slack = if self.about || source.about { 0.06 } else { 1e-9 };
        units && (self.value - source.value).abs() <= slack * self.value.abs().max(source.value.abs())
    }
}

/// In minutes.
const HALF_A_DAY: f64 = 720.0;

/// Whether `word` is written in digits.
pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|character: char| character.is_ascii_digit())
        && word.chars().all(|character| character.is_ascii_digit() || matches!(character, '.' | ','))
}

/// The number that a folded word says.
pub(super) fn read_number(word: &str, language: &Language) -> Option<Quantity> {
    if let Some(value) = language.numbers.get(word) {
        return Some(Quantity::plain(*value));
    }
    if let Some((tens, ones)) = word.split_once('-') {
        let (tens, ones) = (language.numbers.get(tens), language.numbers.get(ones));
        if let (Some(tens), Some(ones)) = (tens, ones) {
            return Some(Quantity::plain(tens + ones));
        }
    }
    if !word.starts_with(|character: char| character.is_ascii_digit()) || word.len() > 24 {
        return None;
    }
    if let Some((hours, minutes)) = word.split_once(':') {
        return clock(hours, minutes);
    }
    let digits = word.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let ending = word.get(digits.len()..).unwrap_or_default();
    let value = decimal(digits, language.decimal_comma)?;
    match ending {
        "" | "st" | "nd" | "rd" | "th" | "er" | "e" | "eme" | "s" => Some(Quantity::plain(value)),
        "k" => Some(Quantity::plain(value * 1e3)),
        "bn" => Some(Quantity::plain(value * 1e9)),
        "am" => Some(Quantity::of(value % 12.0 * 60.0, "time")),
        "pm" => Some(Quantity::of((value % 12.0 + 12.0) * 60.0, "time")),
        "h" => Some(Quantity::of(value * 60.0, "time")),
        _ => language.units.get(ending).map(|unit| Quantity::of(value, unit)),
    }
}

fn clock(hours: &str, minutes: &str) -> Option<Quantity> {
    let digits = minutes.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let (hours, minutes_value): (u32, u32) = (hours.parse().ok()?, digits.parse().ok()?);
    let afternoon = if minutes.ends_with("pm") && hours < 12 { 12 } else { 0 };
    (hours < 25 && minutes_value < 60)
        .then(|| Quantity::of(f64::from((hours + afternoon) * 60 + minutes_value), "time"))
}

/// Digits with separators of thousands and of decimals.
fn decimal(digits: &str, decimal_comma: bool) -> Option<f64> {
    let (thousands, point) = if decimal_comma { ('.', ',') } else { (',', '.') };
    // A list such as `1,2` is no number.
    let grouped = digits.split(point).next()?.split(thousands).skip(1).all(|group| group.len() == 3);
    let plain: String = digits.chars().filter(|character| *character != thousands).collect();
    let plain = plain.replace(point, ".");
    match grouped {
        true => plain.parse().ok().filter(|value: &f64| value.is_finite()),
        // `3.5` in a text whose language writes `3,5`.
        false => digits.replace(',', ".").parse().ok(),
    }
}

/// Joins the numbers of a clause with what stands beside them: groups of thousands, scales, units, months.
pub(super) fn join(tokens: &mut [Token], language: &Language) {
    for index in 0..tokens.len() {
        day_or_month(tokens, index, language);
    }
    for index in 0..tokens.len() {
        scale_and_unit(tokens, index, language);
    }
}

fn word_at(tokens: &[Token], index: Option<usize>) -> &str {
    index.and_then(|index| tokens.get(index)).map_or("", |token| token.word.as_str())
}

fn is_quantity_at(tokens: &[Token], index: Option<usize>) -> bool {
    index.and_then(|index| tokens.get(index)).is_some_and(|token| matches!(token.kind, Kind::Quantity(_)))
}

fn day_or_month(tokens: &mut [Token], index: usize, language: &Language) {
    let word = word_at(tokens, Some(index));
    let is_beside_number =
        [index.checked_sub(1), Some(index + 1)].into_iter().any(|place| is_quantity_at(tokens, place));
    let is_before = language.month_before.contains(word_at(tokens, index.checked_sub(1)));
    let month = language.months.get(word).filter(|_| is_beside_number || is_before);
    let found = match (language.weekdays.get(word), month) {
        (Some(day), _) => Quantity::of(f64::from(*day), "weekday"),
        (None, Some(month)) => Quantity::of(f64::from(*month), "month of year"),
        (None, None) => return,
    };
    if let Some(token) = tokens.get_mut(index) {
        token.kind = Kind::Quantity(found);
    }
}

fn scale_and_unit(tokens: &mut [Token], index: usize, language: &Language) {
    let Some(Token { kind: Kind::Quantity(quantity), .. }) = tokens.get(index) else { return };
    let mut quantity = quantity.clone();
    match quantity.unit.as_deref() {
        Some("month of year" | "weekday") => return,
        Some("time") => {
            if quantity.value < HALF_A_DAY && matches!(word_at(tokens, Some(index + 1)), "pm" | "p.m") {
                quantity.value += HALF_A_DAY;
            }
            if let Some(token) = tokens.get_mut(index) {
                token.kind = Kind::Quantity(quantity);
            }
            return;
        }
        _ => {}
    }
    let mut next = index + 1;
    let mut taken = Vec::new();
    while let Some(scale) = language.scales.get(word_at(tokens, Some(next))) {
        quantity.value *= scale;
        taken.push(next);
        next += 1;
    }
    match word_at(tokens, Some(next)) {
        "am" | "a.m" if quantity.value <= 12.0 => {
            quantity = Quantity::of(quantity.value % 12.0 * 60.0, "time")
        }
        "pm" | "p.m" if quantity.value <= 12.0 => {
            quantity = Quantity::of((quantity.value % 12.0 + 12.0) * 60.0, "time")
        }
        "uhr" => quantity = Quantity::of(quantity.value * 60.0, "time"),
        "h" | "heures" | "horas" if quantity.value <= 24.0 => {
            quantity = Quantity::of(quantity.value * 60.0, "time")
        }
        after => match language.units.get(after) {
            Some(unit) => {
                quantity.unit = Some(unit.clone());
                taken.push(next);
            }
            // A currency stands before its number.
            None if quantity.unit.is_none() => {
                let before = word_at(tokens, index.checked_sub(1));
                let is_sign = before.chars().count() == 1;
                quantity.unit = language.units.get(before).filter(|_| is_sign).cloned();
            }
            None => {}
        },
    }
    let before = [index.checked_sub(1), index.checked_sub(2)];
    quantity.about |= before.into_iter().any(|place| language.about.contains(word_at(tokens, place)));
    for place in taken {
        if let Some(token) = tokens.get_mut(place) {
            token.kind = Kind::Function;
        }
    }
    if let Some(token) = tokens.get_mut(index) {
        token.kind = Kind::Quantity(quantity);
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::languages;
    use super::*;

    #[test]
    fn numbers_are_read() {
        let (english, german) = (&languages()[0], &languages()[1]);
        for (word, language, value) in [
            ("1,234.5", english, 1234.5),
            ("1.234,5", german, 1234.5),
            ("twenty-one", english, 21.0),
            ("zwolf", german, 12.0),
            ("3rd", english, 3.0),
            ("12k", english, 12_000.0),
            ("10:30", english, 630.0),
            ("3pm", english, 900.0),
        ] {
            assert_eq!(read_number(word, language).map(|number| number.value), Some(value), "{word}");
        }
        assert!(read_number("a320", english).is_none());
        assert!(read_number("3x", english).is_none());
    }
}
