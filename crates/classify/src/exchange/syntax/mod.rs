//! Expressions in the syntax of other engines, written as this engine reads them.
//!
//! Go's syntax is RE2's (`regexp/syntax`), Python's that of the `regex` module in its version 0, which Presidio uses. Both
//! read much that the `regex` crate reads otherwise: `[a[b]` and `[a&&b]` have no sets in them, `{` stands for itself
//! where it counts nothing, `\<` is a sign and no edge of a word. What this engine has no counterpart for is refused:
//! look-around, back-references, atomic groups, approximate matches.
//!
//! *What differs all the same:* `\d`, `\w`, `\s`, `\b` and case know ASCII only, and `.` and `[^...]` take one byte, so
//! that they count bytes where the other engine counts characters.

mod class;
mod text;

use text::Cursor;

/// Longest expression, in bytes.
const LONGEST: usize = 64 << 10;
/// Most alternatives, and most flags outside of groups, of an expression that is parted.
const MOST_ALTERNATIVES: usize = 64;
/// How often something at the beginning is taken away.
const MOST_LEADS: usize = 8;

/// Whose syntax it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Go's `regexp`, which is RE2's.
    Go,
    /// Python's `regex`, version 0.
    Python,
}

/// An expression, translated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Translated {
    /// The expression. Groups have no names.
    pub(super) text: String,
    /// The first byte of each group, in order.
    groups: Vec<usize>,
    /// The bars that part it as a whole.
    bars: Vec<usize>,
    /// Flags that are set outside of any group, with their first byte.
    flags: Vec<(usize, String)>,
}

/// Translates an expression.
///
/// The error says what has no counterpart.
pub(super) fn translate(pattern: &str, dialect: Dialect) -> Result<Translated, String> {
    if pattern.len() > LONGEST {
        return Err(format!("it has {} bytes; at most {LONGEST} are read", pattern.len()));
    }
    let mut translator =
        Translator { rest: Cursor::new(pattern), dialect, done: Translated::default(), depth: 0 };
    translator.run()?;
    Ok(translator.done)
}

impl Translated {
    /// How many groups there are.
    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The expression with some of its groups named `value`, `value2` and so on. They count from 1.
    pub(super) fn with_values(&self, wanted: impl Fn(usize) -> bool) -> String {
        let mut text = String::with_capacity(self.text.len() + 16);
        let (mut copied, mut values) = (0, 0);
        for (place, start) in self.groups.iter().enumerate() {
            if !wanted(place + 1) {
                continue;
            }
            values += 1;
            let number = if values == 1 { String::new() } else { values.to_string() };
            text.push_str(self.text.get(copied..=*start).unwrap_or_default());
            text.push_str(&format!("?P<value{number}>"));
            copied = start + 1;
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        text
    }

    /// The alternatives that make up the expression, each with the flags that hold for it; one where there is no choice,
    /// none where they are too many.
    pub(super) fn alternatives(&self) -> Vec<Translated> {
        let mut parts = Vec::new();
        if self.bars.len() > MOST_ALTERNATIVES || self.flags.len() > MOST_ALTERNATIVES {
            return parts;
        }
        let mut start = 0;
        for end in self.bars.iter().copied().chain([self.text.len()]) {
            let before: String =
                self.flags.iter().filter(|(at, _)| *at < start).map(|(_, flags)| flags.as_str()).collect();
            let shift = |at: usize| at - start + before.len();
            let inside = |at: usize| (start..end).contains(&at);
            parts.push(Translated {
                text: format!("{before}{}", self.text.get(start..end).unwrap_or_default()),
                groups: self.groups.iter().copied().filter(|at| inside(*at)).map(shift).collect(),
                bars: Vec::new(),
                flags: Vec::new(),
            });
            start = end + 1;
        }
        parts
    }
}

struct Translator<'a> {
    rest: Cursor<'a>,
    dialect: Dialect,
    done: Translated,
    depth: usize,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        // Whether what came last is a quantifier, which another one may not follow.
        let mut quantified = false;
        while let Some(character) = self.rest.peek() {
            if quantified && matches!(character, '*' | '+' | '?') {
                return Err(self.wrong("two quantifiers in a row have no counterpart"));
            }
            quantified = false;
            self.rest.next();
            match character {
                '\\' => self.escape()?,
                '[' => class::class(&mut self.rest, self.dialect, &mut self.done.text)?,
                '(' => self.group()?,
                '{' => quantified = self.repetition()?,
                '*' | '+' | '?' => {
                    self.done.text.push(character);
                    self.lazy();
                    quantified = true;
                }
                '|' if self.depth == 0 => {
                    self.done.bars.push(self.done.text.len());
                    self.done.text.push('|');
                }
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or_else(|| self.wrong("`)` closes nothing"))?;
                    self.done.text.push(')');
                }
                '.' | '^' | '$' | '|' => self.done.text.push(character),
                literal => text::literal(literal, &mut self.done.text),
            }
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} (before character {})", self.rest.place() + 1)
    }

    fn lazy(&mut self) {
        if self.rest.take('?') {
            self.done.text.push('?');
        }
    }

    /// After `{`: a repetition, or the sign itself. True for a repetition.
    fn repetition(&mut self) -> Result<bool, String> {
        let Some((inside, _)) = self.rest.as_str().split_once('}') else {
            self.done.text.push_str(r"\{");
            return Ok(false);
        };
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let python = self.dialect == Dialect::Python;
        let counted = match inside.split_once(',') {
            None if number(inside) => inside.to_owned(),
            Some((low, "")) if number(low) => inside.to_owned(),
            Some((low, high)) if number(low) && number(high) => inside.to_owned(),
            Some(("", high)) if python && number(high) => format!("0{inside}"),
            _ if python && inside.starts_with(['e', 'i', 'd', 's']) => {
                return Err(self.wrong("approximate matches have no counterpart"));
            }
            _ => {
                self.done.text.push_str(r"\{");
                return Ok(false);
            }
        };
        for _ in 0..=inside.len() {
            self.rest.next();
        }
        self.done.text.push_str(&format!("{{{counted}}}"));
        self.lazy();
        Ok(true)
    }

    fn escape(&mut self) -> Result<(), String> {
        let dialect = self.dialect;
        let Some(character) = self.rest.peek() else { return Err(self.wrong("it ends with a backslash")) };
        match character {
            'd' | 'D' | 'w' | 'W' | 'b' | 'B' | 'A' => {
                self.rest.next();
                self.done.text.extend(['\\', character]);
            }
            's' | 'S' => {
                self.rest.next();
                let negated = if character == 'S' { "^" } else { "" };
                self.done.text.push_str(&format!("[{negated}{}]", class::blanks(dialect)));
            }
            'z' => {
                self.rest.next();
                self.done.text.push_str(r"\z");
            }
            'Z' if dialect == Dialect::Python => {
                self.rest.next();
                self.done.text.push_str(r"\z");
            }
            'Q' if dialect == Dialect::Go => {
                self.rest.next();
                while !self.rest.as_str().starts_with(r"\E") {
                    let Some(quoted) = self.rest.next() else { return Ok(()) };
                    text::literal(quoted, &mut self.done.text);
                }
                self.rest.next();
                self.rest.next();
            }
            'p' | 'P' => {
                let class = self.rest.unicode_class().ok_or_else(|| self.wrong("`\\p` names no class"))?;
                self.done.text.push_str(&format!("(?u:{class})"));
            }
            _ => {
                let literal = text::escaped(&mut self.rest, dialect).map_err(|what| self.wrong(&what))?;
                text::literal(literal, &mut self.done.text);
            }
        }
        Ok(())
    }

    /// After `(`.
    fn group(&mut self) -> Result<(), String> {
        self.depth += 1;
        if !self.rest.take('?') {
            return self.capture();
        }
        let rest = self.rest.as_str();
        let refused = [
            ("=", "look-around has no counterpart; say what may stand around it with `boundary`"),
            ("!", "look-around has no counterpart; say what may stand around it with `boundary`"),
            ("<=", "look-around has no counterpart; say what may stand around it with `boundary`"),
            ("<!", "look-around has no counterpart; say what may stand around it with `boundary`"),
            (">", "atomic groups have no counterpart"),
            ("|", "branch resets have no counterpart"),
            ("(", "conditions have no counterpart"),
            ("P=", "back-references have no counterpart"),
            ("P>", "recursion has no counterpart"),
            ("&", "recursion has no counterpart"),
            ("R", "recursion has no counterpart"),
        ];
        if let Some((_, what)) = refused.iter().find(|(start, _)| rest.starts_with(start)) {
            return Err(self.wrong(what));
        }
        if rest.starts_with("P<") || rest.starts_with('<') {
            while self.rest.next().is_some_and(|character| character != '>') {}
            return self.capture();
        }
        if rest.starts_with('#') && self.dialect == Dialect::Python {
            while self.rest.next().is_some_and(|character| character != ')') {}
            self.depth -= 1;
            return Ok(());
        }
        self.flags()
    }

    fn capture(&mut self) -> Result<(), String> {
        self.done.groups.push(self.done.text.len());
        self.done.text.push('(');
        Ok(())
    }

    /// After `(?`, where flags stand, or nothing before `:`.
    fn flags(&mut self) -> Result<(), String> {
        let first = self.done.text.is_empty();
        let mut flags = String::new();
        loop {
            let python = self.dialect == Dialect::Python;
            match self.rest.next() {
                Some(flag @ ('i' | 'm' | 's' | '-')) => flags.push(flag),
                Some('U') if !python => flags.push('U'),
                // Unicode, ASCII or the locale decides nothing here.
                Some('a' | 'u' | 'L') if python => {}
                Some(end @ (':' | ')')) => {
                    let flags = flags.trim_end_matches('-');
                    return self.flagged(flags, end, first);
                }
                Some(flag) => return Err(self.wrong(&format!("the flag `{flag}` has no counterpart"))),
                None => return Err(self.wrong("a group is not closed")),
            }
        }
    }

    fn flagged(&mut self, flags: &str, end: char, first: bool) -> Result<(), String> {
        if end == ':' {
            self.done.text.push_str(&format!("(?{flags}:"));
            return Ok(());
        }
        self.depth -= 1;
        if self.dialect == Dialect::Python && !first {
            return Err(self.wrong("flags stand at the beginning, or in a group of their own, `(?i:...)`"));
        }
        if flags.is_empty() {
            return Ok(());
        }
        let flags = format!("(?{flags})");
        if self.depth == 0 {
            self.done.flags.push((self.done.text.len(), flags.clone()));
        }
        self.done.text.push_str(&flags);
        Ok(())
    }
}

/// Takes away what the expression may, but need not, begin with, and would rather not: `[\w.-]{0,50}?`.
///
/// Whatever a group finds is found without it too, since the first place where the rest matches is the one that the whole
/// settles for. The match begins later, so nobody may ask for it.
pub(super) fn without_lead(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MOST_LEADS {
        let Some((start, end)) = lead(&text) else { break };
        text.replace_range(start..end, "");
    }
    text
}

fn lead(text: &str) -> Option<(usize, usize)> {
    use regex_syntax::ast::{Ast, GroupKind, RepetitionKind, RepetitionRange};
    let parsed = regex_syntax::ast::parse::ParserBuilder::new().nest_limit(64).build().parse(text).ok()?;
    let mut ast = &parsed;
    loop {
        ast = match ast {
            Ast::Concat(parts) => parts.asts.iter().find(|part| !matches!(part, Ast::Flags(_)))?,
            Ast::Group(group) if matches!(group.kind, GroupKind::NonCapturing(_)) => &group.ast,
            Ast::Repetition(repetition) => {
                let optional = matches!(
                    repetition.op.kind,
                    RepetitionKind::ZeroOrOne
                        | RepetitionKind::ZeroOrMore
                        | RepetitionKind::Range(RepetitionRange::Bounded(0, _) | RepetitionRange::AtLeast(0))
                );
                let class =
                    matches!(*repetition.ast, Ast::ClassBracketed(_) | Ast::ClassPerl(_) | Ast::Dot(_));
                let span = repetition.span;
                return (optional && class && !repetition.greedy)
                    .then_some((span.start.offset, span.end.offset));
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests;
