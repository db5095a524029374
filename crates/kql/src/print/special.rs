//! Operators with a grammar of their own, in print.

use super::Printer;
use crate::ast::{
    EdgeDirection, Expr, Find, FindColumn, ForkBranch, GraphElement, GraphMatch, GraphTable, MakeGraph,
    MakeSeries, OperatorKind, Scan, ScanStep, Setting, TopNested,
};

impl Printer {
    pub(super) fn find(&mut self, find: &Find) {
        self.head("find", &find.options);
        self.tables(&find.tables);
        self.push(" where");
        self.value(&find.predicate);
        if let Some(project) = &find.project {
            self.clause("project", project, |printer, column| match column {
                FindColumn::Column(column) => printer.column_declaration(column),
                FindColumn::Pack(_) => printer.push("pack(*)"),
            });
        }
        self.clause("project-away", &find.project_away, Self::table);
    }

    pub(super) fn search(&mut self, options: &[Setting], tables: &[Expr], predicate: &Expr) {
        self.head("search", options);
        self.tables(tables);
        self.value(predicate);
    }

    fn tables(&mut self, tables: &[Expr]) {
        if !tables.is_empty() {
            self.push(" in (");
            self.list(tables, Self::table);
            self.push(")");
        }
    }

    pub(super) fn fork(&mut self, branches: &[ForkBranch]) {
        self.push("fork");
        for branch in branches {
            self.push(" ");
            if let Some(name) = &branch.name {
                self.name(name);
                self.push(" = ");
            }
            self.body(&branch.body);
        }
    }

    pub(super) fn make_series(&mut self, series: &MakeSeries) {
        self.head("make-series", &series.options);
        self.push(" ");
        self.list(&series.aggregates, |printer, (column, default)| {
            printer.column(column);
            if let Some(default) = default {
                printer.push(" default =");
                printer.value(default);
            }
        });
        self.push(" on ");
        self.column(&series.on);
        if series.is_range {
            self.push(" in range(");
            for bound in [&series.from, &series.to].into_iter().flatten() {
                self.expression(bound);
                self.push(", ");
            }
            self.expression(&series.step);
            self.push(")");
        } else {
            let bounds = [(" from", &series.from), (" to", &series.to)];
            for (word, bound) in bounds {
                if let Some(bound) = bound {
                    self.push(word);
                    self.value(bound);
                }
            }
            self.push(" step");
            self.value(&series.step);
        }
        self.clause("by", &series.by, Self::column);
    }

    pub(super) fn scan(&mut self, scan: &Scan) {
        self.head("scan", &scan.options);
        self.clause("order by", &scan.order, Self::ordering);
        self.clause("partition by", &scan.partition, Self::expression);
        if !scan.declare.is_empty() {
            self.push(" declare ");
            self.parameters(&scan.declare);
        }
        self.push(" with ");
        self.block("(", ")", |printer| {
            for (index, step) in scan.steps.iter().enumerate() {
                if index > 0 {
                    printer.line();
                }
                printer.scan_step(step);
            }
        });
    }

    fn scan_step(&mut self, step: &ScanStep) {
        self.push("step ");
        self.name(&step.name);
        if step.is_optional {
            self.push(" optional");
        }
        if let Some(output) = &step.output {
            self.push(" output=");
            self.push(&output.text);
        }
        self.push(":");
        self.value(&step.condition);
        self.clause("=>", &step.assignments, Self::column);
        self.push(";");
    }

    pub(super) fn top_nested(&mut self, level: &TopNested) {
        self.push("top-nested");
        if let Some(count) = &level.count {
            self.value(count);
        }
        self.push(" of ");
        self.column(&level.of);
        if let Some(others) = &level.others {
            self.push(" with others =");
            self.value(others);
        }
        self.push(" by ");
        self.ordering(&level.by);
    }

    /// The operators on graphs; others print nothing.
    pub(super) fn graph_operator(&mut self, kind: &OperatorKind) {
        match kind {
            OperatorKind::GraphMarkComponents(options) => self.head("graph-mark-components", options),
            OperatorKind::GraphMatch(matched) => self.graph_match("graph-match", matched),
            OperatorKind::GraphShortestPaths(matched) => self.graph_match("graph-shortest-paths", matched),
            OperatorKind::GraphToTable(tables) => {
                self.push("graph-to-table ");
                self.list(tables, Self::graph_table);
            }
            OperatorKind::GraphWhereNodes(predicate) => self.with_value("graph-where-nodes", predicate),
            OperatorKind::GraphWhereEdges(predicate) => self.with_value("graph-where-edges", predicate),
            OperatorKind::MakeGraph(graph) => self.make_graph(graph),
            _ => {}
        }
    }

    fn make_graph(&mut self, graph: &MakeGraph) {
        self.head("make-graph", &graph.options);
        self.push(" ");
        self.name(&graph.source);
        self.push(if graph.is_directed { " --> " } else { " -- " });
        self.name(&graph.target);
        if let Some(node_id) = &graph.node_id {
            self.push(" with_node_id=");
            self.name(node_id);
        }
        self.clause("with", &graph.nodes, |printer, nodes| {
            printer.table(&nodes.table);
            printer.push(" on ");
            printer.name(&nodes.on);
        });
        if let Some((column, body)) = &graph.partition {
            self.push(" partitioned-by ");
            self.name(column);
            self.push(" ");
            self.body(body);
        }
    }

    fn graph_match(&mut self, word: &str, matched: &GraphMatch) {
        self.head(word, &matched.options);
        self.push(" ");
        self.list(&matched.patterns, |printer, pattern| {
            pattern.iter().for_each(|element| printer.graph_element(element));
        });
        if let Some(predicate) = &matched.predicate {
            self.push(" where");
            self.value(predicate);
        }
        self.clause("project", &matched.project, Self::column);
    }

    fn graph_element(&mut self, element: &GraphElement) {
        match element {
            GraphElement::Node { name, .. } => {
                self.push("(");
                if let Some(name) = name {
                    self.name(name);
                }
                self.push(")");
            }
            GraphElement::Edge { name, hops, direction, .. } => {
                self.push(if *direction == EdgeDirection::Left { "<-" } else { "-" });
                if name.is_some() || hops.is_some() {
                    self.push("[");
                    if let Some(name) = name {
                        self.name(name);
                    }
                    if let Some((least, most)) = hops {
                        self.push("*");
                        self.expression(least);
                        self.push("..");
                        self.expression(most);
                    }
                    self.push("]");
                }
                self.push(if *direction == EdgeDirection::Right { "->" } else { "-" });
            }
        }
    }

    fn graph_table(&mut self, table: &GraphTable) {
        self.push(if table.is_edges { "edges" } else { "nodes" });
        if let Some(name) = &table.name {
            self.push(" as ");
            self.name(name);
        }
        self.options(&table.options);
    }
}
