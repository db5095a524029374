//! Weights, thresholds and times: `content/correlation.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use castellan_base::{Diagnostic, Limits, Node, Sources, Span, yaml};

use super::KeyKind;
use crate::rule::{Tactic, duration};

const BUILT_IN: &str = include_str!("../../../../../content/correlation.yaml");

/// How alerts of several rules come together.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    /// An incident takes alerts of other rules for so long after its last one, in ticks.
    pub(super) window: i64,
    /// The score from which an alert joins an incident.
    pub join: u32,
    /// The score from which an alert that is in one incident merges it with another.
    pub merge: u32,
    /// The score from which it proposes that.
    pub propose: u32,
    /// What it weighs that a rule groups its own alerts.
    pub(super) grouping: u32,
    pub(super) rarity: Rarity,
    /// So many values of a kind in one alert are named without each saying less.
    pub(super) spread: u32,
    pub(super) strangers: Strangers,
    pub(super) keys: BTreeMap<KeyKind, Weight>,
    /// Which details of alerts are keys, by their names in lower case.
    pub(super) details: BTreeMap<String, KeyKind>,
    /// What it weighs that an alert goes further along ATT&CK than all before it.
    pub(super) progress: u32,
    pub(super) causes: Vec<Cause>,
}

/// How much less something says that many incidents have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rarity {
    /// At least so many incidents are taken to be there: what two of three have is not common yet.
    pub(super) incidents: f64,
    /// How steep it is.
    pub(super) power: f64,
    /// What more incidents have than this links nothing.
    pub(super) common: usize,
}

/// How much less something says that different people share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Strangers {
    /// What is left of its weight.
    pub(super) share: f64,
    pub(super) kinds: Vec<KeyKind>,
}

/// What a kind of key weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) weight: u32,
    /// After so long it weighs half, in ticks.
    pub(super) half_life: i64,
    /// It is given anew for each thing that happens, so that it cannot be common.
    pub(super) exact: bool,
}

/// Something that leads to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) weight: u32,
    pub(super) shared: Vec<KeyKind>,
    pub(super) before: Side,
    pub(super) after: Side,
    pub(super) says: String,
}

/// What an alert has to have, some of each that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) kinds: Vec<KeyKind>,
    pub(super) tactics: Vec<Tactic>,
}

impl Correlation {
    /// What `content/correlation.yaml` says.
    pub fn built_in() -> &'static Correlation {
        static SETTINGS: OnceLock<Correlation> = OnceLock::new();
        // A test reads it; there is nothing to report.
        SETTINGS.get_or_init(|| {
            Correlation::read("correlation.yaml", BUILT_IN, &mut Sources::default()).unwrap_or_default()
        })
    }

    /// Reads a file of this form.
    ///
    /// Errors: members that are not known, are missing or say nothing that can be meant; all of them, with their places.
    pub fn read(name: &str, text: &str, sources: &mut Sources) -> Result<Correlation, Vec<Diagnostic>> {
        let source = sources.add(name, text);
        let limits = Limits { bytes: 1 << 20, depth: 16, values: 20_000 };
        let document = yaml::parse(text, source, &limits).map_err(|error| vec![error])?;
        let mut reader = Reader::default();
        let made = reader.settings(&document);
        if reader.told.is_empty() { Ok(made) } else { Err(reader.told) }
    }
}

impl Default for Correlation {
    /// Alerts of several rules never come together.
    fn default() -> Correlation {
        Correlation {
            window: 0,
            join: u32::MAX,
            merge: u32::MAX,
            propose: u32::MAX,
            grouping: 0,
            rarity: Rarity { incidents: 1.0, power: 1.0, common: 0 },
            spread: 1,
            strangers: Strangers::default(),
            keys: BTreeMap::new(),
            details: BTreeMap::new(),
            progress: 0,
            causes: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Reader {
    told: Vec<Diagnostic>,
}

impl Reader {
    fn settings(&mut self, node: &Node) -> Correlation {
        let known = [
            "window",
            "join",
            "merge",
            "propose",
            "grouping",
            "rarity",
            "spread",
            "strangers",
            "keys",
            "details",
            "progress",
            "causes",
        ];
        self.only(node, &known);
        let rarity = self.member(node, "rarity").cloned().unwrap_or_else(nothing);
        self.only(&rarity, &["incidents", "power", "common"]);
        let strangers = self.member(node, "strangers").cloned().unwrap_or_else(nothing);
        self.only(&strangers, &["share", "kinds"]);
        Correlation {
            window: self.time(node, "window"),
            join: self.number(node, "join"),
            merge: self.number(node, "merge"),
            propose: self.number(node, "propose"),
            grouping: self.number(node, "grouping"),
            rarity: Rarity {
                incidents: f64::from(self.number(&rarity, "incidents").max(1)),
                power: self.real(&rarity, "power"),
                common: usize::try_from(self.number(&rarity, "common")).unwrap_or(usize::MAX),
            },
            spread: self.number(node, "spread").max(1),
            strangers: Strangers {
                share: self.real(&strangers, "share").min(1.0),
                kinds: self.kinds(&strangers, "kinds"),
            },
            keys: self.keys(node),
            details: self.details(node),
            progress: self.number(node, "progress"),
            causes: self.causes(node),
        }
    }

    fn keys(&mut self, node: &Node) -> BTreeMap<KeyKind, Weight> {
        let mut keys = BTreeMap::new();
        for member in self
            .member(node, "keys")
            .cloned()
            .iter()
            .filter_map(Node::as_object)
            .flat_map(|object| object.iter())
        {
            let value = &member.value;
            self.only(value, &["weight", "halfLife", "exact"]);
            let weight = Weight {
                weight: self.number(value, "weight"),
                half_life: self.time(value, "halfLife").max(1),
                exact: value.get("exact").and_then(Node::as_bool).unwrap_or_default(),
            };
            match KeyKind::named(&member.key) {
                Some(kind) => {
                    keys.insert(kind, weight);
                }
                None => self.tell(value.span, format!("`{}` is no kind of key", member.key)),
            }
        }
        for kind in KeyKind::ALL.iter().filter(|kind| !keys.contains_key(kind)) {
            self.tell(node.span, format!("`keys` does not say what `{}` weighs", kind.as_str()));
        }
        keys
    }

    fn details(&mut self, node: &Node) -> BTreeMap<String, KeyKind> {
        let mut details = BTreeMap::new();
        for member in self
            .member(node, "details")
            .cloned()
            .iter()
            .filter_map(Node::as_object)
            .flat_map(|object| object.iter())
        {
            match member.value.as_str().and_then(KeyKind::named) {
                Some(kind) => {
                    details.insert(member.key.to_lowercase(), kind);
                }
                None => self.tell(member.value.span, "this is no kind of key".to_owned()),
            }
        }
        details
    }

    fn causes(&mut self, node: &Node) -> Vec<Cause> {
        let list = self.member(node, "causes").and_then(Node::as_array).unwrap_or_default().to_vec();
        list.iter().map(|node| self.cause(node)).collect()
    }

    fn cause(&mut self, node: &Node) -> Cause {
        self.only(node, &["weight", "shared", "before", "after", "says"]);
        let says = self.member(node, "says").and_then(Node::as_str).unwrap_or_default().to_owned();
        Cause {
            weight: self.number(node, "weight"),
            shared: self.kinds(node, "shared"),
            before: self.side(node, "before"),
            after: self.side(node, "after"),
            says,
        }
    }

    fn side(&mut self, node: &Node, name: &str) -> Side {
        let Some(side) = self.member(node, name).cloned() else { return Side::default() };
        self.only(&side, &["kinds", "tactics"]);
        let kinds = if side.get("kinds").is_some() { self.kinds(&side, "kinds") } else { Vec::new() };
        let mut tactics = Vec::new();
        for word in side.get("tactics").and_then(Node::as_array).unwrap_or_default() {
            match word.as_str().and_then(Tactic::named) {
                Some((tactic, _)) => tactics.push(tactic),
                None => self.tell(word.span, "this is no tactic of ATT&CK".to_owned()),
            }
        }
        Side { kinds, tactics }
    }

    fn kinds(&mut self, node: &Node, name: &str) -> Vec<KeyKind> {
        let mut kinds = Vec::new();
        for word in self.member(node, name).and_then(Node::as_array).unwrap_or_default().to_vec() {
            match word.as_str().and_then(KeyKind::named) {
                Some(kind) => kinds.push(kind),
                None => self.tell(word.span, "this is no kind of key".to_owned()),
            }
        }
        kinds
    }

    fn member<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n Node> {
        let found = node.get(name);
        if found.is_none() {
            self.tell(node.span, format!("`{name}` is missing"));
        }
        found
    }

    fn number(&mut self, node: &Node, name: &str) -> u32 {
        let Some(found) = self.member(node, name) else { return 0 };
        let number =
            found.as_i64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= 10_000);
        number.unwrap_or_else(|| {
            self.tell(found.span, format!("`{name}` is no whole number from 0 to 10000"));
            0
        })
    }

    fn real(&mut self, node: &Node, name: &str) -> f64 {
        let Some(found) = self.member(node, name) else { return 1.0 };
        let number = found
            .as_f64()
            .or_else(|| found.as_i64().and_then(|number| i32::try_from(number).ok()).map(f64::from));
        number.filter(|number| (0.0..=10.0).contains(number)).unwrap_or_else(|| {
            self.tell(found.span, format!("`{name}` is no number from 0 to 10"));
            1.0
        })
    }

    fn time(&mut self, node: &Node, name: &str) -> i64 {
        let Some(found) = self.member(node, name) else { return 0 };
        found.as_str().and_then(duration::parse).unwrap_or_else(|| {
            self.tell(found.span, format!("`{name}` is no duration, as `12h` is"));
            0
        })
    }

    /// Refuses members that are not known: one that is misspelt would say nothing.
    fn only(&mut self, node: &Node, known: &[&str]) {
        for member in node.as_object().into_iter().flat_map(|object| object.iter()) {
            if !known.contains(&&*member.key) {
                self.tell(member.value.span, format!("`{}` is not known here", member.key));
            }
        }
    }

    fn tell(&mut self, span: Span, message: String) {
        let help = "`docs/detect.md` says what the members of `content/correlation.yaml` are";
        self.told.push(Diagnostic::error(span, message).with_help(help));
    }
}

fn nothing() -> Node {
    Node::from_json(&serde_json::Value::Null)
}
