//! The controls of the classic secure score.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};

use super::reader::Reader;

/// One control of the classic secure score. A check names the control that it counts to.
#[derive(Clone, Debug)]
pub struct ScoreControl {
    /// Kebab-case id: `manage-access`.
    pub id: Arc<str>,
    /// Its name.
    pub title: Arc<str>,
    /// The points that a fully healthy estate gets for it.
    pub max: u32,
}

/// Reads `score.yaml`: `{controls: [{id, title, max}]}`.
pub(super) fn read(document: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<ScoreControl> {
    let mut controls = Vec::new();
    let Some(mut reader) = Reader::new(document, "the score", diagnostics) else { return controls };
    for item in reader.list("controls") {
        controls.extend(read_control(item, reader.diagnostics()));
    }
    reader.finish();
    controls
}

fn read_control(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<ScoreControl> {
    let mut reader = Reader::new(node, "a score control", diagnostics)?;
    let control =
        ScoreControl { id: reader.text("id"), title: reader.text("title"), max: reader.whole_number("max") };
    reader.finish().then_some(control)
}
