//! The home folder, in the place of the crate `dirs`.
//!
//! `deltalake-core` asks `dirs` for the home folder and for nothing else. The published crate brings one with a licence
//! (MPL-2.0) that this repository does not use; the standard library knows the same.

use std::path::PathBuf;

/// The home folder of whoever runs the program.
pub fn home_dir() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}
