//! Sentences that do not belong where they stand.
//!
//! An instruction that somebody hid in a document is a sentence like any other. What gives it away is two things
//! together: it puts a task to whoever reads the document for somebody else, and the rest of the document puts none, is
//! about something else, or is laid out in another way. So each sentence is judged by what it says itself, by what the
//! others say, and by how it stands among them.

use crate::model::linear::Profile;
use crate::model::tokens::Place;

use super::signals::HEADS;

/// What is known of a sentence, in order.
pub const FACTS: [&str; 25] = [
    "task",
    "task, mean",
    "task, most of the others",
    "task, neighbours",
    "task, next",
    "part of its words that no other sentence has",
    "words, logarithm",
    "tokens, logarithm",
    "begins a line",
    "ends a line",
    "has a bar",
    "part of sentences with a bar",
    "part of letters",
    "part of letters, mean",
    "part of letters, before",
    "part of letters, after",
    "ends with a question mark",
    "ends with a full stop",
    "code follows",
    "content",
    "content, mean",
    "user",
    "first",
    "last",
    "sentences, logarithm",
];

/// The facts of one sentence, as [`FACTS`].
pub type Facts = [f32; FACTS.len()];

/// Logits are kept between this and its opposite.
const BOUND: f32 = 8.0;
/// Shortest word that says what a sentence is about, in characters.
const SHORTEST_WORD: usize = 4;
/// Words are compared by their beginnings, so that endings make no difference.
const STEM: usize = 5;

/// The facts of each sentence of a text; `ends` are the tokens after their last ones.
pub fn facts(text: &str, profile: &Profile<HEADS>, ends: &[usize]) -> Vec<Facts> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let runs: Vec<(usize, usize)> = starts.zip(ends.iter().copied()).collect();
    let looks: Vec<Look> = runs.iter().map(|run| Look::of(text, profile, *run)).collect();
    let news = news(text, profile.places(), &runs);
    let all = Whole::of(&looks);
    looks
        .iter()
        .zip(news)
        .enumerate()
        .map(|(index, (look, (new, words)))| {
            let before = index.checked_sub(1).and_then(|before| looks.get(before));
            // The line break at the end of a text is no sentence.
            let after = looks.get(index + 1).filter(|after| !after.is_blank);
            let near = before.into_iter().chain(after);
            let task = look.task;
            let letters = all.letters / all.count;
            [
                task,
                all.task / all.count,
                if task >= all.most { all.second } else { all.most },
                mean(near.map(|look| look.task)),
                after.map_or(-BOUND / 2.0, |after| after.task),
                new,
                (1.0 + words).ln(),
                look.tokens.max(1.0).ln(),
                flag(look.begins_line),
                flag(look.ends_line),
                flag(look.bar),
                all.bars / all.count,
                look.letters,
                letters,
                before.map_or(letters, |before| before.letters),
                after.map_or(letters, |after| after.letters),
                flag(look.last == '?'),
                flag(matches!(look.last, '.' | '!')),
                flag(look.code_follows),
                look.content,
                all.content / all.count,
                look.user,
                flag(before.is_none()),
                flag(after.is_none()),
                all.count.ln(),
            ]
        })
        .collect()
}

fn flag(is: bool) -> f32 {
    if is { 1.0 } else { 0.0 }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// A sentence by itself.
struct Look {
    user: f32,
    content: f32,
    task: f32,
    tokens: f32,
    begins_line: bool,
    ends_line: bool,
    bar: bool,
    letters: f32,
    last: char,
    code_follows: bool,
    is_blank: bool,
}

impl Look {
    #[allow(clippy::cast_precision_loss)] // Counts of tokens and bytes of one sentence.
    fn of(text: &str, profile: &Profile<HEADS>, (start, end): (usize, usize)) -> Look {
        let Place { start: first, end: last } = profile.bytes(start, end);
        let sentence = text.get(first..last).unwrap_or_default();
        let after = text.get(last..).unwrap_or_default();
        let before = text.get(..first).unwrap_or_default();
        let letters = sentence.chars().filter(|letter| letter.is_alphabetic() || *letter == ' ').count();
        let characters = sentence.chars().count().max(1);
        let [user, content, task] = profile.logits(start, end).map(|logit| logit.clamp(-BOUND, BOUND));
        let is_break = |letter: char| matches!(letter, '\n' | '\r');
        Look {
            user,
            content,
            task,
            tokens: (end - start) as f32,
            begins_line: before.trim_end_matches([' ', '\t']).chars().next_back().is_none_or(is_break),
            ends_line: sentence.trim_end_matches([' ', '\t']).ends_with(is_break)
                || after.trim_start_matches([' ', '\t']).chars().next().is_none_or(is_break),
            bar: sentence.contains('|'),
            letters: letters as f32 / characters as f32,
            last: sentence.trim_end().chars().next_back().unwrap_or(' '),
            code_follows: after.trim_start().starts_with("```"),
            is_blank: sentence.trim().is_empty(),
        }
    }
}

/// What all sentences have together.
#[derive(Default)]
struct Whole {
    count: f32,
    task: f32,
    content: f32,
    most: f32,
    second: f32,
    bars: f32,
    letters: f32,
}

impl Whole {
    fn of(looks: &[Look]) -> Whole {
        let mut whole = Whole { most: -BOUND, second: -BOUND, ..Whole::default() };
        for look in looks {
            let task = look.task;
            whole.count += 1.0;
            whole.task += task;
            whole.content += look.content;
            whole.bars += flag(look.bar);
            whole.letters += look.letters;
            if task > whole.most {
                whole.second = whole.most;
                whole.most = task;
            } else {
                whole.second = whole.second.max(task);
            }
        }
        whole.count = whole.count.max(1.0);
        whole
    }
}

/// For each sentence the part of its words that no other sentence has, and how many different words it has.
#[allow(clippy::cast_precision_loss)] // Counts of words of one sentence.
fn news(text: &str, places: &[Place], runs: &[(usize, usize)]) -> Vec<(f32, f32)> {
    let mut words: Vec<(u64, usize)> = Vec::with_capacity(places.len());
    for (sentence, (start, end)) in runs.iter().enumerate() {
        for place in places.get(*start..*end).unwrap_or_default() {
            let word = text.get(place.start..place.end).unwrap_or_default();
            words.extend(stem(word).map(|stem| (stem, sentence)));
        }
    }
    words.sort_unstable();
    words.dedup();
    let mut counts = vec![(0_u32, 0_u32); runs.len()];
    for same in words.chunk_by(|first, second| first.0 == second.0) {
        for (_, sentence) in same {
            if let Some((new, all)) = counts.get_mut(*sentence) {
                *new += u32::from(same.len() == 1);
                *all += 1;
            }
        }
    }
    counts
        .into_iter()
        .map(|(new, all)| if all == 0 { (0.5, 0.0) } else { (new as f32 / all as f32, all as f32) })
        .collect()
}

/// The beginning of a word that says something, as a number; a character of a script without spaces is a word.
fn stem(word: &str) -> Option<u64> {
    let first = word.chars().next()?;
    if !first.is_alphabetic() || (first.is_ascii() && word.len() < SHORTEST_WORD) {
        return None;
    }
    let letters = word.chars().take(STEM).flat_map(char::to_lowercase);
    Some(letters.fold(0_u64, |stem, letter| {
        (stem.rotate_left(12) ^ u64::from(letter)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::linear::Linear;
    use crate::model::tokens::{Features, segments};

    fn fact(facts: &Facts, name: &str) -> f32 {
        facts[FACTS.iter().position(|other| *other == name).unwrap()]
    }

    fn read(text: &str) -> Vec<Facts> {
        let weights = vec![[0.0; HEADS]; 256];
        let model: Linear<HEADS> = Linear::quantise(8, &weights, [0.1, 0.2, 0.3]).unwrap();
        facts(text, &model.profile(text), &segments(text, &Features::of(text).places))
    }

    #[test]
    fn tells_how_a_sentence_stands_among_others() {
        let text = "| Team | Points |\n| Falcons | 12 |\nWhich planet is the largest?\n| Falcons | 7 |\n";
        let facts = read(text);
        assert_eq!(facts.len(), 4);
        assert_eq!(fact(&facts[2], "has a bar"), 0.0);
        assert_eq!(fact(&facts[2], "part of sentences with a bar"), 0.75);
        assert_eq!(fact(&facts[2], "ends with a question mark"), 1.0);
        assert_eq!(fact(&facts[2], "part of its words that no other sentence has"), 1.0);
        assert_eq!(fact(&facts[3], "part of its words that no other sentence has"), 0.0);
        assert_eq!((fact(&facts[2], "begins a line"), fact(&facts[2], "ends a line")), (1.0, 1.0));
        assert_eq!(fact(&facts[0], "task"), 0.3);
    }

    #[test]
    fn a_text_without_words_has_facts_too() {
        assert!(read("").is_empty());
        assert!(read("1 2 3\n4 5 6 7").iter().flatten().all(|fact| fact.is_finite()));
    }
}
