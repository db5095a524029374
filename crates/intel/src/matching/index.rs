//! Values of indicators, found in time that does not grow with how many there are.
//!
//! A value lies in one long text and is found by a digest of 64 bits; values of one digest form a chain. Ranges of
//! addresses are found by their prefixes: one look for each length of prefix that is there. Names of domains are looked up
//! label by label, so that `a.b.evil.example` finds `evil.example`. An indicator of a million values needs some 70 bytes for
//! each beside the value itself.

use std::collections::HashMap;
use std::hash::BuildHasher;

use castellan_base::Ticks;
use castellan_stix::observable::Range;
use castellan_stix::{Alternative, Kind, Observable};
use foldhash::fast::RandomState;

use super::Never;

/// How much an index may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most values.
    pub values: usize,
    /// The most bytes of values, ids and names.
    pub text: usize,
}

impl Default for Bounds {
    /// Five million values, 1 GiB of text: some 1.5 GiB in all.
    fn default() -> Bounds {
        Bounds { values: 5_000_000, text: 1 << 30 }
    }
}

/// An indicator that is to be found.
#[derive(Clone, Debug)]
pub struct Sign<'s> {
    /// Its id.
    pub id: &'s str,
    /// What people call it.
    pub name: &'s str,
    /// How sure its creator is, from 0 to 100.
    pub confidence: Option<u8>,
    /// Values, of which those of one alternative belong together.
    pub alternatives: &'s [Alternative],
    /// It counts from then on.
    pub from: Ticks,
    /// It does not count then any more.
    pub until: Option<Ticks>,
}

/// What became of an indicator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// How many values were added.
    pub values: usize,
    /// Values that are never matched, with the reasons.
    pub never: Vec<(Observable, String)>,
}

/// The index has no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index is full: {0} values; raise its bounds, or leave feeds out")]
pub struct Full(pub usize);

/// What an index says of a value that it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'i> {
    /// The number of the indicator in the index.
    pub indicator: u32,
    /// The id of the indicator.
    pub id: &'i str,
    /// What people call it.
    pub name: &'i str,
    /// How sure its creator is.
    pub confidence: Option<u8>,
    /// The kind of the value.
    pub kind: Kind,
    /// The value in its normal form.
    pub value: &'i str,
    /// Which values belong together with it: the number of their group, how many they are and which of them it is. A value
    /// that stands for itself has none.
    pub group: Option<(u32, u8, u8)>,
}

/// A piece of the long text.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: u32,
    length: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    from: i64,
    until: i64,
    value: Piece,
    indicator: u32,
    next: u32,
    /// The number of its group from 1; 0 where it stands for itself.
    group: u32,
    part: u8,
    kind: u8,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    id: Piece,
    name: Piece,
    /// 255 where nothing is known.
    confidence: u8,
    is_retired: bool,
}

/// The end of a chain.
const NONE: u32 = u32::MAX;
/// The longest name that is kept, in bytes.
const LONGEST_NAME: usize = 120;

/// Values of indicators.
#[derive(Clone, Debug)]
pub struct Index {
    bounds: Bounds,
    state: RandomState,
    text: String,
    entries: Vec<Entry>,
    owners: Vec<Owner>,
    ids: HashMap<u64, Vec<u32>, RandomState>,
    exact: HashMap<u64, u32, RandomState>,
    ranges: HashMap<Range, u32, RandomState>,
    /// How many ranges there are of each length of prefix.
    lengths: Vec<u32>,
    /// How many values each group has.
    groups: Vec<u8>,
    /// How many values of each kind there are.
    kinds: [u32; Kind::ALL.len()],
    retired: usize,
}

impl Default for Index {
    fn default() -> Index {
        Index::new(Bounds::default())
    }
}

impl Index {
    /// Without values.
    pub fn new(bounds: Bounds) -> Index {
        let text = bounds.text.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        Index {
            bounds: Bounds { text, ..bounds },
            state: RandomState::default(),
            text: String::new(),
            entries: Vec::new(),
            owners: Vec::new(),
            ids: HashMap::default(),
            exact: HashMap::default(),
            ranges: HashMap::default(),
            lengths: vec![0; 129],
            groups: Vec::new(),
            kinds: [0; Kind::ALL.len()],
            retired: 0,
        }
    }

    /// How many values there are, those of retired indicators among them.
    pub fn values(&self) -> usize {
        self.entries.len()
    }

    /// How many indicators are active.
    pub fn indicators(&self) -> usize {
        self.owners.len() - self.retired
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.indicators() == 0
    }

    /// Whether so much of it is retired that it should be made anew.
    pub fn is_worn(&self) -> bool {
        self.retired > 10_000 && self.retired > self.owners.len() / 2
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let map = |length: usize, entry: usize| length.saturating_mul(entry + 1).saturating_mul(8) / 7;
        self.text.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.owners.capacity() * size_of::<Owner>()
            + self.groups.capacity()
            + map(self.exact.capacity(), size_of::<(u64, u32)>())
            + map(self.ranges.capacity(), size_of::<(Range, u32)>())
            + map(self.ids.capacity(), size_of::<(u64, Vec<u32>)>())
            + self.owners.len() * size_of::<u32>() * 4
    }

    /// Adds an indicator; one of the same id is retired.
    ///
    /// Errors: [`Full`]; then nothing was added.
    pub fn add(&mut self, sign: &Sign<'_>, never: &Never) -> Result<Added, Full> {
        let mut added = Added::default();
        let mut kept: Vec<(&Alternative, Vec<String>)> = Vec::new();
        for alternative in sign.alternatives {
            match normals(alternative, never) {
                Ok(values) => kept.push((alternative, values)),
                Err(Some(found)) => added.never.push(found),
                Err(None) => {}
            }
        }
        let name = cut(sign.name, LONGEST_NAME);
        let bytes: usize = kept.iter().flat_map(|(_, values)| values).map(String::len).sum();
        let count: usize = kept.iter().map(|(_, values)| values.len()).sum();
        let room = self.bounds.text.saturating_sub(self.text.len());
        let is_full =
            self.entries.len() + count > self.bounds.values || bytes + sign.id.len() + name.len() > room;
        if is_full || self.owners.len() >= usize::try_from(NONE).unwrap_or(usize::MAX) - 1 {
            return Err(Full(self.entries.len()));
        }
        self.retire(sign.id);
        if kept.is_empty() {
            return Ok(added);
        }
        let owner = Owner {
            id: self.keep(sign.id),
            name: self.keep(name),
            confidence: sign.confidence.map_or(255, |confidence| confidence.min(100)),
            is_retired: false,
        };
        let indicator = number(self.owners.len());
        self.owners.push(owner);
        self.ids.entry(self.state.hash_one(sign.id)).or_default().push(indicator);
        for (alternative, values) in kept {
            added.values += values.len();
            self.add_values(sign, alternative, &values, indicator);
        }
        Ok(added)
    }

    fn add_values(&mut self, sign: &Sign<'_>, alternative: &Alternative, values: &[String], indicator: u32) {
        let group = if values.len() > 1 {
            self.groups.push(u8::try_from(values.len()).unwrap_or(u8::MAX));
            number(self.groups.len())
        } else {
            0
        };
        let from = alternative.from.map_or(sign.from, |from| from.max(sign.from));
        let until = [alternative.until, sign.until].into_iter().flatten().min().unwrap_or(Ticks::MAX);
        for (part, (value, observable)) in values.iter().zip(&alternative.parts).enumerate() {
            let entry = Entry {
                from: from.get(),
                until: until.get(),
                value: self.keep(value),
                indicator,
                next: NONE,
                group,
                part: u8::try_from(part).unwrap_or(u8::MAX),
                kind: place(observable.kind),
            };
            self.link(entry, observable.kind, value);
        }
    }

    fn link(&mut self, mut entry: Entry, kind: Kind, value: &str) {
        let at = number(self.entries.len());
        let head = match (kind, Range::parse(value)) {
            (Kind::Ip, Some(range)) => {
                if let Some(count) = self.lengths.get_mut(usize::from(range.prefix)) {
                    *count += 1;
                }
                self.ranges.insert(range, at)
            }
            _ => self.exact.insert(self.digest(kind, value), at),
        };
        entry.next = head.unwrap_or(NONE);
        if let Some(count) = self.kinds.get_mut(usize::from(place(kind))) {
            *count += 1;
        }
        self.entries.push(entry);
    }

    /// Takes an indicator out; whether there was one.
    pub fn retire(&mut self, id: &str) -> bool {
        let own = self.ids.get(&self.state.hash_one(id)).cloned().unwrap_or_default();
        let mut found = false;
        for at in own {
            let is_it = self.owner(at).is_some_and(|owner| !owner.is_retired && self.piece(owner.id) == id);
            if is_it && let Some(owner) = self.owners.get_mut(index(at)) {
                owner.is_retired = true;
                self.retired += 1;
                found = true;
            }
        }
        found
    }

    fn keep(&mut self, text: &str) -> Piece {
        let piece = Piece { at: number(self.text.len()), length: number(text.len()) };
        self.text.push_str(text);
        piece
    }

    fn piece(&self, piece: Piece) -> &str {
        self.text.get(index(piece.at)..index(piece.at) + index(piece.length)).unwrap_or_default()
    }

    fn owner(&self, at: u32) -> Option<&Owner> {
        self.owners.get(index(at))
    }

    fn digest(&self, kind: Kind, value: &str) -> u64 {
        self.state.hash_one((place(kind), value))
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds.get(usize::from(place(kind))).is_some_and(|count| *count > 0)
    }
}

/// The normal forms of the values of an alternative; else the value that is never matched, or nothing where one has none.
fn normals(alternative: &Alternative, never: &Never) -> Result<Vec<String>, Option<(Observable, String)>> {
    let mut values = Vec::with_capacity(alternative.parts.len());
    for part in &alternative.parts {
        let Some(normal) = part.kind.normal(&part.value) else { return Err(None) };
        if let Some(why) = never.why(part.kind, &normal) {
            return Err(Some((part.clone(), why.to_owned())));
        }
        values.push(normal);
    }
    if values.is_empty() { Err(None) } else { Ok(values) }
}

fn place(kind: Kind) -> u8 {
    let place = Kind::ALL.iter().position(|other| *other == kind);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or_default()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

mod find;
#[cfg(test)]
mod tests;
