//! The lists that rules name entries of: MITRE ATLAS and OWASP's.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use castellan_base::{FrameworkId, Limits, Node, SourceId, yaml};

const FILES: [&str; 4] = [
    include_str!("../../../../content/frameworks/atlas.yaml"),
    include_str!("../../../../content/frameworks/owasp-llm-2025.yaml"),
    include_str!("../../../../content/frameworks/owasp-llm-2026.yaml"),
    include_str!("../../../../content/frameworks/owasp-agentic-2026.yaml"),
];

/// Entries and their titles in the order of a list.
type Entries = Vec<(Arc<str>, Arc<str>)>;

/// The lists by id, `atlas` and `owasp-llm:2025`.
fn lists() -> &'static BTreeMap<String, Entries> {
    static LISTS: OnceLock<BTreeMap<String, Entries>> = OnceLock::new();
    LISTS.get_or_init(|| FILES.iter().filter_map(|text| list(text)).collect())
}

fn list(text: &str) -> Option<(String, Entries)> {
    // A test reads every file; there is nothing to report.
    let document = yaml::parse(text, SourceId::NONE, &Limits::default()).ok()?;
    let word = |name: &str| document.get(name).and_then(Node::as_str);
    let id = match word("edition") {
        Some(edition) => format!("{}:{edition}", word("id")?),
        None => word("id")?.to_owned(),
    };
    let entry = |node: &Node| Some((node.get("id")?.as_str()?.into(), node.get("title")?.as_str()?.into()));
    Some((id, document.get("controls")?.as_array()?.iter().filter_map(entry).collect()))
}

/// The title of an entry of MITRE ATLAS.
pub fn atlas(id: &str) -> Option<&'static str> {
    title("atlas", id)
}

/// The title of an entry of one of OWASP's lists.
pub fn owasp(id: &FrameworkId) -> Option<&'static str> {
    if id.framework().starts_with("owasp") { title(id.pack(), id.control()) } else { None }
}

fn title(list: &str, entry: &str) -> Option<&'static str> {
    let found = lists().get(list)?.iter().find(|(id, _)| **id == *entry);
    found.map(|(_, title)| &**title)
}

/// The entries of a list, as `owasp-llm:2025`, with their titles and in its order.
pub fn entries(list: &str) -> &'static [(Arc<str>, Arc<str>)] {
    lists().get(list).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_read() {
        let ids: Vec<&str> = lists().keys().map(String::as_str).collect();
        assert_eq!(ids, ["atlas", "owasp-agentic:2026", "owasp-llm:2025", "owasp-llm:2026"]);
        assert!(lists().values().all(|entries| entries.len() >= 10));
        assert!(atlas("AML.T0051").is_some() && atlas("AML.T9999").is_none());
        assert_eq!(owasp(&"owasp-llm:2025:LLM01".parse().unwrap()), Some("Prompt Injection"));
    }
}
