//! What a match has to pass beyond its expression.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rule::Expressions;

/// One test on a match. Where an expression has the group `value`, tests see that group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// A check in code, by name: `luhn`, `iban`, `us.ssn`.
    Named(Arc<str>),
    /// A weighted sum of digits.
    Modulus(Modulus),
    /// The digits of the match, from `offset` digits on, are a day of the calendar.
    Date {
        /// How the day is written.
        format: DateFormat,
        /// Digits to skip first.
        offset: u8,
    },
    /// Shannon entropy over the match's bytes, in bits a byte, is at least this, in hundredths: 350 is 3.5 bits.
    Entropy(u16),
    /// At least `min` of these classes occur: lower case, upper case, digits, other characters.
    Mix {
        /// Of the four classes, those that count: lower, upper, digit, other.
        classes: [bool; 4],
        /// How many of them must occur.
        min: u8,
    },
    /// The match is no example, mask, variable or repeated filler.
    NotPlaceholder,
    /// The match is none of these, without regard to ASCII case.
    Not(Vec<Arc<str>>),
    /// The match does (or does not) begin or end with one of these, without regard to ASCII case.
    Edge {
        /// Start or end.
        side: Side,
        /// Whether one of them must be there; otherwise none may.
        required: bool,
        /// The texts.
        texts: Vec<Arc<str>>,
    },
    /// Right before or after the match stands (or does not stand) one of these, without regard to ASCII case; up to
    /// three blanks may stand between.
    Beside {
        /// Before or after.
        side: Side,
        /// Whether one of them must be there; otherwise none may.
        required: bool,
        /// The texts.
        texts: Vec<Arc<str>>,
    },
    /// The match's letters and digits are not all the same one.
    NotRepeated,
    /// None of these expressions matches anywhere in the value, or in the match that gave it.
    NotMatching {
        /// Where to look.
        target: Target,
        /// What may not match.
        expressions: Arc<Expressions>,
    },
}

impl Check {
    /// What explanations call the check.
    pub fn name(&self) -> &str {
        match self {
            Check::Named(name) => name,
            Check::Modulus(_) => "modulus",
            Check::Date { .. } => "date",
            Check::Entropy(_) => "entropy",
            Check::Mix { .. } => "mix",
            Check::NotPlaceholder => "not-placeholder",
            Check::Not(_) => "not",
            Check::Edge { side: Side::Start, required: true, .. } => "starts",
            Check::Edge { side: Side::Start, .. } => "not-starts",
            Check::Edge { required: true, .. } => "ends",
            Check::Edge { .. } => "not-ends",
            Check::Beside { side: Side::Start, required: true, .. } => "before",
            Check::Beside { side: Side::Start, .. } => "not-before",
            Check::Beside { required: true, .. } => "after",
            Check::Beside { .. } => "not-after",
            Check::NotRepeated => "not-repeated",
            Check::NotMatching { .. } => "not-matches",
        }
    }
}

/// What expressions of a check are tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// What is found: the group `value`, where there is one.
    Value,
    /// The whole match.
    Match,
}

impl Target {
    /// Every target with its name.
    pub const ALL: [(Target, &'static str); 2] = [(Target::Value, "value"), (Target::Match, "match")];
}

/// A side of the match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Its start, or what stands before it.
    Start,
    /// Its end, or what stands after it.
    End,
}

/// A check digit: the weighted sum of the match's other digits, modulo `modulus`, equals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modulus {
    /// One weight for each digit but the check digit. They start again where there are more digits than weights.
    pub weights: Vec<i32>,
    /// What the sum is divided by, at least 2.
    pub modulus: u32,
    /// Which digit is the check digit.
    pub position: Position,
    /// Whether the check digit is what lacks to the next multiple of the modulus, rather than the remainder.
    pub complement: bool,
}

/// Which of a match's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// Counted from the first, which is 0.
    FromStart(u8),
    /// The last one.
    Last,
}

/// Order and length of a written day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateFormat {
    /// 19850512
    Yyyymmdd,
    /// 12051985
    Ddmmyyyy,
    /// 05121985
    Mmddyyyy,
    /// 850512; any century
    Yymmdd,
    /// 120585; any century
    Ddmmyy,
    /// 051285; any century
    Mmddyy,
}

impl DateFormat {
    /// Every format with its name.
    pub const ALL: [(DateFormat, &'static str); 6] = [
        (DateFormat::Yyyymmdd, "yyyymmdd"),
        (DateFormat::Ddmmyyyy, "ddmmyyyy"),
        (DateFormat::Mmddyyyy, "mmddyyyy"),
        (DateFormat::Yymmdd, "yymmdd"),
        (DateFormat::Ddmmyy, "ddmmyy"),
        (DateFormat::Mmddyy, "mmddyy"),
    ];
}
