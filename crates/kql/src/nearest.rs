//! Words that somebody may have meant.

/// The word with the fewest changes to `word`, if there are few enough to guess.
///
/// ```
/// use castellan_kql::nearest;
/// assert_eq!(nearest("summarise", ["summarize", "serialize"]), Some("summarize"));
/// assert_eq!(nearest("frobnicate", ["where", "take"]), None);
/// ```
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    let scored = words.into_iter().map(|known| (changes(&lower, &known.to_lowercase()), known));
    scored.filter(|(count, _)| *count <= limit).min_by_key(|(count, _)| *count).map(|(_, known)| known)
}

/// Letters to insert, delete, replace or swap to get from one word to another.
fn changes(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}
