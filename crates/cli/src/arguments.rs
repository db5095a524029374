//! What can be typed: the one definition from which help, completion and `docs/cli.md` are derived.

mod backup;
mod baseline;
mod classify;
mod detect;
mod gate;
mod incident;
mod intel;
mod lake;
mod playbook;
mod shield;
mod up;

use std::path::{Path, PathBuf};

use castellan_base::{Severity, Ticks};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use backup::*;
pub use baseline::*;
pub use classify::*;
pub use detect::*;
pub use gate::*;
pub use incident::*;
use intel::parse_span;
pub use intel::*;
pub use lake::*;
pub use playbook::*;
pub use shield::*;
pub use up::UpArguments;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Finds, governs, guards and watches AI workloads.
#[derive(Debug, Parser)]
#[command(
    name = "castellan",
    version,
    styles = STYLES,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 fine, 1 findings at or above --fail-on, 2 wrong usage or input.\n\
                  Start with: castellan scan ."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The journeys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read templates, plans, exports, manifests or a live subscription, and report their posture.
    Scan(ScanArguments),
    /// Evaluate Azure Policy definitions against resources, a JSON object a line.
    Policy(PolicyArguments),
    /// Write the AI bill of materials of an estate.
    Bom(BomArguments),
    /// Ask files, and what a scan reads, in KQL.
    Query(QueryArguments),
    /// Take events of files into the tables of a lake.
    Ingest(IngestArguments),
    /// Look after a lake: its tables, and what lies in its folder.
    Lake(LakeArguments),
    /// Find what is sensitive in files and texts: identifiers, personal data, secrets.
    Classify(Box<ClassifyArguments>),
    /// Judge whether a text attacks the model that is to read it, and how harmful it is.
    Shield(Box<ShieldArguments>),
    /// Check, test and run analytics rules of Microsoft Sentinel and Sigma.
    Detect(DetectArguments),
    /// Learn what users, identities, agents, tools and keys usually do, and tell what is new or rare.
    Baseline(BaselineArguments),
    /// Take in threat intelligence, match events against it, and hunt the past for it.
    Intel(Box<IntelArguments>),
    /// Work on incidents: list, assign, merge, open evidence, export.
    Incident(Box<IncidentArguments>),
    /// Plan, sign and carry out playbooks: what is done once something was found.
    Playbook(Box<PlaybookArguments>),
    /// Open the gate for model traffic: authenticate, authorise, inspect, forward, record, at 127.0.0.1:8800.
    Gate(Box<GateArguments>),
    /// Serve the APIs of Presidio, Azure AI Content Safety, OpenAI's moderations and Agent Hooks, at 127.0.0.1:8700.
    Up(Box<UpArguments>),
    /// Say whether an installation is as it should be, and what to do where it is not.
    Doctor(DoctorArguments),
    /// Write the data folder of `castellan up` into one file.
    Backup(BackupArguments),
    /// Restore a data folder from a backup.
    Restore(RestoreDataArguments),
    /// List and explain the built-in checks; add public policy definitions.
    Content(ContentArguments),
    /// Print a shell completion script.
    #[command(after_help = "Examples:
  castellan completions bash > /etc/bash_completion.d/castellan
  castellan completions zsh > ~/.zfunc/_castellan             with ~/.zfunc in fpath
  castellan completions fish > ~/.config/fish/completions/castellan.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where an estate is read from; the same for every command that reads one.
#[derive(Debug, Args)]
pub struct EstateArguments {
    /// Files and folders in any mix, `-` for standard input, or `azure:SUBSCRIPTION[,...]` and `azure:tenant`.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,

    /// Parameters file for the templates among PATH (repeatable). Files that lie beside a template are found alone.
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    pub parameters: Vec<PathBuf>,

    /// Subscription id that templates will be deployed to.
    #[arg(long, value_name = "ID", help_heading = "Reading")]
    pub subscription: Option<String>,

    /// Resource group that templates will be deployed to.
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub resource_group: Option<String>,

    /// Location of that resource group.
    #[arg(long, value_name = "REGION", help_heading = "Reading")]
    pub location: Option<String>,

    /// Tenant id that templates will be deployed to.
    #[arg(long, value_name = "ID", help_heading = "Reading")]
    pub tenant: Option<String>,

    /// Judge as of this time instead of now: 2026-11-21 or 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Reading")]
    pub as_of: Option<Ticks>,

    /// Where the token for `azure:` comes from.
    #[arg(long, value_enum, default_value_t = Auth::Auto, help_heading = "Reading")]
    pub auth: Auth,

    /// No progress bar, no warnings and no notes on standard error; errors remain.
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

fn parse_time(text: &str) -> Result<Ticks, String> {
    text.parse::<Ticks>().map_err(|error| error.to_string())
}

/// `castellan query`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan query 'print 1 + 1'
  castellan query 'SigninLogs | summarize count() by ResultType' --table SigninLogs=signins.jsonl
  castellan query 'Resources | summarize count() by type' --scan infra/
  castellan query 'SigninLogs | where ResultType != 0 | take 10' --lake castellan-lake
  castellan query --file rule.kql --table Logs=parquet/ --format csv -o result.csv
  castellan query --check --file rule.kql                 against the tables of Azure Monitor
  castellan query --batch queries.jsonl --table Logs=logs.parquet

Exit codes: 0 fine, 1 --check found errors, 2 wrong usage, input or query.")]
pub struct QueryArguments {
    /// The query; `-` for standard input.
    #[arg(value_name = "KQL", conflicts_with_all = ["file", "batch"])]
    pub query: Option<String>,

    /// A file with the query; `-` for standard input.
    #[arg(long, short, value_name = "FILE", conflicts_with = "batch")]
    pub file: Option<PathBuf>,

    /// Queries, one JSON object with `id` and `query` a line, from standard input without a file. Answers come out in the
    /// same form.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub batch: Option<PathBuf>,

    /// A table: Parquet, JSON Lines or CSV, or a folder of one of them (repeatable).
    #[arg(long = "table", short, value_name = "NAME=PATH", value_parser = parse_table, help_heading = "Tables")]
    pub tables: Vec<(String, PathBuf)>,

    /// The tables of a lake, whether or not a process writes to it (`castellan ingest`, `castellan up`).
    #[arg(long, value_name = "FOLDER", help_heading = "Tables")]
    pub lake: Option<PathBuf>,

    /// Read these as `castellan scan` does, and give them as Resources, ResourceContainers, AuthorizationResources and
    /// SecurityResources, and what was found as CastellanScores, CastellanRecommendations, CastellanInventory,
    /// CastellanRelations and CastellanCoverage (repeatable).
    #[arg(long, value_name = "PATH", help_heading = "Tables")]
    pub scan: Vec<String>,

    /// A value for `declare query_parameters` (repeatable).
    #[arg(long = "parameter", short, value_name = "NAME=VALUE", value_parser = parse_pair, help_heading = "Asking")]
    pub parameters: Vec<(String, String)>,

    /// Let `externaldata` read from this host over https, or below this address (repeatable): example.com,
    /// *.example.com, `https://example.com/lists/`. Without one it reads nothing.
    #[arg(long, value_name = "HOST", help_heading = "Asking")]
    pub allow_external: Vec<String>,

    /// Let now() be this time: 2026-11-21 or 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Asking")]
    pub as_of: Option<Ticks>,

    /// Say how the query would run, and do not run it.
    #[arg(long, help_heading = "Asking", conflicts_with = "batch")]
    pub explain: bool,

    /// Only say what is wrong with the query, by the tables of Azure Monitor.
    #[arg(long, help_heading = "Asking")]
    pub check: bool,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum, help_heading = "Output", conflicts_with = "batch")]
    pub format: Option<QueryFormat>,

    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Output", conflicts_with = "batch")]
    pub output: Option<PathBuf>,

    /// No progress and no warnings on standard error; errors remain.
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    /// Longest time for a query, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, help_heading = "Limits")]
    pub time: u64,

    /// Most memory for a query, in MiB; sorts, joins and aggregates use the disk before.
    #[arg(long, value_name = "MIB", default_value_t = 4096, help_heading = "Limits")]
    pub memory: usize,

    /// Most rows of a result.
    #[arg(long, value_name = "N", default_value_t = 10_000_000, help_heading = "Limits")]
    pub rows: usize,

    /// Threads; as many as the machine has by default.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub threads: Option<usize>,
}

impl QueryArguments {
    /// How many threads work on a query.
    pub fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(2, usize::from);
        self.threads.unwrap_or_else(all).clamp(1, 256)
    }
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn parse_table(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("write NAME=PATH, as SigninLogs=signins.jsonl".to_owned()),
    }
}

/// Formats of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// For a person.
    Table,
    /// An array of objects; one array for each result where there are several.
    Json,
    /// An object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet; the first result where there are several.
    Parquet,
}

impl QueryFormat {
    /// The format that a file's name asks for; JSON for any other.
    pub fn of_file(file: &Path) -> QueryFormat {
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => QueryFormat::Csv,
            Some("jsonl" | "ndjson") => QueryFormat::Jsonl,
            Some("parquet") => QueryFormat::Parquet,
            Some("txt") => QueryFormat::Table,
            _ => QueryFormat::Json,
        }
    }
}

/// Token sources for `azure:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// The first that is set up: environment, workload identity, service principal, the platform's identity; else `az`.
    Auto,
    /// The environment variable CASTELLAN_AZURE_TOKEN or AZURE_ACCESS_TOKEN.
    Env,
    /// `az account get-access-token`.
    Cli,
    /// Workload identity federation, or a client secret in the environment.
    Workload,
    /// The managed identity of this machine.
    Managed,
}

/// `castellan scan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan scan infra/                                  everything below a folder
  castellan scan main.json --parameters prod.parameters.json
  castellan scan azure:6f1c2f52-9a34-4f0e-8a53-0d6f9a1f5b10
  castellan scan . --policies ~/azure-policy/built-in-policies
  castellan scan . --fail-on high --report sarif=castellan.sarif   in CI
  castellan scan . --fix-out fixes && git apply fixes/*.patch

Exit codes: 0 fine, 1 findings at or above --fail-on, 2 wrong usage, or nothing could be read.")]
pub struct ScanArguments {
    /// What to read.
    #[command(flatten)]
    pub estate: EstateArguments,

    /// Azure Policy definitions to judge by as well: a checkout of the public ones, or your own (repeatable).
    #[arg(long, value_name = "DIR", help_heading = "Judging")]
    pub policies: Vec<PathBuf>,

    /// Alias table as `az provider list --expand resourceTypes/aliases` prints it (repeatable).
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub aliases: Vec<PathBuf>,

    /// Folder with checks, frameworks or models of your own, laid out like content/ (repeatable).
    #[arg(long, value_name = "DIR", help_heading = "Judging")]
    pub content: Vec<PathBuf>,

    /// Exemptions with reason, approver and expiry.
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub exemptions: Option<PathBuf>,

    /// A former JSON report or written baseline: only what is new counts for --fail-on.
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub baseline: Option<PathBuf>,

    /// Write the findings of this run as a baseline.
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub write_baseline: Option<PathBuf>,

    /// Exit with 1 when there is a new violation of this severity or above: info, low, medium, high or critical.
    #[arg(long, value_name = "SEVERITY", help_heading = "Judging")]
    pub fail_on: Option<Severity>,

    /// The gate's configuration: what its profiles do counts in the coverage of layers.
    #[arg(long, value_name = "FILE")]
    pub gate: Option<PathBuf>,

    /// Output format. Without it: what the name of --output ends in; else a table on a terminal, JSON in a pipe.
    #[arg(long, short, value_enum, help_heading = "Output")]
    pub format: Option<Format>,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Write a further report: FORMAT=FILE, for example html=report.html (repeatable).
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_report, help_heading = "Output")]
    pub report: Vec<(Format, PathBuf)>,

    /// Write patched copies, patches and commands that fix what was found to a new folder, which later scans leave out.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub fix_out: Option<PathBuf>,

    /// When to colour the table.
    #[arg(long, value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,
}

fn parse_report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("write FORMAT=FILE, for example html=report.html")?;
    let format = Format::from_str(format, true).map_err(|_| {
        let known: Vec<String> = Format::value_variants()
            .iter()
            .filter_map(|format| format.to_possible_value())
            .map(|value| value.get_name().to_owned())
            .collect();
        format!("`{format}` is no format; use one of {}", known.join(", "))
    })?;
    Ok((format, file.into()))
}

/// Report formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned table for people.
    Terminal,
    /// One JSON document.
    Json,
    /// A finding a line.
    Jsonl,
    /// A finding a row.
    Csv,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One self-contained page.
    Html,
    /// OSCAL assessment results.
    Oscal,
}

impl Format {
    /// The format that a file's name ends in; `None` for an ending that says nothing.
    pub fn of_file(file: &Path) -> Option<Format> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Format::Json),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "csv" => Some(Format::Csv),
            "sarif" => Some(Format::Sarif),
            "html" | "htm" => Some(Format::Html),
            "txt" => Some(Format::Terminal),
            _ => None,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `castellan policy`.
#[derive(Debug, Args)]
#[command(
    after_help = "A line in:  {\"id\",\"definition\",\"parameters\"?,\"resource\",\"related\"?:[],\"context\"?:{}}
A line out: {\"id\",\"verdict\",\"effect\"?,\"trace\"} or {\"id\",\"error\":{\"code\",\"message\"}}

Examples:
  castellan policy --batch cases.jsonl
  az provider list --expand resourceTypes/aliases > aliases.json
  castellan policy --batch - --aliases aliases.json < cases.jsonl

Exit codes: 0 every line was answered, with a verdict or an error; 2 wrong usage."
)]
pub struct PolicyArguments {
    /// File of JSON objects, one a line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub batch: PathBuf,

    /// Alias table as `az provider list --expand resourceTypes/aliases` prints it (repeatable).
    #[arg(long, value_name = "FILE")]
    pub aliases: Vec<PathBuf>,
}

/// `castellan bom`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan bom infra/
  castellan bom . --format cyclonedx --output bom.cdx.json
  castellan bom azure:6f1c2f52-9a34-4f0e-8a53-0d6f9a1f5b10

Exit codes: 0 fine, 2 wrong usage, or nothing could be read.")]
pub struct BomArguments {
    /// What to read.
    #[command(flatten)]
    pub estate: EstateArguments,

    /// Output format. Without it: a table on a terminal, CycloneDX in a pipe.
    #[arg(long, short, value_enum, help_heading = "Output")]
    pub format: Option<BomFormat>,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

/// Formats of the bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BomFormat {
    /// Aligned table for people.
    Table,
    /// CycloneDX 1.7 JSON.
    Cyclonedx,
}

/// `castellan content`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan content list
  castellan content show agent-lethal-trifecta
  castellan content show SigninLogs
  castellan content add azure-policy ~/azure-policy/built-in-policies
  castellan content remove azure-policy")]
pub struct ContentArguments {
    /// What to do with the content.
    #[command(subcommand)]
    pub command: ContentCommand,
}

/// What can be done with content.
#[derive(Debug, Subcommand)]
pub enum ContentCommand {
    /// List the built-in checks, or the tables and functions that queries can read.
    #[command(after_help = "Examples:
  castellan content list
  castellan content list --json
  castellan content list tables")]
    List {
        /// What to list.
        #[arg(value_enum, default_value_t = Listed::Checks)]
        what: Listed,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Explain one check: why, what it looks at, how to fix it, its examples; or name the columns of a table.
    #[command(after_help = "Examples:
  castellan content show agent-lethal-trifecta
  castellan content show SigninLogs")]
    Show {
        /// The check's id, or the name of a table or function, as `content list` shows it.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Install a checkout of public policy definitions, so that every scan judges by them too.
    #[command(after_help = "Examples:
  git clone --depth 1 https://github.com/Azure/azure-policy
  castellan content add azure-policy azure-policy/built-in-policies")]
    Add {
        /// What kind of content.
        #[arg(value_enum)]
        kind: ContentKind,
        /// The checkout: a folder with policyDefinitions/ and policySetDefinitions/ in it.
        folder: PathBuf,
    },
    /// Forget installed content.
    #[command(after_help = "Examples:
  castellan content remove azure-policy")]
    Remove {
        /// What kind of content.
        #[arg(value_enum)]
        kind: ContentKind,
    },
}

/// Kinds of content that can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Checks that scans judge by.
    Checks,
    /// Tables that queries can read, with their columns.
    Tables,
    /// Functions that queries can call beside those of the language.
    Functions,
}

/// Kinds of content that can be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ContentKind {
    /// Azure Policy definitions and initiatives.
    AzurePolicy,
}
