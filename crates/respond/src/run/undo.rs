//! Taking back what a run did, last first.

use super::RunError;
use super::event::Event;
use super::shared::Shared;
use super::unit::{call, guarded};
use crate::actions::{Catalogue, Probe};

/// Undoes every action of a run that may have taken effect and is not undone. `all` includes steps that stay when a
/// playbook fails by itself.
pub(crate) fn undo_all(shared: &Shared<'_>, catalogue: &Catalogue, all: bool) -> Result<(), RunError> {
    let acted = shared.state(|state| state.acted.clone());
    for path in acted.iter().rev() {
        let place = shared.place(path);
        let Some(attempt) = place.open.clone() else { continue };
        let is_done = place.undone.as_ref().is_some_and(|(success, _)| *success);
        if is_done || (attempt.keep && !all) {
            continue;
        }
        let result = match catalogue.action(&attempt.action) {
            Some(_) => undo_one(shared, catalogue, path, place.undo_started)?,
            None => Err(format!("there is no action `{}` here any more", attempt.action)),
        };
        let (success, reason) = match result {
            Ok(reason) => (true, reason),
            Err(reason) => (false, reason),
        };
        shared.append(Event::UndoEnded { path: path.clone(), success, reason })?;
    }
    Ok(())
}

/// Undoes one action: how it is known, or why it is not undone.
fn undo_one(
    shared: &Shared<'_>,
    catalogue: &Catalogue,
    path: &str,
    was_started: bool,
) -> Result<Result<String, String>, RunError> {
    let Some(attempt) = shared.place(path).open else { return Ok(Err("it was never started".to_owned())) };
    let Some(action) = catalogue.action(&attempt.action) else { return Ok(Err("unknown action".to_owned())) };
    let call = call(shared, path, &attempt.key, &attempt.inputs, None);
    if !was_started {
        shared.append(Event::UndoStarted { path: path.to_owned() })?;
    }
    let place = shared.place(path);
    let is_known = place.performed.is_some() || place.ended.as_ref().is_some_and(|ended| ended.success);
    if was_started || !is_known {
        // The process may have ended after the undo and before its line, or before it was known that there is anything to
        // undo.
        match guarded(|| action.probe(&call, &attempt.before)) {
            Ok(Probe::NotInEffect(_)) => return Ok(Ok("the probe shows no effect".to_owned())),
            Ok(Probe::InEffect(_) | Probe::Repeatable) => {}
            Ok(Probe::Unknown(reason)) if is_known => {
                return Ok(Err(format!("an earlier undo was interrupted, and {reason}")));
            }
            Ok(Probe::Unknown(reason)) => {
                return Ok(Err(format!("nobody knows whether there is anything to undo: {reason}")));
            }
            Err(error) => return Ok(Err(format!("what there is to undo cannot be seen: {}", error.message))),
        }
    }
    if let Err(error) = guarded(|| action.undo(&call, &attempt.before)) {
        return Ok(Err(error.message));
    }
    Ok(match guarded(|| action.probe(&call, &attempt.before)) {
        Ok(Probe::NotInEffect(_)) => Ok("the probe shows that it is undone".to_owned()),
        Ok(Probe::InEffect(_)) => {
            Err("the undo was accepted, and the probe still shows the effect; look again later".to_owned())
        }
        Ok(Probe::Repeatable) => Ok("the undo was accepted".to_owned()),
        Ok(Probe::Unknown(reason)) => Ok(format!("the undo was accepted; not proved: {reason}")),
        Err(error) => Err(format!("the undo was accepted, and the probe failed: {}", error.message)),
    })
}
