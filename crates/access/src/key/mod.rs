//! Virtual keys: what applications hold instead of a model's key.
//!
//! A key is `cst-ID-SECRETCHECK`: an id of 12 letters, a secret of 256 bits, and six letters by which a key that was
//! typed or copied wrongly is told apart from one that is not known. Only a keyed BLAKE3 digest of it is stored, made
//! with a [`Pepper`] that is kept elsewhere, so that whoever reads the file can neither use nor guess a key.

mod record;
mod store;
mod written;

pub use record::{KeyRecord, Revocation, Scopes};
pub use store::{Issue, Issued, KeyError, KeyStore};
pub use written::{Pepper, SecretKey, is_virtual_key};

/// The tenant of principals that are keys.
pub const TENANT: &str = "castellan";
