//! Work that would keep the other requests of a thread waiting.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Does work so that other requests of this thread go on meanwhile, where they can go elsewhere.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    let can_move =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if can_move { block_in_place(work) } else { work() }
}
