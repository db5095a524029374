//! Values in patterns.

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A time, as RFC 3339.
    Time(String),
    /// Bytes, in hexadecimal.
    Hex(String),
    /// Bytes, in Base64.
    Binary(String),
}

impl Literal {
    /// The value as text, without quotes.
    pub fn text(&self) -> String {
        match self {
            Literal::Text(text) | Literal::Time(text) | Literal::Hex(text) | Literal::Binary(text) => {
                text.clone()
            }
            Literal::Integer(number) => number.to_string(),
            Literal::Float(number) => number.to_string(),
            Literal::Bool(flag) => flag.to_string(),
        }
    }
}
