//! Agents and targets (CACAO 2.0 section 7) and how they are authenticated to (section 6).

use std::collections::BTreeMap;

use castellan_base::{Node, Object};

use super::extension;
use super::reader::{Reader, member};
use super::text::Text;

/// An agent or a target.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its id.
    pub id: String,
    /// `http-api`, `individual` and so on.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its address for HTTP, with scheme: of `url`, otherwise made of `dname` or `ipv4` and `port`.
    pub address: Option<Text>,
    /// The id of its authentication.
    pub authentication: Option<String>,
    /// The configured connector that stands for it.
    pub connector: Option<String>,
}

/// A way to authenticate.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// RFC 7617.
    Basic {
        /// The user.
        user: Text,
        /// The password: a variable of type `secret`.
        password: Text,
    },
    /// A token in a header.
    Token {
        /// The header.
        header: String,
        /// The token: a variable of type `secret`.
        token: Text,
    },
    /// Anything else, which a run refuses.
    Other(String),
}

pub(crate) fn read_all(node: Option<&Node>, what: &str, reader: &mut Reader) -> BTreeMap<String, Party> {
    let mut parties = BTreeMap::new();
    let Some(given) = node.and_then(|node| reader.object(node, &format!("`{what}`"))) else { return parties };
    for entry in given {
        if !super::is_identifier(&entry.key) {
            reader.error(entry.key_span, format!("`{}` is no identifier", entry.key), "write TYPE--UUID");
        }
        if let Some(party) = read(&entry.key, &entry.value, reader) {
            parties.insert(entry.key.to_string(), party);
        }
    }
    parties
}

fn read(id: &str, node: &Node, reader: &mut Reader) -> Option<Party> {
    let object = reader.object(node, "an agent or target")?;
    let kind = reader.required(object, "type", node.span)?;
    let name = reader.required(object, "name", node.span).unwrap_or_default();
    let extensions = member(object, "agent_target_extensions").and_then(Node::as_object);
    let connector = extensions.and_then(|extensions| member(extensions, extension::CONNECTOR));
    let connector = connector.and_then(|node| node.as_object());
    Some(Party {
        id: id.to_owned(),
        kind,
        name,
        address: address(object, reader),
        authentication: reader.text(object, "authentication_info"),
        connector: connector.and_then(|connector| reader.text(connector, "connector")),
    })
}

fn address(object: &Object, reader: &mut Reader) -> Option<Text> {
    let address = reader.object(member(object, "address")?, "`address`")?;
    if let Some(url) = reader.texts(address, "url").first() {
        return Some(Text::parse(url));
    }
    let hosts: Vec<String> =
        ["dname", "ipv4", "ipv6"].iter().flat_map(|key| reader.texts(address, key)).collect();
    let host = hosts.first()?;
    let port = reader.text(object, "port");
    // Port 80 is CACAO's default; whatever is not said to be plain HTTP is asked over TLS.
    let host = if host.contains(':') && !host.contains("__") { format!("[{host}]") } else { host.clone() };
    let text = match port.as_deref() {
        Some("80") => format!("http://{host}"),
        Some(port) => format!("https://{host}:{port}"),
        None => format!("https://{host}"),
    };
    Some(Text::parse(&text))
}

pub(crate) fn read_authentications(
    node: Option<&Node>,
    reader: &mut Reader,
) -> BTreeMap<String, Authentication> {
    let mut found = BTreeMap::new();
    let Some(given) = node.and_then(|node| reader.object(node, "`authentication_info_definitions`")) else {
        return found;
    };
    for entry in given {
        let Some(object) = reader.object(&entry.value, "an authentication") else { continue };
        let Some(kind) = reader.required(object, "type", entry.value.span) else { continue };
        let authentication = match kind.as_str() {
            "http-basic" => Authentication::Basic {
                user: Text::parse(&reader.text(object, "user_id").unwrap_or_default()),
                password: secret(object, "password", reader),
            },
            "oauth2" => Authentication::Token {
                header: reader.required(object, "oauth_header", entry.value.span).unwrap_or_default(),
                token: secret(object, "token", reader),
            },
            other => Authentication::Other(other.to_owned()),
        };
        found.insert(entry.key.to_string(), authentication);
    }
    found
}

/// A secret of an authentication: a variable. A secret that is written out is told, since playbooks are shared.
fn secret(object: &Object, key: &str, reader: &mut Reader) -> Text {
    let Some(node) = member(object, key) else { return Text::parse("") };
    let text = reader.text_of(node, &format!("`{key}`")).unwrap_or_default();
    let parsed = Text::parse(&text);
    if parsed.variables().next().is_none() && !text.is_empty() {
        let help = "write `__name__:value`, and give the variable the type `secret`";
        reader.error(node.span, format!("`{key}` holds a secret in the open"), help);
    }
    parsed
}
