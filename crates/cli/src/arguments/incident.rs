//! Arguments of `castellan incident`.

mod words;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub use words::*;

/// `castellan incident`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan incident list --status open
  castellan incident show 12
  castellan incident assign 12 ben@contoso.com --by ann
  castellan incident close 12 --as true-positive --reason suspicious-activity --comment 'rotated the keys' --by ben
  castellan incident report 12 -o incident-12.html
  castellan incident list --url http://127.0.0.1:8700            while `castellan up` runs

Incidents lie in the lake's folder, which one process has at a time: ask the server with --url while it runs.
CASTELLAN_TOKEN holds its token. docs/incidents.md describes all of this.
Exit codes: 0 fine, 1 what was verified is damaged, 2 wrong usage or input.")]
pub struct IncidentArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: IncidentCommand,
}

/// What can be done with incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// List incidents, the last changed first.
    #[command(after_help = "Examples:
  castellan incident list --status open --severity high
  castellan incident list --owner - --format jsonl                those that nobody works on
  castellan incident list --text kv-claims --status all")]
    List(IncidentListArguments),
    /// Show an incident: what happened, why it is one, what was done.
    #[command(after_help = "Examples:
  castellan incident show 12
  castellan incident show 12 --format json | jq .entities")]
    Show(NumberArguments),
    /// Say who works on an incident; `-` for nobody.
    #[command(after_help = "Examples:
  castellan incident assign 12 ben@contoso.com --by ann
  castellan incident assign 12 - --by ann")]
    Assign {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// Who.
        owner: String,
    },
    /// Say something about an incident.
    #[command(after_help = "Examples:
  castellan incident comment 12 'the document came with claim 8841' --by ben")]
    Comment {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// What.
        text: String,
    },
    /// Give an incident words, or take them away.
    #[command(after_help = "Examples:
  castellan incident tag 12 claims agents --by ben
  castellan incident tag 12 claims --remove --by ben")]
    Tag {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// The words.
        #[arg(required = true)]
        labels: Vec<String>,
        /// Take them away.
        #[arg(long)]
        remove: bool,
    },
    /// Add something to do, or say that it is done.
    #[command(after_help = "Examples:
  castellan incident task 12 'rotate the secrets of kv-claims' --by ann
  castellan incident task 12 --done 2 --by ben")]
    Task {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// What is to be done.
        #[arg(required_unless_present = "done", conflicts_with = "done")]
        title: Option<String>,
        /// How.
        #[arg(long, value_name = "TEXT", default_value = "", requires = "title")]
        description: String,
        /// The number of the task that is done.
        #[arg(long, value_name = "TASK")]
        done: Option<u32>,
    },
    /// Move an incident on, or say how bad it is.
    #[command(after_help = "Examples:
  castellan incident status 12 active --by ben
  castellan incident status 12 --severity low --title 'a test of the red team' --by ben")]
    Status {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// Where it is now; `close` closes it.
        #[arg(required_unless_present_any = ["severity", "title"])]
        status: Option<OpenStatus>,
        /// How bad it is.
        #[arg(long)]
        severity: Option<IncidentSeverity>,
        /// What it is called.
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
    },
    /// Close an incident, and say what it was.
    #[command(after_help = "Examples:
  castellan incident close 12 --as true-positive --reason suspicious-activity --comment 'rotated the keys' --by ben
  castellan incident close 13 --as false-positive --reason inaccurate-data --by ben")]
    Close {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// What it was.
        #[arg(long = "as", value_name = "CLASSIFICATION")]
        classification: ClassificationWord,
        /// Why it looked as it did.
        #[arg(long)]
        reason: Option<ReasonWord>,
        /// More about it.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
    /// Take the alerts of other incidents into one; they are closed.
    #[command(after_help = "Examples:
  castellan incident merge 12 15 17 --by ben
  castellan incident merge 12 15 --decline --by ben               they were proposed, and are not one")]
    Merge {
        /// The incident that stays.
        #[command(flatten)]
        order: OrderArguments,
        /// The others.
        #[arg(required = true, value_name = "OTHER")]
        from: Vec<u32>,
        /// Say that they are not one.
        #[arg(long)]
        decline: bool,
    },
    /// Make another incident of some alerts.
    #[command(after_help = "Examples:
  castellan incident split 12 0f6a3b1c-... 77d0c2e4-... --by ben")]
    Split {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// Ids of alerts.
        #[arg(required = true, value_name = "ALERT")]
        alerts: Vec<String>,
    },
    /// Show what happened and what was done about it, in the order of time.
    #[command(after_help = "Examples:
  castellan incident timeline 12
  castellan incident timeline 12 --format jsonl")]
    Timeline(NumberArguments),
    /// Show which alerts name which entities: JSON, a file for Graphviz, or a picture.
    #[command(after_help = "Examples:
  castellan incident graph 12 --as svg -o incident-12.svg
  castellan incident graph 12 --as dot | dot -Tpng > incident-12.png")]
    Graph {
        /// The incident.
        #[command(flatten)]
        place: PlaceArguments,
        /// The incident's number or id.
        incident: String,
        /// The form.
        #[arg(long = "as", value_enum, default_value_t = GraphForm::Json)]
        form: GraphForm,
        /// Write here instead of to standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the texts that were kept, redacted; or keep another.
    #[command(after_help = "Examples:
  castellan incident evidence 12
  castellan incident evidence 12 --add conversation.txt --kind prompt --by ben --seal-to evidence.pub")]
    Evidence {
        /// The incident.
        #[command(flatten)]
        number: NumberArguments,
        /// Keep the text of this file; `-` for standard input.
        #[arg(long, value_name = "FILE", requires = "by")]
        add: Option<PathBuf>,
        /// What it is.
        #[arg(long, default_value = "note", requires = "add")]
        kind: String,
        /// Who keeps it.
        #[arg(long, value_name = "NAME", env = "CASTELLAN_USER")]
        by: Option<String>,
        /// The public key to seal the original to, without --url; the original is not kept otherwise.
        #[arg(long, value_name = "FILE", requires = "add")]
        seal_to: Option<PathBuf>,
    },
    /// Open the original of a piece of evidence. Who and why is written to the audit log before it is shown.
    #[command(after_help = "Examples:
  castellan incident reveal 12 33a8e9ef --key evidence.key --reason 'the owner asks what was leaked' --by ann

With --url, the server wants CASTELLAN_REVEAL_TOKEN beside its token. The private key stays here. A passphrase comes from
CASTELLAN_PASSPHRASE.")]
    Reveal {
        /// The incident.
        #[command(flatten)]
        order: OrderArguments,
        /// The evidence: the beginning of its id.
        evidence: String,
        /// The file of the private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why it has to be read.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write an incident for another program: OCSF, STIX 2.1, or all of it as JSON.
    #[command(after_help = "Examples:
  castellan incident export 12 --as stix -o incident-12.stix.json
  castellan incident export 12 --as ocsf | jq -c '.[]'")]
    Export {
        /// The incident.
        #[command(flatten)]
        place: PlaceArguments,
        /// The incident's number or id.
        incident: String,
        /// The form.
        #[arg(long = "as", value_enum, default_value_t = ExportForm::Ocsf)]
        form: ExportForm,
        /// Write here instead of to standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write an incident as a page to read and to print: HTML without scripts.
    #[command(after_help = "Examples:
  castellan incident report 12 -o incident-12.html")]
    Report {
        /// The incident.
        #[command(flatten)]
        place: PlaceArguments,
        /// The incident's number or id.
        incident: String,
        /// Write here instead of to standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show everything that was done to an incident, or the audit log; or check that no file was changed.
    #[command(after_help = "Examples:
  castellan incident audit 12                 what was done to it
  castellan incident audit                    who opened which evidence, and why
  castellan incident audit --verify           whether journals, audit log and evidence are what was written

Exit codes: 0 all is whole, 1 something was changed or is missing, 2 wrong usage or input.")]
    Audit {
        /// Where incidents are.
        #[command(flatten)]
        place: PlaceArguments,
        /// The incident's number or id; the audit log without it.
        incident: Option<String>,
        /// Read all files again and check their checksums.
        #[arg(long, conflicts_with = "incident")]
        verify: bool,
        /// Output format; a table for a person, JSON otherwise.
        #[arg(long, value_enum)]
        format: Option<IncidentFormat>,
    },
    /// Make keys of evidence, or look at one.
    #[command(after_help = "Examples:
  castellan incident keys new evidence.key > evidence.pub
  CASTELLAN_PASSPHRASE=... castellan incident keys new evidence.key --passphrase > evidence.pub
  castellan incident keys show evidence.key
  castellan up --lake castellan-lake --analytics rules --evidence-key evidence.pub

The server seals with the public key and cannot open what it sealed. Keep the private key elsewhere.")]
    Keys {
        /// What to do.
        #[command(subcommand)]
        command: KeysCommand,
    },
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a pair: the private one in a new file that nobody else may read, the public one on standard output.
    New {
        /// The file to make.
        file: PathBuf,
        /// Put it under the passphrase in CASTELLAN_PASSPHRASE.
        #[arg(long)]
        passphrase: bool,
    },
    /// Print the public key of a private one.
    Show {
        /// The file of the private key.
        file: PathBuf,
    },
}

/// Where incidents are.
#[derive(Clone, Debug, Args)]
pub struct PlaceArguments {
    /// The folder of the lake that they lie in.
    #[command(flatten)]
    pub folder: super::LakeFolder,

    /// Ask the server that has the lake open, as http://127.0.0.1:8700. Its token is in CASTELLAN_TOKEN.
    #[arg(long, value_name = "URL", env = "CASTELLAN_URL")]
    pub url: Option<String>,
}

/// An incident, to look at.
#[derive(Clone, Debug, Args)]
pub struct NumberArguments {
    /// Where incidents are.
    #[command(flatten)]
    pub place: PlaceArguments,

    /// The incident's number or id.
    pub incident: String,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<IncidentFormat>,
}

/// An incident, to change.
#[derive(Clone, Debug, Args)]
pub struct OrderArguments {
    /// Where incidents are.
    #[command(flatten)]
    pub place: PlaceArguments,

    /// The incident's number or id.
    pub incident: String,

    /// Who does it.
    #[arg(long, value_name = "NAME", env = "CASTELLAN_USER")]
    pub by: String,

    /// Do it only if the incident is still at this version.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<u64>,
}

/// `castellan incident list`.
#[derive(Clone, Debug, Args)]
pub struct IncidentListArguments {
    /// Where incidents are.
    #[command(flatten)]
    pub place: PlaceArguments,

    /// Where they are in their life.
    #[arg(long, value_enum, default_value_t = ListStatus::Open)]
    pub status: ListStatus,

    /// How bad they are.
    #[arg(long, value_enum)]
    pub severity: Option<IncidentSeverity>,

    /// Who works on them; `-` for nobody.
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,

    /// A word that they have.
    #[arg(long, value_name = "WORD")]
    pub label: Option<String>,

    /// The id of a rule that raised one of their alerts.
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,

    /// A text in their title, description or entities.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,

    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub top: usize,

    /// How many to leave out before.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub skip: usize,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<IncidentFormat>,
}

/// How answers about incidents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IncidentFormat {
    /// Words for a person.
    Table,
    /// One document.
    Json,
    /// An object a line.
    Jsonl,
}
