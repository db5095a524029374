//! Messages to people and systems: webhook, chat, ticket, e-mail, syslog. Each goes through a *connector*, which the
//! configuration names and playbooks refer to, so that a playbook holds neither addresses nor secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bodies::{field, signature, slack, teams, ticket, webhook};
use super::catalogue::{ActionSpec, InputSpec, Undo, optional, required};
use super::http::{Answer, Outgoing, Transport};
use super::line::encoded;
use super::mail::{self, Mail, MailSettings};
use super::{Action, ActionError, Call, Outputs, Probe, secret, syslog};

/// What a connector speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConnectorKind {
    /// JSON by POST; signed with HMAC-SHA-256 when there is a secret.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Teams that takes adaptive cards.
    Teams,
    /// A ticket system with a plain REST interface: POST makes a ticket, GET finds it by key, PATCH changes it.
    Ticket {
        /// The member of the answer that has the ticket's id.
        id_field: String,
        /// The query parameter by which tickets are found by key.
        key_parameter: String,
    },
    /// E-mail over SMTP.
    Mail(MailSettings),
    /// Syslog by RFC 5424.
    Syslog {
        /// True for UDP.
        udp: bool,
    },
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// What it speaks.
    #[serde(flatten)]
    pub kind: ConnectorKind,
    /// Its address: `https://...`, or `HOST:PORT` for mail and syslog. A reference to a secret (`secret:env:NAME`) where the
    /// address itself is one, as incoming webhooks have it.
    pub address: String,
    /// The reference of what it is signed or authorised with: `env:NAME` or `file:PATH`.
    #[serde(default)]
    pub secret: Option<String>,
    /// True when it drops a message that comes again with the same `Idempotency-Key`.
    #[serde(default)]
    pub repeatable: bool,
}

/// From this length on a part of a secret address is one itself; shorter ones are words such as `hooks`.
const LEAST_TOKEN: usize = 8;
const CONNECTOR: InputSpec = required("connector", "the configured connector");
const TITLE: InputSpec = required("title", "one line");
const TEXT: InputSpec = required("text", "the message");
const UNKNOWN: &str = "the service says that it took the message; it cannot be asked later";
const CORRECTION: Undo = Undo::Corrects("a second message says that the first is withdrawn");

const SPECS: [ActionSpec; 5] = [
    ActionSpec {
        name: "message.webhook",
        summary: "sends an event to a webhook, signed",
        inputs: &[CONNECTOR, TITLE, TEXT, optional("data", "a JSON object that goes along")],
        outputs: &["status"],
        undo: CORRECTION,
        probe: UNKNOWN,
        permission: "",
    },
    ActionSpec {
        name: "message.chat",
        summary: "writes to a channel of Slack or Teams",
        inputs: &[CONNECTOR, TITLE, TEXT],
        outputs: &["status"],
        undo: CORRECTION,
        probe: UNKNOWN,
        permission: "",
    },
    ActionSpec {
        name: "message.ticket",
        summary: "opens a ticket",
        inputs: &[CONNECTOR, TITLE, TEXT, optional("priority", "1 to 4"), optional("queue", "who gets it")],
        outputs: &["ticket"],
        undo: Undo::Corrects("the ticket is closed as withdrawn"),
        probe: "the ticket is found by its key and is open",
        permission: "",
    },
    ActionSpec {
        name: "message.mail",
        summary: "sends an e-mail to whom the connector names",
        inputs: &[CONNECTOR, TITLE, TEXT],
        outputs: &[],
        undo: CORRECTION,
        probe: "the server says that it took the mail; it cannot be asked later",
        permission: "",
    },
    ActionSpec {
        name: "message.syslog",
        summary: "writes a record of syslog",
        inputs: &[CONNECTOR, TITLE, TEXT],
        outputs: &[],
        undo: CORRECTION,
        probe: "nothing answers a record of syslog",
        permission: "",
    },
];

/// The actions that send messages.
pub(super) fn actions(
    transport: &Arc<Transport>,
    connectors: &Arc<BTreeMap<String, Connector>>,
) -> Vec<Box<dyn Action>> {
    let action = |spec| {
        let (transport, connectors) = (Arc::clone(transport), Arc::clone(connectors));
        Box::new(Message { spec, transport, connectors }) as Box<dyn Action>
    };
    SPECS.into_iter().map(action).collect()
}

struct Message {
    spec: ActionSpec,
    transport: Arc<Transport>,
    connectors: Arc<BTreeMap<String, Connector>>,
}

impl Message {
    fn connector(&self, call: &Call<'_>) -> Result<&Connector, ActionError> {
        let name = call.text("connector")?;
        let connector = self.connectors.get(&name);
        let connector = connector.ok_or_else(|| {
            ActionError::refused(format!("no connector `{name}` is configured; add it, or name another"))
        })?;
        let fits = match &connector.kind {
            ConnectorKind::Webhook => self.spec.name == "message.webhook",
            ConnectorKind::Slack | ConnectorKind::Teams => self.spec.name == "message.chat",
            ConnectorKind::Ticket { .. } => self.spec.name == "message.ticket",
            ConnectorKind::Mail(_) => self.spec.name == "message.mail",
            ConnectorKind::Syslog { .. } => self.spec.name == "message.syslog",
        };
        if !fits {
            return Err(ActionError::refused(format!(
                "the connector `{name}` is of another kind than `{}`",
                self.spec.name
            )));
        }
        Ok(connector)
    }

    fn address(&self, connector: &Connector, call: &Call<'_>) -> Result<String, ActionError> {
        match connector.address.strip_prefix("secret:") {
            Some(reference) => secret(call.system, reference),
            None => Ok(connector.address.clone()),
        }
    }

    fn send(&self, call: &Call<'_>, message: &Words) -> Result<Outputs, ActionError> {
        let connector = self.connector(call)?;
        match &connector.kind {
            ConnectorKind::Syslog { udp } => {
                return self.syslog(connector, call, message, *udp).map(|()| BTreeMap::new());
            }
            ConnectorKind::Mail(settings) => {
                return self.mail(connector, call, message, settings).map(|()| BTreeMap::new());
            }
            _ => {}
        }
        let body = match &connector.kind {
            ConnectorKind::Slack => slack(message),
            ConnectorKind::Teams => teams(message),
            ConnectorKind::Ticket { .. } => ticket(call, message)?,
            _ => webhook(call, message)?,
        };
        let answer = self.post(connector, call, Method::POST, "", Some(&body), message.key)?;
        if let ConnectorKind::Ticket { id_field, .. } = &connector.kind {
            // Where the answer does not say which ticket it is, the probe finds it.
            let id = answer.json().ok().and_then(|made| field(&made, id_field));
            return Ok(id.into_iter().map(|id| ("ticket".to_owned(), id)).collect());
        }
        Ok(BTreeMap::from([("status".to_owned(), answer.status.to_string())]))
    }

    fn post(
        &self,
        connector: &Connector,
        call: &Call<'_>,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: &str,
    ) -> Result<Answer, ActionError> {
        let address = self.address(connector, call)?;
        let url = self.transport.check(&format!("{address}{path}"))?;
        let text = body.map(Value::to_string);
        let mut headers = vec![("Idempotency-Key".to_owned(), key.to_owned())];
        if text.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        if let Some(reference) = &connector.secret {
            let value = secret(call.system, reference)?;
            match connector.kind {
                ConnectorKind::Webhook => {
                    let time = call.system.now().unix_nanos() / 1_000_000_000;
                    headers.extend(signature(&value, time, text.as_deref().unwrap_or_default()));
                }
                _ => headers.push(("Authorization".to_owned(), format!("Bearer {value}"))),
            }
        }
        let outgoing = Outgoing { method, url, headers, body: text, timeout: call.timeout };
        let answer = self.transport.send(&outgoing)?;
        if answer.is_success() { Ok(answer) } else { Err(answer.error()) }
    }

    fn syslog(
        &self,
        connector: &Connector,
        call: &Call<'_>,
        message: &Words,
        udp: bool,
    ) -> Result<(), ActionError> {
        let (host, port) = self.endpoint(connector, call)?;
        let name = call.system.env("HOSTNAME").unwrap_or_default();
        let fields = [("key", message.key), ("path", call.path), ("title", message.title.as_str())];
        let record = syslog::record(call.system.now(), &name, message.key, &fields, &message.text);
        syslog::send(&host, port, udp, &record, call.timeout)
    }

    fn mail(
        &self,
        connector: &Connector,
        call: &Call<'_>,
        message: &Words,
        settings: &MailSettings,
    ) -> Result<(), ActionError> {
        let (host, port) = self.endpoint(connector, call)?;
        let password =
            connector.secret.as_deref().map(|reference| secret(call.system, reference)).transpose()?;
        let corrects = (message.key != call.key).then_some(call.key);
        let mail = Mail { subject: &message.title, text: &message.text, key: message.key, corrects };
        mail::send((&host, port), settings, password, &mail, call.timeout)
    }

    /// Host and port of what is not HTTP, when they may be reached.
    fn endpoint(&self, connector: &Connector, call: &Call<'_>) -> Result<(String, u16), ActionError> {
        let address = self.address(connector, call)?;
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) =
            parts.ok_or_else(|| ActionError::refused("the address of mail and syslog is HOST:PORT"))?;
        let host = host.to_ascii_lowercase();
        if self.transport.hosts().allows(&host, Some(port)) {
            return Ok((host, port));
        }
        Err(ActionError::refused(format!("the host `{host}:{port}` is not among those that may be reached")))
    }

    /// The ticket that was opened with the key of this call: its id and whether it is open.
    fn ticket(&self, connector: &Connector, call: &Call<'_>) -> Result<Option<(String, bool)>, ActionError> {
        let ConnectorKind::Ticket { id_field, key_parameter } = &connector.kind else { return Ok(None) };
        let query = format!("?{key_parameter}={}", call.key);
        let answer = self.post(connector, call, Method::GET, &query, None, call.key);
        let found = answer.map_err(|error| ActionError { perhaps: false, ..error })?.json()?;
        let items = found.as_array().or_else(|| found.get("result").and_then(Value::as_array));
        let items = items.ok_or_else(|| {
            ActionError::refused(
                "the search for the ticket answered without a list; see the connector's address",
            )
        })?;
        if items.is_empty() {
            return Ok(None);
        }
        // A system that does not know the parameter answers with whatever tickets there are.
        let is_ours = |ticket: &&Value| {
            let members = ticket.as_object().into_iter().flatten();
            members.into_iter().any(|(_, value)| value.as_str() == Some(call.key))
        };
        let ticket = items.iter().find(is_ours).ok_or_else(|| {
            ActionError::refused(format!(
                "the search answered with tickets that are not about the key; does the system know `{key_parameter}`?"
            ))
        })?;
        let id = field(ticket, id_field)
            .ok_or_else(|| ActionError::refused(format!("the ticket that was found has no `{id_field}`")))?;
        let is_open = ticket.get("state").and_then(Value::as_str) != Some("closed");
        Ok(Some((id, is_open)))
    }
}

/// A message.
pub(super) struct Words<'k> {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) key: &'k str,
}

impl<'k> Words<'k> {
    fn of(call: &Call<'k>) -> Words<'k> {
        // Secrets are for services, never for readers of messages.
        Words { title: call.shown("title"), text: call.shown("text"), key: call.key }
    }
}

impl Action for Message {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    /// What the connector is authorised with, and an address that is a secret with whatever of it a service may repeat.
    fn secrets(&self, call: &Call<'_>) -> Vec<String> {
        let Ok(connector) = self.connector(call) else { return Vec::new() };
        let own = connector.secret.as_deref().and_then(|reference| secret(call.system, reference).ok());
        let mut found: Vec<String> = own.into_iter().collect();
        if connector.address.starts_with("secret:")
            && let Ok(address) = self.address(connector, call)
        {
            if let Ok(url) = Url::parse(&address) {
                found.push(url.to_string());
                found.extend(
                    url.path().split('/').filter(|part| part.len() >= LEAST_TOKEN).map(str::to_owned),
                );
                found.extend(url.query().map(str::to_owned));
            }
            found.push(address);
        }
        found
    }

    fn target(&self, call: &Call<'_>) -> String {
        format!("connector {}", call.shown("connector"))
    }

    fn change(&self, call: &Call<'_>) -> String {
        format!("says: {} - {}", call.shown("title"), call.shown("text"))
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Value, ActionError> {
        let connector = self.connector(call)?;
        if matches!(connector.kind, ConnectorKind::Syslog { .. } | ConnectorKind::Mail(_)) {
            self.endpoint(connector, call)?;
        } else {
            self.transport.check(&self.address(connector, call)?)?;
        }
        Ok(Value::Null)
    }

    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        self.send(call, &Words::of(call))
    }

    fn probe(&self, call: &Call<'_>, _: &Value) -> Result<Probe, ActionError> {
        let connector = self.connector(call)?;
        if matches!(connector.kind, ConnectorKind::Ticket { .. }) {
            return Ok(match self.ticket(connector, call)? {
                Some((id, true)) => Probe::InEffect(BTreeMap::from([("ticket".to_owned(), id)])),
                Some((id, false)) => Probe::NotInEffect(format!("the ticket {id} is closed")),
                None => Probe::NotInEffect("there is no ticket with this key".to_owned()),
            });
        }
        if connector.repeatable {
            return Ok(Probe::Repeatable);
        }
        Ok(Probe::Unknown("whether the message arrived cannot be asked; look there".to_owned()))
    }

    fn undo(&self, call: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        let connector = self.connector(call)?;
        if matches!(connector.kind, ConnectorKind::Ticket { .. }) {
            let Some((id, true)) = self.ticket(connector, call)? else { return Ok(()) };
            let change = json!({"state": "closed", "resolution": "withdrawn"});
            self.post(
                connector,
                call,
                Method::PATCH,
                &format!("/{}", encoded(&id)),
                Some(&change),
                &format!("{}-undo", call.key),
            )?;
            return Ok(());
        }
        let key = format!("{}-undo", call.key);
        let text = format!("This was withdrawn: {}", call.shown("text"));
        let message = Words { title: format!("Withdrawn: {}", call.shown("title")), text, key: &key };
        self.send(call, &message).map(|_| ())
    }
}
