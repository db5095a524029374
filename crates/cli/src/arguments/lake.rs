//! Arguments of `castellan ingest` and `castellan lake`.

use std::path::PathBuf;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::Retention;
use clap::{Args, Subcommand, ValueEnum};

/// Where the lake lies.
#[derive(Clone, Debug, Args)]
pub struct LakeFolder {
    /// The folder of the lake; it is made when it is not there.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE", default_value = "castellan-lake")]
    pub lake: PathBuf,
}

/// `castellan ingest`.
#[derive(Debug, Args)]
#[command(
    override_usage = "castellan ingest [OPTIONS] TABLE FILE...
       castellan ingest [OPTIONS] --format diagnostics FILE...",
    after_help = "Examples:
  castellan ingest SigninLogs signins.jsonl
  castellan ingest SigninLogs export/*.json.gz --lake /var/lib/castellan
  zcat app.jsonl.gz | castellan ingest App_CL - --create
  castellan ingest StorageBlobLogs logs.parquet
  castellan ingest --format diagnostics insights-logs-audit/**/PT1H.json
  castellan query 'SigninLogs | summarize count() by ResultType' --lake castellan-lake

Values that do not fit their column become null and are told; lines that cannot be read are told and left out.
Exit codes: 0 all rows are kept, 1 some lines were left out, 2 wrong usage or input."
)]
pub struct IngestArguments {
    /// The table: one of Azure Monitor's (`castellan content list tables`), or one of your own, which ends in _CL. Then
    /// the files: JSON Lines, a JSON array, CSV with a header, Parquet; the first three also as .gz and .zst. `-` for
    /// JSON Lines from standard input. With `--format diagnostics` there is no table, since the records say theirs.
    #[arg(required = true, value_names = ["TABLE", "FILE"], num_args = 1..)]
    pub table_and_files: Vec<PathBuf>,

    /// The lake.
    #[command(flatten)]
    pub folder: LakeFolder,

    /// Make a table of your own where there is none, and add columns that it does not have, by the values that come.
    #[arg(long)]
    pub create: bool,

    /// How the files are written; by the end of their names otherwise.
    #[arg(long, value_enum)]
    pub format: Option<IngestFormat>,

    /// The resource that the rows come from, where they do not say one.
    #[arg(long, value_name = "ID")]
    pub resource: Option<String>,

    /// No progress bar, no notes on standard error; errors remain.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How files of rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IngestFormat {
    /// An object a line.
    Jsonl,
    /// An array of objects.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet.
    Parquet,
    /// Logs as Azure's diagnostic settings write them: `{"records": [...]}`, or a record a line. They say themselves which
    /// tables they belong to.
    Diagnostics,
}

/// `castellan lake`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan lake tables
  castellan lake create App_CL User:string Count:long Details:dynamic
  castellan lake keep SigninLogs 90d
  castellan lake delete SigninLogs \"UserPrincipalName == 'ann@example.com'\" --yes
  castellan lake define failures.json
  castellan lake run failures
  castellan lake tidy --lake /var/lib/castellan

They work on a lake that no `castellan up` has open; a running one is asked over HTTP (docs/lake.md).")]
pub struct LakeArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: LakeCommand,
}

/// What can be done with a lake at rest.
#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// List the tables that hold rows.
    Tables {
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
        /// JSON instead of a table for a person.
        #[arg(long)]
        json: bool,
    },
    /// Make a table of your own, or give it further columns.
    Create {
        /// Its name, which ends in _CL.
        table: String,
        /// Its columns: bool, int, long, real, decimal, string, datetime, timespan, guid or dynamic.
        #[arg(required = true, value_name = "COLUMN:TYPE", value_parser = parse_column)]
        columns: Vec<Field>,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Say how long a table keeps rows: days as 90d, forever, or default.
    Keep {
        /// The table.
        table: String,
        /// How long.
        #[arg(value_name = "TIME")]
        retention: Retention,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Take away the rows of a table that fulfil a condition in KQL.
    Delete {
        /// The table.
        table: String,
        /// The condition, over the columns of the table.
        condition: String,
        /// Do it; otherwise it is told how many rows would go.
        #[arg(long)]
        yes: bool,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Remove a table with all its rows.
    Drop {
        /// The table.
        table: String,
        /// Do it; otherwise it is told how many rows would go.
        #[arg(long)]
        yes: bool,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Define a table that a query fills: a summary of each bin of time, or a materialized table.
    Define {
        /// The definition, as JSON: {"kind": "summary", "name": ..., "query": ..., "destinationTable": ..., "binSize": 60}
        /// or {"kind": "materialized", "name": "Users_CL", "query": ..., "every": 15}; a summary rule as Azure exports it.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// List the tables that queries fill.
    Definitions {
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
        /// JSON instead of a table for a person.
        #[arg(long)]
        json: bool,
    },
    /// Remove a definition; its table stays.
    Undefine {
        /// Its name.
        name: String,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Run what is due of a definition, now.
    Run {
        /// Its name.
        name: String,
        /// Run the bin of a summary again that begins at this time (ISO 8601); its rows take the place of the old ones.
        #[arg(long, value_name = "TIME")]
        bin: Option<String>,
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
    },
    /// Write all rows to files, merge small files, remove what is no longer needed.
    Tidy {
        /// The lake.
        #[command(flatten)]
        folder: LakeFolder,
        /// Remove rows that are older than so many days.
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u64>,
    },
}

fn parse_column(text: &str) -> Result<Field, String> {
    let (name, kind) = text.split_once(':').ok_or("write COLUMN:TYPE, as Count:long")?;
    let scalar_type = ScalarType::named(kind).ok_or_else(|| {
        format!("`{kind}` is no type; write bool, int, long, real, decimal, string, datetime, timespan, guid or dynamic")
    })?;
    Ok(Field::new(name, scalar_type))
}
