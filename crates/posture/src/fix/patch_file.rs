//! One scanned JSON file with the fixes of all its findings applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Limits, Node, SourceId, Sources, Span, json};
use serde_json::Value;

use super::diff;
use super::edit::{self, Wanted};
use super::path::Step;

/// A file as it was and as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchedFile {
    /// The path under which it was read.
    pub path: Arc<str>,
    /// The whole text with all fixes.
    pub text: String,
    /// The change as a unified diff, with paths relative to where the scan was started.
    pub patch: String,
    /// Fingerprints of the findings that this fixes.
    pub fixes: Vec<String>,
}

/// What is to be changed in one file.
pub(crate) struct FilePlan {
    text: Arc<str>,
    path: Arc<str>,
    document: Node,
    objects: BTreeMap<(u32, u32), (Node, Wanted)>,
    fixes: Vec<String>,
}

impl FilePlan {
    /// Reads a source again. An error says why it cannot be patched.
    pub(crate) fn open(sources: &Sources, source: SourceId) -> Result<FilePlan, String> {
        let (Some(text), Some(path)) = (sources.text(source), sources.path(source)) else {
            return Err("the resource stands in no file".to_owned());
        };
        let document = json::parse(&text, source, &Limits::default())
            .map_err(|_| "the file is not JSON, so that it cannot be edited in place".to_owned())?;
        Ok(FilePlan { text, path, document, objects: BTreeMap::new(), fixes: Vec::new() })
    }

    /// The path under which the file was read.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Fingerprints of the findings planned so far.
    pub(crate) fn fixes(&self) -> &[String] {
        &self.fixes
    }

    /// Adds what one finding needs changed in the resource declared at `span`.
    pub(crate) fn add(
        &mut self,
        span: Span,
        sets: &[(Vec<Step>, Value)],
        fingerprint: &str,
    ) -> Result<(), String> {
        let object = innermost(&self.document, span)
            .ok_or_else(|| "the resource is not declared as an object in the file".to_owned())?;
        let key = (object.span.start, object.span.end);
        let (_, wanted) = self.objects.entry(key).or_insert_with(|| (object.clone(), Wanted::default()));
        let mut trial = wanted.clone();
        if !sets.iter().all(|(path, value)| trial.add(path, value)) {
            return Err("another fix sets the same property to something else".to_owned());
        }
        edit::edits(&self.text, object, &trial)?;
        *wanted = trial;
        self.fixes.push(fingerprint.to_owned());
        Ok(())
    }

    /// The file with everything applied; `None` when nothing had to change. The result is read again: what is not JSON
    /// is never written.
    pub(crate) fn finish(self, relative_path: &str) -> Result<Option<PatchedFile>, String> {
        let mut edits = Vec::new();
        for (object, wanted) in self.objects.values() {
            edits.extend(edit::edits(&self.text, object, wanted)?);
        }
        if edits.is_empty() {
            return Ok(None);
        }
        let text = edit::apply(&self.text, &mut edits);
        json::parse(&text, SourceId::NONE, &Limits::default())
            .map_err(|problem| format!("the patched file would not be JSON: {}", problem.message))?;
        let patch = diff::unified(relative_path, &self.text, &edits);
        Ok(Some(PatchedFile { path: self.path, text, patch, fixes: self.fixes }))
    }
}

/// The innermost object that covers a span.
fn innermost(node: &Node, span: Span) -> Option<&Node> {
    let covers =
        node.span.source == span.source && node.span.start <= span.start && span.end <= node.span.end;
    if !covers {
        return None;
    }
    let inside = match &node.value {
        castellan_base::Value::Array(items) => items.iter().find_map(|item| innermost(item, span)),
        castellan_base::Value::Object(object) => {
            object.iter().find_map(|member| innermost(&member.value, span))
        }
        _ => None,
    };
    inside.or_else(|| node.as_object().map(|_| node))
}
