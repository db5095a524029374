//! What rules begin with.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::ScalarType;
use castellan_kql::ast::{BinaryKind, BinaryOperator};
use castellan_kql::plan::{NamedPlan, Plan, Scalar, ScalarKind, Step};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::{Access, Engine, Error, Seen, Span, Watch};

use super::Streams;
use super::rule::{How, Streamed};
use crate::rule::Kind;
use crate::run::{Events, RECEIVED, Window, earlier};
use crate::schedule::{State, Timing, believed, boundary};

impl Streams {
    /// Takes what a rule begins with from the tables of a moment; all rows after it have to come by [`Streams::arrive`].
    /// A rule in near real time that ran before takes what came since.
    ///
    /// Errors: the tables cannot be read, or a query of them fails: then the rule runs over the tables.
    pub async fn warm(
        &mut self,
        at: usize,
        state: &State,
        moment: &dyn Events,
        now: Ticks,
        timing: &Timing,
    ) -> Result<(), Error> {
        let rows = self.limits.rows;
        let Some(streamed) = self.streamed.get(at) else { return Ok(()) };
        if matches!(streamed.how, How::Scheduled(_)) {
            return Ok(());
        }
        let (since, access) = begin(streamed, state, now, timing);
        let engine = moment.engine(now).await?.restrict(&access)?;
        let mut begun: Vec<(Arc<str>, Vec<RecordBatch>)> = Vec::new();
        for table in streamed.tables() {
            match matching(streamed, &table, &engine).await {
                Ok(found) if found.iter().map(RecordBatch::num_rows).sum::<usize>() <= rows => {
                    begun.push((table, found))
                }
                Ok(_) => {
                    self.schedules(at, "more of what it looks at has come than a rule may hold");
                    return Ok(());
                }
                Err(error) => {
                    self.schedules(at, &format!("what it looks at cannot be collected: {error}"));
                    return Err(error);
                }
            }
        }
        if let Some(streamed) = self.streamed.get_mut(at) {
            for (table, batches) in begun {
                for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                    streamed.take(&table, batch)?;
                }
            }
            streamed.since = since;
            streamed.resumed = streamed.rule.kind == Kind::NearRealTime;
        }
        self.make_room();
        Ok(())
    }
}

/// From when on a rule holds rows, and which rows those are.
fn begin(streamed: &Streamed, state: &State, now: Ticks, timing: &Timing) -> (Ticks, Access) {
    let rule = &streamed.rule;
    if rule.kind == Kind::NearRealTime {
        let before = believed(state.received, now).unwrap_or_else(|| earlier(now, rule.frequency));
        // Where somebody else looked at what comes until a moment that lies ahead, all of that was seen.
        let is_ahead = before > now;
        let from = if is_ahead { before } else { earlier(before, timing.settle) };
        let span = Span { column: RECEIVED.to_owned(), from: Some(from.get()), until: None };
        return (now, Access::of_all(Seen { span: Some(span), ..Seen::default() }));
    }
    let until = boundary(earlier(now, timing.delay), rule.frequency.max(1));
    let since = Window::of(rule, until).from.unwrap_or(until);
    (since, Access::of_all(Seen::within(Some(since.get()), None)))
}

/// The rows of a table that matter to a rule.
async fn matching(streamed: &Streamed, table: &Arc<str>, engine: &Engine) -> Result<Vec<RecordBatch>, Error> {
    let Some(known) = engine.table(table) else { return Ok(Vec::new()) };
    let columns = known.columns().to_vec();
    let read = Plan::new(Step::Table(Arc::clone(table)), columns.clone());
    let ways: Vec<&Vec<Scalar>> =
        streamed.needs.iter().filter(|need| need.table == *table).map(|need| &need.conditions).collect();
    let plan = if ways.iter().any(|conditions| conditions.is_empty()) {
        read
    } else {
        let ways =
            ways.into_iter().filter_map(|conditions| joined(BinaryKind::And, conditions.iter().cloned()));
        match joined(BinaryKind::Or, ways) {
            Some(predicate) => Plan::new(Step::Filter { input: read, predicate }, columns),
            None => read,
        }
    };
    let answers = engine.run(&[NamedPlan { name: None, plan }], Watch::default()).await?;
    Ok(answers.into_iter().flat_map(|answer| answer.batches).collect())
}

/// Conditions with `and` or `or` between them.
fn joined(kind: BinaryKind, conditions: impl Iterator<Item = Scalar>) -> Option<Scalar> {
    conditions.reduce(|left, right| {
        let operator = BinaryOperator { kind, is_negated: false, is_case_sensitive: true };
        let kind = ScalarKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
        Scalar { kind, scalar_type: ScalarType::Bool }
    })
}
