//! The walk over a message.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::{Form, From, Inspection, Part, Point, Unscanned};
use crate::json::{Kind, Value, push_step};
use crate::message::{Message, Method};

/// Digits from which a number is a part: shorter ones identify nobody.
const DIGITS: usize = 7;

/// Words of the protocol and of JSON Schema that carry no content, sorted. A string that is exactly one of them is no part.
const WORDS: &[&str] = &[
    "$defs",
    "$ref",
    "$schema",
    "2.0",
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    "2025-11-25",
    "2026-07-28",
    "_meta",
    "accept",
    "action",
    "additionalProperties",
    "allOf",
    "annotations",
    "anyOf",
    "arguments",
    "array",
    "assistant",
    "audio",
    "blob",
    "boolean",
    "cacheScope",
    "call",
    "cancel",
    "capabilities",
    "clientInfo",
    "code",
    "complete",
    "completion",
    "completions",
    "const",
    "content",
    "contents",
    "context",
    "cursor",
    "data",
    "decline",
    "default",
    "definitions",
    "description",
    "destructiveHint",
    "elicitation",
    "endTurn",
    "enum",
    "error",
    "examples",
    "execution",
    "experimental",
    "extensions",
    "form",
    "format",
    "hasMore",
    "icons",
    "id",
    "idempotentHint",
    "image",
    "info",
    "input",
    "inputRequests",
    "inputResponses",
    "inputSchema",
    "input_required",
    "instructions",
    "integer",
    "isError",
    "items",
    "jsonrpc",
    "level",
    "listChanged",
    "logging",
    "maxItems",
    "maxLength",
    "maxTokens",
    "maximum",
    "message",
    "messages",
    "method",
    "mimeType",
    "minItems",
    "minLength",
    "minimum",
    "mode",
    "model",
    "modelPreferences",
    "name",
    "nextCursor",
    "null",
    "number",
    "object",
    "oneOf",
    "openWorldHint",
    "outputSchema",
    "params",
    "pattern",
    "private",
    "progress",
    "progressToken",
    "prompt",
    "prompts",
    "properties",
    "protocolVersion",
    "public",
    "readOnlyHint",
    "requestState",
    "requestedSchema",
    "required",
    "resource",
    "resourceTemplates",
    "resource_link",
    "resources",
    "result",
    "resultType",
    "role",
    "roots",
    "sampling",
    "serverInfo",
    "size",
    "sizes",
    "src",
    "status",
    "stopReason",
    "string",
    "structuredContent",
    "subscribe",
    "supportedVersions",
    "systemPrompt",
    "taskId",
    "tasks",
    "temperature",
    "text",
    "title",
    "tools",
    "total",
    "ttlMs",
    "type",
    "uri",
    "uriTemplate",
    "url",
    "user",
    "values",
    "version",
];

/// All texts of a message. `request` is the method that an answer answers.
#[must_use]
pub fn inspect(message: &Message, from: From, request: Option<Method>) -> Inspection<'_> {
    let mut walk = Walk { from, inspection: Inspection::default(), path: String::new() };
    let method = message.method();
    for member in message.root().members() {
        let point = match &*member.key {
            "params" => of_params(method, message.method_name()),
            "result" => of_result(request),
            "error" => Point::Error,
            "id" => Point::Opaque,
            _ => Point::Metadata,
        };
        walk.member(member, point);
    }
    walk.inspection
}

/// All texts of one definition; paths begin at it, spans are places in the message that it is of.
#[must_use]
pub fn inspect_definition(definition: &Value) -> Inspection<'_> {
    let mut walk = Walk { from: From::Server, inspection: Inspection::default(), path: String::new() };
    walk.value(definition, Point::Definition);
    walk.inspection
}

fn of_params(method: Option<Method>, name: Option<&str>) -> Point {
    match method {
        Some(Method::CreateMessage) => Point::Sampling,
        Some(Method::Elicit) => Point::Elicitation,
        Some(Method::Initialize) => Point::Metadata,
        Some(method) if method.is_notification() => Point::Notification,
        None if name.is_some_and(|name| name.starts_with("notifications/")) => Point::Notification,
        _ => Point::Arguments,
    }
}

fn of_result(request: Option<Method>) -> Point {
    match request {
        Some(
            Method::ToolsList | Method::PromptsList | Method::ResourcesList | Method::ResourcesTemplates,
        ) => Point::Definition,
        Some(Method::Initialize | Method::Discover) => Point::Instructions,
        Some(Method::PromptsGet) => Point::Prompt,
        Some(Method::ResourcesRead) => Point::Resource,
        Some(Method::Complete) => Point::Completion,
        Some(Method::CreateMessage) => Point::SamplingAnswer,
        Some(Method::Elicit) => Point::ElicitationAnswer,
        Some(Method::RootsList) => Point::Roots,
        _ => Point::Result,
    }
}

struct Walk<'a> {
    from: From,
    inspection: Inspection<'a>,
    path: String,
}

impl<'a> Walk<'a> {
    fn part(&mut self, text: Cow<'a, str>, span: crate::json::Span, form: Form, point: Point) {
        if text.is_empty()
            || (form == Form::Text || form == Form::Key) && WORDS.binary_search(&&*text).is_ok()
        {
            return;
        }
        if form == Form::Text && Method::of(&text).is_some() {
            return;
        }
        let path = self.path.clone();
        self.inspection.parts.push(Part { text, path, span, form, point, from: self.from });
    }

    fn member(&mut self, member: &'a crate::json::Member, point: Point) {
        let length = self.path.len();
        push_step(&mut self.path, &member.key);
        self.part(Cow::Borrowed(&member.key), member.key_span, Form::Key, point);
        self.value(&member.value, point);
        self.path.truncate(length);
    }

    fn value(&mut self, value: &'a Value, point: Point) {
        match &value.kind {
            Kind::String(text) => self.part(Cow::Borrowed(text), value.span, Form::Text, point),
            Kind::Number(text) if text.bytes().filter(u8::is_ascii_digit).count() >= DIGITS => {
                self.part(Cow::Borrowed(text), value.span, Form::Number, point);
            }
            Kind::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let length = self.path.len();
                    push_step(&mut self.path, &place.to_string());
                    self.value(item, point);
                    self.path.truncate(length);
                }
            }
            Kind::Object(members) => {
                let media = value.get("mimeType").and_then(Value::as_str);
                let kind = value.get("type").and_then(Value::as_str);
                for member in members {
                    let text = member.value.as_str();
                    let is_binary = match &*member.key {
                        "blob" => true,
                        "data" => matches!(kind, Some("image" | "audio")),
                        _ => false,
                    };
                    if let Some(text) = text.filter(|_| is_binary) {
                        self.binary(member, text, media.or(kind).unwrap_or("blob"), point);
                    } else if member.key.as_ref() == "inputRequests"
                        || member.key.as_ref() == "inputResponses"
                    {
                        self.inputs(member, point);
                    } else {
                        self.member(member, below(&member.key, point));
                    }
                    self.address(member);
                }
            }
            _ => {}
        }
    }

    /// Content that says that it is no text. It is believed only if it is none.
    fn binary(&mut self, member: &'a crate::json::Member, text: &'a str, media: &str, point: Point) {
        let length = self.path.len();
        push_step(&mut self.path, &member.key);
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        let decoded = engines.iter().find_map(|engine| engine.decode(text).ok());
        match decoded.map(String::from_utf8) {
            None => self.part(Cow::Borrowed(text), member.value.span, Form::Text, point),
            Some(Ok(decoded)) if is_text(&decoded) => {
                self.part(Cow::Owned(decoded), member.value.span, Form::Base64, point);
            }
            Some(_) => self.unscanned(media, text.len(), "binary content, which no text check reads"),
        }
        self.path.truncate(length);
    }

    fn unscanned(&mut self, media: &str, bytes: usize, reason: &'static str) {
        let path = self.path.clone();
        let media = media.chars().take(100).collect();
        self.inspection.unscanned.push(Unscanned { path, media, bytes, reason });
    }

    /// An address that holds its content: its text is a part, the picture in it is listed.
    fn address(&mut self, member: &'a crate::json::Member) {
        let Some(rest) = member.value.as_str().and_then(|text| text.strip_prefix("data:")) else { return };
        let media = rest.split([',', ';']).next().unwrap_or_default();
        if rest.contains(";base64,") && !media.starts_with("text/") {
            let length = self.path.len();
            push_step(&mut self.path, &member.key);
            self.unscanned(
                media,
                rest.len(),
                "binary content in a data: address; its Base64 was scanned as text",
            );
            self.path.truncate(length);
        }
    }

    /// What a server asks in its result, and what the client answers in its retried request (2026-07-28).
    fn inputs(&mut self, member: &'a crate::json::Member, point: Point) {
        let length = self.path.len();
        push_step(&mut self.path, &member.key);
        if member.value.is_object() {
            for input in member.value.members() {
                self.member(input, of_input(&input.value));
            }
        } else {
            self.value(&member.value, point);
        }
        self.path.truncate(length);
    }
}

fn of_input(input: &Value) -> Point {
    match input.get("method").and_then(Value::as_str).and_then(Method::of) {
        Some(Method::CreateMessage) => Point::Sampling,
        Some(Method::Elicit) => Point::Elicitation,
        Some(_) => Point::Roots,
        None if input.get("roots").is_some() => Point::Roots,
        None if input.get("role").is_some() || input.get("model").is_some() => Point::SamplingAnswer,
        None => Point::ElicitationAnswer,
    }
}

fn below(key: &str, point: Point) -> Point {
    match key {
        "_meta" | "clientInfo" | "serverInfo" if point != Point::Definition => Point::Metadata,
        // In arguments and structured results these names are anybody's.
        "nextCursor" | "requestState" | "progressToken" if point != Point::Definition => Point::Opaque,
        "cursor" | "taskId" if point == Point::Arguments => Point::Opaque,
        "resource" if point == Point::Result => Point::Resource,
        _ => point,
    }
}

fn is_text(decoded: &str) -> bool {
    !decoded.is_empty()
        && decoded.chars().all(|character| !character.is_control() || "\t\n\r\u{1b}".contains(character))
}

#[cfg(test)]
mod tests {
    use super::WORDS;

    #[test]
    fn words_are_sorted() {
        assert!(WORDS.is_sorted());
    }
}
