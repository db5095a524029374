//! How the fake answers: tokens, Resource Graph, lists and single resources, through the faults.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Extract;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::changes;
use super::faults::Fault;
use super::recorder::Recorded;
use super::{Shared, State};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

/// What is answered before a fault changes it.
pub(super) struct Plain {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Counts a request as under way until it is dropped, also when the client goes away.
struct UnderWay(Arc<Shared>, usize);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().recording.under_way -= 1;
    }
}

async fn serve(
    Extract(shared): Extract<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.to_string();
    let body = String::from_utf8_lossy(&body).into_owned();
    let under_way = record(&shared, &method, &target, &headers, &body);
    // Every answer takes a moment, so that requests that may run side by side do.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let fault = strike(&shared, &target);
    if let Some(Fault::Slow(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    let plain = answer(&mut shared.state(), &method, &target, &headers, &body, fault.as_ref());
    let response = spoil(plain, fault, &headers);
    let status = response.status().as_u16();
    if let Some(recorded) = shared.state().recording.requests.get_mut(under_way.1) {
        recorded.status = status;
    }
    response
}

fn record(shared: &Arc<Shared>, method: &Method, target: &str, headers: &HeaderMap, body: &str) -> UnderWay {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut state = shared.state();
    let recording = &mut state.recording;
    recording.under_way += 1;
    recording.most_under_way = recording.most_under_way.max(recording.under_way);
    recording.requests.push(Recorded {
        method: method.to_string(),
        target: target.to_owned(),
        body: body.to_owned(),
        authorization: text(header::AUTHORIZATION),
        user_agent: text(header::USER_AGENT),
        at: Instant::now(),
        status: 0,
    });
    UnderWay(Arc::clone(shared), recording.requests.len() - 1)
}

fn strike(shared: &Shared, target: &str) -> Option<Fault> {
    let target = target.to_ascii_lowercase();
    let mut state = shared.state();
    let mut matching = state.faults.iter_mut().filter(|(text, _)| target.contains(text.as_str()));
    matching.find_map(|(_, fault)| {
        let current = fault.clone();
        fault.strike().then_some(current)
    })
}

fn answer(
    state: &mut State,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: &str,
    fault: Option<&Fault>,
) -> Plain {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.ends_with("/oauth2/v2.0/token") || path.ends_with("/oauth2/token") || path == "/msi/token" {
        return issue_token(state, path, headers, body);
    }
    let expected = format!("Bearer {}", state.token);
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(expected.as_str()) {
        return refusal(401, "InvalidAuthenticationToken", "The access token is invalid.");
    }
    // Graph has its version in the path.
    if !query.contains("api-version=") && !path.starts_with("/v1.0/") {
        return refusal(400, "MissingApiVersionParameter", "The api-version is required.");
    }
    if path.eq_ignore_ascii_case("/providers/Microsoft.ResourceGraph/resources") {
        return if method == Method::POST { graph(state, body, fault) } else { not_found(path) };
    }
    if changes::is_change(method, path) {
        return changes::change(state, method, path, body);
    }
    rest(state, path, query, fault)
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> Plain {
    Plain { status, body: json!({"error": {"code": code, "message": message}}) }
}

pub(super) fn not_found(path: &str) -> Plain {
    refusal(404, "ResourceNotFound", &format!("The resource '{path}' was not found."))
}

/// Answers as the v2.0 token endpoint, the App Service identity endpoint and the instance metadata service do.
fn issue_token(state: &mut State, path: &str, headers: &HeaderMap, form: &str) -> Plain {
    let proven = match path {
        "/msi/token" => headers.get("x-identity-header").is_some_and(|value| value == "platform-secret"),
        "/metadata/identity/oauth2/token" => headers.get("metadata").is_some_and(|value| value == "true"),
        _ => {
            form.contains("grant_type=client_credentials")
                && form.contains("scope=https%3A%2F%2Fmanagement.azure.com%2F.default")
                && (form.contains("client_secret=s3cret") || form.contains("client_assertion=federated-jwt"))
        }
    };
    if !proven {
        let description = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1";
        return Plain {
            status: 401,
            body: json!({"error": "invalid_client", "error_description": description}),
        };
    }
    state.tokens_issued += 1;
    Plain {
        status: 200,
        body: json!({"token_type": "Bearer", "access_token": state.token,
                     "expires_in": state.token_lifetime}),
    }
}

fn graph(state: &State, body: &str, fault: Option<&Fault>) -> Plain {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let query = request["query"].as_str().unwrap_or_default().to_lowercase();
    let table = query.split(' ').next().unwrap_or_default();
    let subscriptions = request["subscriptions"].as_array().cloned().unwrap_or_default();
    let is_wanted = |row: &Value| {
        let in_scope = subscriptions.contains(&row["subscriptionId"]);
        let resource_type = row["type"].as_str().unwrap_or_default();
        in_scope && (!query.contains("where type in~") || query.contains(&format!("'{resource_type}'")))
    };
    let rows = state.estate.rows.iter().filter(|(name, row)| *name == table && is_wanted(row));
    let rows: Vec<&Value> = rows.map(|(_, row)| row).collect();
    let start = request["options"]["$skipToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let page: Vec<&Value> = rows.iter().copied().skip(start).take(state.rows_per_page).collect();
    let end = start + page.len();
    let truncated = fault == Some(&Fault::ResultTruncated) && end < rows.len();
    let mut answer = json!({
        "totalRecords": rows.len(), "count": page.len(), "data": page, "facets": [],
        "resultTruncated": if truncated { "true" } else { "false" },
    });
    if fault == Some(&Fault::RepeatedPageToken) {
        answer["$skipToken"] = json!("1");
    } else if end < rows.len() && !truncated {
        answer["$skipToken"] = json!(end.to_string());
    }
    Plain { status: 200, body: answer }
}

fn rest(state: &State, path: &str, query: &str, fault: Option<&Fault>) -> Plain {
    if path.eq_ignore_ascii_case("/subscriptions") {
        let wanted = |id: &&String| state.estate.subscriptions.contains(*id);
        let ids = state.estate.subscriptions.iter().filter(wanted);
        let items: Vec<Value> =
            ids.map(|id| json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id})).collect();
        return list(state, path, query, &items, fault);
    }
    let known = state.estate.lists.iter().find(|(known, _)| known.eq_ignore_ascii_case(path));
    if let Some((_, items)) = known {
        return list(state, path, query, items, fault);
    }
    let is_asked =
        |resource: &&Value| resource["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(path));
    if let Some(resource) = state.estate.resources.iter().find(is_asked) {
        return Plain { status: 200, body: resource.clone() };
    }
    // A list below a resource that exists is empty; the rest does not exist.
    let below = |id: &str| path.len() > id.len() && path.to_lowercase().starts_with(&id.to_lowercase());
    let resources = state.estate.resources.iter().filter_map(|resource| resource["id"].as_str());
    let children =
        state.estate.lists.iter().flat_map(|(_, items)| items).filter_map(|item| item["id"].as_str());
    if resources.chain(children).any(below) {
        return list(state, path, query, &[], fault);
    }
    not_found(path)
}

fn list(state: &State, path: &str, query: &str, items: &[Value], fault: Option<&Fault>) -> Plain {
    let start: usize =
        query.split('&').find_map(|pair| pair.strip_prefix("page=")?.parse().ok()).unwrap_or(0);
    let page: Vec<&Value> = items.iter().skip(start).take(state.items_per_page).collect();
    let end = start + page.len();
    let mut answer = json!({"value": page});
    let next = |origin: &str, page: usize| json!(format!("{origin}{path}?api-version=x&page={page}"));
    let own = format!("http://{}", state.address);
    match fault {
        Some(Fault::RepeatedPageToken) => answer["nextLink"] = next(&own, 0),
        Some(Fault::NextLinkTo(origin)) => answer["nextLink"] = next(origin, end),
        _ if end < items.len() => answer["nextLink"] = next(&own, end),
        _ => {}
    }
    Plain { status: 200, body: answer }
}

/// Turns the plain answer into what the fault makes of it.
fn spoil(plain: Plain, fault: Option<Fault>, headers: &HeaderMap) -> Response {
    let text = plain.body.to_string();
    match fault {
        Some(Fault::Status { status, wait, .. }) => {
            let refused = refusal(status, "Injected", "The service cannot answer now.");
            respond(status, wait, Body::from(refused.body.to_string()))
        }
        Some(Fault::BrokenBody { .. }) => {
            let length = text.len();
            let half: String = text.chars().take(length / 2).collect();
            respond(plain.status, Some(("content-length", length.to_string())), broken_body(half))
        }
        Some(Fault::TruncatedJson { .. }) => {
            let half: String = text.chars().take(text.len() / 2).collect();
            respond(plain.status, None, Body::from(half))
        }
        Some(Fault::RedirectTo(origin)) => respond(307, Some(("location", origin)), Body::empty()),
        Some(Fault::HugeBody(bytes)) => respond(200, None, huge_body(bytes)),
        Some(Fault::EchoToken) => {
            let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let echo = refusal(400, "Echo", &format!("bad header {}", sent.unwrap_or_default()));
            respond(400, None, Body::from(echo.body.to_string()))
        }
        _ => respond(plain.status, None, Body::from(text)),
    }
}

fn respond(status: u16, extra: Option<(&'static str, String)>, body: Body) -> Response {
    let mut builder = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
    builder = builder.header(header::CONTENT_TYPE, "application/json");
    if let Some((name, value)) = extra {
        builder = builder.header(name, value);
    }
    builder.body(body).unwrap_or_default()
}

/// Half a body, then the connection breaks.
fn broken_body(half: String) -> Body {
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "broken on purpose");
    Body::from_stream(futures_util::stream::iter([Ok(Bytes::from(half)), Err(broken)]))
}

/// Many chunks of white space, which is valid JSON up to the last byte.
fn huge_body(bytes: usize) -> Body {
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    let chunks = bytes.div_ceil(chunk.len());
    let stream = futures_util::stream::iter((0..chunks).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    Body::from_stream(stream)
}
