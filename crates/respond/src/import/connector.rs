//! What calls of connectors come down to.

use castellan_base::Node;

/// A call of a connector.
pub(super) enum Connected {
    /// An action of ours: its name and inputs, as texts of the workflow.
    Action(&'static str, Vec<(&'static str, String)>),
    /// The name of a secret in a key vault.
    Secret(String),
    /// Nothing to do: what it reads is given as variables.
    Given(&'static str),
    /// For a person: why.
    ByHand(String),
}

/// The connector's name in `@parameters('$connections')['azuresentinel']['connectionId']`.
pub(super) fn name(inputs: &Node) -> String {
    let text = inputs.at_path("host.connection.name").and_then(Node::as_str).unwrap_or_default();
    let quoted: Vec<&str> = text.split('\'').collect();
    let after = quoted.iter().position(|part| *part == "$connections").and_then(|at| quoted.get(at + 2));
    let name = after.copied().unwrap_or_default();
    // Templates number their connections: `azuresentinel_1`, `azuresentinel-2`.
    let bare = name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['_', '-']);
    bare.to_ascii_lowercase()
}

/// What a call comes down to.
pub(super) fn connected(name: &str, inputs: &Node) -> Connected {
    let path = inputs.get("path").and_then(Node::as_str).unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let body = |key: &str| {
        let found =
            inputs.at_path(&format!("body.{key}")).or_else(|| inputs.at_path(&format!("body.message.{key}")));
        found.and_then(Node::as_str).map(plain).unwrap_or_default()
    };
    match name {
        "keyvault" if lower.starts_with("/secrets/") => match secret_name(path) {
            Some(secret) => Connected::Secret(secret),
            None => Connected::ByHand("the name of the secret is computed".to_owned()),
        },
        "teams" => {
            let text = [body("messageBody"), body("content"), body("body.content")];
            let text = text.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            chat("teams", body("subject"), text)
        }
        "slack" => {
            let text = inputs.at_path("queries.text").and_then(Node::as_str).unwrap_or_default();
            chat("slack", String::new(), if text.is_empty() { body("text") } else { text.to_owned() })
        }
        "office365" if lower.contains("/mail") => {
            let inputs =
                vec![("connector", "mail".to_owned()), ("title", body("Subject")), ("text", body("Body"))];
            Connected::Action("message.mail", inputs)
        }
        "azuresentinel" if lower.starts_with("/entities/") => {
            Connected::Given("entities are given as variables")
        }
        "azuresentinel" => Connected::ByHand(format!(
            "`{path}` changes the incident in Sentinel; automation rules set status, owner and tags here"
        )),
        "" => Connected::ByHand("the connection has no name".to_owned()),
        other => Connected::ByHand(format!("the connector `{other}` is not mapped")),
    }
}

fn chat(connector: &str, title: String, text: String) -> Connected {
    let title = if title.is_empty() { "Message of a playbook".to_owned() } else { title };
    Connected::Action(
        "message.chat",
        vec![("connector", connector.to_owned()), ("title", title), ("text", text)],
    )
}

/// The name in `/secrets/@{encodeURIComponent('NAME')}/value`.
fn secret_name(path: &str) -> Option<String> {
    let name = path.split('\'').nth(1).or_else(|| path.split('/').nth(2)).unwrap_or_default();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| name.to_owned())
}

/// Texts of mails and chats are HTML; what stands between tags is kept.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut is_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                out.push(' ');
            }
            _ if !is_tag => out.push(letter),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
