//! Messages of the Model Context Protocol: any bytes are read or told, every text can be edited, and what is edited is read.
#![no_main]

use castellan_mcp::hidden::Class;
use castellan_mcp::inspect::{From, apply, inspect};
use castellan_mcp::message::{Method, Payload};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(payload) = Payload::parse(bytes, &Default::default()) else { return };
    for message in payload.messages() {
        let inspection = inspect(message, From::Server, Some(Method::ToolsCall));
        for part in &inspection.parts {
            assert!(message.bytes().get(part.span.start..part.span.end).is_some());
            if part.form != castellan_mcp::inspect::Form::Key {
                apply(message.bytes(), &[part.replace("x\"y")], &Default::default()).unwrap();
            }
        }
        let edits: Vec<_> = inspection
            .strip(&Class::DENIED)
            .into_iter()
            .filter(|edit| edit.form != castellan_mcp::inspect::Form::Key)
            .collect();
        apply(message.bytes(), &edits, &Default::default()).unwrap();
    }
});
