//! The header `Prefer`: how long to wait, and what to say beside the rows.

use std::time::Duration;

use axum::http::HeaderMap;

use crate::queries::Fault;

/// What a client prefers. What is not known is not done, as RFC 7240 has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefer {
    /// How long the query may run.
    pub(super) wait: Option<Duration>,
    /// Whether to say what it took.
    pub(super) statistics: bool,
    /// Whether to say how the result is drawn.
    pub(super) render: bool,
}

/// The longest that a query may be waited for, in seconds.
const LONGEST: u64 = 600;

impl Prefer {
    /// Errors: a time to wait that is none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Prefer, Fault> {
        let mut prefer = Prefer::default();
        for header in headers.get_all("prefer") {
            let text = header.to_str().map_err(|_| Fault::bad("the header `Prefer` is no text"))?;
            prefer.read(text)?;
        }
        Ok(prefer)
    }

    /// Adds what one header says.
    ///
    /// Errors: a time to wait that is none.
    pub(super) fn read(&mut self, text: &str) -> Result<(), Fault> {
        for part in text.split([',', ';']) {
            let (name, value) = part.split_once('=').unwrap_or((part, "true"));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            let is_true = value.eq_ignore_ascii_case("true");
            match name.as_str() {
                "wait" => self.wait = Some(wait(value)?),
                "include-statistics" => self.statistics = is_true,
                "include-render" => self.render = is_true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn wait(value: &str) -> Result<Duration, Fault> {
    match value.parse::<u64>() {
        Ok(seconds) if (1..=LONGEST).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => {
            let message = format!("`wait={value}` is no time to wait; say seconds from 1 to {LONGEST}");
            Err(Fault::bad(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Prefer;

    #[test]
    fn preferences() {
        let read = |text: &str| {
            let mut prefer = Prefer::default();
            prefer.read(text).map(|()| prefer).ok()
        };
        let all = Prefer { wait: Some(Duration::from_secs(20)), statistics: true, render: true };
        assert_eq!(read("wait=20,include-statistics=true,include-render=true"), Some(all));
        assert_eq!(
            read("wait=20; ai.response-thinning=false, include-statistics, Include-Render=TRUE"),
            Some(all)
        );
        assert_eq!(read("respond-async"), Some(Prefer::default()));
        assert_eq!(read(""), Some(Prefer::default()));
        for wrong in ["wait=0", "wait=601", "wait", "wait=-1", "wait=ten"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
