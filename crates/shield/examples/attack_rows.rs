//! Trains only what finds attacks, and prints for each source that was left out how much of it is taken for an attack at
//! the released point: `cargo run --release -p castellan-shield --example attack_rows`, from the repository's root.
//!
//! For trying a change in half the time that the model card takes; nothing is written.
#![allow(clippy::print_stdout, clippy::print_stderr)] // An example talks to the person who runs it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use castellan_base::{OsSystem, System};
use castellan_shield::read_rules;
use castellan_shield::train::{self, attack};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpora =
        OsSystem.env("CASTELLAN_CORPORA").map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
    let content = root.join("content/shield");
    let rules = read_rules(&OsSystem, &content.join("rules"))?;
    let prepared = attack::prepare(train::texts(&OsSystem, &corpora.join("shield"), &content, &rules)?);
    let trained = attack::train(&prepared, &rules, &attack::settings(), &mut |step| eprintln!("{step}"))
        .ok_or("the settings of training are out of range")?;
    let judges = [("typed", &trained.model.user), ("content", &trained.model.content)];
    for (head, ((name, judge), area)) in judges.into_iter().zip(trained.areas).enumerate() {
        println!("{name}, area {area:.4}");
        let mut rows: BTreeMap<(bool, bool, &str, &str), (u32, u32)> = BTreeMap::new();
        for (item, logits) in prepared.iter().zip(&trained.logits) {
            let text = &item.text;
            if let (Some(attack), Some(logit)) =
                (attack::label(text, head), logits.get(head).copied().flatten())
            {
                // Attacks are told by source, harmless texts by kind.
                let source = if attack { text.origin.as_str() } else { "" };
                let row = rows.entry((!attack, text.held_out, &text.kind, source)).or_default();
                row.0 += u32::from(judge.platt.probability(logit) >= judge.points.released);
                row.1 += 1;
            }
        }
        for ((harmless, held_out, kind, source), (found, all)) in rows {
            let what = if harmless { "harmless" } else { "attack" };
            let held_out = if held_out { "held out: " } else { "" };
            let share = 100.0 * f64::from(found) / f64::from(all);
            println!("{what:<8} {share:>5.1} % of {all:>5}  {held_out}{kind} {source}");
        }
    }
    Ok(())
}
