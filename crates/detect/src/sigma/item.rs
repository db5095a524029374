//! One line of a search: a field, modifiers and values.

use std::net::IpAddr;

use castellan_base::{Diagnostic, Node, Span, Value};
use castellan_kql::ScalarType;

use super::encode;
use super::pattern::{Part, dashed, matches, parts, with_dashes};
use super::source::Field;
use crate::literal::quoted;

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Expression,
    Cidr,
    Compare(&'static str),
    Exists,
}

/// How a text is changed before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Utf16le,
    Utf16be,
    Utf16,
    Base64,
    Base64Offset,
}

/// The modifiers of a field.
#[derive(Debug)]
pub(super) struct Modifiers {
    test: Test,
    forms: Vec<Form>,
    is_all: bool,
    is_cased: bool,
    is_negated: bool,
    has_dashes: bool,
    /// Whether places as `%admins%` stand for lists of values.
    pub(super) is_expanded: bool,
    /// Whether the value names another field.
    pub(super) is_reference: bool,
    flags: String,
}

impl Modifiers {
    /// Reads the words behind the field.
    ///
    /// Errors: a word that is not supported.
    pub(super) fn read<'w>(
        words: impl Iterator<Item = &'w str>,
        span: Span,
    ) -> Result<Modifiers, Diagnostic> {
        let mut made = Modifiers {
            test: Test::Equal,
            forms: Vec::new(),
            is_all: false,
            is_cased: false,
            is_negated: false,
            has_dashes: false,
            is_expanded: false,
            is_reference: false,
            flags: String::new(),
        };
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "contains" => made.test = Test::Contains,
                "startswith" => made.test = Test::StartsWith,
                "endswith" => made.test = Test::EndsWith,
                "re" => made.test = Test::Expression,
                "cidr" => made.test = Test::Cidr,
                "lt" => made.test = Test::Compare("<"),
                "lte" => made.test = Test::Compare("<="),
                "gt" => made.test = Test::Compare(">"),
                "gte" => made.test = Test::Compare(">="),
                "exists" => made.test = Test::Exists,
                "all" => made.is_all = true,
                "cased" => made.is_cased = true,
                "neq" => made.is_negated = true,
                "windash" => made.has_dashes = true,
                "expand" => made.is_expanded = true,
                "fieldref" => made.is_reference = true,
                "utf16le" | "wide" => made.forms.push(Form::Utf16le),
                "utf16be" => made.forms.push(Form::Utf16be),
                "utf16" => made.forms.push(Form::Utf16),
                "base64" => made.forms.push(Form::Base64),
                "base64offset" => made.forms.push(Form::Base64Offset),
                "i" | "m" | "s" if made.test == Test::Expression => {
                    made.flags.push_str(&word.to_ascii_lowercase())
                }
                _ => {
                    let error = Diagnostic::error(span, format!("the modifier `{word}` is not supported"));
                    return Err(error.with_help("write the rule without it"));
                }
            }
        }
        made.checked(span)
    }

    fn checked(self, span: Span) -> Result<Modifiers, Diagnostic> {
        let encoded = self.forms.iter().any(|form| matches!(form, Form::Base64 | Form::Base64Offset));
        if !self.forms.is_empty() && !encoded {
            let error = Diagnostic::error(span, "UTF-16 is compared in Base64 alone");
            return Err(error.with_help("add `base64` or `base64offset`"));
        }
        Ok(self)
    }

    /// The condition in KQL.
    ///
    /// Errors: a value that does not go with the modifiers.
    pub(super) fn condition(&self, field: &Field, values: &[Node], span: Span) -> Result<String, Diagnostic> {
        if values.is_empty() {
            return Err(
                Diagnostic::error(span, "a list of values is empty").with_help("name a value, or `null`")
            );
        }
        let simple = self.simple_list(field, values);
        let made = match simple {
            Some(condition) => condition,
            None => {
                let all: Result<Vec<String>, Diagnostic> =
                    values.iter().map(|value| self.one(field, value)).collect();
                joined(all?, if self.is_all { " and " } else { " or " })
            }
        };
        // Of a value that is no number or address nobody can tell: the rule finds it where it says `not`.
        let may_be_null = matches!(self.test, Test::Cidr | Test::Compare(_));
        let made = if may_be_null { format!("coalesce({made}, false)") } else { made };
        Ok(if self.is_negated { format!("not({made})") } else { made })
    }

    /// Several plain texts are a list.
    fn simple_list(&self, field: &Field, values: &[Node]) -> Option<String> {
        let is_plain = self.test == Test::Equal
            && self.forms.is_empty()
            && !(self.is_all || self.has_dashes || self.is_reference)
            && field.scalar_type == ScalarType::String
            && values.len() > 1;
        let texts: Option<Vec<String>> = values
            .iter()
            .map(|value| match parts(value.as_str()?).as_slice() {
                [Part::Text(text)] => Some(quoted(text)),
                _ => None,
            })
            .collect();
        let texts = texts.filter(|_| is_plain)?;
        Some(format!("{} {} ({})", field.text, if self.is_cased { "in" } else { "in~" }, texts.join(", ")))
    }

    fn one(&self, field: &Field, value: &Node) -> Result<String, Diagnostic> {
        let refused = |message: String| Diagnostic::error(value.span, message);
        match self.test {
            Test::Exists => match value.as_bool() {
                Some(true) => Ok(format!("isnotempty({})", field.as_text())),
                Some(false) => Ok(format!("isempty({})", field.as_text())),
                None => Err(refused("`exists` takes true or false".to_owned())),
            },
            Test::Compare(operator) => match value.as_f64() {
                Some(_) if field.scalar_type.is_number() => {
                    Ok(format!("{} {operator} {}", field.text, shown(value)))
                }
                Some(_) => Ok(format!("toreal({}) {operator} {}", field.text, shown(value))),
                None => Err(refused("a number is expected here".to_owned())),
            },
            Test::Cidr => match value.as_str() {
                Some(range) if !is_range(range) => Err(refused(format!(
                    "`{range}` is no range of addresses; write it as `10.0.0.0/8` or `2001:db8::/32`"
                ))),
                Some(range) if range.contains(':') => {
                    Ok(format!("ipv6_is_in_range({}, {})", field.as_text(), quoted(range)))
                }
                Some(range) => Ok(format!("ipv4_is_in_range({}, {})", field.as_text(), quoted(range))),
                None => Err(refused("a range of addresses is expected here".to_owned())),
            },
            Test::Expression => match value.as_str() {
                Some(text) => {
                    let flags =
                        if self.flags.is_empty() { String::new() } else { format!("(?{})", self.flags) };
                    let whole = format!("{flags}{text}");
                    match regex::Regex::new(&whole) {
                        Ok(_) => Ok(format!("{} matches regex {}", field.as_text(), quoted(&whole))),
                        Err(error) => {
                            let reason = error.to_string();
                            let last =
                                reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                            Err(refused(format!("`{text}` is no expression that can be run: {last}"))
                                .with_help("look-around and references back are not part of the language"))
                        }
                    }
                }
                None => Err(refused("an expression is expected here".to_owned())),
            },
            _ => self.text_or_number(field, value),
        }
    }

    fn text_or_number(&self, field: &Field, value: &Node) -> Result<String, Diagnostic> {
        match &value.value {
            Value::Null => Ok(format!("isempty({})", field.as_text())),
            Value::String(text) => self.text(field, text, value.span),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                let written = shown(value);
                if self.test == Test::Equal && self.forms.is_empty() && fits(field.scalar_type, &written) {
                    return Ok(format!("{} == {written}", field.text));
                }
                self.text(field, &written, value.span)
            }
            other => {
                let message = format!("a value is expected here, not {}", other.type_name());
                Err(Diagnostic::error(value.span, message))
            }
        }
    }

    fn text(&self, field: &Field, text: &str, span: Span) -> Result<String, Diagnostic> {
        let plain = parts(text);
        if self.test == Test::Equal && self.forms.is_empty() && fits(field.scalar_type, text) {
            return Ok(format!("{} == {text}", field.text));
        }
        let all: Vec<String> = self
            .encoded(plain, text, span)?
            .into_iter()
            .map(|parts| {
                matches(&field.as_text(), &self.around(parts), self.is_cased || !self.forms.is_empty())
            })
            .collect();
        Ok(joined(all, " or "))
    }

    /// The forms that a text has when it is encoded.
    fn encoded(&self, plain: Vec<Part>, text: &str, span: Span) -> Result<Vec<Vec<Part>>, Diagnostic> {
        if self.forms.is_empty() {
            return Ok(vec![if self.has_dashes { with_dashes(plain) } else { plain }]);
        }
        if plain.iter().any(|part| !matches!(part, Part::Text(_))) {
            return Err(Diagnostic::error(span, "an encoded value has no wildcards")
                .with_help("escape them with `\\`"));
        }
        let bare: String = plain
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => text,
                _ => text.to_owned(),
            })
            .collect();
        let mut bytes = bare.as_bytes().to_vec();
        for form in &self.forms {
            match form {
                Form::Utf16le => bytes = encode::utf16le(&bare),
                Form::Utf16be => bytes = encode::utf16be(&bare),
                Form::Utf16 => bytes = encode::utf16(&bare),
                Form::Base64 => bytes = encode::base64(&bytes).into_bytes(),
                Form::Base64Offset => {
                    let forms = encode::base64_offsets(&bytes);
                    return Ok(forms.into_iter().map(|text| vec![Part::Text(text)]).collect());
                }
            }
        }
        Ok(vec![vec![Part::Text(String::from_utf8(bytes).unwrap_or_default())]])
    }

    /// A pattern with what the test allows around it.
    fn around(&self, mut parts: Vec<Part>) -> Vec<Part> {
        if matches!(self.test, Test::Contains | Test::EndsWith) && parts.first() != Some(&Part::Any) {
            parts.insert(0, Part::Any);
        }
        if matches!(self.test, Test::Contains | Test::StartsWith) && parts.last() != Some(&Part::Any) {
            parts.push(Part::Any);
        }
        parts
    }

    /// The condition that two fields are alike.
    ///
    /// Errors: a test that two fields cannot have.
    pub(super) fn reference(&self, field: &Field, other: &Field, span: Span) -> Result<String, Diagnostic> {
        let (left, right) = (field.as_text(), other.as_text());
        let suffix = if self.is_cased { "_cs" } else { "" };
        Ok(match self.test {
            Test::Equal if self.is_cased => format!("{left} == {right}"),
            Test::Equal => format!("{left} =~ {right}"),
            Test::Contains => format!("{left} contains{suffix} {right}"),
            Test::StartsWith => format!("{left} startswith{suffix} {right}"),
            Test::EndsWith => format!("{left} endswith{suffix} {right}"),
            _ => return Err(Diagnostic::error(span, "this test does not go with `fieldref`")),
        })
    }

    /// Conditions of several fields that one is compared with: any of them, or with `all` each, or with `neq` not that.
    pub(super) fn references(&self, all: Vec<String>) -> String {
        let made = joined(all, if self.is_all { " and " } else { " or " });
        if self.is_negated { format!("not({made})") } else { made }
    }

    /// The condition that any column has a value.
    ///
    /// Errors: a value or a modifier that does not go with that.
    pub(super) fn anywhere(&self, values: &[Node], span: Span) -> Result<String, Diagnostic> {
        if !matches!(self.test, Test::Equal | Test::Contains) || !self.forms.is_empty() || self.is_reference {
            let message = "keywords take no modifiers but `all`, `cased`, `neq` and `windash`";
            return Err(Diagnostic::error(span, message));
        }
        let operator = if self.is_cased { "contains_cs" } else { "contains" };
        let mut all = Vec::new();
        for value in values {
            let text = value.as_str().map(str::to_owned).unwrap_or_else(|| shown(value));
            match self.around(parts(&text)).as_slice() {
                [Part::Any, inner @ .., Part::Any]
                | [Part::Any, inner @ ..]
                | [inner @ .., Part::Any]
                | inner => {
                    let [Part::Text(text)] = inner else {
                        let message = "a keyword has no wildcards but at its ends";
                        return Err(Diagnostic::error(value.span, message));
                    };
                    let forms = if self.has_dashes { dashed(text) } else { vec![text.clone()] };
                    let forms = forms.iter().map(|text| format!("* {operator} {}", quoted(text)));
                    all.push(joined(forms.collect(), " or "));
                }
            }
        }
        let made = joined(all, if self.is_all { " and " } else { " or " });
        Ok(if self.is_negated { format!("not({made})") } else { made })
    }
}

/// Whether a text is a range of addresses, as CIDR writes it.
fn is_range(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return text.parse::<IpAddr>().is_ok() };
    match (address.parse::<IpAddr>(), bits.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(bits)) => bits <= 32,
        (Ok(IpAddr::V6(_)), Ok(bits)) => bits <= 128,
        _ => false,
    }
}

/// Whether a value is a literal of a type that is not text.
fn fits(scalar_type: ScalarType, text: &str) -> bool {
    match scalar_type {
        ScalarType::Int | ScalarType::Long => {
            text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
        }
        ScalarType::Real => {
            text.parse::<f64>().is_ok_and(f64::is_finite)
                && text.bytes().all(|byte| b"0123456789.-".contains(&byte))
        }
        ScalarType::Bool => matches!(text, "true" | "false"),
        _ => false,
    }
}

/// A number or truth value as KQL writes it.
fn shown(value: &Node) -> String {
    match &value.value {
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// Conditions with a word between them, in parentheses where there are several.
pub(super) fn joined(mut parts: Vec<String>, word: &str) -> String {
    match parts.len() {
        1 => parts.pop().unwrap_or_default(),
        _ => format!("({})", parts.join(word)),
    }
}
