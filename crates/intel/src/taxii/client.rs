//! What a server has.

use castellan_stix::{Object, read};
use serde::Deserialize;

use super::http::{Answer, Http};
use super::{Options, Position, TaxiiError};

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Discovery {
    /// What people call it.
    pub title: String,
    /// What it is.
    pub description: String,
    /// The API root that is meant where none is named.
    #[serde(rename = "default")]
    pub usual: Option<String>,
    /// Its API roots.
    pub api_roots: Vec<String>,
}

/// An API root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiRoot {
    /// What people call it.
    pub title: String,
    /// The versions that it speaks, as media types.
    pub versions: Vec<String>,
}

/// A collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it holds.
    pub description: String,
    /// A short name.
    pub alias: String,
    /// Whether its objects can be read.
    pub can_read: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Collections {
    collections: Vec<Collection>,
}

/// A page of objects.
#[derive(Debug)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Object>,
    /// Objects that were left out, with the reasons.
    pub left_out: Vec<String>,
    /// How far the collection is fetched once these are taken.
    pub position: Position,
}

/// The objects of a collection, page by page: see [`Client::listing`].
#[derive(Debug)]
pub struct Listing<'c> {
    client: &'c Client,
    root: String,
    collection: String,
    position: Position,
    pages: usize,
    /// A digest of the last page, to notice a server that gives it again and again.
    last: Option<blake3::Hash>,
    is_over: bool,
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    http: Http,
}

impl Client {
    /// A client of the server at an address: of its discovery, or of an API root.
    ///
    /// Errors: an address that may not be used.
    pub async fn new(address: &str, options: Options) -> Result<Client, TaxiiError> {
        let with_end = if address.ends_with('/') { address.to_owned() } else { format!("{address}/") };
        Ok(Client { http: Http::new(&with_end, options).await? })
    }

    /// What the server says of itself.
    ///
    /// Errors: [`TaxiiError`].
    pub async fn discovery(&self) -> Result<Discovery, TaxiiError> {
        let url = self.http.base().clone();
        json(&self.http.get(&url).await?, url.as_str())
    }

    /// What an API root says of itself.
    ///
    /// Errors: [`TaxiiError`].
    pub async fn api_root(&self, root: &str) -> Result<ApiRoot, TaxiiError> {
        let url = self.http.join(&ended(root))?;
        json(&self.http.get(&url).await?, url.as_str())
    }

    /// The API roots: those that discovery names, or the address itself where it is one.
    ///
    /// Errors: [`TaxiiError`].
    pub async fn roots(&self) -> Result<Vec<String>, TaxiiError> {
        let discovery = self.discovery().await?;
        if discovery.api_roots.is_empty() {
            return Ok(vec![self.http.base().to_string()]);
        }
        Ok(discovery.api_roots)
    }

    /// The collections of an API root.
    ///
    /// Errors: [`TaxiiError`].
    pub async fn collections(&self, root: &str) -> Result<Vec<Collection>, TaxiiError> {
        let url = self.http.join(&format!("{}collections/", ended(root)))?;
        let found: Collections = json(&self.http.get(&url).await?, url.as_str())?;
        Ok(found.collections)
    }

    /// What was added to a collection since a position. Objects that come twice are the taker's to know: a listing that was
    /// cut off begins anew where the server has forgotten it.
    pub fn listing(&self, root: &str, collection: &str, from: &Position) -> Listing<'_> {
        Listing {
            client: self,
            root: root.to_owned(),
            collection: collection.to_owned(),
            position: from.clone(),
            pages: 0,
            last: None,
            is_over: false,
        }
    }

    async fn page(&self, root: &str, collection: &str, position: &Position) -> Result<Page, TaxiiError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if collection.is_empty() || !collection.bytes().all(is_plain) || collection.starts_with('.') {
            return Err(TaxiiError::NoCollection(collection.chars().take(100).collect()));
        }
        let mut url = self.http.join(&format!("{}collections/{collection}/objects/", ended(root)))?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", &self.http.options().page.to_string());
            if let Some(after) = &position.added_after {
                query.append_pair("added_after", after);
            }
            if let Some(next) = &position.next {
                query.append_pair("next", next);
            }
        }
        let answer = self.http.get(&url).await?;
        let mut objects = Vec::new();
        let what = || format!("{}{}", url.origin().ascii_serialization(), url.path());
        // Some servers answer an empty listing with an empty body.
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            let position = position.after(None, header(&answer, "X-TAXII-Date-Added-Last"));
            return Ok(Page { objects, left_out: Vec::new(), position });
        }
        let outcome = read::bundle(&answer.body, &mut |object| objects.push(object));
        let outcome = outcome.map_err(|error| TaxiiError::Answer { what: what(), why: error.to_string() })?;
        let more = outcome.members.get("more").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let next = outcome.members.get("next").map(|next| match next {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let next = next.filter(|next| !next.is_empty() && next != "null" && next.len() <= 4_096);
        let last = header(&answer, "X-TAXII-Date-Added-Last");
        let position = match (more, next) {
            (true, Some(next)) => position.after(Some(next), last),
            // More without a word for it: the time of the last object leads on.
            (true, None) => {
                let on = position.after(None, last);
                if on.added_after == position.added_after {
                    let why = "the server says that there is more, but not how to get it".to_owned();
                    return Err(TaxiiError::Answer { what: what(), why });
                }
                on
            }
            (false, _) => position.after(None, last),
        };
        Ok(Page { objects, left_out: outcome.told, position })
    }
}

impl Listing<'_> {
    /// The next page; nothing at the end. What was taken before counts, whatever comes then.
    ///
    /// Errors: [`TaxiiError`].
    pub async fn next(&mut self) -> Result<Option<Page>, TaxiiError> {
        if self.is_over || self.has_more() {
            return Ok(None);
        }
        let page = match self.client.page(&self.root, &self.collection, &self.position).await {
            // What continues a listing holds for some minutes on most servers.
            Err(TaxiiError::Refused { status: 400 | 404 | 410 | 416 | 422, .. })
                if self.pages == 0 && self.position.next.is_some() =>
            {
                self.position = self.position.restarted();
                self.client.page(&self.root, &self.collection, &self.position).await?
            }
            page => page?,
        };
        // Some servers have one word for all pages of a listing.
        let ids = page.objects.iter().map(|object| object.id.as_str()).collect::<Vec<_>>().join("\u{1f}");
        let shown = blake3::hash(ids.as_bytes());
        let goes_on = page.position.next.is_some();
        if goes_on && page.position.next == self.position.next && self.last == Some(shown) {
            let why = "the server says that there is more and gives the same page again".to_owned();
            return Err(TaxiiError::Answer { what: self.collection.clone(), why });
        }
        self.pages += 1;
        self.last = Some(shown);
        self.position = page.position.clone();
        self.is_over = !goes_on;
        Ok(Some(page))
    }

    /// Whether there is more than is fetched at once: the next pull goes on.
    pub fn has_more(&self) -> bool {
        !self.is_over && self.pages >= self.client.http.options().pages
    }
}

fn ended(root: &str) -> String {
    if root.ends_with('/') { root.to_owned() } else { format!("{root}/") }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let text = answer.headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= 64).then(|| text.to_owned())
}

fn json<T: for<'de> Deserialize<'de>>(answer: &Answer, what: &str) -> Result<T, TaxiiError> {
    serde_json::from_slice(&answer.body).map_err(|error| TaxiiError::Answer {
        what: what.split('?').next().unwrap_or_default().to_owned(),
        why: format!("the answer is none of TAXII 2.1: {error}"),
    })
}
