//! Roles, and what they may: Cedar policies over `content/console`.

use std::collections::HashSet;
use std::path::Path;

use castellan_base::System;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use serde::{Deserialize, Serialize};

use super::operation::{ALL, Operation};
use super::session::Way;

const SCHEMA: &str = include_str!("../../../../content/console/console.cedarschema");
const DEFAULT: &str = include_str!("../../../../content/console/default.cedar");
/// The largest file of policies, in bytes.
const LONGEST: u64 = 1 << 20;
/// The most files of policies.
const MOST: usize = 100;

/// What somebody may, by and large. Each role may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything but secrets, asks queries.
    Reader,
    /// Works on incidents, accepts findings, gives orders to the gate.
    Responder,
    /// Issues keys, saves rules, sees how the server is set up.
    Administrator,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 3] = [Role::Reader, Role::Responder, Role::Administrator];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Responder => "responder",
            Role::Administrator => "administrator",
        }
    }
}

/// Why policies cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the policies of the console cannot be used: {0}")]
pub struct PolicyError(String);

/// What roles may.
pub(super) struct Roles {
    policies: PolicySet,
    authorizer: Authorizer,
    /// The roles, and the actions in their groups.
    entities: Entities,
    user: EntityTypeName,
    role: EntityTypeName,
    action: EntityTypeName,
    console: EntityUid,
}

impl Roles {
    /// What the policies of a folder say, or those that are built in.
    ///
    /// # Errors
    /// Policies that cannot be read, or have faults.
    pub(super) fn open(folder: Option<&Path>, system: &dyn System) -> Result<Roles, PolicyError> {
        match folder {
            None => Roles::new(&[("default.cedar".to_owned(), DEFAULT.to_owned())]),
            Some(folder) => Roles::new(&read(folder, system)?),
        }
    }

    fn new(sources: &[(String, String)]) -> Result<Roles, PolicyError> {
        let fault = |file: &str, error: &dyn std::fmt::Display| PolicyError(format!("{file}: {error}"));
        let schema = Schema::from_cedarschema_str(SCHEMA).map_err(|error| fault("schema", &error))?.0;
        let mut policies = PolicySet::new();
        for (file, text) in sources {
            let parsed: PolicySet = text.parse().map_err(|error| fault(file, &error))?;
            let checked = Validator::new(schema.clone()).validate(&parsed, ValidationMode::Strict);
            if let Some(error) = checked.validation_errors().next() {
                return Err(fault(file, error));
            }
            for policy in parsed.policies() {
                let id = format!("{file}:{}", policy.id()).parse().map_err(|error| fault(file, &error))?;
                policies.add(policy.new_id(id)).map_err(|error| fault(file, &error))?;
            }
        }
        let name = |text: &str| -> Result<EntityTypeName, PolicyError> {
            text.parse().map_err(|error| fault("schema", &error))
        };
        let (user, role, action) = (name("User")?, name("Role")?, name("Action")?);
        let console = uid(&name("Console")?, "console");
        let mut known: Vec<Entity> = Vec::new();
        let mut before: HashSet<EntityUid> = HashSet::new();
        for each in Role::ALL {
            let own = uid(&role, each.as_str());
            known.push(Entity::new_no_attrs(own.clone(), before));
            before = HashSet::from([own]);
        }
        let entities =
            Entities::from_entities(known, Some(&schema)).map_err(|error| fault("roles", &error))?;
        let known: HashSet<EntityUid> = schema.actions().cloned().collect();
        let closed = ALL.iter().filter(|(operation, ..)| !operation.is_open());
        if let Some((_, id, ..)) = closed.into_iter().find(|(_, id, ..)| !known.contains(&uid(&action, id))) {
            return Err(PolicyError(format!("the schema has no action `{id}`")));
        }
        Ok(Roles { policies, authorizer: Authorizer::new(), entities, user, role, action, console })
    }

    /// Whether somebody may. What cannot be asked or evaluated is denied.
    pub(super) fn may(&self, name: &str, role: Role, way: Way, operation: Operation) -> bool {
        self.asked(name, role, way, operation).unwrap_or(false)
    }

    fn asked(&self, name: &str, role: Role, way: Way, operation: Operation) -> Option<bool> {
        let user = uid(&self.user, name);
        let attributes = [("name", name), ("way", way.as_str())];
        let attributes = attributes
            .map(|(key, value)| (key.to_owned(), RestrictedExpression::new_string(value.to_owned())));
        let parents = HashSet::from([uid(&self.role, role.as_str())]);
        let entity = Entity::new(user.clone(), attributes.into(), parents).ok()?;
        let entities = self.entities.clone().add_entities([entity], None).ok()?;
        let action = uid(&self.action, operation.id());
        let request = Request::new(user, action, self.console.clone(), Context::empty(), None).ok()?;
        let answer = self.authorizer.is_authorized(&request, &self.policies, &entities);
        // A policy that forbids and cannot be evaluated must not thereby permit.
        let is_certain = answer.diagnostics().errors().next().is_none();
        Some(answer.decision() == Decision::Allow && is_certain)
    }

    /// The operations that a role may, signed in by the token.
    pub(super) fn allowed(&self, role: Role) -> Vec<&'static str> {
        let closed = ALL.iter().filter(|(operation, ..)| !operation.is_open());
        let may = |operation: Operation| self.may("anybody", role, Way::Token, operation);
        closed.filter(|(operation, ..)| may(*operation)).map(|(_, id, ..)| *id).collect()
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn read(folder: &Path, system: &dyn System) -> Result<Vec<(String, String)>, PolicyError> {
    let shown = folder.display();
    let entries =
        system.read_dir(folder).map_err(|error| PolicyError(format!("{shown} cannot be listed: {error}")))?;
    let is_policy = |path: &Path| path.extension().is_some_and(|extension| extension == "cedar");
    let files: Vec<_> = entries.into_iter().filter(|entry| !entry.is_dir && is_policy(&entry.path)).collect();
    if files.is_empty() || files.len() > MOST {
        return Err(PolicyError(format!("{shown} has to hold 1 to {MOST} files `*.cedar`")));
    }
    let mut sources = Vec::new();
    for entry in files {
        let shown = entry.path.display().to_string();
        let bytes = system.read(&entry.path, LONGEST);
        let bytes = bytes.map_err(|error| PolicyError(format!("{shown} cannot be read: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| PolicyError(format!("{shown} is not UTF-8")))?;
        sources.push((shown, text));
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use castellan_base::OsSystem;

    use super::{ALL, Role, Roles, Way};

    #[test]
    fn roles_may_what_the_document_says() {
        let document = crate::console::described();
        let roles = Roles::open(None, &OsSystem).unwrap();
        let mut cells = 0;
        for (operation, id, method, path) in &ALL {
            let item = &document["paths"][format!("/api/v1{path}")][method.as_str().to_lowercase()];
            let Some(least) = item["x-castellan-role"].as_str() else { continue };
            let least = Role::ALL.into_iter().find(|role| role.as_str() == least).unwrap();
            for role in Role::ALL {
                let may = roles.may("ann", role, Way::Oidc, *operation);
                assert_eq!(may, role >= least, "{id} {role:?}");
                cells += 1;
            }
        }
        assert_eq!(cells, 43 * 3);
    }

    #[test]
    fn own_policies() {
        let check = |text: &str| Roles::new(&[("own.cedar".to_owned(), text.to_owned())]);
        let everything = "permit (principal, action, resource);";
        let forbids = format!(
            "{everything} forbid (principal, action == Action::\"revealEvidence\", resource) unless {{ principal.way == \"oidc\" }};"
        );
        let roles = check(&forbids).unwrap();
        let reveal = super::Operation::RevealEvidence;
        assert!(roles.may("ann", Role::Reader, Way::Oidc, reveal));
        assert!(!roles.may("ann", Role::Administrator, Way::Token, reveal));
        for wrong in [
            "permit (principal, action == Action::\"fly\", resource);",
            "permit",
            "permit (principal, action, resource) when { principal.age > 3 };",
        ] {
            let fault = check(wrong).err().unwrap().to_string();
            assert!(fault.contains("own.cedar"), "{fault}");
        }
    }
}
