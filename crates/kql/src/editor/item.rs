//! What is proposed, and in which order.

use std::borrow::Cow;

use crate::ast::{Expr, ExprKind};
use crate::span::Span;

/// What an item is. The order is that among items that fit what was written equally well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A column of the rows at this place.
    Column,
    /// A variable or a parameter.
    Variable,
    /// A value of an option, or a literal.
    Value,
    /// A word of an operator or between two values.
    Keyword,
    /// An operator behind a bar.
    Operator,
    /// A table.
    Table,
    /// A function of many rows.
    Aggregate,
    /// A function.
    Function,
    /// What `evaluate` calls.
    Plugin,
    /// A type.
    Type,
}

/// Something that may be written here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: ItemKind,
    /// What is put in.
    pub insert: String,
    /// A few words beside the label: a type, or what a function takes.
    pub detail: String,
    /// What it does, in Markdown; may be empty.
    pub doc: Cow<'static, str>,
}

impl Item {
    pub(super) fn new(label: impl Into<String>, kind: ItemKind) -> Item {
        let label = label.into();
        Item { insert: label.clone(), label, kind, detail: String::new(), doc: Cow::Borrowed("") }
    }

    /// A name that is written in brackets where it is none by itself.
    pub(super) fn name(name: &str, kind: ItemKind) -> Item {
        let written = Expr { kind: ExprKind::Name(name.into()), span: Span::default() }.to_string();
        // As people write it, where nothing has to be escaped.
        let is_plain = !name.contains(['\'', '"', '\\']) && !name.contains(char::is_control);
        let insert = if written.starts_with('[') && is_plain { format!("['{name}']") } else { written };
        Item { insert, ..Item::new(name, kind) }
    }

    pub(super) fn named(self, label: &str) -> Item {
        Item { label: label.to_owned(), ..self }
    }

    pub(super) fn inserting(self, insert: impl Into<String>) -> Item {
        Item { insert: insert.into(), ..self }
    }

    pub(super) fn with_detail(self, detail: impl Into<String>) -> Item {
        Item { detail: detail.into(), ..self }
    }

    pub(super) fn with_doc(self, doc: &'static str) -> Item {
        Item { doc: Cow::Borrowed(doc), ..self }
    }
}

/// The items that fit what was written, best first: the beginning as it is written, then in other case, then somewhere
/// inside, then with gaps.
pub(super) fn ranked(items: Vec<Item>, written: &str) -> Vec<Item> {
    let lower = written.to_lowercase();
    let mut fitting: Vec<(usize, Item)> = items
        .into_iter()
        .filter_map(|item| fit(&item.label, written, &lower).map(|rank| (rank, item)))
        .collect();
    fitting.sort_by(|(left_rank, left), (right_rank, right)| {
        left_rank.cmp(right_rank).then(left.kind.cmp(&right.kind)).then_with(|| left.label.cmp(&right.label))
    });
    fitting.dedup_by(|(_, later), (_, earlier)| later.label == earlier.label && later.kind == earlier.kind);
    fitting.into_iter().map(|(_, item)| item).collect()
}

fn fit(label: &str, written: &str, lower: &str) -> Option<usize> {
    if label.starts_with(written) {
        return Some(0);
    }
    let label = label.to_lowercase();
    if label.starts_with(lower) {
        return Some(1);
    }
    if label.contains(lower) {
        return Some(2);
    }
    let mut rest = label.chars();
    lower.chars().all(|wanted| rest.any(|found| found == wanted)).then_some(3)
}
