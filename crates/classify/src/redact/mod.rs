//! Takes what was found out of a text: replaced, masked, hashed, encrypted, by a token that can be turned back, or gone.
//!
//! ```text
//! policy + engine + keys -> Redactor      which operator for which detector; faults are told now, with their place
//! findings -> plan                        overlapping findings become one stretch; the most restrictive operator wins
//! stretch -> operator -> text + items     what was done where, in the old text and in the new one
//! chunks -> RedactStream -> chunks        the same for a text that comes in pieces
//! text -> Tokeniser::restore -> text      tokens turned back, with a record for the audit log
//! ```
//!
//! # What each operator protects from
//!
//! The reader meant here has the new text and none of the keys.
//!
//! | operator | the reader learns | who can undo it |
//! |---|---|---|
//! | `remove` | that the text is shorter, if he knows the old one | nobody |
//! | `replace` | the type | nobody |
//! | `replace: numbered` | which values of a session are the same, and how many there are | nobody |
//! | `mask` | the length, and what the policy leaves to be read | nobody; four digits of a card and its bank leave 10^5 |
//! | `hash` | which values of a scope are the same | whoever has the key and can guess: card numbers can be tried in a day |
//! | `encrypt` | the length, and which values of a scope are the same | whoever has the key |
//! | `token`, sealed | the same | whoever has the key |
//! | `token`, of the same form | length, separators, kinds of characters, what `keep_first` keeps, which values are the same | whoever has the key |
//!
//! * **Everything is deterministic in a scope** (a text that the caller chooses: a tenant, or a tenant and a
//!   conversation), so that one value has one replacement. Whoever may have values of his own redacted in a scope can
//!   try values and compare. Give people who do not trust one another scopes of their own.
//! * **A hash of something that has few values is only as secret as its key.** That is why there is none without.
//! * **A token of the same form is not authenticated.** It looks like a value, so anybody can write one, and another
//!   secret under the same name gives another value, which cannot be told from the right one. A key whose name is not
//!   known is refused, and so are wrong check digits, which catch nine of ten cards that were made up or mistyped. Nothing
//!   in the token says that it is one: the [`Item`] has to be kept to turn it back. At worst, one of a million values is
//!   its own token.
//! * **Forms with fewer than 1,000,000 values have no such token**, nor have letters beyond ASCII, or values whose check
//!   digits are wrong: a sealed token takes the place, and the item says [`Form::Fallback`]. A token for an IBAN keeps the
//!   country and has check digits of its own; national check digits inside the account are not made anew, so that
//!   Belgian and Spanish ones do not validate.
//! * **Sealed tokens are authenticated**: changed, or moved to another type, scope or key, they are refused. They can be
//!   copied: [`Tokeniser::restore`] turns back whatever token of its scope stands in a text, so text of strangers must not
//!   be restored in the scope of others.
//! * **What is not found is not hidden**, and what surrounds a value may tell it. A scan of the new text finds none of the
//!   replacements, but may find what it did not before: distances are others, and a name of a type can be the keyword
//!   that some number lacked.
//!
//! Values are kept nowhere. Buffers of a stream and secrets are wiped when dropped; copies that a buffer left behind when
//! it grew, and the scanner's own, are not.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use castellan_base::Sources;
//! use castellan_classify::redact::{Keyring, Policy, Redactor, Session, Tokeniser};
//! use castellan_classify::{Dictionaries, Engine, check::Checks, rule};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("rules.yaml", r"
//! detectors:
//!   - { id: badge, title: Badge, category: custom, elements: { e: { regex: 'B-\d{8}' } }, patterns: [{ confidence: 75, primary: e }] }
//!   - { id: user, title: User, category: person, elements: { u: { regex: 'user-[a-z]{2,9}' } }, patterns: [{ confidence: 75, primary: u }] }
//! ");
//! let policy = sources.add("redaction.yaml", "
//! types: { badge: { token: { form: format } } }
//! categories: { person: { replace: numbered } }
//! ");
//! let (rules, _) = rule::read(&sources, &[file]);
//! let (engine, _) = Engine::compile(rules, &Checks::standard(), &Dictionaries::default());
//! let keys = Arc::new(Keyring::new("2026-01", &std::array::from_fn(|at| at as u8)).unwrap());
//! let redactor =
//!     Redactor::new(&engine, &Policy::read(&sources, policy).unwrap(), Some(keys.clone())).unwrap();
//!
//! let text = "user-ann lost B-12345678, user-bo found it and gave it to user-ann";
//! let mut session = Session::new("tenant/conversation");
//! let redacted = redactor.redact(text, &engine.scan(text), &mut session).unwrap();
//! assert!(redacted.text.starts_with("<USER_1> lost ") && !redacted.text.contains("B-12345678"));
//! assert!(redacted.text.ends_with(", <USER_2> found it and gave it to <USER_1>"));
//!
//! let restored = Tokeniser::new(keys, "tenant/conversation").restore(&redacted.text, &redacted.items, Some("ann"));
//! assert!(restored.text.contains("B-12345678"));
//! assert_eq!((restored.audit.values, restored.audit.by.as_deref()), (1, Some("ann")));
//! ```

mod format;
mod keys;
mod operator;
mod plan;
mod policy;
mod record;
mod redactor;
mod sealed;
mod session;
mod stream;
mod tokens;

pub use format::{CheckDigits, Format, FormatError};
pub use keys::{KeyError, KeyId, Keyring};
pub use operator::{
    Form, HashAlgorithm, HashOptions, Hidden, Mask, Operator, Replacement, TokenForm, TokenOptions,
};
pub use policy::{Policy, Rule};
pub use redactor::{Item, RedactError, Redacted, Redactor};
pub use sealed::OpenError;
pub use session::Session;
pub use stream::{End, HoldBack, RedactStream, Unbounded};
pub use tokens::{Audit, Restored, Token, TokenError, Tokeniser};
