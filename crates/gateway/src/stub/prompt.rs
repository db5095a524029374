//! What a request says, as far as the stub looks: the model, the last text of the user, whether to stream.

use serde_json::Value;

/// The parts of a request that decide the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    /// The model that was asked for.
    pub model: String,
    /// The last text of the user, or of a tool.
    pub text: String,
    /// Characters of all texts, for the number of tokens.
    pub characters: usize,
    /// True when `stream` is true.
    pub stream: bool,
    /// True when `stream_options.include_usage` is true.
    pub include_usage: bool,
    /// How many answers are asked for besides the first (`n`); at most seven.
    pub more_answers: usize,
    /// The names of the tools that may be called.
    pub tools: Vec<String>,
}

impl Prompt {
    /// Reads the parts. What is not there, or not of the expected kind, is empty.
    pub(super) fn read(request: &Value) -> Prompt {
        let mut prompt = Prompt {
            model: string(request, "model"),
            stream: request.get("stream").and_then(Value::as_bool).unwrap_or(false),
            include_usage: request.pointer("/stream_options/include_usage").and_then(Value::as_bool)
                == Some(true),
            more_answers: request.get("n").and_then(Value::as_u64).map_or(0, |n| n.clamp(1, 8) as usize - 1),
            tools: tools(request),
            ..Prompt::default()
        };
        for field in ["system", "instructions"] {
            prompt.count(request.get(field));
        }
        for field in ["messages", "input"] {
            prompt.take_messages(request.get(field));
        }
        if let Some(text) = request.get("prompt") {
            prompt.take(text);
        }
        prompt
    }

    /// The stated number of tokens: characters divided by four, rounded up.
    pub(super) fn tokens(&self) -> usize {
        self.characters.div_ceil(4)
    }

    fn take_messages(&mut self, messages: Option<&Value>) {
        match messages {
            Some(Value::Array(items)) => {
                for item in items {
                    self.take_message(item);
                }
            }
            Some(text) => self.take(text),
            None => {}
        }
    }

    fn take_message(&mut self, item: &Value) {
        let role = item.get("role").and_then(Value::as_str).unwrap_or("user");
        let content = match item {
            Value::String(_) => Some(item),
            _ => item.get("content").or_else(|| item.get("output")),
        };
        match content {
            Some(content) if matches!(role, "user" | "tool") => self.take(content),
            content => self.count(content),
        }
    }

    fn take(&mut self, content: &Value) {
        self.count(Some(content));
        let text = texts(content);
        if !text.is_empty() {
            self.text = text;
        }
    }

    fn count(&mut self, content: Option<&Value>) {
        self.characters += content.map_or(0, |content| texts(content).chars().count());
    }
}

fn string(request: &Value, name: &str) -> String {
    request.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The texts of a content: itself, or those of its parts, one a line.
fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().map(part_text).filter(|text| !text.is_empty()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

fn part_text(part: &Value) -> String {
    match part {
        Value::String(text) => text.clone(),
        _ => match part.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => part.get("content").map(texts_of_result).unwrap_or_default(),
        },
    }
}

/// A tool's result holds a text or parts, one level down.
fn texts_of_result(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn tools(request: &Value) -> Vec<String> {
    let Some(Value::Array(tools)) = request.get("tools") else { return Vec::new() };
    tools
        .iter()
        .filter_map(|tool| tool.get("name").or_else(|| tool.pointer("/function/name"))?.as_str())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(request: &Value, expected: &str) {
        assert_eq!(Prompt::read(request).text, expected, "{request}");
    }

    #[test]
    fn the_last_text_of_the_user_is_found() {
        check(
            &json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}),
            "u",
        );
        check(
            &json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]}]}),
            "a\nb",
        );
        check(&json!({"input": "i"}), "i");
        check(&json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "i"}]}]}), "i");
        check(&json!({"prompt": ["p"]}), "p");
        check(
            &json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"text": "r"}]}]}]}),
            "r",
        );
        check(&json!({"messages": 3}), "");
    }
}
