//! Which API a request is for, by its method and path.
//!
//! *Invariant (nothing passes unread):* a path that is not in the table has no [`Api`], and the gate refuses it. Each API in
//! the table says what its bodies are ([`Api::request`], [`Api::response`]), and a test plants an attack in each.
//!
//! Forms of URLs: OpenAI's `/v1/...`; Azure OpenAI's classic `/openai/deployments/NAME/...?api-version=` and
//! `/openai/v1/...`; Anthropic's `/v1/messages`; Ollama's `/api/...`.

use serde::Serialize;

/// Whose manner of speaking a request has: it decides headers of credentials, streams and refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `/v1/...` as OpenAI has it, which many servers speak.
    OpenAi,
    /// `/openai/deployments/...` of Azure OpenAI.
    AzureClassic,
    /// `/openai/v1/...` of Azure OpenAI.
    AzureV1,
    /// Anthropic's Messages API.
    Anthropic,
    /// Ollama's own API.
    Ollama,
}

impl Dialect {
    /// Clients of Azure's forms expect its annotations.
    pub fn is_azure(self) -> bool {
        matches!(self, Dialect::AzureClassic | Dialect::AzureV1)
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json,
    /// JSON, or a stream of events where the request asks for one.
    Streaming,
    /// `multipart/form-data`: fields that are texts, and files.
    Form,
    /// Bytes that nothing here can look into.
    Opaque,
    /// JSON or plain text, as the request asks.
    Text,
}

macro_rules! apis {
    ($($(#[$doc:meta])* $name:ident $word:literal $request:ident $response:ident;)*) => {
        /// An API of a language model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub enum Api { $($(#[$doc])* #[serde(rename = $word)] $name,)* }

        impl Api {
            /// All of them.
            pub const ALL: &'static [Api] = &[$(Api::$name,)*];

            /// A short name for logs and policies.
            pub fn as_str(self) -> &'static str {
                match self { $(Api::$name => $word,)* }
            }

            /// What requests carry.
            pub fn request(self) -> Body {
                match self { $(Api::$name => Body::$request,)* }
            }

            /// What answers carry.
            pub fn response(self) -> Body {
                match self { $(Api::$name => Body::$response,)* }
            }
        }
    };
}

apis! {
    /// `POST chat/completions`
    Chat "chat" Json Streaming;
    /// `POST completions`
    Completions "completions" Json Streaming;
    /// `POST responses`
    Responses "responses" Json Streaming;
    /// `GET responses/ID`, its input items, and `POST responses/ID/cancel`: what was kept at the provider
    StoredResponse "stored-response" Empty Streaming;
    /// `DELETE responses/ID`
    ForgottenResponse "forgotten-response" Empty Json;
    /// `POST embeddings`
    Embeddings "embeddings" Json Json;
    /// `POST moderations`
    Moderations "moderations" Json Json;
    /// `GET models` and `GET models/ID`
    Models "models" Empty Json;
    /// `POST images/generations`
    ImageGenerations "image-generations" Json Streaming;
    /// `POST images/edits`
    ImageEdits "image-edits" Form Streaming;
    /// `POST images/variations`
    ImageVariations "image-variations" Form Json;
    /// `POST audio/speech`
    Speech "speech" Json Opaque;
    /// `POST audio/transcriptions`
    Transcriptions "transcriptions" Form Text;
    /// `POST audio/translations`
    Translations "translations" Form Text;
    /// Anthropic's `POST messages`
    Messages "messages" Json Streaming;
    /// Anthropic's `POST messages/count_tokens`
    CountTokens "count-tokens" Json Json;
    /// Ollama's `POST chat`
    OllamaChat "ollama-chat" Json Streaming;
    /// Ollama's `POST generate`
    OllamaGenerate "ollama-generate" Json Streaming;
    /// Ollama's `POST embed` and `POST embeddings`
    OllamaEmbed "ollama-embed" Json Json;
    /// Ollama's `GET tags`, `GET ps`, `GET version`
    OllamaModels "ollama-models" Empty Json;
    /// Ollama's `POST show`
    OllamaShow "ollama-show" Json Json;
}

impl Api {
    /// Whether a model is asked: such requests are authorised for a model, and metered.
    pub fn invokes(self) -> bool {
        !matches!(
            self,
            Api::Models | Api::OllamaModels | Api::OllamaShow | Api::StoredResponse | Api::ForgottenResponse
        )
    }

    /// Whether its streams are lines of JSON instead of server-sent events.
    pub fn streams_lines(self) -> bool {
        matches!(self, Api::OllamaChat | Api::OllamaGenerate)
    }

    /// Whether it streams unless it is told not to, as Ollama does.
    pub fn streams_by_default(self) -> bool {
        self.streams_lines()
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What is asked.
    pub api: Api,
    /// In which manner.
    pub dialect: Dialect,
    /// The deployment or the model that the path names.
    pub deployment: Option<String>,
    /// The path below the base of an API: `chat/completions`.
    pub tail: String,
}

/// The API of a method and a path (without its query).
///
/// ```
/// use castellan_wire::{Api, Dialect, route};
///
/// let route = route("POST", "/openai/deployments/gpt-4o/chat/completions").unwrap();
/// assert_eq!((route.api, route.dialect, route.deployment.as_deref()), (Api::Chat, Dialect::AzureClassic, Some("gpt-4o")));
/// ```
pub fn route(method: &str, path: &str) -> Option<Route> {
    // What is encoded, doubled or goes upwards is read differently by different servers.
    if path.contains(['%', '\\', ';'])
        || path.contains("//")
        || path.split('/').any(|step| step == "." || step == "..")
    {
        return None;
    }
    let path = path.trim_end_matches('/');
    if let Some(tail) = path.strip_prefix("/openai/deployments/") {
        let (deployment, tail) = tail.split_once('/')?;
        let api = openai(method, tail).filter(|api| !matches!(api, Api::Models))?;
        return Some(made(api, Dialect::AzureClassic, Some(deployment), tail));
    }
    if let Some(tail) = path.strip_prefix("/openai/v1/") {
        return Some(made(openai(method, tail)?, Dialect::AzureV1, None, tail));
    }
    if let Some(tail) = path.strip_prefix("/openai/") {
        return Some(made(openai(method, tail)?, Dialect::AzureClassic, None, tail));
    }
    if let Some(tail) = path.strip_prefix("/anthropic/v1/").or_else(|| path.strip_prefix("/v1/")) {
        let anthropic = match (method, tail) {
            ("POST", "messages") => Some(Api::Messages),
            ("POST", "messages/count_tokens") => Some(Api::CountTokens),
            _ => None,
        };
        if let Some(api) = anthropic {
            return Some(made(api, Dialect::Anthropic, None, tail));
        }
    }
    if let Some(tail) = path.strip_prefix("/v1/") {
        return Some(made(openai(method, tail)?, Dialect::OpenAi, None, tail));
    }
    let tail = path.strip_prefix("/api/")?;
    Some(made(ollama(method, tail)?, Dialect::Ollama, None, tail))
}

/// Whether a path is of an API that speaks over a connection of its own (WebSocket, WebRTC), of which nothing could be looked at:
/// OpenAI's realtime API, its sessions, secrets and calls, in each form of URLs.
///
/// ```
/// use castellan_wire::is_realtime;
///
/// assert!(is_realtime("/v1/realtime") && is_realtime("/openai/v1/realtime/client_secrets"));
/// assert!(!is_realtime("/v1/responses"));
/// ```
pub fn is_realtime(path: &str) -> bool {
    let bases = ["/openai/v1/", "/openai/", "/v1/"];
    let tail = bases.iter().find_map(|base| path.strip_prefix(base)).unwrap_or_default();
    let step = tail.split('/').next().unwrap_or_default();
    matches!(step, "realtime" | "realtimeapi" | "live")
}

fn made(api: Api, dialect: Dialect, deployment: Option<&str>, tail: &str) -> Route {
    Route { api, dialect, deployment: deployment.map(str::to_owned), tail: tail.to_owned() }
}

fn openai(method: &str, tail: &str) -> Option<Api> {
    let api = match (method, tail) {
        ("POST", "chat/completions") => Api::Chat,
        ("POST", "completions") => Api::Completions,
        ("POST", "responses") => Api::Responses,
        ("POST", "embeddings") => Api::Embeddings,
        ("POST", "moderations") => Api::Moderations,
        ("GET", "models") => Api::Models,
        ("POST", "images/generations") => Api::ImageGenerations,
        ("POST", "images/edits") => Api::ImageEdits,
        ("POST", "images/variations") => Api::ImageVariations,
        ("POST", "audio/speech") => Api::Speech,
        ("POST", "audio/transcriptions") => Api::Transcriptions,
        ("POST", "audio/translations") => Api::Translations,
        _ => return stored(method, tail),
    };
    Some(api)
}

fn stored(method: &str, tail: &str) -> Option<Api> {
    let steps: Vec<&str> = tail.split('/').collect();
    match (method, steps.as_slice()) {
        ("GET", ["models", _]) => Some(Api::Models),
        ("GET", ["responses", _] | ["responses", _, "input_items"])
        | ("POST", ["responses", _, "cancel"]) => Some(Api::StoredResponse),
        ("DELETE", ["responses", _]) => Some(Api::ForgottenResponse),
        _ => None,
    }
}

fn ollama(method: &str, tail: &str) -> Option<Api> {
    match (method, tail) {
        ("POST", "chat") => Some(Api::OllamaChat),
        ("POST", "generate") => Some(Api::OllamaGenerate),
        ("POST", "embed" | "embeddings") => Some(Api::OllamaEmbed),
        ("GET", "tags" | "ps" | "version") => Some(Api::OllamaModels),
        ("POST", "show") => Some(Api::OllamaShow),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: Option<(Api, Dialect)>) {
        assert_eq!(route(method, path).map(|route| (route.api, route.dialect)), expected, "{method} {path}");
    }

    #[test]
    fn forms_of_urls() {
        check("POST", "/v1/chat/completions", Some((Api::Chat, Dialect::OpenAi)));
        check("POST", "/openai/v1/responses", Some((Api::Responses, Dialect::AzureV1)));
        check("POST", "/openai/deployments/d/embeddings", Some((Api::Embeddings, Dialect::AzureClassic)));
        check("POST", "/openai/responses", Some((Api::Responses, Dialect::AzureClassic)));
        check("POST", "/v1/messages", Some((Api::Messages, Dialect::Anthropic)));
        check("POST", "/anthropic/v1/messages/count_tokens", Some((Api::CountTokens, Dialect::Anthropic)));
        check("POST", "/api/chat", Some((Api::OllamaChat, Dialect::Ollama)));
        check("GET", "/v1/models/gpt-4o", Some((Api::Models, Dialect::OpenAi)));
        check("GET", "/v1/responses/resp_1/input_items", Some((Api::StoredResponse, Dialect::OpenAi)));
    }

    #[test]
    fn what_is_not_in_the_table_has_no_api() {
        for (method, path) in [
            ("GET", "/v1/chat/completions"),
            ("POST", "/v1/files"),
            ("POST", "/v1/assistants"),
            ("POST", "/v1/threads/t/messages"),
            ("POST", "/v1/responses/../files"),
            ("POST", "/v1//chat/completions"),
            ("POST", "/v1/chat%2fcompletions"),
            ("POST", "/api/pull"),
            ("DELETE", "/api/delete"),
            ("POST", "/"),
        ] {
            check(method, path, None);
        }
    }
}
