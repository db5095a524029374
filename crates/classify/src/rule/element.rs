//! What matches: expressions, keyword lists, dictionaries and functions.

use std::sync::Arc;

use castellan_base::Span;
use serde::{Deserialize, Serialize};

use crate::rule::Check;

/// Names an [`Element`] among [`crate::rule::Rules::elements`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ElementId(pub(crate) u32);

impl ElementId {
    /// The id of the element at a place in the list.
    pub fn new(index: usize) -> ElementId {
        ElementId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The id of the same element where so many others come first.
    pub(crate) fn moved(self, offset: usize) -> ElementId {
        ElementId::new(self.index().saturating_add(offset))
    }

    /// The place in the list.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Something that matches text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Unique among all rules. What a detector declares for itself is called `DETECTOR/NAME`.
    pub name: Arc<str>,
    /// What matches.
    pub kind: ElementKind,
    /// What may not stand right before and after a match.
    pub boundary: Boundary,
    /// Longest match in bytes, where the rule says so. An expression without a bound of its own needs one.
    pub max_length: Option<u32>,
    /// What a match has to pass, in this order.
    pub checks: Vec<Check>,
    /// The function of rule packages that this element stands for: `Func_credit_card`.
    pub function: Option<Arc<str>>,
    /// Whether to search the whole text where no anchor is found. Such an element costs time everywhere.
    pub slow: bool,
    /// Where the element stands.
    #[serde(skip, default = "crate::rule::nowhere")]
    pub span: Span,
}

impl Element {
    /// An element without checks.
    pub fn new(name: impl Into<Arc<str>>, kind: ElementKind, span: Span) -> Element {
        Element {
            name: name.into(),
            kind,
            boundary: Boundary::Word,
            max_length: None,
            checks: Vec::new(),
            function: None,
            slow: false,
            span,
        }
    }
}

/// What an element matches by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElementKind {
    /// A regular expression over bytes. The group `value`, if there is one, is what is found and checked.
    Regex {
        /// The expression, in the syntax of the `regex` crate without Unicode: `\d`, `\w`, `\s` and case are ASCII's.
        pattern: Arc<str>,
    },
    /// Lists of words and phrases.
    Keywords {
        /// At least one.
        groups: Vec<KeywordGroup>,
    },
    /// Words from a list that the host supplies, such as first names.
    Dictionary(Dictionary),
    /// A function of a rule package that nothing here stands for. Kept for export; a detector that needs it is not run.
    Function {
        /// `Func_usa_uk_passport`.
        name: Arc<str>,
    },
}

/// Terms that match alike (`Group`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeywordGroup {
    /// Whether terms match whole words or any part of the text.
    pub style: MatchStyle,
    /// The terms.
    pub terms: Vec<Term>,
}

/// How the terms of a group match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchStyle {
    /// As whole words. A blank in a term stands for one to three blanks, tabs, line ends, `_`, `-`, `.` or for the
    /// change of case in `cardNumber`.
    Word,
    /// Anywhere, also inside of words.
    String,
}

/// A word or phrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What to look for.
    pub text: Arc<str>,
    /// Whether upper and lower case differ. Without it, case is folded for ASCII and for other letters alike.
    pub case_sensitive: bool,
}

/// A word list by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dictionary {
    /// What the host knows the list by: `given-names`.
    pub list: Arc<str>,
    /// Whether only words that begin with a capital letter match.
    pub capitalised: bool,
    /// How many further capitalised words directly after it belong to the match.
    pub follow: u8,
}

/// What may not stand right before and after a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Boundary {
    /// No letter or digit touches a letter or digit of the match. `_` is no letter. The usual choice.
    Word,
    /// As `Word`, but a match may also begin where the case changes, as `Password` does in `dbPassword`.
    Subword,
    /// No letter, no digit and none of `_ + / -` touches the match, nor `=` its end: for keys that are one token of
    /// random characters.
    Token,
    /// Anything may touch the match. Needs a literal that can be found anywhere.
    None,
}

impl Boundary {
    /// Every boundary with its name.
    pub const ALL: [(Boundary, &'static str); 4] = [
        (Boundary::Word, "word"),
        (Boundary::Subword, "subword"),
        (Boundary::Token, "token"),
        (Boundary::None, "none"),
    ];
}
