//! `--fix-out`: patched copies, patches, Terraform and commands for everything that can be fixed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use castellan_base::{Node, Origin, Resource, SourceId, System};
use castellan_estate::Estate;
use serde_json::Value;

use super::patch_file::{FilePlan, PatchedFile};
use super::path::{Step, steps};
use super::propose::{Proposal, fill_tree, placeholder, propose};
use crate::assessment::{AssessedFinding, Assessment};
use crate::content::Fix;

/// What was written, and what could not be.
#[derive(Debug, Clone, Default)]
pub struct FixOutcome {
    /// The patched files.
    pub patched: Vec<PatchedFile>,
    /// Every file written, under the folder.
    pub written: Vec<PathBuf>,
    /// Violations for which no file was patched, with the reason; `fixes.sh`, `fixes.tf` or `not-patched.md` has what
    /// can be said about each.
    pub not_patched: Vec<NotPatched>,
}

/// A violation whose file was not patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPatched {
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// The check's id.
    pub check: Arc<str>,
    /// The resource's id.
    pub resource: Arc<str>,
    /// Why.
    pub reason: String,
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`: {source}")]
pub struct FixError {
    path: String,
    source: std::io::Error,
}

/// Writes fixes for all violations under `folder`:
///
/// * a patched copy of each scanned JSON file under its own relative path, and `NAME.patch` beside them, which
///   `git apply` takes from the folder in which the scan was started;
/// * `fixes.tf` for what was read from Terraform, whose plan is not its source;
/// * `fixes.sh` with `az` commands for what is live or was exported;
/// * `decide-first.md` with what a person has to know before applying the patches;
/// * `not-patched.md` with every form of the fix for what no file could be patched for.
///
/// Nothing outside `folder` is touched. Several fixes of one file are merged.
pub fn write_patches(
    system: &dyn System,
    folder: &Path,
    assessment: &Assessment,
    estate: &Estate,
) -> Result<FixOutcome, FixError> {
    let mut work = Work { plans: BTreeMap::new(), unusable: BTreeMap::new(), outcome: FixOutcome::default() };
    let mut terraform = String::new();
    let mut commands = String::new();
    let mut leftover = String::new();
    let mut decisions = String::new();
    for found in assessment.findings.iter().filter(|found| found.is_violation()) {
        let Some(check) = assessment.check_of(found) else { continue };
        let target = target_of(found, estate);
        let proposal = check.check.fix.as_ref().and_then(|fix| propose(fix, &found.source, target));
        let tried = match (&check.check.fix, target) {
            (Some(fix), Some(resource)) => work.patch(found, fix, resource, estate),
            (None, _) => Err("the check names no change that would fix it".to_owned()),
            (_, None) => Err("the resource itself is not part of what was read".to_owned()),
        };
        let heading = format!("{}: {}", found.finding.check, printable(found.finding.resource.as_str()));
        match (target.map(|resource| resource.origin), &proposal) {
            (Some(Origin::TerraformPlan | Origin::TerraformState), Some(fix))
                if !fix.terraform.is_empty() =>
            {
                let _ = writeln!(terraform, "# {heading}\n{}", fix.terraform);
            }
            (Some(Origin::Live | Origin::Export), Some(fix)) if !fix.az.is_empty() => {
                let _ = writeln!(commands, "# {heading}\n{}\n", runnable(&fix.az));
            }
            _ => {}
        }
        if let (Ok(()), Some(note)) = (&tried, proposal.as_ref().and_then(|fix| fix.note.as_ref())) {
            let _ = writeln!(decisions, "- **{heading}**: {note}");
        }
        if let Err(reason) = tried {
            describe(&mut leftover, &heading, &reason, proposal.as_ref());
            work.outcome.not_patched.push(not_patched(found, reason));
        }
    }
    let mut outcome = work.write(system, folder, assessment)?;
    let intro = "Each entry is a violation that no patch in this folder fixes, with the reason and every form of the fix.";
    let others = [
        ("fixes.tf", terraform, "# Merge these blocks into the existing ones.\n\n".to_owned()),
        ("fixes.sh", commands, "#!/bin/sh\n# Read before running.\nset -eu\n\n".to_owned()),
        ("decide-first.md", decisions, "# What the patches assume\n\n".to_owned()),
        ("not-patched.md", leftover, format!("# Not patched\n\n{intro}\n\n")),
    ];
    for (name, text, head) in others.into_iter().filter(|(_, text, _)| !text.is_empty()) {
        put(system, &folder.join(name), format!("{head}{text}").as_bytes(), &mut outcome)?;
    }
    Ok(outcome)
}

/// The file of one finding as it should be, without anything being written.
///
/// Errors: why no file can be patched for it, in a sentence.
pub fn patch_of(
    found: &AssessedFinding,
    assessment: &Assessment,
    estate: &Estate,
) -> Result<PatchedFile, String> {
    let nothing = || "the check names no change that would fix it".to_owned();
    let fix = assessment.check_of(found).and_then(|check| check.check.fix.as_ref()).ok_or_else(nothing)?;
    let resource = target_of(found, estate)
        .ok_or_else(|| "the resource itself is not part of what was read".to_owned())?;
    let mut work = Work { plans: BTreeMap::new(), unusable: BTreeMap::new(), outcome: FixOutcome::default() };
    work.patch(found, fix, resource, estate)?;
    let plan = work.plans.into_values().next().ok_or_else(nothing)?;
    let shown = relative_path(plan.path()).to_string_lossy().replace('\\', "/");
    plan.finish(&shown)?.ok_or_else(|| "the file is as it should be already".to_owned())
}

fn not_patched(found: &AssessedFinding, reason: String) -> NotPatched {
    NotPatched {
        fingerprint: found.fingerprint.clone(),
        check: Arc::clone(&found.finding.check),
        resource: found.finding.resource.as_str().into(),
        reason,
    }
}

/// The resource that a fix has to change, as it was read.
pub(crate) fn target_of<'e>(found: &AssessedFinding, estate: &'e Estate) -> Option<&'e Resource> {
    let judged = estate.resources.get(found.resource)?;
    if judged.origin == Origin::Derived { estate.source_of(judged) } else { Some(judged) }
}

struct Work {
    plans: BTreeMap<SourceId, FilePlan>,
    unusable: BTreeMap<SourceId, String>,
    outcome: FixOutcome,
}

impl Work {
    fn patch(
        &mut self,
        found: &AssessedFinding,
        fix: &Fix,
        resource: &Resource,
        estate: &Estate,
    ) -> Result<(), String> {
        match resource.origin {
            Origin::ArmTemplate | Origin::Export | Origin::AgentDefinition => {}
            Origin::TerraformPlan | Origin::TerraformState => {
                return Err("a plan is not the source; `fixes.tf` has what to change".to_owned());
            }
            Origin::Live => return Err("it was read live; `fixes.sh` has the command".to_owned()),
            Origin::Kubernetes | Origin::Derived => {
                return Err("only JSON files are patched in place".to_owned());
            }
        }
        if fix.set.is_empty() {
            return Err("the fix is more than setting properties".to_owned());
        }
        if fix.set.iter().any(|set| has_blank(&set.value)) {
            return Err("a person has to fill in a value first".to_owned());
        }
        let span = resource.span.or(resource.body.span);
        if let Some(reason) = self.unusable.get(&span.source) {
            return Err(reason.clone());
        }
        let value_of = |key: &str| placeholder(key, &resource.id, Some(&resource.body));
        let sets: Vec<(Vec<Step>, Value)> = fix
            .set
            .iter()
            .map(|set| (steps(&set.path), fill_tree(&set.value.to_json(), &value_of)))
            .collect();
        let plan = match self.plans.entry(span.source) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                match FilePlan::open(&estate.sources, span.source) {
                    Ok(plan) => free.insert(plan),
                    Err(reason) => {
                        self.unusable.insert(span.source, reason.clone());
                        return Err(reason);
                    }
                }
            }
        };
        plan.add(span, &sets, &found.fingerprint)
    }

    fn write(
        self,
        system: &dyn System,
        folder: &Path,
        assessment: &Assessment,
    ) -> Result<FixOutcome, FixError> {
        let mut outcome = self.outcome;
        for plan in self.plans.into_values() {
            let relative = relative_path(plan.path());
            let shown = relative.to_string_lossy().replace('\\', "/");
            let planned = plan.fixes().to_vec();
            let patched = match plan.finish(&shown) {
                Ok(Some(patched)) => patched,
                Ok(None) => continue,
                Err(reason) => {
                    let failed =
                        assessment.findings.iter().filter(|found| planned.contains(&found.fingerprint));
                    outcome.not_patched.extend(failed.map(|found| not_patched(found, reason.clone())));
                    continue;
                }
            };
            put(system, &folder.join(&relative), patched.text.as_bytes(), &mut outcome)?;
            let patch_name = format!("{}.patch", shown.replace('/', "__"));
            put(system, &folder.join(patch_name), patched.patch.as_bytes(), &mut outcome)?;
            outcome.patched.push(patched);
        }
        Ok(outcome)
    }
}

/// The commands, those with a blank such as `<version>` in them as comments: a shell would read it as a redirection.
fn runnable(commands: &str) -> String {
    let has_blank = |line: &str| line.split_once('<').is_some_and(|(_, rest)| rest.contains('>'));
    if commands.lines().any(has_blank) {
        let commented: Vec<String> = commands.lines().map(|line| format!("# {line}")).collect();
        return format!("# Fill in what stands between < and >:\n{}", commented.join("\n"));
    }
    commands.to_owned()
}

/// True for a value with a blank such as `<subnet id>` in it.
fn has_blank(value: &Node) -> bool {
    match &value.value {
        castellan_base::Value::String(text) => text.contains('<') && text.contains('>'),
        castellan_base::Value::Array(items) => items.iter().any(has_blank),
        castellan_base::Value::Object(object) => object.iter().any(|member| has_blank(&member.value)),
        _ => false,
    }
}

/// The path without a root and without steps upwards, so that a copy never lands outside of its folder.
fn relative_path(path: &str) -> PathBuf {
    let plain: PathBuf = Path::new(path)
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    if plain.as_os_str().is_empty() { PathBuf::from("input.json") } else { plain }
}

fn put(system: &dyn System, path: &Path, bytes: &[u8], outcome: &mut FixOutcome) -> Result<(), FixError> {
    system.write(path, bytes).map_err(|source| FixError { path: path.display().to_string(), source })?;
    outcome.written.push(path.to_path_buf());
    Ok(())
}

/// One line of comment, whatever a resource is called.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}

fn describe(text: &mut String, heading: &str, reason: &str, proposal: Option<&Proposal>) {
    let _ = writeln!(text, "## {heading}\n\nNot patched: {reason}.\n");
    let Some(fix) = proposal else { return };
    if let Some(note) = &fix.note {
        let _ = writeln!(text, "{note}\n");
    }
    let forms = [("json", &fix.arm), ("bicep", &fix.bicep), ("hcl", &fix.terraform), ("sh", &fix.az)];
    for (language, form) in forms.into_iter().filter(|(_, form)| !form.is_empty()) {
        let _ = writeln!(text, "```{language}\n{}\n```\n", form.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_a_blank_is_a_comment() {
        assert_eq!(runnable("az a --b c"), "az a --b c");
        assert_eq!(runnable("az a --b <c>"), "# Fill in what stands between < and >:\n# az a --b <c>");
    }

    #[test]
    fn copies_stay_inside_their_folder() {
        assert_eq!(relative_path("../../etc/./a.json"), PathBuf::from("etc/a.json"));
        assert_eq!(relative_path("/tmp/x/a.json"), PathBuf::from("tmp/x/a.json"));
        assert_eq!(relative_path(".."), PathBuf::from("input.json"));
    }
}
