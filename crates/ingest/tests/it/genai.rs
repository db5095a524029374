//! Whole spans and events, as the instrumentations write them.

use serde_json::{Map, Value, json};

use crate::check::rows;
use crate::genai_rules::{log, span};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_chat_span() {
    let taken = span(&object(json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 5, "gen_ai.conversation.id": "c1",
        "gen_ai.agent.id": "a1", "gen_ai.agent.name": "Planner",
        "gen_ai.input.messages": "[{\"role\":\"user\"}]", "gen_ai.output.messages": "[{\"role\":\"assistant\"}]",
    })));
    let agent = &rows(&taken, "ASimAgentEventLogs")[0];
    assert_eq!((&agent["EventType"], &agent["EventOriginalType"]), (&json!("InvokeModel"), &json!("chat")));
    assert_eq!((&agent["InputTokensUsed"], &agent["OutputTokensUsed"]), (&json!(12), &json!(5)));
    assert_eq!((&agent["SrcAgentId"], agent.get("TargetAgentId")), (&json!("a1"), None));
    assert_eq!((&agent["EventSchema"], &agent["EventCount"]), (&json!("AgentEvent"), &json!(1)));
    assert_eq!(agent["AdditionalFields"]["TraceId"], "5b8efff798038103d269b633813fc60c");
    let content = &rows(&taken, "AppGenAIContent")[0];
    assert_eq!(
        (&content["InputMessages"], &content["AgentName"]),
        (&json!("[{\"role\":\"user\"}]"), &json!("Planner"))
    );
    assert_eq!(content["ModelName"], "gpt-4o");
    let attributes = &rows(&taken, "OTelSpans")[0]["Attributes"];
    assert_eq!(attributes["gen_ai.input.messages"], "[AppGenAIContent.InputMessages]");
    assert_eq!(attributes["gen_ai.usage.input_tokens"], 12);
    assert!(!agent.to_string().contains("assistant"));
}

#[test]
fn a_span_without_content_has_no_row_of_it() {
    let taken = span(&object(json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup"})));
    assert_eq!((taken.count("AppGenAIContent"), taken.count("ASimAgentEventLogs")), (0, 1));
    let taken = span(&object(json!({"session.id": "s", "input.value": "mine", "error.type": "x"})));
    assert_eq!((taken.count("AppGenAIContent"), taken.count("ASimAgentEventLogs")), (0, 0));
    assert_eq!(rows(&taken, "OTelSpans")[0]["Attributes"]["input.value"], "mine");
}

#[test]
fn what_does_not_fit_its_column_is_kept_beside_it() {
    let taken = span(&object(json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": "many"})));
    let agent = &rows(&taken, "ASimAgentEventLogs")[0];
    assert_eq!(
        (agent.get("InputTokensUsed"), &agent["AdditionalFields"]["gen_ai.usage.input_tokens"]),
        (None, &json!("many"))
    );
    assert_eq!(
        taken.problems[0].kind,
        castellan_ingest::ProblemKind::WrongType("gen_ai.usage.input_tokens".into())
    );
}

#[test]
fn an_operation_that_no_rule_knows_stands_as_it_was_sent() {
    let taken = span(&object(json!({"gen_ai.operation.name": "think"})));
    assert_eq!(rows(&taken, "ASimAgentEventLogs")[0]["EventType"], "think");
}

#[test]
fn of_two_dialects_one_counts_and_nothing_is_lost() {
    let taken = span(&object(json!({
        "openinference.span.kind": "LLM", "input.value": "raw request", "input.mime_type": "text/plain",
        "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi",
        "llm.input_messages.1.message.role": "assistant", "llm.token_count.prompt": 3,
        "llm.invocation_parameters": "{\"temperature\": 0.2}",
    })));
    let content = &rows(&taken, "AppGenAIContent")[0];
    assert_eq!(content["InputMessages"], r#"[{"content":"Hi","role":"user"},{"role":"assistant"}]"#);
    assert_eq!(content["Attributes"], json!({"input.value": "raw request"}));
    let attributes = &rows(&taken, "OTelSpans")[0]["Attributes"];
    assert_eq!(
        attributes,
        &json!({"openinference.span.kind": "LLM", "input.value": "[AppGenAIContent.Attributes]",
            "input.mime_type": "text/plain", "llm.input_messages.*": "[AppGenAIContent.InputMessages]",
            "llm.token_count.prompt": 3, "llm.invocation_parameters": "{\"temperature\": 0.2}"})
    );
    assert_eq!(rows(&taken, "ASimAgentEventLogs")[0]["EventRequestTemperature"], 0.2);
}

#[test]
fn events_that_a_span_tells_are_not_counted_twice() {
    let details = object(json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12,
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]}));
    let taken = log("gen_ai.client.inference.operation.details", None, &details);
    assert_eq!((taken.count("AppGenAIContent"), taken.count("ASimAgentEventLogs")), (1, 0));
    let messages = rows(&taken, "AppGenAIContent")[0]["InputMessages"].clone();
    assert_eq!(messages, r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#);
    let marker = &rows(&taken, "OTelLogs")[0]["Attributes"]["gen_ai.input.messages"];
    assert_eq!(marker, "[AppGenAIContent.InputMessages]");
}

#[test]
fn an_evaluation_is_an_event_of_its_own() {
    let result =
        object(json!({"gen_ai.evaluation.name": "prompt_injection", "gen_ai.evaluation.score.value": 0.98,
        "gen_ai.evaluation.score.label": "fail", "gen_ai.evaluation.explanation": "asks to ignore"}));
    let taken = log("gen_ai.evaluation.result", None, &result);
    let agent = &rows(&taken, "ASimAgentEventLogs")[0];
    assert_eq!(
        (&agent["EventType"], &agent["AdditionalFields"]["gen_ai.evaluation.score.value"]),
        (&json!("Evaluate"), &json!(0.98))
    );
    assert_eq!(rows(&taken, "AppGenAIContent")[0]["EvaluationExplanation"], "asks to ignore");
}

#[test]
fn a_body_and_an_attribute_for_one_column_are_both_kept() {
    let taken = log("gen_ai.user.message", Some(&json!("Hi")), &object(json!({"gen_ai.prompt": "other"})));
    let content = &rows(&taken, "AppGenAIContent")[0];
    assert_eq!(content["InputMessages"], r#"[{"role":"user","content":"Hi"}]"#);
    assert_eq!(content["Attributes"]["gen_ai.prompt"], "other");
}

#[test]
fn an_event_of_a_name_to_come_keeps_its_body_as_content() {
    let taken = log("gen_ai.new.thing", Some(&json!({"text": "a secret prompt"})), &Map::new());
    assert_eq!(rows(&taken, "AppGenAIContent")[0]["Attributes"]["body"], json!({"text": "a secret prompt"}));
    assert!(!rows(&taken, "OTelLogs")[0].to_string().contains("secret"));
}

#[test]
fn a_log_of_anything_else_stays_as_it_is() {
    let taken = log("order.placed", Some(&json!("Hi")), &object(json!({"gen_ai.system": "openai"})));
    assert_eq!((taken.count("AppGenAIContent"), taken.count("ASimAgentEventLogs")), (0, 0));
    assert_eq!(rows(&taken, "OTelLogs")[0]["Body"], "Hi");
}
