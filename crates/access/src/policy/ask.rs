//! What is asked of policies.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use castellan_base::Ticks;
use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression};
use serde_json::Value;

use super::arguments;
use super::party::{Party, TYPES, Types, text, texts, uid};
use crate::grant::Held;
use crate::principal::{Principal, Verified};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ask a model.
    Invoke,
    /// Call a tool.
    Call,
    /// See that something is there.
    List,
    /// Read a resource of an MCP server.
    Read,
    /// Get a prompt of an MCP server.
    Get,
    /// Approve requests and grants.
    Approve,
    /// Change what the gate does.
    Administer,
}

impl Action {
    /// The word, as it stands in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Invoke => "invoke",
            Action::Call => "call",
            Action::List => "list",
            Action::Read => "read",
            Action::Get => "get",
            Action::Approve => "approve",
            Action::Administer => "administer",
        }
    }
}

/// What it is done to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A model.
    Model {
        /// Its alias.
        name: String,
        /// Who serves it.
        provider: String,
        /// Labels that its configuration gives it.
        labels: Vec<String>,
        /// The guardrail profile that it has.
        profile: Option<String>,
        /// The route that it is asked by.
        route: Option<String>,
    },
    /// A tool of an MCP server.
    Tool {
        /// The server.
        server: String,
        /// The tool.
        name: String,
        /// Labels that its configuration gives it.
        labels: Vec<String>,
        /// True when the configuration says that it only reads. What a tool says of itself is not believed.
        read_only: bool,
        /// True when the configuration says that it can destroy.
        destructive: bool,
    },
    /// An MCP server.
    McpServer {
        /// Its name.
        name: String,
        /// Labels that its configuration gives it.
        labels: Vec<String>,
    },
    /// A guardrail profile.
    Profile(String),
    /// A route of the gate.
    Route(String),
}

impl Resource {
    /// A model with nothing but a name and who serves it.
    pub fn model(name: &str, provider: &str) -> Resource {
        let (name, provider) = (name.to_owned(), provider.to_owned());
        Resource::Model { name, provider, labels: Vec::new(), profile: None, route: None }
    }

    /// A tool with nothing but its names.
    pub fn tool(server: &str, name: &str) -> Resource {
        let (server, name) = (server.to_owned(), name.to_owned());
        Resource::Tool { server, name, labels: Vec::new(), read_only: false, destructive: false }
    }

    fn uid(&self, types: &Types) -> EntityUid {
        match self {
            Resource::Model { name, .. } => uid(&types.model, name),
            Resource::Tool { server, name, .. } => uid(&types.tool, &format!("{server}/{name}")),
            Resource::McpServer { name, .. } => uid(&types.server, name),
            Resource::Profile(name) => uid(&types.profile, name),
            Resource::Route(name) => uid(&types.route, name),
        }
    }

    fn entities(&self, types: &Types, to: &mut Vec<Entity>) -> Result<EntityUid, String> {
        let own = self.uid(types);
        let mut parents = Vec::new();
        let attributes: Vec<(&str, RestrictedExpression)> = match self {
            Resource::Model { name, provider, labels, profile, route } => {
                parents.extend(profile.iter().map(|profile| uid(&types.profile, profile)));
                parents.extend(route.iter().map(|route| uid(&types.route, route)));
                vec![("name", text(name)), ("provider", text(provider)), ("labels", texts(labels))]
            }
            Resource::Tool { server, name, labels, read_only, destructive } => {
                parents.push(uid(&types.server, server));
                vec![
                    ("name", text(name)),
                    ("server", text(server)),
                    ("labels", texts(labels)),
                    ("readOnly", RestrictedExpression::new_bool(*read_only)),
                    ("destructive", RestrictedExpression::new_bool(*destructive)),
                ]
            }
            Resource::McpServer { name, labels } => vec![("name", text(name)), ("labels", texts(labels))],
            Resource::Profile(_) | Resource::Route(_) => Vec::new(),
        };
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        let entity = Entity::new_with_tags(own.clone(), attributes, parents, []);
        to.push(entity.map_err(|error| error.to_string())?);
        Ok(own)
    }
}

/// In which circumstances. The defaults are those of a request of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Labels of the data in the request.
    pub labels: BTreeSet<String>,
    /// Labels of the data in the answer, once there is one; empty before.
    pub answer_labels: BTreeSet<String>,
    /// What the session has touched.
    pub taint: BTreeSet<String>,
    /// Risk of the principal or the session, from 0 to 100.
    pub risk: u8,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Which interface: `chat`, `responses`, `messages`, `mcp`, ...
    pub api: String,
    /// True when the answer is to come in pieces.
    pub stream: bool,
    /// Tokens that the request may cost at most.
    pub tokens: u64,
    /// The session.
    pub session: Option<String>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Who asks; or why that cannot be said in Cedar's terms, which denies.
    pub party: Result<Arc<Party>, String>,
    /// What for.
    pub action: Action,
    /// Of what.
    pub resource: Resource,
    /// In which circumstances.
    pub circumstances: Circumstances,
    /// Grants that the principal holds for this.
    pub held: Held,
    /// Arguments of a tool call.
    pub arguments: Option<&'a Value>,
    /// When.
    pub now: Ticks,
}

impl<'a> Asked<'a> {
    /// A question by a principal. Where one principal asks often, [`Verified::party`] makes its terms once.
    pub fn new(principal: &Principal, action: Action, resource: Resource, now: Ticks) -> Asked<'a> {
        Asked::of(Party::new(principal).map(Arc::new), action, resource, now)
    }

    /// A question by whoever was verified.
    pub fn by(verified: &Verified, action: Action, resource: Resource, now: Ticks) -> Asked<'a> {
        Asked::of(verified.party(), action, resource, now)
    }

    fn of(party: Result<Arc<Party>, String>, action: Action, resource: Resource, now: Ticks) -> Asked<'a> {
        let (circumstances, held) = (Circumstances::default(), Held::default());
        Asked { party, action, resource, circumstances, held, arguments: None, now }
    }

    /// True when the scopes of a key name the resource.
    fn is_in_scope(&self, party: &Party) -> bool {
        let Some(scopes) = party.key_scopes.as_ref().filter(|_| party.is_key) else { return false };
        match (&self.resource, self.action) {
            (_, Action::Approve | Action::Administer) => false,
            (Resource::Model { name, .. }, _) => scopes.has_model(name),
            (Resource::Tool { server, name, .. }, _) => scopes.has_tool(server, name),
            (Resource::McpServer { name, .. }, Action::List) => scopes.has_server(name),
            (Resource::McpServer { name, .. }, _) => crate::pattern::any(&scopes.servers, name),
            (Resource::Profile(name), _) => scopes.has_profile(name),
            (Resource::Route(_), action) => action == Action::List,
        }
    }

    /// The question in Cedar's terms, or why it cannot be.
    pub(super) fn prepare(&self) -> Result<(Request, Entities), String> {
        let types = TYPES.as_ref().ok_or("types of entities cannot be named")?;
        let party = self.party.as_ref().map_err(Clone::clone)?;
        let mut entities = vec![party.entity.clone()];
        let resource = self.resource.entities(types, &mut entities)?;
        let mut pairs = self.pairs(party);
        if self.action == Action::Call {
            let none = Value::Null;
            let arguments = self.arguments.unwrap_or(&none);
            let values = arguments::entities(types, arguments).map_err(|error| error.to_string())?;
            for (name, entity) in ["arguments", "numbers", "lists"].into_iter().zip(values) {
                pairs.push((name, RestrictedExpression::new_entity_uid(entity.uid())));
                entities.push(entity);
            }
        }
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
        let context = Context::from_pairs(pairs).map_err(|error| error.to_string())?;
        let action = uid(&types.action, self.action.as_str());
        let request = Request::new(party.uid.clone(), action, resource, context, None);
        let request = request.map_err(|error| error.to_string())?;
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        Ok((request, entities))
    }

    /// Checks the question against a schema, which deciding does not: what is asked has the schema's form by
    /// construction, and tests hold that.
    #[doc(hidden)]
    pub fn check_against(&self, schema: &cedar_policy::Schema) -> Result<(), String> {
        let (request, entities) = self.prepare()?;
        let (Some(principal), Some(action), Some(resource), Some(context)) =
            (request.principal(), request.action(), request.resource(), request.context())
        else {
            return Err("the question has unknown parts".to_owned());
        };
        let (principal, action, resource) = (principal.clone(), action.clone(), resource.clone());
        Request::new(principal, action, resource, context.clone(), Some(schema))
            .map_err(|error| error.to_string())?;
        Entities::from_entities(entities, Some(schema)).map(drop).map_err(|error| error.to_string())
    }

    /// Whole hours since 0001-01-01.
    pub(super) fn hours(&self) -> i64 {
        self.now.get() / Ticks::PER_SECOND / 3_600
    }

    fn pairs(&self, party: &Party) -> Vec<(&'static str, RestrictedExpression)> {
        let circumstances = &self.circumstances;
        let (day, hour) = (self.hours() / 24, self.hours() % 24);
        let boolean = RestrictedExpression::new_bool;
        let number = RestrictedExpression::new_long;
        let ungranted = circumstances.labels.difference(&self.held.labels);
        let mut pairs = vec![
            ("labels", texts(&circumstances.labels)),
            ("taint", texts(&circumstances.taint)),
            ("risk", number(i64::from(circumstances.risk.min(100)))),
            ("now", RestrictedExpression::new_datetime(cedar_time(self.now))),
            ("hour", number(hour)),
            // Day 0, 0001-01-01, was a Monday.
            ("weekday", number(day % 7 + 1)),
            ("api", text(&circumstances.api)),
            ("stream", boolean(circumstances.stream)),
            ("tokens", number(i64::try_from(circumstances.tokens).unwrap_or(i64::MAX))),
            ("session", text(circumstances.session.as_deref().unwrap_or_default())),
            ("inScope", boolean(self.is_in_scope(party))),
            ("granted", boolean(!self.held.ids.is_empty())),
            ("grants", texts(&self.held.ids)),
            ("grantedLabels", texts(&self.held.labels)),
            ("ungrantedLabels", texts(ungranted)),
        ];
        if !circumstances.answer_labels.is_empty() {
            pairs.push(("answerLabels", texts(&circumstances.answer_labels)));
        }
        if let Some(ip) = circumstances.ip {
            // An IPv4 address in the clothes of IPv6 would pass by every policy about its network.
            pairs.push(("ip", RestrictedExpression::new_ip(ip.to_canonical().to_string())));
        }
        pairs
    }
}

/// A time as Cedar reads it, with milliseconds.
fn cedar_time(time: Ticks) -> String {
    let mut written = time.to_string();
    // 2024-01-02T03:04:05.1234567Z
    written.truncate(23);
    written.push('Z');
    written
}
