//! Rule packages of Microsoft Purview: the XML of custom sensitive information types.
//!
//! Follows the schema `http://schemas.microsoft.com/office/2011/mce`. An entity becomes a [`Detector`], a `Regex` or
//! `Keyword` an element of the same name, so that writing what was read gives the same package. Three things are decided
//! here, since the schema leaves them open:
//!
//! * expressions are kept as they are and have no boundary but their own ([`Boundary::None`]); one whose length is not
//!   limited matches at most [`LONGEST`] bytes, which a note says;
//! * a name that the package does not declare is a function or list that Microsoft brings. It is taken from `known`, by
//!   [`Element::function`]; otherwise the entity is left out;
//! * what has no counterpart in the model (fingerprints, extended keywords, validators and filters on expressions,
//!   encrypted rules) makes the entities that need it be left out, each with the reason.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_classify::{exchange::rule_package, rule::Rules};
//!
//! let xml = r#"<RulePackage xmlns="http://schemas.microsoft.com/office/2011/mce">
//!   <RulePack id="b4b4c60e-2ff7-47b2-a672-86e36cf608be"><Version major="1" minor="0" build="0" revision="0"/>
//!     <Publisher id="7ea13c35-0e58-472a-b864-5f2e717edec6"/></RulePack>
//!   <Rules>
//!     <Entity id="acc59528-ff01-433e-aeee-13ca8aaee159" patternsProximity="300" recommendedConfidence="75">
//!       <Pattern confidenceLevel="85"><IdMatch idRef="Regex_badge"/><Match idRef="Keyword_badge"/></Pattern>
//!     </Entity>
//!     <Regex id="Regex_badge">\bB-\d{6}\b</Regex>
//!     <Keyword id="Keyword_badge"><Group matchStyle="word"><Term>badge</Term></Group></Keyword>
//!   </Rules>
//! </RulePackage>"#;
//! let mut sources = Sources::default();
//! let file = sources.add("badge.xml", xml);
//! let read = rule_package::read(&sources, file, &Rules::default());
//! assert!(read.problems.is_empty());
//! assert_eq!(read.rules.detectors[0].patterns[0].confidence, 85);
//! let written = rule_package::write(&read.rules, &read.package);
//! assert!(written.text.contains(r#"<IdMatch idRef="Regex_badge"/>"#) && written.problems.is_empty());
//! ```
//!
//! [`Boundary::None`]: crate::rule::Boundary::None
//! [`Detector`]: crate::rule::Detector
//! [`Element::function`]: crate::rule::Element::function

mod reader;
mod writer;

use std::sync::Arc;

use castellan_base::Diagnostic;

use crate::rule::Rules;

pub use reader::read;
pub use writer::write;

/// The namespace of rule packages.
pub const NAMESPACE: &str = "http://schemas.microsoft.com/office/2011/mce";
/// Longest match, in bytes, of an expression that does not limit it.
pub const LONGEST: u32 = 2_048;

/// What a package says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its GUID.
    pub id: Arc<str>,
    /// Major, minor, build, revision.
    pub version: [u32; 4],
    /// The publisher's GUID.
    pub publisher: Arc<str>,
    /// The language of what follows: `en-us`.
    pub language: Arc<str>,
    /// The publisher's name.
    pub publisher_name: Arc<str>,
    /// The package's name.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Arc<str>,
}

/// A package that was read.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// What the package says of itself.
    pub package: Package,
    /// Its entities and affinities, as far as they have a counterpart.
    pub rules: Rules,
    /// What was left out, and why.
    pub problems: Vec<Diagnostic>,
}

/// A package that was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The XML.
    pub text: String,
    /// What was left out, and why.
    pub problems: Vec<Diagnostic>,
}
