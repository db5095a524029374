//! Steps that DataFusion has no operator for, as nodes of its plans.

pub(crate) mod each;
mod execution;
mod guard;
mod node;
mod planner;

pub(crate) use node::{Interpret, Scope};
pub(crate) use planner::Planner;
