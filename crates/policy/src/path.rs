//! Paths into a resource body, and how they are walked.

use std::sync::Arc;

use castellan_base::Node;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A member.
    Key(Arc<str>),
    /// Every element of an array: `[*]`.
    Each,
    /// One element of an array: `[0]`.
    Index(usize),
}

/// How freely a member may be found below `properties`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// The path is exactly what the alias table says.
    Exact,
    /// An alias by the naming rule: `properties` is left out of the alias at the top and below array elements.
    Naming,
    /// A plain path: looked for at the top first, then below `properties`.
    Raw,
}

/// A value found by an evaluation: borrowed from the resource wherever possible.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    /// Borrowed.
    Ref(&'a Node),
    /// Computed.
    Own(Node),
    /// There is nothing.
    Missing,
}

impl Val<'_> {
    pub(crate) fn node(&self) -> Option<&Node> {
        match self {
            Val::Ref(node) => Some(node),
            Val::Own(node) => Some(node),
            Val::Missing => None,
        }
    }
}

impl<'a> Val<'a> {
    pub(crate) fn of(found: Option<&'a Node>) -> Val<'a> {
        found.map_or(Val::Missing, Val::Ref)
    }

    /// The part of this value that `find` picks, borrowed for as long as this value is.
    fn map(&self, find: impl for<'n> Fn(&'n Node) -> Option<&'n Node>) -> Val<'a> {
        match self {
            Val::Ref(node) => Val::of(find(node)),
            Val::Own(node) => find(node).map_or(Val::Missing, |found| Val::Own(found.clone())),
            Val::Missing => Val::Missing,
        }
    }
}

/// Splits `properties.rules[*].name`, `tags['a.b']` and `zones[0]` into steps.
pub(crate) fn segments(text: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').unwrap_or((inner, ""));
            found.push(bracket(index));
            rest = after;
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if !key.is_empty() {
            found.push(Segment::Key(key.into()));
        }
        rest = after;
    }
    found
}

fn bracket(index: &str) -> Segment {
    if index == "*" {
        return Segment::Each;
    }
    match index.parse::<usize>() {
        Ok(position) => Segment::Index(position),
        Err(_) => Segment::Key(index.trim_matches(['\'', '"']).into()),
    }
}

/// Members that stand at the top of a resource and not below `properties`.
const ROOT_MEMBERS: [&str; 16] = [
    "id",
    "name",
    "type",
    "kind",
    "location",
    "tags",
    "sku",
    "identity",
    "plan",
    "zones",
    "managedBy",
    "managedByExtended",
    "extendedLocation",
    "etag",
    "systemData",
    "apiVersion",
];

/// True for members that stand at the top of a resource.
pub(crate) fn is_root_member(key: &str) -> bool {
    ROOT_MEMBERS.iter().any(|name| name.eq_ignore_ascii_case(key))
}

fn lookup<'n>(node: &'n Node, key: &str, style: Style, at_top: bool) -> Option<&'n Node> {
    if style == Style::Exact {
        return node.get(key);
    }
    let below = || {
        let properties = node.get("properties")?;
        if properties.as_unresolved().is_some() { Some(properties) } else { properties.get(key) }
    };
    let top_first = !at_top || style == Style::Raw || is_root_member(key);
    if top_first { node.get(key).or_else(below) } else { below().or_else(|| node.get(key)) }
}

/// True when the walk must stop because nothing below this value is known.
fn is_unknown(val: &Val<'_>) -> bool {
    val.node().is_some_and(|node| node.as_unresolved().is_some())
}

/// Follows a path without `[*]`.
pub(crate) fn walk_one<'a>(start: Val<'a>, steps: &[Segment], style: Style, at_top: bool) -> Val<'a> {
    let mut val = start;
    let mut boundary = true;
    let mut top = at_top;
    for step in steps {
        if is_unknown(&val) {
            return val;
        }
        val = step_into(&val, step, if boundary { style } else { Style::Exact }, top);
        boundary = matches!(step, Segment::Index(_));
        top = false;
    }
    val
}

fn step_into<'a>(val: &Val<'a>, step: &Segment, style: Style, top: bool) -> Val<'a> {
    match step {
        Segment::Key(key) => val.map(|node| lookup(node, key, style, top)),
        Segment::Index(position) => val.map(|node| node.as_array()?.get(*position)),
        Segment::Each => Val::Missing,
    }
}

/// The elements that a path with `[*]` selects.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// What was selected; [`Val::Missing`] where an element lacks the member.
    pub(crate) values: Vec<Val<'a>>,
    /// True when an array on the way is not there at all.
    pub(crate) missing_array: bool,
    /// An array on the way that is not known: it may hold anything, or nothing.
    pub(crate) unknown_array: Option<Val<'a>>,
}

/// Follows a path through every element; `Err` when more than `budget` elements are met.
pub(crate) fn walk_all<'a>(
    start: Val<'a>,
    steps: &[Segment],
    style: Style,
    at_top: bool,
    budget: &mut u64,
) -> Result<Selection<'a>, ()> {
    let mut selection = Selection::default();
    collect(start, steps, style, at_top, budget, &mut selection)?;
    Ok(selection)
}

fn collect<'a>(
    start: Val<'a>,
    steps: &[Segment],
    style: Style,
    at_top: bool,
    budget: &mut u64,
    into: &mut Selection<'a>,
) -> Result<(), ()> {
    let Some(position) = steps.iter().position(|step| *step == Segment::Each) else {
        into.values.push(walk_one(start, steps, style, at_top));
        return Ok(());
    };
    let (head, tail) = steps.split_at(position);
    let tail = tail.get(1..).unwrap_or_default();
    let array = walk_one(start, head, style, at_top);
    if is_unknown(&array) {
        into.unknown_array = Some(array);
        return Ok(());
    }
    let Some(length) = array.node().and_then(Node::as_array).map(<[Node]>::len) else {
        into.missing_array = true;
        return Ok(());
    };
    for index in 0..length {
        *budget = budget.checked_sub(1).ok_or(())?;
        let element = array.map(|node| node.as_array()?.get(index));
        collect(element, tail, style, false, budget, into)?;
    }
    Ok(())
}
