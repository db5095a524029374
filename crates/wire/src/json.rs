//! JSON as it stands: strict, bounded, and each value knows its bytes.
//!
//! A proxy that changes one text of a body must leave every other byte as it was, so a body is not read into values and
//! written back. It is read into a flat list of nodes that point into its bytes.
//!
//! *Invariant (one reading):* what different readers understand differently is refused: members of the same name,
//! members that the gate knows and whose names differ in case alone, halves of surrogate pairs, anything after the end.
//!
//! ```
//! use castellan_wire::json::{Bounds, Tree};
//!
//! let body = br#"{"model": "m", "messages": [{"content": "caf\u00e9"}]}"#;
//! let tree = Tree::read(body, &Bounds::default()).unwrap();
//! let content = tree.root().get("messages").unwrap().items().next().unwrap().get("content").unwrap();
//! assert_eq!(content.text().unwrap(), "caf\u{e9}");
//! assert_eq!(&body[content.span()], br#""caf\u00e9""#);
//! assert_eq!(content.path(), "messages[0].content");
//! ```

mod read;
mod text;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

pub use text::quoted;

/// How large a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes: 32 MiB.
    pub bytes: usize,
    /// Most values within one another: 64.
    pub depth: usize,
    /// Most values: a million.
    pub values: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { bytes: 32 << 20, depth: 64, values: 1_000_000 }
    }
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not the JSON that the gate reads: {reason} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub reason: &'static str,
    /// Where.
    pub offset: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Record,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// The bytes of the member's name with its quotation marks; empty in lists and for the root.
    name: (u32, u32),
    parent: u32,
    /// The node after everything within this one.
    after: u32,
    /// The place in the parent.
    place: u32,
}

/// A document.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
}

/// Whether bytes are a document within the usual bounds.
pub fn is_document(bytes: &[u8]) -> bool {
    Tree::read(bytes, &Bounds::default()).is_ok()
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub struct Item<'t> {
    bytes: &'t [u8],
    nodes: &'t [Node],
    at: usize,
}

impl<'a> Tree<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// What is no JSON (RFC 8259), what is ambiguous, and what is beyond the bounds.
    pub fn read(bytes: &'a [u8], bounds: &Bounds) -> Result<Tree<'a>, JsonError> {
        read::read(bytes, bounds).map(|nodes| Tree { bytes, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Item<'_> {
        Item { bytes: self.bytes, nodes: &self.nodes, at: 0 }
    }

    /// The bytes that were read.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'t> Item<'t> {
    fn node(&self) -> Node {
        // Items are only made of places that exist.
        self.nodes.get(self.at).copied().unwrap_or(Node {
            kind: Kind::Null,
            start: 0,
            end: 0,
            name: (0, 0),
            parent: 0,
            after: 1,
            place: 0,
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Its bytes in the document; those of a text with its quotation marks.
    pub fn span(&self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// Its bytes.
    pub fn raw(&self) -> &'t [u8] {
        self.bytes.get(self.span()).unwrap_or_default()
    }

    /// What a text says.
    pub fn text(&self) -> Option<Cow<'t, str>> {
        (self.kind() == Kind::Text).then(|| text::decoded(self.raw()))
    }

    /// What a text says, where that is one of the few short texts that a caller looks for.
    pub fn is(&self, expected: &str) -> bool {
        self.kind() == Kind::Text && text::is_exact(self.raw(), expected)
    }

    /// A number without a fraction or an exponent.
    pub fn integer(&self) -> Option<u64> {
        std::str::from_utf8(self.raw()).ok().filter(|_| self.kind() == Kind::Number)?.parse().ok()
    }

    /// A truth.
    pub fn truth(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// The name of a member.
    pub fn name(&self) -> Option<Cow<'t, str>> {
        self.name_span().and_then(|span| self.bytes.get(span)).map(text::decoded)
    }

    /// Where the name of a member stands, with its quotation marks.
    pub fn name_span(&self) -> Option<Range<usize>> {
        let (start, end) = self.node().name;
        (end > start).then_some(start as usize..end as usize)
    }

    /// The values directly within a list or a record.
    pub fn items(&self) -> impl Iterator<Item = Item<'t>> + use<'t> {
        let (bytes, nodes) = (self.bytes, self.nodes);
        let (mut next, after) = (self.at + 1, self.node().after as usize);
        std::iter::from_fn(move || {
            let at = next;
            let node = nodes.get(at).filter(|_| at < after)?;
            next = node.after as usize;
            Some(Item { bytes, nodes, at })
        })
    }

    /// A member of a record.
    pub fn get(&self, name: &str) -> Option<Item<'t>> {
        if self.kind() != Kind::Record {
            return None;
        }
        self.items().find(|item| {
            let bytes = item.name_span().and_then(|span| item.bytes.get(span));
            bytes.is_some_and(|raw| text::is_exact(raw, name))
        })
    }

    /// A value some members further in: `at(["choices", "0"])` is not said; lists are walked with [`Item::items`].
    pub fn at(&self, names: &[&str]) -> Option<Item<'t>> {
        names.iter().try_fold(*self, |item, name| item.get(name))
    }

    /// Where it stands: `messages[0].content`; empty for the root.
    pub fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut item = *self;
        while item.at != 0 {
            steps.push(item);
            item = Item { at: item.node().parent as usize, ..item };
        }
        let mut path = String::new();
        for step in steps.iter().rev() {
            match step.name() {
                Some(name) if path.is_empty() => path.push_str(&name),
                // Writing to a string does not fail.
                Some(name) => drop(write!(path, ".{name}")),
                None => drop(write!(path, "[{}]", step.node().place)),
            }
        }
        path
    }
}

#[cfg(test)]
mod tests;
