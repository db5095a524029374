//! Variables with types (CACAO 2.0 section 10.18), and two types of ours.
//!
//! CACAO writes every value as a string and says with `type` what the string is. The vocabulary is open; ours adds
//! `list` (a JSON array of strings) and `secret` (where a secret is to be had, never the secret itself).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::Part;

/// What a variable's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableType {
    /// `true` or `false`.
    Bool,
    /// A JSON object.
    Dictionary,
    /// A number.
    Float,
    /// A whole number of 32 bits (`integer`) or 64 (`long`).
    Integer,
    /// Hexadecimal digits: `hexstring`, or a hash whose length the type says.
    Hex(Option<usize>),
    /// `ipv4-addr`, with a prefix length or without.
    Ipv4,
    /// `ipv6-addr`, with a prefix length or without.
    Ipv6,
    /// `mac-addr`.
    Mac,
    /// Any text.
    String,
    /// An absolute address.
    Uri,
    /// A UUID.
    Uuid,
    /// Ours: a JSON array of strings.
    List,
    /// Ours: `secret:env:NAME` or `secret:file:PATH`.
    Secret,
    /// A type that only others know; its text is kept as it is.
    Other(String),
}

impl VariableType {
    /// The type of a word.
    pub fn parse(word: &str) -> VariableType {
        match word {
            "bool" | "boolean" => VariableType::Bool,
            "dictionary" => VariableType::Dictionary,
            "float" => VariableType::Float,
            "integer" | "long" => VariableType::Integer,
            "hexstring" | "hash" => VariableType::Hex(None),
            "md5-hash" => VariableType::Hex(Some(32)),
            "sha256-hash" => VariableType::Hex(Some(64)),
            "ipv4-addr" => VariableType::Ipv4,
            "ipv6-addr" => VariableType::Ipv6,
            "mac-addr" => VariableType::Mac,
            "string" => VariableType::String,
            "uri" => VariableType::Uri,
            "uuid" => VariableType::Uuid,
            "list" => VariableType::List,
            "secret" => VariableType::Secret,
            other => VariableType::Other(other.to_owned()),
        }
    }

    /// What a text of this type looks like, for messages.
    pub fn form(&self) -> &'static str {
        match self {
            VariableType::Bool => "`true` or `false`",
            VariableType::Dictionary => "a JSON object",
            VariableType::Float => "a number",
            VariableType::Integer => "a whole number",
            VariableType::Hex(_) => "hexadecimal digits of the length that the type says",
            VariableType::Ipv4 => "an IPv4 address",
            VariableType::Ipv6 => "an IPv6 address",
            VariableType::Mac => "six bytes in hexadecimal, with colons between",
            VariableType::Uri => "an absolute address such as `https://example.com/`",
            VariableType::Uuid => "a UUID",
            VariableType::List => "a JSON array of strings",
            VariableType::Secret => {
                "`secret:env:NAME` or `secret:file:PATH`; a secret itself is never written"
            }
            VariableType::String | VariableType::Other(_) => "a text",
        }
    }

    /// True when a text is of this type.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            VariableType::Bool => matches!(text, "true" | "false"),
            VariableType::Dictionary => {
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
            }
            VariableType::Float => text.parse::<f64>().is_ok_and(f64::is_finite),
            VariableType::Integer => text.parse::<i64>().is_ok(),
            VariableType::Hex(length) => {
                let fits = length.is_none_or(|length| length == text.len());
                fits && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            VariableType::Ipv4 => is_address::<Ipv4Addr>(text, 32),
            VariableType::Ipv6 => is_address::<Ipv6Addr>(text, 128),
            VariableType::Mac => is_mac(text),
            VariableType::Uri => reqwest::Url::parse(text).is_ok(),
            VariableType::Uuid => is_uuid(text),
            VariableType::List => list_of(text).is_some(),
            VariableType::Secret => secret_reference(text).is_some(),
            VariableType::String | VariableType::Other(_) => true,
        }
    }

    /// True for types whose values compare as numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, VariableType::Float | VariableType::Integer)
    }
}

fn is_address<A: std::str::FromStr>(text: &str, longest_prefix: u8) -> bool {
    match text.split_once('/') {
        None => text.parse::<A>().is_ok(),
        Some((address, prefix)) => {
            address.parse::<A>().is_ok() && prefix.parse::<u8>().is_ok_and(|bits| bits <= longest_prefix)
        }
    }
}

fn is_mac(text: &str) -> bool {
    let bytes: Vec<&str> = text.split(':').collect();
    let is_byte = |byte: &&str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    bytes.len() == 6 && bytes.iter().all(is_byte)
}

/// True for a UUID in its usual form with hyphens.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The items of a `list`.
pub fn list_of(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

/// The reference without its prefix: `env:NAME` or `file:PATH`.
pub fn secret_reference(text: &str) -> Option<&str> {
    let reference = text.strip_prefix("secret:")?;
    let (kind, name) = reference.split_once(':')?;
    (matches!(kind, "env" | "file") && !name.is_empty()).then_some(reference)
}

/// A variable of a playbook or of a step, or what a run has it at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its type.
    pub kind: VariableType,
    /// Its value as text; `None` until it is set.
    pub value: Option<String>,
    /// True when a run may not change it.
    pub constant: bool,
    /// True when whoever starts the playbook has to give it.
    pub external: bool,
    /// What it is for.
    pub description: String,
}

impl Variable {
    /// What stands for the variable in a text: its value, or for a secret its reference.
    pub fn part(&self) -> Option<Part> {
        let text = self.value.as_deref()?;
        if self.kind == VariableType::Secret {
            return Some(Part::Secret(secret_reference(text)?.to_owned()));
        }
        Some(Part::Plain(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_accept_their_own() {
        let cases = [
            ("boolean", "true", true),
            ("bool", "yes", false),
            ("integer", "-7", true),
            ("integer", "7.5", false),
            ("float", "NaN", false),
            ("ipv4-addr", "10.0.0.0/8", true),
            ("ipv4-addr", "10.0.0.256", false),
            ("ipv6-addr", "2001:db8::1/129", false),
            ("mac-addr", "00:11:22:aa:bb:cc", true),
            ("uuid", "0b1c2d3e-0000-4000-8000-00000000000x", false),
            ("uri", "/relative", false),
            ("uri", "https://example.com/a", true),
            ("sha256-hash", "abc", false),
            ("list", "[\"a\", \"b\"]", true),
            ("list", "[1]", false),
            ("secret", "hunter2", false),
            ("secret", "secret:env:KEY", true),
            ("dictionary", "[]", false),
            ("x-ours", "anything", true),
        ];
        for (word, text, expected) in cases {
            assert_eq!(VariableType::parse(word).accepts(text), expected, "{word} {text}");
        }
    }
}
