//! Constants.

use std::sync::Arc;

use super::{Parser, Read};
use crate::ast::{Argument, BinaryKind, BinaryOperator, Expr, ExprKind};
use crate::lexer::TokenKind;
use crate::span::Span;
use crate::value::{
    Dynamic, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Value, parse_datetime, parse_timespan,
    read_decimal, read_real,
};

impl Parser<'_> {
    /// A number, a timespan or a string, which the next token is.
    pub(super) fn plain_literal(&mut self) -> Read<Expr> {
        let token = self.advance();
        let text = self.text(token);
        let read = match token.kind {
            TokenKind::Whole => whole(text),
            TokenKind::Real => read_real(text).map(|number| (Value::Real(number), ScalarType::Real)),
            TokenKind::TimeSpan => {
                parse_timespan(text).map(|ticks| (Value::TimeSpan(ticks), ScalarType::TimeSpan))
            }
            _ => {
                // Strings that stand side by side are one.
                let (mut joined, mut end) = (unquoted(text), token.span);
                while self.peek().kind == TokenKind::Text {
                    let next = self.advance();
                    joined.push_str(&unquoted(self.text(next)));
                    end = next.span;
                }
                return Ok(literal(Value::string(joined), ScalarType::String, token.span.to(end)));
            }
        };
        match read {
            Some((value, scalar_type)) => Ok(literal(value, scalar_type, token.span)),
            None => self.fail("number-too-large", token.span, format!("`{text}` does not fit into 64 bits")),
        }
    }

    /// True before `datetime(...)` and its like: a type's name and a bracket, with a constant and no expression inside.
    pub(super) fn is_typed_literal(&self) -> Option<ScalarType> {
        let word = self.word()?;
        let scalar_type = match word {
            "bool" | "boolean" | "int" | "int32" | "long" | "int64" | "real" | "double" | "decimal"
            | "datetime" | "date" | "timespan" | "time" | "guid" | "uuid" | "uniqueid" | "dynamic" => {
                ScalarType::named(word)?
            }
            _ => return None,
        };
        let is_call = self.ahead(1).kind == TokenKind::Sign("(");
        (is_call && (scalar_type == ScalarType::Dynamic || self.holds_constant())).then_some(scalar_type)
    }

    /// `datetime(2024-01-01)` is a constant; `datetime(x)` reads a column, and `time(a.b)` a member.
    fn holds_constant(&self) -> bool {
        let (first, second) = (self.ahead(2), self.ahead(3));
        match first.kind {
            TokenKind::Whole
            | TokenKind::Real
            | TokenKind::TimeSpan
            | TokenKind::Text
            | TokenKind::Unknown => true,
            TokenKind::Sign("-" | "+" | ")") => true,
            TokenKind::Word => {
                let word = self.text(first);
                let is_known = ["null", "nan", "inf", "true", "false", "min", "max"]
                    .contains(&word.to_ascii_lowercase().as_str());
                // A guid can begin with a letter.
                is_known
                    || second.kind == TokenKind::Sign("-") && second.is_joined
                    || word.starts_with(|c: char| c.is_ascii_digit())
                    || (second.kind == TokenKind::Sign(")")
                        && word.len() == 32
                        && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
            }
            _ => false,
        }
    }

    /// `datetime(2024-01-01 10:00)`: what stands between the brackets is not made of tokens.
    pub(super) fn typed_literal(&mut self, scalar_type: ScalarType) -> Read<Expr> {
        let start = self.advance().span;
        let open = self.advance().span;
        if scalar_type == ScalarType::Dynamic {
            let value = self.deeper(Self::dynamic_value)?;
            let end = self.expect(")")?;
            return Ok(literal(Value::dynamic(value), scalar_type, start.to(end)));
        }
        while !matches!(self.peek().kind, TokenKind::Sign(")") | TokenKind::End) {
            self.advance();
        }
        let inner = Span { start: open.end, end: self.peek().span.start };
        let end = self.expect(")")?;
        self.constants.push(inner);
        let text = inner.text(self.query).trim();
        match constant(text, scalar_type) {
            Some(value) => Ok(literal(value, scalar_type, start.to(end))),
            None => match time_of_day(text).filter(|_| scalar_type == ScalarType::DateTime) {
                Some(ticks) => Ok(today_at(ticks, start.to(end))),
                None => {
                    let message = format!("`{}` is no {scalar_type}", super::shortened(text));
                    self.fail("malformed-literal", inner, message)
                }
            },
        }
    }

    /// JSON with Kusto's constants inside.
    fn dynamic_value(&mut self) -> Read<Dynamic> {
        let token = self.peek();
        match token.kind {
            TokenKind::Sign(")") => Ok(Dynamic::Null),
            TokenKind::Sign("[") => {
                self.advance();
                let mut items = Vec::new();
                while !self.is_sign("]") {
                    items.push(self.deeper(Self::dynamic_value)?);
                    if !self.eat(",") {
                        break;
                    }
                }
                self.expect("]")?;
                Ok(Dynamic::Array(items))
            }
            TokenKind::Sign("{") => {
                self.advance();
                let mut members = indexmap::IndexMap::new();
                while !self.is_sign("}") {
                    let key = self.dynamic_key()?;
                    self.expect(":")?;
                    members.insert(key, self.deeper(Self::dynamic_value)?);
                    if !self.eat(",") {
                        break;
                    }
                }
                self.expect("}")?;
                Ok(Dynamic::Bag(members))
            }
            TokenKind::Sign("-" | "+") => {
                let is_minus = self.advance().kind == TokenKind::Sign("-");
                let number = self.plain_literal()?;
                Ok(match number.kind {
                    ExprKind::Literal { value: Value::Long(number), .. } if is_minus => {
                        Dynamic::Long(number.wrapping_neg())
                    }
                    ExprKind::Literal { value: Value::Real(number), .. } if is_minus => {
                        Dynamic::Real(-number)
                    }
                    ExprKind::Literal { value: Value::TimeSpan(ticks), .. } if is_minus => {
                        Dynamic::TimeSpan(ticks.wrapping_neg())
                    }
                    ExprKind::Literal { value, .. } => Dynamic::from_value(&value),
                    _ => Dynamic::Null,
                })
            }
            TokenKind::Word if self.is_typed_literal().is_some() => {
                let scalar_type = self.is_typed_literal().unwrap_or(ScalarType::Dynamic);
                let span = token.span;
                match self.typed_literal(scalar_type)?.kind {
                    ExprKind::Literal { value, .. } => Ok(Dynamic::from_value(&value)),
                    _ => self.fail(
                        "not-constant",
                        span,
                        "a time without a date depends on the day of the query",
                    ),
                }
            }
            TokenKind::Word => {
                let value = match self.text(token) {
                    "true" | "True" | "TRUE" => Dynamic::Bool(true),
                    "false" | "False" | "FALSE" => Dynamic::Bool(false),
                    "null" | "Null" | "NULL" => Dynamic::Null,
                    _ => return self.unexpected("a constant"),
                };
                self.advance();
                Ok(value)
            }
            TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan | TokenKind::Text => {
                match self.plain_literal()?.kind {
                    ExprKind::Literal { value, .. } => Ok(Dynamic::from_value(&value)),
                    _ => Ok(Dynamic::Null),
                }
            }
            _ => self.unexpected("a constant"),
        }
    }

    fn dynamic_key(&mut self) -> Read<Arc<str>> {
        let token = self.peek();
        match token.kind {
            TokenKind::Text => {
                self.advance();
                Ok(unquoted(self.text(token)).into())
            }
            TokenKind::Word => {
                self.advance();
                Ok(self.text(token).into())
            }
            _ => self.unexpected("a key in quotes"),
        }
    }
}

pub(super) fn literal(value: Value, scalar_type: ScalarType, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal { value, scalar_type }, span }
}

fn whole(text: &str) -> Option<(Value, ScalarType)> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(u64::cast_signed)?,
        None => text.parse().ok()?,
    };
    Some((Value::Long(number), ScalarType::Long))
}

/// `8:00`, `08:00:30.5`, `8:00 PM`: ticks since midnight.
fn time_of_day(text: &str) -> Option<i64> {
    let text = if text.starts_with(['\'', '"']) { unquoted(text) } else { text.to_owned() };
    let text = text.trim().to_ascii_lowercase();
    let noon = 12 * 3600 * TICKS_PER_SECOND;
    let (clock, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(clock), _) => (clock.trim_end(), Some(0)),
        (_, Some(clock)) => (clock.trim_end(), Some(noon)),
        _ => (text.as_str(), None),
    };
    let starts =
        clock.starts_with(|first: char| first.is_ascii_digit()) && clock.find(':').is_some_and(|at| at <= 2);
    let ticks = parse_timespan(clock).filter(|ticks| starts && (0..TICKS_PER_DAY).contains(ticks))?;
    match half {
        None => Some(ticks),
        // Twelve o'clock is the first hour of each half of the day.
        Some(half) => (ticks < noon + 3600 * TICKS_PER_SECOND).then_some(ticks % noon + half),
    }
}

/// `datetime(8:00)` means today, so it is read as `startofday(now()) + 8h`.
fn today_at(ticks: i64, span: Span) -> Expr {
    let call = |name: &str, arguments| {
        let callee = Box::new(Expr { kind: ExprKind::Name(name.into()), span });
        Expr { kind: ExprKind::Call { callee, arguments }, span }
    };
    let today = call("startofday", vec![Argument { name: None, value: call("now", Vec::new()) }]);
    let operator = BinaryOperator { kind: BinaryKind::Add, is_negated: false, is_case_sensitive: true };
    let since_midnight = literal(Value::TimeSpan(ticks), ScalarType::TimeSpan, span);
    let kind = ExprKind::Binary { operator, left: Box::new(today), right: Box::new(since_midnight) };
    Expr { kind, span }
}

/// What stands between the brackets of a typed constant; `null` and nothing are null.
fn constant(text: &str, scalar_type: ScalarType) -> Option<Value> {
    if text.is_empty() || text.eq_ignore_ascii_case("null") {
        return Some(Value::Null);
    }
    let is_quoted = text.starts_with(['\'', '"']);
    let text = if is_quoted { unquoted(text) } else { text.to_owned() };
    let value = match scalar_type {
        ScalarType::DateTime => match text.to_ascii_lowercase().as_str() {
            "min" => Value::DateTime(0),
            "max" => Value::DateTime(crate::value::MAX_DATETIME_TICKS),
            _ => Value::datetime(parse_datetime(&text)?),
        },
        ScalarType::TimeSpan => match text.to_ascii_lowercase().as_str() {
            "min" => Value::TimeSpan(i64::MIN),
            "max" => Value::TimeSpan(i64::MAX),
            _ => Value::TimeSpan(parse_timespan(&text)?),
        },
        ScalarType::Decimal => Value::decimal(read_decimal(&text)?),
        ScalarType::Real => Value::Real(read_real(&text)?),
        ScalarType::Int | ScalarType::Long => {
            let digits = text.replace(' ', "");
            let (sign, digits) = match digits.strip_prefix('-') {
                Some(digits) => (-1, digits),
                None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
            };
            let (value, _) = whole(digits)?;
            let Value::Long(number) = value else { return None };
            let number = number.checked_mul(sign)?;
            match scalar_type {
                // Hexadecimal digits spell the bits.
                ScalarType::Int if digits.starts_with("0x") => {
                    Value::Int(u32::try_from(number).ok()?.cast_signed())
                }
                ScalarType::Int => Value::Int(i32::try_from(number).ok()?),
                _ => Value::Long(number),
            }
        }
        other => Value::string(text).convert(other),
    };
    (!value.is_null()).then_some(value)
}

/// The text of a string in quotes of any kind. Escapes: `\n`, `\t`, `\r`, `\a`, `\b`, `\f`, `\v`, `\0`, `\\`, quotes,
/// `\xHH`, `\uHHHH`, `\UHHHHHHHH` and octal; any other character behind a backslash stands for itself.
pub(super) fn unquoted(text: &str) -> String {
    let text = text.strip_prefix(['h', 'H']).unwrap_or(text);
    for fence in ["```", "~~~"] {
        if let Some(body) = text.strip_prefix(fence) {
            return body.strip_suffix(fence).unwrap_or(body).to_owned();
        }
    }
    if let Some(quoted) = text.strip_prefix('@') {
        let quote = quoted.get(..1).unwrap_or_default();
        let body = quoted.get(1..).unwrap_or_default();
        let body = body.strip_suffix(quote).unwrap_or(body);
        return body.replace(&quote.repeat(2), quote);
    }
    let body = text.get(1..).unwrap_or_default();
    let quote = text.get(..1).unwrap_or_default();
    unescaped(body.strip_suffix(quote).unwrap_or(body))
}

fn unescaped(body: &str) -> String {
    if !body.contains('\\') {
        return body.to_owned();
    }
    let mut text = String::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        let Some(escape) = rest.next() else { break };
        match escape {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'v' => text.push('\u{b}'),
            'x' => text.push_str(&code_point(&mut rest, 2, 16)),
            'u' => text.push_str(&code_point(&mut rest, 4, 16)),
            'U' => text.push_str(&code_point(&mut rest, 8, 16)),
            '0'..='7' => {
                let digits: String = rest.clone().take_while(|c| matches!(c, '0'..='7')).take(2).collect();
                rest.by_ref().take(digits.len()).for_each(drop);
                let number = u32::from_str_radix(&format!("{escape}{digits}"), 8).unwrap_or(0);
                text.extend(char::from_u32(number));
            }
            other => text.push(other),
        }
    }
    text
}

fn code_point(rest: &mut std::str::Chars<'_>, length: usize, radix: u32) -> String {
    let digits: String = rest.clone().take_while(|c| c.is_digit(radix)).take(length).collect();
    rest.by_ref().take(digits.len()).for_each(drop);
    let number = u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32);
    number.map_or_else(|| "\u{fffd}".to_owned(), String::from)
}

/// The sign of a constant belongs to it, so that the smallest long can be written.
pub(super) fn negated(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Long(number) => Value::Long(number.wrapping_neg()),
        Value::Int(number) => Value::Int(number.wrapping_neg()),
        Value::Real(number) => Value::Real(-number),
        Value::TimeSpan(ticks) => Value::TimeSpan(ticks.wrapping_neg()),
        Value::Decimal(number) => Value::Decimal(-number.clone()),
        _ => return None,
    })
}
