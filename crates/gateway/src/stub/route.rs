//! Which operation of which API a path names.

use http::Method;

/// What is asked of the stub.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Chat,
    Completion,
    Response,
    Embedding,
    Moderation,
    Models,
    Model(String),
    Message,
    CountTokens,
    OllamaChat,
    OllamaGenerate,
    OllamaEmbed,
    OllamaTags,
    OllamaVersion,
}

/// Whose shape errors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    OpenAi,
    Anthropic,
    Ollama,
}

impl Operation {
    pub(super) fn family(&self) -> Family {
        match self {
            Operation::Message | Operation::CountTokens => Family::Anthropic,
            Operation::OllamaChat
            | Operation::OllamaGenerate
            | Operation::OllamaEmbed
            | Operation::OllamaTags
            | Operation::OllamaVersion => Family::Ollama,
            _ => Family::OpenAi,
        }
    }

    /// The operation that a request names; `None` when there is none.
    pub(super) fn find(method: &Method, path: &str, query: &str) -> Option<Operation> {
        if let Some(rest) = path.strip_prefix("/api/") {
            return ollama(method, rest);
        }
        if let Some(rest) = path.strip_prefix("/anthropic/v1/") {
            return anthropic(method, rest);
        }
        if let Some(rest) = path.strip_prefix("/openai/v1/") {
            return openai(method, rest);
        }
        if let Some(rest) = path.strip_prefix("/openai/deployments/") {
            let (_, operation) = rest.split_once('/')?;
            return has_version(query).then(|| openai(method, operation))?;
        }
        if let Some(rest) = path.strip_prefix("/openai/") {
            return has_version(query).then(|| openai(method, rest))?;
        }
        let rest = path.strip_prefix("/v1/")?;
        anthropic(method, rest).or_else(|| openai(method, rest))
    }
}

/// The classic form of Azure OpenAI wants a version in the query, and answers 404 without one.
fn has_version(query: &str) -> bool {
    query.split('&').any(|pair| pair.strip_prefix("api-version=").is_some_and(|version| !version.is_empty()))
}

fn anthropic(method: &Method, rest: &str) -> Option<Operation> {
    match (method, rest) {
        (&Method::POST, "messages") => Some(Operation::Message),
        (&Method::POST, "messages/count_tokens") => Some(Operation::CountTokens),
        _ => None,
    }
}

fn openai(method: &Method, rest: &str) -> Option<Operation> {
    if method == Method::GET {
        return match rest {
            "models" => Some(Operation::Models),
            _ => rest.strip_prefix("models/").map(|name| Operation::Model(name.to_owned())),
        };
    }
    match (method, rest) {
        (&Method::POST, "chat/completions") => Some(Operation::Chat),
        (&Method::POST, "completions") => Some(Operation::Completion),
        (&Method::POST, "responses") => Some(Operation::Response),
        (&Method::POST, "embeddings") => Some(Operation::Embedding),
        (&Method::POST, "moderations") => Some(Operation::Moderation),
        _ => None,
    }
}

fn ollama(method: &Method, rest: &str) -> Option<Operation> {
    match (method, rest) {
        (&Method::POST, "chat") => Some(Operation::OllamaChat),
        (&Method::POST, "generate") => Some(Operation::OllamaGenerate),
        (&Method::POST, "embed" | "embeddings") => Some(Operation::OllamaEmbed),
        (&Method::GET, "tags") => Some(Operation::OllamaTags),
        (&Method::GET, "version") => Some(Operation::OllamaVersion),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, target: &str, expected: Option<Operation>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        assert_eq!(Operation::find(&method, path, query), expected, "{method} {target}");
    }

    #[test]
    fn paths_name_operations() {
        check(Method::POST, "/v1/chat/completions", Some(Operation::Chat));
        check(Method::GET, "/v1/chat/completions", None);
        check(Method::POST, "/openai/v1/responses", Some(Operation::Response));
        check(Method::POST, "/openai/deployments/a/chat/completions?api-version=1", Some(Operation::Chat));
        check(Method::POST, "/openai/deployments/a/chat/completions", None);
        check(Method::GET, "/v1/models/gpt-5", Some(Operation::Model("gpt-5".to_owned())));
        check(Method::POST, "/v1/messages", Some(Operation::Message));
        check(Method::POST, "/api/chat", Some(Operation::OllamaChat));
        check(Method::POST, "/elsewhere", None);
    }
}
