//! Where events are.

use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_query::{Engine, Error};

use super::Window;

/// Where events are: the lake, a folder, or tables in memory.
///
/// ```
/// use async_trait::async_trait;
/// use castellan_base::Ticks;
/// use castellan_detect::run::Events;
/// use castellan_detect::watchlist::Watchlists;
/// use castellan_query::{Engine, Error, Settings};
///
/// struct Workspace {
///     settings: Settings,
///     watchlists: Watchlists,
/// }
///
/// #[async_trait]
/// impl Events for Workspace {
///     async fn engine(&self, now: Ticks) -> Result<Engine, Error> {
///         // The lake gives an engine in place of an empty one.
///         let mut engine = Engine::new(Settings { now: Some(now), ..self.settings.clone() });
///         let wrong = |error: castellan_detect::watchlist::WatchlistError| Error::new("watchlist", error.to_string());
///         self.watchlists.add_to(&mut engine).map_err(wrong)?;
///         Ok(engine)
///     }
/// }
/// ```
#[async_trait]
pub trait Events: Send + Sync {
    /// An engine over all tables as they are now, for which `now()` is a time. The bounds on a query are its maker's.
    ///
    /// # Errors
    /// Why the tables cannot be read.
    async fn engine(&self, now: Ticks) -> Result<Engine, Error>;

    /// An engine over what a window of a rule can see, for which `now()` is the window's end. It may hold less than all
    /// tables do, where the rule's results over the window are the same.
    ///
    /// # Errors
    /// As [`Events::engine`].
    async fn engine_for(&self, window: &Window) -> Result<Engine, Error> {
        self.engine(window.until).await
    }

    /// Whether it is known without asking that the rule has no results in a window.
    fn is_idle(&self, _window: &Window) -> bool {
        false
    }

    /// Times of events that were taken in from one time on, as far as they matter to the rule and happened before
    /// another; nothing where that is not known, and the tables have to be asked.
    fn came_since(&self, _received: Ticks, _happened_before: Ticks) -> Option<Vec<Ticks>> {
        None
    }
}
