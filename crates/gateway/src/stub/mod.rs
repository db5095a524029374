//! A stub model server: for trials without a model, for tests and for measuring the gate.
//!
//! It says what it is: every answer names the model `castellan-stub` and carries the header `x-castellan-stub: true`. It
//! understands nothing. By default it *echoes* the last text of the user; with a [`Script`] it answers what the script
//! says, tool calls, errors and faults included; with [`Mode::Fixed`] it gives one constant answer as fast as it can.
//!
//! It speaks OpenAI (chat completions, completions, responses, embeddings, moderations, models), the same in both URL
//! forms of Azure OpenAI, Anthropic messages, and Ollama (chat, generate, embed, tags), streaming where they stream, over
//! HTTP/1.1 and HTTP/2. Ids and times in answers are constants, so that answers can be compared byte for byte. Numbers of
//! tokens are characters divided by four, rounded up.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use castellan_gateway::stub::{Options, Stub};
//!
//! let stub = Stub::bind(([127, 0, 0, 1], 0).into(), Options::default()).await?;
//! assert!(stub.url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod answer;
mod anthropic;
mod body;
mod embedding;
mod ollama;
mod openai;
mod prompt;
mod reply;
mod responses;
mod route;
mod script;
mod serve;
mod socket;

pub use script::{Fault, Match, Rule, Script, ScriptError, ToolCall};
pub use serve::{Seen, Stub};

use std::time::Duration;

/// The name of the model in every answer.
pub const MODEL: &str = "castellan-stub";

/// The header that every answer carries, with the value `true`.
pub const HEADER: &str = "x-castellan-stub";

/// How the stub answers.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// With the last text of the user. The text `/call NAME {"argument": 1}` asks for a call of that tool instead.
    #[default]
    Echo,
    /// With one constant text, whatever was asked. Only `"stream": true` is looked for.
    Fixed,
    /// As a script says, and where it says nothing, as an echo.
    Script(Script),
}

/// What a stub does.
#[derive(Clone, Debug)]
pub struct Options {
    /// How it answers.
    pub mode: Mode,
    /// How long it waits before the first byte of each answer.
    pub delay: Duration,
    /// How long it waits before each event of a stream.
    pub pause: Duration,
    /// Largest body it reads, in bytes; 413 beyond.
    pub body_limit: usize,
    /// How many of the latest requests are kept for [`Stub::seen`]; 0 keeps none.
    pub record: usize,
    /// Encrypts connections with this configuration. Its ALPN names say which versions of HTTP are spoken.
    pub tls: Option<std::sync::Arc<tokio_rustls::rustls::ServerConfig>>,
    /// When set, requests must carry this key as `Authorization: Bearer`, `api-key` or `x-api-key`; 401 otherwise.
    pub key: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Echo,
            delay: Duration::ZERO,
            pause: Duration::ZERO,
            body_limit: 32 << 20,
            record: 0,
            tls: None,
            key: None,
        }
    }
}

impl Options {
    /// A stub that follows a script.
    #[must_use]
    pub fn scripted(script: Script) -> Options {
        Options { mode: Mode::Script(script), ..Options::default() }
    }

    /// A stub with one constant answer.
    #[must_use]
    pub fn fixed() -> Options {
        Options { mode: Mode::Fixed, ..Options::default() }
    }

    /// Keeps the latest requests for [`Stub::seen`].
    #[must_use]
    pub fn recording(mut self, requests: usize) -> Options {
        self.record = requests;
        self
    }
}
