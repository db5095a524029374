//! Recommendations, secure score, compliance, exemptions and reports.
