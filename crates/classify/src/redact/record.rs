//! Items as JSON lines: what has to be kept to turn tokens back. They hold no values.
//!
//! ```json
//! {"type":"PAYMENT_CARD","operator":"token","start":5,"end":24,"original":[5,24],"key":"2026-11",
//!  "form":{"kind":"format","check":"luhn","invalid":false,"keep_first":0}}
//! ```

use serde_json::{Value as Json, json};

use crate::redact::format::{CheckDigits, Format};
use crate::redact::keys::KeyId;
use crate::redact::operator::Form;
use crate::redact::redactor::Item;

/// Operators by name.
const OPERATORS: [&str; 6] = ["mask", "token", "encrypt", "hash", "replace", "remove"];

impl Item {
    /// The item as JSON. Places are bytes.
    pub fn json(&self) -> Json {
        json!({
            "type": &*self.kind, "operator": self.operator, "start": self.start, "end": self.end,
            "original": [self.original.start, self.original.end],
            "key": self.key.as_ref().map(KeyId::as_str), "form": form(self.form),
        })
    }

    /// The item that [`Item::json`] wrote.
    ///
    /// # Errors
    /// The member that is missing or wrong.
    pub fn read(json: &Json) -> Result<Item, &'static str> {
        let place =
            |value: Option<&Json>| value.and_then(Json::as_u64).and_then(|it| usize::try_from(it).ok());
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let original =
            |at: usize| place(json.get("original").and_then(|pair| pair.get(at))).ok_or("original");
        let operator = OPERATORS.into_iter().find(|known| text("operator") == Some(known));
        Ok(Item {
            operator: operator.ok_or("operator")?,
            kind: text("type").ok_or("type")?.into(),
            start: place(json.get("start")).ok_or("start")?,
            end: place(json.get("end")).ok_or("end")?,
            original: original(0)?..original(1)?,
            form: read_form(json.get("form").unwrap_or(&Json::Null)).ok_or("form")?,
            key: match json.get("key") {
                None | Some(Json::Null) => None,
                Some(name) => Some(name.as_str().and_then(|name| KeyId::new(name).ok()).ok_or("key")?),
            },
        })
    }
}

fn form(form: Form) -> Json {
    match form {
        Form::Final => json!({ "kind": "final" }),
        Form::Sealed => json!({ "kind": "sealed" }),
        Form::Fallback => json!({ "kind": "fallback" }),
        Form::Format(Format { check, invalid, keep_first }) => {
            let check = match check {
                CheckDigits::None => "none",
                CheckDigits::Luhn => "luhn",
                CheckDigits::Iban => "iban",
            };
            json!({ "kind": "format", "check": check, "invalid": invalid, "keep_first": keep_first })
        }
    }
}

fn read_form(json: &Json) -> Option<Form> {
    Some(match json.get("kind")?.as_str()? {
        "final" => Form::Final,
        "sealed" => Form::Sealed,
        "fallback" => Form::Fallback,
        "format" => Form::Format(Format {
            check: match json.get("check")?.as_str()? {
                "none" => CheckDigits::None,
                "luhn" => CheckDigits::Luhn,
                "iban" => CheckDigits::Iban,
                _ => return None,
            },
            invalid: json.get("invalid")?.as_bool()?,
            keep_first: json.get("keep_first")?.as_u64()?.try_into().ok()?,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back() {
        let forms = [
            Form::Final,
            Form::Sealed,
            Form::Fallback,
            Form::Format(Format { check: CheckDigits::Luhn, invalid: true, keep_first: 6 }),
            Form::Format(Format { check: CheckDigits::Iban, invalid: false, keep_first: 0 }),
            Form::Format(Format::default()),
        ];
        for (form, operator) in forms.into_iter().zip(OPERATORS) {
            let key = KeyId::new("2026-11").ok();
            let item = Item { operator, kind: "CARD".into(), start: 1, end: 9, original: 2..7, form, key };
            assert_eq!(Item::read(&item.json()), Ok(item));
        }
        for (text, expected) in [
            ("{}", "operator"),
            (r#"{"operator": "mask", "type": "A", "start": -1}"#, "start"),
            ("7", "operator"),
        ] {
            assert_eq!(Item::read(&serde_json::from_str(text).unwrap()), Err(expected), "{text}");
        }
    }
}
