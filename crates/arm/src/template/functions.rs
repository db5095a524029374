//! Functions that know about deployments: scopes, resource ids, references to other resources.

use std::rc::Rc;
use std::sync::Arc;

use castellan_base::{Node, Object, ResourceId, Unresolved, UnresolvedReason, Value};
use castellan_expression::{Expr, FunctionError};

use super::identity::split_name;
use super::instances::Instance;
use super::scope::Placement;
use super::values::Evaluation;

type Answer = Result<Node, FunctionError>;

fn error(message: impl Into<String>) -> FunctionError {
    FunctionError { message: message.into() }
}

/// A text that may hold symbols: a string when it is wholly known, else unresolved with itself as the symbol.
pub(super) fn symbolic(text: String, parts_known: bool, expr: &Expr) -> Node {
    if parts_known {
        return Value::string(text).at(expr.span);
    }
    let unresolved = Unresolved::new(UnresolvedReason::Runtime, expr.to_string()).with_symbol(text);
    Value::unresolved(unresolved).at(expr.span)
}

fn runtime(expr: &Expr, symbol: String) -> Node {
    let hint = "only a deployment can tell; scan the live resource to settle it";
    let unresolved =
        Unresolved::new(UnresolvedReason::Runtime, expr.to_string()).with_symbol(symbol).with_hint(hint);
    Value::unresolved(unresolved).at(expr.span)
}

fn object_of(members: &[(&str, Node)], expr: &Expr) -> Node {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(*name, value.clone());
    }
    Value::object(object).at(expr.span)
}

impl Evaluation<'_> {
    fn placement(&self) -> &Placement {
        &self.scope.placement
    }

    /// Functions of deployments, by lower-case name; `None` for all others.
    pub(super) fn deployment_function(&self, name: &str, args: &[Node], expr: &Expr) -> Option<Answer> {
        let placement = self.placement();
        Some(match name {
            "resourceid" => self.resource_id(args, expr),
            "subscriptionresourceid" => self.subscription_resource_id(args, expr),
            "tenantresourceid" => resource_id_under(Some(String::new()), args, expr),
            "managementgroupresourceid" => {
                let group = placement.management_group.text_or_symbol().unwrap_or_default();
                let scope = format!("/providers/Microsoft.Management/managementGroups/{group}");
                resource_id_under(Some(scope), args, expr)
            }
            "extensionresourceid" => match args.split_first() {
                Some((scope, rest)) => {
                    resource_id_under(scope.text_or_symbol().map(str::to_owned), rest, expr)
                }
                None => Err(error("`extensionResourceId` needs the id of a resource")),
            },
            "resourcegroup" => Ok(self.resource_group(expr)),
            "subscription" => Ok(self.subscription(expr)),
            "tenant" => Ok(object_of(&[("tenantId", placement.tenant.clone())], expr)),
            "managementgroup" => Ok(object_of(&[("name", placement.management_group.clone())], expr)),
            "deployment" => Ok(self.deployment(expr)),
            "environment" => Ok(environment(expr)),
            "reference" => Ok(self.reference(args, &[], expr)),
            "deployer" | "providers" | "pickzones" | "references" | "tologicalzone" | "tologicalzones"
            | "tophysicalzone" | "tophysicalzones" | "getsecret" => {
                Ok(runtime(expr, call_symbol(name, args)))
            }
            list if list.starts_with("list") => Ok(runtime(expr, call_symbol(list, args))),
            _ => return None,
        })
    }

    fn resource_group(&self, expr: &Expr) -> Node {
        let placement = self.placement();
        let scope = format!(
            "{}/resourceGroups/{}",
            placement.subscription_scope(),
            placement.resource_group.text_or_symbol().unwrap_or_default()
        );
        let id = symbolic(scope.clone(), !scope.contains('{'), expr);
        let kind = Value::string("Microsoft.Resources/resourceGroups").at(expr.span);
        let tags = Value::object(Object::new()).at(expr.span);
        object_of(
            &[
                ("id", id),
                ("name", placement.resource_group.clone()),
                ("type", kind),
                ("location", placement.location.clone()),
                ("tags", tags),
            ],
            expr,
        )
    }

    fn subscription(&self, expr: &Expr) -> Node {
        let placement = self.placement();
        let scope = placement.subscription_scope();
        let id = symbolic(scope.clone(), !scope.contains('{'), expr);
        let name = runtime(expr, "{subscription().displayName}".to_owned());
        object_of(
            &[
                ("id", id),
                ("subscriptionId", placement.subscription.clone()),
                ("tenantId", placement.tenant.clone()),
                ("displayName", name),
            ],
            expr,
        )
    }

    fn deployment(&self, expr: &Expr) -> Node {
        let placement = self.placement();
        let version = self.scope.template.get("contentVersion").cloned().unwrap_or(Node::NULL);
        let template = object_of(&[("contentVersion", version)], expr);
        let properties = object_of(&[("template", template)], expr);
        object_of(
            &[
                ("name", placement.deployment_name.clone()),
                ("location", placement.location.clone()),
                ("properties", properties),
            ],
            expr,
        )
    }

    /// `resourceId([subscription], [group], type, name, ...)`.
    fn resource_id(&self, args: &[Node], expr: &Expr) -> Answer {
        let kind =
            type_position(args).ok_or_else(|| error("`resourceId` needs a type such as `Microsoft.X/y`"))?;
        let placement = self.placement();
        let leading: Vec<&str> = args.iter().take(kind).filter_map(Node::text_or_symbol).collect();
        let scope = match leading.as_slice() {
            [] => placement.scope(),
            [group] => format!("{}/resourceGroups/{group}", placement.subscription_scope()),
            [subscription, group] => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
            _ => return Err(error("`resourceId` takes at most a subscription and a group before the type")),
        };
        resource_id_under(Some(scope), args.get(kind..).unwrap_or_default(), expr)
    }

    fn subscription_resource_id(&self, args: &[Node], expr: &Expr) -> Answer {
        let kind = type_position(args).ok_or_else(|| error("`subscriptionResourceId` needs a type"))?;
        let scope = match args.first().filter(|_| kind == 1).and_then(Node::text_or_symbol) {
            Some(subscription) => format!("/subscriptions/{subscription}"),
            None => self.placement().subscription_scope(),
        };
        resource_id_under(Some(scope), args.get(kind..).unwrap_or_default(), expr)
    }

    /// `reference(resource, version?, 'Full'?)` with a path below it. What the template itself declares is followed;
    /// the rest is known only at run time.
    pub(super) fn reference(&self, args: &[Node], path: &[Node], expr: &Expr) -> Node {
        let Some(target) = args.first().and_then(Node::text_or_symbol) else {
            return runtime(expr, format!("{{{expr}}}"));
        };
        let is_full =
            args.get(2).and_then(Node::as_str).is_some_and(|flag| flag.eq_ignore_ascii_case("full"));
        let scopes = [self.local, self.scope];
        let found = scopes.iter().find_map(|scope| scope.find_instance(target).map(|found| (*scope, found)));
        let Some((scope, instance)) = found else {
            return runtime(expr, reference_symbol(target, is_full, path));
        };
        if let Some(nested) = instance.nested(scope) {
            return nested_output(&nested, path, expr);
        }
        self.declared(&instance, is_full, path, expr)
    }

    fn declared(&self, instance: &Rc<Instance>, is_full: bool, path: &[Node], expr: &Expr) -> Node {
        let symbol = || runtime(expr, reference_symbol(instance.id.as_str(), is_full, path));
        if instance.is_existing || path.is_empty() {
            return symbol();
        }
        let Some(body) = instance.body(self.local) else { return symbol() };
        let mut node = if is_full { Some(&body) } else { body.get("properties") };
        for key in path {
            node = node.and_then(|node| match &key.value {
                Value::String(name) => node.get(name),
                Value::Int(index) => {
                    usize::try_from(*index).ok().and_then(|index| node.as_array()?.get(index))
                }
                _ => None,
            });
        }
        node.cloned().unwrap_or_else(symbol)
    }
}

/// `reference('nested').outputs.name.value...`.
fn nested_output(nested: &Rc<super::scope::Scope>, path: &[Node], expr: &Expr) -> Node {
    let names: Vec<&str> = path.iter().filter_map(Node::as_str).collect();
    let unknown = || runtime(expr, format!("{{{expr}}}"));
    let [outputs, name, rest @ ..] = names.as_slice() else { return unknown() };
    if !outputs.eq_ignore_ascii_case("outputs") {
        return unknown();
    }
    let Some(mut node) = nested.output(name) else { return unknown() };
    if rest.first().is_none_or(|value| !value.eq_ignore_ascii_case("value")) {
        return object_of(&[("value", node)], expr);
    }
    for key in path.iter().skip(3) {
        if node.as_unresolved().is_some() {
            return unknown();
        }
        let next = match &key.value {
            Value::String(name) => node.get(name),
            Value::Int(index) => usize::try_from(*index).ok().and_then(|index| node.as_array()?.get(index)),
            _ => None,
        };
        match next.cloned() {
            Some(next) => node = next,
            None => return unknown(),
        }
    }
    node
}

/// One symbol for all spellings of the same reference, so that they match.
fn reference_symbol(target: &str, is_full: bool, path: &[Node]) -> String {
    let mut symbol = format!("{{reference('{target}')");
    if !is_full {
        symbol.push_str(".properties");
    }
    for key in path {
        match &key.value {
            Value::String(name) => symbol.push_str(&format!(".{name}")),
            other => symbol.push_str(&format!("[{}]", Node::from_value(other.clone()).to_json())),
        }
    }
    symbol.push('}');
    symbol
}

fn call_symbol(name: &str, args: &[Node]) -> String {
    let args: Vec<&str> = args.iter().filter_map(Node::text_or_symbol).collect();
    format!("{{{name}({})}}", args.join(", "))
}

/// The first argument that is a known text with a slash: the type.
fn type_position(args: &[Node]) -> Option<usize> {
    args.iter().position(|argument| argument.as_str().is_some_and(|text| text.contains('/')))
}

fn resource_id_under(scope: Option<String>, args: &[Node], expr: &Expr) -> Answer {
    let scope = scope.ok_or_else(|| error("the scope has to be a string"))?;
    let (kind, names) = args.split_first().ok_or_else(|| error("a resource type is missing"))?;
    let kind = kind.as_str().ok_or_else(|| error("the resource type has to be a known string"))?;
    let texts: Option<Vec<&str>> = names.iter().map(Node::text_or_symbol).collect();
    let texts = texts.ok_or_else(|| error("names have to be strings"))?;
    let names: Vec<&str> = texts.iter().flat_map(|text| split_name(text)).collect();
    let wanted = kind.split('/').count().saturating_sub(1);
    if names.len() != wanted {
        return Err(error(format!("`{kind}` needs {wanted} names, not {}", names.len())));
    }
    let id = ResourceId::build(&scope, kind, &names);
    let is_known = !id.as_str().contains('{');
    Ok(symbolic(id.as_str().to_owned(), is_known, expr))
}

/// Constants of the public cloud, which is where templates go unless a sovereign cloud is scanned live.
fn environment(expr: &Expr) -> Node {
    let text = |text: &str| Value::String(Arc::from(text)).at(expr.span);
    let suffixes = object_of(
        &[
            ("acrLoginServer", text(".azurecr.io")),
            ("azureDatalakeAnalyticsCatalogAndJob", text("azuredatalakeanalytics.net")),
            ("azureDatalakeStoreFileSystem", text("azuredatalakestore.net")),
            ("keyvaultDns", text(".vault.azure.net")),
            ("sqlServerHostname", text(".database.windows.net")),
            ("storage", text("core.windows.net")),
        ],
        expr,
    );
    let authentication = object_of(
        &[
            ("loginEndpoint", text("https://login.microsoftonline.com/")),
            ("tenant", text("common")),
            ("identityProvider", text("AAD")),
        ],
        expr,
    );
    object_of(
        &[
            ("name", text("AzureCloud")),
            ("portal", text("https://portal.azure.com")),
            ("resourceManager", text("https://management.azure.com/")),
            ("graph", text("https://graph.windows.net/")),
            ("authentication", authentication),
            ("suffixes", suffixes),
        ],
        expr,
    )
}
