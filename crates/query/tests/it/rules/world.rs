//! The tables that a rule reads: those of the catalog, with the columns that the rule reads beside them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_kql::ast::{ExprKind, Statement};
use castellan_kql::bind::{self, Database, Declaration, Gives, Options, Qualifier, Shape, Stored, bind};
use castellan_kql::interpret::{self, Row, Source, failure};
use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use castellan_kql::value::parse_datetime;
use castellan_kql::{Diagnostic, ScalarType, parse};
use castellan_query::{Engine, Settings, physical};
use datafusion::catalog::MemTable;

use super::rows::Rows;

pub(super) fn now() -> i64 {
    parse_datetime("2026-11-21T10:00:00Z").unwrap()
}

/// Tables with their rows, and functions without bodies, which read the table of their name.
#[derive(Default)]
pub(super) struct World {
    tables: BTreeMap<String, (Vec<Column>, Vec<Row>)>,
    functions: BTreeMap<String, Stored>,
}

impl Source for World {
    fn rows(&self, table: &str) -> interpret::Result<Vec<Row>> {
        let found = self.tables.get(table).map(|(_, rows)| rows.clone());
        found.ok_or_else(|| failure("unknown-table", format!("there is no table `{table}`")))
    }
}

/// How many columns may be guessed before a rule is given up.
const MAX_GUESSES: usize = 300;

impl World {
    /// What a query reads.
    ///
    /// Errors: why it does not bind.
    pub(super) fn of(name: &str, query: &str) -> Result<World, String> {
        let script = parse(query).script;
        let mut guesses = Guesses::default();
        let options = Options { now: now(), ..Options::default() };
        for _ in 0..MAX_GUESSES {
            guesses.read.borrow_mut().clear();
            match bind(&script, &guesses, &options) {
                Ok(bound) if bound.undiscovered.is_none() => {
                    return Ok(guesses.world(&bound, name, query));
                }
                Ok(bound) => return Ok(guesses.world(&bound, name, query)),
                Err(error) if guesses.mend(&error, query) => {}
                Err(error) => return Err(format!("{}: {error}", error.code)),
            }
        }
        Err("too many guesses".to_owned())
    }

    /// An engine with the tables in so many partitions, of several batches where there are several.
    pub(super) fn engine(&self, partitions: usize) -> Engine {
        let settings = Settings {
            now: castellan_base::Ticks::new(now()),
            seed: Some(0),
            threads: partitions,
            ..Settings::default()
        };
        let mut engine = Engine::new(settings);
        for (name, (columns, rows)) in &self.tables {
            let schema = physical::schema(columns);
            let batch = rows.len().div_ceil(2 * partitions - 1).max(1);
            let mut parts = vec![Vec::new(); partitions];
            for (at, chunk) in rows.chunks(batch).enumerate() {
                let batch = physical::batch(Arc::clone(&schema), columns, chunk.iter()).unwrap();
                parts[at % partitions].push(batch);
            }
            engine.add_provider(name, Arc::new(MemTable::try_new(schema, parts).unwrap())).unwrap();
        }
        for (name, function) in &self.functions {
            engine.add_function(name, function.clone());
        }
        engine
    }
}

/// The catalog with what a query reads beside it.
#[derive(Default)]
struct Guesses {
    /// Tables that nobody knows.
    unknown: BTreeSet<String>,
    /// Columns of tables that may have more than the catalog says, each with the type that is tried.
    columns: BTreeMap<String, usize>,
    /// What was read in this round.
    read: RefCell<BTreeSet<String>>,
}

/// Types for a guessed column, in the order in which they are tried.
const TRIED: [ScalarType; 5] =
    [ScalarType::String, ScalarType::Dynamic, ScalarType::DateTime, ScalarType::Long, ScalarType::Real];

/// The type that the name of a custom column says.
fn suffixed(name: &str) -> Option<ScalarType> {
    Some(match name.rsplit_once('_')?.1 {
        "s" => ScalarType::String,
        "d" => ScalarType::Real,
        "b" => ScalarType::Bool,
        "t" => ScalarType::DateTime,
        "g" => ScalarType::String,
        _ => return None,
    })
}

impl Guesses {
    fn guessed(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().map(|(name, tries)| {
            let said = suffixed(name).filter(|_| *tries == 0);
            Column::new(name.as_str(), said.unwrap_or(TRIED[tries % TRIED.len()]))
        })
    }

    /// A shape without doubt: what may have more columns has the guessed ones.
    fn closed(&self, shape: Shape) -> Shape {
        let mut columns = shape.columns;
        if shape.is_open {
            for guessed in self.guessed() {
                if !columns.iter().any(|column| column.name == guessed.name) {
                    columns.push(guessed);
                }
            }
        }
        Shape { columns, is_open: false }
    }

    /// Guesses so that an error goes away; false where nothing can be guessed.
    fn mend(&mut self, error: &Diagnostic, query: &str) -> bool {
        let place = error.span.text(query);
        match error.code {
            "unknown-table" => self.unknown.insert(place.to_owned()),
            // `$left` has no column `x`
            "unknown-name" => {
                let named = error.message.split('`').skip(1).step_by(2).find(|name| !name.starts_with('$'));
                self.columns.insert(named.unwrap_or(place).to_owned(), 0).is_none()
            }
            _ => {
                let is_word = |character: char| character.is_alphanumeric() || character == '_';
                let words: BTreeSet<&str> = place.split(|character| !is_word(character)).collect();
                let mut tries = self.columns.iter_mut().filter(|(name, _)| words.contains(name.as_str()));
                let next = tries.find(|(_, tries)| **tries + 1 < TRIED.len());
                next.is_some_and(|(_, tries)| {
                    *tries += 1;
                    true
                })
            }
        }
    }

    fn world(&self, bound: &bind::Bound, name: &str, query: &str) -> World {
        let mut world = World::default();
        let mut rows = Rows::new(name, query);
        let tables = bound.results.iter().flat_map(|result| result.plan.tables());
        let open = bound.undiscovered.iter().flat_map(|plan| plan.tables());
        let read = self.read.borrow().clone();
        let all: BTreeSet<String> = tables.chain(open).map(|name| name.to_string()).chain(read).collect();
        for name in all {
            let function = self.function(&name);
            let shape = match &function {
                Some(Stored::Declared(Declaration { gives: Gives::Rows(shape), .. })) => Some(shape.clone()),
                _ => self.table(&name),
            };
            if let Some(shape) = shape {
                let made = rows.table(&shape.columns);
                world.tables.insert(name.clone(), (shape.columns, made));
            }
            if let Some(function) = function {
                world.functions.insert(name, function);
            }
        }
        world
    }
}

impl Database for Guesses {
    fn table(&self, name: &str) -> Option<Shape> {
        if self.unknown.contains(name) {
            self.read.borrow_mut().insert(name.to_owned());
            let columns = ["TimeGenerated", "Type", "TenantId", "Computer", "_ResourceId"];
            let of = |name: &str| {
                let is_time = name == "TimeGenerated";
                Column::new(name, if is_time { ScalarType::DateTime } else { ScalarType::String })
            };
            return Some(self.closed(Shape { columns: columns.map(of).to_vec(), is_open: true }));
        }
        let shape = Database::table(Catalog::built_in(), name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(self.closed(shape))
    }

    /// A union over everything is one over what the rule names.
    fn table_names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn function(&self, name: &str) -> Option<Stored> {
        let Stored::Declared(declaration) = Database::function(Catalog::built_in(), name)? else {
            return None;
        };
        self.read.borrow_mut().insert(name.to_owned());
        Some(match declaration.gives {
            Gives::Rows(shape) => {
                Stored::Declared(Declaration { gives: Gives::Rows(self.closed(shape)), ..declaration })
            }
            Gives::Value(scalar_type) => constant(name, scalar_type)?,
        })
    }

    fn elsewhere(&self, _qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        Some(self)
    }
}

/// A function of one value that gives nothing.
fn constant(name: &str, scalar_type: ScalarType) -> Option<Stored> {
    let nothing =
        if scalar_type == ScalarType::String { "''".to_owned() } else { format!("{scalar_type}(null)") };
    let text = format!("let {name} = (value: string) {{ {nothing} }}; print 1");
    let script = parse(&text).script;
    script.statements.iter().find_map(|statement| match statement {
        Statement::Let { value, .. } => match &value.kind {
            ExprKind::Function(function) => Some(Stored::Function(Arc::new((**function).clone()))),
            _ => None,
        },
        _ => None,
    })
}
