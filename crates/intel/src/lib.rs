//! Threat intelligence over event tables: indicators as rows, matched against events as they come and in the past.
//!
//! ```
//! use castellan_detect::run::{Events, Memory};
//! use castellan_intel::matching::{Index, LIVE, Never, Places, Run, alerts, rule};
//! use castellan_intel::{held, look};
//! use castellan_stix::read;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bundle = r#"{"objects": [{"type": "indicator", "id": "indicator--1", "created": "2026-11-01T00:00:00Z",
//!     "modified": "2026-11-01T00:00:00Z", "pattern_type": "stix", "pattern": "[ipv4-addr:value = '203.0.113.7']",
//!     "valid_from": "2026-11-01T00:00:00Z", "confidence": 90}]}"#;
//! let mut index = Index::default();
//! read::bundle(bundle.as_bytes(), &mut |object| {
//!     if let Ok(held) = held::Held::of_object(&object) {
//!         let _ = index.add(&held.sign(), Never::built_in());
//!     }
//! })?;
//!
//! let rows = serde_json::from_str(r#"[
//!     { "TimeGenerated": "2026-11-21T09:50:00Z", "IPAddress": "203.0.113.7", "UserPrincipalName": "ann@contoso.com" },
//!     { "TimeGenerated": "2026-11-21T09:51:00Z", "IPAddress": "203.0.113.8", "UserPrincipalName": "bob@contoso.com" }
//! ]"#)?;
//! let mut events = Memory::default();
//! events.add_json("SigninLogs", Vec::new(), &rows)?;
//! let now = "2026-11-21T10:00:00Z".parse()?;
//! let window = look::Window::happened("2026-11-21".parse()?, now);
//! let looked = look::look(&index, Places::built_in(), &events.engine(now).await?, None, &window, &mut |_, _| true).await?;
//! let rule = rule(LIVE).ok_or("a rule of content")?;
//! let made = alerts(rule, &looked.run, window.from, window.until);
//! assert_eq!(made.len(), 1);
//! assert_eq!(made[0].entities.list()[1].label(), "ann@contoso.com");
//! # Ok(())
//! # }
//! ```
//!
//! [`rows`] writes indicators and objects as the tables of Microsoft Sentinel have them, so that its rules find them; [`held`]
//! reads them back. [`matching`] is the index and the search, [`look`] runs it over the tables of an engine, [`retro`] over
//! the past when an indicator arrives. [`import`] reads files, [`taxii`] fetches collections. [`config`] is the file of `castellan up --intel`.
//!
//! *Invariant (nothing is cut in silence):* a pattern that cannot be matched row by row is kept, with the reason in its row.
//! Deliberately absent: the lake and the clock, which are the caller's, and sharing indicators with others.

pub mod config;
pub mod held;
pub mod import;
pub mod look;
pub mod matching;
pub mod retro;
pub mod rows;
pub mod taxii;
