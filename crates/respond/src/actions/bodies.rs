//! What messages look like to each kind of connector.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::message::Words;
use super::{ActionError, Call};

pub(super) fn field(value: &Value, name: &str) -> Option<String> {
    let found = value.get(name).or_else(|| value.get("result").and_then(|result| result.get(name)))?;
    Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}

/// HMAC-SHA-256 over time and body, so that neither can be changed and an old message is told from a new one.
pub(super) fn signature(secret: &str, time: i128, body: &str) -> Vec<(String, String)> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("X-Castellan-Timestamp".to_owned(), time.to_string()),
        ("X-Castellan-Signature".to_owned(), format!("v1={hex}")),
    ]
}

pub(super) fn webhook(call: &Call<'_>, message: &Words) -> Result<Value, ActionError> {
    let data = call.optional("data")?;
    let data = data.map(|text| serde_json::from_str::<Value>(&text)).transpose();
    let data = data.map_err(|_| ActionError::refused("the input `data` is no JSON"))?;
    Ok(json!({"id": message.key, "title": message.title, "text": message.text, "data": data}))
}

/// Slack takes three characters for markup.
pub(super) fn slack(message: &Words) -> Value {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({"text": format!("*{}*\n{}", plain(&message.title), plain(&message.text))})
}

pub(super) fn teams(message: &Words) -> Value {
    let block =
        |text: &str, weight: &str| json!({"type": "TextBlock", "text": text, "wrap": true, "weight": weight});
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "type": "AdaptiveCard", "version": "1.4",
                "body": [block(&message.title, "Bolder"), block(&message.text, "Default")],
            },
        }],
    })
}

pub(super) fn ticket(call: &Call<'_>, message: &Words) -> Result<Value, ActionError> {
    let mut body = json!({"key": message.key, "title": message.title, "description": message.text});
    for name in ["priority", "queue"] {
        if let (Some(value), Some(members)) = (call.optional(name)?, body.as_object_mut()) {
            members.insert(name.to_owned(), json!(value));
        }
    }
    Ok(body)
}
