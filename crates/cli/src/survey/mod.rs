//! An estate that was read and judged, with its tables, and the one that is replaced while the server is up.

mod facts;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use castellan_base::{System, Ticks};
use castellan_estate::Estate;
use castellan_posture::coverage::{Controls, Facts, coverage};
use castellan_posture::tables::Groups;
use castellan_posture::{AssessOptions, Assessment, Content, Exemptions, Report, assess};

pub(crate) use facts::{gate_facts, rule_facts};
pub(crate) use rows::Rows;

use crate::arguments::{Auth, EstateArguments};

/// An estate, what was found about it, and both with the coverage of layers as tables.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) estate: Estate,
    pub(crate) assessment: Assessment,
    pub(crate) rows: Vec<Rows>,
    /// Which workload a resource is counted to.
    pub(crate) groups: Groups,
    /// How long it took to read and judge it.
    pub(crate) took: Duration,
}

/// What is surveyed, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// As `castellan scan` takes them.
    pub(crate) paths: Vec<String>,
    /// The time to judge at, where it is not now.
    pub(crate) as_of: Option<Ticks>,
    /// Files of exemptions; those that are not there are none.
    pub(crate) exemptions: Vec<PathBuf>,
    pub(crate) quiet: bool,
}

impl Survey {
    /// Reads and judges.
    ///
    /// Errors: paths at which there is nothing, exemptions that cannot be used.
    pub(crate) fn of(sources: &Sources, facts: &Facts, system: &dyn System) -> Result<Survey> {
        let begun = Instant::now();
        let content = Content::embedded();
        let reading = EstateArguments {
            paths: sources.paths.clone(),
            parameters: Vec::new(),
            subscription: None,
            resource_group: None,
            location: None,
            tenant: None,
            as_of: sources.as_of,
            auth: Auth::Auto,
            quiet: sources.quiet,
        };
        let estate = crate::estate::read(&reading, &content, system)?.estate;
        crate::estate::complain_of(&estate, sources.quiet);
        let mut options = AssessOptions::at(crate::estate::now(&reading, system));
        for file in sources.exemptions.iter().filter(|file| system.exists(file)) {
            options.exemptions = options.exemptions.and(Exemptions::load(system, file)?);
        }
        let assessment = assess(&estate, &content, None, &options);
        let covered = coverage(&estate, &assessment, &Controls::built_in(), facts);
        let mut rows = rows::of_resource_graph(&estate, &assessment)?;
        rows.extend(rows::of_posture(&Report::new(&assessment, &estate), &covered)?);
        let groups = Groups::of(&covered.workloads);
        Ok(Survey { estate, assessment, rows, groups, took: begun.elapsed() })
    }
}

/// What stands beside the estate when it is surveyed.
pub(crate) type Beside = Box<dyn Fn() -> Facts + Send + Sync>;

/// The survey that is shown, until another takes its place.
pub(crate) struct Held {
    sources: Sources,
    beside: Beside,
    now: RwLock<Option<Arc<Survey>>>,
    state: Mutex<State>,
}

/// How surveying goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) is_scanning: bool,
    /// Why the last one failed; what was there before stays.
    pub(crate) problem: Option<String>,
}

impl Held {
    /// Nothing yet. What stands beside the estate is asked for at each survey.
    pub(crate) fn new(sources: Sources, beside: Beside) -> Held {
        Held { sources, beside, now: RwLock::new(None), state: Mutex::new(State::default()) }
    }

    /// Nothing, and never anything.
    pub(crate) fn empty() -> Held {
        Held::new(Sources::default(), Box::new(Facts::default))
    }

    /// What is surveyed.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The last survey.
    pub(crate) fn now(&self) -> Option<Arc<Survey>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How surveying goes.
    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Surveys again, unless that is being done; false then. What fails is remembered, and what was there stays.
    pub(crate) fn again(&self, system: &dyn System) -> bool {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.is_scanning {
                return false;
            }
            state.is_scanning = true;
        }
        let made = Survey::of(&self.sources, &(self.beside)(), system);
        let mut state = State::default();
        match made {
            Ok(survey) => *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(survey)),
            Err(error) => state.problem = Some(format!("{error:#}")),
        }
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        true
    }
}

/// The folder of an estate in a data folder: what is put there is scanned.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("estate")
}
