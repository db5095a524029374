//! The console: pages, and the API that they and programs ask (`docs/api/openapi.yaml`).
//!
//! ```text
//! connection -> may this page ask?      guard: host, site, origin
//!            -> which operation?        operation: method and path
//!            -> who asks?               guard: token, session; sign, oidc: how a session begins
//!            -> may they?               role: Cedar over content/console, an action an operation
//!            -> what is asked           ask, editor, incidents, estate, gate, rules, settings, events
//! ```
//!
//! What people see is what a query gives: lists are tables, which `POST /api/v1/query` asks. What no table holds - the evidence
//! of a finding, an incident, the gate's keys - has operations of its own.
//!
//! What lives above this crate is given to it as a trait: [`Estate`], [`Rules`], [`Settings`].
//!
//! *Invariant (an operation is an action):* each operation but those for signing in is decided by a policy, by its own name.
//! *Invariant (no secret is kept):* of the token, of sessions and of codes there are hashes alone.
//! *Invariant (inert):* whatever others wrote is sent as JSON, or as a document that may run nothing.

mod ask;
mod assets;
mod attempts;
mod chart;
mod editor;
mod estate;
mod events;
mod failure;
mod gate;
mod guard;
mod incidents;
mod oidc;
mod operation;
mod place;
mod request;
mod role;
mod rules;
mod session;
mod settings;
mod sign;
mod time;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request as Asked, State};
use axum::http::header::{ALLOW, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use castellan_base::{Limits, Sources, System, Ticks, yaml};
use castellan_respond::actions::OrderStore;
use serde::Deserialize;

pub use editor::Diagnosed;
pub use estate::{
    Category, Estate, EstateState, Exempt, Exemption, Fix, FixKind, Observed, Place, Recommendation,
    RecommendationState,
};
pub use events::Hub;
pub use failure::Failure;
pub use gate::Opened;
pub(crate) use guard::Peer;
pub use oidc::{OidcConfig, RoleNames};
pub use role::{PolicyError, Role};
pub use rules::{CheckedRule, Mode, NewRule, RuleState, Rules, SavedRule, Trigger};
pub use settings::{AnalyticsState, GateState, Installation, LakeState, Settings, WayIn};

use crate::gate::thrown_away;
use crate::{Gate, Queries, Token, incidents as desk};
use attempts::Attempts;
use oidc::Oidc;
use operation::{Found, Operation};
use request::{Caller, Request};
use role::Roles;
use session::{OidcWay, Sessions};
use sign::Codes;

/// The description of the API.
const DOCUMENT: &str = include_str!("../../../../docs/api/openapi.yaml");
/// Where the API is.
const BASE: &str = "/api/v1";
/// What a browser may do with an answer of the API: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// `[console]` of `castellan.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// A folder of Cedar policies; without it those of `content/console` hold.
    pub policies: Option<PathBuf>,
    /// An identity provider at which people sign in.
    pub oidc: Option<OidcConfig>,
}

/// Reads `[console]` of a file. Tables beside it are others'.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn read(text: &str) -> Result<ConsoleConfig, toml::de::Error> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        console: ConsoleConfig,
    }
    toml::from_str::<File>(text).map(|file| file.console)
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Its policies cannot be used.
    #[error(transparent)]
    Policies(#[from] PolicyError),
    /// Nobody could sign in at the provider.
    #[error("`[console.oidc]` cannot be used: {0}")]
    Oidc(String),
}

/// What a console shows. What is not there is told as such where it is asked for.
#[derive(Default)]
pub struct Parts {
    /// Tables.
    pub queries: Option<Queries>,
    /// Incidents.
    pub incidents: Option<desk::Face>,
    /// The gate for model traffic.
    pub opened: Option<Opened>,
    /// Where orders are kept, where no gate says so.
    pub orders: Option<OrderStore>,
    /// The scanned estate.
    pub estate: Option<Arc<dyn Estate>>,
    /// Analytics rules.
    pub rules: Option<Arc<dyn Rules>>,
    /// The rest of the installation.
    pub settings: Option<Arc<dyn Settings>>,
    /// What happens now.
    pub hub: Option<Hub>,
}

/// How a console is served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The administrator token, as that of the server. Without one whoever is on this machine is an administrator.
    pub token: Option<Token>,
    /// Whether connections are encrypted.
    pub is_secure: bool,
    /// Whether what is shown is an example.
    pub is_demo: bool,
    /// `[console]`.
    pub config: ConsoleConfig,
}

/// A console. It is cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

impl std::fmt::Debug for Console {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Console").field("is_demo", &self.0.is_demo).finish_non_exhaustive()
    }
}

/// What all requests share.
struct Inner {
    gate: Gate,
    token: Option<Token>,
    is_secure: bool,
    is_demo: bool,
    system: Arc<dyn System>,
    started: Ticks,
    sessions: Sessions,
    /// Attempts to sign in, and tokens in headers: a program with an old one must keep nobody from signing in.
    attempts: Attempts,
    shown: Attempts,
    codes: Codes,
    roles: Roles,
    oidc: Option<Oidc>,
    queries: Option<Queries>,
    incidents: Option<desk::Face>,
    opened: Option<Opened>,
    order_store: Option<OrderStore>,
    estate: Option<Arc<dyn Estate>>,
    rules: Option<Arc<dyn Rules>>,
    settings: Option<Arc<dyn Settings>>,
    hub: Option<Hub>,
}

impl Console {
    /// A console of parts.
    ///
    /// # Errors
    /// Policies or a provider that cannot be used.
    pub fn new(
        gate: Gate,
        options: Options,
        parts: Parts,
        system: Arc<dyn System>,
    ) -> Result<Console, ConsoleError> {
        let roles = Roles::open(options.config.policies.as_deref(), &*system)?;
        let oidc = options.config.oidc.map(|config| Oidc::new(config, &*system)).transpose();
        Ok(Console(Arc::new(Inner {
            gate,
            token: options.token,
            is_secure: options.is_secure,
            is_demo: options.is_demo,
            started: system.now(),
            system,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            shown: Attempts::default(),
            codes: Codes::default(),
            roles,
            oidc: oidc.map_err(ConsoleError::Oidc)?,
            queries: parts.queries,
            incidents: parts.incidents,
            opened: parts.opened,
            order_store: parts.orders,
            estate: parts.estate,
            rules: parts.rules,
            settings: parts.settings,
            hub: parts.hub,
        })))
    }

    /// A one-time code to sign in with as the administrator: for a link `http://ADDRESS/#code=CODE`. It holds five minutes.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn code(&self) -> Result<String, getrandom::Error> {
        self.invite("administrator", Role::Administrator)
    }

    /// A one-time code for somebody with a role.
    ///
    /// # Errors
    /// As [`Console::code`].
    pub fn invite(&self, name: &str, role: Role) -> Result<String, getrandom::Error> {
        self.0.codes.issue(name, role, self.0.now()).map(|code| code.reveal().to_owned())
    }

    /// Ends what would keep a server from stopping: connections that wait for events.
    pub fn close(&self) {
        if let Some(hub) = &self.0.hub {
            hub.close();
        }
    }
}

impl Inner {
    fn now(&self) -> Ticks {
        self.system.now()
    }

    /// How to sign in at the provider; all of it for administrators.
    fn oidc_way(&self, all: bool) -> OidcWay {
        let Some(oidc) = &self.oidc else { return OidcWay::default() };
        let said = |text: &String| Some(text.clone()).filter(|_| all);
        OidcWay {
            enabled: true,
            label: oidc.config.label.clone(),
            issuer: said(&oidc.config.issuer),
            client_id: said(&oidc.config.client_id),
            role_claim: said(&oidc.config.role_claim),
        }
    }

    /// Whether a page may be sent: anybody may have it, by a name of this machine where there is no token.
    fn admit_page(&self, request: &Asked) -> Result<(), Failure> {
        if self.token.is_some() || crate::access::is_local(request) {
            return Ok(());
        }
        self.admit(None, request)
    }
}

/// The routes of a console: pages, and the API below `/api/v1`. They are not behind the token of the server.
pub(crate) fn router(console: &Console) -> Router {
    let api = ["/api/v1", "/api/v1/", "/api/v1/{*path}"];
    let api = api.into_iter().fold(Router::new(), |router, path| router.route(path, any(answered)));
    assets::router(console).merge(api.with_state(console.clone()))
}

async fn answered(State(console): State<Console>, request: Asked) -> Response {
    let mut response = found(console.0, request).await;
    assets::harden(&mut response, POLICY);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

async fn found(console: Arc<Inner>, request: Asked) -> Response {
    let path = request.uri().path().strip_prefix(BASE).unwrap_or_default();
    let (operation, called) = match Operation::find(request.method(), path) {
        Found::Operation(operation, called) => (operation, called),
        other => {
            let admitted = console.admit(None, &request);
            thrown_away(request).await;
            return match admitted {
                Ok(()) => elsewhere(&other),
                Err(failure) => failure.into_response(),
            };
        }
    };
    let caller = match console.allowed(operation, &request) {
        Ok(caller) => caller,
        Err(failure) => {
            let is_asked = operation == Operation::GetSession && failure.status() == StatusCode::UNAUTHORIZED;
            thrown_away(request).await;
            return if is_asked { console.nobody(&failure) } else { failure.into_response() };
        }
    };
    let address = guard::peer(&request);
    let request = Request::new(console, called, request);
    done(operation, request, caller, address).await.unwrap_or_else(IntoResponse::into_response)
}

/// What is said where no operation is.
fn elsewhere(found: &Found) -> Response {
    let Found::Methods(methods) = found else {
        return Failure::missing(
            "there is nothing at this path; GET /api/v1/openapi.json says what there is",
        )
        .into_response();
    };
    let methods = methods.join(", ");
    let message = format!("here there are {methods}");
    let mut response = Failure::new(StatusCode::METHOD_NOT_ALLOWED, message).into_response();
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

impl Inner {
    /// Who asks, if they may; nobody in particular where nobody has to be signed in.
    fn allowed(&self, operation: Operation, request: &Asked) -> Result<Option<Caller>, Failure> {
        self.admit(Some(operation), request)?;
        if operation == Operation::SignIn {
            self.may_try(&self.attempts, request)?;
        }
        if operation.is_open() {
            return Ok(None);
        }
        let caller = self.caller(request)?;
        if self.roles.may(&caller.name, caller.role, caller.way, operation) {
            return Ok(Some(caller));
        }
        let message = format!("the role `{}` may not do this (`{}`)", caller.role.as_str(), operation.id());
        Err(Failure::new(StatusCode::FORBIDDEN, message).coded("role"))
    }
}

async fn done(
    operation: Operation,
    request: Request,
    caller: Option<Caller>,
    address: std::net::IpAddr,
) -> Result<Response, Failure> {
    use Operation as Op;
    let Some(caller) = caller else {
        return match operation {
            Op::GetOpenapi => document(),
            Op::SignIn => request.sign_in(address).await,
            Op::BeginOidc => request.begin_oidc().await,
            Op::FinishOidc => request.finish_oidc().await,
            _ => Err(guard::unknown("nobody is signed in")),
        };
    };
    match operation {
        Op::GetOpenapi | Op::SignIn | Op::BeginOidc | Op::FinishOidc => {
            Err(Failure::failed("an open operation was taken for another one"))
        }
        Op::GetSession => Ok(request.get_session(&caller)),
        Op::SignOut => request.sign_out(&caller),
        Op::RunQuery => request.run_query().await,
        Op::RunQueries => request.run_queries().await,
        Op::CompleteQuery => request.complete_query().await,
        Op::CheckQuery => request.check_query().await,
        Op::GetSchema => request.get_schema().await,
        Op::ListIncidents
        | Op::GetIncidentsAudit
        | Op::VerifyIncidents
        | Op::GetEvidenceKey
        | Op::GetIncident
        | Op::GetIncidentTimeline
        | Op::GetIncidentGraph
        | Op::GetIncidentAudit
        | Op::ExportIncident
        | Op::ListEvidence
        | Op::GetEvidence => request.get_incidents().await,
        Op::OrderIncident | Op::KeepEvidence | Op::RevealEvidence => request.post_incidents(&caller).await,
        Op::GetEstate => request.get_estate().await,
        Op::ExportBom => request.export_bom().await,
        Op::ScanEstate => request.scan_estate().await,
        Op::GetRecommendation => request.get_recommendation().await,
        Op::ExemptRecommendation => request.exempt_recommendation(&caller).await,
        Op::LiftExemption => request.lift_exemption(&caller).await,
        Op::GetGate => Ok(request.get_gate()),
        Op::ListKeys => request.list_keys().await,
        Op::IssueKey => request.issue_key(&caller).await,
        Op::RevokeKey => request.revoke_key(&caller).await,
        Op::RotateKey => request.rotate_key(&caller).await,
        Op::TryGate => request.try_gate().await,
        Op::ListOrders => request.list_orders().await,
        Op::GiveOrder => request.give_order(&caller).await,
        Op::LiftOrder => request.lift_order().await,
        Op::ListRules => request.list_rules().await,
        Op::SaveRule => request.save_rule(&caller).await,
        Op::CheckRule => request.check_rule().await,
        Op::GetRule => request.get_rule().await,
        Op::RemoveRule => request.remove_rule(&caller).await,
        Op::GetSettings => request.get_settings().await,
        Op::GetEvents => request.get_events(&caller),
    }
}

/// The description of the API, as JSON.
fn document() -> Result<Response, Failure> {
    static WRITTEN: OnceLock<String> = OnceLock::new();
    Ok(request::json(WRITTEN.get_or_init(|| described().to_string()).as_str()))
}

fn described() -> serde_json::Value {
    let source = Sources::default().add("openapi.yaml", DOCUMENT);
    // A test reads it: it has no faults.
    yaml::parse(DOCUMENT, source, &Limits::default()).map(|document| document.to_json()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn faults_of_the_configuration_say_where_they_are() {
        let fault = read("[console]\npolicy = \"x\"\n").unwrap_err().to_string();
        assert!(fault.contains("line 2") && fault.contains("policy"), "{fault}");
        assert!(read("[gate]\nlisten = \"127.0.0.1:0\"\n").unwrap().oidc.is_none());
    }

    #[test]
    fn the_document_is_read() {
        assert_eq!(super::described()["openapi"], "3.1.0");
    }
}
