//! How values become tokens: `[gate.tokens]`.

use std::sync::Arc;

use castellan_classify::Engine;
use castellan_classify::redact::{
    Keyring, Operator, Policy, Redactor, Replacement, Rule, TokenForm, TokenOptions,
};
use serde::Deserialize;

/// How values become tokens where a rule of a profile says `tokenise`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// What tokens are made with: `env:NAME` or `file:PATH`, 64 hexadecimal digits. With another key one value has another
    /// token.
    pub key: String,
    /// The key's name, which stands in sealed tokens: lower-case letters, digits and hyphens; `k1`.
    #[serde(default = "first")]
    pub id: String,
    /// For how long one value has one token.
    #[serde(default)]
    pub consistent: Consistent,
    /// What tokens look like.
    #[serde(default)]
    pub form: Shape,
    /// How many letters and digits at the beginning of a value stay in a token of its form, at most 8; 0. Six of a card tell
    /// its bank.
    #[serde(default)]
    pub keep_first: u8,
}

fn first() -> String {
    "k1".to_owned()
}

/// For how long one value has one token. Whoever may have values of their own made tokens can compare them with others, so
/// people never share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistent {
    /// Within a request.
    Request,
    /// Within the session that the client names, and within a request where it names none.
    #[default]
    Session,
    /// For all that a principal asks.
    Principal,
}

impl Consistent {
    /// The scope of a request's tokens.
    pub(crate) fn scope(self, principal: &str, session: Option<&str>, request: &str) -> String {
        match (self, session) {
            (Consistent::Principal, _) => format!("{principal}/"),
            (Consistent::Session, Some(session)) => format!("{principal}/s/{session}"),
            _ => format!("{principal}/r/{request}"),
        }
    }
}

/// What tokens look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// That of the value where it is mostly digits, sealed where it is not.
    #[default]
    Auto,
    /// That of the value wherever that is safe.
    Format,
    /// `[[tok:v1:TYPE:KEY:...]]`.
    Sealed,
    /// `<TYPE_1>`: models repeat it well. Numbers are given anew in each request, in the order in which values come.
    Numbered,
}

impl TokensConfig {
    /// What makes tokens of findings of an engine.
    ///
    /// # Errors
    /// When the key or its name cannot be used.
    pub(crate) fn redactor(&self, engine: &Engine, secret: &[u8; 32]) -> Result<Redactor, String> {
        if self.keep_first > 8 {
            return Err("`keep_first` is at most 8".to_owned());
        }
        let form = match self.form {
            Shape::Auto | Shape::Numbered => TokenForm::Auto,
            Shape::Format => TokenForm::Format,
            Shape::Sealed => TokenForm::Sealed,
        };
        let options = TokenOptions { form, invalid: false, keep_first: self.keep_first };
        let operator = match self.shape_is_numbered() {
            true => Operator::Replace(Replacement::Numbered),
            false => Operator::Token(options),
        };
        let keys = Keyring::new(&self.id, secret).map_err(|error| error.to_string())?;
        let policy = Policy { default: Rule::new(operator), ..Policy::default() };
        Redactor::new(engine, &policy, Some(Arc::new(keys))).map_err(|problems| {
            problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
        })
    }

    fn shape_is_numbered(&self) -> bool {
        self.form == Shape::Numbered
    }
}
