//! Values of tables and parts of documents in texts that come as lines.

use serde_json::{Value as Json, json};

use crate::batch::Unit;
use crate::indexed::{Hit, Hits, Indexes};

/// What indexes find in a text, of the types that are asked for, as findings are told.
pub(super) fn found(
    indexes: Option<&Indexes>,
    text: &str,
    wanted: Option<&[String]>,
    (unit, least, explains): (Unit, u8, bool),
) -> (Vec<Json>, bool) {
    let asked = |id: &str| wanted.is_none_or(|wanted| wanted.iter().any(|name| name == id));
    let Some(indexes) = indexes.filter(|indexes| indexes.types().iter().any(|id| asked(id))) else {
        return (Vec::new(), true);
    };
    let Hits { hits, complete } = indexes.find(text);
    let told = hits.iter().filter(|hit| hit.confidence >= least && asked(&hit.id));
    (told.map(|hit| shown(hit, text, (unit, explains))).collect(), complete)
}

fn shown(hit: &Hit, text: &str, (unit, explains): (Unit, bool)) -> Json {
    let place = |byte: u64| {
        let before = usize::try_from(byte).ok().and_then(|byte| text.get(..byte));
        before.map(|before| unit.count(before))
    };
    let mut told = json!({
        "type": &*hit.id, "start": place(hit.span.start), "end": place(hit.span.end),
        "confidence": hit.confidence, "validated": true,
    });
    if let (true, Some(members)) = (explains, told.as_object_mut()) {
        let evidence = hit.evidence.iter().map(|near| {
            json!({
                "name": &*near.name, "distance": near.distance, "start_byte": near.span.start, "end_byte": near.span.end,
            })
        });
        members.insert("evidence".to_owned(), evidence.collect());
        members.insert("checks".to_owned(), json!([hit.check]));
    }
    told
}
