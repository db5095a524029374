//! Declared resources: heads (type, name, id) first, bodies and nested deployments on demand.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use castellan_base::{
    Diagnostic, Existence, Member, Node, Object, Origin, Resource, ResourceId, Unresolved, Value,
};

use super::identity::{build_id, is_full_type, within_parent};
use super::scope::{Level, NESTING_LIMIT, Placement, Scope};
use super::values::{Env, Rounds};
use crate::context::Expansion;

/// Members of a declaration that steer the deployment and are no part of the resource.
const STEERING: &[&str] = &[
    "type",
    "name",
    "apiVersion",
    "condition",
    "copy",
    "dependsOn",
    "resources",
    "scope",
    "comments",
    "existing",
    "import",
    "$options",
];
/// How deep resources may be declared inside each other.
const CHILD_LIMIT: usize = 8;

/// One resource that a deployment would create.
pub(super) struct Instance {
    pub(super) id: ResourceId,
    pub(super) resource_type: Arc<str>,
    full_name: String,
    symbolic_name: Option<Arc<str>>,
    pub(super) is_existing: bool,
    condition: Option<Arc<Unresolved>>,
    declaration: Node,
    env: Env,
    body: OnceCell<Node>,
    is_busy: Cell<bool>,
    nested: OnceCell<Option<Rc<Scope>>>,
}

/// What a declaration inherits from the one around it.
#[derive(Clone)]
struct Around {
    parent: Option<Rc<Instance>>,
    condition: Option<Arc<Unresolved>>,
    env: Env,
    depth: usize,
}

impl Scope {
    /// Every resource of this deployment, those of nested deployments not included.
    pub(super) fn instances(self: &Rc<Scope>) -> &[Rc<Instance>] {
        if let Some(instances) = self.instances.get() {
            return instances;
        }
        // A name that refers to a resource of its own template finds nothing: heads come before bodies.
        if self.is_declaring.replace(true) {
            return &[];
        }
        let mut instances = Vec::new();
        let around = Around { parent: None, condition: None, env: Env::default(), depth: 0 };
        self.declare_all(self.template.get("resources"), &around, &mut instances);
        self.is_declaring.set(false);
        self.instances.get_or_init(|| instances)
    }

    /// Resources stand in an array or, with symbolic names, in an object.
    fn declare_all(
        self: &Rc<Scope>,
        resources: Option<&Node>,
        around: &Around,
        instances: &mut Vec<Rc<Instance>>,
    ) {
        match resources.map(|resources| (&resources.value, resources.span)) {
            Some((Value::Array(items), _)) => {
                for declaration in items.iter() {
                    self.declare(None, declaration, around, instances);
                }
            }
            Some((Value::Object(object), _)) => {
                for member in object.iter() {
                    self.declare(Some(&member.key), &member.value, around, instances);
                }
            }
            None | Some((Value::Null, _)) => {}
            Some((_, span)) => {
                self.session.report(Diagnostic::error(span, "`resources` has to be an array or an object"));
            }
        }
    }

    fn declare(
        self: &Rc<Scope>,
        symbolic_name: Option<&Arc<str>>,
        declaration: &Node,
        around: &Around,
        instances: &mut Vec<Rc<Instance>>,
    ) {
        if declaration.as_object().is_none() {
            self.session.report(Diagnostic::error(declaration.span, "a resource has to be an object"));
            return;
        }
        let Some(copy) = declaration.get("copy").filter(|copy| copy.as_object().is_some()) else {
            self.declare_one(symbolic_name, declaration, around.clone(), instances);
            return;
        };
        let name: Arc<str> = copy.get("name").and_then(Node::as_str).unwrap_or_default().into();
        match self.rounds(copy, &around.env) {
            Rounds::Known(count) => {
                for index in 0..count {
                    let env = around.env.in_copy(Arc::clone(&name), Node::from_value(Value::Int(index)));
                    self.declare_one(symbolic_name, declaration, Around { env, ..around.clone() }, instances);
                }
            }
            Rounds::Unknown(unknown) => {
                // How many there will be is not known; one stands for all of them.
                let index = Unresolved::new(unknown.reason, format!("copyIndex('{name}')"));
                let env = around.env.in_copy(name, Node::from_value(Value::unresolved(index)));
                let condition = Some(unknown);
                self.declare_one(
                    symbolic_name,
                    declaration,
                    Around { env, condition, ..around.clone() },
                    instances,
                );
            }
        }
    }

    fn declare_one(
        self: &Rc<Scope>,
        symbolic_name: Option<&Arc<str>>,
        declaration: &Node,
        mut around: Around,
        instances: &mut Vec<Rc<Instance>>,
    ) {
        if around.depth > CHILD_LIMIT || !self.session.count_resource() {
            self.session
                .report(Diagnostic::error(declaration.span, "too many resources, or nested too deep"));
            return;
        }
        if let Some(condition) = declaration.get("condition") {
            let condition = self.evaluate(condition, &around.env);
            match &condition.value {
                Value::Bool(false) => return,
                Value::Unresolved(unknown) => {
                    around.condition = around.condition.or(Some(Arc::clone(unknown)))
                }
                _ => {}
            }
        }
        let Some(instance) = self.instance(symbolic_name, declaration, &around) else { return };
        let instance = Rc::new(instance);
        instances.push(Rc::clone(&instance));
        let children = Around {
            condition: around.condition.clone(),
            parent: Some(instance),
            env: around.env.clone(),
            depth: around.depth + 1,
        };
        self.declare_all(declaration.get("resources"), &children, instances);
    }

    fn instance(
        self: &Rc<Scope>,
        symbolic_name: Option<&Arc<str>>,
        declaration: &Node,
        around: &Around,
    ) -> Option<Instance> {
        let text = |key: &str| declaration.get(key).map(|node| self.evaluate(node, &around.env));
        let own_type = text("type");
        let own_type = own_type.as_ref().and_then(Node::as_str).unwrap_or_default();
        let own_name = text("name");
        let Some(own_name) =
            own_name.as_ref().and_then(Node::text_or_symbol).filter(|_| !own_type.is_empty())
        else {
            let message = "a resource needs a `type` and a `name`";
            self.session.report(Diagnostic::error(declaration.span, message));
            return None;
        };
        let scope = match text("scope").as_ref().and_then(Node::text_or_symbol) {
            Some(scope) => self.scope_text(scope),
            None => self.resource_scope(declaration, &around.env),
        };
        let (resource_type, full_name, scope) = match &around.parent {
            Some(parent) if is_full_type(own_type) => {
                // An extension resource written inside the resource that it extends.
                (own_type.to_owned(), own_name.to_owned(), parent.id.as_str().to_owned())
            }
            Some(parent) => {
                let parent_names = (&*parent.resource_type, parent.full_name.as_str());
                let (kind, name) = within_parent(parent_names, (own_type, own_name));
                (kind, name, parent.scope_of_id())
            }
            None => (own_type.to_owned(), own_name.to_owned(), scope),
        };
        let id = build_id(&scope, &resource_type, &full_name);
        let resource_type: Arc<str> = if resource_type.contains("/providers/") {
            id.resource_type().into()
        } else {
            resource_type.into()
        };
        Some(Instance {
            id,
            resource_type,
            full_name,
            symbolic_name: symbolic_name.cloned(),
            is_existing: declaration.get("existing").and_then(Node::as_bool) == Some(true),
            condition: around.condition.clone(),
            declaration: declaration.clone(),
            env: around.env.clone(),
            body: OnceCell::new(),
            is_busy: Cell::new(false),
            nested: OnceCell::new(),
        })
    }

    /// A `scope` property is an id, a relative id (`Microsoft.X/y/name`) or a symbolic name's id.
    fn scope_text(&self, scope: &str) -> String {
        if scope.starts_with('/') || scope.starts_with('{') {
            return scope.to_owned();
        }
        let mut segments = scope.split('/');
        let provider = segments.next().unwrap_or_default();
        let rest: Vec<&str> = segments.collect();
        let kinds: Vec<&str> = rest.iter().step_by(2).copied().collect();
        let names: Vec<&str> = rest.iter().skip(1).step_by(2).copied().collect();
        let kind = format!("{provider}/{}", kinds.join("/"));
        ResourceId::build(&self.placement.scope(), &kind, &names).as_str().to_owned()
    }

    /// Where a top-level resource goes: `subscriptionId` and `resourceGroup` of a declaration move it.
    fn resource_scope(self: &Rc<Scope>, declaration: &Node, env: &Env) -> String {
        self.moved(declaration, env).scope()
    }

    /// The placement of a declaration; nested deployments may name another subscription or group.
    fn moved(self: &Rc<Scope>, declaration: &Node, env: &Env) -> Placement {
        let mut placement = self.placement.clone();
        if let Some(subscription) = declaration.get("subscriptionId") {
            placement.subscription = self.evaluate(subscription, env);
            placement.level = Level::Subscription;
        }
        if let Some(group) = declaration.get("resourceGroup") {
            placement.resource_group = self.evaluate(group, env);
            placement.level = Level::ResourceGroup;
        }
        placement
    }

    /// The declared resource that a reference means: by symbolic name, by id, or by name.
    pub(super) fn find_instance(self: &Rc<Scope>, target: &str) -> Option<Rc<Instance>> {
        let instances = self.instances();
        let by_symbol =
            || instances.iter().find(|instance| instance.symbolic_name.as_deref() == Some(target));
        let by_id = || instances.iter().find(|instance| instance.id.as_str().eq_ignore_ascii_case(target));
        let by_name = || instances.iter().find(|instance| instance.full_name.eq_ignore_ascii_case(target));
        let found = if target.starts_with('/') { by_id() } else { by_symbol().or_else(by_name) };
        found.cloned()
    }
}

impl Instance {
    /// The part of the id before this resource's own provider.
    fn scope_of_id(&self) -> String {
        let mut id = self.id.clone();
        for _ in 0..self.resource_type.split('/').count().saturating_sub(1) {
            match id.parent() {
                Some(parent) => id = parent,
                None => return String::new(),
            }
        }
        id.as_str().to_owned()
    }

    fn is_deployment(&self) -> bool {
        self.resource_type.eq_ignore_ascii_case("Microsoft.Resources/deployments")
    }

    /// The resource as Resource Manager would return it; `None` while it is being worked out.
    pub(super) fn body(&self, scope: &Rc<Scope>) -> Option<Node> {
        if let Some(body) = self.body.get() {
            return Some(body.clone());
        }
        if self.is_busy.replace(true) {
            return None;
        }
        let body = self.work_out(scope);
        self.is_busy.set(false);
        Some(self.body.get_or_init(|| body).clone())
    }

    fn work_out(&self, scope: &Rc<Scope>) -> Node {
        let declaration = &self.declaration;
        let place = |key: &str| declaration.get(key).map_or(declaration.span, |node| node.span);
        let mut body = Object::new();
        body.insert("id", Value::string(self.id.as_str()).at(place("name")));
        body.insert("name", Value::string(self.id.name()).at(place("name")));
        body.insert("type", Value::String(Arc::clone(&self.resource_type)).at(place("type")));
        for member in declaration.as_object().into_iter().flatten() {
            let is_steering = STEERING.iter().any(|name| member.key.eq_ignore_ascii_case(name));
            let is_template = self.is_deployment() && member.key.eq_ignore_ascii_case("properties");
            if !is_steering && !is_template {
                let value = scope.evaluate(&member.value, &self.env);
                body.push(Member { key: Arc::clone(&member.key), key_span: member.key_span, value });
            }
        }
        Value::object(body).at(declaration.span)
    }

    /// The scope of a nested deployment with an inline template.
    pub(super) fn nested(&self, scope: &Rc<Scope>) -> Option<Rc<Scope>> {
        if !self.is_deployment() {
            return None;
        }
        if let Some(nested) = self.nested.get() {
            return nested.clone();
        }
        // Its parameters may lead back to its own outputs.
        if self.is_busy.replace(true) {
            return None;
        }
        let nested = self.open_nested(scope);
        self.is_busy.set(false);
        self.nested.get_or_init(|| nested).clone()
    }

    fn open_nested(&self, scope: &Rc<Scope>) -> Option<Rc<Scope>> {
        let properties = self.declaration.get("properties")?;
        let Some(template) = properties.get("template").filter(|template| template.as_object().is_some())
        else {
            self.report_link(scope, properties);
            return None;
        };
        if scope.nesting >= NESTING_LIMIT {
            let message = format!("deployments are nested more than {NESTING_LIMIT} deep");
            scope.session.report(Diagnostic::error(self.declaration.span, message));
            return None;
        }
        let evaluation =
            properties.get("expressionEvaluationOptions").and_then(|options| options.get("scope"));
        let is_inner =
            evaluation.and_then(Node::as_str).is_some_and(|text| text.eq_ignore_ascii_case("inner"));
        let mut placement = scope.moved(&self.declaration, &self.env);
        if placement.level != Level::ResourceGroup || template.get("$schema").is_some() {
            placement.level = self.level_of(template, placement.level);
        }
        let name = self.id.name();
        placement.deployment_name = Node::string(name);
        let given = properties.get("parameters").map(|given| scope.evaluate(given, &self.env));
        let outer = (!is_inner).then(|| Rc::clone(scope));
        Some(Scope::new(&scope.session, template.clone(), given, placement, outer, scope.nesting + 1))
    }

    /// The level that a nested template's schema names; the declaration's own where it names none.
    fn level_of(&self, template: &Node, current: Level) -> Level {
        let schema = template.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        if schema.contains("subscriptiondeploymenttemplate") {
            Level::Subscription
        } else if schema.contains("managementgroupdeploymenttemplate") {
            Level::ManagementGroup
        } else if schema.contains("tenantdeploymenttemplate") {
            Level::Tenant
        } else {
            current
        }
    }

    fn report_link(&self, scope: &Rc<Scope>, properties: &Node) {
        if let Some(link) = properties.get("templateLink") {
            let message = format!("the linked template of `{}` is not followed", self.id.name());
            let help = "scan the linked file as well, or compile it in with `bicep build`";
            scope.session.report(Diagnostic::warning(link.span, message).with_help(help));
        }
    }

    /// Adds this resource, or what a nested deployment declares.
    pub(super) fn collect(self: &Rc<Instance>, scope: &Rc<Scope>, expansion: &mut Expansion) {
        let declaration = &self.declaration;
        for dependency in declaration.get("dependsOn").and_then(Node::as_array).unwrap_or_default() {
            let dependency = scope.evaluate(dependency, &self.env);
            let target = dependency.text_or_symbol().and_then(|text| scope.find_instance(text));
            expansion.dependencies.extend(target.map(|target| (self.id.clone(), target.id.clone())));
        }
        if let Some(nested) = self.nested(scope) {
            let before = expansion.resources.len();
            nested.collect(expansion);
            self.pass_condition_on(expansion.resources.get_mut(before..).unwrap_or_default());
            return;
        }
        if self.is_deployment() {
            return;
        }
        let Some(body) = self.body(scope) else { return };
        let api_version = declaration.get("apiVersion").map(|version| scope.evaluate(version, &self.env));
        let existence = match &self.condition {
            _ if self.is_existing => Existence::Referenced,
            Some(condition) => Existence::Conditional(Arc::clone(condition)),
            None => Existence::Certain,
        };
        expansion.resources.push(Resource {
            id: self.id.clone(),
            resource_type: Arc::clone(&self.resource_type),
            api_version: api_version.and_then(|version| version.as_str().map(Arc::from)),
            body,
            span: declaration.span,
            origin: Origin::ArmTemplate,
            existence,
        });
    }

    /// Resources of a conditional deployment are as uncertain as the deployment.
    fn pass_condition_on(&self, resources: &mut [Resource]) {
        let Some(condition) = &self.condition else { return };
        for resource in resources {
            if resource.existence == Existence::Certain {
                resource.existence = Existence::Conditional(Arc::clone(condition));
            }
        }
    }
}
