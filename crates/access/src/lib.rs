//! Who asks the gate, and may they.
//!
//! * [`principal`] is who asks: a user, an application, an agent, a key or a certificate, in one form.
//! * [`token`] verifies access tokens of Microsoft Entra and of any OpenID Connect issuer. It fetches nothing: it says
//!   which keys it needs, and whoever has a network brings them.
//! * [`key`] issues, keeps and recognises virtual keys, which applications hold instead of a model's key.
//! * [`certificate`] makes a principal of a client's certificate that TLS has verified.
//! * [`policy`] decides by Cedar policies; [`grant`] adds what people were granted for a while, and [`approval`] what they
//!   agreed to once.
//!
//! Nothing here is asynchronous, reads a clock or uses the network; time is always a parameter. What is kept on disk
//! is one file each for keys, for grants and for approvals.
//!
//! *Invariant (identity):* a principal is a tenant or issuer and an object's id in it, never a name that can be changed
//! or reused. *Invariant (fail closed):* what cannot be read, verified or evaluated is refused, and the refusal has a
//! word of its own. *Invariant (nothing secret is told):* no error, no `Debug` and no file holds a token or a key.
//!
//! ```
//! use castellan_access::grant::Held;
//! use castellan_access::policy::{Action, Asked, Policies, Resource};
//! use castellan_access::principal::Principal;
//! use castellan_base::Ticks;
//!
//! let policies = Policies::built_in()?;
//! let now: Ticks = "2026-11-21T10:00:00Z".parse()?;
//! let asked = Asked::new(&Principal::anonymous(), Action::Invoke, Resource::model("gpt-5", "openai"), now);
//! let decision = policies.decide(&asked);
//! assert!(!decision.allow);
//! assert!(decision.policies.is_empty()); // No policy forbids it; none permits it.
//! # let _ = Held::default();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod approval;
pub mod certificate;
mod durable;
pub mod grant;
pub mod key;
mod pattern;
pub mod policy;
pub mod principal;
mod strict;
mod text;
mod time;
pub mod token;

pub use durable::{Refresh, StoreError};
pub use pattern::Pattern;
