//! The tests that rules carry with them.
//!
//! A fixture has events and says which alerts they make. Tables that it does not name are there without rows, so that a
//! query over several of them runs; functions without a body are tables of their name.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::bind::{Database, Gives, Options, Qualifier, Shape, Stored, bind};
use castellan_kql::parse;
use castellan_kql::plan::Field as Column;

use crate::check::Schemas;
use crate::entity::{Entity, EntityType};
use crate::rule::duration::MINUTE;
use crate::rule::{Expected, ExpectedEntity, Fixture, Rule};
use crate::run::{Alert, Memory, TIME, later, once};
use crate::watchlist::{FUNCTIONS, Watchlist, Watchlists};

/// What came of a fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The fixture's name.
    pub name: Arc<str>,
    /// What is not as it has to be; nothing where it passed.
    pub faults: Vec<String>,
    /// How many alerts there were.
    pub alerts: usize,
}

impl Outcome {
    /// Whether all is as it has to be.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Runs the fixtures of a rule.
pub async fn test(rule: &Rule, schemas: &Schemas) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for fixture in rule.fixtures.iter() {
        outcomes.push(outcome(rule, fixture, schemas).await);
    }
    outcomes
}

async fn outcome(rule: &Rule, fixture: &Fixture, schemas: &Schemas) -> Outcome {
    let name = Arc::clone(&fixture.name);
    let failed = |fault: String| Outcome { name: Arc::clone(&name), faults: vec![fault], alerts: 0 };
    let events = match world(rule, fixture, schemas) {
        Ok(events) => events,
        Err(fault) => return failed(fault),
    };
    let now = fixture.now.unwrap_or_else(|| after(fixture));
    match once(rule, &events, now).await {
        Err(failure) => failed(failure.to_string()),
        Ok((_, alerts)) => Outcome { name, faults: faults(fixture, &alerts), alerts: alerts.len() },
    }
}

/// A minute after the last event.
fn after(fixture: &Fixture) -> Ticks {
    let times =
        fixture.tables.values().flatten().filter_map(|row| row.get(TIME)?.as_str()?.parse::<Ticks>().ok());
    let last = times.max().or_else(|| "2026-01-01".parse().ok()).unwrap_or(Ticks::MIN);
    later(last, MINUTE)
}

/// The tables of a fixture, and those that the rule reads beside.
fn world(rule: &Rule, fixture: &Fixture, schemas: &Schemas) -> Result<Memory, String> {
    let mut events = Memory::default();
    let mut known = schemas.clone();
    for (name, rows) in &fixture.tables {
        let mut columns = columns(name, schemas);
        for (column, scalar_type) in fixture.columns.get(name).into_iter().flatten() {
            columns.retain(|known| known.name != *column);
            columns.push(Column::new(Arc::clone(column), *scalar_type));
        }
        events.add_json(name, columns.clone(), rows).map_err(|error| error.to_string())?;
        if !columns.is_empty() {
            continue;
        }
        let members: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
        let guessed =
            members.into_iter().map(|name| Column::new(name.as_str(), castellan_kql::ScalarType::Dynamic));
        known.add_table(Arc::clone(name), guessed.collect::<Vec<Column>>());
    }
    for name in read(rule, &known, fixture) {
        let is_watchlist = !fixture.watchlists.is_empty() && FUNCTIONS.contains(&&*name);
        if !events.has(&name) && !is_watchlist {
            events.add(&name, columns(&name, schemas), &[]).map_err(|error| error.to_string())?;
        }
    }
    let mut watchlists = Watchlists::default();
    for (alias, rows) in &fixture.watchlists {
        watchlists.add(Watchlist::of_rows(alias, rows, after(fixture)));
    }
    events.set_watchlists(watchlists);
    for name in schemas.function_names() {
        if let Some(function) = schemas.function(&name) {
            events.add_function(name, function);
        }
    }
    Ok(events)
}

/// The columns of a table, or of the rows that a function gives.
fn columns(name: &str, schemas: &Schemas) -> Vec<Column> {
    if let Some(shape) = schemas.table(name) {
        return shape.columns;
    }
    match schemas.function(name) {
        Some(Stored::Declared(declaration)) => match declaration.gives {
            Gives::Rows(shape) => shape.columns,
            Gives::Value(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The tables that a rule names, as far as it can be bound: those too that its result does not depend on.
fn read(rule: &Rule, schemas: &Schemas, fixture: &Fixture) -> BTreeSet<Arc<str>> {
    let asked = Asked { schemas, fixture, names: RefCell::default() };
    // What is wrong with the query is told when it runs.
    let _ = bind(&parse(&rule.query.text).script, &asked, &Options::default());
    asked.names.into_inner()
}

/// Schemas that remember what was asked for.
struct Asked<'a> {
    schemas: &'a Schemas,
    fixture: &'a Fixture,
    names: RefCell<BTreeSet<Arc<str>>>,
}

impl Database for Asked<'_> {
    fn table(&self, name: &str) -> Option<Shape> {
        let found = self.schemas.table(name)?;
        self.names.borrow_mut().insert(name.into());
        Some(found)
    }

    /// Wildcards go over what the fixture has.
    fn table_names(&self) -> Vec<Arc<str>> {
        self.fixture.tables.keys().cloned().collect()
    }

    fn function(&self, name: &str) -> Option<Stored> {
        let found = self.schemas.function(name)?;
        if let Stored::Declared(_) = found {
            self.names.borrow_mut().insert(name.into());
        }
        Some(found)
    }

    fn elsewhere(&self, _qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        Some(self)
    }
}

/// What is not as it has to be.
fn faults(fixture: &Fixture, alerts: &[Alert]) -> Vec<String> {
    let mut faults = Vec::new();
    if alerts.len() != fixture.count {
        faults.push(format!("there are {} alerts, and {} were expected", alerts.len(), fixture.count));
    }
    // Each alert is what one expectation says.
    let mut left: Vec<&Alert> = alerts.iter().collect();
    for (at, expected) in fixture.alerts.iter().enumerate() {
        let found = left.iter().position(|alert| differences(expected, alert).is_empty());
        match found {
            Some(place) => {
                left.remove(place);
            }
            None => faults.push(nearest(at + 1, expected, &left)),
        }
    }
    faults
}

/// What the alert that comes nearest lacks.
fn nearest(number: usize, expected: &Expected, alerts: &[&Alert]) -> String {
    let all = alerts.iter().map(|alert| differences(expected, alert));
    match all.min_by_key(Vec::len) {
        Some(differences) => format!("no alert is what {number} says: {}", differences.join("; ")),
        None => format!("there is no alert for what {number} says"),
    }
}

fn differences(expected: &Expected, alert: &Alert) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(name) = expected.name.as_ref().filter(|name| ***name != alert.name) {
        found.push(format!("its name is `{}`, not `{name}`", alert.name));
    }
    if let Some(severity) = expected.severity.filter(|severity| *severity != alert.severity) {
        found.push(format!("its severity is {}, not {severity}", alert.severity));
    }
    if let Some(results) = expected.results.filter(|results| *results != alert.results) {
        found.push(format!("it stands for {} results, not {results}", alert.results));
    }
    for entity in expected.entities.iter().filter(|entity| !has(alert, entity)) {
        let values: Vec<String> =
            entity.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        found.push(format!("it has no {} with {}", entity.entity, values.join(", ")));
    }
    for (name, value) in &expected.details {
        if !alert.details.values(name).iter().any(|own| **own == **value) {
            let own = alert.details.values(name).join(", ");
            found.push(format!("the detail `{name}` is `{own}`, not `{value}`"));
        }
    }
    found
}

/// Whether an alert has an entity, whose values are brought into the form that entities have.
fn has(alert: &Alert, expected: &ExpectedEntity) -> bool {
    let Some((entity_type, _)) = EntityType::named(&expected.entity) else { return false };
    let values = expected.values.iter().map(|(name, value)| (&**name, &**value));
    let Some(wanted) = Entity::new(entity_type, values) else { return false };
    alert.entities.list().iter().any(|entity| {
        let same = |(name, value): (&Arc<str>, &Arc<str>)| {
            entity.value(name).is_some_and(|own| own.eq_ignore_ascii_case(value))
        };
        entity.entity == wanted.entity && wanted.values.iter().all(same)
    })
}
