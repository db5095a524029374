//! Recommendations, secure score, compliance, exemptions and reports.

pub mod content;
