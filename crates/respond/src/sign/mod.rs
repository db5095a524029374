//! Signatures of playbooks (CACAO 2.0 section 9): Ed25519 over SHA-256 of the canonical form.
//!
//! A signature covers the whole playbook and its own object but its value. *Invariant (what is signed is what runs):*
//! verification works on the document that the playbook was read from, in which no member stands twice.
//!
//! ```
//! use castellan_respond::sign::{SigningKey, TrustedKeys, Verdict, sign, verify};
//!
//! let key = SigningKey::generate()?;
//! let mut playbook = serde_json::json!({
//!     "type": "playbook", "id": "playbook--5f1c0a01-3b7e-4c52-9d10-6a1f0e2b4c00",
//!     "modified": "2026-11-21T00:00:00.000Z", "name": "isolate",
//! });
//! let now = "2026-11-21T10:00:00Z".parse()?;
//! sign(&mut playbook, &key, "the response team", now)?;
//! let trusted = TrustedKeys::default().with("the response team", key.public_key());
//! assert!(matches!(verify(&playbook, &trusted, now), Verdict::Trusted { .. }));
//! playbook["name"] = "leave alone".into();
//! assert!(matches!(verify(&playbook, &trusted, now), Verdict::Broken(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod key;
mod signature;

pub use canonical::canonical;
pub use key::{KeyError, PublicKey, SigningKey, TrustedKeys};
pub use signature::{SignError, Verdict, sign, verify};
pub(crate) use signature::{is_vouched, uuid_of};
