//! Which windows of a text are learnt from, and as what.

use crate::attack::signals::{HEADS, PAGE, SENTENCES, runs};
use crate::model::learn::Sample;
use crate::model::linear::Linear;
use crate::model::random::Random;
use crate::model::tokens::{Features, segments};

use super::corpus::Text;

/// Longest text that is learnt from as a whole, in tokens.
const LONGEST_WHOLE: usize = 600;
/// Most windows that are drawn from one text.
const MOST: usize = 8;
/// Most windows of one text that are learnt from since an earlier model was wrong about them.
const MOST_HARD: usize = 3;

/// A stretch of tokens and its labels for the heads: a user's text, content, a sentence that puts a task.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// First token.
    pub start: usize,
    /// The token after the last.
    pub end: usize,
    /// Labels by head.
    pub labels: [Option<bool>; HEADS],
}

/// The windows of a text.
pub fn of(text: &Text, features: &Features, random: &mut Random) -> Vec<Window> {
    let length = features.len();
    let attack = text.span.map(|(start, end)| tokens_within(features, start, end));
    let mut windows = Vec::new();
    if length <= LONGEST_WHOLE {
        windows.push(Window {
            start: 0,
            end: length,
            labels: [text.user, text.document.filter(|_| attack.is_none()), None],
        });
    }
    let all = all(text, features);
    match attack {
        Some(attack) => around(attack, &all, text, random, &mut windows),
        // Which part is the attack is not known yet.
        None if text.document == Some(true) && text.is_hidden() => {}
        None => within(&all, length, text, random, &mut windows),
    }
    windows
}

/// All runs of sentences, and pages.
fn all(text: &Text, features: &Features) -> Vec<(usize, usize)> {
    let ends = segments(&text.text, &features.places);
    let mut all: Vec<(usize, usize)> = SENTENCES.iter().flat_map(|count| runs(&ends, *count)).collect();
    let pages = (0..features.len()).step_by(PAGE).map(|start| (start, (start + PAGE).min(features.len())));
    all.extend(pages);
    all
}

/// Windows of a text that is of one kind throughout.
fn within(
    all: &[(usize, usize)],
    length: usize,
    text: &Text,
    random: &mut Random,
    windows: &mut Vec<Window>,
) {
    for _ in 0..MOST.min(all.len()) {
        let Some((start, end)) = random.pick(all).copied() else { continue };
        // A part of an attack need not be one: only large parts are surely so.
        let sure = |label: Option<bool>| {
            label.filter(|attack| !attack || (end - start) * 3 >= length || end - start >= 100)
        };
        windows.push(Window { start, end, labels: [sure(text.user), sure(text.document), None] });
    }
}

/// Windows over an attack inside of a text, and windows beside of it.
fn around(
    attack: (usize, usize),
    all: &[(usize, usize)],
    text: &Text,
    random: &mut Random,
    windows: &mut Vec<Window>,
) {
    let (start, end) = attack;
    windows.push(Window { start, end, labels: [text.user, text.document, None] });
    for _ in 0..MOST.min(all.len()) {
        let Some(window) = random.pick(all).copied() else { continue };
        let shared = window.1.min(end).saturating_sub(window.0.max(start));
        let labels = if shared == 0 {
            [None, text.document.map(|_| false), None]
        } else if shared * 2 >= window.1 - window.0 || shared * 10 >= (end - start) * 9 {
            [text.user, text.document, None]
        } else {
            continue;
        };
        windows.push(Window { start: window.0, end: window.1, labels });
    }
}

/// What a first model makes of a text: the windows of a harmless one that it finds most like an attack, and the windows
/// of a document with an attack in it that it finds most likely to be that.
pub fn second_look(text: &Text, features: &Features, model: &Linear<HEADS>) -> Vec<Window> {
    let hidden = text.is_hidden() && text.span.is_none();
    let mut windows = Vec::new();
    for (head, label) in [text.user, text.document].into_iter().enumerate() {
        let wanted = match label {
            Some(false) => false,
            Some(true) if hidden && head == 1 => true,
            _ => continue,
        };
        let logit = |window: &(usize, usize)| {
            model.logits(features.window(window.0, window.1)).get(head).copied().unwrap_or_default()
        };
        let mut scored: Vec<(f32, (usize, usize))> =
            all(text, features).into_iter().map(|window| (logit(&window), window)).collect();
        scored.sort_by(|first, second| second.0.total_cmp(&first.0).then(first.1.cmp(&second.1)));
        for (logit, (start, end)) in scored.into_iter().take(MOST_HARD) {
            if wanted || logit > -1.0 {
                let mut labels = [None; HEADS];
                if let Some(place) = labels.get_mut(head) {
                    *place = Some(wanted);
                }
                windows.push(Window { start, end, labels });
            }
        }
    }
    if text.document == Some(false) {
        windows.extend(hard_sentences(text, features, model));
    }
    windows
}

/// The sentences of content that a first model finds most like a task.
fn hard_sentences(text: &Text, features: &Features, model: &Linear<HEADS>) -> Vec<Window> {
    let ends = segments(&text.text, &features.places);
    let mut scored: Vec<(f32, (usize, usize))> = runs(&ends, 1)
        .into_iter()
        .filter(|(start, end)| end - start >= SHORTEST_SENTENCE)
        .map(|(start, end)| {
            let [.., task] = model.logits(features.window(start, end));
            (task, (start, end))
        })
        .collect();
    scored.sort_by(|first, second| second.0.total_cmp(&first.0).then(first.1.cmp(&second.1)));
    let hard = scored.into_iter().take(MOST_HARD).filter(|(task, _)| *task > -1.0);
    hard.map(|(_, (start, end))| Window { start, end, labels: [None, None, Some(false)] }).collect()
}

/// Sources of requests that begin with what they ask for.
const REQUESTS: [&str; 7] =
    ["alpaca-eval", "arena-hard", "self-instruct", "mt-bench", "gpteacher", "big-bench-hard", "clinc-oos"];
/// Short attacks that are instructions to a model in each of their first sentences.
const INSTRUCTIONS: [&str; 6] = [
    "bare instruction",
    "made instruction for content",
    "made override",
    "made prompt extraction",
    "user-attack",
    "prompt-extraction",
];
/// Shortest sentence that is learnt from, in tokens.
const SHORTEST_SENTENCE: usize = 3;
/// Longest attack all of whose sentences are instructions, in tokens.
const LONGEST_INSTRUCTION: usize = 80;

/// Sentences that put a task to an assistant, and sentences of content.
pub fn tasks(text: &Text, features: &Features, random: &mut Random) -> Vec<Window> {
    let ends = segments(&text.text, &features.places);
    let mut sentences = runs(&ends, 1);
    sentences.retain(|(start, end)| end - start >= SHORTEST_SENTENCE);
    let window = |(start, end): &(usize, usize), task: bool| Window {
        start: *start,
        end: *end,
        labels: [None, None, Some(task)],
    };
    if let Some((start, end)) = text.span.filter(|_| text.document == Some(true)) {
        let end = before_code(&text.text, start, end);
        let (start, end) = tokens_within(features, start, end);
        let inside =
            |run: &&(usize, usize)| (run.1.min(end).saturating_sub(run.0.max(start))) * 2 >= run.1 - run.0;
        let outside: Vec<&(usize, usize)> = sentences.iter().filter(|run| run.1 <= start).collect();
        let mut windows: Vec<Window> =
            sentences.iter().filter(inside).take(3).map(|run| window(run, true)).collect();
        windows.extend((0..2).filter_map(|_| random.pick(&outside)).map(|run| window(run, false)));
        return windows;
    }
    if asks(text) {
        let short = INSTRUCTIONS.contains(&text.kind.as_str()) && features.len() <= LONGEST_INSTRUCTION;
        return sentences.iter().take(if short { 3 } else { 1 }).map(|run| window(run, true)).collect();
    }
    if text.document != Some(false) {
        return Vec::new();
    }
    let count = match text.origin.as_str() {
        "castellan cases" | "bipia/train/clean" => MOST,
        "made documents" => 2,
        _ => MOST / 2,
    };
    (0..count.min(sentences.len()))
        .filter_map(|_| random.pick(&sentences))
        .map(|run| window(run, false))
        .collect()
}

/// Where an instruction ends: what comes after a fence is code that it hands over and no sentence of it.
pub fn before_code(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).and_then(|part| part.find("```")).map_or(end, |code| start + code)
}

/// True for texts whose first sentence puts a task to an assistant.
fn asks(text: &Text) -> bool {
    let request = text.user == Some(false) && text.document.is_none() && text.kind != "system prompt";
    (request && REQUESTS.iter().any(|origin| text.origin.starts_with(origin)))
        || INSTRUCTIONS.contains(&text.kind.as_str())
}

/// The tokens that lie within some bytes.
pub fn tokens_within(features: &Features, start: usize, end: usize) -> (usize, usize) {
    let first = features.places.partition_point(|place| place.end <= start);
    let last = features.places.partition_point(|place| place.start < end);
    (first, last.max(first))
}

/// Windows as samples; `weight` is that of each.
pub fn samples<'a>(
    windows: &'a [Window],
    features: &'a Features,
    weight: f32,
    source: u32,
) -> impl Iterator<Item = Sample<'a, HEADS>> {
    windows.iter().map(move |window| Sample {
        hashes: features.window(window.start, window.end),
        labels: window.labels,
        weight,
        source,
    })
}
