//! Who asks and may they: forged tokens, rotated keys, certificates, policies, grants, and a real OpenID provider.

// Fixtures are made here; a wrong one has to stop the test that uses it.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod approvals;
mod certificates;
mod examples;
mod grants;
mod keys;
mod oidc;
mod policies;
mod principals;
mod random;
mod rotation;
mod support;
mod tokens;
