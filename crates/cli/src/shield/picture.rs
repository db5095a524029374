//! A verdict for people: what was found, and the lines of the text with the evidence underlined.

use std::ops::Range;

use castellan_shield::attack::Verdict;
use castellan_shield::harm::{HARMS, Harms};

use crate::output::inert_lines;

/// Most lines of the text that are shown.
const LINES: usize = 40;
/// Most characters of a decoded text that are shown.
const DECODED: usize = 300;

pub(super) fn draw(text: &str, verdict: &Verdict, harms: &Harms, width: usize) -> String {
    let mut told = head(verdict);
    told.push_str(&underlined(text, verdict, width));
    for payload in &verdict.decoded {
        let shown: String = payload.text.chars().take(DECODED).collect();
        let chain = payload.chain.join(" in ");
        told.push_str(&format!("  decoded ({chain}): {}\n", inert_lines(&shown.replace('\n', " "))));
    }
    let all = HARMS.iter().zip(harms.all());
    let harms: Vec<String> = all
        .map(|(name, harm)| {
            let name = name.replace('_', "-");
            format!("{name} {} ({:.0} %)", harm.severity, harm.probability * 100.0)
        })
        .collect();
    told.push_str(&format!("harm, severity 0 to 7: {}\n", harms.join(", ")));
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
        let visible = !character.is_control() && !is_hidden(*character);
        shown.push(if visible { *character } else { '\u{fffd}' });
        marks.push(if is_marked(*at) { '^' } else { ' ' });
    }
    format!("  {number:>5}  {shown}\n         {}\n", marks.trim_end())
}

/// Whether a character shows nothing: what smuggles text past people.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}'
    )
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
        let long = format!("{}attack", "x ".repeat(200));
        let shown = marked(&long, (1, 0..long.len()), one(&(400..406)), 60);
        assert!(shown.contains("attack") && shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
    }
}
