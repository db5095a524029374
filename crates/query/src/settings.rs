//! What queries run with.

use castellan_base::Ticks;
use castellan_kql::bind::Options;

use crate::{External, Limits};

/// What queries run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds on each query.
    pub limits: Limits,
    /// How many threads work on one query.
    pub threads: usize,
    /// What `now()` gives; the clock's time when `None`.
    pub now: Option<Ticks>,
    /// Where `rand()` begins; another place each time when `None`.
    pub seed: Option<u64>,
    /// Values for `declare query_parameters`, as text.
    pub parameters: Vec<(String, String)>,
    /// What `externaldata` may read: nothing, unless it is said.
    pub external: External,
    /// What becomes of a result that is too large.
    pub overflow: Overflow,
    /// The name of the database, for `current_database()` and `database("name")`.
    pub database: String,
    /// Further names of this database, as `workspace("name")` gives them.
    pub aliases: Vec<String>,
}

/// What becomes of a result that has more rows, or takes longer, than it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// An error.
    #[default]
    Refuse,
    /// Its first rows, with [`Answer::cut`](crate::Answer::cut) set.
    Cut,
}

impl Default for Settings {
    fn default() -> Settings {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Settings {
            limits: Limits::default(),
            threads,
            now: None,
            seed: None,
            parameters: Vec::new(),
            external: External::default(),
            overflow: Overflow::default(),
            database: Options::default().database,
            aliases: Vec::new(),
        }
    }
}
