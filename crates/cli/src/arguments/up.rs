//! Arguments of `castellan up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `castellan up`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan up
  CASTELLAN_TOKEN=... castellan up --listen 0.0.0.0:8700
  curl -s localhost:8700/analyze -H 'content-type: application/json' -d '{\"text\":\"mail ann@example.com\",\"language\":\"en\"}'

  castellan up --tls-certificate cert.pem --tls-key key.pem     https://127.0.0.1:8700/contentsafety/text:shieldPrompt?...

Ctrl-C ends it once requests have been answered. docs/classify.md and docs/shield.md describe the APIs.")]
pub struct UpArguments {
    /// Where to listen. Any address but loopback needs a token, which `CASTELLAN_TOKEN` of the environment holds and
    /// clients send as `Authorization: Bearer TOKEN`, `Ocp-Apim-Subscription-Key` or `api-key`. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,

    /// The certificate to show, as PEM with its chain: connections are encrypted then.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,

    /// The private key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,

    /// Keep block lists in this file; without it they end with the process.
    #[arg(long, value_name = "FILE")]
    pub blocklists: Option<PathBuf>,

    /// Compare texts with these protected texts, as often as needed: what `castellan shield index` wrote.
    #[arg(long, value_name = "INDEX")]
    pub protected: Vec<PathBuf>,

    /// File of keys that the indexes of protected texts were made with, of which the last one is used.
    #[arg(long, value_name = "FILE", requires = "protected")]
    pub protected_keys: Option<PathBuf>,

    /// Keep custom categories and incidents in this file; without it they end with the process.
    #[arg(long, value_name = "FILE")]
    pub categories: Option<PathBuf>,

    /// Let requests name files of this folder, as `file:NAME.jsonl`, to train categories from.
    #[arg(long, value_name = "FOLDER")]
    pub category_samples: Option<PathBuf>,

    /// Refuse texts that Azure AI Content Safety would refuse for their length.
    #[arg(long)]
    pub azure_limits: bool,

    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    pub largest_body: usize,
}
