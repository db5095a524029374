//! A client of TAXII 2.1: discovery, API roots, collections, and their objects page by page.
//!
//! Source: OASIS TAXII 2.1. A [`Client`] talks to one host alone, the one that its address names; redirects and API roots
//! elsewhere are refused, so that credentials never go to another host. Plain HTTP, and hosts whose addresses lie within
//! one's own network, are used only where [`Options::private`] asks for it. What an answer may weigh and last is bounded.
//!
//! *Invariant (nothing is skipped):* a [`Position`] moves on when a page's objects were taken, and `added_after` when a
//! listing is at its end, so that objects which were added at the same moment are not lost between pages.

mod client;
mod http;
mod position;

use std::time::Duration;

use zeroize::Zeroizing;

pub use client::{ApiRoot, Client, Collection, Discovery, Listing, Page};
pub use position::Position;

/// What a client sends to be let in.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A token.
    Bearer(Zeroizing<String>),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Credentials::None => "None",
            Credentials::Basic { .. } => "Basic(..)",
            Credentials::Bearer(_) => "Bearer(..)",
        })
    }
}

/// How a client asks.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it is let in with.
    pub credentials: Credentials,
    /// Certificates of authorities that are trusted beside those of the machine, as PEM.
    pub authorities: Vec<u8>,
    /// Whether plain HTTP, loopback and private addresses may be used.
    pub private: bool,
    /// The largest answer, in bytes.
    pub largest: usize,
    /// The longest that a request may take.
    pub request: Duration,
    /// The most pages of one listing.
    pub pages: usize,
    /// How many objects a page is asked to have.
    pub page: usize,
    /// How often a request is tried that fails for now.
    pub tries: u32,
    /// The longest pause before another try; a server that asks for more is asked again in the next pull.
    pub longest_pause: Duration,
}

impl Default for Options {
    /// No credentials, public hosts; 64 MiB and a minute a request, 10,000 pages of 1,000 objects, four tries, a minute.
    fn default() -> Options {
        Options {
            credentials: Credentials::None,
            authorities: Vec::new(),
            private: false,
            largest: 64 << 20,
            request: Duration::from_secs(60),
            pages: 10_000,
            page: 1_000,
            tries: 4,
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum TaxiiError {
    /// An address that is none, or may not be used.
    #[error("`{address}`: {why}")]
    Address {
        /// The address, without what may be secret in it.
        address: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// No client could be made.
    #[error("no client of HTTP can be made: {0}")]
    Client(String),
    /// No answer came.
    #[error("{what}: no answer after {tries} tries: {why}")]
    NoAnswer {
        /// What was asked for.
        what: String,
        /// How often.
        tries: u32,
        /// Why.
        why: String,
    },
    /// The server refuses.
    #[error("{what}: the server answers {status}: {said}{}", hint(*status))]
    Refused {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What it says, cut.
        said: String,
    },
    /// An answer that is none.
    #[error("{what}: {why}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such collection.
    #[error(
        "there is no collection `{0}` that can be read; `castellan intel pull URL --collections` lists them"
    )]
    NoCollection(String),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => "; look at the credentials",
        404 => "; look at the address, which ends in `/`",
        406 => "; it does not speak TAXII 2.1",
        _ => "",
    }
}
