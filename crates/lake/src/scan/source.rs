//! All tables of a lake at a moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use castellan_query::Table;

use super::provider::Provider;
use crate::TableSchema;
use crate::lake::Shared;
use crate::memory::TableState;

/// All tables of a lake at a moment.
#[derive(Debug)]
pub(crate) struct Source {
    shared: Arc<Shared>,
    states: BTreeMap<Arc<str>, TableState>,
    made: Mutex<HashMap<String, Option<Table>>>,
}

impl Source {
    pub(crate) fn new(shared: &Arc<Shared>) -> Source {
        Source { shared: Arc::clone(shared), states: shared.tables.snapshot(), made: Mutex::default() }
    }

    fn make(&self, name: &str) -> Option<Table> {
        let state = match self.states.get(name) {
            Some(state) => state.clone(),
            None => TableState::new(TableSchema::declared(name)?),
        };
        let columns = state.schema.columns().to_vec();
        // All types of columns have a place in the language.
        Table::with_types(Arc::new(Provider::new(&self.shared, state)), &columns).ok()
    }
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
