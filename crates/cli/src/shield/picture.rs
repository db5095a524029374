//! A verdict for people: what was found, and the lines of the text with the evidence underlined.

use std::ops::Range;

use castellan_shield::attack::{Tier, Verdict};
use castellan_shield::batch::Judgement;
use castellan_shield::harm::HARMS;
use castellan_shield::protected::Found;
use castellan_shield::view::is_ignorable;

use super::category::line;
use crate::output::inert_lines;

/// Most lines of the text that are shown.
const LINES: usize = 40;
/// Most characters of a decoded text that are shown.
const DECODED: usize = 300;
/// Most characters of a passage that are shown.
const PASSAGE: usize = 60;

pub(super) fn draw(text: &str, judgement: &Judgement<'_>, width: usize) -> String {
    let verdict = &judgement.verdict;
    let mut told = head(verdict);
    told.push_str(&second(verdict));
    told.push_str(&underlined(text, verdict, width));
    for payload in &verdict.decoded {
        let shown: String = payload.text.chars().take(DECODED).collect();
        let chain = payload.chain.join(" in ");
        told.push_str(&format!("  decoded ({chain}): {}\n", inert_lines(&shown.replace('\n', " "))));
    }
    let all = HARMS.iter().zip(judgement.harms.all());
    let harms: Vec<String> = all
        .map(|(name, harm)| {
            let name = name.replace('_', "-");
            format!("{name} {} ({:.0} %)", harm.severity, harm.probability * 100.0)
        })
        .collect();
    told.push_str(&format!("harm, severity 0 to 7: {}\n", harms.join(", ")));
    if let Some(found) = &judgement.protected {
        told.push_str(&copied(text, found));
    }
    told.extend(judgement.categories.iter().map(line));
    for left in &verdict.unscanned {
        told.push_str(&format!("not looked at: bytes {} to {}: {}\n", left.start, left.end, left.reason));
    }
    told
}

fn head(verdict: &Verdict) -> String {
    let score = format!("{:.1} %", verdict.probability * 100.0);
    match (verdict.detected, verdict.subtype) {
        (true, Some(subtype)) => {
            let kind = subtype.name().replace('_', " ");
            format!("ATTACK: {kind}, probability {score}\n")
        }
        (true, None) => format!("ATTACK: probability {score}\n"),
        (false, _) => format!("no attack: probability {score}\n"),
    }
}

/// What the second tier said, and that it did not say anything.
fn second(verdict: &Verdict) -> String {
    let mut told = String::new();
    if verdict.tier == Tier::Second {
        told.push_str("  decided by the second tier\n");
    }
    if let Some(failure) = verdict.failure() {
        told.push_str(&format!("  UNDECIDED in part: {}\n", inert_lines(failure)));
    }
    told
}

/// What stands in protected texts, the beginning of each run.
fn copied(text: &str, found: &Found) -> String {
    if found.runs.is_empty() {
        return "protected texts: nothing of them\n".to_owned();
    }
    let mut told = format!("protected texts: {:.0} % of the words\n", found.share * 100.0);
    for run in found.runs.iter().take(LINES) {
        let licence = run.source.licence.as_deref().unwrap_or("no licence told");
        let passage = text.get(run.span.clone()).unwrap_or_default();
        let beginning: String = passage.chars().take(PASSAGE).collect();
        let cited = format!("{} ({licence})", run.source.name);
        told.push_str(&format!("  {} words of {}\n", run.words, inert_lines(&cited.replace('\n', " "))));
        told.push_str(&format!("         {}\n", inert_lines(&beginning.replace('\n', " "))));
    }
    if found.more || found.runs.len() > LINES {
        told.push_str("  ... and more\n");
    }
    told
}

/// The lines that hold evidence, each with a line of marks and the reasons.
fn underlined(text: &str, verdict: &Verdict, width: usize) -> String {
    let mut told = String::new();
    let mut start = 0;
    let mut shown = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let range = start..start + line.trim_end_matches(['\n', '\r']).len();
        start += line.len();
        let here: Vec<_> = verdict
            .spans
            .iter()
            .filter(|span| span.start < range.end.max(range.start + 1) && span.end > range.start)
            .collect();
        if here.is_empty() {
            continue;
        }
        shown += 1;
        if shown > LINES {
            told.push_str(&format!("  ... and more than {LINES} lines with evidence\n"));
            break;
        }
        let spans: Vec<Range<usize>> = here.iter().map(|span| span.start..span.end).collect();
        told.push_str(&marked(text, (number + 1, range), &spans, width));
        let mut reasons: Vec<&str> = here.iter().map(|span| span.reason.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        told.push_str(&format!("         {}\n", inert_lines(&reasons.join(", "))));
    }
    told
}

/// A line and its marks, cut to the width around the first of them.
fn marked(
    text: &str,
    (number, range): (usize, Range<usize>),
    spans: &[Range<usize>],
    width: usize,
) -> String {
    let room = width.saturating_sub(10).max(20);
    let line = text.get(range.clone()).unwrap_or_default();
    let characters: Vec<(usize, char)> = line.char_indices().collect();
    let is_marked = |at: usize| spans.iter().any(|span| span.contains(&(range.start + at)));
    let first = characters.iter().position(|(at, _)| is_marked(*at)).unwrap_or(0);
    let from = if characters.len() <= room { 0 } else { first.saturating_sub(room / 4) };
    let part = characters.iter().skip(from).take(room);
    let (mut shown, mut marks) = (String::new(), String::new());
    for (at, character) in part {
        // What shows nothing or steers a terminal is shown as a sign of its own, so that marks stay below their letters.
        let visible = !character.is_control() && !shows_nothing(*character);
        shown.push(if visible { *character } else { '\u{fffd}' });
        marks.push(if is_marked(*at) { '^' } else { ' ' });
    }
    format!("  {number:>5}  {shown}\n         {}\n", marks.trim_end())
}

/// What smuggles text past people. The Arabic tatweel is ignored when texts are compared, but shown.
fn shows_nothing(character: char) -> bool {
    is_ignorable(character) && character != '\u{640}'
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn marks_stand_below_their_letters() {
        let text = "say \u{e9}t\u{e9} now";
        let one = std::slice::from_ref;
        let shown = marked(text, (1, 0..text.len()), one(&(4..9)), 80);
        assert_eq!(shown, "      1  say \u{e9}t\u{e9} now\n             ^^^\n");
        let hidden = "a\u{3164}b\u{200b}c";
        let shown = marked(hidden, (1, 0..hidden.len()), one(&(1..4)), 80);
        assert_eq!(shown, "      1  a\u{fffd}b\u{fffd}c\n          ^\n");
        let long = format!("{}attack", "x ".repeat(200));
        let shown = marked(&long, (1, 0..long.len()), one(&(400..406)), 60);
        assert!(shown.contains("attack") && shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
    }
}
