//! The engine: tables, and queries over them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use castellan_base::{OsSystem, System};
use castellan_kql::bind::{self, Database, Options, Qualifier, Shape, Stored, bind};
use castellan_kql::plan::{Field as Column, NamedPlan, Plan, Step};
use castellan_kql::{Severity, Value};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::cache::cache_manager::{CacheManager, CacheManagerConfig};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt;

use crate::access::{Access, restricted};
use crate::answer::{Answer, Answers, Collected, Explanation};
use crate::external::{Loader, Network};
use crate::limits::{Budget, Limits, OfQuery, Watch};
use crate::lower::{Lowering, Tables};
use crate::steps::Planner;
use crate::tables::{RawConditions, Table};
use crate::{Error, Settings, physical};

/// Tables, and queries over them.
#[derive(Debug)]
pub struct Engine {
    tables: Registered,
    settings: Settings,
    /// What is known of files, for as long as they do not change.
    files: Option<Arc<CacheManager>>,
    /// Where `externaldata` goes.
    pub(crate) network: Network,
}

/// Tables that are made when a query asks for them: there may be a thousand, of which it reads two.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// The table of a name; the same whenever it is asked for.
    fn table(&self, name: &str) -> Option<Table>;

    /// The names that wildcards and `search` go over.
    fn names(&self) -> Vec<Arc<str>>;
}

/// Tables and stored functions by name.
#[derive(Debug, Default)]
struct Registered {
    tables: BTreeMap<Arc<str>, Table>,
    functions: BTreeMap<Arc<str>, Stored>,
    /// What functions give for texts, each by the name that plans have for it. No wildcard goes over them.
    calls: BTreeMap<Arc<str>, Table>,
    source: Option<Arc<dyn Source>>,
    /// What has to hold for tables that come later, too.
    accesses: Vec<Access>,
    /// Names by which queries may say that they mean this database.
    names: Vec<String>,
}

impl Registered {
    fn find(&self, name: &str) -> Option<Table> {
        if let Some(known) = self.tables.get(name).or_else(|| self.calls.get(name)) {
            return Some(known.clone());
        }
        self.seen(name, self.source.as_ref()?.table(name)?)
    }

    /// What may be seen of a table; nothing where a restriction does not fit it.
    fn seen(&self, name: &str, table: Table) -> Option<Table> {
        self.accesses.iter().try_fold(table, |table, access| restricted(table, name, access).ok().flatten())
    }
}

impl Database for Registered {
    fn table(&self, name: &str) -> Option<Shape> {
        self.find(name).map(|table| table.columns().to_vec().into())
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Arc<Plan>> {
        let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
        let own = call_name(name, &texts?);
        let table = self.calls.get(&*own)?;
        Some(Plan::new(Step::Table(own), table.columns().to_vec()))
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.tables.keys().cloned().collect();
        if let Some(source) = &self.source {
            let is_seen = |name: &Arc<str>| self.accesses.is_empty() || self.find(name).is_some();
            names.extend(source.names().into_iter().filter(is_seen));
            names.sort();
            names.dedup();
        }
        names
    }

    fn function(&self, name: &str) -> Option<Stored> {
        self.functions.get(name).cloned()
    }

    fn elsewhere(&self, qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        let is_own = |part: &Qualifier| self.names.iter().any(|name| name.eq_ignore_ascii_case(&part.name));
        (!qualifiers.is_empty() && qualifiers.iter().all(is_own)).then_some(self)
    }
}

/// What plans call the rows that a function gives for texts.
fn call_name(function: &str, arguments: &[&str]) -> Arc<str> {
    std::iter::once(function).chain(arguments.iter().copied()).collect::<Vec<&str>>().join("\u{1f}").into()
}

impl Tables for Registered {
    fn table(&self, name: &str) -> Option<Table> {
        self.find(name)
    }
}

impl Engine {
    /// An engine without tables.
    pub fn new(settings: Settings) -> Engine {
        // Without it every query reads what it needs to know of files for itself.
        let files = CacheManager::try_new(&CacheManagerConfig::default()).ok();
        let names = std::iter::once(&settings.database).chain(&settings.aliases).cloned().collect();
        let tables = Registered { names, ..Registered::default() };
        Engine { tables, settings, files, network: Network::default() }
    }

    /// What queries run with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds a table in memory, in the place of one of the same name.
    ///
    /// Errors: a column of a type that has no place in the language, and batches of other schemas.
    pub fn add_batches(
        &mut self,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<(), Error> {
        self.add(name, Table::of_batches(schema, batches)?);
        Ok(())
    }

    /// Adds a table that DataFusion can scan.
    ///
    /// Errors: a column of a type that has no place in the language.
    pub fn add_provider(&mut self, name: &str, provider: Arc<dyn TableProvider>) -> Result<(), Error> {
        self.add(name, Table::new(provider)?);
        Ok(())
    }

    /// Adds a table. What was said by [`Engine::restrict`] holds for it: it is not there where that does not fit.
    pub fn add(&mut self, name: &str, table: Table) {
        match self.tables.seen(name, table) {
            Some(table) => self.tables.tables.insert(name.into(), table),
            None => self.tables.tables.remove(name),
        };
    }

    /// The same engine for somebody who may see less. It can be said again, and never takes back what was said.
    ///
    /// Errors: a condition that cannot be used; there is no engine then.
    pub fn restrict(mut self, access: &Access) -> Result<Engine, Error> {
        for (name, table) in std::mem::take(&mut self.tables.tables) {
            if let Some(table) = restricted(table, &name, access)? {
                self.tables.tables.insert(name, table);
            }
        }
        for (name, table) in std::mem::take(&mut self.tables.calls) {
            let function = name.split('\u{1f}').next().unwrap_or_default();
            if let Some(table) = restricted(table, function, access)? {
                self.tables.calls.insert(name, table);
            }
        }
        // Tables that are made later are hidden where a condition does not fit; those that are named are tried now.
        for name in access.tables.keys() {
            let made = self.tables.source.as_ref().and_then(|source| source.table(name));
            made.map(|table| restricted(table, name, access)).transpose()?;
        }
        self.tables.accesses.push(access.clone());
        Ok(self)
    }

    /// Has tables made when queries ask for them, beside those that were added. What was said by [`Engine::restrict`]
    /// holds for them as well.
    pub fn set_source(&mut self, source: Arc<dyn Source>) {
        self.tables.source = Some(source);
    }

    /// Adds a stored function.
    pub fn add_function(&mut self, name: &str, function: Stored) {
        self.tables.functions.insert(name.into(), function);
    }

    /// Adds what a function gives for texts, as `_GetWatchlist("name")` does: other columns for other arguments. Wildcards
    /// do not go over it. What was said by [`Engine::restrict`] holds for it under the name of the function.
    pub fn add_call(&mut self, function: &str, arguments: &[&str], table: Table) {
        let name = call_name(function, arguments);
        match self.tables.seen(function, table) {
            Some(table) => self.tables.calls.insert(name, table),
            None => self.tables.calls.remove(&name),
        };
    }

    /// The names and columns of the tables that were added.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &[Column])> {
        self.tables.tables.iter().map(|(name, table)| (&**name, table.columns()))
    }

    /// The names and columns of all tables that may be seen, those too that are made when queries ask for them.
    pub fn shapes(&self) -> Vec<(Arc<str>, Vec<Column>)> {
        let names = self.tables.table_names().into_iter();
        names
            .filter_map(|name| {
                let columns = self.tables.find(&name)?.columns().to_vec();
                Some((name, columns))
            })
            .collect()
    }

    /// A table as it may be seen.
    pub fn table(&self, name: &str) -> Option<Table> {
        self.tables.find(name)
    }

    /// What queries are bound with, for editors.
    pub fn database(&self) -> &dyn Database {
        &self.tables
    }

    /// Runs a query.
    ///
    /// Errors: a query that is wrong (with its place), one that uses what is not supported, and one that reaches a limit.
    pub async fn query(&self, query: &str) -> Result<Answers, Error> {
        self.query_watched(query, Watch::default()).await
    }

    /// Runs a query that can be watched and ended from elsewhere.
    ///
    /// Errors: as [`Engine::query`].
    pub async fn query_watched(&self, query: &str, watch: Watch) -> Result<Answers, Error> {
        let seed = self.settings.seed.unwrap_or_else(random);
        let budget = Arc::new(Budget::new(&self.settings.limits, watch, seed));
        let context = self.context(&budget)?;
        let time = budget.time_left();
        let run = async {
            let mut lowering = Lowering::new(&context, &self.tables, seed, self.now());
            let bound = self.bound(query, &mut lowering, &budget).await?;
            let answers = self.answers(&bound.results, &lowering, &context, &budget).await?;
            Ok(Answers { answers, chart: bound.chart, warnings: bound.warnings })
        };
        in_time(time, &budget, run).await
    }

    /// Runs plans that were bound elsewhere, over the tables of this engine: see [`castellan_kql::plan::codec`].
    ///
    /// Errors: a plan whose columns are not all known, one that reads tables which are not here or have other columns,
    /// and one that reaches a limit.
    pub async fn run(&self, results: &[NamedPlan], watch: Watch) -> Result<Vec<Answer>, Error> {
        for result in results {
            self.check(&result.plan)?;
        }
        let seed = self.settings.seed.unwrap_or_else(random);
        let budget = Arc::new(Budget::new(&self.settings.limits, watch, seed));
        let context = self.context(&budget)?;
        let lowering = Lowering::new(&context, &self.tables, seed, self.now());
        in_time(budget.time_left(), &budget, self.answers(results, &lowering, &context, &budget)).await
    }

    /// Whether the tables of a plan are here, as it knows them.
    fn check(&self, plan: &Arc<Plan>) -> Result<(), Error> {
        if plan.is_open {
            return Err(Error::new("open-plan", "the plan can be checked, and not run"));
        }
        let mut wrong = None;
        plan.each_table(&mut |name, columns| {
            let known = self.tables.find(name);
            if known.as_ref().map(Table::columns) != Some(columns) {
                wrong.get_or_insert_with(|| {
                    format!("there is no table `{name}` with the columns of the plan")
                });
            }
        });
        wrong.map_or(Ok(()), |message| Err(Error::new("unknown-table", message)))
    }

    async fn answers(
        &self,
        results: &[NamedPlan],
        lowering: &Lowering<'_>,
        context: &SessionContext,
        budget: &Budget,
    ) -> Result<Vec<Answer>, Error> {
        let mut answers = Vec::with_capacity(results.len());
        for result in results {
            answers.push(self.answer(result, lowering, context, budget).await?);
        }
        Ok(answers)
    }

    async fn answer(
        &self,
        result: &NamedPlan,
        lowering: &Lowering<'_>,
        context: &SessionContext,
        budget: &Budget,
    ) -> Result<Answer, Error> {
        let columns = result.plan.columns.clone();
        let plan = lowering.finished(&castellan_kql::plan::pruned(&result.plan)).await?;
        let stream = context.execute_logical_plan(plan).await?.execute_stream().await?;
        let mut collected = Collected::new(&self.settings, physical::schema(&columns));
        collected.all(stream, budget).await?;
        let Collected { batches, cut, .. } = collected;
        Ok(Answer { name: result.name.clone(), columns, batches, cut })
    }

    /// How a query would run. Subqueries are run, since later steps depend on what they give.
    ///
    /// Errors: as [`Engine::query`].
    pub async fn explain(&self, query: &str) -> Result<Explanation, Error> {
        let budget = Arc::new(Budget::new(&self.settings.limits, Watch::default(), 0));
        let context = self.context(&budget)?;
        let mut lowering = Lowering::new(&context, &self.tables, 0, self.now());
        let bound = self.bound(query, &mut lowering, &budget).await?;
        let Some(result) = bound.results.first() else {
            return Err(Error::new("no-query", "there is no query"));
        };
        let plan = lowering.finished(&castellan_kql::plan::pruned(&result.plan)).await?;
        let logical = plan.display_indent().to_string();
        let frame = context.execute_logical_plan(plan).await?;
        let optimized = frame.clone().into_optimized_plan()?.display_indent().to_string();
        let physical = displayable(frame.create_physical_plan().await?.as_ref()).indent(false).to_string();
        Ok(Explanation { logical, optimized, physical })
    }

    /// Resolves a query; columns that the data decide are found out by running what they come from.
    async fn bound(
        &self,
        query: &str,
        lowering: &mut Lowering<'_>,
        budget: &Budget,
    ) -> Result<bind::Bound, Error> {
        let parsed = castellan_kql::parse(query);
        if let Some(error) = parsed.diagnostics.into_iter().find(|found| found.severity == Severity::Error) {
            return Err(error.into());
        }
        let mut options = Options {
            now: lowering.now,
            parameters: self.settings.parameters.clone(),
            database: self.settings.database.clone(),
            ..Options::default()
        };
        loop {
            let bound = bind(&parsed.script, &self.tables, &options)?;
            let Some(plan) = &bound.undiscovered else { return Ok(bound) };
            options.discovered.push(self.discovered(plan, lowering, budget).await?);
        }
    }

    async fn discovered(
        &self,
        plan: &Arc<Plan>,
        lowering: &mut Lowering<'_>,
        budget: &Budget,
    ) -> Result<Vec<Column>, Error> {
        let Step::Plugin { input, plugin } = &plan.step else {
            return Err(Error::new("engine", "only a plugin has columns that the data decide"));
        };
        let lowered = lowering.finished(input).await?;
        let mut stream = lowering.context.execute_logical_plan(lowered).await?.execute_stream().await?;
        let (mut rows, mut batches) = (Vec::new(), Vec::new());
        let schema = physical::schema(&input.columns);
        while let Some(batch) = stream.next().await {
            let batch = physical::renamed(&batch?, &schema)?;
            budget.hold(batch.get_array_memory_size())?;
            rows.extend(physical::rows(&batch, &input.columns)?);
            batches.push(batch);
        }
        let columns = castellan_kql::interpret::plugin_columns(input, plugin, &rows)?;
        // The plugin reads the same rows again once its columns are known.
        lowering.keep(Arc::clone(input), Table::of_batches(schema, batches)?);
        Ok(columns)
    }

    /// The time of a query that begins, in ticks since year 1.
    fn now(&self) -> i64 {
        self.settings.now.unwrap_or_else(|| OsSystem.now()).get()
    }

    /// A session of DataFusion for one query.
    fn context(&self, budget: &Arc<Budget>) -> Result<SessionContext, Error> {
        let limits = &self.settings.limits;
        let mut caches = CacheManagerConfig::default();
        if let Some(files) = &self.files {
            caches = caches
                .with_file_metadata_cache(Some(files.get_file_metadata_cache()))
                .with_file_statistics_cache(files.get_file_statistic_cache());
        }
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory)))
            .with_cache_manager(caches)
            .build_arc()?;
        let mut config = SessionConfig::new()
            .with_target_partitions(self.settings.threads)
            .with_batch_size(batch_rows(limits))
            .with_extension(Arc::clone(budget))
            .with_option_extension(OfQuery(Arc::clone(budget)))
            .with_extension(Arc::new(Loader::new(self.settings.external.clone(), self.network.clone())));
        // On few threads, spreading both sides over them costs more than one thread's table of the smaller side.
        config.options_mut().optimizer.repartition_joins = self.settings.threads > 4;
        config.options_mut().execution.parquet.pushdown_filters = true;
        let state = SessionStateBuilder::new_with_default_features()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_query_planner(Arc::new(Planner))
            .with_optimizer_rules(rules())
            .build();
        Ok(SessionContext::new_with_state(state))
    }
}

/// Rows of a batch. Large ones fill the blocks that texts are copied into; small ones let steps go to the disk and back
/// in little memory.
fn batch_rows(limits: &Limits) -> usize {
    const ROOM: usize = 512 << 20;
    if limits.memory < ROOM { 8_192 } else { 32_768 }
}

/// DataFusion's own rules, and ours where conditions have reached the scans and are not yet taken apart.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let pushed = rules.iter().position(|rule| rule.name() == "push_down_filter");
    rules.insert(pushed.map_or(rules.len(), |at| at + 1), Arc::new(RawConditions));
    rules
}

/// What a run gives, unless its time is over before.
async fn in_time<T>(
    time: Duration,
    budget: &Budget,
    run: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    // A result that may be cut is cut before this.
    match tokio::time::timeout(time.saturating_add(CUTTING), run).await {
        Ok(answers) => answers,
        Err(_) => {
            let reason = budget.reason_to_stop().unwrap_or_else(|| "the query took too long".to_owned());
            Err(Error::stopped(reason))
        }
    }
}

/// How long it may take to give what there is once the time is over.
const CUTTING: Duration = Duration::from_millis(200);

/// A seed that nobody knows before.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
