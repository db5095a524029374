//! Work that goes on after its request was answered.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_shield::harm::is_name;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contentsafety::Failure;

/// Most operations that are remembered.
const MOST: usize = 1_000;

/// How far work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    #[default]
    NotStarted,
    Running,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug)]
struct Operation {
    status: Status,
    error: Option<String>,
}

/// Operations by their ids, the oldest forgotten first. They end with the process.
#[derive(Debug, Default)]
pub(crate) struct Operations(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, Operation>,
    order: VecDeque<String>,
}

impl Operations {
    /// Begins an operation, under the id that the client gave or a new one.
    pub(crate) fn begin(&self, id: Option<&str>) -> Result<String, Failure> {
        let id = match id {
            Some(id) if is_name(id) => id.to_owned(),
            Some(_) => {
                let message = "the header `Operation-Id` takes up to 64 letters, digits and hyphens";
                return Err(Failure::name(message));
            }
            None => Uuid::now_v7().to_string(),
        };
        let mut known = self.known();
        if known.by_id.contains_key(&id) {
            return Err(Failure::name(format!("there was an operation `{id}` before; give another id")));
        }
        if known.order.len() >= MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.by_id.remove(&oldest);
        }
        known.order.push_back(id.clone());
        known.by_id.insert(id.clone(), Operation { status: Status::NotStarted, error: None });
        Ok(id)
    }

    /// Says how far an operation is.
    pub(crate) fn set(&self, id: &str, status: Status, error: Option<String>) {
        if let Some(operation) = self.known().by_id.get_mut(id) {
            *operation = Operation { status, error };
        }
    }

    /// What is answered about an operation; `fault` is the member that holds what went wrong.
    pub(crate) fn told(&self, id: &str, fault: &str) -> Result<Value, Failure> {
        let known = self.known();
        let operation = known.by_id.get(id).ok_or_else(|| {
            Failure::missing(format!("there is no operation `{id}`; they are forgotten when the server ends"))
        })?;
        let mut told = json!({ "id": id, "status": operation.status });
        if let (Some(error), Some(members)) = (&operation.error, told.as_object_mut()) {
            members.insert(fault.to_owned(), json!({ "code": "InternalError", "message": error }));
        }
        Ok(told)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 202: the work is taken, and this is where to ask how far it is.
pub(crate) fn accepted(id: &str, told: Value, location: &str) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(told)).into_response();
    for (name, value) in [("operation-id", id), ("operation-location", location)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
