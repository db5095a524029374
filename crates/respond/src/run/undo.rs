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
            None => Err(Failed {
                reason: format!("there is no action `{}` here any more", attempt.action),
                perhaps: place.undo_started,
            }),
        };
        let (success, reason, perhaps) = match result {
            Ok(reason) => (true, reason, false),
            Err(failed) => (false, failed.reason, failed.perhaps),
        };
        shared.append(Event::UndoEnded { path: path.clone(), success, reason, perhaps })?;
    }
    Ok(())
}

/// Why something is not undone.
struct Failed {
    reason: String,
    /// True when it may be undone nevertheless.
    perhaps: bool,
}

/// Undoes one action: how it is known, or why it is not undone.
fn undo_one(
    shared: &Shared<'_>,
    catalogue: &Catalogue,
    path: &str,
    was_started: bool,
) -> Result<Result<String, Failed>, RunError> {
    // Whatever fails before a request is sent leaves it as open as it was.
    let failed = |reason: String| Ok(Err(Failed { reason, perhaps: was_started }));
    let Some(attempt) = shared.place(path).open else { return failed("it was never started".to_owned()) };
    let Some(action) = catalogue.action(&attempt.action) else { return failed("unknown action".to_owned()) };
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
                return failed(format!("an earlier undo was interrupted, and {reason}"));
            }
            Ok(Probe::Unknown(reason)) => {
                return failed(format!("nobody knows whether there is anything to undo: {reason}"));
            }
            Err(error) => return failed(format!("what there is to undo cannot be seen: {}", error.message)),
        }
    }
    if let Err(error) = guarded(|| action.undo(&call, &attempt.before)) {
        return Ok(Err(Failed { reason: error.message, perhaps: error.perhaps }));
    }
    let perhaps = |reason: String| Err(Failed { reason, perhaps: true });
    Ok(match guarded(|| action.probe(&call, &attempt.before)) {
        Ok(Probe::NotInEffect(_)) => Ok("the probe shows that it is undone".to_owned()),
        Ok(Probe::InEffect(_)) => perhaps(
            "the undo was accepted, and the probe still shows the effect; look again later".to_owned(),
        ),
        Ok(Probe::Repeatable) => Ok("the undo was accepted".to_owned()),
        Ok(Probe::Unknown(reason)) => Ok(format!("the undo was accepted; not proved: {reason}")),
        Err(error) => perhaps(format!("the undo was accepted, and the probe failed: {}", error.message)),
    })
}
