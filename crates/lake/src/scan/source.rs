//! All tables of a lake at a moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use castellan_query::Table;
use datafusion::error::DataFusionError;

use super::provider::Provider;
use crate::TableSchema;
use crate::memory::TableState;
use crate::shared::Shared;

/// All tables of a lake at a moment.
#[derive(Debug)]
pub(crate) struct Source {
    shared: Arc<Shared>,
    states: BTreeMap<Arc<str>, TableState>,
    made: Mutex<HashMap<String, Option<Table>>>,
}

impl Source {
    pub(crate) fn new(shared: &Arc<Shared>) -> Source {
        Source::at(shared, shared.tables.snapshot())
    }

    /// All tables as they were.
    pub(crate) fn at(shared: &Arc<Shared>, states: BTreeMap<Arc<str>, TableState>) -> Source {
        Source { shared: Arc::clone(shared), states, made: Mutex::default() }
    }

    fn make(&self, name: &str) -> Option<Table> {
        let state = match self.states.get(name) {
            Some(state) => state.clone(),
            None => TableState::new(TableSchema::declared(name)?),
        };
        // All types of columns have a place in the language.
        table_of(&self.shared, state).ok()
    }
}

/// A table as queries see it.
///
/// Errors: columns of types that have no place in the language.
pub(crate) fn table_of(shared: &Arc<Shared>, state: TableState) -> Result<Table, DataFusionError> {
    let columns = state.schema.columns().to_vec();
    Table::with_types(Arc::new(Provider::new(shared, state)), &columns)
}

impl castellan_query::Source for Source {
    fn table(&self, name: &str) -> Option<Table> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(name.to_owned()).or_insert_with(|| self.make(name)).clone()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.states.keys().cloned().collect()
    }
}
