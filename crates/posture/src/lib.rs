//! What an estate's posture is, and what to do about it.
//!
//! ```text
//! Estate + Content + PolicyPack? --assess--> Assessment --report::write--> terminal, JSON, SARIF, HTML, OSCAL, ...
//!                                                       --fix::write_patches--> patched copies, patches, commands
//! ```
//!
//! * [`content`] is what is judged by, as data: checks, frameworks, score controls, the model catalogue.
//! * [`assess`] runs every check over every resource and gives an [`Assessment`]: findings with evidence and place, the
//!   secure score, the risk score, compliance, and what cannot be told.
//! * [`pack`] evaluates Azure Policy definitions that the user brings, thousands of them.
//! * [`exemptions`] and [`baseline`] say what is accepted and what is already known.
//! * [`coverage`] says which controls of which layer protect which workload; [`tables`] has all of it as rows for queries.
//! * [`fix`] makes the smallest change that fixes a finding; [`report`] writes everything down.
//!
//! *Invariant (unknown is a verdict):* what cannot be told is reported with the reason and what would settle it. It is
//! never counted as met, in no score and in no framework.
//!
//! ```
//! use castellan_base::Severity;
//! use castellan_estate::{ScanOptions, Silent, read};
//! use castellan_posture::{AssessOptions, Content, Format, Report, assess, report};
//! use castellan_testkit::MemorySystem;
//!
//! let template = r#"{
//!   "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
//!   "contentVersion": "1.0.0.0",
//!   "resources": [{
//!     "type": "Microsoft.CognitiveServices/accounts", "apiVersion": "2025-06-01", "name": "claims", "kind": "OpenAI",
//!     "location": "westeurope", "sku": { "name": "S0" }, "properties": { "disableLocalAuth": false }
//!   }]
//! }"#;
//! let system = MemorySystem::default().with_file("main.json", template);
//! let estate = read(&system, &["main.json".into()], &ScanOptions::default(), &Silent);
//! let assessment = assess(&estate, &Content::embedded(), None, &AssessOptions::at("2026-11-21".parse().unwrap()));
//!
//! assert!(assessment.fails(Severity::Medium));
//! let found = assessment.findings.iter().find(|found| &*found.finding.check == "ai-services-key-access").unwrap();
//! assert_eq!(found.finding.location.as_ref().unwrap().to_string(), "main.json:6:92");
//! let proposal = Report::new(&assessment, &estate).proposal(found).unwrap();
//! assert_eq!(proposal.patch[0].path, "/properties/disableLocalAuth");
//! let mut sarif = Vec::new();
//! report::write(Format::Sarif, &Report::new(&assessment, &estate), &mut sarif).unwrap();
//! ```
//!
//! Nothing here reads the clock or prints; files are read and written through [`castellan_base::System`] only.

mod assess;
mod assessment;
pub mod baseline;
pub mod compliance;
pub mod conformance;
pub mod content;
pub mod coverage;
pub mod exemptions;
mod factors;
pub mod fix;
mod glob;
mod judge;
pub mod pack;
pub mod report;
pub mod score;
pub mod tables;

pub use assess::{AssessOptions, assess};
pub use assessment::{
    AssessedFinding, Assessment, CheckResult, Counts, InputSummary, Inventory, Message, Met, Summary,
};
pub use baseline::Baseline;
pub use compliance::FrameworkResult;
pub use content::Content;
pub use exemptions::Exemptions;
pub use pack::PolicyPack;
pub use report::{Format, Report};
