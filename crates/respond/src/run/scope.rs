//! The variables of a run while it runs.

use std::collections::BTreeMap;

use crate::playbook::{Part, Playbook, Resolved, Text, Variable, VariableType};

/// Variables by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    variables: BTreeMap<String, Variable>,
}

impl Scope {
    /// The variables of a playbook, and those that every run has.
    pub(crate) fn of(playbook: &Playbook, own: &[(&str, String)]) -> Scope {
        let mut scope = Scope { variables: playbook.variables.clone() };
        for (name, value) in own {
            scope.insert(name, VariableType::String, value.clone());
        }
        scope
    }

    /// Sets a variable that the run itself makes: of a loop, of the run.
    pub(crate) fn insert(&mut self, name: &str, kind: VariableType, value: String) {
        let description = String::new();
        let variable = Variable { kind, value: Some(value), constant: false, external: false, description };
        self.variables.insert(name.to_owned(), variable);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Variable> {
        self.variables.get(name).cloned()
    }

    /// Puts the variables of a step over those around it; gives back what they hide.
    pub(crate) fn overlay(&mut self, own: &BTreeMap<String, Variable>) -> Vec<(String, Option<Variable>)> {
        own.iter()
            .map(|(name, variable)| (name.clone(), self.variables.insert(name.clone(), variable.clone())))
            .collect()
    }

    /// Takes the variables of a step away again.
    pub(crate) fn restore(&mut self, hidden: Vec<(String, Option<Variable>)>) {
        for (name, variable) in hidden {
            match variable {
                Some(variable) => self.variables.insert(name, variable),
                None => self.variables.remove(&name),
            };
        }
    }

    /// Gives a declared variable a value of its type.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(variable) = self.variables.get_mut(name) else {
            return Err(format!("the playbook has no variable `{name}`"));
        };
        if variable.constant && variable.value.is_some() {
            return Err(format!("`{name}` is constant and cannot be changed"));
        }
        if !variable.kind.accepts(value) {
            return Err(format!("the value for `{name}` is not {}", variable.kind.form()));
        }
        variable.value = Some(value.to_owned());
        Ok(())
    }

    /// A text with the values of its variables.
    pub(crate) fn resolve(&self, text: &Text) -> Result<Resolved, String> {
        let look_up = |name: &str| self.variables.get(name).and_then(Variable::part);
        text.resolve(&look_up).map_err(|name| format!("the variable `{name}` has no value"))
    }

    /// As [`Scope::resolve`], with `{__name__}` where a value is not known, and whether one was not.
    pub(crate) fn sketch(&self, text: &Text) -> (Resolved, bool) {
        let is_open = std::cell::Cell::new(false);
        let look_up = |name: &str| {
            let part = self.variables.get(name).and_then(Variable::part);
            Some(part.unwrap_or_else(|| {
                is_open.set(true);
                Part::Plain(format!("{{{name}}}"))
            }))
        };
        let resolved = text.resolve(&look_up).unwrap_or_default();
        (resolved, is_open.get())
    }

    /// Forgets what a variable is, since a step will set it.
    pub(crate) fn forget(&mut self, name: &str) {
        if let Some(variable) = self.variables.get_mut(name).filter(|variable| !variable.constant) {
            variable.value = None;
        }
    }

    /// Gives a declared variable what an action or a person gave. That is a text, and never where a secret is to be had: who
    /// answers would choose which secret goes where.
    pub(crate) fn set_output(&mut self, name: &str, value: &str) -> Result<(), String> {
        if self.variables.get(name).is_some_and(|variable| variable.kind == VariableType::Secret) {
            return Err(format!("`{name}` is a secret and takes no output; give it when the run starts"));
        }
        self.set(name, value)
    }

    /// Takes over what a branch changed. `before` is what it started from.
    pub(crate) fn merge(&mut self, before: &Scope, branch: &Scope) {
        for (name, variable) in &branch.variables {
            if before.variables.get(name) != Some(variable) && self.variables.contains_key(name) {
                self.variables.insert(name.clone(), variable.clone());
            }
        }
    }
}
