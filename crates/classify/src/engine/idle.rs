//! What scans that have ended leave for the next ones.
//!
//! A scan has tables as long as the rules are many. To make them anew takes as long as a prompt of a kilobyte does to be
//! scanned, so they are kept, and what a scan has noted in them is wiped when it ends.

use std::sync::{Mutex, PoisonError};

use crate::engine::compile::Shared;
use crate::engine::state::State;
use crate::engine::view::View;

/// Most states that are kept: more scans at a time make their own.
const MOST: usize = 32;

/// States of scans of one view that have ended. Nothing of a text is left in them.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Vec<State>>);

impl Idle {
    /// A state in which nothing is noted.
    pub(crate) fn take(&self, shared: &Shared, view: &View) -> State {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| State::new(shared, view))
    }

    /// Keeps a state for the next scan, unless a large text has made it large.
    pub(crate) fn give(&self, mut state: State) {
        if !state.is_large() {
            state.wipe();
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MOST {
                kept.push(state);
            }
        }
    }
}
