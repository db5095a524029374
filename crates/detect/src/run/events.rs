//! Where events are.

use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_query::{Engine, Error};

/// Where events are: the lake, a folder, or tables in memory.
#[async_trait]
pub trait Events: Send + Sync {
    /// An engine over all tables as they are now, for which `now()` is a time. The bounds on a query are its maker's.
    ///
    /// # Errors
    /// Why the tables cannot be read.
    async fn engine(&self, now: Ticks) -> Result<Engine, Error>;
}
