//! Graphs and patterns.

use std::sync::Arc;

use super::Result;
use super::form::{Form, Reader, Writer, choice, record};
use crate::plan::{Combine, Cycles, Graph, GraphChange, GraphPattern, PathValue, PatternEdge};

record!(Graph { edges, source, target, nodes, node_columns, is_directed, changes });

choice!(GraphChange { 0 => WhereNodes(value), 1 => WhereEdges(value), 2 => MarkComponents { is_strong } });

record!(GraphPattern { nodes, edges, predicate, outputs, paths, cycles });
record!(PatternEdge { left, right, is_forward, hops });
record!(PathValue { edge, over_nodes, value, combine });

choice!(Cycles { 0 => All, 1 => None, 2 => UniqueEdges });
choice!(Combine { 0 => Map, 1 => All, 2 => Any });

impl Form for Arc<Graph> {
    fn write(&self, out: &mut Writer) {
        (**self).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Arc<Graph>> {
        Graph::read(input).map(Arc::new)
    }
}
