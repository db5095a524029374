//! Patterns as text, in one form.

use std::fmt::{self, Display, Formatter, Write};

use super::{Comparison, Literal, ObjectPath, Observation, Operator, PathStep, Pattern, Qualifier, Test};

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.observation.fmt(f)
    }
}

impl Display for Observation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Observation::Of(comparison) => write!(f, "[{comparison}]"),
            Observation::And(parts) => self.parts(f, parts, " AND "),
            Observation::Or(parts) => self.parts(f, parts, " OR "),
            Observation::FollowedBy(parts) => self.parts(f, parts, " FOLLOWEDBY "),
            Observation::Qualified(of, qualifiers) => {
                match &**of {
                    single @ Observation::Of(_) => single.fmt(f)?,
                    several => write!(f, "({several})")?,
                }
                qualifiers.iter().try_for_each(|qualifier| write!(f, " {qualifier}"))
            }
        }
    }
}

impl Observation {
    /// How tightly its parts hold together.
    fn rank(&self) -> u8 {
        match self {
            Observation::FollowedBy(_) => 0,
            Observation::Or(_) => 1,
            Observation::And(_) => 2,
            Observation::Of(_) | Observation::Qualified(..) => 3,
        }
    }

    fn parts(&self, f: &mut Formatter<'_>, parts: &[Observation], between: &str) -> fmt::Result {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(between)?;
            }
            if part.rank() <= self.rank() { write!(f, "({part})")? } else { part.fmt(f)? }
        }
        Ok(())
    }
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Qualifier::StartStop { start, stop } => write!(f, "START t'{start}' STOP t'{stop}'"),
            Qualifier::Within(seconds) => write!(f, "WITHIN {seconds} SECONDS"),
            Qualifier::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Comparison::Test(test) => test.fmt(f),
            Comparison::And(parts) => {
                compared(f, parts, " AND ", |part| !matches!(part, Comparison::Test(_)))
            }
            Comparison::Or(parts) => compared(f, parts, " OR ", |part| matches!(part, Comparison::Or(_))),
        }
    }
}

fn compared(
    f: &mut Formatter<'_>,
    parts: &[Comparison],
    between: &str,
    is_within: fn(&Comparison) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        if is_within(part) { write!(f, "({part})")? } else { part.fmt(f)? }
    }
    Ok(())
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (path, not) = (&self.path, if self.negated { " NOT" } else { "" });
        match &self.operator {
            Operator::Equal(value) => write!(f, "{path}{not} = {value}"),
            Operator::NotEqual(value) => write!(f, "{path}{not} != {value}"),
            Operator::Greater(value) => write!(f, "{path}{not} > {value}"),
            Operator::GreaterOrEqual(value) => write!(f, "{path}{not} >= {value}"),
            Operator::Less(value) => write!(f, "{path}{not} < {value}"),
            Operator::LessOrEqual(value) => write!(f, "{path}{not} <= {value}"),
            Operator::In(values) => {
                write!(f, "{path}{not} IN (")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Operator::Like(text) => write!(f, "{path}{not} LIKE {}", Quoted(text)),
            Operator::Matches(text) => write!(f, "{path}{not} MATCHES {}", Quoted(text)),
            Operator::IsSubset(text) => write!(f, "{path}{not} ISSUBSET {}", Quoted(text)),
            Operator::IsSuperset(text) => write!(f, "{path}{not} ISSUPERSET {}", Quoted(text)),
            Operator::Exists => write!(f, "{}EXISTS {path}", if self.negated { "NOT " } else { "" }),
        }
    }
}

impl Display for ObjectPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.object)?;
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                PathStep::Key(key) => {
                    let dot = if at > 0 { "." } else { "" };
                    if is_bare(key) { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{}", Quoted(key))? }
                }
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Whether a name needs no quotes.
fn is_bare(key: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    key.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && key.bytes().all(is_part)
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => Quoted(text).fmt(f),
            Literal::Integer(number) => number.fmt(f),
            Literal::Float(number) if number.fract() == 0.0 => write!(f, "{number:.1}"),
            Literal::Float(number) => number.fmt(f),
            Literal::Bool(flag) => flag.fmt(f),
            Literal::Time(text) => write!(f, "t{}", Quoted(text)),
            Literal::Hex(text) => write!(f, "h{}", Quoted(text)),
            Literal::Binary(text) => write!(f, "b{}", Quoted(text)),
        }
    }
}

/// A text between quotes, as patterns write it.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        for character in self.0.chars() {
            if matches!(character, '\'' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('\'')
    }
}
