//! `parse` and `parse-kv`.

use std::sync::Arc;

use super::{Result, Row, Run, failure};
use crate::plan::{Field, ParseMode, ParseStep, Plan};
use crate::value::{ScalarType, Value};

/// Takes a text apart.
#[derive(Debug)]
pub struct TextReader(Reader);

#[derive(Debug)]
enum Reader {
    /// By a regular expression with a group for each column.
    Pattern { regex: regex::Regex, mode: ParseMode, types: Vec<ScalarType> },
    /// Into pairs.
    Pairs { shape: Pairs, fields: Vec<Field> },
    /// Into pairs, by a regular expression with groups for key and value.
    PairsByRegex { regex: regex::Regex, fields: Vec<Field> },
}

impl TextReader {
    /// For the columns that come out.
    ///
    /// Errors: a regular expression that is none.
    pub fn new(parse: &ParseStep, fields: &[Field]) -> Result<TextReader> {
        let regex = |text: &str| {
            crate::functions::regex(text)
                .map_err(|error| failure("invalid-regex", format!("`{text}`: {error}")))
        };
        let reader = match parse {
            ParseStep::Pattern { regex: text, mode, .. } => Reader::Pattern {
                regex: regex(text)?,
                mode: *mode,
                types: fields.iter().map(|field| field.scalar_type).collect(),
            },
            ParseStep::KeyValue { pair_delimiter, kv_delimiter, quotes, escape, greedy, .. } => {
                Reader::Pairs {
                    shape: Pairs {
                        pair: pair_delimiter.as_ref().map(ToString::to_string),
                        kv: kv_delimiter.as_ref().map(ToString::to_string),
                        quotes: quotes
                            .iter()
                            .map(|(open, close)| (open.to_string(), close.to_string()))
                            .collect(),
                        escape: escape.as_ref().map(ToString::to_string).filter(|escape| !escape.is_empty()),
                        greedy: *greedy,
                    },
                    fields: fields.to_vec(),
                }
            }
            ParseStep::KeyValueRegex { regex: text, .. } => {
                Reader::PairsByRegex { regex: regex(text)?, fields: fields.to_vec() }
            }
        };
        Ok(TextReader(reader))
    }

    /// The columns; none when the text does not fit.
    pub fn read(&self, text: &str) -> Option<Vec<Value>> {
        match &self.0 {
            Reader::Pattern { regex, mode, types } => by_pattern(regex, *mode, types, text),
            Reader::Pairs { shape, fields } => Some(chosen(fields, shape.read(text, fields).into_iter())),
            Reader::PairsByRegex { regex, fields } => {
                let found = regex.captures_iter(text).filter_map(|found| {
                    Some((found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().to_owned()))
                });
                Some(chosen(fields, found))
            }
        }
    }

    /// What stands where the text does not fit.
    pub fn nothing(&self) -> Vec<Value> {
        match &self.0 {
            Reader::Pattern { types, .. } => {
                types.iter().map(|scalar_type| Value::empty(*scalar_type)).collect()
            }
            Reader::Pairs { fields, .. } | Reader::PairsByRegex { fields, .. } => {
                fields.iter().map(|field| Value::empty(field.scalar_type)).collect()
            }
        }
    }
}

fn by_pattern(regex: &regex::Regex, mode: ParseMode, types: &[ScalarType], text: &str) -> Option<Vec<Value>> {
    let found = regex.captures(text)?;
    let mut values = Vec::with_capacity(types.len());
    for (at, scalar_type) in types.iter().enumerate() {
        let part = found.name(&format!("c{at}")).map_or("", |part| part.as_str());
        let value = Value::string(part).convert(*scalar_type);
        // All columns or none, unless the mode forgives.
        if value.is_null() && mode != ParseMode::Relaxed {
            return None;
        }
        values.push(value);
    }
    Some(values)
}

/// The values of the keys that are asked for; the first of a key counts.
fn chosen(fields: &[Field], found: impl Iterator<Item = (String, String)>) -> Vec<Value> {
    let mut values: Vec<Option<Value>> = vec![None; fields.len()];
    for (key, text) in found {
        let place = fields.iter().position(|field| *field.name == *key);
        if let Some((value, field)) = place.and_then(|at| values.get_mut(at).zip(fields.get(at)))
            && value.is_none()
        {
            *value = Some(Value::string(text).convert(field.scalar_type));
        }
    }
    values
        .into_iter()
        .zip(fields)
        .map(|(value, field)| value.unwrap_or(Value::empty(field.scalar_type)))
        .collect()
}

/// How pairs of key and value are written. A delimiter that is not given is anything but a letter or a digit.
#[derive(Debug)]
struct Pairs {
    pair: Option<String>,
    kv: Option<String>,
    quotes: Vec<(String, String)>,
    escape: Option<String>,
    greedy: bool,
}

impl Pairs {
    /// Keys and values, with quotes around either taken off.
    fn read(&self, text: &str, fields: &[Field]) -> Vec<(String, String)> {
        match (&self.pair, &self.kv) {
            (Some(pair), Some(kv)) if self.greedy => greedy_pairs(text, pair, kv, fields),
            (None, None) => self.loose_pairs(text, fields),
            (pair, kv) => {
                self.exact_pairs(text, pair.as_deref().unwrap_or_default(), kv.as_deref().unwrap_or("="))
            }
        }
    }

    fn exact_pairs(&self, text: &str, pair: &str, kv: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, after, ended) = word(rest, &[kv, pair], &self.quotes, self.escape.as_deref());
            if ended != Some(0) {
                rest = after;
                continue;
            }
            let (value, after, _) = word(after, &[pair], &self.quotes, self.escape.as_deref());
            found.push((key.trim().to_owned(), value));
            rest = after;
        }
        found
    }

    /// A key is one of the names that are asked for, and its value the next word or what stands in quotes.
    fn loose_pairs(&self, text: &str, fields: &[Field]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches(|character: char| !character.is_alphanumeric());
            let end = rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len());
            let Some((key, after)) = rest.split_at_checked(end).filter(|(key, _)| !key.is_empty()) else {
                return found;
            };
            rest = after;
            if fields.iter().any(|field| *field.name == *key) {
                let (value, after) = self.loose_value(rest);
                found.push((key.to_owned(), value));
                rest = after;
            }
        }
    }

    fn loose_value<'t>(&self, text: &'t str) -> (String, &'t str) {
        let is_opened = |text: &str| self.quotes.iter().any(|(open, _)| text.starts_with(open.as_str()));
        let start = text
            .char_indices()
            .find(|(at, character)| character.is_alphanumeric() || text.get(*at..).is_some_and(is_opened));
        let rest = text.get(start.map_or(text.len(), |(at, _)| at)..).unwrap_or_default();
        for (open, close) in &self.quotes {
            if let Some(inner) = rest.strip_prefix(open.as_str()) {
                return quoted(inner, close, self.escape.as_deref());
            }
        }
        let end = rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len());
        let (value, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        (value.to_owned(), after)
    }
}

/// Values reach up to the next key that is asked for.
fn greedy_pairs(text: &str, pair: &str, kv: &str, fields: &[Field]) -> Vec<(String, String)> {
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    for field in fields {
        let key = format!("{}{kv}", field.name);
        let is_key = |at: &usize| *at == 0 || text.get(..*at).is_some_and(|before| before.ends_with(pair));
        if let Some(at) = text.match_indices(&key).map(|(at, _)| at).find(is_key) {
            places.push((at, at + key.len(), &field.name));
        }
    }
    places.sort_unstable();
    let ends = places
        .iter()
        .skip(1)
        .map(|(at, ..)| at.saturating_sub(pair.len()))
        .chain(std::iter::once(text.len()));
    let pairs = places.iter().zip(ends);
    pairs
        .map(|((_, start, key), end)| {
            ((*key).to_owned(), text.get(*start..end).unwrap_or_default().to_owned())
        })
        .collect()
}

/// The text up to one of the delimiters, what comes after it, and which it was. An empty delimiter is white space.
fn word<'t>(
    text: &'t str,
    delimiters: &[&str],
    quotes: &[(String, String)],
    escape: Option<&str>,
) -> (String, &'t str, Option<usize>) {
    let mut rest = text.trim_start();
    for (open, close) in quotes {
        if let Some(inner) = rest.strip_prefix(open.as_str()) {
            let (quoted, after) = quoted(inner, close, escape);
            for (at, delimiter) in delimiters.iter().enumerate() {
                if let Some(after) = strip(after, delimiter) {
                    return (quoted, after, Some(at));
                }
            }
            return (quoted, after, None);
        }
    }
    let mut taken = String::new();
    while let Some(character) = rest.chars().next() {
        if let Some(after) = escape.and_then(|escape| rest.strip_prefix(escape))
            && let Some(plain) = after.chars().next()
        {
            taken.push(plain);
            rest = after.get(plain.len_utf8()..).unwrap_or_default();
            continue;
        }
        for (at, delimiter) in delimiters.iter().enumerate() {
            if let Some(after) = strip(rest, delimiter) {
                return (taken, after, Some(at));
            }
        }
        taken.push(character);
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    (taken, "", None)
}

fn strip<'t>(text: &'t str, delimiter: &str) -> Option<&'t str> {
    if delimiter.is_empty() {
        let character = text.chars().next().filter(|character| character.is_whitespace())?;
        return text.get(character.len_utf8()..);
    }
    text.strip_prefix(delimiter)
}

fn quoted<'t>(text: &'t str, close: &str, escape: Option<&str>) -> (String, &'t str) {
    let mut taken = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = escape.and_then(|escape| rest.strip_prefix(escape))
            && let Some(plain) = after.chars().next()
        {
            taken.push(plain);
            rest = after.get(plain.len_utf8()..).unwrap_or_default();
            continue;
        }
        if let Some(after) = rest.strip_prefix(close) {
            return (taken, after);
        }
        taken.push(character);
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    (taken, "")
}

impl Run<'_> {
    pub(super) fn parse(
        &self,
        plan: &Plan,
        input: &Arc<Plan>,
        parse: &ParseStep,
        is_filter: bool,
    ) -> Result<Vec<Row>> {
        let fields = plan.columns.get(input.columns.len()..).unwrap_or_default();
        let reader = TextReader::new(parse, fields)?;
        let (ParseStep::Pattern { value, .. }
        | ParseStep::KeyValue { value, .. }
        | ParseStep::KeyValueRegex { value, .. }) = parse;
        let value = self.ready(value)?;
        let mut parsed = Vec::new();
        for mut row in self.plan(input)? {
            let text = self.value(&value, &row).to_text();
            match reader.read(&text) {
                Some(values) => row.extend(values),
                None if is_filter => continue,
                None => row.extend(reader.nothing()),
            }
            parsed.push(row);
        }
        Ok(parsed)
    }
}
