//! Arguments of `castellan backup`, `castellan restore` and `castellan doctor`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `castellan backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan backup --data /var/lib/castellan --output castellan-2026-11-22.zip
  systemctl stop castellan; castellan backup --data /var/lib/castellan --output b.zip; systemctl start castellan

The server has to be stopped, so that all files are of one moment; it is refused while one runs. A running server is backed up by a
snapshot of its file system (LVM, ZFS, a cloud disk), which is as good as what it finds after a loss of power. A backup holds all that
the folder holds: hashes of keys, sealed evidence, events. Keep it as you keep the folder.

Exit codes: 0 fine, 2 it could not be made.")]
pub struct BackupArguments {
    /// The data folder of `castellan up`.
    #[arg(long, value_name = "FOLDER", default_value = "castellan-data", env = "CASTELLAN_DATA")]
    pub data: PathBuf,

    /// The backup to write: a ZIP with a manifest of hashes. Nothing is written over.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,

    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `castellan restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan restore castellan-2026-11-22.zip --data /var/lib/castellan
  castellan restore castellan-2026-11-22.zip --check              is it whole? nothing is written

Every file is held against its hash before anything stands in its place. Exit codes: 0 fine, 2 it cannot be restored.")]
pub struct RestoreDataArguments {
    /// What `castellan backup` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where to restore it to: a folder that is not there, or is empty.
    #[arg(long, value_name = "FOLDER", default_value = "castellan-data", env = "CASTELLAN_DATA")]
    pub data: PathBuf,

    /// Only look whether it is whole.
    #[arg(long)]
    pub check: bool,

    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `castellan doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  castellan doctor                                       what of castellan-data is as it should be, and what to do where it is not
  castellan doctor --data /var/lib/castellan --json
  castellan doctor --quiet && echo fine                  in a health check: nothing is printed but what is wrong

Exit codes: 0 nothing is wrong (there may be warnings), 1 something is, 2 wrong usage.")]
pub struct DoctorArguments {
    /// The data folder of `castellan up`.
    #[arg(long, value_name = "FOLDER", default_value = "castellan-data", env = "CASTELLAN_DATA")]
    pub data: PathBuf,

    /// Where a running server listens, to ask whether it answers.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,

    /// JSON, also on a terminal.
    #[arg(long)]
    pub json: bool,

    /// Print what is wrong alone.
    #[arg(long, short)]
    pub quiet: bool,
}
