//! Checks: a policy rule, why it matters, how to fix a violation, and examples.

use std::sync::Arc;

use castellan_base::{
    Diagnostic, FrameworkId, Node, Object, Severity, Span, Unresolved, UnresolvedReason, Value, Verdict,
};

use super::reader::Reader;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Who can call, and with what credential.
    Identity,
    /// From where it can be reached, and where it can reach.
    Network,
    /// Storage and encryption of data.
    Data,
    /// Content filters and prompt shields.
    Guardrails,
    /// Agents and their tools.
    Agents,
    /// Models, images and packages from elsewhere.
    SupplyChain,
    /// Traces that an investigation needs.
    Logging,
    /// Versions and their retirement.
    Lifecycle,
    /// Responsibility, residency, resilience.
    Governance,
}

const CATEGORIES: [(&str, Category); 9] = [
    ("identity", Category::Identity),
    ("network", Category::Network),
    ("data", Category::Data),
    ("guardrails", Category::Guardrails),
    ("agents", Category::Agents),
    ("supply-chain", Category::SupplyChain),
    ("logging", Category::Logging),
    ("lifecycle", Category::Lifecycle),
    ("governance", Category::Governance),
];

impl Category {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        name_of(&CATEGORIES, self)
    }
}

/// What an attacker gains from a violation; feeds the risk score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttackSurface {
    /// A way in from the internet.
    InternetExposure,
    /// A credential to steal or to reuse.
    Credential,
    /// Data to read, change or destroy.
    Data,
    /// A model to abuse, mislead or copy.
    Model,
    /// An agent to take over.
    Agent,
    /// A component to poison.
    SupplyChain,
}

const ATTACK_SURFACES: [(&str, AttackSurface); 6] = [
    ("internet-exposure", AttackSurface::InternetExposure),
    ("credential", AttackSurface::Credential),
    ("data", AttackSurface::Data),
    ("model", AttackSurface::Model),
    ("agent", AttackSurface::Agent),
    ("supply-chain", AttackSurface::SupplyChain),
];

impl AttackSurface {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        name_of(&ATTACK_SURFACES, self)
    }
}

fn name_of<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, candidate)| *candidate == value).map_or("", |(word, _)| *word)
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// Kebab-case id, also the file's name.
    pub id: Arc<str>,
    /// Grows whenever the rule comes to say something else.
    pub version: u32,
    /// The state to be in, in one line.
    pub title: Arc<str>,
    /// How bad a violation is.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// The secure score control that it counts to, by [`super::ScoreControl::id`].
    pub control: Arc<str>,
    /// True when Defender for Cloud gives this recommendation too.
    pub defender: bool,
    /// Defender's name of the recommendation.
    pub defender_name: Option<Arc<str>>,
    /// The name (a GUID) of the built-in Azure Policy that answers the same question, if there is one.
    pub built_in: Option<Arc<str>>,
    /// Why a violation matters.
    pub risk: Arc<str>,
    /// What to do about it.
    pub remediation: Arc<str>,
    /// The framework controls that the check speaks to.
    pub frameworks: Vec<FrameworkId>,
    /// What a violation gives to an attacker.
    pub attack_surface: Vec<AttackSurface>,
    /// The rule: the `properties` of an Azure Policy definition, `{mode, parameters?, policyRule}`.
    pub policy: Node,
    /// The smallest change that fixes a violation, where one can be named.
    pub fix: Option<Fix>,
    /// What the check must say of some resources.
    pub examples: Vec<Example>,
    /// Where the check stands in [`super::Content::sources`].
    pub span: Span,
}

impl Check {
    /// The rule as a whole Azure Policy definition: `{name, properties: {displayName, ...policy}}`.
    pub fn definition_node(&self) -> Node {
        let mut properties = Object::new();
        properties.insert("displayName", Value::String(Arc::clone(&self.title)).at(self.span));
        for member in self.policy.as_object().into_iter().flatten() {
            properties.push(member.clone());
        }
        let mut definition = Object::new();
        definition.insert("name", Value::String(Arc::clone(&self.id)).at(self.span));
        definition.insert("properties", Value::object(properties).at(self.policy.span));
        Value::object(definition).at(self.policy.span)
    }
}

/// The smallest change that fixes a violation. Texts may hold `{name}`, `{resourceGroup}`, `{subscription}`, `{id}`,
/// which are filled in, and `<subnet id>`: what stands in angle brackets is for a person to choose.
#[derive(Clone, Debug, Default)]
pub struct Fix {
    /// Properties to set on the resource; ARM, Bicep and azapi forms follow from these.
    pub set: Vec<Assignment>,
    /// The same as attributes of `azurerm` resources.
    pub terraform: Vec<TerraformFix>,
    /// The same as an `az` command.
    pub az: Option<Arc<str>>,
    /// A related resource to add.
    pub add: Option<Addition>,
    /// What a person has to decide first.
    pub note: Option<Arc<str>>,
}

impl Fix {
    /// True when `set` says something and leaves no value for a person to choose, so that it can be applied as it is.
    pub fn is_automatic(&self) -> bool {
        !self.set.is_empty() && !self.set.iter().any(|assignment| leaves_choice(&assignment.value))
    }
}

/// True when a text in the value stands in angle brackets.
fn leaves_choice(value: &Node) -> bool {
    match &value.value {
        Value::String(text) => text.starts_with('<') && text.ends_with('>'),
        Value::Array(items) => items.iter().any(leaves_choice),
        Value::Object(object) => object.iter().any(|member| leaves_choice(&member.value)),
        _ => false,
    }
}

/// A property to set.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Dotted path in the resource's body: `properties.disableLocalAuth`.
    pub path: Arc<str>,
    /// The value.
    pub value: Node,
}

/// An attribute to set on a Terraform resource.
#[derive(Clone, Debug)]
pub struct TerraformFix {
    /// The Terraform type: `azurerm_cognitive_account`.
    pub resource: Arc<str>,
    /// The attribute, dotted for a block: `network_acls.default_action`.
    pub attribute: Arc<str>,
    /// The value.
    pub value: Node,
}

/// A related resource to add.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The ARM body with `type`, `apiVersion`, `name` and `properties`, placeholders included.
    pub body: Node,
}

/// What an example expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// [`Verdict::Compliant`].
    Compliant,
    /// [`Verdict::NonCompliant`].
    NonCompliant,
    /// [`Verdict::Unknown`], whatever the reason.
    Unknown,
    /// [`Verdict::NotApplicable`].
    NotApplicable,
}

const EXPECTATIONS: [(&str, Expectation); 4] = [
    ("compliant", Expectation::Compliant),
    ("non-compliant", Expectation::NonCompliant),
    ("unknown", Expectation::Unknown),
    ("not-applicable", Expectation::NotApplicable),
];

impl Expectation {
    /// True when a verdict is the expected one.
    pub fn matches(self, verdict: &Verdict) -> bool {
        match self {
            Expectation::Compliant => matches!(verdict, Verdict::Compliant),
            Expectation::NonCompliant => matches!(verdict, Verdict::NonCompliant),
            Expectation::Unknown => matches!(verdict, Verdict::Unknown(_)),
            Expectation::NotApplicable => matches!(verdict, Verdict::NotApplicable),
        }
    }

    /// The kebab-case name, as [`Verdict::as_str`] writes it.
    pub fn as_str(self) -> &'static str {
        name_of(&EXPECTATIONS, self)
    }
}

/// A resource and what the check must say of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows.
    pub name: Arc<str>,
    /// The verdict.
    pub expect: Expectation,
    /// The resource as ARM would return it. `{$unresolved: EXPRESSION}` stands for a value that is not known.
    pub resource: Node,
    /// The other resources around it, `type` and `name` included.
    pub related: Vec<Node>,
    /// False when the related resources were not collected, so that their absence says nothing.
    pub collected: bool,
    /// The time of the evaluation, `YYYY-MM-DDThh:mm:ssZ`, where it matters.
    pub now: Option<Arc<str>>,
}

const SEVERITIES: [(&str, Severity); 5] = [
    ("info", Severity::Info),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// Reads a check. `stem` is the file's name without extension, which has to be the check's id.
pub(super) fn read(document: &Node, stem: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Check> {
    let mut reader = Reader::new(document, "a check", diagnostics)?;
    let check = Check {
        id: reader.text("id"),
        version: reader.whole_number("version"),
        title: reader.text("title"),
        severity: reader.word("severity", &SEVERITIES).unwrap_or(Severity::Info),
        category: reader.word("category", &CATEGORIES).unwrap_or(Category::Governance),
        control: reader.text("control"),
        defender: reader.flag("defender", false),
        defender_name: reader.optional_text("defender_name"),
        built_in: reader.optional_text("built_in"),
        risk: reader.text("risk"),
        remediation: reader.text("remediation"),
        frameworks: read_frameworks(&mut reader),
        attack_surface: read_surfaces(&mut reader),
        policy: reader.required("policy").cloned().unwrap_or(Node::NULL),
        fix: read_fix(&mut reader),
        examples: read_examples(&mut reader),
        span: document.span,
    };
    if &*check.id != stem {
        reader.fail(document, format!("the check `{}` has to stand in `{}.yaml`", check.id, check.id));
    }
    if check.policy.get("policyRule").is_none() {
        reader.fail(&check.policy, "`policy` has to hold a `policyRule`");
    }
    reader.finish().then_some(check)
}

fn read_frameworks(reader: &mut Reader<'_>) -> Vec<FrameworkId> {
    let mut ids: Vec<FrameworkId> = Vec::new();
    for (text, node) in reader.texts("frameworks") {
        match text.parse() {
            Ok(id) if ids.contains(&id) => reader.fail(node, format!("`{text}` stands here twice")),
            Ok(id) => ids.push(id),
            Err(error) => reader.fail(node, error.to_string()),
        }
    }
    ids
}

fn read_surfaces(reader: &mut Reader<'_>) -> Vec<AttackSurface> {
    let items = reader.list("attack_surface");
    items.iter().filter_map(|item| reader.as_word("attack_surface", item, &ATTACK_SURFACES)).collect()
}

fn read_fix(reader: &mut Reader<'_>) -> Option<Fix> {
    let node = reader.optional("fix")?;
    let fix = parse_fix(node, reader.diagnostics());
    if fix.is_none() {
        reader.fail(node, "this fix cannot be used");
    }
    fix
}

fn parse_fix(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Fix> {
    let mut reader = Reader::new(node, "a fix", diagnostics)?;
    let mut fix = Fix::default();
    for item in reader.list("set") {
        let Some(mut entry) = Reader::new(item, "a property to set", reader.diagnostics()) else { continue };
        let path = entry.text("path");
        let value = entry.required("value").cloned();
        if entry.finish() {
            fix.set.extend(value.map(|value| Assignment { path, value }));
        }
    }
    for item in reader.one_or_more("terraform") {
        let Some(mut entry) = Reader::new(item, "a Terraform fix", reader.diagnostics()) else { continue };
        let (resource, attribute) = (entry.text("resource"), entry.text("attribute"));
        let value = entry.required("value").cloned();
        if entry.finish() {
            fix.terraform.extend(value.map(|value| TerraformFix { resource, attribute, value }));
        }
    }
    fix.az = reader.optional_text("az");
    fix.add = reader.optional("add").map(|body| Addition { body: body.clone() });
    fix.note = reader.optional_text("note");
    reader.finish().then_some(fix)
}

fn read_examples(reader: &mut Reader<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    for item in reader.list("examples") {
        match read_example(item, reader.diagnostics()) {
            Some(example) => examples.push(example),
            None => reader.fail(item, "this example cannot be used"),
        }
    }
    examples
}

fn read_example(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Example> {
    let mut reader = Reader::new(node, "an example", diagnostics)?;
    let name = reader.text("name");
    let expect = reader.word("expect", &EXPECTATIONS);
    let resource = reader.required("resource").map(with_unresolved);
    let related = reader.list("related").iter().map(with_unresolved).collect();
    let collected = reader.flag("collected", true);
    let now = reader.optional_text("now");
    let usable = reader.finish();
    Some(Example { name, expect: expect?, resource: resource?, related, collected, now }).filter(|_| usable)
}

/// The same tree with each `{$unresolved: EXPRESSION}` as an unresolved value.
fn with_unresolved(node: &Node) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::array(items.iter().map(with_unresolved).collect()),
        Value::Object(object) => match object.get("$unresolved").and_then(Node::as_str) {
            Some(expression) => {
                Value::unresolved(Unresolved::new(UnresolvedReason::MissingParameter, expression))
            }
            None => Value::object(
                object
                    .iter()
                    .map(|member| (Arc::clone(&member.key), with_unresolved(&member.value)))
                    .collect(),
            ),
        },
        other => other.clone(),
    };
    value.at(node.span)
}
