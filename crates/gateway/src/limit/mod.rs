//! How much: limits on requests, tokens and cost.
//!
//! A *rule* limits one unit within one window, counted apart for each value of the dimensions it names: `tokens` a
//! `minute` for each `principal`, `cost` a `month` for each `application` and `model`. A request must be admitted by every
//! rule that applies. It is *reserved* with what it may use at most, before it is sent, and *settled* with what it used:
//! two requests at once can never both take what is left for one.
//!
//! *Invariant (exact):* what is settled and what is reserved under a rule never pass its limit together, however many
//! requests come at once; only a request that used more than it reserved can pass it, by the difference.
//! *Invariant (nothing leaks):* a reservation that is dropped, as when its request is cancelled, gives everything back.
//!
//! A rule is about models, or about servers of the Model Context Protocol, whose requests and calls of tools are counted
//! apart (`server`, `tool`, `calls`), or about both.
//!
//! Windows are aligned to UTC. A request counts in the window in which it was reserved.
//!
//! ```
//! use castellan_gateway::limit::{Ask, Config, Limits, Prices, Subject, Usage};
//!
//! let config: Config = toml::from_str(r#"
//!     [[rules]]
//!     name = "tokens of a person"
//!     per = ["principal"]
//!     unit = "tokens"
//!     window = "minute"
//!     limit = 1100
//! "#).unwrap();
//! let limits = Limits::new(config, Prices::default()).unwrap();
//! let now = "2026-11-22T14:00:00Z".parse().unwrap();
//! let ask = Ask {
//!     subject: Subject { principal: "ann", ..Subject::default() },
//!     input_tokens: 300,
//!     output_tokens: Some(400),
//!     ..Ask::default()
//! };
//! let first = limits.reserve(&ask, now).unwrap();
//! assert!(limits.reserve(&ask, now).is_err());
//! first.settle(Some(Usage { input: 300, cached: 0, output: 20 }), now);
//! assert!(limits.reserve(&ask, now).is_ok());
//! ```

mod concurrent;
mod config;
mod counter;
mod headers;
mod journal;
mod price;
mod refusal;
mod reserve;
mod tokens;
mod window;

pub use concurrent::Concurrent;
pub(crate) use concurrent::{AtOnce, Place};
pub use config::{Config, ConfigError, Dimension, Kind, Of, Rule, Unit, UnknownPrice};
pub use headers::Dialect;
pub use journal::JournalError;
pub(crate) use price::pico;
pub use price::{Price, PriceError, Prices};
pub use refusal::{Reason, Refusal};
pub use reserve::{BudgetEvent, Limits, Remaining, Reservation, Settled};
pub use tokens::{IMAGE_TOKENS, MESSAGE_TOKENS, of_text};
pub use window::Window;

/// Who asks for what, as far as rules count it. What is not known is empty, and counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The person, service or agent.
    pub principal: &'a str,
    /// The id of the virtual key, never the key.
    pub key: &'a str,
    /// The alias of the model.
    pub model: &'a str,
    /// The application.
    pub application: &'a str,
    /// The server of the Model Context Protocol.
    pub server: &'a str,
    /// Its tool, as `SERVER/TOOL`.
    pub tool: &'a str,
    /// Whether such a server is asked, and no model.
    pub is_mcp: bool,
}

/// What a request may use at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Who asks for what.
    pub subject: Subject<'a>,
    /// Tokens of the prompt, estimated with [`of_text`].
    pub input_tokens: u64,
    /// The most tokens of the answer, all choices together; the configuration's assumption when the request does not say.
    pub output_tokens: Option<u64>,
    /// Whether a tool is called.
    pub is_call: bool,
    /// What the call costs, as the configuration says, in millionths of a millionth of a US dollar.
    pub cost: u64,
}

/// What a request used, as the upstream says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, those from a cache included.
    pub input: u64,
    /// Those of them that came from a cache.
    pub cached: u64,
    /// Tokens of the answer, those of reasoning included.
    pub output: u64,
}

impl Usage {
    /// Tokens of both sides.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}
