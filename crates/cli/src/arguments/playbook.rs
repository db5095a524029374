//! Arguments of `castellan playbook`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `castellan playbook`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan playbook list
  castellan playbook plan 'Tell people' --var title='A leak' --var text='Look at ticket 7'
  castellan playbook start rogue-agent --by ben --cause 'incident 12' --var agent=a1 --config respond.toml
  castellan playbook approve run--... STEP --by ann --why 'agreed with the owner'
  castellan playbook resume --all

Playbooks are CACAO 2.0. docs/respond.md describes them, runs, and the configuration.
Exit codes: 0 fine, 1 a playbook is wrong, a run failed or would fail, 2 wrong usage or input.")]
pub struct PlaybookArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: PlaybookCommand,
}

/// What can be done with playbooks and runs.
#[derive(Debug, Subcommand)]
pub enum PlaybookCommand {
    /// List the playbooks at hand, and on whose word each may run.
    #[command(after_help = "Examples:
  castellan playbook list
  castellan playbook list --playbooks playbooks/ --config respond.toml --format json")]
    List(ListArguments),
    /// Print a playbook as YAML, or as JSON.
    #[command(after_help = "Examples:
  castellan playbook show 'Tell people'
  castellan playbook show 'Tell people' --format json > tell-people.json")]
    Show(NamedArguments),
    /// Say what is wrong with files of playbooks, with places.
    #[command(after_help = "Examples:
  castellan playbook check playbooks/*.yaml

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage or input.")]
    Check {
        /// Files of playbooks.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Make a key that signs: the private one in a new file, the public one on standard output.
    #[command(after_help = "Examples:
  castellan playbook key team.pem > team.pub")]
    Key {
        /// The file to make. Nobody else may read it.
        file: PathBuf,
    },
    /// Sign a playbook: it is printed with the signature.
    #[command(after_help = "Examples:
  castellan playbook sign contain.yaml --key team.pem --signee 'the response team' > signed/contain.yaml")]
    Sign {
        /// The playbook.
        file: PathBuf,
        /// The file of the private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Who signs.
        #[arg(long, value_name = "NAME")]
        signee: String,
    },
    /// Say whether playbooks are whole and signed by somebody who is trusted.
    #[command(after_help = "Examples:
  castellan playbook verify signed/*.yaml --config respond.toml       keys that [trusted] names
  castellan playbook verify contain.yaml --trust team=team.pub

Exit codes: 0 all are, 1 one is not, 2 wrong usage or input.")]
    Verify {
        /// Files of playbooks.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What is configured.
        #[command(flatten)]
        configured: ConfiguredArguments,
    },
    /// Say what a playbook would do, step by step. Nothing is changed.
    #[command(after_help = "Examples:
  castellan playbook plan rogue-agent --incident 12 --url http://127.0.0.1:8700
  castellan playbook plan 'Tell people' --var title=Test --var text=Test
  castellan playbook plan contain.yaml --var agent=a1 --look --config respond.toml --format json

Exit codes: 0 it would run through, 1 it would not, 2 wrong usage or input.")]
    Plan {
        /// The playbook.
        #[command(flatten)]
        named: NamedArguments,
        /// Values of its variables.
        #[command(flatten)]
        variables: VariableArguments,
        /// Look at what is there now, where actions can.
        #[arg(long)]
        look: bool,
    },
    /// Start a run, and work on it until it ends or waits.
    #[command(after_help = "Examples:
  castellan playbook start rogue-agent --by ben --incident 12 --config respond.toml
  castellan playbook start 'Tell people' --by ben --cause 'incident 12' --var title=Test --var text=Test
  castellan playbook start contain.yaml --by ben --key alert-77 --allow-unsigned --config respond.toml

A run is a file in --runs. A second start with the same --key goes on with the first run.
Exit codes: 0 it came to its end or waits, 1 it failed, 2 wrong usage or input.")]
    Start(StartArguments),
    /// Go on with a run whose time has come, or that was cut off.
    #[command(after_help = "Examples:
  castellan playbook resume run--...
  castellan playbook resume --all

A run never sleeps: call this from cron or a timer.")]
    Resume {
        /// The run.
        #[arg(value_name = "RUN", required_unless_present = "all")]
        run: Option<String>,
        /// Go on with each run that is not over.
        #[arg(long, conflicts_with = "run")]
        all: bool,
        /// What is configured.
        #[command(flatten)]
        running: RunningArguments,
    },
    /// Approve a step that waits for it, or refuse it.
    #[command(after_help = "Examples:
  castellan playbook approve run--... STEP --by ann --why 'agreed with the owner'
  castellan playbook approve run--... STEP --by ann --role ai-platform --refuse --why 'a test'")]
    Approve {
        /// The place in the run.
        #[command(flatten)]
        answer: AnswerArguments,
        /// A role that whoever answers has (repeatable). It is taken for true.
        #[arg(long, value_name = "ROLE")]
        role: Vec<String>,
        /// Refuse it.
        #[arg(long)]
        refuse: bool,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// Say that a person did what a step asks for, or could not.
    #[command(after_help = "Examples:
  castellan playbook complete run--... STEP --by ann --output ticket=INC7
  castellan playbook complete run--... STEP --by ann --failed 'nobody answers'")]
    Complete {
        /// The place in the run.
        #[command(flatten)]
        answer: AnswerArguments,
        /// A value that the step gives (repeatable).
        #[arg(long, value_name = "NAME=VALUE", value_parser = super::parse_pair, conflicts_with = "failed")]
        output: Vec<(String, String)>,
        /// It could not be done, for this reason.
        #[arg(long, value_name = "WHY")]
        failed: Option<String>,
    },
    /// Say what a person saw who looked whether an action took effect.
    #[command(after_help = "Examples:
  castellan playbook settle run--... STEP --by ann --took-effect true --why 'the portal shows it'")]
    Settle {
        /// The place in the run.
        #[command(flatten)]
        answer: AnswerArguments,
        /// Whether it did.
        #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set)]
        took_effect: bool,
        /// How that is known.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Stop a run for good. What it did stays.
    #[command(after_help = "Examples:
  castellan playbook cancel run--... --by ann --why 'a false alarm'")]
    Cancel(StopArguments),
    /// Take back what a run did, last first; a run that is not over is stopped before.
    #[command(after_help = "Examples:
  castellan playbook undo run--... --by ann --why 'a false alarm'

Exit codes: 0 all is undone, 1 something could not be, 2 wrong usage or input.")]
    Undo(StopArguments),
    /// Print everything that happened in a run, or list the runs.
    #[command(after_help = "Examples:
  castellan playbook history
  castellan playbook history run--... --format jsonl")]
    History {
        /// The run; all of them are listed without it.
        run: Option<String>,
        /// The folder of runs.
        #[command(flatten)]
        runs: RunsFolder,
        /// Output format; a table for a person, JSON otherwise.
        #[arg(long, value_enum)]
        format: Option<PlaybookFormat>,
    },
}

/// How answers about playbooks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlaybookFormat {
    /// Words for a person.
    Table,
    /// One document.
    Json,
    /// An object a line.
    Jsonl,
}

/// What is configured: where messages go, which hosts may be reached, whose signatures count.
#[derive(Clone, Debug, Args)]
pub struct ConfiguredArguments {
    /// Hosts, connectors, trusted keys: a file of TOML (docs/respond.md). Without it nothing outside is reached.
    #[arg(long, value_name = "FILE", env = "CASTELLAN_RESPOND")]
    pub config: Option<PathBuf>,

    /// Trust a key beside those of the configuration (repeatable): the file of the public key.
    #[arg(long, value_name = "NAME=FILE", value_parser = super::parse_pair)]
    pub trust: Vec<(String, String)>,
}

/// `castellan playbook list`.
#[derive(Clone, Debug, Args)]
pub struct ListArguments {
    /// Playbooks beside those that are built in (repeatable); one of the same id takes the place of the other.
    #[arg(long, value_name = "FOLDER")]
    pub playbooks: Vec<PathBuf>,

    /// What is configured.
    #[command(flatten)]
    pub configured: ConfiguredArguments,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<PlaybookFormat>,
}

/// A playbook by name.
#[derive(Clone, Debug, Args)]
pub struct NamedArguments {
    /// Its id, its name, or a file.
    pub playbook: String,

    /// Where playbooks are.
    #[command(flatten)]
    pub listed: ListArguments,
}

/// Values of variables.
#[derive(Clone, Debug, Args)]
pub struct VariableArguments {
    /// A value of a variable (repeatable); `agent=a1` is `__agent__`. A secret is given by reference: secret:env:NAME or
    /// secret:file:PATH.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::parse_pair)]
    pub variables: Vec<(String, String)>,

    /// Take what is not given with --var from this incident, by its number or id.
    #[arg(long, value_name = "INCIDENT")]
    pub incident: Option<String>,

    /// Where incidents are.
    #[command(flatten)]
    pub place: super::PlaceArguments,
}

/// Where runs are kept.
#[derive(Clone, Debug, Args)]
pub struct RunsFolder {
    /// The folder of runs; it is made with the first one.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_RUNS", default_value = "castellan-runs")]
    pub runs: PathBuf,
}

/// What every command needs that works on runs.
#[derive(Clone, Debug, Args)]
pub struct RunningArguments {
    /// The folder of runs.
    #[command(flatten)]
    pub runs: RunsFolder,

    /// What is configured.
    #[command(flatten)]
    pub configured: ConfiguredArguments,

    /// Output format; a table for a person, JSON otherwise.
    #[arg(long, value_enum)]
    pub format: Option<PlaybookFormat>,
}

/// `castellan playbook start`.
#[derive(Clone, Debug, Args)]
pub struct StartArguments {
    /// The playbook.
    #[command(flatten)]
    pub named: NamedArguments,

    /// Values of its variables.
    #[command(flatten)]
    pub variables: VariableArguments,

    /// The folder of runs.
    #[command(flatten)]
    pub runs: RunsFolder,

    /// Who starts it.
    #[arg(long, value_name = "NAME", env = "CASTELLAN_USER")]
    pub by: String,

    /// What it is for: an incident, an alert.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub cause: String,

    /// What the start is known by: it is one run, however often it is asked for.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// Run it though nobody who is trusted has signed it.
    #[arg(long)]
    pub allow_unsigned: bool,
}

/// An answer to a run that waits.
#[derive(Clone, Debug, Args)]
pub struct AnswerArguments {
    /// The run.
    pub run: String,

    /// The place in the run that waits, as it is told.
    pub path: String,

    /// Who answers.
    #[arg(long, value_name = "NAME", env = "CASTELLAN_USER")]
    pub by: String,

    /// What is configured.
    #[command(flatten)]
    pub running: RunningArguments,
}

/// `castellan playbook cancel` and `undo`.
#[derive(Clone, Debug, Args)]
pub struct StopArguments {
    /// The run.
    pub run: String,

    /// Who asks for it.
    #[arg(long, value_name = "NAME", env = "CASTELLAN_USER")]
    pub by: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub why: String,

    /// What is configured.
    #[command(flatten)]
    pub running: RunningArguments,
}
