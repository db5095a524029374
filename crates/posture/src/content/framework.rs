//! Framework packs: the controls of one edition of a security or compliance framework.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node};

use super::reader::Reader;

/// One edition of a framework.
#[derive(Clone, Debug)]
pub struct Framework {
    /// The framework: `owasp-llm`.
    pub id: Arc<str>,
    /// The edition: `2025`. None where a framework numbers its controls once and for all.
    pub edition: Option<Arc<str>>,
    /// Its name.
    pub title: Arc<str>,
    /// Who publishes it.
    pub publisher: Arc<str>,
    /// Where the original text stands.
    pub url: Arc<str>,
    /// Licence or legal standing of the original, and what was taken from it.
    pub notice: Option<Arc<str>>,
    /// The controls, all of them, in the framework's order; a control without any check is shown as such.
    pub controls: Vec<Control>,
}

/// One control of a framework.
#[derive(Clone, Debug)]
pub struct Control {
    /// The framework's own id: `LLM01`.
    pub id: Arc<str>,
    /// A short title.
    pub title: Arc<str>,
    /// What it asks for, in one sentence. May be empty.
    pub summary: Arc<str>,
}

impl Framework {
    /// What the framework ids of this pack begin with: `owasp-llm:2025`.
    pub fn pack(&self) -> String {
        match &self.edition {
            Some(edition) => format!("{}:{edition}", self.id),
            None => self.id.to_string(),
        }
    }

    /// The control with the framework's own id.
    pub fn control(&self, id: &str) -> Option<&Control> {
        self.controls.iter().find(|control| &*control.id == id)
    }
}

/// Reads a pack. `stem` is the file's name without extension: `ID-EDITION` or `ID`.
pub(super) fn read(document: &Node, stem: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Framework> {
    let mut reader = Reader::new(document, "a framework pack", diagnostics)?;
    let mut framework = Framework {
        id: reader.text("id"),
        edition: reader.optional_text("edition"),
        title: reader.text("title"),
        publisher: reader.text("publisher"),
        url: reader.text("url"),
        notice: reader.optional_text("notice"),
        controls: Vec::new(),
    };
    let expected = framework.pack().replace(':', "-");
    if expected != stem {
        reader.fail(document, format!("the pack `{}` has to stand in `{expected}.yaml`", framework.pack()));
    }
    for item in reader.list("controls") {
        match read_control(item, reader.diagnostics()) {
            Some(control) if framework.control(&control.id).is_some() => {
                reader.fail(item, format!("`{}` stands here twice", control.id));
            }
            Some(control) => framework.controls.push(control),
            None => reader.fail(item, "this control cannot be used"),
        }
    }
    reader.finish().then_some(framework)
}

fn read_control(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Control> {
    let mut reader = Reader::new(node, "a control", diagnostics)?;
    let control = Control {
        id: reader.text("id"),
        title: reader.text("title"),
        summary: reader.optional_text("summary").unwrap_or_default(),
    };
    reader.finish().then_some(control)
}
