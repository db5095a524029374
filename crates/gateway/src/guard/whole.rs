//! What is looked at as a whole: a request with its counts and its body, arguments of a tool, a category of one's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use castellan_mcp::arguments::Schema;
use castellan_mcp::json::{Limits, Value, parse};
use castellan_wire::calls::Call;
use castellan_wire::{Matter, Point, Reading};

use super::compiled::{Ready, Selected};
use super::inspect::Inspector;
use super::judgement::{Hit, Judgement};
use super::looked::{Asked, Said};
use super::profile::Check;
use crate::limit::of_text;

/// Bytes from which on a text is judged in pieces, too, so that length does not thin out what is in it.
const LONG: usize = 3_000;
/// Bytes of a piece; each begins in the middle of the one before.
const PIECE: usize = 2_000;
/// Most pieces of a text.
const MOST_PIECES: usize = 1_000;

/// A request as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'r> {
    /// Its body, where it is JSON.
    pub(crate) body: Option<&'r [u8]>,
    /// Its messages.
    pub(crate) messages: usize,
    /// Tools that it offers.
    pub(crate) tools: usize,
    /// Its texts.
    pub(crate) reading: &'r Reading,
}

/// Whether something fits its schema.
pub(super) enum Fit {
    Fits,
    /// What it breaks, without values.
    Breaks(String),
    /// It could not be looked at.
    Failed,
}

impl Inspector {
    /// Holds a request as a whole against profiles.
    pub(crate) fn request(&self, whole: Whole<'_>, profiles: &Selected) -> Judgement {
        let mut judgement = Judgement::default();
        for rule in profiles.of_requests() {
            let told = |what: String| hit(rule, Point::User, "body", what);
            match &rule.check {
                Check::Size { total_tokens, messages, tools, images, .. } => {
                    let is_image = |left: &&castellan_wire::Unscanned| left.matter == Matter::Image;
                    let pictures = || whole.reading.unscanned.iter().filter(is_image).count();
                    let counts = [
                        (messages, whole.messages, "messages"),
                        (tools, whole.tools, "tools"),
                        (images, images.map_or(0, |_| pictures()), "images"),
                    ];
                    for (most, count, what) in counts {
                        if let Some(most) = most.filter(|most| count > *most) {
                            judgement.hit(told(format!("more than {most} {what}")));
                        }
                    }
                    let texts = || whole.reading.passages.iter().map(|passage| of_text(&passage.text));
                    let total = || texts().fold(0, u64::saturating_add);
                    if let Some(most) = total_tokens.filter(|most| total() > *most) {
                        judgement.hit(told(format!("more than {most} tokens in all")));
                    }
                }
                Check::Schema { .. } => match whole.body.map(|body| self.fits(rule, body)) {
                    Some(Fit::Fits) => {}
                    Some(Fit::Breaks(what)) => judgement.hit(told(what)),
                    Some(Fit::Failed) => judgement.hit(failed(rule, Point::User, "body")),
                    None => judgement.hit(told("the body is no JSON".to_owned())),
                },
                _ => {}
            }
        }
        judgement
    }

    /// Holds calls of tools against profiles.
    pub(crate) fn calls(&self, calls: &[Call], profiles: &Selected) -> Judgement {
        let mut judgement = Judgement::default();
        for call in calls {
            for rule in profiles.of_calls().filter(|rule| is_about(rule, &call.tool)) {
                let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                match self.fits(rule, arguments.as_bytes()) {
                    Fit::Fits => {}
                    Fit::Breaks(what) => judgement.hit(hit(rule, Point::ToolCall, &call.path, what)),
                    Fit::Failed => judgement.hit(failed(rule, Point::ToolCall, &call.path)),
                }
            }
        }
        judgement
    }

    /// Whether JSON fits a rule's schema.
    pub(super) fn fits(&self, rule: &Ready, json: &[u8]) -> Fit {
        let Some(schema) = rule.schema() else { return Fit::Failed };
        let look = || {
            self.may_break();
            let limits = Limits { bytes: json.len(), ..Limits::default() };
            match parse(json, &limits) {
                Err(_) => Fit::Breaks("it is no JSON, or not what the gate reads".to_owned()),
                Ok(value) => fit(schema, &value),
            }
        };
        catch_unwind(AssertUnwindSafe(look)).unwrap_or(Fit::Failed)
    }

    /// The category of a rule, and how likely a text belongs to it; nothing when that cannot be said.
    pub(super) fn custom(&self, rule: &Ready, text: &str) -> Option<(String, f32)> {
        let (category, hash) = rule.category()?;
        let mut short = [0; 16];
        short.copy_from_slice(hash.as_bytes().get(..16)?);
        let look = || {
            self.may_break();
            let whole = category.category().probability(text);
            let pieces = pieces(text).map(|piece| category.category().probability(piece));
            Said::Custom(pieces.fold(whole, f32::max))
        };
        let ask = || match self.looked().or(text, Asked::Custom(short), look) {
            Said::Custom(probability) => Some(probability),
            _ => None,
        };
        let probability = catch_unwind(AssertUnwindSafe(ask)).ok().flatten()?;
        Some((category.name().to_owned(), probability))
    }
}

/// Pieces of a long text.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let length = if text.len() > LONG { text.len() } else { 0 };
    (0..length).step_by(PIECE / 2).take(MOST_PIECES).map(move |start| {
        let start = super::inspect::floor(text, start);
        let end = super::inspect::floor(text, start + PIECE);
        text.get(start..end).unwrap_or_default()
    })
}

fn is_about(rule: &Ready, tool: &str) -> bool {
    match &rule.check {
        Check::Schema { tool: Some(pattern), .. } => {
            // Tools of the Model Context Protocol are `SERVER/TOOL`.
            pattern.matches(tool) || tool.split_once('/').is_some_and(|(_, own)| pattern.matches(own))
        }
        _ => true,
    }
}

fn fit(schema: &Schema, value: &Value) -> Fit {
    let checked = schema.check(value);
    if checked.exhausted {
        return Fit::Failed;
    }
    match checked.violations.first() {
        None => Fit::Fits,
        Some(first) => {
            let more = checked.violations.len() - 1;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            Fit::Breaks(format!("`{}` {}{more}", first.path, first.message))
        }
    }
}

fn hit(rule: &Ready, point: Point, path: &str, what: String) -> Hit {
    Hit {
        rule: Arc::clone(&rule.name),
        check: rule.check.as_str(),
        action: rule.action,
        point,
        path: path.to_owned(),
        what,
        score: 1.0,
        count: 1,
        decoded: None,
        failed: false,
    }
}

fn failed(rule: &Ready, point: Point, path: &str) -> Hit {
    let what = "the check could not run".to_owned();
    Hit { action: rule.on_failure, failed: true, ..hit(rule, point, path, what) }
}
