//! Events against indicators: an index of active values, and where in tables such values stand.
//!
//! [`Index`] answers which indicators name a value, in time that does not grow with how many there are. [`Places`] says
//! which columns hold values of which kinds; [`search`] holds the rows of a result against an index, and
//! [`alerts`](fn@alerts) makes alerts of what was found.
//!
//! *Invariant (the event's time counts):* an indicator is found for what happened while it was valid, whenever the search
//! is. *Invariant (never is never):* what `content/intel/never.csv` lists is in no index, whatever a feed says.

mod alert;
mod index;
mod never;
mod places;
mod search;
mod text;

pub use alert::{Found, LIVE, RETRO, Run, alerts, rule};
pub use index::{Added, Bounds, Full, Index, Named, Sign};
pub use never::Never;
pub use places::{Holds, Place, Places, Role};
pub(crate) use search::TIMES;
pub use search::{Match, Searched, search};
pub use text::{MAX_TOKENS, tokens};
