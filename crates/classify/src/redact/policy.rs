//! Which operator for which finding, read from YAML or JSON.

use castellan_base::{Diagnostic, Limits, Node, SourceId, Sources, Span, yaml};

use crate::redact::operator::{
    HashAlgorithm, HashOptions, Hidden, Mask, Operator, Replacement, TokenForm, TokenOptions,
};
use crate::rule::Category;
use crate::rule::fields::{Fields, Problems};

const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 16, values: 100_000 };

/// Longest text that replaces a value, in bytes.
const LONGEST_TEXT: usize = 256;

const OPERATORS: &str = "`keep`, `mask`, `token`, `encrypt`, `hash`, `replace` or `remove`";

/// What is done to one kind of finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The operator.
    pub operator: Operator,
    /// Findings of less confidence are left as they are; where it is absent, the policy's own bound holds.
    pub min_confidence: Option<u8>,
    /// Where the rule stands.
    pub span: Span,
}

impl Rule {
    /// A rule without a bound and a place.
    pub fn new(operator: Operator) -> Rule {
        Rule { operator, min_confidence: None, span: Span::NONE }
    }
}

/// Which operator for which finding: the rule of its type, else of its category, else the default.
///
/// ```
/// use castellan_base::Sources;
/// use castellan_classify::redact::Policy;
///
/// let mut sources = Sources::default();
/// let file = sources.add("redaction.yaml", "
/// min_confidence: 65
/// default: replace                              # <TYPE>
/// categories:
///   credential: remove
///   person: { replace: numbered }               # <PERSON_1>
///   contact: { replace: { text: '[contact]' } }
/// types:
///   payment-card: { mask: { keep_last: 4 } }
///   us-passport: { hash: { algorithm: hmac-sha256, bytes: 16 }, min_confidence: 85 }
///   iban: { token: { form: format, check: invalid } }
/// ");
/// assert!(Policy::read(&sources, file).is_ok());
/// let file = sources.add("wrong.yaml", "default: { mask: { keep_list: 4 } }");
/// let problems = Policy::read(&sources, file).unwrap_err();
/// assert_eq!(sources.locate(problems[0].span).unwrap().to_string(), "wrong.yaml:1:20");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For everything else.
    pub default: Rule,
    /// By id or GUID of a detector.
    pub types: Vec<(String, Rule)>,
    /// By category.
    pub categories: Vec<(Category, Rule)>,
    /// Findings of less confidence are left as they are, 0 to 100.
    pub min_confidence: u8,
}

impl Default for Policy {
    /// Everything found is replaced by its type.
    fn default() -> Policy {
        let default = Rule::new(Operator::Replace(Replacement::Type));
        Policy { default, types: Vec::new(), categories: Vec::new(), min_confidence: 0 }
    }
}

impl Policy {
    /// Reads a policy. A policy that has a fault is refused as a whole: half of it would let values pass.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn read(sources: &Sources, file: SourceId) -> Result<Policy, Vec<Diagnostic>> {
        let text = sources.text(file).unwrap_or_default();
        let document = yaml::parse(&text, file, &LIMITS).map_err(|problem| vec![problem])?;
        let mut problems = Problems::default();
        let policy = read(&document, &mut problems);
        match policy {
            Some(policy) if problems.count() == 0 => Ok(policy),
            _ => Err(problems.list),
        }
    }
}

fn read(document: &Node, problems: &mut Problems) -> Option<Policy> {
    let mut policy = Policy::default();
    let mut fields = Fields::of(document, "the policy", problems)?;
    if let Some(bound) = fields.number("min_confidence", (0, 100), problems) {
        policy.min_confidence = u8::try_from(bound).ok()?;
    }
    if let Some(node) = fields.get("default") {
        policy.default = rule(node, problems)?;
    }
    for (name, span, node) in members(fields.get("types"), "types", problems) {
        if policy.types.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            problems.error(span, format!("there is another rule for `{name}`"), "keep one of the two");
        }
        policy.types.extend(rule(node, problems).map(|rule| (name.to_owned(), rule)));
    }
    for (name, span, node) in members(fields.get("categories"), "categories", problems) {
        let Some(category) = Category::from_name(name) else {
            let names: Vec<_> = Category::ALL.iter().map(|(_, name)| format!("`{name}`")).collect();
            let help = format!("the categories are {}", names.join(", "));
            problems.error(span, format!("there is no category `{name}`"), help);
            continue;
        };
        policy.categories.extend(rule(node, problems).map(|rule| (category, rule)));
    }
    fields.finish(problems);
    Some(policy)
}

fn members<'a>(
    node: Option<&'a Node>,
    what: &str,
    problems: &mut Problems,
) -> Vec<(&'a str, Span, &'a Node)> {
    let Some(node) = node else { return Vec::new() };
    let Some(object) = node.as_object() else {
        let message = format!("`{what}` is {}, not a mapping", node.value.type_name());
        problems.error(node.span, message, "write `name: operator` lines");
        return Vec::new();
    };
    object.iter().map(|member| (&*member.key, member.key_span, &member.value)).collect()
}

fn rule(node: &Node, problems: &mut Problems) -> Option<Rule> {
    if let Some(name) = node.as_str() {
        let Some(operator) = plain(name) else {
            problems.error(node.span, format!("there is no operator `{name}`"), format!("use {OPERATORS}"));
            return None;
        };
        return Some(Rule { operator, min_confidence: None, span: node.span });
    }
    let mut fields = Fields::of(node, "the rule", problems)?;
    let bound = fields.number("min_confidence", (0, 100), problems);
    let [mask, token, hash, replace] = ["mask", "token", "hash", "replace"].map(|key| fields.get(key));
    let bare = ["keep", "encrypt", "remove"].map(|key| (key, fields.get(key)));
    fields.finish(problems);
    let bare: Vec<_> = bare.into_iter().filter_map(|(key, node)| Some((key, node?))).collect();
    let operator = match (mask, token, hash, replace, bare.as_slice()) {
        (Some(mask), None, None, None, []) => read_mask(mask, problems)?,
        (None, Some(token), None, None, []) => read_token(token, problems)?,
        (None, None, Some(hash), None, []) => read_hash(hash, problems)?,
        (None, None, None, Some(replace), []) => read_replacement(replace, problems)?,
        (None, None, None, None, [(key, options)]) if options.as_bool() == Some(true) => plain(key)?,
        _ => {
            let help = format!("name one of {OPERATORS}, as in `{{ mask: {{ keep_last: 4 }} }}`");
            problems.error(node.span, "the rule needs exactly one operator", help);
            return None;
        }
    };
    Some(Rule { operator, min_confidence: bound.and_then(|bound| u8::try_from(bound).ok()), span: node.span })
}

/// An operator without options.
fn plain(name: &str) -> Option<Operator> {
    Some(match name {
        "keep" => Operator::Keep,
        "mask" => Operator::Mask(Mask { character: '*', hidden: Hidden::All }),
        "token" => Operator::Token(TokenOptions { form: TokenForm::Auto, invalid: false, keep_first: 0 }),
        "encrypt" => Operator::Encrypt,
        "hash" => Operator::Hash(HashOptions { algorithm: HashAlgorithm::Blake3, bytes: 16 }),
        "replace" => Operator::Replace(Replacement::Type),
        "remove" => Operator::Remove,
        _ => return None,
    })
}

fn read_mask(node: &Node, problems: &mut Problems) -> Option<Operator> {
    let mut fields = Fields::of(node, "`mask`", problems)?;
    let given = fields.text("character", problems);
    let mut characters = given.as_deref().unwrap_or("*").chars();
    let character = characters.next().filter(|it| characters.next().is_none() && !it.is_alphanumeric());
    if character.is_none() {
        let message = "`character` of `mask` is not one character that is neither letter nor digit";
        problems.error(node.span, message, "use `*` or `#`");
    }
    let mut number = |key, least| {
        let number = fields.number(key, (least, i64::from(u16::MAX) - 1), problems)?;
        u16::try_from(number).ok()
    };
    let (count, keep_first, keep_last) =
        (number("count", 1), number("keep_first", 0), number("keep_last", 0));
    let from_end = fields.flag("from_end", problems);
    fields.finish(problems);
    let hidden = match (count, keep_first, keep_last) {
        (None, None, None) if !from_end => Hidden::All,
        (Some(count), None, None) => Hidden::Count { count, from_end },
        (None, Some(shown), None) if !from_end => Hidden::AllBut { shown, at_end: false },
        (None, None, Some(shown)) if !from_end => Hidden::AllBut { shown, at_end: true },
        _ => {
            let help = "use one of `count` (with `from_end`), `keep_first` and `keep_last`";
            problems.error(node.span, "`mask` says twice what is hidden", help);
            return None;
        }
    };
    Some(Operator::Mask(Mask { character: character?, hidden }))
}

fn read_token(node: &Node, problems: &mut Problems) -> Option<Operator> {
    let mut fields = Fields::of(node, "`token`", problems)?;
    let forms = [(TokenForm::Auto, "auto"), (TokenForm::Format, "format"), (TokenForm::Sealed, "sealed")];
    let form = fields.choice("form", &forms, problems).unwrap_or(TokenForm::Auto);
    let checks = [(false, "valid"), (true, "invalid")];
    let invalid = fields.choice("check", &checks, problems).unwrap_or(false);
    let keep_first = fields.number("keep_first", (0, 8), problems).unwrap_or(0);
    fields.finish(problems);
    Some(Operator::Token(TokenOptions { form, invalid, keep_first: u8::try_from(keep_first).ok()? }))
}

fn read_hash(node: &Node, problems: &mut Problems) -> Option<Operator> {
    let mut fields = Fields::of(node, "`hash`", problems)?;
    let algorithms = [(HashAlgorithm::Blake3, "blake3"), (HashAlgorithm::HmacSha256, "hmac-sha256")];
    let algorithm = fields.choice("algorithm", &algorithms, problems).unwrap_or(HashAlgorithm::Blake3);
    let bytes = fields.number("bytes", (8, 32), problems).unwrap_or(16);
    fields.finish(problems);
    Some(Operator::Hash(HashOptions { algorithm, bytes: u8::try_from(bytes).ok()? }))
}

fn read_replacement(node: &Node, problems: &mut Problems) -> Option<Operator> {
    match node.as_str() {
        Some("type") => return Some(Operator::Replace(Replacement::Type)),
        Some("numbered") => return Some(Operator::Replace(Replacement::Numbered)),
        Some(name) => {
            let help = "use `type`, `numbered` or `{ text: ... }`";
            problems.error(node.span, format!("there is no replacement `{name}`"), help);
            return None;
        }
        None => {}
    }
    let mut fields = Fields::of(node, "`replace`", problems)?;
    let text = fields.required_text("text", problems);
    fields.finish(problems);
    let text = text?;
    if text.is_empty() || text.len() > LONGEST_TEXT {
        let message = format!("`text` of `replace` is empty or longer than {LONGEST_TEXT} bytes");
        problems.error(node.span, message, "use `remove` to leave nothing");
        return None;
    }
    Some(Operator::Replace(Replacement::Text(text.to_string())))
}
