//! The Model Context Protocol as a secure proxy sees it, which trusts neither the client nor the server.
//!
//! * **What is said**: [`json`] and [`message`] read strictly, within bounds, and keep the bytes; [`jcs`] is the canonical form.
//! * **How it travels**: [`transport`] knows streamable HTTP of both eras, sessions, events and lines.
//! * **What is defined**: [`pin`] knows a definition by its hash, [`names`] which names pretend, [`hidden`] what is not seen.
//! * **What is in it**: [`inspect`] hands out every text with its place and edits it there.
//! * **What is done**: [`arguments`] checks calls, [`taint`] what they follow on, [`oauth`] gets tokens for servers behind.
//! * **All of it**: [`proxy`] is the state machine that the gateway carries out.
//!
//! Nothing here has a clock, a socket or a file.
//!
//! ```
//! use castellan_base::Ticks;
//! use castellan_mcp::pin::Store;
//! use castellan_mcp::proxy::{Begun, Caller, Config, Incoming, Proxy, Step};
//! use castellan_mcp::taint::Flows;
//!
//! let config: Config = serde_json::from_str(r#"{"servers":[{"id":"files","at":{"http":"https://files.internal/mcp"}}]}"#)?;
//! let mut proxy = Proxy::new(config, Store::new(), Flows::built_in()?)?;
//! let mut headers = http::HeaderMap::new();
//! headers.insert("content-type", "application/json".parse()?);
//! headers.insert("accept", "application/json, text/event-stream".parse()?);
//! headers.insert("mcp-protocol-version", "2026-07-28".parse()?);
//! headers.insert("mcp-method", "tools/call".parse()?);
//! headers.insert("mcp-name", "read".parse()?);
//! // The headers say `read`, the body says `delete`: whoever routes by one and acts by the other would be misled.
//! let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete","arguments":{},
//!     "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
//! let begun = proxy.begin(Incoming {
//!     method: &http::Method::POST,
//!     headers: &headers,
//!     body,
//!     caller: &Caller { principal: "tenant/anna".to_owned(), ..Caller::default() },
//!     servers: &["files".to_owned()],
//!     now: Ticks::MIN,
//!     entropy: [0; 32],
//! });
//! let Begun::One(_, Step::Answer(answer)) = begun else { panic!("it goes no further") };
//! assert_eq!(answer.status, 400);
//! assert!(String::from_utf8(answer.body)?.contains("-32020"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arguments;
pub mod hidden;
pub mod inspect;
pub mod jcs;
pub mod json;
pub mod message;
pub mod names;
pub mod oauth;
pub mod pin;
pub mod proxy;
pub mod taint;
pub mod transport;
