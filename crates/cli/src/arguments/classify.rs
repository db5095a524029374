//! Arguments of `castellan classify`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `castellan classify`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  castellan classify data/
  castellan classify . --min-confidence 75 --fail-on 85 -q
  castellan classify archive.zip --format jsonl -o findings.jsonl
  castellan classify data/ --state findings.state           goes on where an earlier run ended
  echo '{\"id\":1,\"text\":\"visa 4111 1111 1111 1111\"}' | castellan classify --batch -
  echo '{\"id\":1,\"format\":\"iban\",\"text\":\"DE89 3704 0044 0532 0130 00\"}' | castellan classify validate --batch -
  castellan classify notes.txt --rules ours.yaml --rules gitleaks.toml --explain
  castellan classify share/ --sample 500                     a part, with what it can have missed
  castellan classify outbox/ --exact people.edm --fingerprints contracts.fp --keys keys
  castellan classify redact mail.txt > clean.txt
  castellan classify --list

Exit codes: 0 fine, 1 findings at or above --fail-on, 2 wrong usage, or nothing could be read."
)]
pub struct ClassifyArguments {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ClassifyCommand>,

    /// Files and folders in any mix, `-` for standard input.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// Texts, one JSON object with `id`, `text` and perhaps `types` a line; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub batch: Option<PathBuf>,

    /// Only these types, separated by commas: ids, or GUIDs of sensitive information types.
    #[arg(long, value_name = "TYPE", value_delimiter = ',', help_heading = "Finding")]
    pub types: Vec<String>,

    /// Least confidence of a finding, 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 65, value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Finding")]
    pub min_confidence: u8,

    /// More rules, as often as needed: detectors of this product (YAML), rule packages (XML), recognisers of Presidio
    /// (YAML, JSON), configurations of gitleaks (TOML). Those with an id that is known take the place of the other.
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub rules: Vec<PathBuf>,

    /// Also find the values of a table, as often as needed: what `castellan classify index` wrote. Its types are
    /// `exact:NAME.COLUMN`, with the name of the file without its ending.
    #[arg(long, value_name = "FILE", requires = "keys", help_heading = "Finding")]
    pub exact: Vec<PathBuf>,

    /// Also find parts of documents, as often as needed: what `castellan classify fingerprint` wrote. Its type is
    /// `fingerprint:NAME`.
    #[arg(long, value_name = "FILE", requires = "keys", help_heading = "Finding")]
    pub fingerprints: Vec<PathBuf>,

    /// File of keys that the indexes were made with, of which the last one is used.
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub keys: Option<PathBuf>,

    /// With `--exact`: how many fields of the same row have to stand near a value.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "exact", help_heading = "Finding")]
    pub fields: usize,

    /// With `--exact`: how near, in characters.
    #[arg(long, value_name = "N", default_value_t = 300, requires = "exact", help_heading = "Finding")]
    pub proximity: usize,

    /// Also tell what is nearly found, and why it is not: with `--batch`, or for files.
    #[arg(long, help_heading = "Finding")]
    pub explain: bool,

    /// Read so many files, drawn at random, and say how many of the others can hold something.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Finding")]
    pub sample: Option<u32>,

    /// Another seed draws another sample.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "sample",
        hide_default_value = true,
        help_heading = "Finding"
    )]
    pub seed: u64,

    /// In what the places of findings are counted.
    #[arg(long, value_enum, default_value_t = Offsets::Codepoint, help_heading = "Finding")]
    pub offsets: Offsets,

    /// A file that keeps what was found: files that have not changed are not read again.
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub state: Option<PathBuf>,

    /// How many files are read at the same time; as many as there are processors, without it.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, help_heading = "Finding")]
    pub threads: usize,

    /// Name all types.
    #[arg(long, help_heading = "Output")]
    pub list: bool,

    /// Exit with 1 when a finding has at least this confidence.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Output")]
    pub fail_on: Option<u8>,

    /// Output format. Without it: a table on a terminal, JSON in a pipe.
    #[arg(long, short, value_enum, help_heading = "Output")]
    pub format: Option<ClassifyFormat>,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// No progress bar.
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// What else `castellan classify` does.
#[derive(Debug, Subcommand)]
pub enum ClassifyCommand {
    /// Say whether numbers are valid: a JSON object with `id`, `format` and `text` a line.
    #[command(after_help = "Examples:
  echo '{\"id\":1,\"format\":\"us.ssn\",\"text\":\"536-90-4399\"}' | castellan classify validate --batch -

Formats have the names of python-stdnum.")]
    Validate {
        /// File of JSON objects, one a line; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        batch: PathBuf,
    },
    /// Take what is found out of a text: replaced, masked, hashed, encrypted, or by tokens that a key turns back.
    Redact(RedactArguments),
    /// Turn tokens back, with the key, and record who asked.
    Restore(RestoreArguments),
    /// Make an index of the values of a table, by which `match` finds them without the table.
    Index(IndexArguments),
    /// Make an index of documents, by which `match` finds parts of them without the documents.
    Fingerprint(FingerprintArguments),
    /// Find values of a table, or parts of documents, in files.
    Match(MatchArguments),
    /// Make up a key for hashes and tokens: a line of a file of keys.
    Key {
        /// Its name: lower-case letters, digits and hyphens. Tokens carry it.
        name: String,
    },
}

/// `castellan classify redact`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan classify redact mail.txt > clean.txt
  tail -f app.log | castellan classify redact --operator mask
  castellan classify key 2026-11 > keys && chmod 600 keys
  castellan classify redact mail.txt --operator token --keys keys --items items.jsonl > clean.txt
  echo '{\"id\":1,\"text\":\"visa 4111 1111 1111 1111\"}' | castellan classify redact --batch -

A policy is YAML: `default: replace`, `types: { payment-card: { mask: { keep_last: 4 } } }`,
`categories: { credential: remove }`. docs/classify.md says more.")]
pub struct RedactArguments {
    /// A text in UTF-8; `-`, or nothing, for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub file: PathBuf,

    /// Texts, one JSON object with `id`, `text` and perhaps `types` and `session` a line; `-` for standard input. Texts
    /// of one session have one replacement for one value.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "items"])]
    pub batch: Option<PathBuf>,

    /// What is done to which type. Without it: every finding is replaced by its type.
    #[arg(long, value_name = "FILE", conflicts_with = "operator")]
    pub policy: Option<PathBuf>,

    /// The same for every type: replace, mask, hash, encrypt, token, remove.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,

    /// Only these types, separated by commas.
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,

    /// More rules, as often as needed.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,

    /// Where to write what was changed, a JSON object a line, without values: needed to turn some tokens back.
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,

    /// Bytes that a stream holds back at most. Without it: as many as it takes to be sure, so that a stream and a file
    /// give the same.
    #[arg(long, value_name = "BYTES")]
    pub hold_back: Option<usize>,

    /// Keys and scope.
    #[command(flatten)]
    pub keys: KeyArguments,
}

/// `castellan classify index`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan classify index people.csv --primary account --secondary surname,city --keys keys -o people.edm
  castellan classify index new.csv --update people.edm --remove gone.csv --keys keys -o people.edm

Nothing of the table can be read from the index without the key. The index keeps its columns when it is updated.")]
pub struct IndexArguments {
    /// CSV with a line of names.
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,

    /// Columns that are looked for, separated by commas: identifiers, of which case and delimiters do not matter.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', required_unless_present = "update")]
    pub primary: Vec<String>,

    /// Columns of which one has to stand near a value of the same row, separated by commas.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', conflicts_with = "update")]
    pub secondary: Vec<String>,

    /// Take primary columns whose values are easy to guess: whoever has index and key can try them.
    #[arg(long)]
    pub accept_guessable: bool,

    /// Add the rows to this index.
    #[arg(long, value_name = "FILE", conflicts_with = "primary")]
    pub update: Option<PathBuf>,

    /// Take out the rows of this table, which has the same columns.
    #[arg(long, value_name = "TABLE", requires = "update")]
    pub remove: Option<PathBuf>,

    /// File of keys, of which the last one is used.
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,

    /// Where to write the index.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// `castellan classify fingerprint`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan classify fingerprint contracts/ --keys keys -o contracts.fp")]
pub struct FingerprintArguments {
    /// Files and folders.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,

    /// File of keys, of which the last one is used.
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,

    /// Where to write the index.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// `castellan classify match`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan classify match outbox/ --index people.edm --fields 1 --keys keys
  castellan classify match outbox/ --fingerprints contracts.fp --keys keys --fail-on-match

A JSON object a line: a value with the fields of its row that stand near, or a document with the share that is in it.")]
pub struct MatchArguments {
    /// Files and folders.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,

    /// What `castellan classify index` wrote.
    #[arg(long, value_name = "FILE", required_unless_present = "fingerprints")]
    pub index: Option<PathBuf>,

    /// What `castellan classify fingerprint` wrote.
    #[arg(long, value_name = "FILE")]
    pub fingerprints: Option<PathBuf>,

    /// How many fields of the same row have to stand near a value.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub fields: usize,

    /// How near, in characters.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub proximity: usize,

    /// File of keys, of which the last one is used.
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,

    /// Exit with 1 when something matches.
    #[arg(long)]
    pub fail_on_match: bool,
}

/// Keys, and what they are used for.
#[derive(Debug, Args)]
pub struct KeyArguments {
    /// File of keys, a name and 64 hexadecimal digits a line; the last one makes tokens. `castellan classify key` makes
    /// lines. Nobody else may be allowed to read the file.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Tokens and hashes of one value are the same within a scope: a tenant, or a tenant and a conversation.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub scope: String,
}

/// `castellan classify restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan classify restore clean.txt --keys keys --items items.jsonl --audit audit.jsonl > mail.txt

Sealed tokens are found wherever they stand; those that keep the form of their value need the items. What cannot be
turned back stays as it is; the exit code is 1 then.")]
pub struct RestoreArguments {
    /// The text with tokens, in UTF-8; `-`, or nothing, for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub file: PathBuf,

    /// What `redact --items` wrote for this text.
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,

    /// Where to append who turned back how many values of which keys, before the text is given out.
    #[arg(long, value_name = "FILE", required = true)]
    pub audit: PathBuf,

    /// Who asks, for the audit. Without it: `USER` of the environment.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Keys and scope.
    #[command(flatten)]
    pub keys: KeyArguments,
}

/// Units of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Offsets {
    /// Unicode code points, as in Python.
    Codepoint,
    /// Bytes of UTF-8.
    Byte,
    /// UTF-16 units, as in JavaScript, Java and C#.
    Utf16,
}

impl From<Offsets> for castellan_classify::batch::Unit {
    fn from(offsets: Offsets) -> castellan_classify::batch::Unit {
        match offsets {
            Offsets::Codepoint => castellan_classify::batch::Unit::CodePoint,
            Offsets::Byte => castellan_classify::batch::Unit::Byte,
            Offsets::Utf16 => castellan_classify::batch::Unit::Utf16,
        }
    }
}

/// Formats of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClassifyFormat {
    /// Aligned tables for people.
    Table,
    /// One JSON document: findings and the certificate.
    Json,
    /// A JSON object a line, the certificate last.
    Jsonl,
    /// A line a finding, without the certificate.
    Csv,
}
