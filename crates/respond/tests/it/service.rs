//! A service over real HTTP that counts what is done to it.
//!
//! `POST /do/NAME` does something once each time it is asked; `GET /done/NAME` says whether it was done, `DELETE /do/NAME`
//! takes it back. It neither knows nor cares about idempotency keys, so whoever asks twice does it twice.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) done: BTreeMap<String, usize>,
    pub(crate) undone: BTreeMap<String, usize>,
    pub(crate) requests: Vec<(String, BTreeMap<String, String>, String)>,
    /// Tickets by key: whether they are open.
    pub(crate) tickets: BTreeMap<String, bool>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    stall_at: AtomicUsize,
    posts: AtomicUsize,
    is_stalled: AtomicBool,
    /// The next requests that are answered with this status, and how many.
    refuse: Mutex<(u16, usize)>,
}

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    port: u16,
    shared: Arc<Shared>,
}

impl Service {
    pub(crate) fn start() -> std::io::Result<Service> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Service { port, shared })
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.shared.counts().clone()
    }

    /// Acts on the POST of this number, from 1, and then does not answer.
    pub(crate) fn stall_at(&self, post: usize) {
        self.shared.posts.store(0, Ordering::SeqCst);
        self.shared.is_stalled.store(false, Ordering::SeqCst);
        self.shared.stall_at.store(post, Ordering::SeqCst);
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.shared.is_stalled.load(Ordering::SeqCst)
    }

    /// Refuses the next POSTs without doing anything.
    pub(crate) fn refuse(&self, status: u16, times: usize) {
        *self.shared.refuse.lock().unwrap_or_else(PoisonError::into_inner) = (status, times);
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> Option<u16> {
        let mut refuse = self.refuse.lock().unwrap_or_else(PoisonError::into_inner);
        (refuse.1 > 0).then(|| {
            refuse.1 -= 1;
            refuse.0
        })
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let (status, text) = match tickets(line.trim(), &body, shared) {
        Some(text) => (200, text),
        None => {
            let status = answer(line.trim(), headers, body, shared);
            (status, format!("{{\"status\":{status}}}"))
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    reader.into_inner().write_all(format!("{head}{text}").as_bytes()).ok()
}

/// A ticket system: tickets are named after their keys.
fn tickets(line: &str, body: &str, shared: &Shared) -> Option<String> {
    let path = line.split(' ').nth(1)?.strip_prefix("/tickets")?;
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let mut counts = shared.counts();
    let show = |key: &str, is_open: bool| {
        serde_json::json!({"id": key, "state": if is_open { "open" } else { "closed" }}).to_string()
    };
    Some(match line.split(' ').next()? {
        "POST" => {
            let key = json["key"].as_str()?.to_owned();
            counts.tickets.insert(key.clone(), true);
            show(&key, true)
        }
        "PATCH" => {
            let key = path.trim_start_matches('/').to_owned();
            counts.tickets.insert(key.clone(), json["state"] != "closed");
            show(&key, false)
        }
        _ => {
            let key = path.split_once("key=").map(|(_, key)| key).unwrap_or_default();
            counts
                .tickets
                .get(key)
                .map_or_else(|| "[]".to_owned(), |is_open| format!("[{}]", show(key, *is_open)))
        }
    })
}

fn answer(line: &str, headers: BTreeMap<String, String>, body: String, shared: &Shared) -> u16 {
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    shared.counts().requests.push((format!("{method} {path}"), headers, body));
    match method {
        "POST" => {
            if let Some(status) = shared.refused() {
                return status;
            }
            *shared.counts().done.entry(name).or_default() += 1;
            if shared.posts.fetch_add(1, Ordering::SeqCst) + 1 == shared.stall_at.load(Ordering::SeqCst) {
                shared.is_stalled.store(true, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_secs(20));
            }
            201
        }
        "DELETE" => {
            let mut counts = shared.counts();
            *counts.undone.entry(name).or_default() += 1;
            204
        }
        _ => {
            let counts = shared.counts();
            let count = |of: &BTreeMap<String, usize>| of.get(&name).copied().unwrap_or(0);
            if count(&counts.done) > count(&counts.undone) { 200 } else { 404 }
        }
    }
}
