//! What `let` statements and parameters name.

use std::sync::Arc;

use super::database::Qualifier;
use super::restrict::Restriction;
use crate::ast::{Function, Pattern};
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
    /// A pattern with what its cases can see.
    Pattern { pattern: Arc<Pattern>, environment: Environment },
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
            Binding::Function { .. } | Binding::Pattern { .. } => false,
        }
    }
}

/// What a part of a query can see: names and their bindings, and how it is seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    names: Names,
    /// What is left of the databases.
    restriction: Option<Arc<Restriction>>,
    /// Names for other databases, the latest last.
    aliases: Arc<Vec<Alias>>,
}

/// A name for another database.
#[derive(Clone, Debug)]
struct Alias {
    name: Arc<str>,
    path: Vec<Qualifier>,
}

/// A list, so that functions keep theirs at no cost.
#[derive(Clone, Debug, Default)]
struct Names(Option<Arc<Node>>);

#[derive(Debug)]
struct Node {
    name: Arc<str>,
    binding: Binding,
    parent: Names,
}

impl Environment {
    /// The same with one name more.
    #[must_use]
    pub(super) fn with(&self, name: Arc<str>, binding: Binding) -> Environment {
        let names = Names(Some(Arc::new(Node { name, binding, parent: self.names.clone() })));
        Environment { names, ..self.clone() }
    }

    /// The same with less of the databases.
    #[must_use]
    pub(super) fn restricted(self, restriction: Arc<Restriction>) -> Environment {
        Environment { restriction: Some(restriction), ..self }
    }

    /// The same with a name for another database.
    #[must_use]
    pub(super) fn with_alias(mut self, name: Arc<str>, path: Vec<Qualifier>) -> Environment {
        Arc::make_mut(&mut self.aliases).push(Alias { name, path });
        self
    }

    /// Where a name for another database leads.
    pub(super) fn alias(&self, name: &str) -> Option<&[Qualifier]> {
        self.aliases.iter().rev().find(|alias| *alias.name == *name).map(|alias| &*alias.path)
    }

    /// What is left of the databases; all where there is none.
    pub(super) fn restriction(&self) -> Option<&Arc<Restriction>> {
        self.restriction.as_ref()
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
        self.filtered(|_, binding| !binding.reads_part())
    }

    /// The same without the names that are not to be kept.
    #[must_use]
    pub(super) fn filtered(&self, keep: impl Fn(&str, &Binding) -> bool) -> Environment {
        let mut kept: Vec<_> = self.iter().filter(|(name, binding)| keep(name, binding)).collect();
        kept.reverse();
        let bare = Environment { names: Names::default(), ..self.clone() };
        kept.into_iter()
            .fold(bare, |environment, (name, binding)| environment.with(Arc::clone(name), binding.clone()))
    }

    /// All bindings, the latest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Binding)> {
        let mut next = self.names.0.as_deref();
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
