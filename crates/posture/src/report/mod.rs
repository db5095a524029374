//! Reports: one assessment, seven forms.
//!
//! Every writer takes the same [`Report`] and an output. Nothing is left out silently in any form, and every text that
//! came from a scanned file is escaped by the rules of the form it goes to.

mod csv;
mod html;
mod json;
mod jsonl;
mod layers;
mod oscal;
mod page;
mod sarif;
mod terminal;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use castellan_estate::Estate;
pub(crate) use json::evidence;

use crate::assessment::{AssessedFinding, Assessment};
use crate::coverage::Coverage;
use crate::fix::{Proposal, propose, target_of};

/// The version of the JSON report's shape; grows when a member changes its meaning or goes.
pub const JSON_REPORT_VERSION: u32 = 1;

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned tables for people.
    Terminal,
    /// One JSON document; see [`JSON_REPORT_VERSION`].
    Json,
    /// A finding a line.
    Jsonl,
    /// A finding a row.
    Csv,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One self-contained page.
    Html,
    /// OSCAL assessment results 1.1.3.
    Oscal,
}

impl Format {
    /// All forms.
    pub const ALL: [Format; 7] = [
        Format::Terminal,
        Format::Json,
        Format::Jsonl,
        Format::Csv,
        Format::Sarif,
        Format::Html,
        Format::Oscal,
    ];

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Terminal => "terminal",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Sarif => "sarif",
            Format::Html => "html",
            Format::Oscal => "oscal",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no report format; use terminal, json, jsonl, csv, sarif, html or oscal")]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Format::ALL.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}

/// What a report is written from.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What was found.
    pub assessment: &'a Assessment,
    /// What it was found in.
    pub estate: &'a Estate,
    /// Which controls protect which workload; left out where it is not given.
    pub coverage: Option<&'a Coverage>,
    /// Columns of the terminal; only the terminal form cares.
    pub width: usize,
    /// Whether to colour; only the terminal form cares.
    pub colour: bool,
}

impl<'a> Report<'a> {
    /// A report without colour for 100 columns.
    pub fn new(assessment: &'a Assessment, estate: &'a Estate) -> Report<'a> {
        Report { assessment, estate, coverage: None, width: 100, colour: false }
    }

    /// Counts for the exit code.
    pub fn summary(&self) -> crate::Summary {
        self.assessment.summary()
    }

    /// The fix of a violation or of what cannot be told, filled in for its resource.
    pub fn proposal(&self, found: &AssessedFinding) -> Option<Proposal> {
        let fix = self.assessment.check_of(found)?.check.fix.as_ref()?;
        propose(fix, &found.source, target_of(found, self.estate))
    }
}

/// Writes a report in a form.
pub fn write(format: Format, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Terminal => terminal::write(report, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Html => html::write(report, out),
        Format::Oscal => oscal::write(report, out),
    }
}
