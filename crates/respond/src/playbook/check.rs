//! What a playbook must hold beyond the form of its parts: references lead somewhere, variables are declared, steps are
//! reached, and the extensions that are used are declared.

use std::collections::BTreeSet;

use castellan_base::{Node, Span};

use super::reader::{Reader, member};
use super::step::{Command, Step, StepKind};
use super::text::Text;
use super::{Playbook, extension};

pub(super) fn check(playbook: &Playbook, node: &Node, reader: &mut Reader) {
    match playbook.steps.get(&playbook.start).map(|step| &step.kind) {
        Some(StepKind::Start) => {}
        Some(_) => reader.error(node.span, "`workflow_start` names a step that is no start step", ""),
        None => reader.error(
            node.span,
            format!("`workflow_start` names `{}`, which is no step", playbook.start),
            "",
        ),
    }
    if let Some(exception) = &playbook.exception
        && !playbook.steps.contains_key(exception)
    {
        reader.error(node.span, format!("`workflow_exception` names `{exception}`, which is no step"), "");
    }
    for step in playbook.steps.values() {
        links(playbook, step, reader);
        circle(playbook, step, reader);
        parties(playbook, step, reader);
        variables(playbook, step, reader);
    }
    reached(playbook, reader);
    declared(node, reader);
}

/// The steps that a step names, with the property.
fn next_steps(step: &Step) -> Vec<(&'static str, &str)> {
    let mut found: Vec<(&'static str, &str)> = Vec::new();
    let after = [
        ("on_completion", &step.on_completion),
        ("on_success", &step.on_success),
        ("on_failure", &step.on_failure),
    ];
    found.extend(after.into_iter().filter_map(|(key, id)| Some((key, id.as_deref()?))));
    match &step.kind {
        StepKind::Parallel(branches) => {
            found.extend(branches.iter().map(|branch| ("next_steps", branch.as_str())));
        }
        StepKind::If { on_true, on_false, .. } => {
            found.push(("on_true", on_true));
            found.extend(on_false.as_deref().map(|id| ("on_false", id)));
        }
        StepKind::While { on_true, .. } => found.push(("on_true", on_true)),
        StepKind::Switch { cases, .. } => found.extend(cases.iter().map(|(_, id)| ("cases", id.as_str()))),
        _ => {}
    }
    found
}

fn links(playbook: &Playbook, step: &Step, reader: &mut Reader) {
    for (key, id) in next_steps(step) {
        if !playbook.steps.contains_key(id) {
            reader.error(step.span, format!("`{key}` names `{id}`, which is no step of this playbook"), "");
        }
    }
    if let StepKind::Parallel(branches) = &step.kind
        && branches.len() < 2
    {
        reader.error(step.span, "a parallel step needs at least two branches", "");
    }
}

/// A parallel step whose branches lead to it again would branch without end.
fn circle(playbook: &Playbook, step: &Step, reader: &mut Reader) {
    let StepKind::Parallel(branches) = &step.kind else { return };
    let open: Vec<&str> = branches.iter().map(String::as_str).collect();
    if reachable(playbook, open).contains(step.id.as_str()) {
        let message = format!("a branch of the parallel step `{}` leads back to it", step.id);
        reader.error(
            step.span,
            message,
            "end the branch; for repetition use a while-condition around the step",
        );
    }
}

fn parties(playbook: &Playbook, step: &Step, reader: &mut Reader) {
    let StepKind::Action(action) = &step.kind else { return };
    for id in std::iter::once(&action.agent).chain(&action.targets) {
        // An agent may be a variable that is given when the run starts.
        let known = playbook.parties.contains_key(id) || Text::parse(id).as_variable().is_some();
        if !known {
            let help = "define it under `agent_definitions` or `target_definitions`";
            reader.error(step.span, format!("`{id}` is not defined"), help);
        }
    }
    for command in &action.commands {
        if let Command::Other(kind) = command {
            let message = format!("commands of type `{kind}` are kept and not run");
            reader.warning(step.span, message, "a run stops at this step and asks a person; use `http-api`, `manual` or an action of the catalogue to have it run");
        }
    }
}

fn variables(playbook: &Playbook, step: &Step, reader: &mut Reader) {
    let given = |name: &str| {
        let of_loop = playbook.steps.values().filter_map(|step| step.for_each.as_ref());
        playbook.variables.contains_key(name)
            || step.variables.contains_key(name)
            || of_loop.clone().any(|each| each.variable == name)
            || is_own(name)
    };
    let mut missing = BTreeSet::new();
    for name in used(step) {
        if !given(&name) {
            missing.insert(name);
        }
    }
    for name in missing {
        let message = format!("the variable `{name}` is not declared");
        reader.error(step.span, message, "add it to `playbook_variables` with its type");
    }
}

/// Variables that every run has: its id, when it started, the idempotency key of the step.
fn is_own(name: &str) -> bool {
    matches!(name, "__castellan_run__" | "__castellan_started__" | "__castellan_step_key__")
}

fn used(step: &Step) -> Vec<String> {
    let mut texts: Vec<&Text> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    match &step.kind {
        StepKind::Action(action) => {
            for command in &action.commands {
                match command {
                    Command::Http { line, headers, content } => {
                        texts.push(line);
                        texts.extend(headers.iter().map(|(_, value)| value));
                        texts.extend(content.as_ref());
                    }
                    Command::Manual(text) => texts.push(text),
                    Command::Catalogue | Command::Other(_) => {}
                }
            }
            if let Some(call) = &action.call {
                texts.extend(call.inputs.values());
                names.extend(call.outputs.values().cloned());
            }
            names.extend(action.out_args.iter().map(|argument| bare(argument)));
        }
        StepKind::If { condition, .. } | StepKind::While { condition, .. } => {
            names.extend(condition.variables().into_iter().map(str::to_owned));
        }
        StepKind::Switch { subject, .. } => texts.push(subject),
        StepKind::Playbook { in_args, out_args, .. } => {
            names.extend(in_args.iter().chain(out_args).map(|argument| bare(argument)));
        }
        StepKind::Start | StepKind::End | StepKind::Parallel(_) => {}
    }
    texts.extend(step.for_each.as_ref().map(|each| &each.list));
    texts.extend(step.approval.as_ref().map(|approval| &approval.question));
    for request in [&step.policy.probe, &step.policy.undo].into_iter().flatten() {
        texts.push(&request.command);
        texts.extend(request.content.as_ref());
    }
    names.extend(texts.into_iter().flat_map(|text| text.variables().map(str::to_owned)));
    names
}

/// An argument without `:value`, which people write in both ways.
pub(crate) fn bare(argument: &str) -> String {
    argument.strip_suffix(":value").unwrap_or(argument).to_owned()
}

/// The steps that these lead to, themselves included.
fn reachable<'p>(playbook: &'p Playbook, mut open: Vec<&'p str>) -> BTreeSet<&'p str> {
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(step) = playbook.steps.get(id) else { continue };
        open.extend(next_steps(step).into_iter().map(|(_, next)| next));
    }
    seen
}

fn reached(playbook: &Playbook, reader: &mut Reader) {
    let mut open: Vec<&str> = vec![playbook.start.as_str()];
    open.extend(playbook.exception.as_deref());
    let seen = reachable(playbook, open);
    for step in playbook.steps.values().filter(|step| !seen.contains(step.id.as_str())) {
        let message = format!("no step leads to `{}`", step.id);
        reader.warning(step.span, message, "remove it, or lead to it");
    }
}

/// CACAO 2.0 section 8.6: an extension that is used is declared.
fn declared(node: &Node, reader: &mut Reader) {
    let Some(object) = node.as_object() else { return };
    let declared = member(object, "extension_definitions").and_then(Node::as_object);
    let mut used = Vec::new();
    collect(node, &mut used);
    let mut told = BTreeSet::new();
    for (id, span) in used {
        let is_declared = declared.is_some_and(|declared| member(declared, &id).is_some());
        if !is_declared && told.insert(id.clone()) {
            let own =
                if extension::is_ours(&id) { "; `castellan playbook` prints the declaration" } else { "" };
            let help = format!("declare it under `extension_definitions`{own}");
            reader.error(span, format!("the extension `{id}` is used and not declared"), help);
        }
    }
}

fn collect(node: &Node, used: &mut Vec<(String, Span)>) {
    const PLACES: [&str; 5] = [
        "step_extensions",
        "playbook_extensions",
        "agent_target_extensions",
        "authentication_info_extensions",
        "marking_extensions",
    ];
    if let Some(items) = node.as_array() {
        items.iter().for_each(|item| collect(item, used));
    }
    let Some(object) = node.as_object() else { return };
    for entry in object {
        if PLACES.contains(&&*entry.key) {
            let ids = entry.value.as_object().into_iter().flat_map(castellan_base::Object::iter);
            used.extend(ids.map(|extension| (extension.key.to_string(), extension.key_span)));
        } else {
            collect(&entry.value, used);
        }
    }
}
