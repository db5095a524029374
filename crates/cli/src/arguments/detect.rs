//! Arguments of `castellan detect`.

use std::path::PathBuf;

use castellan_base::Ticks;
use clap::{Args, Subcommand, ValueEnum};

use super::parse_time;

/// `castellan detect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan detect check rules/
  castellan detect test rules/
  castellan detect run rules/ --lake castellan-lake --dry-run
  castellan detect backtest rules/ --lake castellan-lake --from 2026-11-01 --to 2026-11-21
  castellan up --lake castellan-lake --analytics rules/         on their schedules, as long as it is up

Rules are Microsoft Sentinel's (YAML, ARM templates, what its API answers) and Sigma's. docs/detect.md describes them.")]
pub struct DetectArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: DetectCommand,
}

/// What can be done with analytics rules.
#[derive(Debug, Subcommand)]
pub enum DetectCommand {
    /// Say whether rules can run: their queries, mappings and words against the schemas of tables.
    #[command(after_help = "Examples:
  castellan detect check rules/
  castellan detect check rules/ --lake castellan-lake           with the tables of one's own that are in it
  castellan detect check rule.yaml --functions parsers/ --format json

Verdicts: sound, wrong (something beside its query), unknown (a table or function that nobody declared), broken.
Exit codes: 0 nothing is wrong, 1 a rule is wrong or broken or was left out, 2 wrong usage, or there is no rule.")]
    Check(CheckArguments),
    /// Run the fixtures that rules carry with them.
    #[command(after_help = "Examples:
  castellan detect test rules/
  castellan detect test rule.yaml --functions parsers/ --format jsonl

Exit codes: 0 all passed, 1 one failed, or a rule was left out, 2 wrong usage, or nothing was tested.")]
    Test(TestArguments),
    /// Count what rules are about by ATT&CK, MITRE ATLAS and OWASP's lists.
    #[command(after_help = "Examples:
  castellan detect coverage rules/
  castellan detect coverage rules/ --format json

Coverage says what rules are about, not how well they find it.
Exit codes: 0 fine, 1 a rule was left out, 2 wrong usage, or there is no rule.")]
    Coverage(CoverageArguments),
    /// Run each rule once over a lake, and keep its alerts in the table SecurityAlert.
    #[command(after_help = "Examples:
  castellan detect run rules/ --lake castellan-lake --dry-run
  castellan detect run rules/ --lake castellan-lake --at 2026-11-21T10:00:00Z --format jsonl

Alerts that are in the table already are not added again. A lake that `castellan up` has open takes --dry-run alone.
Exit codes: 0 all ran, 1 a rule could not be run or was left out, 2 wrong usage, or there is no rule.")]
    Run(RunArguments),
    /// Run rules over a time that is over, and say what they would have raised and cost. Nothing is kept.
    #[command(after_help = "Examples:
  castellan detect backtest rules/ --lake castellan-lake --from 2026-11-01 --to 2026-11-21
  castellan detect backtest rule.yaml --lake castellan-lake --from 2026-11-20 --to 2026-11-21 --format json

Rows are seen only once they had been taken in: rows that were taken in later than the time give nothing.
Exit codes: 0 all ran, 1 a rule could not be run or was left out, 2 wrong usage, or there is no rule.")]
    Backtest(BacktestArguments),
    /// Print Sigma rules and correlations as KQL.
    #[command(after_help = "Examples:
  castellan detect sigma proc_creation_win_vssadmin.yml
  castellan query \"$(castellan detect sigma rule.yml)\" --lake castellan-lake

Exit codes: 0 fine, 1 a rule was refused, 2 wrong usage, or there is no rule.")]
    Sigma {
        /// A file of Sigma rules.
        file: PathBuf,
    },
}

/// Where rules are, and how answers are written.
#[derive(Clone, Debug, Args)]
pub struct RulesArguments {
    /// Files and folders of rules.
    #[arg(required = true, value_name = "RULES")]
    pub rules: Vec<PathBuf>,

    /// Parsers of ASIM (YAML) and `let` functions (.kql) that rules may call.
    #[arg(long, value_name = "FOLDER")]
    pub functions: Option<PathBuf>,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<DetectFormat>,

    /// No warnings and notes on standard error; errors remain.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How answers about rules are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DetectFormat {
    /// Aligned, for a person.
    Table,
    /// One document.
    Json,
    /// An object a line.
    Jsonl,
}

/// `castellan detect check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,

    /// Know the tables of this lake as well.
    #[arg(long, value_name = "FOLDER")]
    pub lake: Option<PathBuf>,

    /// List sound rules too, in a table.
    #[arg(long)]
    pub all: bool,
}

/// `castellan detect test`.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// `castellan detect coverage`.
#[derive(Debug, Args)]
pub struct CoverageArguments {
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// The events that rules run over.
#[derive(Clone, Debug, Args)]
pub struct EventsArguments {
    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE")]
    pub lake: PathBuf,

    /// Watchlists: each CSV file is one, by its name; `alias@Column.csv` names the column to search by.
    #[arg(long, value_name = "FOLDER")]
    pub watchlists: Option<PathBuf>,
}

/// `castellan detect run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,

    /// The events.
    #[command(flatten)]
    pub events: EventsArguments,

    /// Run as of this time instead of now: 2026-11-21 or 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<Ticks>,

    /// Show the alerts and keep none.
    #[arg(long)]
    pub dry_run: bool,
}

/// `castellan detect backtest`.
#[derive(Debug, Args)]
pub struct BacktestArguments {
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,

    /// The events.
    #[command(flatten)]
    pub events: EventsArguments,

    /// The first time at which rules run.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: Ticks,

    /// They do not run later.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub to: Ticks,
}
