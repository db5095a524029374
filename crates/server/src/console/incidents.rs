//! Incidents, with the sessions and roles of the console. What they are, [`crate::incidents`] knows.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use castellan_incident::api::Asked;
use serde_json::Value;

use super::failure::Failure;
use super::request::{Caller, Request};
use super::session::Way;

/// What a browser may do with a document that holds what others wrote: show it.
const INERT: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

fn nothing() -> Failure {
    Failure::missing(
        "there are no incidents here; start the server with `--lake FOLDER` and without `--role`",
    )
}

impl Request {
    fn asked(&self, is_post: bool, body: Value) -> Asked {
        Asked {
            is_post,
            path: self.segments().skip(1).map(str::to_owned).collect(),
            query: crate::queries::parameters(self.head.uri.query()),
            body,
            may_reveal: false,
            now: self.console.now(),
        }
    }

    pub(super) async fn get_incidents(self) -> Result<Response, Failure> {
        let face = self.console.incidents.clone().ok_or_else(nothing)?;
        let _place = self.console.gate.place().await?;
        face.answer(self.asked(false, Value::Null), self.headers()).await.map(inert)
    }

    pub(super) async fn post_incidents(self, caller: &Caller) -> Result<Response, Failure> {
        let face = self.console.incidents.clone().ok_or_else(nothing)?;
        let (request, mut body) = self.body::<Value>().await?;
        // Who is signed in does it, whatever the body says. A program with the token says for whom.
        let is_said = body.get("by").is_some_and(|by| !by.is_null());
        let is_program = matches!(caller.way, Way::Bearer | Way::Local);
        if let Some(members) = body.as_object_mut().filter(|_| !is_program || !is_said) {
            members.insert("by".to_owned(), caller.name.clone().into());
        }
        face.answer(request.asked(true, body), request.headers()).await.map(inert)
    }
}

/// A document that is no JSON is shown without scripts, wherever it comes from.
fn inert(mut response: Response) -> Response {
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_json {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(INERT));
    }
    response
}
