//! Writes the model card.

use std::fmt::Write as _;

use super::evade::Retention;
use super::report::{HarmRow, Head, Report, Row, SeverityRow};

/// The card as Markdown. It says nothing that differs from one run to the next.
pub(super) fn write(report: &Report, size: usize) -> String {
    let mut card = String::from(INTRODUCTION);
    let _ = writeln!(card, "The weights are {size} bytes (`content/shield/weights.bin`).\n");
    let [user, content] = &report.heads;
    attack_section(&mut card, "Attacks that people type", user);
    attack_section(&mut card, "Attacks inside of content", content);
    let (right, all) = report.subtype_right;
    let _ = writeln!(
        card,
        "Of the {all} attacks of our own that were left out, were found and have a known subtype, {right} were told rightly.\n"
    );
    retention_section(&mut card, &report.retention);
    harm_section(&mut card, report);
    source_section(&mut card, &report.sources);
    card.push_str(LIMITS);
    card
}

const INTRODUCTION: &str = "# Model card of the shield

<!-- Written by `cargo xtask train-shield`. Do not edit. -->

Two models find attacks on the prompt and harmful content, without a GPU: linear models over hashed n-grams of letters and
words (64-bit hashes, 2^19 slots, 8-bit weights), a model of letters and pairs of words that tells machine-made strings
from language, and rules that are data. A small calibrated combination decides.

**How to read the figures.** Within a source they mean nothing, so each source is judged by models that have not seen it,
nor the others of its fold. A fold leaves several sources out at once, so what remains to learn from is less than what the
shipped model has; where nearly all texts of a kind come from one source (jailbreak templates, attacks inside of mails),
leaving it out says what is found of a kind of attack that nobody collected. Texts made by grammars share their grammar
between folds: their rows show that it was learnt, not more; but each recipe of machine-made suffixes is left out together
with one fold as well, and \"of a kind left out\" are the texts of that fold by models that know no text of the recipe. \"Left out\" cases are whole groups of our own that the shipped
model has never seen. *Released* is the operating point where nothing else is asked for: 1 % false alarms among what people
type, 2 % among content. Probabilities are calibrated on sources that were left out.

";

const LIMITS: &str = "## What it cannot see

- **Meaning.** It sees words and their neighbours. Persuasion in words that harmless stories use as well, a request spread
  over several turns, and attacks in languages that it has few texts of pass it. A fluent attack that nobody has written
  before may pass.
- **Instructions that belong.** In content, a request that is addressed to a person (\"please send me the table\") and one
  that is addressed to the assistant look alike when nothing else tells them apart. What tells them apart is the rest of the
  document: in a note of three sentences there is little of it.
- **Long texts.** Each piece of 8,000 bytes is one more chance for a false alarm.
- **Machine-made texts of real words.** A suffix of existing words in an order that nearly makes sense is found less often
  than one of fragments.
- **Hate without its words.** Sources disagree on what hate is, and what is left of each when it is learnt from the others
  is little.
- **Severity** is read off a scale that was fitted to some two thousand graded texts of our own. It orders texts roughly.
- Texts of trusted sources (`system`, `developer`) are never judged as attacks, by design.

## Speed

`cargo bench -p castellan-shield --bench judge` measures one judgement; `docs/performance.md` is the place for figures of
one machine, since this card has to come out the same everywhere.
";

fn attack_section(card: &mut String, title: &str, head: &Head) {
    let [released, percent, half, tenth] = head.points;
    let _ = writeln!(card, "## {title}\n");
    let _ = writeln!(
        card,
        "Area under the ROC curve over left-out sources: {:.3}. Operating points, as least probabilities: {released:.3} as released, \
         {percent:.3} for 1 % false alarms, {half:.3} for 0.5 %, {tenth:.3} for 0.1 % (all harmless sources together, none weighing more than the \
         square root of its size; system prompts are not counted, since they come from trusted sources).\n",
        head.area
    );
    table(card, "Found, by left-out source", "source", &head.attacks, |row| {
        format!("{} ({})", row.name, row.kind)
    });
    table(card, "Found, of our own cases that were left out", "kind", &head.held_attacks, |row| {
        row.kind.clone()
    });
    table(
        card,
        "False alarms, by kind of harmless text of left-out sources",
        "kind",
        &head.harmless,
        |row| row.kind.clone(),
    );
    table(card, "False alarms, of our own cases that were left out", "kind", &head.held_harmless, |row| {
        row.kind.clone()
    });
}

fn table(card: &mut String, title: &str, first: &str, rows: &[Row], name: impl Fn(&Row) -> String) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        card,
        "**{title}**\n\n| {first} | texts | released | at 1 % | at 0.5 % | at 0.1 % |\n|---|--:|--:|--:|--:|--:|"
    );
    for row in rows {
        let [released, percent, half, tenth] = row.shares.map(per_cent);
        let _ =
            writeln!(card, "| {} | {} | {released} | {percent} | {half} | {tenth} |", name(row), row.count);
    }
    card.push('\n');
}

fn per_cent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn retention_section(card: &mut String, rows: &[Retention]) {
    card.push_str("## Evasion\n\nAttacks that are found plainly, each in every encoding, and harmless requests in the same encodings.\n\n");
    card.push_str("| encoding | attacks | still found | harmless | false alarms |\n|---|--:|--:|--:|--:|\n");
    for row in rows {
        let _ = writeln!(
            card,
            "| {} | {} | {} | {} | {} |",
            row.codec,
            row.attacks,
            part(row.found, row.attacks),
            row.harmless,
            part(row.flagged, row.harmless)
        );
    }
    card.push('\n');
}

#[allow(clippy::cast_precision_loss)] // Some dozen texts.
fn part(some: usize, all: usize) -> String {
    if all == 0 { "-".to_owned() } else { per_cent(some as f64 / all as f64) }
}

fn harm_section(card: &mut String, report: &Report) {
    let [unseen, left_out] = report.any;
    let _ = writeln!(
        card,
        "## Harm\n\nArea under the precision-recall curve for any harm: {unseen:.3} on the source that is only evaluated on, \
         {left_out:.3} over all left-out sources together. {} of harmless requests, documents and code have a probability \
         of harm of one half or more.\n\n| left-out source | texts | harmful | any harm: area under precision-recall | hate | sexual | \
         violence | self-harm |\n|---|--:|--:|--:|--:|--:|--:|--:|",
        per_cent(report.harmless_flagged)
    );
    for HarmRow { name, count, any, harmful, areas } in &report.harms {
        let [hate, sexual, violence, self_harm] = areas.map(area);
        let _ = writeln!(
            card,
            "| {name} | {count} | {} | {} | {hate} | {sexual} | {violence} | {self_harm} |",
            per_cent(*harmful),
            area(*any)
        );
    }
    card.push_str("\nThe last four are areas under the ROC curve of each harm where both answers are known. An area of 1 where all are harmful says nothing.\n\n");
    card.push_str("| severity of | graded texts | mean error | within one |\n|---|--:|--:|--:|\n");
    for SeverityRow { harm, count, error, within_one } in &report.severities {
        let _ = writeln!(card, "| {harm} | {count} | {error:.2} | {} |", per_cent(*within_one));
    }
    card.push('\n');
}

fn area(area: f64) -> String {
    if area.is_nan() { "-".to_owned() } else { format!("{area:.3}") }
}

fn source_section(card: &mut String, sources: &[(String, String, usize)]) {
    card.push_str("## What it was trained on\n\n| source | licence | texts |\n|---|---|--:|\n");
    for (origin, licence, count) in sources {
        let _ = writeln!(card, "| {origin} | {licence} | {count} |");
    }
    card.push_str("\nTexts under CC-BY-SA-4.0 (decodingtrust) are evaluated on and not trained on.\n\n");
}
