//! What an editor asks while a query is written: completion, help, messages with fixes, and colours.
//!
//! Every question is a function of the text, a place in it and the tables that there are. Nothing is kept between two
//! calls, and every call answers within a few milliseconds, whatever the text. Places are bytes, as in [`Span`].
//!
//! ```
//! use castellan_kql::editor;
//! use castellan_kql::schema::Catalog;
//!
//! let catalog = Catalog::built_in();
//! let query = "SigninLogs | where UserPr";
//! let completions = editor::complete(query, query.len(), catalog);
//! assert_eq!(completions.items[0].label, "UserPrincipalName");
//! assert_eq!(completions.replace.text(query), "UserPr");
//!
//! let query = "SigninLogs | where UserPrincipalNam == 'x'";
//! let wrong = editor::check(query, catalog);
//! let fixes = editor::fixes(query, &wrong[0]);
//! assert_eq!(fixes[0].apply(query), "SigninLogs | where UserPrincipalName == 'x'");
//! ```

mod check;
mod classify;
mod complete;
mod cursor;
mod fixes;
mod hover;
mod item;
mod scope;
mod signature;
mod syntax;

pub use check::check;
pub use classify::{TokenClass, classify};
pub use complete::{Completions, complete};
pub use fixes::{Fix, fixes};
pub use hover::{Hover, hover};
pub use item::{Item, ItemKind};
pub use signature::{Signature, signature};

#[cfg(doc)]
use crate::span::Span;
