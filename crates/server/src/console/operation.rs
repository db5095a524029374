//! The operations of the API: the rows of `docs/api/openapi.yaml`, which a test holds against it.

use axum::http::Method;

/// Something that can be asked for. The names are those of `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    GetOpenapi,
    GetSession,
    SignIn,
    SignOut,
    BeginOidc,
    FinishOidc,
    RunQuery,
    RunQueries,
    CompleteQuery,
    CheckQuery,
    GetSchema,
    ListIncidents,
    GetIncidentsAudit,
    VerifyIncidents,
    GetEvidenceKey,
    GetIncident,
    OrderIncident,
    GetIncidentTimeline,
    GetIncidentGraph,
    GetIncidentAudit,
    ExportIncident,
    ListEvidence,
    KeepEvidence,
    GetEvidence,
    RevealEvidence,
    GetEstate,
    ExportBom,
    ScanEstate,
    GetRecommendation,
    ExemptRecommendation,
    LiftExemption,
    GetGate,
    ListKeys,
    IssueKey,
    RevokeKey,
    RotateKey,
    TryGate,
    ListOrders,
    GiveOrder,
    LiftOrder,
    ListRules,
    SaveRule,
    CheckRule,
    GetRule,
    RemoveRule,
    GetSettings,
    GetEvents,
}

/// An operation, its id, its method and its path.
type Row = (Operation, &'static str, Method, &'static str);

/// All operations. Of two paths that fit, the earlier one is meant.
pub(super) const ALL: [Row; 47] = [
    (Operation::GetOpenapi, "getOpenapi", Method::GET, "/openapi.json"),
    (Operation::GetSession, "getSession", Method::GET, "/session"),
    (Operation::SignIn, "signIn", Method::POST, "/session"),
    (Operation::SignOut, "signOut", Method::DELETE, "/session"),
    (Operation::BeginOidc, "beginOidc", Method::GET, "/session/oidc"),
    (Operation::FinishOidc, "finishOidc", Method::GET, "/session/oidc/callback"),
    (Operation::RunQuery, "runQuery", Method::POST, "/query"),
    (Operation::RunQueries, "runQueries", Method::POST, "/queries"),
    (Operation::CompleteQuery, "completeQuery", Method::POST, "/query/complete"),
    (Operation::CheckQuery, "checkQuery", Method::POST, "/query/check"),
    (Operation::GetSchema, "getSchema", Method::GET, "/schema"),
    (Operation::ListIncidents, "listIncidents", Method::GET, "/incidents"),
    (Operation::GetIncidentsAudit, "getIncidentsAudit", Method::GET, "/incidents/audit"),
    (Operation::VerifyIncidents, "verifyIncidents", Method::GET, "/incidents/verify"),
    (Operation::GetEvidenceKey, "getEvidenceKey", Method::GET, "/incidents/key"),
    (Operation::GetIncident, "getIncident", Method::GET, "/incidents/{incident}"),
    (Operation::OrderIncident, "orderIncident", Method::POST, "/incidents/{incident}/orders"),
    (Operation::GetIncidentTimeline, "getIncidentTimeline", Method::GET, "/incidents/{incident}/timeline"),
    (Operation::GetIncidentGraph, "getIncidentGraph", Method::GET, "/incidents/{incident}/graph"),
    (Operation::GetIncidentAudit, "getIncidentAudit", Method::GET, "/incidents/{incident}/audit"),
    (Operation::ExportIncident, "exportIncident", Method::GET, "/incidents/{incident}/export"),
    (Operation::ListEvidence, "listEvidence", Method::GET, "/incidents/{incident}/evidence"),
    (Operation::KeepEvidence, "keepEvidence", Method::POST, "/incidents/{incident}/evidence"),
    (Operation::GetEvidence, "getEvidence", Method::GET, "/incidents/{incident}/evidence/{evidence}"),
    (
        Operation::RevealEvidence,
        "revealEvidence",
        Method::POST,
        "/incidents/{incident}/evidence/{evidence}/reveal",
    ),
    (Operation::GetEstate, "getEstate", Method::GET, "/estate"),
    (Operation::ExportBom, "exportBom", Method::GET, "/estate/bom"),
    (Operation::ScanEstate, "scanEstate", Method::POST, "/estate/scan"),
    (Operation::GetRecommendation, "getRecommendation", Method::GET, "/recommendations/{recommendation}"),
    (
        Operation::ExemptRecommendation,
        "exemptRecommendation",
        Method::POST,
        "/recommendations/{recommendation}/exempt",
    ),
    (Operation::LiftExemption, "liftExemption", Method::DELETE, "/recommendations/{recommendation}/exempt"),
    (Operation::GetGate, "getGate", Method::GET, "/gate"),
    (Operation::ListKeys, "listKeys", Method::GET, "/gate/keys"),
    (Operation::IssueKey, "issueKey", Method::POST, "/gate/keys"),
    (Operation::RevokeKey, "revokeKey", Method::POST, "/gate/keys/{key}/revoke"),
    (Operation::RotateKey, "rotateKey", Method::POST, "/gate/keys/{key}/rotate"),
    (Operation::TryGate, "tryGate", Method::POST, "/gate/try"),
    (Operation::ListOrders, "listOrders", Method::GET, "/gate/orders"),
    (Operation::GiveOrder, "giveOrder", Method::POST, "/gate/orders"),
    (Operation::LiftOrder, "liftOrder", Method::DELETE, "/gate/orders/{order}"),
    (Operation::ListRules, "listRules", Method::GET, "/rules"),
    (Operation::SaveRule, "saveRule", Method::POST, "/rules"),
    (Operation::CheckRule, "checkRule", Method::POST, "/rules/check"),
    (Operation::GetRule, "getRule", Method::GET, "/rules/{rule}"),
    (Operation::RemoveRule, "removeRule", Method::DELETE, "/rules/{rule}"),
    (Operation::GetSettings, "getSettings", Method::GET, "/settings"),
    (Operation::GetEvents, "getEvents", Method::GET, "/events"),
];

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An operation.
    Operation(Operation, Called),
    /// Something else is at this path: the methods that there are.
    Methods(Vec<&'static str>),
    /// Nothing is at this path.
    Nothing,
}

/// How an operation was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Called {
    /// The segments of the path.
    pub(super) segments: Vec<String>,
    /// Those of them that are not fixed.
    pub(super) parts: Vec<String>,
}

impl Operation {
    /// `operationId`.
    pub(super) fn id(self) -> &'static str {
        ALL.iter().find(|(operation, ..)| *operation == self).map_or("", |(_, id, ..)| id)
    }

    /// Whether nobody has to be signed in for it.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Operation::GetOpenapi | Operation::SignIn | Operation::BeginOidc | Operation::FinishOidc
        )
    }

    /// Whether a page of another site may lead here: the identity provider sends browsers back.
    pub(super) fn is_led_to(self) -> bool {
        self == Operation::FinishOidc
    }

    /// The operation of a method and a path below `/api/v1`.
    pub(super) fn find(method: &Method, path: &str) -> Found {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut methods: Vec<&'static str> = Vec::new();
        let Some(segments) = segments(path) else { return Found::Nothing };
        let fitting = ALL.iter().filter_map(|row| parts(row.3, &segments).map(|parts| (row, parts)));
        // Of `/rules/check` and `/rules/{rule}`, the fixed one alone has methods.
        let mut fixed: Option<&str> = None;
        for ((operation, _, own, pattern), parts) in fitting {
            if fixed.is_some_and(|fixed| fixed != *pattern) {
                break;
            }
            if own == method {
                return Found::Operation(*operation, Called { segments, parts });
            }
            fixed = Some(pattern);
            methods.push(if own == Method::GET { "GET" } else { word(own) });
        }
        if methods.is_empty() { Found::Nothing } else { Found::Methods(methods) }
    }
}

fn word(method: &Method) -> &'static str {
    if method == Method::POST { "POST" } else { "DELETE" }
}

/// The segments of a path; none where one is empty, or no UTF-8.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    path.split('/').map(|segment| plain(segment).filter(|segment| !segment.is_empty())).collect()
}

/// The segments that a pattern leaves open, where it fits.
fn parts(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let wanted: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    if wanted.len() != segments.len() {
        return None;
    }
    let mut parts = Vec::new();
    for (wanted, found) in wanted.into_iter().zip(segments) {
        if wanted.starts_with('{') {
            parts.push(found.clone());
        } else if wanted != found {
            return None;
        }
    }
    Some(parts)
}

/// A segment without percent signs; none where it is no UTF-8.
fn plain(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::Value;

    use super::{ALL, Called, Found, Operation};

    #[test]
    fn paths() {
        let check = |method: Method, path: &str, expected: Found| {
            let found = match Operation::find(&method, path) {
                Found::Operation(operation, Called { parts, .. }) => {
                    Found::Operation(operation, Called { parts, ..Called::default() })
                }
                other => other,
            };
            assert_eq!(found, expected, "{method} {path}");
        };
        let of = |operation, parts: Vec<String>| {
            Found::Operation(operation, Called { parts, ..Called::default() })
        };
        let one = |operation, part: &str| of(operation, vec![part.to_owned()]);
        check(Method::GET, "/incidents", of(Operation::ListIncidents, vec![]));
        check(Method::HEAD, "/incidents", of(Operation::ListIncidents, vec![]));
        check(Method::GET, "/incidents/audit", of(Operation::GetIncidentsAudit, vec![]));
        check(Method::GET, "/incidents/12", one(Operation::GetIncident, "12"));
        check(Method::POST, "/incidents/12", Found::Methods(vec!["GET"]));
        check(Method::GET, "/rules/check", Found::Methods(vec!["POST"]));
        check(Method::DELETE, "/rules/a%2Fb%20c", one(Operation::RemoveRule, "a/b c"));
        check(Method::PATCH, "/session", Found::Methods(vec!["GET", "POST", "DELETE"]));
        for path in ["", "/", "/incidents/", "/incidents//timeline", "/rules/%FF", "/rules/%4", "/Incidents"]
        {
            check(Method::GET, path, Found::Nothing);
        }
    }

    #[test]
    fn operations_are_those_of_the_document() {
        let document = crate::console::described();
        let mut written: Vec<(String, String, String)> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let Some(Value::String(id)) = operation.get("operationId") else { continue };
                written.push((id.clone(), method.to_uppercase(), path.clone()));
                let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
                let known = ALL.iter().find(|row| row.1 == id).unwrap().0;
                assert_eq!(known.is_open(), is_open, "{id}");
                assert_eq!(operation.get("x-castellan-role").is_none(), is_open, "{id}");
            }
        }
        written.sort();
        let mut known: Vec<(String, String, String)> = ALL
            .iter()
            .map(|(_, id, method, path)| (id.to_string(), method.to_string(), format!("/api/v1{path}")))
            .collect();
        known.sort();
        assert_eq!(known, written);
    }
}
