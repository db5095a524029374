//! Rows on their way to the lake, and alerts that are there already.
//!
//! *Invariant (once):* each call has a mark that is higher than those before it. What is sent again, after a crash or by
//! another process, adds nothing.

use std::collections::BTreeSet;

use castellan_base::Ticks;
use castellan_kql::Value;
use castellan_lake::{Append, Appended, Form, Lake, Mark};
use castellan_query::Settings;

use super::{Desk, DeskError};
use crate::rows::{ALERTS, INCIDENTS};
use crate::store::{Call, Entry, Pending};

/// What marks of the rows of alerts and incidents are named.
const SOURCE: &str = "castellan.analytics";
/// Ids that one query asks for.
const ASKED: usize = 500;

/// The lake does not take rows or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The lake itself.
    #[error(transparent)]
    Lake(#[from] castellan_lake::Error),
    /// A query.
    #[error(transparent)]
    Query(#[from] castellan_query::Error),
    /// A row that has no place.
    #[error("a row of {table} is not taken: {reason}")]
    Refused {
        /// The table.
        table: String,
        /// Why.
        reason: String,
    },
}

impl Desk {
    /// Numbers rows behind those that the lake knows: a folder of incidents may be younger than the lake, or restored.
    ///
    /// # Errors
    /// The lake cannot be asked, or that cannot be kept.
    pub async fn attach(&self, lake: &Lake, now: Ticks) -> Result<(), DeskError> {
        let mut mark = 0;
        for table in [ALERTS, INCIDENTS] {
            let known = lake.mark(table, SOURCE).await.map_err(LakeError::from)?;
            mark = mark.max(known.unwrap_or_default());
        }
        let mut store = self.store();
        if let Some(base) = store.state().base_above(mark) {
            store.write(now.get(), Entry::Based { base })?;
        }
        Ok(())
    }

    /// Sends rows that may not be in the lake yet, oldest first.
    ///
    /// # Errors
    /// The lake does not take them; they are sent again by the next call.
    pub async fn send(&self, lake: &Lake, now: Ticks) -> Result<usize, DeskError> {
        let _turn = self.sending.lock().await;
        let mut sent = 0;
        loop {
            let next: Option<Pending> = self.store().state().pending().next().cloned();
            let Some(pending) = next else { return Ok(sent) };
            for call in &pending.calls {
                sent += send(lake, call).await?;
            }
            self.store().write(now.get(), Entry::Sent { through: pending.record })?;
        }
    }

    /// Sends the first calls that are owed without writing that they were sent, as a process does that is cut off then.
    ///
    /// # Errors
    /// The lake does not take them.
    #[doc(hidden)]
    pub async fn send_some(&self, lake: &Lake, calls: usize) -> Result<(), DeskError> {
        let owed: Vec<_> = self.store().state().pending().flat_map(|pending| pending.calls.clone()).collect();
        for call in owed.iter().take(calls) {
            send(lake, call).await?;
        }
        Ok(())
    }

    /// Waits until there may be rows to send.
    pub async fn owes(&self) {
        self.owed.notified().await;
    }
}

async fn send(lake: &Lake, call: &Call) -> Result<usize, LakeError> {
    let mark = Mark { source: SOURCE.into(), offset: call.offset };
    let how = Append { mark: Some(mark), ..Append::default() };
    Ok(append(lake, &call.table, &call.rows, how).await?.rows)
}

/// Adds rows to a table.
///
/// # Errors
/// The lake does not take them, or not all of them.
pub async fn append(lake: &Lake, table: &str, rows: &str, how: Append) -> Result<Appended, LakeError> {
    // Alerts of a time that is over keep their time.
    let how = Append { keeps_times: true, ..how };
    let appended = lake.append(table, rows.as_bytes(), Form::Lines, how).await?;
    match appended.refused.first() {
        Some(refused) => {
            Err(LakeError::Refused { table: table.to_owned(), reason: refused.reason.to_string() })
        }
        None => Ok(appended),
    }
}

/// Which of some alerts a lake has, by their ids.
///
/// # Errors
/// The table cannot be read.
pub async fn known(lake: &Lake, ids: &[String]) -> Result<BTreeSet<String>, LakeError> {
    let engine = lake.engine(Settings::default());
    let mut found = BTreeSet::new();
    for some in ids.chunks(ASKED) {
        // Ids are UUIDs: they hold nothing that would end a text.
        let list: Vec<String> = some.iter().map(|id| format!("'{id}'")).collect();
        let query =
            format!("{ALERTS} | where SystemAlertId in ({}) | distinct SystemAlertId", list.join(", "));
        for answer in &engine.query(&query).await?.answers {
            found.extend(answer.values()?.iter().flatten().map(Value::to_text));
        }
    }
    Ok(found)
}
