//! `agent:analyzeTaskAdherence`: tool calls that the user did not ask for.

use castellan_shield::adherence::{self, Conversation};
use serde::Serialize;

use crate::contentsafety::{Failure, Service};

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    task_risk_detected: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    details: String,
}

pub(crate) fn answer(_: &Service, asked: Conversation) -> Result<Answer, Failure> {
    let found = adherence::check(&asked).map_err(|error| Failure::body(error.to_string()))?;
    Ok(Answer { task_risk_detected: found.task_risk_detected(), details: found.details() })
}
