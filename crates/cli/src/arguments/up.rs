//! Arguments of `castellan up`.

use std::net::SocketAddr;

use clap::Args;

/// `castellan up`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan up
  CASTELLAN_TOKEN=... castellan up --listen 0.0.0.0:8700
  curl -s localhost:8700/analyze -H 'content-type: application/json' -d '{\"text\":\"mail ann@example.com\",\"language\":\"en\"}'

Ctrl-C ends it once requests have been answered. docs/classify.md describes the API.")]
pub struct UpArguments {
    /// Where to listen. Any address but loopback needs a token, which `CASTELLAN_TOKEN` of the environment holds and
    /// clients send as `Authorization: Bearer TOKEN`. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,

    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    pub largest_body: usize,
}
