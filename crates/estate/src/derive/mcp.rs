//! `Castellan.AI/mcpServers`: the servers of an MCP configuration.

use castellan_base::{Node, Resource};

use crate::mcp::CONFIGURATION;
use crate::recognise::mcp_servers;
use crate::shape::{ObjectBuilder, derived, items, text};

pub(super) fn derive(resource: &Resource, into: &mut Vec<Resource>) {
    if !resource.is_type(CONFIGURATION) {
        return;
    }
    let servers = resource.at_path("properties").and_then(mcp_servers).and_then(Node::as_object);
    for member in servers.into_iter().flatten() {
        let mut server = derived(resource, "mcpServers", &member.key, describe(&member.key, &member.value));
        server.span = member.value.span;
        into.push(server);
    }
}

fn describe(name: &str, server: &Node) -> Node {
    let url = ["url", "serverUrl", "httpUrl"].iter().find_map(|key| text(server, key));
    let declared = text(server, "type").or_else(|| text(server, "transport")).map(str::to_ascii_lowercase);
    let transport = match (declared.as_deref(), url) {
        (Some("sse"), _) => "sse",
        (Some("http" | "streamable-http" | "streamablehttp" | "streamable_http"), _) => "http",
        (Some("stdio"), _) | (None, None) => "stdio",
        (_, Some(url)) if url.trim_end_matches('/').ends_with("/sse") => "sse",
        (_, Some(_)) => "http",
        (Some(_), None) => "stdio",
    };
    let mut object = ObjectBuilder::at(server.span)
        .text("name", name)
        .text("transport", transport)
        .text_if("url", url)
        .copy("command", server.get("command"))
        .copy("args", server.get("args"));
    let allowed =
        ["allowedTools", "allowed_tools", "autoApproveTools", "tools"].iter().find_map(|key| server.get(key));
    object = object.copy("allowedTools", allowed.filter(|tools| tools.as_array().is_some()));
    if let Some(url) = url {
        object = object.flag("tls", is_encrypted(url)).flag("remote", !is_local(url));
    } else {
        let fetched = package(server);
        // A program that lies on the machine is what it is; a package is fetched again at every start.
        let pinned = fetched.as_ref().is_none_or(|fetched| fetched.pinned);
        object = object
            .text_if("package", fetched.map(|fetched| fetched.name))
            .flag("pinned", pinned)
            .flag("remote", false);
    }
    object.flag("hasStoredSecret", has_stored_secret(server, url)).build()
}

fn is_encrypted(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("wss://")
}

fn is_local(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host.starts_with("127.") || host == "[::1]" || host.ends_with(".localhost")
}

/// The host of a URL, in lower case.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let without_port = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    };
    without_port.to_ascii_lowercase()
}

/// A package that a runner fetches.
struct Package {
    name: String,
    pinned: bool,
}

fn package(server: &Node) -> Option<Package> {
    let command = text(server, "command")?;
    let program = command.rsplit(['/', '\\']).next().unwrap_or(command).to_ascii_lowercase();
    let program = program.trim_end_matches(".exe").trim_end_matches(".cmd");
    let arguments: Vec<&str> = items(server, "args").iter().filter_map(Node::as_str).collect();
    match program {
        "npx" | "bunx" | "pnpx" => named(&arguments, &["--package", "-p"], npm_pinned),
        "uvx" | "pipx" => named(&skip_words(&arguments, &["run"]), &["--from", "--spec"], pypi_pinned),
        "uv" => named(&skip_words(&arguments, &["tool", "run"]), &["--from", "--with"], pypi_pinned),
        "pnpm" | "yarn" | "npm" => {
            named(&skip_words(&arguments, &["dlx", "exec", "x"]), &["--package"], npm_pinned)
        }
        "docker" | "podman" => image(&skip_words(&arguments, &["run"])),
        _ => None,
    }
}

fn skip_words<'a>(arguments: &[&'a str], words: &[&str]) -> Vec<&'a str> {
    arguments.iter().copied().skip_while(|argument| words.contains(argument)).collect()
}

fn named(arguments: &[&str], options: &[&str], pinned: fn(&str) -> bool) -> Option<Package> {
    let after_option = arguments
        .iter()
        .position(|argument| options.contains(argument))
        .and_then(|position| arguments.get(position + 1));
    let first = || arguments.iter().find(|argument| !argument.starts_with('-'));
    let name = after_option.or_else(first)?;
    Some(Package { name: (*name).to_owned(), pinned: pinned(name) })
}

/// `package@1.2.3`, not `package`, `package@latest` or a range.
fn npm_pinned(name: &str) -> bool {
    let version = name.char_indices().skip(1).find(|(_, character)| *character == '@');
    version.and_then(|(at, _)| name.get(at + 1..)).is_some_and(is_exact_version)
}

fn pypi_pinned(name: &str) -> bool {
    let version = name.split_once("==").or_else(|| name.split_once('@')).map(|(_, version)| version);
    version
        .is_some_and(|version| is_exact_version(version) || version.rsplit('@').next().is_some_and(is_commit))
}

fn is_exact_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_digit())
        && version.contains('.')
        && !version.contains(['*', 'x', 'X', ' ', '|'])
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The image of `docker run`: the first argument that is neither an option nor an option's value.
fn image(arguments: &[&str]) -> Option<Package> {
    const WITH_VALUE: [&str; 14] = [
        "-e",
        "--env",
        "-v",
        "--volume",
        "--mount",
        "-p",
        "--publish",
        "--name",
        "--network",
        "--env-file",
        "-u",
        "--user",
        "-w",
        "--platform",
    ];
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if WITH_VALUE.contains(argument) {
            arguments.next();
        } else if !argument.starts_with('-') {
            return Some(Package { name: (*argument).to_owned(), pinned: argument.contains("@sha256:") });
        }
    }
    None
}

/// True when the configuration holds a secret as text rather than a reference to one.
fn has_stored_secret(server: &Node, url: Option<&str>) -> bool {
    let in_maps = ["env", "headers"].iter().filter_map(|key| server.get(key)).any(|map| {
        map.as_object()
            .into_iter()
            .flatten()
            .any(|member| is_secret_name(&member.key) && member.value.as_str().is_some_and(is_literal))
    });
    let arguments: Vec<&str> = items(server, "args").iter().filter_map(Node::as_str).collect();
    let in_arguments =
        arguments.iter().enumerate().any(|(position, argument)| match argument.split_once('=') {
            Some((name, value)) => is_secret_name(name) && is_literal(value),
            None => {
                argument.starts_with("--")
                    && is_secret_name(argument)
                    && arguments
                        .get(position + 1)
                        .is_some_and(|value| !value.starts_with('-') && is_literal(value))
            }
        });
    let in_url = url.is_some_and(|url| {
        let authority =
            url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()).unwrap_or("");
        let credentials =
            authority.split_once('@').is_some_and(|(user, _)| user.contains(':') && is_literal(user));
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let parameter = query.split('&').filter_map(|pair| pair.split_once('='));
        credentials || parameter.into_iter().any(|(name, value)| is_secret_name(name) && is_literal(value))
    });
    in_maps || in_arguments || in_url
}

/// Names that secrets go by.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 12] = [
        "token",
        "secret",
        "password",
        "passwd",
        "api_key",
        "apikey",
        "api-key",
        "authorization",
        "credential",
        "access_key",
        "connection_string",
        "private_key",
    ];
    let lower = name.to_ascii_lowercase();
    // How many tokens a model may use is no secret.
    if lower.contains("max_token") || lower.contains("token_limit") || lower.contains("tokenizer") {
        return false;
    }
    WORDS.iter().any(|word| lower.contains(word))
        || lower.ends_with("_key")
        || lower.ends_with("-key")
        || lower.ends_with("_pat")
        || lower == "key"
        || lower == "x-functions-key"
}

/// True for a text that is itself the secret; false for a reference such as `${TOKEN}`, `$TOKEN`, `{{token}}`.
pub(crate) fn is_literal(value: &str) -> bool {
    let value = value.trim();
    let value = value.strip_prefix("Bearer ").unwrap_or(value).trim();
    let wrapped = |start: &str, end: &str| value.starts_with(start) && value.ends_with(end);
    let is_reference = value.contains("${")
        || value.starts_with('$')
        || value.contains("{{")
        || wrapped("<", ">")
        || wrapped("%", "%");
    !value.is_empty() && !is_reference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(json: serde_json::Value) -> serde_json::Value {
        describe("s", &Node::from_json(&json)).to_json()
    }

    #[test]
    fn what_is_fetched_and_whether_it_can_change() {
        let cases = [
            (serde_json::json!({"command": "npx", "args": ["-y", "@x/mcp"]}), "@x/mcp", false),
            (serde_json::json!({"command": "npx", "args": ["-y", "@x/mcp@1.2.3"]}), "@x/mcp@1.2.3", true),
            (serde_json::json!({"command": "npx", "args": ["x@latest"]}), "x@latest", false),
            (serde_json::json!({"command": "/usr/bin/uvx", "args": ["x==1.2.3"]}), "x==1.2.3", true),
            (serde_json::json!({"command": "uv", "args": ["tool", "run", "x"]}), "x", false),
            (
                serde_json::json!({"command": "docker", "args": ["run", "-i", "-e", "A=b", "i:1"]}),
                "i:1",
                false,
            ),
        ];
        for (json, name, pinned) in cases {
            let found = server(json.clone());
            assert_eq!(
                (found["package"].as_str(), found["pinned"].as_bool()),
                (Some(name), Some(pinned)),
                "{json}"
            );
        }
        let local = server(serde_json::json!({"command": "node", "args": ["server.js"]}));
        assert_eq!((local.get("package"), &local["pinned"]), (None, &true.into()));
    }

    #[test]
    fn transport_and_secrets() {
        let found = server(
            serde_json::json!({"url": "http://h.example:8080/sse", "headers": {"Authorization": "Bearer abc"}}),
        );
        assert_eq!(found["transport"], "sse");
        assert_eq!((&found["tls"], &found["remote"]), (&false.into(), &true.into()));
        assert_eq!(found["hasStoredSecret"], true);
        for reference in ["${input:token}", "Bearer ${TOKEN}", "$TOKEN", "<your token>", ""] {
            let found = server(serde_json::json!({"command": "x", "env": {"API_TOKEN": reference}}));
            assert_eq!(found["hasStoredSecret"], false, "{reference}");
        }
        let found = server(serde_json::json!({"command": "x", "args": ["--api-key", "abc"]}));
        assert_eq!(found["hasStoredSecret"], true);
        assert_eq!(server(serde_json::json!({"url": "https://localhost:1/x"}))["remote"], false);
    }
}
