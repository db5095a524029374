//! Templates that mean harm: they end, within bounds, with a diagnostic.

use proptest::prelude::*;

use crate::{document, expand};

#[test]
fn cycles_end() {
    let bodies = [
        r#""variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": [{"type": "P.X/a", "name": "[variables('a')]"}]"#,
        r#""parameters": {"a": {"type": "string", "defaultValue": "[parameters('a')]"}}, "resources": [{"type": "P.X/a", "name": "[parameters('a')]"}]"#,
        r#""resources": [{"type": "P.X/a", "name": "[reference('b').x]"}, {"type": "P.X/b", "name": "b", "properties": {"x": "[reference('a').y]"}},
                          {"type": "P.X/a", "name": "a", "properties": {"y": "[reference('b').x]"}}]"#,
        r#""functions": [{"namespace": "f", "members": {"f": {"output": {"value": "[f.f()]"}}}}], "resources": [{"type": "P.X/a", "name": "[f.f()]"}]"#,
        r#""resources": [
            {"type": "Microsoft.Resources/deployments", "name": "a", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[reference('b').outputs.o.value]"}},
              "template": {"parameters": {"p": {"type": "string"}}, "resources": [{"type": "P.X/a", "name": "[parameters('p')]"}], "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}}},
            {"type": "Microsoft.Resources/deployments", "name": "b", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[reference('a').outputs.o.value]"}},
              "template": {"parameters": {"p": {"type": "string"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}}}]"#,
    ];
    for body in bodies {
        let expansion = expand(body);
        assert!(!expansion.resources.is_empty(), "{body}");
        assert!(expansion.resources[0].id.as_str().contains('{'), "{body}: {}", expansion.resources[0].id);
    }
}

#[test]
fn copy_bombs_end() {
    let body = r#""resources": [{"type": "P.X/a", "name": "[format('a{0}', copyIndex())]", "copy": {"name": "c", "count": 9999},
        "resources": [{"type": "b", "name": "[format('b{0}', copyIndex('d'))]", "copy": {"name": "d", "count": 9999}}]}]"#;
    let expansion = expand(body);
    assert!(expansion.resources.len() <= 100_001);
    assert!(expansion.diagnostics.iter().any(|found| found.message.contains("too many resources")));
    let expansion =
        expand(r#""resources": [{"type": "P.X/a", "name": "a", "copy": {"name": "c", "count": 99999999}}]"#);
    assert!(expansion.resources.is_empty());
}

proptest! {
    #[test]
    fn no_template_panics(
        name in "\\[?[a-z('){}.,0-9\\]]{0,20}", kind in "[A-Z.a-z/]{0,12}", count in "-?[0-9]{1,3}",
        condition in "\\[?(true|parameters|and|not)?\\(?['a-z]{0,5}\\)?\\]?"
    ) {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let body = format!(
            r#""parameters": {{"p": {{}}}}, "resources": [{{"type": {}, "name": {}, "condition": {}, "copy": {{"name": "c", "count": {count}}}, "properties": {{"x": {}}}}}]"#,
            quote(&kind), quote(&name), quote(&condition), quote(&name)
        );
        if !(count.len() > 1 && count.trim_start_matches('-').starts_with('0')) {
            let _ = expand(&body);
        }
    }

    #[test]
    fn no_shape_panics(text in "[\\[\\]{}:,\"a-z0-9]{0,60}") {
        let mut sources = castellan_base::Sources::default();
        let source = sources.add("t", text.as_str());
        if let Ok(node) = castellan_base::json::parse(&text, source, &castellan_base::Limits::default()) {
            let _ = castellan_arm::expand_template(&node, None, &castellan_arm::DeploymentContext::default());
        }
    }
}

#[test]
fn odd_shapes_are_told() {
    for resources in ["1", "[1, null, \"x\"]", "{\"a\": []}", "[{\"type\": 1, \"name\": {}}]"] {
        let expansion = expand(&format!("\"resources\": {resources}"));
        assert!(expansion.resources.is_empty());
        assert!(!expansion.diagnostics.is_empty(), "{resources}");
    }
    let _ = document("{}");
}
