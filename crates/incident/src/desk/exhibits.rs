//! Evidence of incidents: kept, found, and given to whoever opens it.

use castellan_base::Ticks;
use castellan_detect::incident::By;

use super::{Desk, DeskError, orders};
use crate::case::Exhibit;
use crate::evidence::Original;
use crate::store::Act;

impl Desk {
    /// Keeps texts as evidence of an incident: redacted, and sealed where there is a key. Those that are there already, of
    /// the same source, are left out.
    ///
    /// # Errors
    /// There is no such incident, a text cannot be redacted or sealed, or the disk fails.
    pub fn keep(&self, number: u32, originals: &[Original<'_>], by: &By) -> Result<Vec<Exhibit>, DeskError> {
        let incident = self.incident(number)?;
        let mut kept = Vec::new();
        for original in originals {
            // Redacting takes its time; nobody waits for it.
            let (exhibit, sealed) = self.sealer.keep(&Original { incident: &incident.id, ..*original })?;
            kept.push((exhibit, sealed));
        }
        let mut store = self.store();
        orders::keep(&mut store, number, kept, by)
    }

    /// An exhibit by the beginning of its id.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn exhibit(&self, number: u32, id: &str) -> Result<Exhibit, DeskError> {
        self.incident(number)?;
        let all = self.exhibits(number);
        let mut found = all
            .into_iter()
            .filter(|exhibit| id.len() >= 4 && exhibit.id.starts_with(&id.to_ascii_lowercase()));
        match (found.next(), found.next()) {
            (Some(exhibit), None) => Ok(exhibit),
            _ => Err(DeskError::NoEvidence { incident: number, id: id.to_owned() }),
        }
    }

    /// Gives the sealed original of an exhibit to somebody who opens it. *Invariant (recorded before it is shown):* who, when
    /// and why is in the audit log, on disk, before this returns.
    ///
    /// # Errors
    /// Nobody says who or why, there is no such exhibit, its original was not kept, or the audit log cannot be written.
    pub fn reveal(
        &self,
        number: u32,
        id: &str,
        by: &str,
        reason: &str,
        now: Ticks,
    ) -> Result<(Exhibit, Vec<u8>), DeskError> {
        if by.trim().is_empty() {
            return Err(DeskError::Nobody);
        }
        if reason.trim().is_empty() {
            return Err(DeskError::NoReason);
        }
        let exhibit = self.exhibit(number, id)?;
        let mut store = self.store();
        let sealed = store.sealed(&exhibit)?;
        let act = Act::Revealed {
            by: orders::bounded(by),
            reason: orders::bounded(reason),
            incident: number,
            evidence: exhibit.id.clone(),
            commitment: exhibit.commitment.clone(),
            key: exhibit.sealed_to.clone().unwrap_or_default(),
        };
        store.note_act(now.get(), act)?;
        Ok((exhibit, sealed))
    }
}
