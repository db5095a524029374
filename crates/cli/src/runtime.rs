//! The threads that commands run on, and what ends those that serve.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

/// How long a thread for work that blocks waits for more.
const IDLE: Duration = Duration::from_secs(1);

/// The runtime of a command that works and ends.
pub(crate) fn working() -> Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

/// The runtime of whoever serves. A moment in which the processors are busy makes dozens of threads for work that blocks, and
/// idle ones take turns: with the usual ten seconds a little traffic would keep them all, and each keeps some megabytes.
pub(crate) fn serving() -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_keep_alive(IDLE).build().context("cannot start threads")
}

/// Ends on Ctrl-C, and where services are stopped by it on SIGTERM. Signals are heard from the call on, not from when the future
/// is first looked at: who is told that a server is up may end it in the same moment.
pub(crate) fn stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let heard = {
        use tokio::signal::unix::{SignalKind, signal};
        const WHAT: &str = "cannot listen for signals";
        let mut interrupted = signal(SignalKind::interrupt()).context(WHAT)?;
        let mut terminated = signal(SignalKind::terminate()).context(WHAT)?;
        async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        }
    };
    #[cfg(not(unix))]
    let heard = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(heard)
}
