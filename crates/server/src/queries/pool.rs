//! The threads that run queries.

use std::io;

use tokio::runtime::{Builder, Runtime};

use super::Fault;
use crate::Refusal;

/// A runtime of its own: queries compute for long between two waits, and would hold up connections on a shared one.
#[derive(Debug)]
pub(super) struct Pool(Option<Runtime>);

/// Ends work that nobody waits for any more.
struct Ended(tokio::task::AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pool {
    pub(super) fn new(threads: usize) -> io::Result<Pool> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.clamp(1, 1_024))
            .thread_name("castellan-query")
            .enable_all()
            .build()?;
        Ok(Pool(Some(runtime)))
    }

    /// Has work done; it ends when nobody waits for it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let lost = || Fault::from(Refusal::failed("the query could not be worked on"));
        let Some(runtime) = &self.0 else { return Err(lost()) };
        let task = runtime.spawn(work);
        let ended = Ended(task.abort_handle());
        let done = task.await;
        drop(ended);
        done.unwrap_or_else(|_| Err(lost()))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where others are served.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
