//! What messages become: lines of rows, by table.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_base::Ticks;
use castellan_ingest::Taken;
use castellan_ingest::diagnostic::Mapper;
use castellan_ingest::otlp::{self, Encoding};
use castellan_lake::TableSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::records::Message;
use crate::intake::now;
use crate::intake::rules::Flow;

/// What the messages of a topic are.
#[derive(Debug)]
pub(super) enum Shape {
    /// JSON: an object, which is a row, or an array of them.
    Json {
        table: String,
        /// Columns that say something of the message.
        attributes: Vec<(String, Attribute)>,
        /// What the rows come in as, and how they are transformed.
        flow: Option<Box<(TableSchema, Flow)>>,
    },
    /// Logs as Azure's diagnostic settings write them.
    Diagnostics,
    /// OpenTelemetry, as protobuf or JSON.
    Otlp(Signal),
}

/// What OpenTelemetry sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Traces,
    Metrics,
}

/// Something that is known of a message beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Attribute {
    /// When it was written, as the producer or the broker says.
    Time,
    /// Its key: as text, or in Base64 where it is none.
    Key,
    Topic,
    Partition,
    Offset,
    /// Its headers as an object, the last of each name.
    Headers,
}

/// Lines of a table, each message's after the other's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) text: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// The lines of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: i64,
    /// Where its lines end.
    pub(super) end: usize,
    pub(super) rows: usize,
}

/// Something of a message that is not kept, or not as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// The message, or the first of several.
    pub(super) offset: i64,
    /// How many messages, rows or records are not kept; 0 where they are, but not as they came.
    pub(super) count: u64,
    pub(super) reason: String,
}

/// Where messages come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'f> {
    pub(super) topic: &'f str,
    pub(super) partition: i32,
    pub(super) mapper: &'f Mapper,
}

/// What is gathered of messages.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) tables: BTreeMap<String, Lines>,
    pub(super) losses: Vec<Loss>,
    /// Bytes of all lines.
    pub(super) bytes: usize,
    pub(super) messages: usize,
}

impl Sheet {
    /// Takes a message.
    pub(super) fn take(&mut self, shape: &Shape, from: Source<'_>, message: &Message<'_>) {
        self.messages += 1;
        // A tombstone says that a key is gone, which is no event.
        let Some(value) = message.value else { return };
        let taken = match shape {
            Shape::Json { table, attributes, .. } => {
                self.json(table, &attributes_of(attributes, from, message), message.offset, value);
                return;
            }
            Shape::Diagnostics => from.mapper.take(value, now()).map_err(|error| error.to_string()),
            Shape::Otlp(signal) => signal.read(value).map_err(|error| error.to_string()),
        };
        match taken {
            Ok(taken) => self.taken(taken, message.offset),
            Err(reason) => self.lost(message.offset, 1, reason),
        }
    }

    pub(super) fn lost(&mut self, offset: i64, count: u64, reason: impl Into<String>) {
        self.losses.push(Loss { offset, count, reason: reason.into() });
    }

    fn taken(&mut self, taken: Taken, offset: i64) {
        if taken.rejected > 0 || !taken.problems.is_empty() {
            self.lost(offset, taken.rejected, taken.message().unwrap_or_default());
        }
        for rows in taken.rows {
            let lines = self.tables.entry(rows.table.into_owned()).or_default();
            lines.text.extend_from_slice(&rows.lines);
            self.bytes += rows.lines.len();
            lines.pieces.push(Piece { offset, end: lines.text.len(), rows: rows.count });
        }
    }

    fn json(&mut self, table: &str, attributes: &[u8], offset: i64, value: &[u8]) {
        let value = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value).trim_ascii();
        if std::str::from_utf8(value).is_err() {
            return self.lost(offset, 1, "it is not UTF-8");
        }
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(value) {
            let place = format!("line {}, column {}", error.line(), error.column());
            return self.lost(offset, 1, format!("it is not JSON, or nested too deep, at {place}"));
        }
        let lines = self.tables.entry(table.to_owned()).or_default();
        let (before, mut rows, mut others) = (lines.text.len(), 0, 0);
        for row in elements(value) {
            let Some(members) = row.strip_prefix(b"{") else {
                others += 1;
                continue;
            };
            lines.text.push(b'{');
            lines.text.extend_from_slice(attributes);
            if !attributes.is_empty() && members.trim_ascii_start() != b"}" {
                lines.text.push(b',');
            }
            // Between values, the end of a line is no more than a blank.
            lines
                .text
                .extend(members.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
            lines.text.push(b'\n');
            rows += 1;
        }
        self.bytes += lines.text.len() - before;
        if rows > 0 {
            lines.pieces.push(Piece { offset, end: lines.text.len(), rows });
        }
        if others > 0 {
            self.lost(offset, others, "what is no JSON object is no row");
        }
    }
}

impl Signal {
    fn read(self, value: &[u8]) -> Result<Taken, otlp::Error> {
        // No protobuf of these messages begins with a brace: that would be field 15, which they do not have.
        let encoding = if value.first() == Some(&b'{') { Encoding::Json } else { Encoding::Protobuf };
        match self {
            Signal::Logs => otlp::logs(value, encoding, now()),
            Signal::Traces => otlp::traces(value, encoding, now()),
            Signal::Metrics => otlp::metrics(value, encoding, now()),
        }
    }
}

/// The items of an array, or the value itself. `text` is JSON without blanks around it.
fn elements(text: &[u8]) -> Vec<&[u8]> {
    let Some(inner) = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")) else {
        return vec![text];
    };
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, byte) in inner.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                items.push(inner.get(start..at).unwrap_or_default().trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = inner.get(start..).unwrap_or_default().trim_ascii();
    if !last.is_empty() {
        items.push(last);
    }
    items
}

/// Members that say something of a message, without braces around them.
fn attributes_of(attributes: &[(String, Attribute)], from: Source<'_>, message: &Message<'_>) -> Vec<u8> {
    if attributes.is_empty() {
        return Vec::new();
    }
    let members: Map<String, Value> = attributes
        .iter()
        .map(|(column, attribute)| (column.clone(), attribute.of(from, message)))
        .filter(|(_, value)| !value.is_null())
        .collect();
    let text = serde_json::to_vec(&members).unwrap_or_default();
    text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or_default().to_vec()
}

impl Attribute {
    fn of(self, from: Source<'_>, message: &Message<'_>) -> Value {
        match self {
            Attribute::Time => Ticks::from_unix_nanos(i128::from(message.time) * 1_000_000)
                .filter(|_| message.time >= 0)
                .map_or(Value::Null, |time| time.to_string().into()),
            Attribute::Key => message.key.map_or(Value::Null, text),
            Attribute::Topic => from.topic.into(),
            Attribute::Partition => from.partition.into(),
            Attribute::Offset => message.offset.into(),
            Attribute::Headers => {
                let headers = message.headers.iter();
                let named = headers.map(|(name, value)| {
                    (String::from_utf8_lossy(name).into_owned(), value.map_or(Value::Null, text))
                });
                Value::Object(named.collect())
            }
        }
    }
}

/// Bytes as text, or in Base64 where they are none.
fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes).into(), Value::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn taken(shape: &Shape, value: Option<&[u8]>) -> Sheet {
        let mapper = crate::intake::mapper();
        let from = Source { topic: "calls", partition: 3, mapper: &mapper };
        let headers = vec![(&b"trace"[..], Some(&b"abc"[..])), (b"raw", Some(&[0xff])), (b"none", None)];
        let message = Message { offset: 17, time: 1_795_219_200_123, key: Some(b"k"), value, headers };
        let mut sheet = Sheet::default();
        sheet.take(shape, from, &message);
        sheet
    }

    fn shape(attributes: &[(&str, Attribute)]) -> Shape {
        let attributes =
            attributes.iter().map(|(name, attribute)| ((*name).to_owned(), *attribute)).collect();
        Shape::Json { table: "A_CL".to_owned(), attributes, flow: None }
    }

    fn lines(value: &[u8]) -> (String, Vec<(u64, String)>) {
        let mut sheet = taken(&shape(&[]), Some(value));
        let lines = sheet.tables.remove("A_CL").unwrap_or_default();
        let losses = sheet.losses.into_iter().map(|loss| (loss.count, loss.reason)).collect();
        (String::from_utf8(lines.text).unwrap(), losses)
    }

    #[test]
    fn objects_and_arrays_are_rows() {
        let none = Vec::new;
        assert_eq!(lines(b" {\"a\": 1}\n"), ("{\"a\": 1}\n".to_owned(), none()));
        assert_eq!(lines(b"\xef\xbb\xbf{\n\"a\": 1}"), ("{ \"a\": 1}\n".to_owned(), none()));
        assert_eq!(
            lines(br#"[{"a": "],\"{"}, {"b": [1, {}]} ]"#),
            ("{\"a\": \"],\\\"{\"}\n{\"b\": [1, {}]}\n".to_owned(), none())
        );
        assert_eq!(lines(b"[]"), (String::new(), none()));
        let object = (1, "what is no JSON object is no row".to_owned());
        assert_eq!(lines(b"[{}, 7]"), ("{}\n".to_owned(), vec![object.clone()]));
        assert_eq!(lines(b"7"), (String::new(), vec![object]));
        for poison in [&b""[..], b"{", b"{}{}", b"\xff", b"{\"a\": 01}", "[".repeat(4_000).as_bytes()] {
            let (text, losses) = lines(poison);
            assert!(text.is_empty() && losses.len() == 1, "{losses:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_message_can_be_columns() {
        let every = [
            ("Topic", Attribute::Topic),
            ("Partition", Attribute::Partition),
            ("Offset", Attribute::Offset),
            ("Key", Attribute::Key),
            ("Headers", Attribute::Headers),
            ("TimeGenerated", Attribute::Time),
        ];
        for (value, more) in [(&b"{}"[..], json!({})), (b"{\"a\": 1}", json!({ "a": 1 }))] {
            let sheet = taken(&shape(&every), Some(value));
            let text = &sheet.tables.get("A_CL").unwrap().text;
            let mut expected = json!({
                "Topic": "calls", "Partition": 3, "Offset": 17, "Key": "k",
                "Headers": { "trace": "abc", "raw": "/w==", "none": null },
                "TimeGenerated": "2026-11-21T00:00:00.1230000Z",
            });
            expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(serde_json::from_slice::<Value>(text).unwrap(), expected);
        }
        let sheet = taken(&shape(&every), None);
        assert!(sheet.tables.is_empty() && sheet.losses.is_empty() && sheet.messages == 1, "a tombstone");
    }

    #[test]
    fn telemetry_says_its_tables() {
        let logs =
            br#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "a"}}, 7]}]}]}"#;
        let sheet = taken(&Shape::Otlp(Signal::Logs), Some(logs));
        assert_eq!(sheet.tables.keys().collect::<Vec<_>>(), ["OTelLogs"]);
        assert_eq!(sheet.losses.first().map(|loss| (loss.offset, loss.count)), Some((17, 1)));
        let poison = taken(&Shape::Otlp(Signal::Traces), Some(b"\x0anothing of the kind"));
        assert!(poison.tables.is_empty() && poison.losses.len() == 1);
        let records = br#"{"records": [{"category": "SignInLogs", "resourceId": "/tenants/t/providers/Microsoft.aadiam",
            "time": "2026-11-21T00:00:00Z"}, {"category": "Odd", "time": "2026-11-21T00:00:00Z"}]}"#;
        let sheet = taken(&Shape::Diagnostics, Some(records));
        assert_eq!(sheet.tables.keys().collect::<Vec<_>>(), ["AzureDiagnostics", "SigninLogs"]);
        assert_eq!(taken(&Shape::Diagnostics, Some(b"{")).losses.len(), 1);
    }

    proptest! {
        #[test]
        fn arrays_are_parted_as_json_has_it(items in prop::collection::vec("[\\[\\]{},\":\\\\a]{0,6}", 0..6)) {
            let values: Vec<Value> = items.iter().map(|item| json!({ item: [item, { "x": item }] })).collect();
            let text = serde_json::to_string_pretty(&values).unwrap();
            let found: Vec<Value> =
                elements(text.as_bytes()).iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
            prop_assert_eq!(found, values);
        }

        #[test]
        fn every_message_is_rows_or_told(value in prop::collection::vec(any::<u8>(), 0..60)) {
            for shape in [shape(&[("K", Attribute::Key)]), Shape::Diagnostics, Shape::Otlp(Signal::Logs)] {
                let sheet = taken(&shape, Some(&value));
                for lines in sheet.tables.values() {
                    prop_assert_eq!(lines.pieces.last().map_or(0, |piece| piece.end), lines.text.len());
                }
            }
        }
    }
}
