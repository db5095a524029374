//! The `castellan` binary. Everything it does is in the library beside it; this file is the way in and out.

use std::process::ExitCode;

/// Scans allocate many small values on two threads; mimalloc halves what that costs. Without huge pages (`no_thp`): a server that
/// idles would keep whole ones for a few values each, which came to twice the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    castellan_cli::run(std::env::args_os(), &castellan_base::OsSystem)
}
