//! OAuth as an MCP server and as its client: metadata, challenges, audiences, and tokens for the servers behind.
//!
//! *Invariant (no passthrough):* a token that a client sent is never what a server behind is given. It is exchanged
//! (RFC 8693, or Entra's on-behalf-of), or the server gets a credential of the gateway's own. Nothing here does I/O:
//! requests are built, answers are read.

mod cache;
mod challenge;
mod exchange;

pub use cache::{Cached, Key, TokenCache};
pub use challenge::{Challenge, audience_matches, canonical_resource, metadata, metadata_path};
pub use exchange::{
    Answered, ExchangeError, Grant, Secret, Subject, TokenRequest, Upstream, build, read_answer,
};
