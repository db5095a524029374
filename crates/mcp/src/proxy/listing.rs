//! Listings: asked of every server, pinned, and shown to a principal as one.

use castellan_base::Ticks;

use crate::hidden;
use crate::inspect::inspect_definition;
use crate::json::{Kind as JsonKind, Member, Value, write};
use crate::message::{Id, Message};
use crate::names::{self, Finding, Named, Problem};
use crate::pin::{Definition, Kind};
use crate::transport::{Version, annotations};

use super::exchange::{Exchange, Stage};
use super::{Event, Listing, MOST_REMEMBERED, Outgoing, Proxy, Received, Step};

/// Most pages and definitions that are asked of one server.
const MOST_PAGES: usize = 100;
const MOST_ITEMS: usize = 4096;

/// A definition that may be shown if the principal may use it and its texts are fit to be read
/// (`inspect::inspect_definition`).
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The server.
    pub server: String,
    /// What is defined.
    pub kind: Kind,
    /// Its name, as its server has it.
    pub name: String,
    /// Its name, as clients see it.
    pub exposed: String,
    /// Its pinned hash: what was scanned once need not be scanned again.
    pub hash: String,
    /// The pinned definition.
    pub definition: Value,
}

fn wire(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Prompt => ("prompts/list", "prompts"),
        Kind::Resource => ("resources/list", "resources"),
        Kind::Template => ("resources/templates/list", "resourceTemplates"),
        Kind::Tool | Kind::Server => ("tools/list", "tools"),
    }
}

fn expose(kind: Kind, server: &str, name: &str) -> String {
    match kind {
        Kind::Resource | Kind::Template => names::expose_uri(server, name),
        _ => names::expose(server, name),
    }
}

/// Names with these problems are never shown; the others are told.
fn is_barred(problem: Problem) -> bool {
    matches!(problem, Problem::LooksLike | Problem::MixedScripts | Problem::Hides | Problem::TooMany)
}

impl Proxy {
    /// Asks a server what it defines, unless that is known well enough.
    pub(super) fn list(&mut self, exchange: &mut Exchange, server: &str, kind: Kind) -> Option<Step> {
        let key = (exchange.caller.principal.clone(), server.to_owned(), kind);
        let life = i64::from(self.config.listing_seconds) * Ticks::PER_SECOND;
        let is_fresh = |listing: &Listing| exchange.now.get().saturating_sub(listing.at.get()) < life;
        if self.listings.get(&key).is_some_and(is_fresh) {
            return None;
        }
        exchange.stage = Stage::Listing { server: server.to_owned(), kind, items: Vec::new(), pages: 0 };
        Some(match self.ask_page(exchange, server, kind, None) {
            Some(outgoing) => Step::Send(outgoing),
            None => self.broken(exchange, server, "there is no connection to list over"),
        })
    }

    fn ask_page(
        &self,
        exchange: &Exchange,
        server: &str,
        kind: Kind,
        cursor: Option<&str>,
    ) -> Option<Outgoing> {
        let link = self.link_of(exchange, server)?;
        let mut params: Vec<(&str, Value)> = Vec::new();
        params.extend(cursor.map(|cursor| ("cursor", Value::string(cursor))));
        let message = self.own_request(&link, exchange, wire(kind).0, params)?;
        Some(self.post(&link, server, &message, true))
    }

    /// A page has come.
    pub(super) fn page(
        &mut self,
        exchange: &mut Exchange,
        (server, kind): (String, Kind),
        (mut items, pages): (Vec<Value>, usize),
        received: &Received<'_>,
    ) -> Step {
        let message = Message::parse(received.body, &self.config.transport.limits());
        let Ok(message) = message else {
            return self.broken(exchange, &server, "a listing that is no message");
        };
        let code = message.root().at(&["error", "code"]).and_then(Value::as_i64);
        if let Some(code) = code {
            if code != -32601 {
                return self.broken(exchange, &server, &format!("a listing failed with the code {code}"));
            }
        } else {
            let found = message.result().and_then(|result| result.get(wire(kind).1));
            let Some(JsonKind::Array(found)) = found.map(|found| &found.kind) else {
                return self.broken(exchange, &server, "a listing without its items");
            };
            items.extend(found.iter().cloned());
        }
        let cursor = message.result().and_then(|result| result.get("nextCursor")).and_then(Value::as_str);
        if let Some(cursor) = cursor {
            if pages + 1 >= MOST_PAGES || items.len() > MOST_ITEMS {
                return self.broken(exchange, &server, "a listing without end");
            }
            let next = self.ask_page(exchange, &server, kind, Some(cursor));
            exchange.stage = Stage::Listing { server: server.clone(), kind, items, pages: pages + 1 };
            return match next {
                Some(outgoing) => Step::Send(outgoing),
                None => self.broken(exchange, &server, "the connection is gone"),
            };
        }
        self.observed(exchange, &server, kind, &items);
        self.advance(exchange)
    }

    /// Pins what was listed and remembers which names the principal may be shown.
    fn observed(&mut self, exchange: &mut Exchange, server: &str, kind: Kind, items: &[Value]) {
        let Some(settings) = self.server(server).map(|server| server.pins.clone()) else { return };
        let mut definitions = Vec::new();
        for item in items.iter().take(MOST_ITEMS) {
            match self.fit(kind, item, &settings.ignored) {
                Ok(definition) => definitions.push(definition),
                Err((name, reason)) => {
                    exchange.events.push(Event::LeftOut { server: server.to_owned(), kind, name, reason });
                }
            }
        }
        let observations = self.pins.observe(server, kind, &settings, &definitions, true, exchange.now);
        let mut names: Vec<String> = Vec::new();
        for observation in observations {
            if observation.usable {
                names.push(observation.name.clone());
            }
            if observation.news || !observation.usable {
                exchange.events.push(Event::Pin { server: server.to_owned(), observation });
            }
        }
        let others = self.names_before(exchange, server, kind);
        let named: Vec<Named<'_>> = others.iter().map(|(server, name)| Named { server, name }).collect();
        let own = names.iter().map(|name| Named { server, name });
        let found = check(kind, &named.into_iter().chain(own).collect::<Vec<_>>());
        let barred: Vec<String> = found
            .into_iter()
            .filter(|finding| finding.server == server)
            .inspect(|finding| exchange.events.push(Event::Name(finding.clone())))
            .filter(|finding| is_barred(finding.problem))
            .map(|finding| finding.name)
            .collect();
        names.retain(|name| !barred.contains(&hidden::reveal(name)));
        if self.listings.len() >= MOST_REMEMBERED {
            self.listings.clear();
        }
        let key = (exchange.caller.principal.clone(), server.to_owned(), kind);
        self.listings.insert(key, Listing { at: exchange.now, names });
    }

    /// What servers that are trusted more define, as far as it is known.
    fn names_before(&self, exchange: &Exchange, server: &str, kind: Kind) -> Vec<(String, String)> {
        let before = exchange.servers.iter().take_while(|id| *id != server);
        before.flat_map(|id| self.names_of(exchange, id, kind)).collect()
    }

    fn names_of(&self, exchange: &Exchange, server: &str, kind: Kind) -> Vec<(String, String)> {
        let key = (exchange.caller.principal.clone(), server.to_owned(), kind);
        let names = self.listings.get(&key).map(|listing| listing.names.clone()).unwrap_or_default();
        names.into_iter().map(|name| (server.to_owned(), name)).collect()
    }

    /// A definition that can be pinned and shown.
    fn fit(&self, kind: Kind, item: &Value, ignored: &[String]) -> Result<Definition, (String, String)> {
        let name = item.get(kind.name_member()).and_then(Value::as_str).unwrap_or_default();
        let bad = |reason: String| (hidden::reveal(name), reason);
        let definition = Definition::read(kind, item, ignored).map_err(bad)?;
        let classes = inspect_definition(item).hidden_classes();
        if let Some(class) = classes.into_iter().find(|class| self.config.hidden.contains(class)) {
            return Err(bad(format!("it has hidden characters ({class:?})")));
        }
        if let Some(schema) = item.get("inputSchema").filter(|_| kind == Kind::Tool) {
            annotations(schema).map_err(bad)?;
        }
        Ok(definition)
    }

    /// Which definitions there are to show.
    pub(super) fn show(&mut self, exchange: &mut Exchange, kind: Kind) -> Step {
        let all: Vec<(String, String)> =
            exchange.servers.iter().flat_map(|id| self.names_of(exchange, id, kind)).collect();
        let named: Vec<Named<'_>> = all.iter().map(|(server, name)| Named { server, name }).collect();
        let barred: Vec<Finding> =
            check(kind, &named).into_iter().filter(|finding| is_barred(finding.problem)).collect();
        let is_barred = |server: &str, name: &str| {
            barred.iter().any(|finding| finding.server == server && finding.name == hidden::reveal(name))
        };
        let mut listed = Vec::new();
        for (server, name) in all.iter().filter(|(server, name)| !is_barred(server, name)) {
            let Some(text) = self.pins.trusted(server, kind, name) else { continue };
            let limits = crate::json::Limits::default();
            let Ok(definition) = crate::json::parse(text.as_bytes(), &limits) else { continue };
            let hash = self.pins.pin(server, kind, name).map(|pin| pin.hash.clone()).unwrap_or_default();
            let exposed = if exchange.is_shared() { expose(kind, server, name) } else { name.clone() };
            let (server, name) = (server.clone(), name.clone());
            listed.push(Listed { server, kind, name, exposed, hash, definition });
        }
        exchange.stage = Stage::Showing { kind, listed: listed.clone() };
        Step::Visible(listed)
    }

    /// The gateway says which definitions of [`Step::Visible`] the principal may see, by place.
    pub fn visible(&mut self, exchange: &mut Exchange, places: &[usize]) -> Step {
        let Stage::Showing { kind, listed } = std::mem::replace(&mut exchange.stage, Stage::Idle) else {
            return exchange.refuse_for(crate::transport::Reason::Blocked, "nobody asked what is visible");
        };
        let shown = listed.iter().enumerate().filter(|(place, _)| places.contains(place));
        let items: Vec<Value> = shown.map(|(_, listed)| exposed(listed)).collect();
        let mut members = vec![(wire(kind).1, Value::new(JsonKind::Array(items)))];
        if exchange.version == Version::V2026_07_28 {
            let life = i64::from(self.config.listing_seconds) * 1000;
            // What is listed depends on who asks.
            members.extend([
                ("resultType", Value::string("complete")),
                ("ttlMs", Value::integer(life)),
                ("cacheScope", Value::string("private")),
            ]);
        }
        let id = exchange.id().map(Id::to_json).unwrap_or_else(|| "null".to_owned());
        let result = write(&Value::object(members));
        exchange.answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#).into_bytes())
    }

    /// A server says that its definitions are others, or somebody has decided about them: they are asked for again.
    pub fn forget_listings(&mut self, server: &str) {
        self.listings.retain(|(_, id, _), _| id != server);
    }
}

/// Names of tools and prompts are compared; URIs may be as they are.
fn check(kind: Kind, named: &[Named<'_>]) -> Vec<Finding> {
    match kind {
        Kind::Tool | Kind::Prompt => names::check(named),
        _ => Vec::new(),
    }
}

fn exposed(listed: &Listed) -> Value {
    let member = listed.kind.name_member();
    let renamed = |found: &Member| {
        let is_name = &*found.key == member;
        let value = if is_name { Value::string(&listed.exposed) } else { found.value.clone() };
        Member { value, ..found.clone() }
    };
    let members = listed.definition.members().iter().map(renamed).collect();
    Value::new(JsonKind::Object(members))
}
