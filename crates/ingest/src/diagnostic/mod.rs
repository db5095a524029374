//! Logs of Azure resources and of Entra, as diagnostic settings write them to storage accounts and Event Hubs.
//!
//! Source: Azure Monitor, "Common and service-specific schemas for Azure resource logs". A body is `{"records":[...]}`,
//! an array, one record, or one of these a line. The category and the type of the resource say which table a record
//! belongs to (`content/tables/diagnostics.csv`); what has no table of its own goes to `AzureDiagnostics`, whose columns
//! are named after the members of `properties` and the types of their values.
//!
//! In a table of its own, a member fills the column of its name, whatever the case; of a member of the record and one of
//! `properties` for the same column the latter counts. A member without a column is left out and told.

mod azure;
mod resource;
mod routes;
mod shape;

use std::borrow::Cow;
use std::collections::HashMap;

use castellan_base::Ticks;
use serde_json::{Map, Value};

use crate::json::Object;
use crate::problem::{Place, ProblemKind, Problems};
use crate::rows::{Sheet, Taken};
use crate::times;
use resource::Resource;
use routes::{Route, Routes, at};

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `string` and `guid`.
    Text,
    /// `int`: 32 bits.
    Int,
    /// `long`: 64 bits.
    Long,
    /// `real`.
    Real,
    /// `bool`.
    Bool,
    /// `datetime`.
    Time,
    /// `dynamic`.
    Dynamic,
}

/// A body that could not be read at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Neither JSON nor JSON Lines.
    #[error(
        "the body is not JSON at line {line}, column {column}, nor is any of its lines; send {{\"records\":[...]}}"
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
}

/// A table of its own, prepared for filling.
struct Table {
    columns: Vec<(String, ColumnType)>,
    /// Places of the columns by their names in lower case.
    places: HashMap<String, usize>,
}

/// Tells records to tables. Made once, used for all bodies.
pub struct Mapper {
    routes: Routes,
    tables: HashMap<String, Table>,
}

impl Mapper {
    /// A mapper for tables as a schema has them: `columns` gives those of a table, in order, or `None` where there is no
    /// such table. It is asked for the tables of `content/tables/diagnostics.csv` alone.
    pub fn new(columns: impl Fn(&str) -> Option<Vec<(String, ColumnType)>>) -> Mapper {
        let routes = Routes::built_in();
        let mut tables = HashMap::new();
        for name in routes.tables() {
            let Some(columns) = columns(name) else { continue };
            let places = columns
                .iter()
                .enumerate()
                .map(|(place, (column, _))| (column.to_lowercase(), place))
                .collect();
            tables.insert(name.to_owned(), Table { columns, places });
        }
        Mapper { routes, tables }
    }

    /// Rows of a body. A record that is no object is rejected alone.
    ///
    /// # Errors
    ///
    /// A body without any JSON.
    pub fn take(&self, bytes: &[u8], received: Ticks) -> Result<Taken, Error> {
        let mut sheet = Sheet::default();
        let mut place = 0;
        for value in read(bytes)? {
            match value {
                Some(Value::Object(mut object)) => match object.get_mut("records").map(Value::take) {
                    Some(Value::Array(records)) => self.all(records, &mut place, received, &mut sheet),
                    Some(other) => {
                        object.insert("records".into(), other);
                        self.all(vec![Value::Object(object)], &mut place, received, &mut sheet);
                    }
                    None => self.all(vec![Value::Object(object)], &mut place, received, &mut sheet),
                },
                Some(Value::Array(records)) => self.all(records, &mut place, received, &mut sheet),
                Some(other) => self.all(vec![other], &mut place, received, &mut sheet),
                None => self.all(vec![Value::Null], &mut place, received, &mut sheet),
            }
        }
        Ok(sheet.finish())
    }

    fn all(&self, records: Vec<Value>, place: &mut usize, received: Ticks, sheet: &mut Sheet) {
        for record in records {
            sheet.problems.at(Place { outer: None, record: *place });
            *place += 1;
            if let Value::Object(record) = record {
                self.record(&record, received, sheet);
            } else {
                sheet.problems.tell(ProblemKind::NotAnObject);
                sheet.rejected += 1;
            }
        }
    }

    fn record(&self, record: &Map<String, Value>, received: Ticks, sheet: &mut Sheet) {
        let time = time(record, received, &mut sheet.problems);
        let resource =
            Resource::read(member(record, "resourceId").and_then(Value::as_str).unwrap_or_default());
        let mut row = Vec::new();
        match self.route(record, &resource, &mut sheet.problems) {
            Some((route, table)) => {
                table.write(&mut row, record, route, &resource, time, &mut sheet.problems);
                sheet.push_to(Cow::Owned(route.table.clone()), &row);
            }
            None => {
                azure::write(&mut row, record, &resource, time, &mut sheet.problems);
                sheet.push("AzureDiagnostics", &row);
            }
        }
    }

    fn route(
        &self,
        record: &Map<String, Value>,
        resource: &Resource,
        problems: &mut Problems,
    ) -> Option<(&Route, &Table)> {
        let Some(category) =
            member(record, "category").and_then(Value::as_str).filter(|text| !text.is_empty())
        else {
            problems.tell(ProblemKind::NoCategory);
            return None;
        };
        let Some(route) = self.routes.of(category, &resource.kind) else {
            problems.tell(ProblemKind::UnknownCategory(ProblemKind::name(category)));
            return None;
        };
        let table = self.tables.get(&route.table);
        if table.is_none() {
            problems.tell(ProblemKind::UnknownTable(route.table.clone()));
        }
        Some((route, table?))
    }
}

/// The values of a body: all of it, or its lines, in which what is no JSON is `None`.
fn read(bytes: &[u8]) -> Result<Vec<Option<Value>>, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let whole = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(vec![Some(value)]),
        Err(error) => Error::Json { line: error.line(), column: error.column() },
    };
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let values: Vec<Option<Value>> = lines.map(|line| serde_json::from_slice(line).ok()).collect();
    if values.iter().any(Option::is_some) { Ok(values) } else { Err(whole) }
}

/// A member, whatever the case of its name: services do not agree about it.
fn member<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    record
        .get(name)
        .or_else(|| record.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn time(record: &Map<String, Value>, received: Ticks, problems: &mut Problems) -> Ticks {
    let written =
        ["time", "timestamp", "eventTimestamp"].iter().find_map(|name| member(record, name)?.as_str());
    let own = written.and_then(|text| {
        let time = text.parse().ok();
        if time.is_none() {
            problems.tell(ProblemKind::BadTime("time".to_owned()));
        }
        time
    });
    times::of_record(own, received, problems)
}

/// Columns that members of a record do not fill: they are the table's own.
fn is_reserved(column: &str) -> bool {
    column.starts_with('_') || matches!(column, "TenantId" | "Type" | "TimeGenerated" | "SourceSystem")
}

impl Table {
    fn write(
        &self,
        out: &mut Vec<u8>,
        record: &Map<String, Value>,
        route: &Route,
        resource: &Resource,
        time: Ticks,
        problems: &mut Problems,
    ) {
        let mut cells: Vec<Option<Vec<u8>>> = vec![None; self.columns.len()];
        // The base is read once, since it may be JSON in a text.
        let base = if route.base.is_empty() { None } else { at(record, &route.base) };
        let members = base.as_deref().and_then(Value::as_object);
        for (path, column) in &route.renames {
            let within = path.strip_prefix(route.base.as_slice()).filter(|rest| !rest.is_empty());
            let found = match (members, within) {
                (Some(members), Some(rest)) => at(members, rest),
                _ => at(record, path),
            };
            if let Some(value) = found {
                self.fill(&mut cells, column, &value, problems);
            }
        }
        let taken = |path: &[&str]| {
            route.renames.iter().any(|(known, _)| known.iter().map(String::as_str).eq(path.iter().copied()))
        };
        if let Some(members) = members {
            let base: Vec<&str> = route.base.iter().map(String::as_str).collect();
            for (name, value) in members {
                let path: Vec<&str> = base.iter().copied().chain([name.as_str()]).collect();
                if !taken(&path) && !self.fill(&mut cells, name, value, problems) && !is_parent(route, &path)
                {
                    problems.tell(ProblemKind::NoColumn(ProblemKind::name(name)));
                }
            }
        }
        for (name, value) in record {
            let known = ["time", "timestamp", "eventTimestamp", "resourceId"];
            let is_base =
                members.is_some() && route.base.first().is_some_and(|step| step.eq_ignore_ascii_case(name));
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) || taken(&[name]) {
                continue;
            }
            if is_base {
                beside(route, name, value, problems);
                continue;
            }
            // The table itself tells the category, and what is below an object was looked for by its path.
            let is_told =
                name.eq_ignore_ascii_case("category") || (value.is_object() && is_parent(route, &[name]));
            if !self.fill(&mut cells, name, value, problems) && !is_told {
                problems.tell(ProblemKind::NoColumn(ProblemKind::name(name)));
            }
        }
        for (column, text) in resource.columns() {
            self.fill(&mut cells, column, &Value::String(text), problems);
        }
        self.row(out, cells, resource, time);
    }

    /// Fills a column that is empty so far; false where there is none of the name.
    fn fill(
        &self,
        cells: &mut [Option<Vec<u8>>],
        column: &str,
        value: &Value,
        problems: &mut Problems,
    ) -> bool {
        let Some(&place) = self.places.get(&column.to_lowercase()) else { return false };
        let (Some((name, kind)), Some(cell)) = (self.columns.get(place), cells.get_mut(place)) else {
            return false;
        };
        if is_reserved(name) {
            return false;
        }
        if cell.is_some() || value.is_null() {
            return true;
        }
        let mut written = Vec::new();
        if shape::write(&mut written, value, *kind, problems) {
            *cell = Some(written);
        } else if value.as_str() != Some("") {
            problems.tell(ProblemKind::Misfit(name.clone()));
        }
        true
    }

    fn row(&self, out: &mut Vec<u8>, cells: Vec<Option<Vec<u8>>>, resource: &Resource, time: Ticks) {
        let mut row = Object::begin(out);
        row.time("TimeGenerated", time);
        let has = |column: &str| self.places.contains_key(column);
        if has("_resourceid") {
            row.text("_ResourceId", &resource.lower);
        }
        if has("_subscriptionid") {
            row.text("_SubscriptionId", &resource.subscription);
        }
        if has("sourcesystem") {
            row.text("SourceSystem", "Azure");
        }
        for ((name, _), cell) in self.columns.iter().zip(cells) {
            if let Some(cell) = cell {
                row.raw(name, &cell);
            }
        }
        row.end();
    }
}

/// Tells what stands beside a base that lies deeper, and is not renamed.
fn beside(route: &Route, name: &str, value: &Value, problems: &mut Problems) {
    if route.base.len() < 2 {
        return;
    }
    for key in value.as_object().into_iter().flat_map(Map::keys) {
        let path = [name, key.as_str()];
        let is_renamed = route.renames.iter().any(|(known, _)| known.iter().map(String::as_str).eq(path));
        if !is_renamed && !is_parent(route, &path) && !route.base.iter().map(String::as_str).eq(path) {
            problems.tell(ProblemKind::NoColumn(ProblemKind::name(key)));
        }
    }
}

/// Whether renames take what is below a member, so that the member itself needs no column.
fn is_parent(route: &Route, path: &[&str]) -> bool {
    let above = |longer: &[String]| longer.len() > path.len() && longer.iter().zip(path).all(|(a, b)| a == b);
    above(&route.base) || route.renames.iter().any(|(known, _)| above(known))
}
