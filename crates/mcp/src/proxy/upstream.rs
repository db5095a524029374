//! Connections to servers behind: which revision they speak, sessions there, and the requests that the proxy makes itself.

use std::sync::Arc;

use ::http::Method as HttpMethod;

use crate::arguments::Schema;
use crate::jcs::{self, Integers};
use crate::json::{Value, write};
use crate::message::{Id, META_CAPABILITIES, META_CLIENT, META_VERSION, Message, Method};
use crate::pin::{Definition, Kind};
use crate::transport::{Refusal, Version, annotations, encode};

use super::exchange::{Exchange, Stage, object_source};
use super::{Answer, Era, Event, Link, LinkKey, MOST_REMEMBERED, Outgoing, Place, Proxy, Received, Step};

/// Under which id the proxy asks for itself.
const OWN_ID: &str = "castellan-own";
/// Who the proxy says that it is.
const SELF: &str = concat!(r#"{"name":"castellan-gate","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

impl Proxy {
    fn key(exchange: &Exchange, server: &str) -> LinkKey {
        let session = exchange.session.clone().unwrap_or_default();
        (exchange.caller.principal.clone(), session, server.to_owned())
    }

    pub(super) fn link_of(&self, exchange: &Exchange, server: &str) -> Option<Link> {
        self.links.get(&Self::key(exchange, server)).cloned()
    }

    /// Sees to it that there is a connection.
    pub(super) fn link(&mut self, exchange: &mut Exchange, server: &str) -> Option<Step> {
        self.remember_client(exchange);
        if let Some(link) = self.links.get_mut(&Self::key(exchange, server)) {
            link.used = exchange.now;
            return None;
        }
        match self.server(server).map(|server| server.era) {
            None => Some(self.broken(exchange, server, "it is not configured")),
            Some(Era::Legacy) => Some(self.initialize(exchange, server)),
            Some(Era::Auto | Era::Modern) => {
                let link = modern();
                let message = self.own_request(&link, exchange, "server/discover", Vec::new());
                exchange.stage = Stage::Probing(server.to_owned());
                Some(match message {
                    Some(message) => Step::Send(self.post(&link, server, &message, true)),
                    None => self.broken(exchange, server, "it cannot be asked"),
                })
            }
        }
    }

    /// What a client says of itself when it begins counts for its session.
    fn remember_client(&mut self, exchange: &Exchange) {
        let Some(request) =
            exchange.request.as_ref().filter(|_| exchange.method() == Some(Method::Initialize))
        else {
            return;
        };
        let id = exchange.session.clone().unwrap_or_default();
        if let Some(session) = self.sessions.use_by(&id, &exchange.caller.principal, exchange.now) {
            session.capabilities = object_source(request, request.param("capabilities"));
            session.client = object_source(request, request.param("clientInfo"));
        }
    }

    fn initialize(&mut self, exchange: &mut Exchange, server: &str) -> Step {
        let (capabilities, version) = if exchange.version.is_modern() {
            ("{}".to_owned(), Version::V2025_11_25)
        } else {
            (self.capabilities_of(exchange), exchange.version)
        };
        let client = self.client_of(exchange);
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":"{OWN_ID}","method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{client}}}}}"#
        );
        exchange.stage = Stage::Initializing(server.to_owned());
        let link = Link { version, ..modern() };
        match Message::parse(body.as_bytes(), &self.config.transport.limits()) {
            Ok(message) => Step::Send(self.post(&link, server, &message, true)),
            Err(_) => self.broken(exchange, server, "the client's own description cannot be sent"),
        }
    }

    fn capabilities_of(&mut self, exchange: &Exchange) -> String {
        let id = exchange.session.clone().unwrap_or_default();
        let session = self.sessions.use_by(&id, &exchange.caller.principal, exchange.now);
        session.map_or_else(|| "{}".to_owned(), |session| session.capabilities.clone())
    }

    /// The client's name and version, as JSON that names both.
    pub(super) fn client_of(&mut self, exchange: &Exchange) -> String {
        let id = exchange.session.clone().unwrap_or_default();
        let of_session = self.sessions.use_by(&id, &exchange.caller.principal, exchange.now);
        let said = match (of_session, &exchange.request) {
            (Some(session), _) => session.client.clone(),
            (None, Some(request)) => object_source(request, request.meta(META_CLIENT)),
            (None, None) => String::new(),
        };
        let limits = crate::json::Limits::default();
        let is_named = crate::json::parse(said.as_bytes(), &limits)
            .is_ok_and(|said| said.get("name").is_some() && said.get("version").is_some());
        if is_named { said } else { SELF.to_owned() }
    }

    /// A request of the proxy's own.
    pub(super) fn own_request(
        &self,
        link: &Link,
        exchange: &Exchange,
        method: &str,
        mut params: Vec<(&str, Value)>,
    ) -> Option<Message> {
        if link.version.is_modern() {
            let limits = crate::json::Limits::default();
            let client = crate::json::parse(SELF.as_bytes(), &limits).ok()?;
            let meta = vec![
                (META_VERSION, Value::string(link.version.as_str())),
                (META_CAPABILITIES, Value::object(Vec::new())),
                (META_CLIENT, client),
            ];
            params.push(("_meta", Value::object(meta)));
        }
        let _ = exchange;
        let mut members = vec![
            ("jsonrpc", Value::string("2.0")),
            ("id", Value::string(OWN_ID)),
            ("method", Value::string(method)),
        ];
        if !params.is_empty() {
            members.push(("params", Value::object(params)));
        }
        let body = write(&Value::object(members));
        Message::parse(body.as_bytes(), &self.config.transport.limits()).ok()
    }

    /// A message as an HTTP request, with the headers of the revision that the server speaks.
    pub(super) fn post(&self, link: &Link, server: &str, message: &Message, answered: bool) -> Outgoing {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        headers.extend(self.link_headers(link, message.method() == Some(Method::Initialize)));
        if link.version.is_modern() {
            let mut put = |name: &str, value: &str| headers.push((name.to_owned(), encode(value)));
            message.method_name().into_iter().for_each(|name| put("mcp-method", name));
            message.subject().into_iter().for_each(|name| put("mcp-name", name));
            if message.method() == Some(Method::ToolsCall) {
                headers.extend(self.parameters(server, message));
            }
        }
        let body = message.bytes().to_vec();
        Outgoing { server: server.to_owned(), method: HttpMethod::POST, headers, body, answered }
    }

    fn link_headers(&self, link: &Link, begins: bool) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if link.version >= Version::V2025_06_18 && !begins {
            headers.push(("mcp-protocol-version".to_owned(), link.version.as_str().to_owned()));
        }
        headers.extend(link.session.clone().map(|session| ("mcp-session-id".to_owned(), session)));
        headers
    }

    /// The headers that repeat arguments, made of the body that is sent.
    fn parameters(&self, server: &str, message: &Message) -> Vec<(String, String)> {
        let name = message.subject().unwrap_or_default();
        let definition = self.pins.trusted(server, Kind::Tool, name);
        let limits = crate::json::Limits::default();
        let definition = definition.and_then(|text| crate::json::parse(text.as_bytes(), &limits).ok());
        let schema = definition.as_ref().and_then(|definition| definition.get("inputSchema"));
        let annotated = schema.and_then(|schema| annotations(schema).ok()).unwrap_or_default();
        let header = |annotation: crate::transport::HeaderAnnotation| {
            let path: Vec<&str> = annotation.path.iter().map(String::as_str).collect();
            let value = message.param("arguments")?.at(&path)?;
            let text = match (value.as_str(), value.as_bool()) {
                (Some(text), _) => text.to_owned(),
                (_, Some(flag)) => flag.to_string(),
                _ => jcs::number(&write(value)),
            };
            (value.type_name() != "null").then(|| (annotation.header, encode(&text)))
        };
        annotated.into_iter().filter_map(header).collect()
    }

    /// An answer to what the proxy asked for itself.
    pub(super) fn prepared(
        &mut self,
        exchange: &mut Exchange,
        stage: Stage,
        received: &Received<'_>,
    ) -> Step {
        let message = Message::parse(received.body, &self.config.transport.limits()).ok();
        let is_other = message.as_ref().is_some_and(|message| !message.is_answer());
        if is_other && !matches!(stage, Stage::Confirming) {
            // Notifications beside an answer to the proxy itself are for nobody.
            exchange.stage = stage;
            return Step::Wait;
        }
        let own = Id::String(OWN_ID.into());
        let message = message.filter(|message| message.id().is_none_or(|id| *id == own));
        match stage {
            Stage::Probing(server) => self.probed(exchange, &server, message, received),
            Stage::Initializing(server) => self.initialized(exchange, &server, message, received),
            Stage::Confirming => self.advance(exchange),
            Stage::Listing { server, kind, items, pages } => {
                self.page(exchange, (server, kind), (items, pages), received)
            }
            _ => exchange
                .refuse_for(crate::transport::Reason::Upstream, "an answer came that nobody waits for"),
        }
    }

    fn probed(
        &mut self,
        exchange: &mut Exchange,
        server: &str,
        message: Option<Message>,
        received: &Received<'_>,
    ) -> Step {
        if matches!(received.status, 401 | 403) {
            return self.broken(exchange, server, &format!("HTTP status {}", received.status));
        }
        let wanted = Version::V2026_07_28.as_str();
        let versions = message.as_ref().and_then(|message| message.result()?.get("supportedVersions"));
        if versions.is_some_and(|all| all.items().iter().any(|one| one.as_str() == Some(wanted))) {
            let mut link = modern();
            link.used = exchange.now;
            self.introduced(exchange, server, link, message.as_ref());
            return self.advance(exchange);
        }
        if self.server(server).is_some_and(|server| server.era == Era::Modern) {
            return self.broken(
                exchange,
                server,
                "it does not speak 2026-07-28, which the configuration says it does",
            );
        }
        self.initialize(exchange, server)
    }

    fn initialized(
        &mut self,
        exchange: &mut Exchange,
        server: &str,
        message: Option<Message>,
        received: &Received<'_>,
    ) -> Step {
        let said = message.as_ref().and_then(|message| message.result()?.get("protocolVersion")?.as_str());
        let version = said.and_then(Version::of).filter(|version| !version.is_modern());
        let Some(version) = version else {
            let why = format!("no session came of `initialize` (HTTP status {})", received.status);
            return self.broken(exchange, server, &why);
        };
        let is_visible = |id: &&str| id.len() <= 1024 && id.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        let session = received.session.filter(is_visible).map(str::to_owned);
        let link = Link { version, session, used: exchange.now, ..modern() };
        self.introduced(exchange, server, link.clone(), message.as_ref());
        exchange.stage = Stage::Confirming;
        let body = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        match Message::parse(body, &self.config.transport.limits()) {
            Ok(message) => Step::Send(self.post(&link, server, &message, false)),
            Err(_) => self.advance(exchange),
        }
    }

    /// Remembers a connection, and pins what the server says of its use.
    fn introduced(
        &mut self,
        exchange: &mut Exchange,
        server: &str,
        mut link: Link,
        message: Option<&Message>,
    ) {
        let result = message.and_then(Message::result);
        if let Some(message) = message {
            link.capabilities = object_source(message, result.and_then(|result| result.get("capabilities")));
        }
        let instructions = result.and_then(|result| result.get("instructions")).and_then(Value::as_str);
        if let Some(instructions) = instructions.filter(|text| !text.is_empty()) {
            let value = Value::object(vec![("instructions", Value::string(instructions))]);
            let settings = self.server(server).map(|server| server.pins.clone()).unwrap_or_default();
            if let Ok(definition) = Definition::read(Kind::Server, &value, &[]) {
                let hides = crate::hidden::find(instructions);
                let hides = hides.iter().any(|hidden| self.config.hidden.contains(&hidden.class));
                let seen =
                    self.pins.observe(server, Kind::Server, &settings, &[definition], true, exchange.now);
                let usable = seen.first().is_some_and(|seen| seen.usable) && !hides;
                link.instructions = usable.then(|| instructions.to_owned());
                let news = seen.into_iter().filter(|seen| seen.news || !seen.usable);
                exchange
                    .events
                    .extend(news.map(|observation| Event::Pin { server: server.to_owned(), observation }));
            }
        }
        if self.links.len() >= MOST_REMEMBERED {
            let oldest = self.links.iter().min_by_key(|(_, link)| link.used).map(|(key, _)| key.clone());
            oldest.iter().for_each(|key| drop(self.links.remove(key)));
        }
        self.links.insert(Self::key(exchange, server), link);
    }

    /// The answer to `initialize` or `server/discover`.
    pub(super) fn introduce(&mut self, exchange: &mut Exchange) -> Step {
        let links: Vec<Link> = exchange.servers.iter().filter_map(|id| self.link_of(exchange, id)).collect();
        let Some(first) = links.first() else {
            return exchange
                .refuse_for(crate::transport::Reason::Upstream, "no server behind this address answers");
        };
        let is_modern = exchange.version.is_modern();
        let same_era = first.version.is_modern() == is_modern;
        let capabilities = if links.len() == 1 && !exchange.is_shared() && same_era {
            first.capabilities.clone()
        } else {
            common_capabilities(&links)
        };
        let capabilities = if capabilities.is_empty() { "{}".to_owned() } else { capabilities };
        let instructions =
            links.first().filter(|_| !exchange.is_shared()).and_then(|link| link.instructions.clone());
        let instructions =
            instructions.map(|text| format!(",\"instructions\":{}", write(&Value::string(&text))));
        let instructions = instructions.unwrap_or_default();
        let id = exchange.id().map(Id::to_json).unwrap_or_else(|| "null".to_owned());
        let result = if is_modern {
            let versions: Vec<String> =
                self.config.transport.versions.iter().map(|version| format!("\"{version}\"")).collect();
            let versions = versions.join(",");
            format!(
                r#"{{"resultType":"complete","supportedVersions":[{versions}],"capabilities":{capabilities}{instructions},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{SELF}}}}}"#
            )
        } else {
            let version = exchange.version;
            format!(
                r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"serverInfo":{SELF}{instructions}}}"#
            )
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        match Message::parse(body.as_bytes(), &self.config.transport.limits()) {
            Ok(message) => self.give(exchange, "", message, true, Vec::new(), None),
            Err(_) => exchange
                .refuse_for(crate::transport::Reason::Upstream, "a server describes itself unreadably"),
        }
    }

    /// A client listens (GET, before 2026-07-28): to every server with which its session has one.
    pub(super) fn listen(&mut self, exchange: &mut Exchange, last_event: Option<&str>) -> Step {
        let mut streams = Vec::new();
        for id in exchange.servers.clone() {
            let Some(link) = self.link_of(exchange, &id).filter(|link| !link.version.is_modern()) else {
                continue;
            };
            let is_http = self.server(&id).is_some_and(|server| matches!(server.at, Place::Http(_)));
            if !is_http || link.session.is_none() {
                continue;
            }
            let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
            headers.extend(self.link_headers(&link, false));
            let own = last_event.and_then(|event| match exchange.is_shared() {
                true => event.strip_prefix(id.as_str())?.strip_prefix('/'),
                false => Some(event),
            });
            headers.extend(own.map(|event| ("last-event-id".to_owned(), event.to_owned())));
            streams.push(Outgoing {
                server: id,
                method: HttpMethod::GET,
                headers,
                body: Vec::new(),
                answered: true,
            });
        }
        if streams.is_empty() {
            // The specification's answer of a server that offers no stream.
            return exchange.refuse(Refusal::http_method("POST, DELETE"));
        }
        exchange.stage = Stage::Listening;
        Step::Listen(streams)
    }

    /// Forgets the connections of a session and says which sessions behind have to be ended.
    pub(super) fn unlink(&mut self, principal: &str, session: &str) -> Vec<Outgoing> {
        let is_own = |key: &LinkKey| key.0 == principal && key.1 == session;
        let keys: Vec<LinkKey> = self.links.keys().filter(|key| is_own(key)).cloned().collect();
        let links = keys.into_iter().filter_map(|key| self.links.remove(&key).map(|link| (key.2, link)));
        let links: Vec<(String, Link)> = links.filter(|(_, link)| link.session.is_some()).collect();
        let end = |(server, link): (String, Link)| {
            let headers = self.link_headers(&link, false);
            Outgoing { server, method: HttpMethod::DELETE, headers, body: Vec::new(), answered: false }
        };
        links.into_iter().map(end).collect()
    }

    pub(super) fn unlink_one(&mut self, exchange: &Exchange, server: &str) {
        self.links.remove(&Self::key(exchange, server));
    }

    /// A schema, prepared once.
    pub(super) fn schema(&mut self, schema: &Value) -> Arc<Result<Schema, String>> {
        let key = crate::pin::hash(&jcs::canonical(schema, Integers::Exact));
        if let Some(known) = self.schemas.get(&key) {
            return Arc::clone(known);
        }
        if self.schemas.len() >= MOST_REMEMBERED {
            self.schemas.clear();
        }
        let prepared = Arc::new(Schema::new(schema).map_err(|error| error.to_string()));
        self.schemas.insert(key, Arc::clone(&prepared));
        prepared
    }
}

impl Exchange {
    /// The id of an event as clients see it: with several servers behind, it says whose it is.
    #[must_use]
    pub fn event_id(&self, server: &str, id: &str) -> String {
        if self.is_shared() { format!("{server}/{id}") } else { id.to_owned() }
    }
}

impl Answer {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn modern() -> Link {
    Link {
        version: Version::V2026_07_28,
        session: None,
        capabilities: "{}".to_owned(),
        instructions: None,
        used: castellan_base::Ticks::MIN,
    }
}

/// What several servers offer together, as far as the proxy carries it.
fn common_capabilities(links: &[Link]) -> String {
    let limits = crate::json::Limits::default();
    let all: Vec<Value> = links
        .iter()
        .filter_map(|link| crate::json::parse(link.capabilities.as_bytes(), &limits).ok())
        .collect();
    let has = |key: &str| all.iter().any(|one| one.get(key).is_some());
    let offered = ["tools", "resources", "prompts", "completions"].into_iter().filter(|key| has(key));
    write(&Value::object(offered.map(|key| (key, Value::object(Vec::new()))).collect()))
}
