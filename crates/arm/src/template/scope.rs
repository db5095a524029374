//! One deployment: where it goes, its parameters and variables, and its declared resources.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Object, Span, Ticks, Unresolved, UnresolvedReason, Value};
use castellan_expression::{Expr, parse};

use super::instances::Instance;
use super::values::Env;
use crate::context::{DeploymentContext, Expansion};

/// Most resources in one expansion.
pub(super) const RESOURCE_LIMIT: u32 = 100_000;
/// Deepest nesting of deployments.
pub(super) const NESTING_LIMIT: u32 = 48;
/// Most diagnostics that are kept; a hostile template could make millions.
const DIAGNOSTIC_LIMIT: usize = 1000;

/// What all scopes of one expansion share.
pub(super) struct Session {
    pub(super) now: Option<Ticks>,
    diagnostics: RefCell<Vec<Diagnostic>>,
    expressions: RefCell<HashMap<Arc<str>, Option<Rc<Expr>>>>,
    resources: Cell<u32>,
}

impl Session {
    pub(super) fn new(now: Option<Ticks>) -> Rc<Session> {
        Rc::new(Session {
            now,
            diagnostics: RefCell::default(),
            expressions: RefCell::default(),
            resources: Cell::new(0),
        })
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        let mut diagnostics = self.diagnostics.borrow_mut();
        if diagnostics.len() < DIAGNOSTIC_LIMIT && !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }

    pub(super) fn take_diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.take()
    }

    /// Counts a resource; false when there are too many.
    pub(super) fn count_resource(&self) -> bool {
        self.resources.set(self.resources.get().saturating_add(1));
        self.resources.get() <= RESOURCE_LIMIT
    }

    /// The tree of an expression, parsed once for every text; `None` (and one diagnostic) when it does not parse.
    pub(super) fn expression(&self, text: &Arc<str>, inner: &str, span: Span) -> Option<Rc<Expr>> {
        if let Some(known) = self.expressions.borrow().get(text) {
            return known.clone();
        }
        let parsed = match parse(inner, span) {
            Ok(expression) => Some(Rc::new(expression)),
            Err(error) => {
                self.report(Diagnostic::error(span, format!("this expression cannot be read: {error}")));
                None
            }
        };
        self.expressions.borrow_mut().insert(Arc::clone(text), parsed.clone());
        parsed
    }
}

/// At which level a deployment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Tenant,
    ManagementGroup,
    Subscription,
    ResourceGroup,
}

/// Where a deployment goes. Unknown parts are symbols.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) level: Level,
    pub(super) subscription: Node,
    pub(super) resource_group: Node,
    pub(super) location: Node,
    pub(super) tenant: Node,
    pub(super) management_group: Node,
    pub(super) deployment_name: Node,
}

/// A known text, or an unresolved value whose symbol is the expression that gives it.
fn known_or(text: Option<&String>, expression: &str, hint: &str) -> Node {
    Node::from_value(match text {
        Some(text) => Value::string(text.as_str()),
        None => Value::unresolved(Unresolved::new(UnresolvedReason::Runtime, expression).with_hint(hint)),
    })
}

impl Placement {
    pub(super) fn root(template: &Node, context: &DeploymentContext) -> Placement {
        let schema = template.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        let level = if schema.contains("subscriptiondeploymenttemplate") {
            Level::Subscription
        } else if schema.contains("managementgroupdeploymenttemplate") {
            Level::ManagementGroup
        } else if schema.contains("tenantdeploymenttemplate") {
            Level::Tenant
        } else {
            Level::ResourceGroup
        };
        let hint = "pass --subscription ID";
        Placement {
            level,
            subscription: known_or(context.subscription_id.as_ref(), "subscription().subscriptionId", hint),
            resource_group: known_or(
                context.resource_group.as_ref(),
                "resourceGroup().name",
                "pass --resource-group NAME",
            ),
            location: known_or(
                context.location.as_ref(),
                "resourceGroup().location",
                "pass --location REGION",
            ),
            tenant: known_or(context.tenant_id.as_ref(), "tenant().tenantId", "pass --tenant ID"),
            management_group: known_or(context.management_group.as_ref(), "managementGroup().name", ""),
            deployment_name: known_or(context.deployment_name.as_ref(), "deployment().name", ""),
        }
    }

    /// The id of the subscription, as text with symbols.
    pub(super) fn subscription_scope(&self) -> String {
        format!("/subscriptions/{}", self.subscription.text_or_symbol().unwrap_or_default())
    }

    /// The id that resource ids of this deployment start with.
    pub(super) fn scope(&self) -> String {
        match self.level {
            Level::Tenant => String::new(),
            Level::ManagementGroup => format!(
                "/providers/Microsoft.Management/managementGroups/{}",
                self.management_group.text_or_symbol().unwrap_or_default()
            ),
            Level::Subscription => self.subscription_scope(),
            Level::ResourceGroup => format!(
                "{}/resourceGroups/{}",
                self.subscription_scope(),
                self.resource_group.text_or_symbol().unwrap_or_default()
            ),
        }
    }
}

/// A value that is worked out once, on demand.
#[derive(Clone)]
enum Lazy {
    InProgress,
    Done(Node),
}

/// One deployment under expansion.
pub(super) struct Scope {
    pub(super) session: Rc<Session>,
    pub(super) template: Node,
    given: Option<Node>,
    pub(super) placement: Placement,
    /// For a nested deployment with outer evaluation: whose parameters and variables its expressions see.
    pub(super) outer: Option<Rc<Scope>>,
    pub(super) nesting: u32,
    values: RefCell<HashMap<String, Lazy>>,
    pub(super) instances: OnceCell<Vec<Rc<Instance>>>,
    /// True while the heads of the resources are being worked out.
    pub(super) is_declaring: Cell<bool>,
}

impl Scope {
    pub(super) fn new(
        session: &Rc<Session>,
        template: Node,
        given: Option<Node>,
        placement: Placement,
        outer: Option<Rc<Scope>>,
        nesting: u32,
    ) -> Rc<Scope> {
        Rc::new(Scope {
            session: Rc::clone(session),
            template,
            given,
            placement,
            outer,
            nesting,
            values: RefCell::default(),
            instances: OnceCell::new(),
            is_declaring: Cell::new(false),
        })
    }

    /// The scope whose parameters, variables and functions expressions here see.
    pub(super) fn expression_scope(self: &Rc<Scope>) -> &Rc<Scope> {
        self.outer.as_ref().map_or(self, |outer| outer.expression_scope())
    }

    /// Works a named value out once; `None` while it is being worked out, which means that it needs itself.
    fn lazily(&self, key: String, work: impl FnOnce() -> Node) -> Option<Node> {
        match self.values.borrow().get(&key) {
            Some(Lazy::Done(node)) => return Some(node.clone()),
            Some(Lazy::InProgress) => return None,
            None => {}
        }
        self.values.borrow_mut().insert(key.clone(), Lazy::InProgress);
        let node = work();
        self.values.borrow_mut().insert(key, Lazy::Done(node.clone()));
        Some(node)
    }

    /// The value of a parameter; `None` when it is not declared.
    pub(super) fn parameter(self: &Rc<Scope>, name: &str, span: Span) -> Option<Node> {
        let declaration = self.template.get("parameters")?.get(name)?;
        let found =
            self.lazily(format!("p:{}", name.to_ascii_lowercase()), || self.work_out(name, declaration));
        Some(found.unwrap_or_else(|| self.cycle(format!("parameters('{name}')"), span)))
    }

    fn work_out(self: &Rc<Scope>, name: &str, declaration: &Node) -> Node {
        let kind = declaration.get("type").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        let expression = format!("parameters('{name}')");
        let given = self.given.as_ref().and_then(|given| given.get(name));
        let is_secret = kind.starts_with("secure");
        if is_secret && (given.is_some() || declaration.get("defaultValue").is_some()) {
            let hint = "secure parameters stay out of reports";
            let hidden = Unresolved::new(UnresolvedReason::Sensitive, expression).with_hint(hint);
            return Value::unresolved(hidden).at(declaration.span);
        }
        if let Some(given) = given {
            if let Some(value) = given.get("value") {
                return value.clone();
            }
            if given.get("reference").is_some() {
                let hidden = Unresolved::new(UnresolvedReason::Sensitive, expression);
                return Value::unresolved(hidden.with_hint("the value lies in a key vault")).at(given.span);
            }
        }
        if let Some(default) = declaration.get("defaultValue") {
            return self.evaluate(default, &Env::default());
        }
        if declaration.get("nullable").and_then(Node::as_bool) == Some(true) {
            return Value::Null.at(declaration.span);
        }
        let missing = Unresolved::new(UnresolvedReason::MissingParameter, expression);
        let hint = format!("pass a parameters file that sets `{name}`");
        Value::unresolved(missing.with_hint(hint)).at(declaration.span)
    }

    /// The value of a variable; `None` when it is not declared.
    pub(super) fn variable(self: &Rc<Scope>, name: &str, span: Span) -> Option<Node> {
        let variables = self.template.get("variables")?;
        let declared = variables.get(name);
        let copied = || {
            let loops = variables.get("copy")?.as_array()?;
            loops.iter().find(|copy| {
                copy.get("name").and_then(Node::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name))
            })
        };
        let copy = if declared.is_none() { Some(copied()?) } else { None };
        let found = self.lazily(format!("v:{}", name.to_ascii_lowercase()), || match (declared, copy) {
            (Some(declared), _) => self.evaluate(declared, &Env::default()),
            (None, Some(copy)) => self.copied_array(copy, &Env::default()),
            (None, None) => Node::NULL,
        });
        Some(found.unwrap_or_else(|| self.cycle(format!("variables('{name}')"), span)))
    }

    fn cycle(&self, expression: String, span: Span) -> Node {
        self.session.report(Diagnostic::error(span, format!("`{expression}` needs its own value")));
        let unresolved = Unresolved::new(UnresolvedReason::Invalid, expression);
        Value::unresolved(unresolved.with_hint("the value needs itself")).at(span)
    }

    /// Tells of given parameters that do not exist and of values outside the allowed ones.
    pub(super) fn check_parameters(self: &Rc<Scope>) {
        let declared = self.template.get("parameters").and_then(Node::as_object);
        for member in self.given.iter().filter_map(Node::as_object).flatten() {
            if declared.is_none_or(|declared| declared.get(&member.key).is_none()) {
                let message = format!("the template has no parameter `{}`", member.key);
                self.session.report(Diagnostic::warning(member.key_span, message));
            }
        }
        for member in declared.into_iter().flatten() {
            let Some(allowed) = member.value.get("allowedValues").and_then(Node::as_array) else { continue };
            let Some(value) = self.parameter(&member.key, member.key_span) else { continue };
            let items = value.as_array().map_or(std::slice::from_ref(&value), |items| items);
            let is_allowed = |item: &Node| {
                allowed.iter().any(|allowed| castellan_expression::functions::same(allowed, item))
            };
            if !value.has_unresolved() && !is_allowed(&value) && !items.iter().all(is_allowed) {
                let message =
                    format!("the value of parameter `{}` is not one of its allowedValues", member.key);
                self.session.report(Diagnostic::warning(value.span.or(member.key_span), message));
            }
        }
    }

    /// The output values, each as `{type, value}` in the template.
    pub(super) fn outputs(self: &Rc<Scope>) -> Object {
        let mut outputs = Object::new();
        for member in self.template.get("outputs").and_then(Node::as_object).into_iter().flatten() {
            if let Some(value) = self.output(&member.key) {
                outputs.insert(Arc::clone(&member.key), value);
            }
        }
        outputs
    }

    /// One output's value; `None` when there is no such output.
    pub(super) fn output(self: &Rc<Scope>, name: &str) -> Option<Node> {
        let declaration = self.template.get("outputs")?.get(name)?;
        let kind = declaration.get("type").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        let found = self.lazily(format!("o:{}", name.to_ascii_lowercase()), || {
            if kind.starts_with("secure") {
                let hidden = Unresolved::new(UnresolvedReason::Sensitive, format!("outputs.{name}"));
                return Value::unresolved(hidden).at(declaration.span);
            }
            match (declaration.get("value"), declaration.get("copy")) {
                (Some(value), _) => self.evaluate(value, &Env::default()),
                (None, Some(copy)) => self.copied_array(copy, &Env::default()),
                (None, None) => Value::Null.at(declaration.span),
            }
        });
        Some(found.unwrap_or_else(|| self.cycle(format!("outputs.{name}"), declaration.span)))
    }

    /// Adds everything that this deployment and those nested in it declare.
    pub(super) fn collect(self: &Rc<Scope>, expansion: &mut Expansion) {
        for instance in self.instances() {
            instance.collect(self, expansion);
        }
    }
}
