//! Tokens and other secrets, kept out of logs by their type.

use std::fmt;
use std::sync::Arc;

/// A token, a client secret or an assertion.
///
/// Invariant (nothing secret is logged): neither `Debug` nor anything else but [`Secret::reveal`] shows the text, and
/// only requests reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret of this text, white space around it removed.
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the secret replaced, for messages that a service wrote.
    pub(super) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "[redacted]") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        let secret = Secret::new(" eyJ0 \n");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
        assert_eq!(secret.redact("bad token eyJ0"), "bad token [redacted]");
        assert_eq!(secret.reveal(), "eyJ0");
    }
}
