//! Arguments of `castellan intel`.

use std::path::PathBuf;

use castellan_base::Ticks;
use clap::{Args, Subcommand};

use super::{DetectFormat, parse_time};

/// `castellan intel`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan intel import bundle.json blocklist.txt --lake castellan-lake
  castellan intel pull https://taxii.example.com/taxii2/ --token env:TAXII_TOKEN --lake castellan-lake
  castellan intel match --lake castellan-lake                   what came in since the last match
  castellan intel hunt --lake castellan-lake                    what happened before indicators came
  castellan up --lake castellan-lake --intel intel.yaml         all of it, as long as it is up

docs/intel.md describes files, feeds, tables and what is matched.")]
pub struct IntelArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: IntelCommand,
}

/// What can be done with threat intelligence.
#[derive(Debug, Subcommand)]
pub enum IntelCommand {
    /// Take indicators of files into a lake: STIX 2.1, MISP's JSON, CSV, plain lists.
    #[command(after_help = "Examples:
  castellan intel import bundle.json --lake castellan-lake
  castellan intel import hashes.csv domains.txt --source partner --confidence 60 --valid-for 30d --lake castellan-lake
  castellan intel import bundle.json --dry-run                  say what would be matched, and what not

They go to ThreatIntelIndicators, ThreatIntelObjects and ThreatIntelligenceIndicator. What is there already adds nothing.
Exit codes: 0 all was taken, 1 something was left out, 2 wrong usage, or a file that is none of these.")]
    Import(IntelImportArguments),
    /// Fetch collections of TAXII 2.1 servers into a lake: what was added since the last time.
    #[command(after_help = "Examples:
  castellan intel pull https://taxii.example.com/taxii2/ --collections
  castellan intel pull https://taxii.example.com/taxii2/ --user ann --password file:secret.txt --lake castellan-lake
  castellan intel pull --config intel.yaml --lake castellan-lake

Passwords and tokens are named, never written: env:NAME or file:PATH. Addresses of one's own network need --private.
Exit codes: 0 all was fetched, 1 something was left out or a feed failed, 2 wrong usage.")]
    Pull(IntelPullArguments),
    /// List the indicators of a lake.
    #[command(after_help = "Examples:
  castellan intel list --lake castellan-lake
  castellan intel list evil.example --lake castellan-lake --all --format jsonl

Exit codes: 0 fine, 2 wrong usage.")]
    List(IntelListArguments),
    /// Show an indicator or another object, as its source wrote it.
    #[command(after_help = "Examples:
  castellan intel show indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --lake castellan-lake

Exit codes: 0 fine, 1 there is none, 2 wrong usage.")]
    Show(IntelShowArguments),
    /// Match events against indicators, and keep alerts in the table SecurityAlert.
    #[command(after_help = "Examples:
  castellan intel match --lake castellan-lake                   what came in since the last match
  castellan intel match --lake castellan-lake --from 2026-11-01 --to 2026-11-21     shows alerts and keeps none
  castellan intel match --table SigninLogs=signins.jsonl --indicators bundle.json

Exit codes: 0 fine, 1 a table could not be read, 2 wrong usage.")]
    Match(IntelMatchArguments),
    /// Look through the past for indicators that came since, each time once.
    #[command(after_help = "Examples:
  castellan intel hunt --lake castellan-lake
  castellan intel hunt --lake castellan-lake --window 90d

What was hunted is remembered in the lake's folder; a hunt that is cut off goes on where it was.
Exit codes: 0 fine, 1 a table could not be read, 2 wrong usage.")]
    Hunt(IntelHuntArguments),
    /// Mark indicators that have expired, and write long-lived ones again so that rules which look back two weeks see them.
    #[command(after_help = "Examples:
  castellan intel expire --lake castellan-lake
  castellan intel expire indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --lake castellan-lake      a false alarm

Exit codes: 0 fine, 1 there is no such indicator, 2 wrong usage.")]
    Expire(IntelExpireArguments),
}

/// The lake.
#[derive(Clone, Debug, Args)]
pub struct IntelLake {
    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE")]
    pub lake: PathBuf,
}

/// How answers are written.
#[derive(Clone, Debug, Args)]
pub struct IntelOutput {
    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<DetectFormat>,

    /// No warnings and notes on standard error; errors remain.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `castellan intel import`.
#[derive(Debug, Args)]
pub struct IntelImportArguments {
    /// Files and folders of them.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE", required_unless_present = "dry_run")]
    pub lake: Option<PathBuf>,

    /// Who the indicators are from.
    #[arg(long, value_name = "NAME", default_value = "import")]
    pub source: String,

    /// How sure the source is, from 0 to 100, where files do not say.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub confidence: Option<u8>,

    /// How long values of lists count, as 30d, where lists do not say.
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub valid_for: Option<std::time::Duration>,

    /// How far values of lists may be passed on: clear, green, amber, amber+strict, red.
    #[arg(long, value_name = "TLP", value_parser = parse_tlp)]
    pub tlp: Option<castellan_stix::Tlp>,

    /// Leave the older table ThreatIntelligenceIndicator alone.
    #[arg(long)]
    pub no_legacy: bool,

    /// Say what would be taken, and what of it is not matched row by row, and keep nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

/// `castellan intel pull`.
#[derive(Debug, Args)]
pub struct IntelPullArguments {
    /// The address of a TAXII server's discovery, or of an API root.
    #[arg(value_name = "URL", required_unless_present = "config", conflicts_with = "config")]
    pub address: Option<String>,

    /// Fetch the feeds of this file, as `castellan up --intel` does.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE", required_unless_present = "collections")]
    pub lake: Option<PathBuf>,

    /// List the collections, and fetch none.
    #[arg(long, conflicts_with = "config")]
    pub collections: bool,

    /// Fetch this collection alone: its id, title or alias (repeatable).
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub collection: Vec<String>,

    /// What the feed is called; the host's name otherwise.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub source: Option<String>,

    /// Who asks.
    #[arg(long, value_name = "NAME", requires = "password", conflicts_with = "config")]
    pub user: Option<String>,

    /// Where the password is: env:NAME or file:PATH.
    #[arg(long, value_name = "WHERE", requires = "user", conflicts_with = "config")]
    pub password: Option<String>,

    /// Where the token is: env:NAME or file:PATH.
    #[arg(long, value_name = "WHERE", conflicts_with_all = ["password", "config"])]
    pub token: Option<String>,

    /// Trust the authorities of this file of PEM as well.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub authorities: Option<PathBuf>,

    /// Use plain HTTP, this machine and addresses of one's own network.
    #[arg(long, conflicts_with = "config")]
    pub private: bool,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

/// `castellan intel list`.
#[derive(Debug, Args)]
pub struct IntelListArguments {
    /// Those whose id, name, source or a value has this text.
    pub text: Option<String>,

    /// The lake.
    #[command(flatten)]
    pub folder: IntelLake,

    /// Those that do not count any more as well.
    #[arg(long)]
    pub all: bool,

    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    pub limit: usize,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

/// `castellan intel show`.
#[derive(Debug, Args)]
pub struct IntelShowArguments {
    /// The id of an indicator or another object.
    pub id: String,

    /// The lake.
    #[command(flatten)]
    pub folder: IntelLake,
}

/// `castellan intel match`.
#[derive(Debug, Args)]
pub struct IntelMatchArguments {
    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE", required_unless_present = "tables")]
    pub lake: Option<PathBuf>,

    /// Match a file in place of a lake: NAME=PATH (repeatable).
    #[arg(long = "table", value_name = "NAME=PATH", conflicts_with = "lake", requires = "indicators", value_parser = super::parse_table)]
    pub tables: Vec<(String, PathBuf)>,

    /// Match the indicators of these files, in place of those of the lake.
    #[arg(long, value_name = "FILE")]
    pub indicators: Vec<PathBuf>,

    /// Match what happened from then on, and keep no alerts.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: Option<Ticks>,

    /// Match what happened before, and keep no alerts; now otherwise.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub to: Option<Ticks>,

    /// Leave out indicators of which their creators are less sure.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    pub minimum_confidence: u8,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

/// `castellan intel hunt`.
#[derive(Debug, Args)]
pub struct IntelHuntArguments {
    /// The lake.
    #[command(flatten)]
    pub folder: IntelLake,

    /// How far back, as 30d.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_span)]
    pub window: std::time::Duration,

    /// How many indicators one query asks for.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    pub batch: usize,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

/// `castellan intel expire`.
#[derive(Debug, Args)]
pub struct IntelExpireArguments {
    /// Ids of indicators that are not to count any more, whatever their source says.
    pub ids: Vec<String>,

    /// The lake.
    #[command(flatten)]
    pub folder: IntelLake,

    /// Only mark what has expired.
    #[arg(long)]
    pub no_refresh: bool,

    /// How answers are written.
    #[command(flatten)]
    pub output: IntelOutput,
}

pub(super) fn parse_span(text: &str) -> Result<std::time::Duration, String> {
    let span = castellan_intel::config::parse_duration(text);
    span.ok_or_else(|| "write a time as 30s, 15m, 2h or 30d".to_owned())
}

fn parse_tlp(text: &str) -> Result<castellan_stix::Tlp, String> {
    castellan_stix::Tlp::named(text)
        .ok_or_else(|| "write clear, green, amber, amber+strict or red".to_owned())
}
