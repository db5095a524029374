use castellan_base::Node;
use castellan_policy::{AliasTable, Definition, Policy};

use crate::support::{corpora, files, read};

/// Built-in definitions that cannot be compiled, with the reason.
const REFUSED: [(&str, &str); 0] = [];

#[test]
fn every_built_in_definition_compiles() {
    let Some(corpora) = corpora() else { return };
    let aliases = AliasTable::builtin();
    let mut refused = Vec::new();
    let mut compiled = 0;
    let paths = files(corpora.join("azure-policy/policyDefinitions"), "json");
    assert!(paths.len() > 2_700);
    for path in &paths {
        let document: Node = read(path);
        let result =
            Definition::parse(&document).and_then(|definition| Policy::compile(&definition, &aliases));
        match result {
            Ok(_) => compiled += 1,
            Err(diagnostics) => {
                let name = document.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
                refused.push((name, diagnostics[0].message.clone()));
            }
        }
    }
    let found: Vec<(&str, &str)> = refused.iter().map(|(name, reason)| (&**name, &**reason)).collect();
    assert_eq!(found, REFUSED);
    assert_eq!(compiled, paths.len());
}
