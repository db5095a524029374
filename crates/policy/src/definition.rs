//! Policy definitions as documents: what they declare, before they are compiled.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, Span};

/// Where a definition applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every resource type.
    All,
    /// Only types that take tags and a location.
    Indexed,
    /// Objects of a data plane, which a resource provider evaluates: `Microsoft.Kubernetes.Data`.
    Data(Arc<str>),
}

impl Mode {
    fn of(text: Option<&str>) -> Mode {
        match text {
            Some(text) if text.eq_ignore_ascii_case("indexed") => Mode::Indexed,
            Some(text) if text.contains('.') => Mode::Data(text.into()),
            _ => Mode::All,
        }
    }
}

/// A parameter that a definition declares.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name as declared; uses ignore case.
    pub name: Arc<str>,
    /// `String`, `Array`, `Object`, `Boolean`, `Integer`, `Float` or `DateTime`, as written; empty when not stated.
    pub kind: Arc<str>,
    /// The value where an assignment gives none.
    pub default: Option<Node>,
    /// The only values that an assignment may give; empty when any will do.
    pub allowed: Vec<Node>,
}

/// A policy definition.
///
/// ```
/// use castellan_base::Node;
/// use castellan_policy::Definition;
///
/// let document = serde_json::json!({"if": {"field": "type", "equals": "Microsoft.Search/searchServices"},
///     "then": {"effect": "audit"}});
/// let definition = Definition::parse(&Node::from_json(&document)).unwrap();
/// assert!(definition.parameters.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Definition {
    /// The resource id; the bare name where the document has no id; empty for a bare rule.
    pub id: Arc<str>,
    /// The name, a GUID for built-ins; empty for a bare rule.
    pub name: Arc<str>,
    /// The name for people; may be empty.
    pub display_name: Arc<str>,
    /// The description; may be empty.
    pub description: Arc<str>,
    /// True for the definitions that Microsoft attests itself.
    pub is_static: bool,
    /// Where it applies.
    pub mode: Mode,
    /// The version, from `version` or `metadata.version`; may be empty.
    pub version: Arc<str>,
    /// `metadata` as written, or null.
    pub metadata: Node,
    /// What assignments may set.
    pub parameters: Vec<Parameter>,
    /// The `if` block.
    pub condition: Node,
    /// The `then` block.
    pub then: Node,
    /// Where the document stands.
    pub span: Span,
}

impl Definition {
    /// Reads a definition: the ARM resource, `{"properties": {...}}`, its properties alone (`policyRule` and so on),
    /// or a bare rule `{"if", "then"}`.
    ///
    /// # Errors
    /// When there is no rule, or a part has the wrong shape. The conditions themselves are checked by
    /// [`crate::Policy::compile`].
    pub fn parse(document: &Node) -> Result<Definition, Vec<Diagnostic>> {
        let Some(top) = document.as_object() else {
            return Err(vec![Diagnostic::error(document.span, "a policy definition is an object")]);
        };
        let properties = top.get("properties").and_then(Node::as_object).unwrap_or(top);
        let rule_node = properties.get("policyRule").unwrap_or(document);
        let mut diagnostics = Vec::new();
        check_duplicates(top, properties, rule_node, &mut diagnostics);
        let condition = required(rule_node, "if", &mut diagnostics);
        let then = required(rule_node, "then", &mut diagnostics);
        if let Some(then) = &then
            && then.get("effect").is_none()
        {
            diagnostics.push(Diagnostic::error(then.span, "`then` names no `effect`"));
        }
        let parameters = parameters(properties.get("parameters"), &mut diagnostics);
        let (Some(condition), Some(then), true) = (condition, then, diagnostics.is_empty()) else {
            return Err(diagnostics);
        };
        let metadata = properties.get("metadata").cloned().unwrap_or(Node::NULL);
        let text = |object: &Object, key: &str| -> Arc<str> {
            object.get(key).and_then(Node::as_str).unwrap_or_default().into()
        };
        let version = properties.get("version").or_else(|| metadata.get("version"));
        let name = text(top, "name");
        Ok(Definition {
            id: top.get("id").and_then(Node::as_str).map_or_else(|| Arc::clone(&name), Arc::from),
            name,
            display_name: text(properties, "displayName"),
            description: text(properties, "description"),
            is_static: text(properties, "policyType").eq_ignore_ascii_case("static"),
            mode: Mode::of(properties.get("mode").and_then(Node::as_str)),
            version: version.and_then(Node::as_str).unwrap_or_default().into(),
            metadata,
            parameters,
            condition,
            then,
            span: document.span,
        })
    }
}

/// A member given twice would leave open which one counts, so the definition is refused.
fn check_duplicates(top: &Object, properties: &Object, rule: &Node, diagnostics: &mut Vec<Diagnostic>) {
    let declared = properties.get("parameters").and_then(Node::as_object);
    let objects = [Some(top), Some(properties), rule.as_object(), declared];
    for object in objects.into_iter().flatten() {
        for (index, member) in object.iter().enumerate() {
            if object.iter().take(index).any(|earlier| earlier.key.eq_ignore_ascii_case(&member.key)) {
                let message = format!("`{}` is given twice", member.key);
                diagnostics.push(Diagnostic::error(member.key_span, message));
            }
        }
    }
    if std::ptr::eq(top, properties) {
        return;
    }
    for key in ["policyRule", "parameters", "mode", "displayName", "policyType"] {
        if let (Some(outer), Some(_)) = (top.member(key), properties.get(key)) {
            let message = format!("`{key}` is given both beside and inside `properties`");
            diagnostics.push(Diagnostic::error(outer.key_span, message));
        }
    }
}

fn required(rule: &Node, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    match rule.get(key) {
        Some(node) if node.as_object().is_some() => Some(node.clone()),
        Some(node) => {
            diagnostics.push(Diagnostic::error(node.span, format!("`{key}` must be an object")));
            None
        }
        None => {
            diagnostics.push(
                Diagnostic::error(rule.span, format!("the policy rule has no `{key}`"))
                    .with_help("a rule is {\"if\": {...}, \"then\": {\"effect\": ...}}"),
            );
            None
        }
    }
}

pub(crate) fn parameters(declared: Option<&Node>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Parameter> {
    let Some(declared) = declared.filter(|node| !node.is_null()) else { return Vec::new() };
    let Some(object) = declared.as_object() else {
        diagnostics.push(Diagnostic::error(declared.span, "`parameters` must be an object"));
        return Vec::new();
    };
    let read = |member: &castellan_base::Member| Parameter {
        name: Arc::clone(&member.key),
        kind: member.value.get("type").and_then(Node::as_str).unwrap_or_default().into(),
        default: member.value.get("defaultValue").cloned(),
        allowed: member.value.get("allowedValues").and_then(Node::as_array).unwrap_or_default().to_vec(),
    };
    object.iter().map(read).collect()
}
