//! Arguments of `castellan up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use castellan_shield::second::Grey;
use clap::Args;

/// `castellan up`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  castellan up                                     everything, kept in castellan-data; the token is told at the first start
  castellan up --demo                              an example estate, a week of events, live traffic
  castellan up --data /var/lib/castellan
  CASTELLAN_TOKEN=... castellan up --listen 0.0.0.0:8700
  curl -s localhost:8700/analyze -H 'content-type: application/json' -d '{\"text\":\"mail ann@example.com\",\"language\":\"en\"}'

  castellan up --tls-certificate cert.pem --tls-key key.pem     https://127.0.0.1:8700/contentsafety/text:shieldPrompt?...

  castellan up --lake castellan-lake --rules rules --watch inbox --syslog 127.0.0.1:6514 --otlp-grpc 127.0.0.1:4317
  castellan up --lake castellan-lake --analytics rules --watchlists watchlists --baselines
  castellan up --lake castellan-lake --intel intel.yaml
  castellan up --lake castellan-lake --gate castellan.toml --analytics rules

Ctrl-C ends it once requests have been answered. docs/classify.md, docs/shield.md, docs/intake.md and docs/query-api.md
describe the APIs, docs/detect.md the rules.")]
pub struct UpArguments {
    /// Keep everything in this folder, which is made where it is not there: events, incidents, rules, the estate, the gate's
    /// configuration (docs/operate.md). `castellan-data` where nothing is said, unless --lake is given.
    #[arg(long, value_name = "FOLDER", conflicts_with = "lake", env = "CASTELLAN_DATA")]
    pub data: Option<PathBuf>,

    /// Keep nothing and serve the APIs over texts alone, which take no token from this machine.
    #[arg(long, conflicts_with_all = ["data", "lake"])]
    pub no_data: bool,

    /// Show an example: the estate of an invented insurer, a stub model behind a gate, a week of events with attacks in it, and
    /// live traffic. It is kept in a folder of its own that is removed at the end, or in --data.
    #[arg(long, conflicts_with_all = ["lake", "no_data", "gate", "scan", "analytics"])]
    pub demo: bool,

    /// Whether the rules that are built in run beside those of `analytics`.
    #[arg(skip)]
    pub built_in: bool,

    /// Orders to the gate, where the configuration of playbooks names no file of them.
    #[arg(skip)]
    pub orders: Option<PathBuf>,

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

    /// Ask a model of one's own about attacks where this program is not sure: a folder with model.onnx, tokenizer.json and
    /// config.json.
    #[arg(long, value_name = "FOLDER")]
    pub shield_model: Option<PathBuf>,

    /// In which band of probabilities the model is asked, from 0 to 1; around the operating point where it is not given.
    #[arg(long, value_name = "LOW..HIGH", requires = "shield_model")]
    pub shield_grey: Option<Grey>,

    /// A label of the model that means an attack, as often as needed; by their names where none is given.
    #[arg(long, value_name = "NAME", requires = "shield_model")]
    pub shield_attack_label: Vec<String>,

    /// Keep custom categories and incidents in this file; without it they end with the process.
    #[arg(long, value_name = "FILE")]
    pub categories: Option<PathBuf>,

    /// Let requests name files of this folder, as `file:NAME.jsonl`, to train categories from.
    #[arg(long, value_name = "FOLDER")]
    pub category_samples: Option<PathBuf>,

    /// Take events in and keep them in this lake: the Logs Ingestion API, OTLP and diagnostic settings over HTTP, and what
    /// the arguments below say. Answer queries of it: the APIs of Log Analytics, Kusto and Resource Graph, and MCP.
    #[arg(long, value_name = "FOLDER")]
    pub lake: Option<PathBuf>,

    /// Data collection rules of the Logs Ingestion API: files of Azure's JSON, which are read again when they change.
    /// Without it there is one rule, `dcr-castellan`, whose streams go to the tables of their names.
    #[arg(long, value_name = "FOLDER")]
    pub rules: Option<PathBuf>,

    /// Take OpenTelemetry over gRPC at this address, as 127.0.0.1:4317. The token and the certificate are those of --listen.
    #[arg(long, value_name = "ADDRESS")]
    pub otlp_grpc: Option<SocketAddr>,

    /// Take syslog and CEF over TCP at this address. Whoever reaches it can write.
    #[arg(long, value_name = "ADDRESS")]
    pub syslog: Option<SocketAddr>,

    /// The same over TLS, with the certificate of --tls-certificate.
    #[arg(long, value_name = "ADDRESS", requires = "tls_certificate")]
    pub syslog_tls: Option<SocketAddr>,

    /// The same over UDP, where messages are lost when they come faster than they can be kept.
    #[arg(long, value_name = "ADDRESS")]
    pub syslog_udp: Option<SocketAddr>,

    /// Take in files that are put into this folder: TABLE__anything.jsonl, .json, .csv or .parquet, and
    /// diagnostics__anything.json. They are moved to `done` or `refused` in it.
    #[arg(long, value_name = "FOLDER")]
    pub watch: Option<PathBuf>,

    /// Read topics of Kafka or Event Hubs into tables, as this file of TOML says (docs/intake.md), each message once.
    #[arg(long, value_name = "FILE")]
    pub kafka: Option<PathBuf>,

    /// Run these analytics rules, as events arrive and on their schedules: a file or a folder of Microsoft Sentinel's and Sigma's. Their alerts go to
    /// SecurityAlert, incidents to SecurityIncident. How far they are is kept in the lake's folder. Rules are read at the start.
    #[arg(long, value_name = "RULES")]
    pub analytics: Option<PathBuf>,

    /// Watchlists of analytics rules: each CSV file is one, by its name; `alias@Column.csv` names the column to search by.
    #[arg(long, value_name = "FOLDER")]
    pub watchlists: Option<PathBuf>,

    /// Parsers of ASIM (YAML) and `let` functions (.kql) that analytics rules may call.
    #[arg(long, value_name = "FOLDER")]
    pub functions: Option<PathBuf>,

    /// What links alerts of several rules and how much, and from which score they make one incident: a file in the form of
    /// `content/correlation.yaml`, in place of that.
    #[arg(long, value_name = "FILE")]
    pub correlation: Option<PathBuf>,

    /// Let these automation rules of Microsoft Sentinel (a file or a folder of JSON) change incidents and start playbooks
    /// when incidents and alerts come and change. Needs --response for what playbooks may do.
    #[arg(long, value_name = "RULES")]
    pub automation: Option<PathBuf>,

    /// Playbooks beside those that are built in (repeatable), for --automation.
    #[arg(long, value_name = "FOLDER")]
    pub playbooks: Vec<PathBuf>,

    /// Hosts, connectors, trusted keys and orders of playbooks: a file of TOML (docs/respond.md). Orders to the gate hold for
    /// agents that ask `agent:evaluate`.
    #[arg(long, value_name = "FILE", env = "CASTELLAN_RESPOND")]
    pub response: Option<PathBuf>,

    /// Open the gate for model traffic beside it, as `[gate]` of this file says (docs/gate.md). What passes is kept in the
    /// lake, and orders of playbooks hold at the next request.
    #[arg(long, value_name = "FILE")]
    pub gate: Option<PathBuf>,

    /// Learn what users, identities, agents, tools and keys usually do, each minute, and keep what is known in CastellanBaselines and
    /// what is new or rare in BehaviorAnalytics and Anomalies. A file or folder adds definitions of one's own.
    #[arg(long, value_name = "DEFINITIONS", num_args = 0..=1)]
    pub baselines: Option<Option<PathBuf>>,

    /// Fetch threat intelligence as this file of YAML says (docs/intel.md), match what arrives against it, and hunt the past for
    /// what comes. Alerts go to SecurityAlert.
    #[arg(long, value_name = "FILE")]
    pub intel: Option<PathBuf>,

    /// Seal the prompts and answers that alerts are about to this public key, which `castellan incident keys new` prints.
    /// They are kept redacted either way; without a key, their originals are not kept. Whoever opens one over HTTP needs
    /// CASTELLAN_REVEAL_TOKEN on top of the token, and the private key.
    #[arg(long, value_name = "FILE")]
    pub evidence_key: Option<PathBuf>,

    /// Let queries of the lake over HTTP see no more than this role says: a file of TOML (docs/query-api.md).
    #[arg(long, value_name = "FILE")]
    pub role: Option<PathBuf>,

    /// Read these as `castellan scan` does when starting, and answer Resource Graph's queries from them (repeatable).
    #[arg(long, value_name = "PATH")]
    pub scan: Vec<String>,

    /// Refuse texts that Azure AI Content Safety would refuse for their length.
    #[arg(long)]
    pub azure_limits: bool,

    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    pub largest_body: usize,
}
