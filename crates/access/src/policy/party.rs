//! A principal in Cedar's terms.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};

use crate::key::Scopes;
use crate::principal::{Kind, Principal};

/// The most groups of a principal that policies see. A token of Entra has 200 at most.
const MOST_GROUPS: usize = 2000;

/// Types of entities.
pub(super) struct Types {
    pub(super) user: EntityTypeName,
    pub(super) agent: EntityTypeName,
    pub(super) application: EntityTypeName,
    pub(super) anonymous: EntityTypeName,
    pub(super) key: EntityTypeName,
    pub(super) group: EntityTypeName,
    pub(super) model: EntityTypeName,
    pub(super) tool: EntityTypeName,
    pub(super) server: EntityTypeName,
    pub(super) profile: EntityTypeName,
    pub(super) route: EntityTypeName,
    pub(super) action: EntityTypeName,
    pub(super) arguments: EntityTypeName,
    pub(super) numbers: EntityTypeName,
    pub(super) lists: EntityTypeName,
}

/// `None` only if Cedar did not take these names any more, which a test would show; whoever asks is then denied.
pub(super) static TYPES: LazyLock<Option<Types>> = LazyLock::new(|| {
    let name = |text: &str| text.parse::<EntityTypeName>().ok();
    Some(Types {
        user: name("User")?,
        agent: name("Agent")?,
        application: name("Application")?,
        anonymous: name("Anonymous")?,
        key: name("Key")?,
        group: name("Group")?,
        model: name("Model")?,
        tool: name("Tool")?,
        server: name("McpServer")?,
        profile: name("Profile")?,
        route: name("Route")?,
        action: name("Action")?,
        arguments: name("Arguments")?,
        numbers: name("Numbers")?,
        lists: name("Lists")?,
    })
});

/// An entity's id.
pub(super) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

pub(super) fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a String>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(|value| text(value)))
}

/// A principal in Cedar's terms. Making it takes longer than deciding, so keep it as long as the principal.
#[derive(Clone, Debug)]
pub struct Party {
    pub(super) uid: EntityUid,
    pub(super) entity: Entity,
    pub(super) key_scopes: Option<Scopes>,
    pub(super) is_key: bool,
}

impl Party {
    /// A principal in Cedar's terms. The error says why that cannot be; whoever it is must then be refused.
    pub fn new(principal: &Principal) -> Result<Party, String> {
        let types = TYPES.as_ref().ok_or("types of entities cannot be named")?;
        if principal.groups.len() > MOST_GROUPS {
            return Err(format!("the principal is in more than {MOST_GROUPS} groups"));
        }
        let kind = match principal.kind {
            Kind::User => &types.user,
            Kind::Agent | Kind::AgentUser => &types.agent,
            Kind::Application | Kind::ManagedIdentity | Kind::Certificate => &types.application,
            Kind::Key => &types.key,
            Kind::Anonymous => &types.anonymous,
        };
        let is_key = principal.kind == Kind::Key;
        let group = |group: &String| {
            let id = if is_key { group.clone() } else { format!("{}/{group}", principal.tenant) };
            uid(&types.group, &id)
        };
        let groups: HashSet<EntityUid> = principal.groups.iter().map(group).collect();
        let own = uid(kind, &principal.entity_id());
        let entity =
            Entity::new(own.clone(), attributes(principal), groups).map_err(|error| error.to_string())?;
        Ok(Party { uid: own, entity, key_scopes: principal.key_scopes.clone(), is_key })
    }

    /// The id, as policies write it: `User::"TENANT/OBJECT"`.
    pub fn id(&self) -> String {
        self.uid.to_string()
    }
}

fn attributes(principal: &Principal) -> HashMap<String, RestrictedExpression> {
    let is_agent = matches!(principal.kind, Kind::Agent | Kind::AgentUser);
    let through_agent = is_agent || principal.actors.iter().any(|actor| actor.is_agent);
    let mut attributes = vec![
        ("kind", text(principal.kind.as_str())),
        ("tenant", text(&principal.tenant)),
        ("method", text(principal.method.as_str())),
        ("recognisedBy", text(&principal.recognised_by)),
        ("client", text(principal.client.as_deref().unwrap_or_default())),
        ("permissions", texts(principal.permissions())),
        ("roles", texts(&principal.roles)),
        ("scopes", texts(&principal.scopes)),
        ("groupsKnown", RestrictedExpression::new_bool(principal.groups_known)),
        ("actors", texts(principal.actors.iter().map(|actor| &actor.id))),
        ("throughAgent", RestrictedExpression::new_bool(through_agent)),
        ("labels", texts(&principal.labels)),
    ];
    if principal.kind == Kind::Key {
        attributes.push(("owner", text(principal.display.name.as_deref().unwrap_or_default())));
        attributes.push(("budget", text(principal.budget.as_deref().unwrap_or_default())));
    }
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
