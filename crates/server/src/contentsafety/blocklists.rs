//! `text/blocklists`: named lists of items, which are looked for in texts from the next request on.

use std::io;
use std::path::PathBuf;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Json;
use axum::extract::{Path as At, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_shield::blocklist::{BlocklistError, Blocklists, Item};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contentsafety::page::Page;
use crate::contentsafety::{Asked, Failure, Operation, Service, kept, no_content, told};

/// Most items that one request adds or removes.
const MOST: usize = 100;

/// The lists, and the file that they are kept in.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    lists: RwLock<Blocklists>,
    file: Option<PathBuf>,
}

/// An item that stands in a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Match {
    blocklist_name: String,
    blocklist_item_id: String,
    blocklist_item_text: String,
}

impl From<BlocklistError> for Failure {
    fn from(error: BlocklistError) -> Failure {
        match error {
            BlocklistError::Name(_) => Failure::name(error.to_string()),
            BlocklistError::NoList(_) => Failure::missing(error.to_string()),
            _ => Failure::body(error.to_string()),
        }
    }
}

impl Lists {
    /// The lists that a file holds, which need not be there yet. Changes are written to it before they are answered.
    pub(crate) fn kept(file: Option<PathBuf>) -> io::Result<Lists> {
        let lists = file.as_deref().map(kept::read).transpose()?.unwrap_or_default();
        Ok(Lists { lists: RwLock::new(lists), file })
    }

    /// The items of these lists that stand in a text, each once.
    pub(crate) fn find(&self, names: &[String], text: &str) -> Result<Vec<Match>, Failure> {
        let lists = self.read();
        let known = |name: &String| lists.items(name).is_some();
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(BlocklistError::NoList(name.clone()).into());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found: Vec<Match> = Vec::new();
        for hit in lists.find(text, Some(&names)).hits {
            let one = Match {
                blocklist_name: hit.list.to_string(),
                blocklist_item_id: hit.item.to_string(),
                blocklist_item_text: hit.item_text.to_string(),
            };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        Ok(found)
    }

    // A thread that panicked has not left half a change: each is made whole or not at all.
    fn read(&self) -> RwLockReadGuard<'_, Blocklists> {
        self.lists.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Blocklists> {
        self.lists.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes a change, and keeps it; where it fails or cannot be kept, nothing is changed.
    fn change<T>(&self, work: impl FnOnce(&mut Blocklists) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut lists = self.write();
        let mut changed = lists.clone();
        let answer = work(&mut changed)?;
        if let Some(file) = &self.file {
            let failed = |error| Failure::internal(format!("the change cannot be kept: {error}"));
            kept::write(file, &changed).map_err(failed)?;
        }
        *lists = changed;
        Ok(answer)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    blocklist_items: Vec<Fresh>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fresh {
    blocklist_item_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    text: String,
    #[serde(default)]
    is_regex: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Removed {
    blocklist_item_ids: Vec<String>,
}

fn shown(name: &str, description: &str) -> Value {
    json!({ "blocklistName": name, "description": description })
}

pub(crate) async fn lists(State(service): State<Service>, Query(asked): Query<Asked>) -> Response {
    told(asked.has(Operation::Blocklists).map(|()| {
        let lists = service.lists.read();
        let all: Vec<Value> = lists.lists().map(|(name, description)| shown(name, description)).collect();
        json!({ "value": all })
    }))
}

pub(crate) async fn list(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Blocklists).and_then(|()| {
        let lists = service.lists.read();
        let found = lists.lists().find(|(known, _)| *known == name);
        found
            .map(|(name, description)| shown(name, description))
            .ok_or_else(|| BlocklistError::NoList(name.clone()).into())
    }))
}

pub(crate) async fn put(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    if let Err(failure) = asked.has(Operation::Blocklists) {
        return failure.into_response();
    }
    let lists = service.lists.clone();
    let work = move |body: Value| {
        let text = body.get("description").and_then(Value::as_str).map(str::to_owned);
        lists.change(|lists| {
            let known = lists.lists().find(|(known, _)| *known == name).map(|(_, known)| known.to_owned());
            let description = text.or_else(|| known.clone()).unwrap_or_default();
            lists.create(&name, &description)?;
            Ok((known.is_none(), shown(&name, &description)))
        })
    };
    let done: Result<(bool, Value), Failure> =
        service.gate.worked(request, StatusCode::BAD_REQUEST, work).await;
    match done {
        Ok((true, list)) => (StatusCode::CREATED, Json(list)).into_response(),
        Ok((false, list)) => Json(list).into_response(),
        Err(failure) => failure.into_response(),
    }
}

pub(crate) async fn delete(
    State(service): State<Service>,
    At(name): At<String>,
    Query(asked): Query<Asked>,
) -> Response {
    if let Err(failure) = asked.has(Operation::Blocklists) {
        return failure.into_response();
    }
    let lists = service.lists.clone();
    let work = move || {
        lists.change(|lists| match lists.delete(&name) {
            true => Ok(()),
            false => Err(BlocklistError::NoList(name).into()),
        })
    };
    no_content(service.gate.aside(work).await)
}

/// `POST text/blocklists/{name}:addOrUpdateBlocklistItems` and `:removeBlocklistItems`.
pub(crate) async fn act(
    State(service): State<Service>,
    At(target): At<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    if let Err(failure) = asked.has(Operation::Blocklists) {
        return failure.into_response();
    }
    let lists = service.lists.clone();
    match target.rsplit_once(':') {
        Some((name, "addOrUpdateBlocklistItems")) => {
            let name = name.to_owned();
            let work = move |added: Added| lists.change(|lists| add(lists, &name, added.blocklist_items));
            told(service.gate.worked(request, StatusCode::BAD_REQUEST, work).await)
        }
        Some((name, "removeBlocklistItems")) => {
            let name = name.to_owned();
            let work = move |removed: Removed| {
                lists.change(|lists| remove(lists, &name, &removed.blocklist_item_ids))
            };
            no_content(service.gate.worked(request, StatusCode::BAD_REQUEST, work).await)
        }
        _ => Failure::missing("there is no such operation on a block list").into_response(),
    }
}

fn add(lists: &mut Blocklists, name: &str, items: Vec<Fresh>) -> Result<Value, Failure> {
    if items.is_empty() || items.len() > MOST {
        return Err(Failure::body(format!("there are {} items; send 1 to {MOST}", items.len())));
    }
    let mut stored = Vec::new();
    for fresh in items {
        let item = Item {
            id: fresh.blocklist_item_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
            description: fresh.description.unwrap_or_default(),
            text: fresh.text,
            is_regex: fresh.is_regex.unwrap_or(false),
        };
        lists.put(name, item.clone())?;
        stored.push(item);
    }
    Ok(json!({ "blocklistItems": stored }))
}

fn remove(lists: &mut Blocklists, name: &str, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Failure::body(format!("there are {} ids; send 1 to {MOST}", ids.len())));
    }
    for id in ids {
        if !lists.remove(name, id)? {
            return Err(Failure::missing(format!(
                "there is no item `{id}` in `{name}`; nothing was removed"
            )));
        }
    }
    Ok(())
}

pub(crate) async fn items(
    State(service): State<Service>,
    At(name): At<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    told(page.has(Operation::Blocklists).and_then(|()| {
        let lists = service.lists.read();
        let items = lists.items(&name).ok_or_else(|| BlocklistError::NoList(name.clone()))?;
        Ok(page.of(items, (&service, &headers), &format!("/text/blocklists/{name}/blocklistItems")))
    }))
}

pub(crate) async fn item(
    State(service): State<Service>,
    At((name, id)): At<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    told(asked.has(Operation::Blocklists).and_then(|()| {
        let lists = service.lists.read();
        lists
            .item(&name, &id)
            .cloned()
            .ok_or_else(|| Failure::missing(format!("there is no item `{id}` in a block list `{name}`")))
    }))
}
