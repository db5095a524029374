//! What is kept of block lists.

use serde::{Deserialize, Serialize};

use super::{BlocklistError, Blocklists, Item};

/// All lists, as they are serialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    lists: Vec<ListState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ListState {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    items: Vec<Item>,
}

impl From<&Blocklists> for State {
    fn from(lists: &Blocklists) -> State {
        let list = |(name, description): (&str, &str)| ListState {
            name: name.to_owned(),
            description: description.to_owned(),
            items: lists.items(name).into_iter().flatten().cloned().collect(),
        };
        State { lists: lists.lists().map(list).collect() }
    }
}

impl From<Blocklists> for State {
    fn from(lists: Blocklists) -> State {
        State::from(&lists)
    }
}

impl TryFrom<State> for Blocklists {
    type Error = BlocklistError;

    /// Holds what was kept to the same bounds as what is added.
    fn try_from(state: State) -> Result<Blocklists, BlocklistError> {
        let mut lists = Blocklists::default();
        for list in state.lists {
            lists.create(&list.name, &list.description)?;
            for item in list.items {
                lists.put(&list.name, item)?;
            }
        }
        Ok(lists)
    }
}
