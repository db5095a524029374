//! `content:unifiedModerate`: one answer for prompt attacks, harms and block lists, by a policy.

use std::collections::BTreeMap;

use castellan_shield::Source;
use castellan_shield::attack::Payload;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contentsafety::analyze::Category;
use crate::contentsafety::{Failure, Service, limits};
use crate::guard::{self, Judged, Part};
use crate::policy::Policy;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    Input,
    Output,
    PreToolCall,
    PostToolCall,
}

impl From {
    fn is_tool(self) -> bool {
        matches!(self, From::PreToolCall | From::PostToolCall)
    }

    /// Where attacks on the model are looked for: in what it is going to read.
    fn source(self) -> Option<Source> {
        match self {
            From::Input => Some(Source::User),
            From::PostToolCall => Some(Source::ToolResult),
            From::Output | From::PreToolCall => None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    policy_id: Option<String>,
    target_resource_id: Option<String>,
    source: From,
    content: String,
    tool_name: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    acs_verdict: Decision,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    warnings: Vec<String>,
    evidence: Vec<Evidence>,
    harm_results: BTreeMap<&'static str, HarmResult>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Evidence {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct HarmResult {
    blocked: bool,
    detected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
}

/// The word for a severity of 0 to 7.
fn word(severity: u8) -> &'static str {
    match severity {
        0 | 1 => "safe",
        2 | 3 => "low",
        4 | 5 => "medium",
        _ => "high",
    }
}

pub(crate) fn answer(service: &Service, asked: Asked) -> Result<Answer, Failure> {
    limits::text(service, "content", &asked.content)?;
    let policy = policy(&asked)?;
    let named = asked.tool_name.as_deref().is_some_and(|name| !name.is_empty());
    if asked.source.is_tool() != named {
        return Err(Failure::body(
            "`toolName` belongs to `pre_tool_call` and `post_tool_call`, and only there",
        ));
    }
    let judged = judge(service, &asked)?;
    Ok(told(policy, asked.content, &judged))
}

fn policy(asked: &Asked) -> Result<Policy, Failure> {
    match (&asked.policy_id, &asked.target_resource_id) {
        (Some(name), _) => Policy::named(Some(name)).map_err(Failure::missing),
        (None, Some(resource)) => Err(Failure::missing(format!(
            "no policy is bound to `{resource}`; name one in `policyId`: default, strict or lenient"
        ))),
        (None, None) => Err(Failure::body("`policyId` is missing; name default, strict or lenient")),
    }
}

fn judge(service: &Service, asked: &Asked) -> Result<Judged, Failure> {
    let source = asked.source.source();
    if !asked.source.is_tool() {
        let part = Part { path: "content".to_owned(), text: &asked.content, source };
        return Ok(guard::judge(&*service.judge, [part]));
    }
    let value: Value = serde_json::from_str(&asked.content)
        .map_err(|error| Failure::body(format!("`content` of a tool is no JSON: {error}")))?;
    if asked.source == From::PreToolCall && !value.is_object() {
        return Err(Failure::body("`content` of `pre_tool_call` is no object of arguments"));
    }
    let mut parts = Vec::new();
    guard::collect(&value, "content".to_owned(), source, &mut parts);
    Ok(guard::judge(&*service.judge, parts))
}

fn told(policy: Policy, content: String, judged: &Judged) -> Answer {
    let mut results = BTreeMap::new();
    let mut reason = None;
    for category in Category::ALL {
        let harm = category.of(&judged.harms);
        let blocked = harm.severity >= policy.severity;
        if blocked && reason.is_none() {
            reason = Some(format!("castellan:{}", category.name()));
        }
        let result =
            HarmResult { blocked, detected: harm.severity >= 2, severity: Some(word(harm.severity)) };
        results.insert(category.name(), result);
    }
    let attack = judged.attack.as_ref().map(|(_, attack)| attack);
    let attacked = attack.is_some_and(|attack| attack.detected);
    results.insert("Jailbreak", HarmResult { blocked: attacked, detected: attacked, severity: None });
    if attacked {
        reason = Some("castellan:prompt_attack".to_owned());
    }
    let decoded = attack.filter(|attack| attack.detected).map(|attack| attack.decoded.as_slice());
    let evidence = |payload: &Payload| Evidence {
        kind: "decoded",
        description: payload.text.chars().take(500).collect(),
    };
    let blocked = reason.is_some();
    let decision = Decision {
        decision: if blocked { "deny" } else { "allow" },
        reason: reason.clone(),
        warnings: judged.unscanned.clone(),
        evidence: decoded.unwrap_or_default().iter().take(5).map(evidence).collect(),
        harm_results: results,
    };
    Answer {
        verdict: if blocked { "blocked" } else { "allowed" },
        reason,
        content: Some(content).filter(|_| !blocked),
        acs_verdict: decision,
    }
}
