//! A stand-in for Azure Resource Manager, for a little of Microsoft Graph and for the token endpoints around them, over
//! real HTTP on loopback.
//!
//! [`FakeArm::start`] serves the estate of [`estate`] from a thread of its own until it is dropped. Faults are switched
//! on while it runs; what was asked is recorded, so that a test can say how many requests were under way at once, when
//! they came and whether any came without a token.

mod changes;
pub mod estate;
mod faults;
mod handler;
mod recorder;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub use faults::Fault;
pub use recorder::{Recorded, Recording};

/// The token that the fake accepts at first.
pub const TOKEN: &str = "fake-arm-token-1";

/// A running server.
pub struct FakeArm {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the handlers and the test have in common.
pub(crate) struct Shared {
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) address: SocketAddr,
    pub(crate) estate: estate::FakeEstate,
    pub(crate) faults: Vec<(String, Fault)>,
    pub(crate) token: String,
    pub(crate) tokens_issued: usize,
    pub(crate) token_lifetime: i64,
    pub(crate) rows_per_page: usize,
    pub(crate) items_per_page: usize,
    pub(crate) recording: Recording,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeArm {
    /// Serves an estate on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port can be opened.
    #[allow(clippy::expect_used)] // Without a server there is no test.
    pub fn start(estate: estate::FakeEstate) -> FakeArm {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime for the fake server");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .expect("a free port for the fake server");
        let address = listener.local_addr().expect("the address of the fake server");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                address,
                estate,
                faults: Vec::new(),
                token: TOKEN.to_owned(),
                tokens_issued: 0,
                token_lifetime: 3600,
                rows_per_page: 3,
                items_per_page: 2,
                recording: Recording::default(),
            }),
        });
        let (stop, stopped) = oneshot::channel();
        let service = handler::router(Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = axum::serve(listener, service) => {}
                    _ = stopped => {}
                }
            });
            // Handlers that sleep on purpose are not waited for.
            runtime.shutdown_background();
        });
        FakeArm { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The origin: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Switches a fault on for every request whose path and query contain `matching` (any case; empty: all requests).
    /// Of several, the first that matches and is not used up strikes.
    pub fn inject(&self, matching: &str, fault: Fault) {
        self.shared.state().faults.push((matching.to_ascii_lowercase(), fault));
    }

    /// Accepts only this token from now on. The token endpoints issue it.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.shared.state().token);
    }

    /// The seconds that issued tokens are said to live; 3600 at first.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.shared.state().token_lifetime = seconds;
    }

    /// How many rows a page of Resource Graph has (3 at first) and how many items a page of a list (2 at first).
    pub fn set_page_sizes(&self, rows: usize, items: usize) {
        let mut state = self.shared.state();
        state.rows_per_page = rows.max(1);
        state.items_per_page = items.max(1);
    }

    /// How many tokens the token endpoints have issued.
    pub fn tokens_issued(&self) -> usize {
        self.shared.state().tokens_issued
    }

    /// A resource or an identity as it is now.
    pub fn resource(&self, id: &str) -> Option<serde_json::Value> {
        let state = self.shared.state();
        let is_asked = |resource: &&serde_json::Value| {
            resource["id"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(id))
        };
        state.estate.resources.iter().find(is_asked).cloned()
    }

    /// What was asked until now.
    pub fn recording(&self) -> Recording {
        self.shared.state().recording.clone()
    }
}

impl Drop for FakeArm {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended by itself; then nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread shows in the test as failed requests.
            let _ = thread.join();
        }
    }
}
