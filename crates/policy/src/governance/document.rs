//! The documents of governance, as Azure writes them.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, ResourceId, Ticks};

use crate::batch;
use crate::definition::Parameter;

/// A policy set definition.
#[derive(Clone, Debug)]
pub struct Initiative {
    /// The resource id, or the bare name.
    pub id: Arc<str>,
    /// The name for people; may be empty.
    pub display_name: Arc<str>,
    /// What assignments may set.
    pub parameters: Vec<Parameter>,
    /// The definitions in it.
    pub references: Vec<Reference>,
}

/// One definition in an initiative.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The name of the reference; empty when it has none.
    pub id: Arc<str>,
    /// The definition's id.
    pub definition: Arc<str>,
    /// The version wanted, `1.*.*`; empty for any.
    pub version: Arc<str>,
    /// Parameter values, with expressions over the initiative's parameters.
    pub parameters: Object,
    /// The groups (controls) that it counts for.
    pub groups: Vec<Arc<str>>,
}

/// An assignment of a definition or an initiative to a scope.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The resource id.
    pub id: Arc<str>,
    /// The name for people; may be empty.
    pub display_name: Arc<str>,
    /// The id of the management group, subscription, resource group or resource that it covers.
    pub scope: ResourceId,
    /// Scopes left out.
    pub not_scopes: Vec<ResourceId>,
    /// The definition or initiative.
    pub definition: Arc<str>,
    /// Parameter values.
    pub parameters: Object,
    /// False for `DoNotEnforce`: compliance is told, effects do not act.
    pub enforced: bool,
    /// Groups of conditions of which one must select the resource; none selects every resource.
    pub selectors: Vec<Vec<Selector>>,
    /// Changes of the effect.
    pub overrides: Vec<Override>,
    /// What to tell people whose resource is not compliant.
    pub messages: Vec<Message>,
}

/// What a selector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorKind {
    /// The location.
    Location,
    /// The type.
    Type,
    /// That the resource has no location.
    WithoutLocation,
    /// The reference in an initiative.
    Reference,
    /// Something that a resource does not show, like who makes the request. Selects everything.
    Other,
}

/// A condition that selects resources or references.
#[derive(Clone, Debug)]
pub struct Selector {
    /// What it looks at.
    pub kind: SelectorKind,
    /// The values that are selected; empty for any.
    pub within: Vec<Arc<str>>,
    /// The values that are not.
    pub without: Vec<Arc<str>>,
}

/// A change of the effect for what its selectors select.
#[derive(Clone, Debug)]
pub struct Override {
    /// The effect.
    pub effect: Arc<str>,
    /// All must select.
    pub selectors: Vec<Selector>,
}

/// A message for non-compliance.
#[derive(Clone, Debug)]
pub struct Message {
    /// The reference that it is about; empty for all.
    pub reference: Arc<str>,
    /// The message.
    pub text: Arc<str>,
}

/// Why a resource is exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExemptionCategory {
    /// The violation is accepted.
    Waiver,
    /// The intent is met in another way.
    Mitigated,
}

/// An exemption from an assignment.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The resource id; what stands before `/providers/Microsoft.Authorization/` is what it covers.
    pub id: Arc<str>,
    /// The scope that is exempt.
    pub scope: ResourceId,
    /// The assignment.
    pub assignment: Arc<str>,
    /// Why.
    pub category: ExemptionCategory,
    /// When it ends; never when absent.
    pub expires: Option<Ticks>,
    /// The references that it is about; empty for the whole assignment.
    pub references: Vec<Arc<str>>,
    /// Groups of conditions of which one must select the resource.
    pub selectors: Vec<Vec<Selector>>,
}

fn text(node: &Node, key: &str) -> Arc<str> {
    node.get(key).and_then(Node::as_str).unwrap_or_default().into()
}

fn texts(node: Option<&Node>) -> Vec<Arc<str>> {
    node.and_then(Node::as_array).unwrap_or_default().iter().filter_map(Node::as_str).map(Arc::from).collect()
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_array).unwrap_or_default()
}

fn required(node: &Node, key: &str, what: &str) -> Result<Arc<str>, Diagnostic> {
    let found = text(node, key);
    if found.is_empty() {
        return Err(Diagnostic::error(node.span, format!("{what} has no `{key}`")));
    }
    Ok(found)
}

fn resource_id(text: &str) -> Option<ResourceId> {
    text.parse().ok()
}

/// The scope that an extension resource stands on.
fn scope_of(id: &str) -> Option<ResourceId> {
    let lower = id.to_ascii_lowercase();
    let end = lower.rfind("/providers/microsoft.authorization/")?;
    let scope = id.get(..end).filter(|scope| !scope.is_empty()).unwrap_or("/");
    resource_id(scope)
}

fn properties(document: &Node) -> &Node {
    document.get("properties").unwrap_or(document)
}

impl Initiative {
    /// Reads a policy set definition.
    ///
    /// # Errors
    /// When it lists no definitions.
    pub fn parse(document: &Node) -> Result<Initiative, Diagnostic> {
        let properties = properties(document);
        let Some(listed) = properties.get("policyDefinitions").and_then(Node::as_array) else {
            return Err(Diagnostic::error(document.span, "an initiative has an array `policyDefinitions`"));
        };
        let mut references = Vec::new();
        for item in listed {
            references.push(Reference {
                id: text(item, "policyDefinitionReferenceId"),
                definition: required(item, "policyDefinitionId", "a definition reference")?,
                version: text(item, "definitionVersion"),
                parameters: batch::parameters(item.get("parameters")),
                groups: texts(item.get("groupNames")),
            });
        }
        let id = text(document, "id");
        Ok(Initiative {
            id: if id.is_empty() { text(document, "name") } else { id },
            display_name: text(properties, "displayName"),
            parameters: crate::definition::parameters(properties.get("parameters"), &mut Vec::new()),
            references,
        })
    }
}

impl Assignment {
    /// Reads a policy assignment. The scope is taken from the id when it is not stated.
    ///
    /// # Errors
    /// When the definition or the scope is missing.
    pub fn parse(document: &Node) -> Result<Assignment, Diagnostic> {
        let properties = properties(document);
        let id = required(document, "id", "an assignment")?;
        let stated = properties.get("scope").and_then(Node::as_str).and_then(resource_id);
        let scope = stated.or_else(|| scope_of(&id));
        let scope = scope.ok_or_else(|| Diagnostic::error(document.span, "the assignment has no scope"))?;
        let messages = items(properties, "nonComplianceMessages").iter().map(|item| Message {
            reference: text(item, "policyDefinitionReferenceId"),
            text: text(item, "message"),
        });
        let overrides = items(properties, "overrides").iter();
        let overrides = overrides.filter(|item| text(item, "kind").eq_ignore_ascii_case("policyEffect"));
        Ok(Assignment {
            display_name: text(properties, "displayName"),
            not_scopes: texts(properties.get("notScopes"))
                .iter()
                .filter_map(|scope| resource_id(scope))
                .collect(),
            definition: required(properties, "policyDefinitionId", "an assignment")?,
            parameters: batch::parameters(properties.get("parameters")),
            enforced: !text(properties, "enforcementMode").eq_ignore_ascii_case("DoNotEnforce"),
            selectors: selector_groups(properties),
            overrides: overrides
                .map(|item| Override { effect: text(item, "value"), selectors: selectors(item) })
                .collect(),
            messages: messages.collect(),
            scope,
            id,
        })
    }
}

impl Exemption {
    /// Reads a policy exemption.
    ///
    /// # Errors
    /// When the assignment is missing, or the end is no date: an exemption that cannot be read exempts nothing.
    pub fn parse(document: &Node) -> Result<Exemption, Diagnostic> {
        let properties = properties(document);
        let id = required(document, "id", "an exemption")?;
        let scope = scope_of(&id);
        let scope = scope.ok_or_else(|| Diagnostic::error(document.span, "the exemption has no scope"))?;
        let expires = match properties.get("expiresOn").filter(|node| !node.is_null()) {
            Some(node) => {
                let end = node.as_str().and_then(|text| text.parse().ok());
                Some(end.ok_or_else(|| Diagnostic::error(node.span, "`expiresOn` is no date"))?)
            }
            None => None,
        };
        let mitigated = text(properties, "exemptionCategory").eq_ignore_ascii_case("Mitigated");
        Ok(Exemption {
            assignment: required(properties, "policyAssignmentId", "an exemption")?,
            category: if mitigated { ExemptionCategory::Mitigated } else { ExemptionCategory::Waiver },
            expires,
            references: texts(properties.get("policyDefinitionReferenceIds")),
            selectors: selector_groups(properties),
            scope,
            id,
        })
    }
}

fn selector_groups(properties: &Node) -> Vec<Vec<Selector>> {
    items(properties, "resourceSelectors").iter().map(selectors).collect()
}

fn selectors(node: &Node) -> Vec<Selector> {
    let read = |item: &Node| Selector {
        kind: match text(item, "kind").to_ascii_lowercase().as_str() {
            "resourcelocation" => SelectorKind::Location,
            "resourcetype" => SelectorKind::Type,
            "resourcewithoutlocation" => SelectorKind::WithoutLocation,
            "policydefinitionreferenceid" => SelectorKind::Reference,
            _ => SelectorKind::Other,
        },
        within: texts(item.get("in")),
        without: texts(item.get("notIn")),
    };
    items(node, "selectors").iter().map(read).collect()
}
