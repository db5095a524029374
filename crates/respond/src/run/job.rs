//! What a command comes down to: an action of the catalogue with its inputs, or something for a person.

use std::collections::BTreeMap;

use base64::Engine as _;

use super::scope::Scope;
use crate::actions::encoded;
use crate::playbook::{ActionStep, Authentication, Command, Party, Playbook, Resolved, Step, Text};

/// What is to be done.
pub(crate) enum Job {
    Action { name: String, inputs: BTreeMap<String, Resolved> },
    Task(String),
}

/// What a command comes down to with the variables as they are.
pub(crate) fn of(
    playbook: &Playbook,
    step: &Step,
    action: &ActionStep,
    command: &Command,
    scope: &Scope,
) -> Result<Job, String> {
    build(playbook, step, action, command, &|text| scope.resolve(text))
}

/// As [`of`], with whatever stands for a variable.
pub(crate) fn build(
    playbook: &Playbook,
    step: &Step,
    action: &ActionStep,
    command: &Command,
    resolve: &dyn Fn(&Text) -> Result<Resolved, String>,
) -> Result<Job, String> {
    match command {
        Command::Manual(text) => Ok(Job::Task(resolve(text)?.to_string())),
        Command::Other(kind) => {
            let what = if step.description.is_empty() { &step.name } else { &step.description };
            Ok(Job::Task(format!(
                "run the command of type `{kind}` by hand, Castellan does not run it: {what}"
            )))
        }
        Command::Catalogue => {
            let Some(call) = &action.call else { return Err("the step names no action".to_owned()) };
            let mut inputs = BTreeMap::new();
            for (name, text) in &call.inputs {
                inputs.insert(name.clone(), resolve(text)?);
            }
            let connector = parties(playbook, action).find_map(|party| party.connector.clone());
            if let Some(connector) = connector {
                inputs.entry("connector".to_owned()).or_insert_with(|| Resolved::plain(connector));
            }
            Ok(Job::Action { name: call.action.clone(), inputs })
        }
        Command::Http { line, headers, content } => {
            http(playbook, step, action, (line, headers, content.as_ref()), resolve)
        }
    }
}

/// Targets first: they are what a command is carried out on.
fn parties<'p>(playbook: &'p Playbook, action: &'p ActionStep) -> impl Iterator<Item = &'p Party> {
    action.targets.iter().chain(std::iter::once(&action.agent)).filter_map(|id| playbook.parties.get(id))
}

fn http(
    playbook: &Playbook,
    step: &Step,
    action: &ActionStep,
    (line, headers, content): (&Text, &[(String, Text)], Option<&Text>),
    resolve: &dyn Fn(&Text) -> Result<Resolved, String>,
) -> Result<Job, String> {
    let party = parties(playbook, action).find(|party| party.address.is_some());
    let Some((party, address)) = party.and_then(|party| Some((party, party.address.as_ref()?))) else {
        return Err("the step has an HTTP command, and neither target nor agent has an address".to_owned());
    };
    let mut inputs = BTreeMap::from([
        ("address".to_owned(), resolve(address)?),
        ("request".to_owned(), request_line(line, resolve)?),
        ("repeatable".to_owned(), Resolved::plain(step.policy.repeatable.to_string())),
        ("keep".to_owned(), Resolved::plain((!action.out_args.is_empty()).to_string())),
    ]);
    for (name, value) in headers {
        inputs.insert(format!("header.{name}"), resolve(value)?);
    }
    if let Some(content) = content {
        inputs.insert("content".to_owned(), resolve(content)?);
    }
    for (what, request) in [("probe", &step.policy.probe), ("undo", &step.policy.undo)] {
        let Some(request) = request else { continue };
        inputs.insert(what.to_owned(), request_line(&request.command, resolve)?);
        if let Some(content) = &request.content {
            inputs.insert(format!("{what}.content"), resolve(content)?);
        }
    }
    if let Some(id) = &party.authentication {
        let Some(authentication) = playbook.authentications.get(id) else {
            return Err(format!("`{}` wants the authentication `{id}`, which is not defined", party.name));
        };
        authenticate(authentication, &mut inputs, resolve)?;
    }
    Ok(Job::Action { name: "http.request".to_owned(), inputs })
}

/// A request line whose values cannot bend it: they are percent-encoded. Where a variable is the path from its beginning,
/// the slashes in it are kept.
fn request_line(
    line: &Text,
    resolve: &dyn Fn(&Text) -> Result<Resolved, String>,
) -> Result<Resolved, String> {
    let change = |name: &str, value: &str, is_first: bool| {
        // What is not known yet is shown in braces.
        if value == format!("{{{name}}}") {
            return value.to_owned();
        }
        if is_first { value.split('/').map(encoded).collect::<Vec<_>>().join("/") } else { encoded(value) }
    };
    Ok(line.with_values(resolve(line)?, &change))
}

fn authenticate(
    authentication: &Authentication,
    inputs: &mut BTreeMap<String, Resolved>,
    resolve: &dyn Fn(&Text) -> Result<Resolved, String>,
) -> Result<(), String> {
    match authentication {
        Authentication::Basic { user, password } => {
            inputs.insert("user".to_owned(), resolve(user)?);
            inputs.insert("password".to_owned(), resolve(password)?);
        }
        Authentication::Token { header, token } => {
            inputs.insert(format!("header.{header}"), resolve(token)?);
        }
        Authentication::Other(kind) => {
            return Err(format!("authentication of type `{kind}` is not known; use http-basic or oauth2"));
        }
    }
    Ok(())
}

/// Which variables get which values from the outputs of a command.
pub(crate) fn assigned(action: &ActionStep, outputs: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(call) = &action.call {
        for (output, variable) in &call.outputs {
            found.extend(outputs.get(output).map(|value| (variable.clone(), value.clone())));
        }
        return found;
    }
    // A person names variables; a request has `body` and `status`, which go into the variables in this order.
    for (index, argument) in action.out_args.iter().enumerate() {
        let name = crate::playbook::bare(argument);
        let by_place = ["body", "status"].get(index).and_then(|output| outputs.get(*output));
        if let Some(value) = outputs.get(&name).or(by_place) {
            found.push((name, value.clone()));
        }
    }
    found
}

/// The value of a header for RFC 7617.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
