//! Fixes: the smallest change that makes a resource compliant, in the form its owner works in.
//!
//! A check states its fix as data: the properties to set, and where the general form does not do, the `azurerm`
//! attributes and the `az` command. [`propose`] fills that in for one resource as a JSON patch, an ARM snippet, Bicep,
//! Terraform and `az`; [`write_patches`] edits the very files that were scanned.
//!
//! Names of resources come from what was scanned and are hostile input: each form quotes them by its own rules.

mod bicep;
mod diff;
mod edit;
mod patch_file;
mod path;
mod propose;
mod shell;
mod terraform;
mod write;

pub use patch_file::PatchedFile;
pub use propose::{PatchOperation, Proposal, propose};
pub(crate) use write::target_of;
pub use write::{FixError, FixOutcome, NotPatched, patch_of, write_patches};
