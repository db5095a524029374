//! Changes of a text that come from several sides, made one list.

use castellan_wire::edit::Edit;

/// What becomes of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changed {
    /// What goes, or is replaced.
    pub edits: Vec<Edit>,
    /// Values that come back in place of their tokens. They are for the client alone and never recorded.
    pub restored: Vec<Edit>,
    /// From where on the text may still become something that goes, were it to continue.
    pub open: Option<usize>,
}

impl Changed {
    /// The same for a text that begins with so many bytes more.
    pub(super) fn at(self, from: usize) -> Changed {
        let moved = |edits: Vec<Edit>| {
            let edits = edits.into_iter();
            edits.map(|edit| Edit { range: edit.range.start + from..edit.range.end + from, ..edit }).collect()
        };
        Changed {
            edits: moved(self.edits),
            restored: moved(self.restored),
            open: self.open.map(|open| open + from),
        }
    }

    /// All of it, as the client gets it.
    pub fn all(&self) -> Vec<Edit> {
        self.edits.iter().chain(&self.restored).cloned().collect()
    }
}

/// Changes in order, each apart from the next: of those that overlap, all goes, and the first one's replacement stands.
pub(super) fn merged(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut apart: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match apart.last_mut() {
            Some(last) if edit.range.start < last.range.end => {
                last.range.end = last.range.end.max(edit.range.end);
            }
            _ => apart.push(edit),
        }
    }
    apart
}

/// Changes of a text, and then changes of what it has become, as changes of the text. Both lists are in order and apart.
///
/// A change that touches what an earlier one has put there takes all of that along.
pub(super) fn composed(first: &[Edit], second: &[Edit]) -> Vec<Edit> {
    // Where each earlier change stands in what the text has become.
    let mut placed: Vec<Placed<'_>> = Vec::with_capacity(first.len());
    let (mut grown, mut shrunk) = (0, 0);
    for edit in first {
        let start = edit.range.start + grown - shrunk;
        placed.push((start, start + edit.replacement.len(), edit));
        grown += edit.replacement.len();
        shrunk += edit.range.len();
    }
    let mut taken = vec![false; placed.len()];
    let mut out = Vec::with_capacity(first.len() + second.len());
    let mut begun: Option<Begun> = None;
    for edit in second {
        let is_touched =
            |(_, (start, end, _)): &(usize, &Placed<'_>)| *start < edit.range.end && *end > edit.range.start;
        let touched: Vec<usize> =
            placed.iter().enumerate().filter(is_touched).map(|(place, _)| place).collect();
        touched.iter().filter_map(|place| taken.get_mut(*place).map(|taken| *taken = true)).for_each(drop);
        let (head, tail) = (touched.first().copied(), touched.last().copied());
        // Two changes of one earlier replacement keep what stands between them.
        if let Some(known) = begun.as_mut().filter(|known| known.tail.is_some() && known.tail == head) {
            known.text.push_str(part(&placed, head, known.end..edit.range.start));
            known.text.push_str(&edit.replacement);
            (known.end, known.tail) = (edit.range.end, tail);
            continue;
        }
        out.extend(begun.take().map(|begun| begun.finished(&placed)));
        let inside = head.and_then(|place| placed.get(place)).filter(|(from, _, _)| *from < edit.range.start);
        let (start, kept) = match inside {
            Some((from, _, earlier)) => (earlier.range.start, part(&placed, head, *from..edit.range.start)),
            None => (origin(&placed, edit.range.start), ""),
        };
        begun = Some(Begun { start, text: format!("{kept}{}", edit.replacement), end: edit.range.end, tail });
    }
    out.extend(begun.map(|begun| begun.finished(&placed)));
    let untouched = placed.iter().zip(&taken).filter(|(_, taken)| !**taken);
    out.extend(untouched.map(|((_, _, edit), _)| (*edit).clone()));
    merged(out)
}

/// An earlier change, and where its replacement begins and ends in what the text has become.
type Placed<'e> = (usize, usize, &'e Edit);

/// A change that the next one may still join.
struct Begun {
    /// Where it begins in the text.
    start: usize,
    text: String,
    /// Where it ends in what the text has become.
    end: usize,
    /// The last earlier change that it touches.
    tail: Option<usize>,
}

impl Begun {
    fn finished(mut self, placed: &[Placed<'_>]) -> Edit {
        let inside = self.tail.and_then(|place| placed.get(place)).filter(|(_, to, _)| *to > self.end);
        let end = match inside {
            Some((_, to, earlier)) => {
                self.text.push_str(part(placed, self.tail, self.end..*to));
                earlier.range.end
            }
            None => origin(placed, self.end),
        };
        Edit { range: self.start..end.max(self.start), replacement: self.text }
    }
}

/// A part of an earlier change's replacement, by places of what the text has become.
fn part<'e>(placed: &[Placed<'e>], place: Option<usize>, range: std::ops::Range<usize>) -> &'e str {
    let Some((from, _, edit)) = place.and_then(|place| placed.get(place)) else { return "" };
    edit.replacement
        .get(range.start.saturating_sub(*from)..range.end.saturating_sub(*from))
        .unwrap_or_default()
}

/// The place of the text from which a place of what it has become comes; within a replacement, where that begins.
fn origin(placed: &[Placed<'_>], place: usize) -> usize {
    let before = placed.partition_point(|(start, _, _)| *start < place);
    let Some((_, end, edit)) = before.checked_sub(1).and_then(|last| placed.get(last)) else { return place };
    edit.range.end + place.saturating_sub(*end)
}

#[cfg(test)]
mod tests {
    use castellan_wire::edit::applied;
    use proptest::prelude::*;

    use super::*;

    fn edits(length: usize) -> impl Strategy<Value = Vec<Edit>> {
        let edit = (0..length, 1..6_usize, "[A-Z]{0,4}").prop_map(move |(start, more, replacement)| Edit {
            range: start..(start + more).min(length),
            replacement,
        });
        prop::collection::vec(edit, 0..6).prop_map(merged)
    }

    proptest! {
        #[test]
        fn one_after_the_other_or_at_once(
            (text, first) in "[a-z]{8,40}".prop_flat_map(|text| { let length = text.len(); (Just(text), edits(length)) }),
            places in prop::collection::vec((0.0..1.0_f64, 1..5_usize, "[0-9]{0,3}"), 0..5),
        ) {
            let between = applied(&text, first.clone()).unwrap();
            let at = |share: f64| ((between.len() as f64) * share) as usize;
            let second: Vec<Edit> = places
                .into_iter()
                .map(|(share, more, replacement)| Edit { range: at(share)..(at(share) + more).min(between.len()), replacement })
                .filter(|edit| edit.range.start < edit.range.end)
                .collect();
            let second = merged(second);
            let expected = applied(&between, second.clone()).unwrap();
            let both = composed(&first, &second);
            prop_assert!(both.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            prop_assert_eq!(applied(&text, both).unwrap(), expected);
        }
    }
}
