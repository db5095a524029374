//! The language of STIX patterns, read wholly and written back.
//!
//! Source: OASIS STIX 2.1, section 9, "STIX Patterning", and its grammar. Words of the language are taken in any case,
//! since patterns of STIX 2.0 tools have them in lower case; they are written in upper case.

mod lexer;
mod literal;
mod parser;
mod print;

pub use literal::Literal;
pub use parser::{MAX_DEPTH, MAX_LENGTH, MAX_TESTS};

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What has to be observed.
    pub observation: Observation,
}

/// What has to be observed. `And`, `Or` and `FollowedBy` have two parts at least.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// One observation for which a comparison holds: `[...]`.
    Of(Comparison),
    /// All of them, in any order.
    And(Vec<Observation>),
    /// One of them.
    Or(Vec<Observation>),
    /// All of them, one after the other.
    FollowedBy(Vec<Observation>),
    /// An observation within bounds.
    Qualified(Box<Observation>, Vec<Qualifier>),
}

/// Bounds on observations.
#[derive(Clone, Debug, PartialEq)]
pub enum Qualifier {
    /// Between two times, the second excluded: RFC 3339.
    StartStop {
        /// The first.
        start: String,
        /// The second.
        stop: String,
    },
    /// Within so many seconds of each other.
    Within(f64),
    /// So many times.
    Repeats(u64),
}

/// What has to hold for an observation. `And` and `Or` have two parts at least.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// A single test.
    Test(Test),
    /// All of them.
    And(Vec<Comparison>),
    /// One of them.
    Or(Vec<Comparison>),
}

/// A test of a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The property.
    pub path: ObjectPath,
    /// Whether the opposite has to hold.
    pub negated: bool,
    /// What is tested.
    pub operator: Operator,
}

/// What a property is tested for.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// `=`
    Equal(Literal),
    /// `!=`
    NotEqual(Literal),
    /// `>`
    Greater(Literal),
    /// `>=`
    GreaterOrEqual(Literal),
    /// `<`
    Less(Literal),
    /// `<=`
    LessOrEqual(Literal),
    /// One of several.
    In(Vec<Literal>),
    /// With `%` for any text and `_` for any character.
    Like(String),
    /// A regular expression of PCRE.
    Matches(String),
    /// An address within a range.
    IsSubset(String),
    /// A range around an address.
    IsSuperset(String),
    /// The property is there.
    Exists,
}

/// Where a property is: `file:hashes.'SHA-256'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    /// The type of the object.
    pub object: String,
    /// The way to the property; a key at first.
    pub steps: Vec<PathStep>,
}

/// A step on the way to a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// A member.
    Key(String),
    /// An item of a list, from 0.
    Index(u32),
    /// Any item of a list.
    Any,
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern is wrong at character {at}: {message}")]
pub struct PatternError {
    /// Where, in characters from 1.
    pub at: usize,
    /// What was expected.
    pub message: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// Errors: a text that is none, or one beyond [`MAX_LENGTH`], [`MAX_DEPTH`] or [`MAX_TESTS`].
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        parser::parse(text)
    }
}

#[cfg(test)]
mod tests;
