//! Texts with variables in them: `/principals/__principal__:value/block`.
//!
//! CACAO 2.0 section 10.18 writes the value of a variable as `__name__:value`. What stands for a secret is never put
//! into a text here: a [`Resolved`] text keeps the reference, and only a request to the outside reveals it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a variable between its underscores (CACAO 2.0 section 10.18).
const LONGEST_NAME: usize = 200;
const END: &str = "__:value";

/// A text with places for variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Plain(String),
    /// The variable's whole name, underscores included.
    Variable(String),
}

/// True for a name as CACAO has it: `__principal__`.
pub fn is_variable_name(name: &str) -> bool {
    let Some(inner) = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")) else { return false };
    is_inner_name(inner)
}

fn is_inner_name(inner: &str) -> bool {
    let starts_well = inner.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    starts_well && inner.len() <= LONGEST_NAME && inner.bytes().all(is_part)
}

impl Text {
    /// Finds the variables in a text. What looks like none stays as it is.
    pub fn parse(text: &str) -> Text {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("__") {
            let (before, from) = rest.split_at(start);
            plain.push_str(before);
            match variable_at(from) {
                Some((name, after)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Variable(name.to_owned()));
                    rest = after;
                }
                None => {
                    let (underscore, after) = from.split_at(1);
                    plain.push_str(underscore);
                    rest = after;
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        Text { pieces }
    }

    /// The names of the variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Plain(_) => None,
        })
    }

    /// The one variable that the text is, if it is nothing else.
    pub fn as_variable(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Variable(name)] => Some(name),
            _ => None,
        }
    }

    /// The text that was resolved from this one with what its variables gave changed by `change`; the second argument is
    /// true where the variable is the first of a path. Secrets stay references.
    pub(crate) fn with_values(
        &self,
        resolved: Resolved,
        change: &dyn Fn(&str, &str, bool) -> String,
    ) -> Resolved {
        let mut is_first = false;
        let mut parts = Vec::new();
        for (piece, part) in self.pieces.iter().zip(resolved.parts) {
            parts.push(match (piece, part) {
                (Piece::Variable(name), Part::Plain(value)) => Part::Plain(change(name, &value, is_first)),
                (_, part) => part,
            });
            is_first = matches!(piece, Piece::Plain(text) if text.ends_with(' '));
        }
        Resolved { parts }
    }

    /// Puts values in. `look_up` gives what stands for a variable; a variable without a value is told by name.
    pub fn resolve(&self, look_up: &dyn Fn(&str) -> Option<Part>) -> Result<Resolved, String> {
        let mut parts = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Plain(text) => parts.push(Part::Plain(text.clone())),
                Piece::Variable(name) => parts.push(look_up(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(Resolved { parts })
    }
}

fn variable_at(text: &str) -> Option<(&str, &str)> {
    // A name is not longer than that, so what is behind need not be looked at.
    let near = text.as_bytes().get(2..)?;
    let near = near.get(..near.len().min(LONGEST_NAME + END.len()))?;
    let end = near.windows(END.len()).position(|window| window == END.as_bytes())? + 2;
    let inner = text.get(2..end)?;
    let name = text.get(..end + 2)?;
    is_inner_name(inner).then_some(())?;
    Some((name, text.get(end + END.len()..)?))
}

/// One part of a resolved text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// What may be shown.
    Plain(String),
    /// Where a secret is to be had: `env:NAME` or `file:PATH`.
    Secret(String),
}

/// A text whose variables have values. `Display` shows secrets by reference alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resolved {
    parts: Vec<Part>,
}

impl Resolved {
    /// A text without secrets.
    pub fn plain(text: impl Into<String>) -> Resolved {
        Resolved { parts: vec![Part::Plain(text.into())] }
    }

    /// The text, or `None` where it holds a secret.
    pub fn as_plain(&self) -> Option<String> {
        let plain = self.parts.iter().map(|part| match part {
            Part::Plain(text) => Some(text.as_str()),
            Part::Secret(_) => None,
        });
        plain.collect()
    }

    /// Where its secrets are to be had.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(reference) => Some(reference.as_str()),
            Part::Plain(_) => None,
        })
    }

    /// True when a part is a secret.
    pub fn has_secret(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Secret(_)))
    }

    /// The text with its secrets, each looked up by its reference.
    pub fn reveal<E>(&self, look_up: &dyn Fn(&str) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Secret(reference) => text.push_str(&look_up(reference)?),
            }
        }
        Ok(text)
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Plain(text) => f.write_str(text)?,
                Part::Secret(reference) => write!(f, "[secret {reference}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(name: &str) -> Option<Part> {
        match name {
            "__who__" => Some(Part::Plain("ann".to_owned())),
            "__a__b__" => Some(Part::Plain("x".to_owned())),
            "__key__" => Some(Part::Secret("env:KEY".to_owned())),
            _ => None,
        }
    }

    fn check(text: &str, expected: Result<&str, &str>) {
        let resolved = Text::parse(text).resolve(&values).map(|resolved| resolved.to_string());
        assert_eq!(resolved, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn variables_are_found_and_secrets_stay_references() {
        check("/p/__who__:value/x", Ok("/p/ann/x"));
        check("__a__b__:value__who__:value", Ok("xann"));
        check("Bearer __key__:value", Ok("Bearer [secret env:KEY]"));
        check("__who__ and __ :value", Ok("__who__ and __ :value"));
        check("__gone__:value", Err("__gone__"));
        let revealed = Text::parse("k=__key__:value").resolve(&values).map(|resolved| {
            assert_eq!(resolved.as_plain(), None);
            resolved.reveal(&|reference| Ok::<_, ()>(format!("<{reference}>")))
        });
        assert_eq!(revealed, Ok(Ok("k=<env:KEY>".to_owned())));
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_plain_text(text in "[_a:value \u{e9}]{0,40}") {
            let parsed = Text::parse(&text);
            if parsed.variables().next().is_none() {
                let resolved = parsed.resolve(&|_| None).map(|resolved| resolved.to_string());
                prop_assert_eq!(resolved, Ok(text));
            }
        }
    }
}
