//! The HTTP face of the product: one listener, its limits, and the APIs that are served behind them.
//!
//! ```
//! use castellan_server::{Config, Gate, Server, presidio};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let config = Config { address: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
//! let gate = Gate::new(&config);
//! let routes = presidio::router(castellan_detectors::engine(), gate);
//! let server = Server::bind(config, routes).await.unwrap();
//! println!("http://{}", server.address());
//! // Until the future that it is given ends, as one that waits for Ctrl-C would.
//! server.run(async {}).await;
//! # });
//! ```
//!
//! * [`Config`] says where to listen, who may ask, and how much. Without a token, only this machine may ask.
//! * [`Gate`] is how a face gets at the body of a request and has work done on it. Faces that share one share its bounds:
//!   how many requests are held, how many texts are scanned at once, how large a body is, how long it may take.
//! * [`Server`] serves any [`axum::Router`]. A further face is one more router, merged with the others.
//! * [`presidio`] is the API of Presidio's analyzer and anonymizer.
//! * [`contentsafety`] is the API of Azure AI Content Safety, [`moderations`] that of OpenAI, [`agent_hooks`] that of an
//!   evaluator of Agent Hooks. They ask a [`judge::Judge`]; orders of playbooks hold for the last.
//! * [`loganalytics`] is the query API of Azure Monitor's logs, [`kusto`] that of Kusto, [`resourcegraph`] that of Azure
//!   Resource Graph, [`mcp`] a server of the Model Context Protocol. They ask [`Queries`], which run over [`Tables`].
//! * [`intake`] is how events come in: the Logs Ingestion API of Azure Monitor, OpenTelemetry's protocol, diagnostic
//!   settings, syslog, and a watched folder.
//! * [`incidents`] is where people work on incidents: Microsoft Sentinel's API of them, and one of our own.
//! * [`console`] is what people see in a browser, and the API behind it: sessions, roles, and everything that pages ask.
//! * [`workspaces`] is the management of a workspace: tables, retention, purges, summary rules.
//!
//! *Invariant (nothing is logged):* no text, key or token leaves a request but in its own answer.
//! *Invariant (bounded):* what a client sends, or does not send, costs a bounded amount of memory and time.
//!
//! Deliberately absent: what the answers mean, which the crates below know.

mod access;
pub mod agent_hooks;
mod config;
pub mod console;
pub mod contentsafety;
mod gate;
mod guard;
pub mod incidents;
pub mod intake;
pub mod judge;
pub mod kusto;
pub mod loganalytics;
pub mod mcp;
pub mod moderations;
mod policy;
pub mod presidio;
mod queries;
mod refusal;
pub mod resourcegraph;
mod server;
mod tls;
pub mod workspaces;

pub use config::{Config, Token};
pub use gate::Gate;
pub use queries::{Bounds, Queries, Tables};
pub use refusal::Refusal;
pub use server::{BindError, Server};
pub use tls::{Tls, TlsError};
