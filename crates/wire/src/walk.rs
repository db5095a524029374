//! From a body to its texts: one walk for all APIs.
//!
//! The APIs have few words, and these mean the same everywhere: `role`, `content`, `tool_calls`, `arguments`, `type`. So one
//! table says what a text is by the members around it, instead of one reader for each version of each API, and what is in no
//! table is read as what a user typed.
//!
//! *Invariant (trust is at the top):* only messages directly in the list of messages, and `system` and `instructions` at the
//! top of a request, can be the application's own. The same words further in are content.

use std::ops::Range;

use crate::control::{is_control, is_plain_name};
use crate::json::{Bounds, Item, Kind, Tree};
use crate::passage::{Passage, Place, PlaceKind, Reading, Segment};
use crate::point::{Direction, Matter, Point, Unscanned};
use crate::route::Api;

/// Fewest digits of a number that is read as a text: shorter ones identify nobody.
const DIGITS: usize = 6;
/// Tools that the provider runs by itself, by the beginning of their type.
const PROVIDER_TOOLS: [&str; 10] = [
    "mcp",
    "web_search",
    "web_fetch",
    "file_search",
    "code_interpreter",
    "code_execution",
    "image_generation",
    "retrieval",
    "connector",
    "tool_search",
];

pub(crate) struct Walk {
    api: Api,
    direction: Direction,
    reading: Reading,
    /// The passage that parts of one message join, by the number of the message.
    joined: Option<(u32, usize)>,
    messages: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    /// The body itself.
    Top,
    /// A list of messages at the top: what is in it may be the application's own.
    Messages,
    /// Members whose meaning is known.
    Known,
    /// Data of applications and tools: every string is a text.
    Open,
}

#[derive(Clone, Copy)]
struct Context {
    point: Point,
    level: Level,
    /// The message whose parts are joined.
    message: Option<u32>,
}

impl Context {
    fn at(self, point: Point) -> Context {
        Context { point, ..self }
    }

    fn open(self, point: Point) -> Context {
        Context { point, level: Level::Open, message: None }
    }

    fn known(self, point: Point) -> Context {
        Context { point, level: Level::Known, ..self }
    }
}

impl Walk {
    pub(crate) fn new(api: Api, direction: Direction) -> Walk {
        Walk { api, direction, reading: Reading::default(), joined: None, messages: 0 }
    }

    pub(crate) fn read(mut self, tree: &Tree<'_>) -> Reading {
        let point = match self.direction {
            Direction::Request => Point::User,
            Direction::Response => Point::Output,
        };
        let kind = tree.root().get("type").and_then(|kind| kind.text());
        let point = kind.and_then(|kind| event_point(&kind)).unwrap_or(point);
        // A list has no members at the top, so nothing in it can be the application's own.
        let level = if tree.root().kind() == Kind::Record { Level::Top } else { Level::Known };
        self.value(tree.root(), "", Context { point, level, message: None });
        self.reading
    }

    fn value(&mut self, item: Item<'_>, name: &str, context: Context) {
        match item.kind() {
            Kind::Text => self.text(item, name, context),
            Kind::Number => self.number(item, name, context),
            Kind::List => self.list(item, name, context),
            Kind::Record => self.record(item, context),
            Kind::Null | Kind::Bool => {}
        }
    }

    fn list(&mut self, item: Item<'_>, name: &str, context: Context) {
        let is_text = matches!(name, "input" | "prompt" | "context") && context.level != Level::Open;
        if is_text && is_tokens(item) {
            self.unscanned(item, Matter::Tokens, context);
            return;
        }
        if name == "images" && context.level != Level::Open {
            item.items().for_each(|image| self.unscanned(image, Matter::Image, context));
            return;
        }
        for child in item.items() {
            self.value(child, name, context);
        }
    }

    fn record(&mut self, item: Item<'_>, context: Context) {
        let context = if context.level == Level::Open { context } else { self.meaning(item, context) };
        let kind = item.get("type").and_then(|kind| kind.text());
        let kind = kind.as_deref().unwrap_or_default();
        for child in item.items() {
            let Some(name) = child.name() else { continue };
            if !is_plain_name(&name) {
                self.name(child, &name, context);
            }
            match context.level {
                Level::Open => self.value(child, &name, context),
                Level::Top => self.top(child, &name, context),
                Level::Messages | Level::Known => self.member(child, &name, kind, context),
            }
        }
    }

    /// What a record is, by its role and its type.
    fn meaning(&mut self, item: Item<'_>, context: Context) -> Context {
        if context.level == Level::Top {
            return context;
        }
        let mut inner = Context { level: Level::Known, ..context };
        if let Some(role) = item.get("role").and_then(|role| role.text()) {
            self.messages += 1;
            inner.message = Some(self.messages);
            inner.point = self.role(&role, context);
        }
        if let Some(kind) = item.get("type").and_then(|kind| kind.text()) {
            inner.point = self.kind(&kind, item, inner);
        }
        inner
    }

    fn role(&self, role: &str, context: Context) -> Point {
        if self.direction == Direction::Response {
            return if role == "tool" { Point::ToolResult } else { context.point };
        }
        match role {
            "system" | "developer" if context.level == Level::Messages => Point::System,
            "assistant" | "model" => Point::History,
            "tool" | "function" => Point::ToolResult,
            // A role further in is data: it does not make a text less suspicious.
            _ if context.level == Level::Messages => Point::User,
            _ => context.point,
        }
    }

    fn kind(&mut self, kind: &str, item: Item<'_>, context: Context) -> Point {
        // A result says so even where it is called `mcp_call_output`.
        if kind.ends_with("_output") || kind.ends_with("tool_result") {
            return Point::ToolResult;
        }
        match kind {
            "mcp_list_tools" => Point::ToolDefinition,
            "document" | "search_result" | "input_file" | "file" => Point::Document,
            "reasoning" | "thinking" | "redacted_thinking" | "summary_text" | "reasoning_text" => {
                Point::Reasoning
            }
            "item_reference" | "compaction" => {
                self.unscanned(item, Matter::Kept, context);
                context.point
            }
            call if call.ends_with("_call") || call.ends_with("tool_use") => Point::ToolCall,
            _ => context.point,
        }
    }

    /// A member of the body itself.
    fn top(&mut self, item: Item<'_>, name: &str, context: Context) {
        let is_request = self.direction == Direction::Request;
        let messages = Context { level: Level::Messages, ..context };
        match name {
            "messages" => self.value(item, name, messages),
            "input" if self.api == Api::Responses && item.kind() == Kind::List => {
                self.value(item, name, messages)
            }
            "system" | "instructions" => {
                self.messages += 1;
                let own = Context { message: Some(self.messages), ..messages.at(Point::System) };
                self.value(item, name, own);
            }
            "tools" | "functions" => self.tools(item, context),
            "response_format" | "format" | "output_config" | "output_format" => {
                self.value(item, name, context.open(Point::ToolDefinition));
            }
            "text" if item.kind() == Kind::Record => {
                self.value(item, name, context.open(Point::ToolDefinition))
            }
            "mcp_servers" | "data_sources" => {
                self.unscanned(item, Matter::ProviderTool, context);
                self.value(item, name, context.open(Point::ToolDefinition));
            }
            "previous_response_id" | "conversation" if is_request && item.kind() != Kind::Null => {
                self.unscanned(item, Matter::Kept, context);
                if item.kind() == Kind::Record {
                    self.value(item, name, context.open(Point::User));
                }
            }
            "prompt" if item.kind() == Kind::Record => {
                self.unscanned(item, Matter::Kept, context);
                self.value(item, name, context.open(Point::User));
            }
            "metadata" => self.value(item, name, context.open(context.point)),
            "prediction" => self.value(item, name, context.known(Point::History)),
            "logprobs" => self.logprobs(item),
            _ => self.member(item, name, "", context.known(context.point)),
        }
    }

    /// A member of a message, of a part of one, of an item.
    fn member(&mut self, item: Item<'_>, name: &str, kind: &str, context: Context) {
        let is_call = context.point == Point::ToolCall;
        match name {
            "tool_calls" | "function_call" => self.value(item, name, context.known(Point::ToolCall)),
            "arguments" | "partial_json" => self.value(item, name, context.open(Point::ToolCall)),
            "input" | "action" | "code" | "queries" | "operation" if is_call => {
                self.value(item, name, context.open(Point::ToolCall));
            }
            "output" | "outputs" | "results" | "error" if is_call => {
                self.value(item, name, context.known(Point::ToolResult));
            }
            "tools" | "functions" => self.tools(item, context),
            "input_schema" | "parameters" | "schema" => {
                self.value(item, name, context.open(Point::ToolDefinition))
            }
            "reasoning" | "reasoning_content" | "thinking" | "summary" if item.kind() != Kind::Record => {
                self.value(item, name, context.known(Point::Reasoning));
            }
            "citations" | "annotations" | "documents" | "search_results" | "grounding" => {
                self.value(item, name, context.open(Point::Document));
            }
            "context" if item.kind() == Kind::Record => self.value(item, name, context.open(Point::Document)),
            "logprobs" => self.logprobs(item),
            "embedding" | "embeddings" if self.direction == Direction::Response => {}
            _ => match binary(name, kind, item) {
                Some(matter) => {
                    self.unscanned(item, matter, context);
                    // An address is a text, too; what it leads to is not looked at.
                    if name.contains("url") {
                        self.value(item, name, context);
                    }
                }
                None => self.value(item, name, context),
            },
        }
    }

    /// Definitions of tools. What the provider runs itself never passes the gate.
    fn tools(&mut self, item: Item<'_>, context: Context) {
        for tool in item.items() {
            let kind = tool.get("type").and_then(|kind| kind.text()).unwrap_or_default();
            if PROVIDER_TOOLS.iter().any(|known| kind.starts_with(known)) {
                self.unscanned(tool, Matter::ProviderTool, context);
            }
        }
        self.value(item, "tools", context.open(Point::ToolDefinition));
    }

    fn logprobs(&mut self, item: Item<'_>) {
        if item.items().next().is_some() {
            self.reading.logprobs.push(item.span());
        }
    }

    fn unscanned(&mut self, item: Item<'_>, matter: Matter, context: Context) {
        self.reading.unscanned.push(Unscanned { path: item.path(), matter, point: context.point });
    }

    fn number(&mut self, item: Item<'_>, name: &str, context: Context) {
        let digits = item.raw().iter().filter(|byte| byte.is_ascii_digit()).count();
        let is_time = matches!(name, "created" | "created_at" | "completed_at" | "seed");
        if digits < DIGITS || is_time {
            return;
        }
        let text = String::from_utf8_lossy(item.raw()).into_owned();
        let place = Place { span: item.span(), within: None, kind: PlaceKind::Number };
        self.leaf(item, text, place, Context { message: None, ..context });
    }

    fn name(&mut self, item: Item<'_>, name: &str, context: Context) {
        let Some(span) = item.name_span() else { return };
        let place = Place { span, within: None, kind: PlaceKind::Name };
        self.leaf(item, name.to_owned(), place, Context { message: None, ..context });
    }

    fn text(&mut self, item: Item<'_>, name: &str, context: Context) {
        let Some(text) = item.text() else { return };
        if text.is_empty() || (context.level != Level::Open && is_control(name, &text)) {
            return;
        }
        if let Some(matter) = data_address(&text) {
            let is_told = name.contains("url") && context.level != Level::Open;
            if !is_told {
                self.unscanned(item, matter, context);
            }
            return;
        }
        let place = Place { span: item.span(), within: None, kind: PlaceKind::Text };
        self.within(item, &text, context);
        let is_part = matches!(name, "text" | "content" | "refusal");
        let context = if is_part { context } else { Context { message: None, ..context } };
        self.leaf(item, text.into_owned(), place, context);
    }

    /// JSON in a string: what its own escapes hide is read once more without them.
    fn within(&mut self, item: Item<'_>, text: &str, context: Context) {
        if !text.trim_start().starts_with(['{', '[']) || !text.contains('\\') {
            return;
        }
        let bounds = Bounds { values: 100_000, ..Bounds::default() };
        let Ok(inner) = Tree::read(text.as_bytes(), &bounds) else { return };
        let mut open = vec![inner.root()];
        while let Some(value) = open.pop() {
            let is_hidden = value.kind() == Kind::Text && value.raw().contains(&b'\\');
            if is_hidden && let Some(said) = value.text() {
                let place = Place { span: item.span(), within: Some(value.span()), kind: PlaceKind::Text };
                self.leaf(item, said.into_owned(), place, Context { message: None, ..context });
            }
            open.extend(value.items());
        }
    }

    fn leaf(&mut self, item: Item<'_>, text: String, place: Place, context: Context) {
        if let Some(message) = context.message {
            let joined = self.joined.filter(|(known, _)| *known == message).map(|(_, at)| at);
            let passage = joined.and_then(|at| self.reading.passages.get_mut(at));
            if let Some(passage) = passage.filter(|passage| passage.point == context.point) {
                passage.text.push('\n');
                let range = extended(&mut passage.text, &text);
                passage.segments.push(Segment { range, place });
                return;
            }
            self.joined = Some((message, self.reading.passages.len()));
        }
        let segment = Segment { range: 0..text.len(), place };
        let passage = Passage { point: context.point, path: item.path(), text, segments: vec![segment] };
        self.reading.passages.push(passage);
    }
}

/// What an event of a stream of the Responses API carries, where that is no output.
fn event_point(kind: &str) -> Option<Point> {
    let name = kind.strip_prefix("response.")?;
    let is_call = [
        "function_call_arguments",
        "mcp_call_arguments",
        "custom_tool_call_input",
        "code_interpreter_call_code",
    ]
    .iter()
    .any(|call| name.starts_with(call));
    if is_call {
        return Some(Point::ToolCall);
    }
    name.starts_with("reasoning").then_some(Point::Reasoning)
}

fn extended(text: &mut String, more: &str) -> Range<usize> {
    let start = text.len();
    text.push_str(more);
    start..text.len()
}

/// Whether a list holds numbers of tokens, or lists of them.
fn is_tokens(item: Item<'_>) -> bool {
    item.items().next().is_some_and(|first| match first.kind() {
        Kind::Number => true,
        Kind::List => first.items().next().is_some_and(|inner| inner.kind() == Kind::Number),
        _ => false,
    })
}

/// What cannot be looked into, by the member's name and the type of what it is in.
fn binary(name: &str, kind: &str, item: Item<'_>) -> Option<Matter> {
    let is_text = item.kind() == Kind::Text;
    match name {
        "encrypted_content" | "signature" | "encrypted_index" if is_text => Some(Matter::Encrypted),
        "b64_json" | "partial_image_b64" if is_text => Some(Matter::Image),
        "file_data" | "file_id" | "file_url" | "image_file_id" if is_text => Some(Matter::File),
        "image_url" if is_text => Some(Matter::Image),
        "url" if kind.is_empty() && is_text && item.path().ends_with("image_url.url") => Some(Matter::Image),
        "result" if kind == "image_generation_call" && is_text => Some(Matter::Image),
        "data" if is_text => match kind {
            "redacted_thinking" => Some(Matter::Encrypted),
            "base64" | "input_audio" | "audio" | "image" => Some(Matter::File),
            "" if item.path().ends_with("audio.data") => Some(Matter::Audio),
            _ => None,
        },
        "url" if kind == "url" || kind == "image_url" => Some(Matter::File),
        _ => None,
    }
}

/// Data in an address, unless it says that it is text.
fn data_address(text: &str) -> Option<Matter> {
    let media = text.strip_prefix("data:")?.split_once(";base64,")?.0;
    match media.split_once('/')?.0 {
        "image" | "video" => Some(Matter::Image),
        "audio" => Some(Matter::Audio),
        "application" => Some(Matter::File),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
