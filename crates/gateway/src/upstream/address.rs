//! Addresses at upstreams: what the client asked for, in the form of a member.
//!
//! *Invariant (hosts come from configuration):* a client gives a path below a known root and a query, which are checked
//! before they are joined to a member's own scheme, host and base path. Nothing of the client reaches the authority.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::config::Form;
use super::error::UpstreamError;

/// Longest path and query together, in bytes.
const LONGEST: usize = 8 << 10;

/// Operations that Azure's classic form has below a deployment.
const OF_DEPLOYMENTS: [&str; 9] = [
    "completions",
    "chat/completions",
    "embeddings",
    "audio/transcriptions",
    "audio/translations",
    "audio/speech",
    "images/generations",
    "images/edits",
    "images/variations",
];

/// What a client asked for, without the form it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The path below the root, as `chat/completions`.
    rest: &'a str,
    /// The query without `api-version`.
    query: String,
    /// Below `/api/`, which Ollama alone has.
    is_ollama: bool,
}

impl<'a> Target<'a> {
    /// Reads a path and query in any of the forms: `/v1/...`, `/openai/v1/...`, `/openai/deployments/NAME/...`,
    /// `/openai/...`, `/anthropic/v1/...`, `/api/...`.
    pub(super) fn read(path: &'a str) -> Result<Target<'a>, UpstreamError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        check(path, query)?;
        let is_ollama = path.starts_with("/api/");
        let rest = if let Some(below) = path.strip_prefix("/openai/deployments/") {
            below.split_once('/').map(|(_, rest)| rest)
        } else {
            ["/api/", "/v1/", "/openai/v1/", "/openai/", "/anthropic/v1/"]
                .into_iter()
                .find_map(|root| path.strip_prefix(root))
        };
        let rest = rest.filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(UpstreamError::Path("it is below none of the known roots"))?;
        let kept: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().starts_with("api-version="))
            .collect();
        Ok(Target { rest, query: kept.join("&"), is_ollama })
    }

    /// True when the same request can be sent twice without a second effect: what only makes text or numbers.
    pub(super) fn is_repeatable(&self) -> bool {
        if self.is_ollama {
            return matches!(
                self.rest,
                "chat" | "generate" | "embed" | "embeddings" | "tags" | "show" | "version"
            );
        }
        OF_DEPLOYMENTS.contains(&self.rest)
            || matches!(
                self.rest,
                "responses" | "moderations" | "messages" | "messages/count_tokens" | "models"
            )
    }
}

fn check(path: &str, query: &str) -> Result<(), UpstreamError> {
    if path.len() + query.len() > LONGEST {
        return Err(UpstreamError::Path("it is too long"));
    }
    if path.bytes().chain(query.bytes()).any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'#' | b'\\'))
    {
        return Err(UpstreamError::Path("it has characters that a path does not have"));
    }
    let lower = path.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%25", "%00", "//", "?"].iter().any(|part| lower.contains(part))
        || path.split('/').any(|segment| segment == ".." || segment == ".")
    {
        return Err(UpstreamError::Path("it goes up, or hides a separator"));
    }
    Ok(())
}

/// Where a member is.
#[derive(Clone, Debug)]
pub(super) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
}

impl Base {
    /// The host and the port.
    pub(super) fn server(&self) -> (String, u16) {
        let usual = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        (self.authority.host().to_owned(), self.authority.port_u16().unwrap_or(usual))
    }

    /// Reads a base address from configuration.
    pub(super) fn read(url: &str) -> Result<Base, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "it cannot be read as a URL")?;
        let scheme = uri.scheme().filter(|scheme| **scheme == Scheme::HTTP || **scheme == Scheme::HTTPS);
        let scheme = scheme.ok_or("it must begin with `https://` or `http://`")?.clone();
        let authority = uri.authority().ok_or("it names no host")?.clone();
        if authority.as_str().contains('@') {
            return Err("it holds a user; credentials are references");
        }
        if uri.query().is_some() {
            return Err("it has a query");
        }
        Ok(Base { scheme, authority, path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The base with this path and query after it.
    pub(super) fn join(&self, path_and_query: &str) -> Option<Uri> {
        let whole = format!("{}{path_and_query}", self.path);
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::try_from(whole).ok()?)
            .build()
            .ok()
    }

    /// The address for what a client asked, in a member's form.
    pub(super) fn address(
        &self,
        form: Form,
        target: &Target<'_>,
        model: Option<&str>,
        api_version: &str,
    ) -> Result<Uri, UpstreamError> {
        if target.is_ollama && form != Form::Ollama {
            return Err(UpstreamError::Path(
                "the model is not served by Ollama, and `/api/` is Ollama's own",
            ));
        }
        let rest = target.rest;
        let (path, version) = match form {
            Form::OpenAi => (format!("/{rest}"), None),
            Form::Anthropic => (format!("/v1/{rest}"), None),
            Form::AzureV1 => (format!("/openai/v1/{rest}"), None),
            Form::Ollama if target.is_ollama => (format!("/api/{rest}"), None),
            Form::Ollama => (format!("/v1/{rest}"), None),
            Form::Azure if OF_DEPLOYMENTS.contains(&rest) => {
                let deployment = escape(model.unwrap_or_default());
                (format!("/openai/deployments/{deployment}/{rest}"), Some(api_version))
            }
            Form::Azure => (format!("/openai/{rest}"), Some(api_version)),
        };
        let version = version.map(|version| format!("api-version={version}"));
        let query: Vec<&str> =
            [version.as_deref(), Some(target.query.as_str()).filter(|query| !query.is_empty())]
                .into_iter()
                .flatten()
                .collect();
        let joined = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        self.join(&joined).ok_or(UpstreamError::Path("it makes no URL"))
    }
}

/// A name as one segment of a path (RFC 3986, unreserved characters kept).
pub(super) fn escape(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(form: Form, path: &str, expected: &str) {
        let base = Base::read("https://host.example/base/").unwrap();
        let found =
            Target::read(path).and_then(|target| base.address(form, &target, Some("m/1"), "2024-10-21"));
        let found = found.map_or_else(|error| error.kind().to_owned(), |uri| uri.to_string());
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn forms() {
        let base = "https://host.example/base";
        check(Form::OpenAi, "/v1/chat/completions", &format!("{base}/chat/completions"));
        check(
            Form::Azure,
            "/v1/chat/completions?x=1",
            &format!("{base}/openai/deployments/m%2F1/chat/completions?api-version=2024-10-21&x=1"),
        );
        check(
            Form::Azure,
            "/openai/v1/responses",
            &format!("{base}/openai/responses?api-version=2024-10-21"),
        );
        check(
            Form::AzureV1,
            "/openai/deployments/d/embeddings?api-version=2023-05-15",
            &format!("{base}/openai/v1/embeddings"),
        );
        check(Form::Anthropic, "/v1/messages", &format!("{base}/v1/messages"));
        check(Form::Ollama, "/api/chat", &format!("{base}/api/chat"));
        check(Form::Ollama, "/v1/models", &format!("{base}/v1/models"));
        check(Form::OpenAi, "/api/chat", "path");
    }

    #[test]
    fn paths_that_lead_elsewhere() {
        for path in [
            "/v1/../admin",
            "/v1/%2e%2e/x",
            "/v1//x",
            "/v1/a%2fb",
            "/v1/a\\b",
            "/admin",
            "/v1/",
            "/v1/./x",
            "/v1/a b",
        ] {
            check(Form::OpenAi, path, "path");
        }
    }

    #[test]
    fn bases() {
        for url in ["ftp://x", "x", "https://user@host", "https://host?x=1", "/v1"] {
            assert!(Base::read(url).is_err(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn the_host_is_never_the_clients(path in "[ -~]{0,40}") {
            let base = Base::read("https://host.example:8443/b").unwrap();
            if let Ok(target) = Target::read(&format!("/v1/{path}"))
                && let Ok(uri) = base.address(Form::OpenAi, &target, None, "v") {
                prop_assert_eq!(uri.authority().unwrap().as_str(), "host.example:8443");
                prop_assert!(uri.path().starts_with("/b/"));
            }
        }
    }
}
