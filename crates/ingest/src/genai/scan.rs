//! Looks through the attributes of one record for what the rules name.

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};

use super::rules::{Condition, EventRule, Form, Rule, Rules};
use crate::otlp::{Attributes, Kept};

/// What a record says about GenAI.
pub(crate) struct Found<'a> {
    pub(super) rules: &'static Rules,
    /// By slot: the rule that counts and what it found.
    pub(super) slots: Vec<Option<(usize, Source<'a>)>>,
    /// What is kept under its own name: the rule, the name, the value.
    pub(super) bags: Vec<(usize, &'a str, Source<'a>)>,
    /// The event, where the record is one that the rules name, and its body.
    pub(super) event: Option<(&'static EventRule, Option<&'a AnyValue>)>,
    /// The body of an event of GenAI that the rules do not name.
    pub(super) other_body: Option<&'a AnyValue>,
    marks: Vec<Kept>,
}

/// Where a value comes from.
#[derive(Clone)]
pub(crate) enum Source<'a> {
    One(Option<&'a AnyValue>),
    /// Flattened attributes, by the rest of their names.
    Group(Vec<(&'a str, Option<&'a AnyValue>)>),
}

/// An attribute that a rule applies to.
struct Hit<'a> {
    rule: usize,
    /// Its place among the attributes.
    place: usize,
    key: &'a str,
    rest: Option<&'a str>,
    value: Option<&'a AnyValue>,
}

impl<'a> Found<'a> {
    /// Of a span; `None` where nothing speaks of GenAI.
    pub(crate) fn of_span(attributes: &Attributes<'a>) -> Option<Found<'a>> {
        let rules = Rules::built_in();
        let (hits, strong) = hits(rules, attributes);
        strong.then(|| Found::from(rules, hits))
    }

    /// Of a log record or of an event within a span.
    pub(crate) fn of_event(
        name: &str,
        body: Option<&'a AnyValue>,
        attributes: &Attributes<'a>,
    ) -> Option<Found<'a>> {
        let rules = Rules::built_in();
        let event = rules.event(name);
        let (hits, strong) = hits(rules, attributes);
        let foreign = event.is_none() && name.starts_with("gen_ai.");
        let content = hits.iter().any(|hit| rules.rule(hit.rule).is_some_and(|rule| rule.moves));
        if event.is_none() && !foreign && !(strong && content) {
            return None;
        }
        let mut found = Found::from(rules, hits);
        if let Some(rule) = event {
            let held = rule.body.iter().find_map(|key| attributes.get(key));
            found.event = Some((rule, body.or(held).filter(|_| !rule.column.is_empty())));
        }
        found.other_body = body.filter(|_| foreign);
        Some(found)
    }

    fn from(rules: &'static Rules, hits: Vec<Hit<'a>>) -> Found<'a> {
        let mut found = Found {
            rules,
            slots: vec![None; rules.columns().len()],
            bags: Vec::new(),
            event: None,
            other_body: None,
            marks: Vec::new(),
        };
        let last = hits.iter().map(|hit| hit.place + 1).max().unwrap_or_default();
        let mut moved: Vec<(usize, usize, &str)> = Vec::new();
        for hit in hits {
            let Some(rule) = rules.rule(hit.rule) else { continue };
            if rule.moves {
                moved.push((hit.place, hit.rule, hit.key));
            }
            found.take(rule, hit);
        }
        found.mark(last, &moved);
        found
    }

    fn take(&mut self, rule: &Rule, hit: Hit<'a>) {
        let Some(slot) = rule.slot else {
            if !rule.column.is_empty() {
                self.bags.push((hit.rule, hit.key, Source::One(hit.value)));
            }
            return;
        };
        let Some(current) = self.slots.get_mut(slot) else { return };
        if let (Some((owner, Source::Group(group))), Some(rest)) = (current.as_mut(), hit.rest)
            && *owner == hit.rule
        {
            group.push((rest, hit.value));
            return;
        }
        let source = match hit.rest {
            Some(rest) => Source::Group(vec![(rest, hit.value)]),
            None => Source::One(hit.value),
        };
        // The earlier rule counts. What holds content and loses is kept beside it.
        let wins = current.as_ref().is_none_or(|(owner, _)| hit.rule < *owner);
        let loser = if wins { current.replace((hit.rule, source)) } else { Some((hit.rule, source)) };
        if let Some((place, source)) =
            loser.filter(|(place, _)| self.rules.rule(*place).is_some_and(|rule| rule.moves))
        {
            self.lose(place, hit.key, source);
        }
    }

    /// Content that another rule's column took: it goes to the bag, a group as one.
    fn lose(&mut self, rule: usize, key: &'a str, source: Source<'a>) {
        let known = self.bags.iter_mut().find(|(owner, _, _)| *owner == rule);
        if let (Some((_, _, Source::Group(group))), Source::Group(more)) = (known, &source) {
            group.extend_from_slice(more);
            return;
        }
        let name = self.rules.rule(rule).map_or(key, |rule| rule.attribute.as_str());
        self.bags.push((rule, name, source));
    }

    fn mark(&mut self, last: usize, moved: &[(usize, usize, &str)]) {
        if moved.is_empty() {
            return;
        }
        self.marks.resize_with(last, || Kept::Whole);
        let mut groups: Vec<usize> = Vec::new();
        for &(place, rule_place, key) in moved {
            let Some(rule) = self.rules.rule(rule_place) else { continue };
            let owns = rule.slot.and_then(|slot| self.slots.get(slot)).and_then(Option::as_ref);
            let owns = owns.is_some_and(|(owner, _)| *owner == rule_place);
            let column = if owns { rule.column.as_str() } else { "AppGenAIContent.Attributes" };
            let Some(mark) = self.marks.get_mut(place) else { continue };
            if rule.attribute.ends_with('*') {
                *mark = if groups.contains(&rule_place) {
                    Kept::Gone
                } else {
                    groups.push(rule_place);
                    Kept::Marked(rule.attribute.clone(), marker(column))
                };
            } else if owns || matches!(mark, Kept::Whole) {
                *mark = Kept::Marked(key.to_owned(), marker(column));
            }
        }
    }

    /// What becomes of each attribute, in their order; those beyond stay as they are.
    pub(crate) fn marks(&self) -> &[Kept] {
        &self.marks
    }

    /// What stands in place of the body of a log record whose body went elsewhere.
    pub(crate) fn body_marker(&self) -> Option<String> {
        if self.other_body.is_some() {
            return Some(marker("AppGenAIContent.Attributes"));
        }
        let (rule, body) = self.event.as_ref()?;
        body.map(|_| marker(&rule.column))
    }
}

/// Says where content went.
fn marker(column: &str) -> String {
    format!("[{column}]")
}

/// What applies, and whether any of it is a sign of GenAI.
fn hits<'a>(rules: &Rules, attributes: &Attributes<'a>) -> (Vec<Hit<'a>>, bool) {
    let (mut hits, mut strong) = (Vec::new(), false);
    for (place, attribute) in attributes.iter().enumerate() {
        let Some((candidates, rest)) = rules.of(&attribute.key) else { continue };
        for &candidate in candidates {
            let Some(rule) = rules.rule(candidate) else { continue };
            if !rule.when.iter().all(|condition| holds(condition, attributes)) {
                continue;
            }
            if rule.form == Form::Text && !rule.map.is_empty() && !mapped(rule, attribute.value.as_ref()) {
                continue;
            }
            strong |= !rule.weak;
            let value = attribute.value.as_ref();
            hits.push(Hit { rule: candidate, place, key: &attribute.key, rest, value });
        }
    }
    (hits, strong)
}

fn mapped(rule: &Rule, value: Option<&AnyValue>) -> bool {
    matches!(value.and_then(|value| value.value.as_ref()), Some(Value::StringValue(text)) if rule.map.contains_key(text))
}

fn holds(condition: &Condition, attributes: &Attributes<'_>) -> bool {
    match condition {
        Condition::Has(key) => attributes.get(key).is_some(),
        Condition::Lacks(key) => attributes.get(key).is_none(),
        Condition::Is(key, text) => attributes.text(key) == Some(text),
        Condition::IsNot(key, text) => attributes.text(key) != Some(text),
    }
}
