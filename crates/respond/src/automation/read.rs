//! Reads rules from the JSON of Resource Manager.

use castellan_base::{Diagnostic, Level, Node, Object};

use super::condition::{Condition, Operator, PropertyTest};
use super::subject::Trigger;
use super::{Effect, Rule};
use crate::playbook::reader::{Reader, member};

/// How deep conditions may nest; Sentinel allows one level of OR within AND.
const DEEPEST: usize = 8;

/// What an update may add to.
const ADDED: [&str; 4] = ["Alerts", "Labels", "Tactics", "Comments"];

/// The properties that conditions may name.
const PROPERTIES: [&str; 57] = [
    "AccountAadTenantId",
    "AccountAadUserId",
    "AccountNTDomain",
    "AccountName",
    "AccountObjectGuid",
    "AccountPUID",
    "AccountSid",
    "AccountUPNSuffix",
    "AlertAnalyticRuleIds",
    "AlertProductNames",
    "AzureResourceResourceId",
    "AzureResourceSubscriptionId",
    "CloudApplicationAppId",
    "CloudApplicationAppName",
    "DNSDomainName",
    "FileDirectory",
    "FileHashValue",
    "FileName",
    "HostAzureID",
    "HostNTDomain",
    "HostName",
    "HostNetBiosName",
    "HostOSVersion",
    "IPAddress",
    "IncidentCustomDetailsKey",
    "IncidentCustomDetailsValue",
    "IncidentDescription",
    "IncidentLabel",
    "IncidentOwner",
    "IncidentProviderName",
    "IncidentRelatedAnalyticRuleIds",
    "IncidentSeverity",
    "IncidentStatus",
    "IncidentTactics",
    "IncidentTitle",
    "IncidentUpdatedBySource",
    "IoTDeviceId",
    "IoTDeviceModel",
    "IoTDeviceName",
    "IoTDeviceOperatingSystem",
    "IoTDeviceType",
    "IoTDeviceVendor",
    "MailMessageDeliveryAction",
    "MailMessageDeliveryLocation",
    "MailMessageP1Sender",
    "MailMessageP2Sender",
    "MailMessageRecipient",
    "MailMessageSenderIP",
    "MailMessageSubject",
    "MailboxDisplayName",
    "MailboxPrimaryAddress",
    "MailboxUPN",
    "MalwareCategory",
    "MalwareName",
    "ProcessCommandLine",
    "ProcessId",
    "RegistryKey",
];
/// The rest of them, and ours for AI workloads.
const MORE_PROPERTIES: [&str; 7] = [
    "RegistryValueData",
    "Url",
    "AgentId",
    "AgentName",
    "ModelDeploymentName",
    "PromptFingerprint",
    "ToolName",
];

/// The properties that conditions may name: Sentinel's, and ours for AI workloads.
pub fn known_properties() -> impl Iterator<Item = &'static str> {
    PROPERTIES.into_iter().chain(MORE_PROPERTIES)
}

impl Rule {
    /// Reads a rule. What is wrong is told with its place; a rule with an error is not given, since a condition that was
    /// left out would let it apply where it must not.
    pub fn read(node: &Node) -> (Option<Rule>, Vec<Diagnostic>) {
        let mut reader = Reader::default();
        let rule = rule(node, &mut reader);
        let is_wrong = reader.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
        (rule.filter(|_| !is_wrong), reader.diagnostics)
    }
}

fn rule(node: &Node, reader: &mut Reader) -> Option<Rule> {
    let object = reader.object(node, "a rule")?;
    let Some(properties) = member(object, "properties") else {
        reader.error(node.span, "`properties` is missing", "give the rule as Resource Manager has it");
        return None;
    };
    let inner = reader.object(properties, "`properties`")?;
    let Some(logic_node) = member(inner, "triggeringLogic") else {
        reader.error(properties.span, "`triggeringLogic` is missing", "");
        return None;
    };
    let logic = reader.object(logic_node, "`triggeringLogic`")?;
    let on = reader.required(logic, "triggersOn", logic_node.span)?;
    let when = reader.required(logic, "triggersWhen", logic_node.span)?;
    let Some(trigger) = Trigger::parse(&on, &when) else {
        let help = "use Incidents with Created or Updated, or Alerts with Created";
        reader.error(logic_node.span, format!("nothing triggers on {on} {when}"), help);
        return None;
    };
    let conditions = conditions(logic, "conditions", 0, reader);
    let name = reader.text(inner, "displayName").unwrap_or_default();
    Some(Rule {
        id: reader.text(object, "name").unwrap_or_else(|| name.clone()),
        name,
        order: reader.whole(inner, "order", 1, 1000).unwrap_or(1),
        is_enabled: reader.flag(logic, "isEnabled").unwrap_or(true),
        expires: reader.time(logic, "expirationTimeUtc"),
        trigger,
        conditions,
        effects: effects(inner, reader),
    })
}

/// As [`conditions`], where there have to be some: a condition that is left out would let the rule apply to everything.
fn needed(object: &Object, node: &Node, key: &str, depth: usize, reader: &mut Reader) -> Vec<Condition> {
    let is_there = member(object, key).and_then(Node::as_array).is_some_and(|items| !items.is_empty());
    if !is_there {
        reader.error(node.span, format!("`{key}` is missing or empty"), "say what has to hold");
    }
    conditions(object, key, depth, reader)
}

fn conditions(object: &Object, key: &str, depth: usize, reader: &mut Reader) -> Vec<Condition> {
    let Some(node) = member(object, key) else { return Vec::new() };
    let Some(items) = node.as_array() else {
        reader.error(node.span, format!("`{key}` has to be a list"), "");
        return Vec::new();
    };
    if depth > DEEPEST {
        reader.error(node.span, "conditions are nested too deep", "");
        return Vec::new();
    }
    items.iter().filter_map(|item| condition(item, depth, reader)).collect()
}

fn condition(node: &Node, depth: usize, reader: &mut Reader) -> Option<Condition> {
    let object = reader.object(node, "a condition")?;
    let kind = reader.required(object, "conditionType", node.span)?;
    let Some(inner_node) = member(object, "conditionProperties") else {
        reader.error(node.span, "`conditionProperties` is missing", "");
        return None;
    };
    let inner = reader.object(inner_node, "`conditionProperties`")?;
    match kind.as_str() {
        "Property" => test(inner, inner_node, reader).map(Condition::Property),
        "PropertyChanged" => changed(inner, inner_node, reader),
        "PropertyArrayChanged" => {
            let array = reader.required(inner, "arrayType", inner_node.span)?;
            if !ADDED.iter().any(|known| known.eq_ignore_ascii_case(&array)) {
                let help = format!("use one of {}", ADDED.join(", "));
                reader.error(inner_node.span, format!("nothing is added to `{array}`"), help);
                return None;
            }
            let change = reader.text(inner, "changeType");
            if change.as_deref().is_some_and(|change| change != "Added") {
                reader.error(inner_node.span, "a list changes by `Added` alone", "write Added");
                return None;
            }
            Some(Condition::Added(array))
        }
        "PropertyArray" => array(inner, inner_node, depth, reader),
        "Boolean" => {
            let operator = reader.required(inner, "operator", inner_node.span)?;
            let terms = needed(inner, inner_node, "innerConditions", depth + 1, reader);
            match operator.as_str() {
                "And" => Some(Condition::All(terms)),
                "Or" => Some(Condition::Any(terms)),
                other => {
                    reader.error(inner_node.span, format!("`{other}` joins no conditions"), "use And or Or");
                    None
                }
            }
        }
        other => {
            reader.error(node.span, format!("conditions of type `{other}` are not known"), "");
            None
        }
    }
}

fn test(inner: &Object, node: &Node, reader: &mut Reader) -> Option<PropertyTest> {
    let property = reader.required(inner, "propertyName", node.span)?;
    if !known_properties().any(|known| known.eq_ignore_ascii_case(&property)) {
        let span = member(inner, "propertyName").map_or(node.span, |node| node.span);
        reader.error(
            span,
            format!("`{property}` is no property of an incident or alert"),
            "check the spelling",
        );
    }
    comparison(property, inner, node, reader)
}

fn comparison(property: String, inner: &Object, node: &Node, reader: &mut Reader) -> Option<PropertyTest> {
    let word = reader.required(inner, "operator", node.span)?;
    let Some((operator, negated)) = Operator::parse(&word) else {
        let help = "use Equals, Contains, StartsWith or EndsWith, or one of them with Not before it";
        reader.error(node.span, format!("`{word}` is no operator"), help);
        return None;
    };
    let wanted = reader.texts(inner, "propertyValues");
    if wanted.is_empty() {
        let message = "`propertyValues` is missing or empty";
        reader.error(node.span, message, "say with what the property is compared");
        return None;
    }
    Some(PropertyTest { property, operator, negated, wanted })
}

fn changed(inner: &Object, node: &Node, reader: &mut Reader) -> Option<Condition> {
    let property = reader.required(inner, "propertyName", node.span)?;
    match reader.text(inner, "changeType").as_deref() {
        Some("ChangedFrom") => test(inner, node, reader).map(Condition::ChangedFrom),
        Some("ChangedTo") => test(inner, node, reader).map(Condition::ChangedTo),
        None | Some("Changed") => Some(Condition::Changed(property)),
        Some(other) => {
            reader.error(
                node.span,
                format!("`{other}` is no change"),
                "use ChangedFrom, ChangedTo or Changed",
            );
            None
        }
    }
}

/// Conditions of the items of a list: of tags, or of custom details.
fn array(inner: &Object, node: &Node, depth: usize, reader: &mut Reader) -> Option<Condition> {
    let kind = reader.required(inner, "arrayType", node.span)?;
    let all = match reader.text(inner, "arrayConditionType").as_deref() {
        Some("AllItems") => true,
        None | Some("AnyItem") => false,
        Some(other) => {
            reader.error(node.span, format!("`{other}` is no way to test items"), "use AnyItem or AllItems");
            return None;
        }
    };
    if kind == "CustomDetails" {
        let key = reader.required(inner, "key", node.span)?;
        return comparison(key.clone(), inner, node, reader).map(|test| Condition::Detail(key, test));
    }
    if kind != "CustomDetailValues" && kind != "Labels" {
        let help = "use CustomDetails, CustomDetailValues or Labels";
        reader.error(node.span, format!("lists of type `{kind}` are not known"), help);
        return None;
    }
    let items = needed(inner, node, "itemConditions", depth + 1, reader);
    let tests = items.into_iter().map(|item| match item {
        Condition::Property(test) => Some(Condition::Items(test, all)),
        _ => None,
    });
    let tests: Option<Vec<Condition>> = tests.collect();
    if tests.is_none() {
        reader.error(node.span, "the conditions of items have to be of type Property", "");
    }
    tests.map(Condition::All)
}

fn effects(inner: &Object, reader: &mut Reader) -> Vec<Effect> {
    let items = member(inner, "actions").and_then(Node::as_array).unwrap_or_default();
    let mut ordered: Vec<(u64, Vec<Effect>)> = Vec::new();
    for item in items {
        let Some(object) = reader.object(item, "an action") else { continue };
        let order = reader.whole(object, "order", 0, 1000).unwrap_or(1);
        let Some(kind) = reader.required(object, "actionType", item.span) else { continue };
        let Some(node) = member(object, "actionConfiguration") else {
            reader.error(item.span, "`actionConfiguration` is missing", "");
            continue;
        };
        let Some(with) = reader.object(node, "`actionConfiguration`") else { continue };
        ordered.push((order, effect(&kind, with, node, reader)));
    }
    ordered.sort_by_key(|(order, _)| *order);
    ordered.into_iter().flat_map(|(_, effects)| effects).collect()
}

fn effect(kind: &str, with: &Object, node: &Node, reader: &mut Reader) -> Vec<Effect> {
    match kind {
        "RunPlaybook" => {
            let id = reader.required(with, "logicAppResourceId", node.span);
            id.into_iter().map(Effect::RunPlaybook).collect()
        }
        "AddIncidentTask" => {
            let title = reader.required(with, "title", node.span).unwrap_or_default();
            vec![Effect::Task { title, description: reader.text(with, "description").unwrap_or_default() }]
        }
        "ModifyProperties" => properties(with, reader),
        other => {
            reader.error(node.span, format!("actions of type `{other}` are not known"), "");
            Vec::new()
        }
    }
}

/// Whom an incident is given to. That nobody has it any more is said by names that are null or empty, not by a form that
/// is not known.
fn owned(owner: &Node, reader: &mut Reader) -> Option<Effect> {
    let names = ["userPrincipalName", "email", "assignedTo", "objectId"];
    let object = reader.object(owner, "`owner`")?;
    let given: Vec<&Node> = names.iter().filter_map(|key| member(object, key)).collect();
    let is_text = |node: &&Node| node.is_null() || node.as_str().is_some();
    if given.is_empty() || !given.iter().all(is_text) {
        let help = "give userPrincipalName, email, assignedTo or objectId, as texts or null";
        reader.error(owner.span, "`owner` names nobody in a form that is known", help);
        return None;
    }
    let name = given.into_iter().filter_map(Node::as_str).find(|name| !name.is_empty());
    Some(Effect::Owner(name.unwrap_or_default().to_owned()))
}

fn properties(with: &Object, reader: &mut Reader) -> Vec<Effect> {
    let mut effects = Vec::new();
    let is_set = |key: &str| member(with, key).is_some_and(|node| !node.is_null());
    if is_set("severity") {
        effects.extend(reader.text(with, "severity").map(Effect::Severity));
    }
    if is_set("status")
        && let Some(status) = reader.text(with, "status")
    {
        let mut text =
            |key: &str| if is_set(key) { reader.text(with, key).unwrap_or_default() } else { String::new() };
        let (classification, reason, comment) =
            (text("classification"), text("classificationReason"), text("classificationComment"));
        effects.push(Effect::Status { status, classification, reason, comment });
    }
    if is_set("owner")
        && let Some(owner) = member(with, "owner")
    {
        effects.extend(owned(owner, reader));
    }
    let labels = member(with, "labels").and_then(Node::as_array).unwrap_or_default();
    let names = labels.iter().filter_map(|label| label.get("labelName").and_then(Node::as_str));
    let names: Vec<String> = names.map(str::to_owned).collect();
    if !names.is_empty() {
        effects.push(Effect::Tags(names));
    }
    effects
}
