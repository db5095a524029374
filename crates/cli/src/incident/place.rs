//! Where incidents are: the folder of a lake, or the server that has it open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{System, Ticks};
use castellan_incident::api::{Answer, Asked, Failure, answer};
use castellan_incident::desk::FOLDER;
use castellan_incident::evidence::PublicKey;
use castellan_incident::{Desk, DeskError};
use castellan_lake::{Lake, Options};
use serde_json::Value;

use crate::arguments::PlaceArguments;
use crate::output::{complain, inert_lines, read_text};
use crate::runtime;

/// The largest answer of a server, in bytes.
const LARGEST: usize = 256 << 20;
/// The largest file of a public key, in bytes.
const KEY: u64 = 64 << 10;
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where commands go.
pub(crate) enum Place {
    /// A folder, which this process has open.
    Folder { desk: Box<Desk>, lake: PathBuf, now: Ticks },
    /// A server.
    Server { client: reqwest::Client, url: String, token: Option<String>, reveal: Option<String> },
}

impl Place {
    /// The server that is named, or else the folder.
    pub(crate) fn of(arguments: &PlaceArguments, system: &dyn System) -> Result<Place> {
        Place::sealing(arguments, None, system)
    }

    /// The same, with a public key that evidence is sealed to where the folder is worked on.
    pub(super) fn sealing(
        arguments: &PlaceArguments,
        key: Option<&Path>,
        system: &dyn System,
    ) -> Result<Place> {
        if let Some(url) = &arguments.url {
            if key.is_some() {
                bail!("a server seals to the key that it was started with; leave --seal-to out, or --url");
            }
            return Place::server(url, system);
        }
        let lake = arguments.folder.lake.clone();
        if !system.is_dir(&lake.join(FOLDER)) {
            bail!(
                "there are no incidents in `{}`; name the lake with --lake, or the server with --url. `castellan up --lake \
                 FOLDER --analytics RULES` makes them",
                lake.display()
            );
        }
        let now = system.now();
        let desk = match key {
            None => Desk::open_unkeyed(&lake)?,
            Some(file) => Desk::open(&lake, Some(public_key(file, system)?), now)?,
        };
        desk.told().iter().for_each(|line| complain(&inert_lines(&format!("warning: {line}"))));
        Ok(Place::Folder { desk: Box::new(desk), lake, now })
    }

    fn server(url: &str, system: &dyn System) -> Result<Place> {
        let url = url.trim_end_matches('/').to_owned();
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            bail!("`{url}` is no address of a server; write it as http://127.0.0.1:8700");
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).build().context("cannot make requests")?;
        let (token, reveal) = (system.env("CASTELLAN_TOKEN"), system.env("CASTELLAN_REVEAL_TOKEN"));
        Ok(Place::Server { client, url, token, reveal })
    }

    /// What a path below incidents answers, as JSON.
    pub(crate) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value> {
        json(self.ask(path, query, None)?)
    }

    /// The same as a text.
    pub(super) fn text(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String> {
        match self.ask(path, query, None)? {
            Answer::Text(_, text) => Ok(text),
            Answer::Json(value) => Ok(serde_json::to_string_pretty(&value)? + "\n"),
        }
    }

    /// Sends a body to a path. What changed goes on to the lake, where the folder is worked on.
    pub(super) fn post(&self, path: &[&str], body: Value) -> Result<Value> {
        let told = json(self.ask(path, &[], Some(body))?)?;
        if let Place::Folder { desk, lake, now } = self
            && let Err(error) = send(desk, lake, *now)
        {
            complain(&inert_lines(&format!(
                "warning: it is done, and its rows are not in the lake yet: {error:#}; they go there with the next change or start"
            )));
        }
        Ok(told)
    }

    fn ask(&self, path: &[&str], query: &[(&str, &str)], body: Option<Value>) -> Result<Answer> {
        match self {
            Place::Folder { desk, now, .. } => {
                let asked = Asked {
                    is_post: body.is_some(),
                    path: path.iter().map(|part| (*part).to_owned()).collect(),
                    query: query
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                        .collect(),
                    body: body.unwrap_or(Value::Null),
                    // Whoever has the folder has the sealed files; the key is what opens them.
                    may_reveal: true,
                    now: *now,
                };
                answer(desk, &asked).map_err(|Failure { message, .. }| anyhow!(message))
            }
            Place::Server { client, url, token, reveal } => {
                let mut address = format!("{url}/api/v1/incidents");
                for part in path {
                    address.push('/');
                    address.push_str(&encoded(part));
                }
                for (at, (name, value)) in query.iter().enumerate() {
                    address.push_str(&format!(
                        "{}{name}={}",
                        if at == 0 { '?' } else { '&' },
                        encoded(value)
                    ));
                }
                let mut request = match body {
                    None => client.get(&address),
                    Some(body) => client
                        .post(&address)
                        .header("content-type", "application/json")
                        .body(body.to_string()),
                };
                if let Some(token) = token {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                if let Some(reveal) = reveal {
                    request = request.header("x-castellan-reveal", reveal);
                }
                answered(request, url)
            }
        }
    }
}

/// Whether an error says that a file is not what was written.
pub(super) fn is_damage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<DeskError>().is_some_and(DeskError::is_damage)
}

/// The public key of a file.
pub(crate) fn public_key(file: &Path, system: &dyn System) -> Result<PublicKey> {
    let text = read_text(file, KEY, system)?;
    PublicKey::from_text(&text).with_context(|| format!("`{}`", file.display()))
}

/// Sends rows that are owed to the lake.
fn send(desk: &Desk, lake: &Path, now: Ticks) -> Result<()> {
    runtime::working()?.block_on(async {
        let lake = Lake::open(lake, Options::default()).await?;
        let sent = async {
            desk.attach(&lake, now).await?;
            desk.send(&lake, now).await
        };
        let sent = sent.await;
        lake.close().await?;
        sent.map(|_| ()).map_err(anyhow::Error::from)
    })
}

fn json(answer: Answer) -> Result<Value> {
    match answer {
        Answer::Json(value) => Ok(value),
        Answer::Text(kind, _) => bail!("the answer is of the type {kind}, and no JSON"),
    }
}

/// What a server answers; its refusals as errors.
fn answered(request: reqwest::RequestBuilder, url: &str) -> Result<Answer> {
    runtime::working()?.block_on(async {
        let reached = || format!("`{url}` does not answer; see that `castellan up` runs there");
        let mut response = request.send().await.with_context(reached)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(reached)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                bail!("the answer is larger than {LARGEST} bytes; ask for less");
            }
        }
        let kind =
            response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_json = kind.starts_with("application/json");
        let text = String::from_utf8(bytes).context("the answer is not UTF-8")?;
        if !status.is_success() {
            let told: Option<Value> = serde_json::from_str(&text).ok();
            let message = told.as_ref().and_then(|told| {
                told.pointer("/error/message").or(told.get("error")).and_then(Value::as_str)
            });
            let hint = if status.as_u16() == 401 { "; put the token into CASTELLAN_TOKEN" } else { "" };
            bail!("the server says {}: {}{hint}", status.as_u16(), message.unwrap_or("nothing more"));
        }
        if is_json {
            Ok(Answer::Json(serde_json::from_str(&text).context("the answer is no JSON")?))
        } else {
            Ok(Answer::Text("text/plain", text))
        }
    })
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
