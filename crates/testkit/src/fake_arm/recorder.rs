//! What the fake server saw.

use std::time::Instant;

/// One request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The body as text.
    pub body: String,
    /// The `authorization` header, if there was one.
    pub authorization: Option<String>,
    /// The `user-agent` header, if there was one.
    pub user_agent: Option<String>,
    /// When it arrived.
    pub at: Instant,
    /// The status of the answer; 0 while there is none.
    pub status: u16,
}

/// All requests until now.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The requests in the order of arrival.
    pub requests: Vec<Recorded>,
    /// How many are being answered.
    pub under_way: usize,
    /// The most that were ever answered at once.
    pub most_under_way: usize,
}

impl Recording {
    /// The requests whose path and query contain a text, in any case.
    pub fn matching(&self, text: &str) -> Vec<&Recorded> {
        let text = text.to_ascii_lowercase();
        self.requests.iter().filter(|request| request.target.to_ascii_lowercase().contains(&text)).collect()
    }
}
