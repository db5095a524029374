//! Every format with its texts, and hostile files of every kind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod archives;
mod binary;
mod hostile;
mod mail;
mod markup;
mod registry;
mod support;
mod text;
