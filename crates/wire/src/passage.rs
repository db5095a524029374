//! Texts of a body, each as it is read.

use std::ops::Range;

use crate::json::Tree;
use crate::point::{Direction, Point, Unscanned};
use crate::route::Api;
use crate::walk::Walk;

/// A text that is read as one: a string, or the parts of one message joined by line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Where it is meant to be read.
    pub point: Point,
    /// Where its first string stands: `messages[0].content`.
    pub path: String,
    /// What it says.
    pub text: String,
    /// The strings that it consists of, in order.
    pub segments: Vec<Segment>,
}

/// A string of a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its bytes in the text of the passage.
    pub range: Range<usize>,
    /// Where it stands in the body.
    pub place: Place,
}

/// Where a text stands in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bytes of the string with its quotation marks, or of the number.
    pub span: Range<usize>,
    /// For a string inside of JSON that is itself a string: its bytes, with quotation marks, in what the outer one says.
    pub within: Option<Range<usize>>,
    /// What stands there.
    pub kind: PlaceKind,
}

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A string.
    Text,
    /// A number; what replaces it is a string.
    Number,
    /// The name of a member, which cannot be replaced.
    Name,
}

/// What a body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// All texts.
    pub passages: Vec<Passage>,
    /// What was not looked at.
    pub unscanned: Vec<Unscanned>,
    /// Where the body repeats an answer token by token (`logprobs`), which has to go where a text is changed.
    pub logprobs: Vec<Range<usize>>,
}

/// The texts of a body of an API.
pub fn passages(tree: &Tree<'_>, api: Api, direction: Direction) -> Reading {
    Walk::new(api, direction).read(tree)
}
