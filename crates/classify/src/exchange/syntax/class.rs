//! Classes: `[a-z[:digit:]\s]`.

use crate::exchange::syntax::Dialect;
use crate::exchange::syntax::text::{self, Cursor};

/// What `\s` stands for. Go's has no vertical tab.
pub(super) fn blanks(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Go => r"\t\n\x0C\r ",
        Dialect::Python => r"\t\n\x0B\x0C\r ",
    }
}

/// Translates a class; the cursor is behind its bracket.
pub(super) fn class(rest: &mut Cursor<'_>, dialect: Dialect, done: &mut String) -> Result<(), String> {
    let mut class = Class { text: String::from("["), unicode: false };
    if rest.take('^') {
        class.text.push('^');
    }
    let mut first = true;
    loop {
        if rest.peek() == Some(']') && !first {
            rest.next();
            break;
        }
        first = false;
        class.item(rest, dialect)?;
    }
    class.text.push(']');
    // Beyond ASCII a class is one of characters, not of bytes.
    match class.unicode {
        true => done.push_str(&format!("(?u:{})", class.text)),
        false => done.push_str(&class.text),
    }
    Ok(())
}

struct Class {
    text: String,
    unicode: bool,
}

impl Class {
    /// One character, range or class within the class.
    fn item(&mut self, rest: &mut Cursor<'_>, dialect: Dialect) -> Result<(), String> {
        if let Some(name) = named(rest) {
            self.text.push_str(&name?);
            return Ok(());
        }
        if rest.as_str().starts_with('\\') && self.escaped_class(rest, dialect)? {
            return Ok(());
        }
        let low = character(rest, dialect)?;
        self.literal(low);
        let mut ahead = rest.as_str().chars();
        let ranged = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
        if ranged {
            rest.next();
            let high = character(rest, dialect)?;
            self.text.push('-');
            self.literal(high);
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        self.unicode |= !character.is_ascii();
        text::literal(character, &mut self.text);
    }

    /// `\d`, `\w`, `\s`, `\pL` and their opposites; false for any other escape.
    fn escaped_class(&mut self, rest: &mut Cursor<'_>, dialect: Dialect) -> Result<bool, String> {
        let Some(letter) = rest.as_str().chars().nth(1) else { return Ok(false) };
        let ranges = match letter.to_ascii_lowercase() {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            's' => blanks(dialect),
            'p' => {
                rest.next();
                let class = rest.unicode_class().ok_or("`\\p` names no class")?;
                self.text.push_str(&class);
                self.unicode = true;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        rest.next();
        rest.next();
        match letter.is_ascii_uppercase() {
            true => self.text.push_str(&format!("[^{ranges}]")),
            false => self.text.push_str(ranges),
        }
        Ok(true)
    }
}

/// A class by its POSIX name, `[:alnum:]`; `None` where there is none here.
fn named(rest: &mut Cursor<'_>) -> Option<Result<String, String>> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    let (name, _) = rest.as_str().strip_prefix("[:")?.split_once(":]")?;
    let plain = name.strip_prefix('^').unwrap_or(name);
    if !plain.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    for _ in 0..name.len() + 4 {
        rest.next();
    }
    Some(match NAMES.contains(&plain) {
        true => Ok(format!("[:{name}:]")),
        false => Err(format!("there is no class `[:{name}:]`")),
    })
}

fn character(rest: &mut Cursor<'_>, dialect: Dialect) -> Result<char, String> {
    match rest.next() {
        None => Err("a class is not closed".to_owned()),
        Some('\\') if dialect == Dialect::Python && rest.take('b') => Ok('\x08'),
        Some('\\') => text::escaped(rest, dialect),
        Some(character) => Ok(character),
    }
}
