//! Columns: what the caller says of them and what their values were like.

use super::reading::{LONGEST, Normalisation, Value};

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) name: String,
    pub(super) normalisation: Normalisation,
    pub(super) primary: bool,
    pub(super) accepted: bool,
}

impl Column {
    /// A column whose values are searched for. They have to be hard to guess: identifiers, not dates.
    pub fn primary(name: &str, normalisation: Normalisation) -> Column {
        Column { name: name.to_owned(), normalisation, primary: true, accepted: false }
    }

    /// A column whose values only support a match of a primary value of the same row.
    pub fn secondary(name: &str, normalisation: Normalisation) -> Column {
        Column { primary: false, ..Column::primary(name, normalisation) }
    }

    /// Searches for the values although they are easy to guess for whoever gets the key *and* the index, and although
    /// they may stand in many texts by chance. The report still says so.
    #[must_use]
    pub fn accept_guessable(self) -> Column {
        Column { accepted: true, ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What does not matter in its values.
    pub fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// Whether its values are searched for.
    pub fn is_primary(&self) -> bool {
        self.primary
    }
}

/// What the values of a column can look like in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Most tokens of a value.
    pub(super) tokens: u8,
    /// Widest gap between two of them, in bytes.
    pub(super) gap: u8,
    /// Bit `n` says that a value has `n` characters in its normal form.
    pub(super) lengths: [u64; 4],
}

/// Tokens that a value is looked for in, at most: a longer value that has more is not kept.
const MOST_TOKENS: usize = 64;
/// Gaps that are looked over even where the table holds none so wide, in bytes.
const USUAL_GAP: u8 = 3;

impl Shape {
    pub(super) fn fits(value: &Value) -> bool {
        value.length <= LONGEST && value.tokens <= MOST_TOKENS && value.gap <= usize::from(u8::MAX)
    }

    pub(super) fn add(&mut self, value: &Value, normalisation: Normalisation) {
        // Where delimiters do not matter a text may group what the table does not, in groups of two and more.
        let groups =
            if normalisation.ignore_delimiters || normalisation.digits_only { value.length / 2 } else { 0 };
        let tokens = value.tokens.max(groups).min(MOST_TOKENS);
        self.tokens = self.tokens.max(u8::try_from(tokens).unwrap_or(u8::MAX));
        self.gap = self.gap.max(u8::try_from(value.gap).unwrap_or(u8::MAX)).max(USUAL_GAP);
        if let Some(word) = self.lengths.get_mut(value.length / 64) {
            *word |= 1 << (value.length % 64);
        }
    }

    pub(super) fn union(&mut self, other: Shape) {
        self.tokens = self.tokens.max(other.tokens);
        self.gap = self.gap.max(other.gap);
        for (word, more) in self.lengths.iter_mut().zip(other.lengths) {
            *word |= more;
        }
    }

    #[inline]
    pub(super) fn has_length(&self, length: usize) -> bool {
        self.lengths.get(length / 64).is_some_and(|word| word & (1 << (length % 64)) != 0)
    }

    pub(super) fn longest(&self) -> usize {
        (0..=LONGEST).rev().find(|length| self.has_length(*length)).unwrap_or(0)
    }
}

/// How hard the values of a column are to guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Guessing {
    /// Values that were seen.
    pub(super) values: u32,
    /// Those with fewer than [`ENOUGH_BITS`].
    pub(super) weak: u32,
    /// Those that look like dates.
    pub(super) dates: u32,
}

/// Why a column is a bad primary one: who has the key and the index finds its values by trying all there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guessable {
    /// Half of the values or more look like dates, of which a century has 36,525.
    Dates,
    /// Half of the values or more are so short that fewer than 2^26 such values exist: seven digits, five letters.
    Short,
    /// Fewer than half of the values differ from all others, as in a column of towns.
    Repeating,
}

/// Eight digits have 26.6 bits.
const ENOUGH_BITS: f64 = 26.0;
/// Values with fewer bits (four digits, three letters) are not searched for: they are in every text.
const FEWEST_BITS: f64 = 16.0;

impl Guessing {
    pub(super) fn add(&mut self, normal: &str) {
        self.values = self.values.saturating_add(1);
        self.weak = self.weak.saturating_add(u32::from(bits(normal) < ENOUGH_BITS));
        self.dates = self.dates.saturating_add(u32::from(is_date(normal)));
    }

    /// Judges a column of which `different` of `values` differ.
    pub(super) fn verdict(&self, different: usize, values: usize) -> Option<Guessable> {
        if self.values == 0 {
            return None;
        }
        if self.dates >= self.values.div_ceil(2) {
            return Some(Guessable::Dates);
        }
        if self.weak >= self.values.div_ceil(2) {
            return Some(Guessable::Short);
        }
        (different * 2 < values).then_some(Guessable::Repeating)
    }
}

/// Whether a value is long enough to be searched for at all.
pub(super) fn is_searchable(normal: &str) -> bool {
    bits(normal) >= FEWEST_BITS
}

/// An upper bound of what there is to guess in a value: each character as if it were drawn from its class.
fn bits(normal: &str) -> f64 {
    let of = |c: char| match c {
        '0'..='9' => std::f64::consts::LOG2_10,
        _ if c.is_ascii_alphabetic() => 4.7,
        _ if c.is_alphabetic() => 8.0,
        _ => 0.0,
    };
    normal.chars().map(of).sum()
}

/// Eight digits, or three numbers with something between them, that a calendar has.
fn is_date(normal: &str) -> bool {
    let numbers: Vec<&str> =
        normal.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let plain = normal.chars().all(|c| !c.is_alphabetic());
    match numbers.as_slice() {
        _ if !plain => false,
        [a, b, c] => is_day(a, b, c) || is_day(b, a, c) || is_day(c, b, a),
        [digits] if digits.len() == 8 => {
            let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
            is_day(part(0, 2), part(2, 4), part(4, 8))
                || is_day(part(2, 4), part(0, 2), part(4, 8))
                || is_day(part(6, 8), part(4, 6), part(0, 4))
        }
        _ => false,
    }
}

fn is_day(day: &str, month: &str, year: &str) -> bool {
    let number =
        |text: &str, longest: usize| (text.len() <= longest).then(|| text.parse::<u16>().ok()).flatten();
    let within = |number: Option<u16>, lowest: u16, highest: u16| {
        number.is_some_and(|number| (lowest..=highest).contains(&number))
    };
    let year_fits =
        if year.len() == 2 { within(number(year, 2), 0, 99) } else { within(number(year, 4), 1800, 2199) };
    within(number(day, 2), 1, 31) && within(number(month, 2), 1, 12) && year_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expected: Option<Guessable>) {
        let mut guessing = Guessing::default();
        values.iter().for_each(|value| guessing.add(value));
        assert_eq!(guessing.verdict(values.len(), values.len()), expected, "{values:?}");
    }

    #[test]
    fn guessable_columns() {
        check(&["1984-02-11", "11.02.1984", "2/11/84"], Some(Guessable::Dates));
        check(&["19840211", "20011231"], Some(Guessable::Dates));
        check(&["1234567", "42"], Some(Guessable::Short));
        check(&["anna", "bert"], Some(Guessable::Short));
        check(&["4111111111111111", "536904399"], None);
        check(&["a.smith@example.com"], None);
        check(&[], None);
    }
}
