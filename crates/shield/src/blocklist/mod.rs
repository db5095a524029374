//! Block lists: words, phrases and regular expressions that a text must not have.
//!
//! An *exact* item is looked for in the [normalised](crate::view::normalise) text without regard to case, so look-alike
//! letters, full-width letters and characters that show nothing do not hide it. Where it begins or ends with a letter or
//! a digit, the letter or digit beside it in the text must not belong to the same word: `ass` is not in `class`. Scripts
//! that write without spaces have no such border, nor has Korean, whose particles follow without one. A *regular expression* is looked for in the text as it stands, and in
//! the normalised text where that differs; it minds case unless it says `(?i)`. What encodings hide is the caller's
//! matter: [`crate::view::decode`] gives payloads, and each can be searched.
//!
//! All lists are searched together. A change is effective in the next search: the items of the last changes have small
//! automata of their own until they are worth merging, so that one more item does not cost a build of all.
//!
//! *Bounds:* [`MOST_CHARACTERS`] an item, [`MOST_ITEMS`] a list, [`MOST_ITEMS_TOGETHER`] and [`MOST_EXPRESSIONS`] in all
//! lists, [`EXPRESSION_BYTES`] an expression when compiled. A search is linear in the length of the text, as nothing
//! here goes back: it tells at most [`MOST_HITS`] hits, and [`MOST_PLACES`] places of an expression.
//!
//! ```
//! use castellan_shield::blocklist::{Blocklists, Item};
//!
//! let mut lists = Blocklists::default();
//! lists.create("products", "names that are not public yet").unwrap();
//! lists.put("products", Item::exact("1", "Blue Heron")).unwrap();
//! lists.put("products", Item::expression("2", r"\bBH-[0-9]{4}\b")).unwrap();
//!
//! let text = "The blue\u{200b}  h\u{435}ron (BH-2291) ships in May.";
//! let found = lists.find(text, None);
//! assert_eq!(&text[found.hits[0].span.clone()], "blue\u{200b}  h\u{435}ron");
//! assert_eq!((&*found.hits[1].list, &*found.hits[1].item), ("products", "2"));
//!
//! assert!(lists.remove("products", "1").unwrap());
//! assert_eq!(lists.find(text, None).hits.len(), 1);
//! ```

mod segment;
mod state;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::view::{Options, View, normalise, normalise_with};
use segment::{Entry, Pattern, Segment};
use state::State;

/// Most Unicode characters of an item.
pub const MOST_CHARACTERS: usize = 128;
/// Most items of one list.
pub const MOST_ITEMS: usize = 10_000;
/// Most items of all lists together.
pub const MOST_ITEMS_TOGETHER: usize = 100_000;
/// Most regular expressions of all lists together.
pub const MOST_EXPRESSIONS: usize = 1_000;
/// Most lists.
pub const MOST_LISTS: usize = 1_000;
/// Most characters of a description.
pub const MOST_DESCRIPTION: usize = 1_024;
/// Most characters of the name of a list and of the id of an item.
pub const MOST_NAME: usize = 64;
/// Most bytes of one compiled regular expression.
pub const EXPRESSION_BYTES: usize = 256 << 10;
/// Most hits of one search.
pub const MOST_HITS: usize = 10_000;
/// Most places of one regular expression in one text; asking for all of them could take quadratic time.
pub const MOST_PLACES: usize = 16;

/// So many changes at least before all automata are built anew.
const CHANGES_TO_SETTLE: usize = 512;

/// One item of a list, in the member names of Azure AI Content Safety.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Unique in its list.
    #[serde(rename = "blocklistItemId")]
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// A text or a regular expression.
    pub text: String,
    /// Whether `text` is a regular expression in the syntax of the `regex` crate.
    #[serde(default)]
    pub is_regex: bool,
}

impl Item {
    /// An item that is looked for as it stands.
    pub fn exact(id: impl Into<String>, text: impl Into<String>) -> Item {
        Item { id: id.into(), description: String::new(), text: text.into(), is_regex: false }
    }

    /// An item that is a regular expression.
    pub fn expression(id: impl Into<String>, text: impl Into<String>) -> Item {
        Item { is_regex: true, ..Item::exact(id, text) }
    }
}

/// One place where an item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The name of the list.
    pub list: Arc<str>,
    /// The id of the item.
    pub item: Arc<str>,
    /// The text of the item.
    pub item_text: Arc<str>,
    /// The bytes of the searched text.
    pub span: Range<usize>,
}

/// What a search gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order of their places, then of lists and items.
    pub hits: Vec<Hit>,
    /// Whether there may be more hits than are told; never where there are none.
    pub more: bool,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlocklistError {
    /// A name or an id is empty, too long or has characters that cannot be in an address.
    #[error("`{0}` is not a name: use 1 to {MOST_NAME} of the characters A-Z a-z 0-9 . _ ~ -")]
    Name(String),
    /// There is no such list.
    #[error("there is no block list `{0}`: create it first")]
    NoList(String),
    /// A description is too long.
    #[error("the description of `{0}` has more than {MOST_DESCRIPTION} characters: shorten it")]
    Description(String),
    /// An item is too long.
    #[error("item `{0}` has more than {MOST_CHARACTERS} characters: shorten it")]
    Long(String),
    /// Nothing is left of an item once it is normalised.
    #[error("item `{0}` has no visible character: give it some text")]
    Empty(String),
    /// A regular expression is faulty.
    #[error("the regular expression of item `{item}` cannot be read: {message}")]
    Expression {
        /// The id of the item.
        item: String,
        /// What the reader of expressions says.
        message: String,
    },
    /// A regular expression is too large.
    #[error(
        "the regular expression of item `{0}` takes more than {EXPRESSION_BYTES} bytes: repeat less in it"
    )]
    Large(String),
    /// A regular expression matches the empty text, so every text.
    #[error("the regular expression of item `{0}` matches every text: let it need at least one character")]
    Everything(String),
    /// A list is full.
    #[error("block list `{0}` is full with {MOST_ITEMS} items: remove some")]
    Full(String),
    /// All lists together are full.
    #[error("the block lists together are full with {0}: remove some")]
    AllFull(&'static str),
}

#[derive(Clone, Debug)]
struct Stored {
    item: Item,
    /// Which change put it here; what automata of before say of it no longer counts.
    change: u64,
}

#[derive(Clone, Debug, Default)]
struct List {
    description: String,
    items: BTreeMap<String, Stored>,
}

/// Named lists of items. Serialised, they are what was put into them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct Blocklists {
    lists: BTreeMap<String, List>,
    /// Items as of when all automata were last built.
    settled: Arc<Segment>,
    /// Items that came since.
    recent: Vec<Entry>,
    recent_segment: OnceLock<Arc<Segment>>,
    changes: u64,
    changes_since_settled: usize,
    /// Items of all lists.
    count: usize,
    /// Regular expressions of all lists.
    expressions: usize,
}

impl PartialEq for Blocklists {
    fn eq(&self, other: &Blocklists) -> bool {
        State::from(self) == State::from(other)
    }
}

impl Blocklists {
    /// Makes a list, or gives the list of this name another description.
    pub fn create(&mut self, name: &str, description: &str) -> Result<(), BlocklistError> {
        check_name(name)?;
        check_description(name, description)?;
        if !self.lists.contains_key(name) && self.lists.len() >= MOST_LISTS {
            return Err(BlocklistError::AllFull("1000 lists"));
        }
        self.lists.entry(name.to_owned()).or_default().description = description.to_owned();
        Ok(())
    }

    /// Removes a list with all of its items; false where there was none.
    pub fn delete(&mut self, name: &str) -> bool {
        let Some(list) = self.lists.remove(name) else { return false };
        self.count -= list.items.len();
        self.expressions -= list.items.values().filter(|stored| stored.item.is_regex).count();
        self.changed(list.items.len());
        true
    }

    /// The names and descriptions of the lists, in the order of names.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lists.iter().map(|(name, list)| (name.as_str(), list.description.as_str()))
    }

    /// The items of a list in the order of their ids; nothing where there is no such list.
    pub fn items(&self, list: &str) -> Option<impl ExactSizeIterator<Item = &Item>> {
        self.lists.get(list).map(|list| list.items.values().map(|stored| &stored.item))
    }

    /// One item.
    pub fn item(&self, list: &str, id: &str) -> Option<&Item> {
        Some(&self.lists.get(list)?.items.get(id)?.item)
    }

    /// Adds an item, or puts it in the place of the one with the same id. Where it is refused, nothing is changed.
    pub fn put(&mut self, list: &str, item: Item) -> Result<(), BlocklistError> {
        let pattern = self.check(list, &item)?;
        self.changes += 1;
        self.recent.push(Entry::new(list, &item, self.changes, pattern));
        let stored = Stored { item, change: self.changes };
        let is_expression = stored.item.is_regex;
        if let Some(held) = self.lists.get_mut(list) {
            let before = held.items.insert(stored.item.id.clone(), stored);
            self.uncount(before);
            self.count += 1;
            self.expressions += usize::from(is_expression);
        }
        self.changed(1);
        Ok(())
    }

    /// Removes an item; false where there was none.
    pub fn remove(&mut self, list: &str, id: &str) -> Result<bool, BlocklistError> {
        let missing = || BlocklistError::NoList(list.to_owned());
        let before = self.lists.get_mut(list).ok_or_else(missing)?.items.remove(id);
        let removed = before.is_some();
        self.uncount(before);
        self.changed(usize::from(removed));
        Ok(removed)
    }

    /// Looks for the items of the lists named in `only`, or of all lists, in `text`.
    pub fn find(&self, text: &str, only: Option<&[&str]>) -> Found {
        let recent = self.recent_segment.get_or_init(|| Arc::new(Segment::build(self.recent.clone())));
        let folded = normalise_with(text, &Options { fold_case: true, ..Options::default() });
        let normal = (self.expressions > 0).then(|| normalise(text)).filter(|view| view.text() != text);
        let mut search = Search { lists: self, only, found: Found::default() };
        for segment in [&*self.settled, recent] {
            search.exact(segment, &folded);
            search.expressions(segment, &View::unchanged(text));
            if let Some(normal) = &normal {
                search.expressions(segment, normal);
            }
        }
        search.finish()
    }

    /// Whether `entry` is what its list holds now.
    fn is_current(&self, entry: &Entry) -> bool {
        let stored = self.lists.get(&*entry.list).and_then(|list| list.items.get(&*entry.id));
        stored.is_some_and(|stored| stored.change == entry.change)
    }

    fn check(&self, list: &str, item: &Item) -> Result<Pattern, BlocklistError> {
        let held = self.lists.get(list).ok_or_else(|| BlocklistError::NoList(list.to_owned()))?;
        check_name(&item.id)?;
        check_description(&item.id, &item.description)?;
        let before = held.items.get(&item.id);
        if before.is_none() && held.items.len() >= MOST_ITEMS {
            return Err(BlocklistError::Full(list.to_owned()));
        }
        if before.is_none() && self.count >= MOST_ITEMS_TOGETHER {
            return Err(BlocklistError::AllFull("100000 items"));
        }
        let was_expression = before.is_some_and(|stored| stored.item.is_regex);
        if item.is_regex && !was_expression && self.expressions >= MOST_EXPRESSIONS {
            return Err(BlocklistError::AllFull("1000 regular expressions"));
        }
        Pattern::new(item)
    }

    fn uncount(&mut self, removed: Option<Stored>) {
        let Some(removed) = removed else { return };
        self.count -= 1;
        self.expressions -= usize::from(removed.item.is_regex);
    }

    /// Builds all automata anew once there were enough changes.
    fn changed(&mut self, changes: usize) {
        self.recent_segment = OnceLock::new();
        self.changes_since_settled += changes;
        if self.changes_since_settled < CHANGES_TO_SETTLE.max(self.settled.len() / 8) {
            return;
        }
        let mut entries: Vec<Entry> = self.settled.entries().iter().chain(&self.recent).cloned().collect();
        entries.retain(|entry| self.is_current(entry));
        self.settled = Arc::new(Segment::build(entries));
        self.recent.clear();
        self.changes_since_settled = 0;
    }
}

fn check_name(name: &str) -> Result<(), BlocklistError> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    match (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(is_fine) {
        true => Ok(()),
        false => Err(BlocklistError::Name(name.chars().take(MOST_NAME).collect())),
    }
}

fn check_description(of: &str, description: &str) -> Result<(), BlocklistError> {
    match description.chars().nth(MOST_DESCRIPTION) {
        None => Ok(()),
        Some(_) => Err(BlocklistError::Description(of.to_owned())),
    }
}

/// A search under way.
struct Search<'a> {
    lists: &'a Blocklists,
    only: Option<&'a [&'a str]>,
    found: Found,
}

impl Search<'_> {
    fn is_wanted(&self, entry: &Entry) -> bool {
        self.only.is_none_or(|names| names.contains(&&*entry.list)) && self.lists.is_current(entry)
    }

    fn exact(&mut self, segment: &Segment, folded: &View<'_>) {
        segment.exact(folded.text(), |entry, span| {
            if self.is_wanted(entry) {
                self.add(entry, folded.origin(span));
            }
            !self.found.more
        });
    }

    fn expressions(&mut self, segment: &Segment, view: &View<'_>) {
        segment.expressions(view.text(), |entry, expression| {
            if !self.is_wanted(entry) {
                return;
            }
            let places = expression.find_iter(view.text()).take(MOST_PLACES + 1);
            for (index, place) in places.enumerate() {
                if index == MOST_PLACES {
                    self.found.more = true;
                    return;
                }
                if !place.is_empty() {
                    self.add(entry, view.origin(place.range()));
                }
            }
        });
    }

    fn add(&mut self, entry: &Entry, span: Range<usize>) {
        if self.found.hits.len() >= MOST_HITS {
            self.found.more = true;
            return;
        }
        self.found.hits.push(entry.hit(span));
    }

    fn finish(mut self) -> Found {
        let key = |hit: &Hit| (hit.span.start, hit.span.end, Arc::clone(&hit.list), Arc::clone(&hit.item));
        self.found.hits.sort_by_cached_key(key);
        // A normalised text gives again what the text itself gave.
        self.found.hits.dedup();
        self.found
    }
}
