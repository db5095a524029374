//! What `let` statements and parameters name.

use std::sync::Arc;

use crate::ast::Function;
use crate::plan::{Graph, Plan, Scalar, ScalarKind};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// A scalar that is the same for every row, or a parameter's value in the row of the call.
    Scalar(Scalar),
    /// Rows.
    Table {
        plan: Arc<Plan>,
        /// Whether wildcards of `union` find it.
        is_view: bool,
    },
    /// A graph.
    Graph(Arc<Graph>),
    /// A function with what it can see.
    Function { function: Arc<Function>, environment: Environment },
}

impl Binding {
    fn reads_part(&self) -> bool {
        match self {
            Binding::Scalar(scalar) => scalar.any(&|part| match &part.kind {
                ScalarKind::Subquery(plan) | ScalarKind::MembershipOf { table: plan, .. } => {
                    plan.reads_part()
                }
                _ => false,
            }),
            Binding::Table { plan, .. } => plan.reads_part(),
            Binding::Graph(graph) => graph.inputs().into_iter().any(|plan| plan.reads_part()),
            Binding::Function { .. } => false,
        }
    }
}

/// Names and their bindings: a list, so that functions keep theirs at no cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment(Option<Arc<Node>>);

#[derive(Debug)]
struct Node {
    name: Arc<str>,
    binding: Binding,
    parent: Environment,
}

impl Environment {
    /// The same with one name more.
    #[must_use]
    pub(super) fn with(&self, name: Arc<str>, binding: Binding) -> Environment {
        Environment(Some(Arc::new(Node { name, binding, parent: self.clone() })))
    }

    /// The latest binding of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Binding> {
        self.iter().find(|(known, _)| &***known == name).map(|(_, binding)| binding)
    }

    /// The same without what works on the part of rows that a `mv-apply` or `partition` is at: inside another of these it
    /// would be taken for that one's part.
    #[must_use]
    pub(super) fn outside_parts(&self) -> Environment {
        if !self.iter().any(|(_, binding)| binding.reads_part()) {
            return self.clone();
        }
        let mut kept: Vec<_> = self.iter().filter(|(_, binding)| !binding.reads_part()).collect();
        kept.reverse();
        kept.into_iter().fold(Environment::default(), |environment, (name, binding)| {
            environment.with(Arc::clone(name), binding.clone())
        })
    }

    /// All bindings, the latest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Binding)> {
        let mut next = self.0.as_deref();
        std::iter::from_fn(move || {
            let node = next?;
            next = node.parent.0.as_deref();
            Some((&node.name, &node.binding))
        })
    }
}

/// A long list is taken apart step by step: dropping it by recursion could exhaust the stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.parent.0.take();
        while let Some(node) = next {
            match Arc::try_unwrap(node) {
                Ok(mut node) => next = node.parent.0.take(),
                Err(_) => break,
            }
        }
    }
}
