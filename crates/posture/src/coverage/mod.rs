//! Which controls of the four layers protect each AI workload, where there is a gap, and where two get in each other's way.
//!
//! A *workload* is an agent, a deployment of a model, a server of tools, model serving on Kubernetes, or an AI service in
//! which none of these was seen. What belongs to it is told ([`Workload::members`]): the resource itself, the resources that
//! contain it, and what it leads to: its deployment with its account, its filter, its stores, its identity, its tools.
//!
//! A *control* is data (`content/coverage.yaml`): the layer, which workloads it can protect, and by what it is known: checks
//! over the members, rules of the gate's profiles at certain points, relations, analytics rules over certain tables, tables
//! in which rows arrive. Each of these sources says that the control is there, partly there, not there, or that it cannot be
//! told; together they give a [`State`].
//!
//! *Invariant (unknown is a verdict):* a source that was not collected never protects.

mod control;
mod decide;
mod facts;
mod gate;
mod source;
mod workload;

use std::sync::Arc;

use castellan_estate::Estate;
use serde_json::{Value, json};

pub use control::{Control, Controls, Example, GateEvidence};
pub use decide::Decided;
pub use facts::{Facts, GateFacts, GateModel, GateRule, RuleFacts};
pub use workload::{Workload, WorkloadKind, workloads};

use crate::Assessment;

/// Where a control acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// How resources are configured, and whether that is watched.
    Posture,
    /// What data there is, and where it may go.
    Data,
    /// Who and what may ask and act.
    Identity,
    /// What the model is asked and what it says.
    Model,
}

impl Layer {
    /// All of them, as reports have them.
    pub const ALL: [Layer; 4] = [Layer::Posture, Layer::Data, Layer::Identity, Layer::Model];

    const WORDS: [(&'static str, Layer); 4] = [
        ("posture", Layer::Posture),
        ("data", Layer::Data),
        ("identity", Layer::Identity),
        ("model", Layer::Model),
    ];

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Posture => "posture",
            Layer::Data => "data",
            Layer::Identity => "identity",
            Layer::Model => "model",
        }
    }
}

/// How a workload stands to a control. The order is that in which one would look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Two sources say opposite things, so that whoever looks at one of them is wrong.
    Contradiction,
    /// Nothing protects.
    Gap,
    /// Something protects, but not everywhere.
    Partial,
    /// It cannot be told.
    Unknown,
    /// Two do the same and get in each other's way.
    Overlap,
    /// It is protected.
    Covered,
}

impl State {
    /// All of them.
    pub const ALL: [State; 6] =
        [State::Contradiction, State::Gap, State::Partial, State::Unknown, State::Overlap, State::Covered];

    /// As the table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Contradiction => "Contradiction",
            State::Gap => "Gap",
            State::Partial => "Partial",
            State::Unknown => "Unknown",
            State::Overlap => "Overlap",
            State::Covered => "Covered",
        }
    }
}

/// A control over a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// Position in [`Coverage::workloads`].
    pub workload: usize,
    /// The layer.
    pub layer: Layer,
    /// The control's id.
    pub control: Arc<str>,
    /// What it is about.
    pub title: Arc<str>,
    /// What was decided, why, and what to do.
    pub decided: Decided,
}

/// The coverage of an estate.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The workloads, by kind and name.
    pub workloads: Vec<Workload>,
    /// By workload, layer and control.
    pub rows: Vec<Covered>,
}

impl Coverage {
    /// The rows of a workload.
    pub fn of(&self, workload: usize) -> impl Iterator<Item = &Covered> {
        self.rows.iter().filter(move |row| row.workload == workload)
    }

    /// How many rows of a layer and a state there are.
    pub fn count(&self, layer: Layer, state: State) -> usize {
        self.rows.iter().filter(|row| row.layer == layer && row.decided.state == state).count()
    }

    /// The rows as JSON: what `CastellanCoverage` has beside its time.
    pub fn to_json(&self) -> Vec<Value> {
        let row = |row: &Covered| {
            let workload = self.workloads.get(row.workload)?;
            Some(json!({
                "WorkloadId": workload.id.as_str(), "Workload": workload.name,
                "WorkloadType": workload.kind.as_str(), "Layer": row.layer.as_str(), "Control": row.title,
                "ControlId": row.control, "State": row.decided.state.as_str(), "Reason": row.decided.reason,
                "Evidence": row.decided.evidence, "NextStep": row.decided.next, "Query": row.decided.query,
                "Resources": workload.members.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
            }))
        };
        self.rows.iter().filter_map(row).collect()
    }
}

/// Works out the coverage of every workload by every control.
pub fn coverage(estate: &Estate, assessment: &Assessment, controls: &Controls, facts: &Facts) -> Coverage {
    let workloads = workloads(estate);
    let mut rows = Vec::new();
    for (at, workload) in workloads.iter().enumerate() {
        let said = source::Said::of(workload, assessment, estate);
        for control in &controls.controls {
            let Some(decided) = decide::decide(control, workload, &said, facts) else { continue };
            rows.push(Covered {
                workload: at,
                layer: control.layer,
                control: Arc::clone(&control.id),
                title: Arc::clone(&control.title),
                decided,
            });
        }
    }
    rows.sort_by(|left, right| {
        (left.workload, left.layer, &left.control).cmp(&(right.workload, right.layer, &right.control))
    });
    Coverage { workloads, rows }
}

/// The examples of the controls that do not come out as they say: `control: example: expected, got`.
pub fn failing_examples(controls: &Controls) -> Vec<String> {
    let mut faults = Vec::new();
    for control in &controls.controls {
        for example in &control.examples {
            let state = decide::of_example(control, example);
            if state != example.expect {
                let word = |state: Option<State>| state.map_or("nothing", State::as_str);
                faults.push(format!(
                    "{}: {}: expected {}, got {}",
                    control.id,
                    example.name,
                    word(example.expect),
                    word(state)
                ));
            }
        }
    }
    faults
}
