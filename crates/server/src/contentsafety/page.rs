//! Pages of long lists: `top`, `skip` and `maxpagesize`, and the link to the next page.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::contentsafety::{Asked, Failure, Operation, Service};

/// Items of a page, where nothing else is asked.
const PAGE: usize = 100;
/// Most items of a page.
const LARGEST_PAGE: usize = 1_000;

/// Which items of a list are asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    top: Option<usize>,
    skip: Option<usize>,
    maxpagesize: Option<usize>,
    #[serde(rename = "api-version")]
    version: Option<String>,
}

impl Page {
    /// Whether the version that was asked for has an operation.
    pub(crate) fn has(&self, operation: Operation) -> Result<(), Failure> {
        Asked::of(self.version.clone()).has(operation)
    }

    /// That page of a list at a path below the service.
    pub(crate) fn of<Item: Serialize>(
        &self,
        all: impl ExactSizeIterator<Item = Item>,
        (service, headers): (&Service, &HeaderMap),
        path: &str,
    ) -> Value {
        let (skip, count) = (self.skip.unwrap_or(0), all.len());
        let wanted = self.top.unwrap_or(usize::MAX);
        let size = self.maxpagesize.unwrap_or(PAGE).clamp(1, LARGEST_PAGE).min(wanted);
        let value: Vec<Item> = all.skip(skip).take(size).collect();
        let next = skip.saturating_add(value.len());
        let left = wanted.saturating_sub(value.len());
        let mut answer = Map::from_iter([("value".to_owned(), json!(value))]);
        if next < count && left > 0 && !value.is_empty() {
            let version = self.version.as_deref().unwrap_or_default();
            let top = self.top.map(|_| format!("&top={left}")).unwrap_or_default();
            let pages = self.maxpagesize.map(|size| format!("&maxpagesize={size}")).unwrap_or_default();
            let base = base(service, headers);
            let link = format!("{base}{path}?api-version={version}&skip={next}{top}{pages}");
            answer.insert("nextLink".to_owned(), json!(link));
        }
        Value::Object(answer)
    }
}

/// Where the service is, as the client named it.
pub(crate) fn base(service: &Service, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if service.secure { "https" } else { "http" };
    format!("{scheme}://{host}{}", super::BASE)
}
