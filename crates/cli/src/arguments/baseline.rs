//! Arguments of `castellan baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `castellan baseline`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan baseline list
  castellan baseline run --lake castellan-lake
  castellan baseline show ann@contoso.com --lake castellan-lake
  castellan up --lake castellan-lake --baselines                each minute, as long as it is up

docs/baseline.md says what is counted and how priorities come about.")]
pub struct BaselineArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: BaselineCommand,
}

/// What can be done with baselines.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// List definitions, and how far they are with a lake.
    #[command(after_help = "Examples:
  castellan baseline list
  castellan baseline list --lake castellan-lake --json

Exit codes: 0 fine, 1 a definition was left out, 2 wrong usage, or what is kept is damaged.")]
    List {
        /// The definitions.
        #[command(flatten)]
        definitions: DefinitionsArguments,

        /// Say how far they are with this lake.
        #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE")]
        lake: Option<PathBuf>,

        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Run the examples that definitions carry with them.
    #[command(after_help = "Examples:
  castellan baseline test
  castellan baseline test --definitions baselines/

Exit codes: 0 all passed, 1 one failed, or a definition was left out, 2 wrong usage.")]
    Test {
        /// The definitions.
        #[command(flatten)]
        definitions: DefinitionsArguments,
    },
    /// Take in what came to a lake since the last time, and write what is known and what is unusual to its tables.
    #[command(after_help = "Examples:
  castellan baseline run --lake castellan-lake
  castellan baseline run --lake castellan-lake --definitions baselines/

The first time, what the lake holds of the retention of each definition is learnt, and nothing is said of it. A lake that
`castellan up` has open is not taken: `up --baselines` does the same each minute.
Exit codes: 0 fine, 1 a definition could not be run or was left out, 2 wrong usage.")]
    Run {
        /// The definitions.
        #[command(flatten)]
        definitions: DefinitionsArguments,

        /// The folder of the lake.
        #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE")]
        lake: PathBuf,
    },
    /// Show what is known of an actor, as of when it was written last.
    #[command(after_help = "Examples:
  castellan baseline show ann@contoso.com --lake castellan-lake
  castellan baseline show support --definition agent-tools --lake castellan-lake --json

Exit codes: 0 fine, 1 nothing is known of it, 2 wrong usage, or what is kept is damaged.")]
    Show(ActorArguments),
    /// Say what would be said of an activity now, and how its priority comes about.
    #[command(after_help = "Examples:
  castellan baseline explain ann@contoso.com Country=BR --definition user-signins --lake castellan-lake
  castellan baseline explain support Tool=run_shell --definition agent-tools --lake castellan-lake --json

Exit codes: 0 fine, 1 nothing is known of it, 2 wrong usage, or what is kept is damaged.")]
    Explain {
        /// Whose activity.
        #[command(flatten)]
        actor: ActorArguments,

        /// What it would be: dimensions of the definition with a value each.
        #[arg(required = true, value_name = "DIMENSION=VALUE")]
        values: Vec<String>,
    },
}

/// Where definitions are.
#[derive(Clone, Debug, Args)]
pub struct DefinitionsArguments {
    /// Definitions of one's own on top of those that are built in: a file or a folder. One of the same id takes the place of a
    /// built-in one.
    #[arg(long, value_name = "PATH")]
    pub definitions: Option<PathBuf>,
}

/// An actor and where it is known.
#[derive(Clone, Debug, Args)]
pub struct ActorArguments {
    /// Its id or its name.
    pub actor: String,

    /// Of one definition alone.
    #[arg(long, value_name = "ID")]
    pub definition: Option<String>,

    /// The definitions.
    #[command(flatten)]
    pub definitions: DefinitionsArguments,

    /// The folder of the lake.
    #[arg(long, value_name = "FOLDER", env = "CASTELLAN_LAKE")]
    pub lake: PathBuf,

    /// JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}
