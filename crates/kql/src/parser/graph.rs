//! Graph operators.

use super::{Parser, Read};
use crate::ast::{
    EdgeDirection, Expr, GraphElement, GraphMatch, GraphNodes, GraphTable, MakeGraph, Name, OperatorKind,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn graph_operator(&mut self, word: &str, name: &Name) -> Read<OperatorKind> {
        match word {
            "make-graph" => self.make_graph(),
            "graph-match" => Ok(OperatorKind::GraphMatch(Box::new(self.graph_match()?))),
            "graph-shortest-paths" => Ok(OperatorKind::GraphShortestPaths(Box::new(self.graph_match()?))),
            "graph-mark-components" => Ok(OperatorKind::GraphMarkComponents(self.settings()?)),
            "graph-to-table" => Ok(OperatorKind::GraphToTable(self.list(Self::graph_table)?)),
            _ => self.fail("unsupported-operator", name.span, format!("`{word}` cannot be written here")),
        }
    }

    /// `source --> target with Nodes on id`
    fn make_graph(&mut self) -> Read<OperatorKind> {
        let mut options = self.settings()?;
        let source = self.name()?;
        self.expect("-")?;
        self.expect("-")?;
        let is_directed = self.eat(">");
        let target = self.name()?;
        let (mut nodes, mut node_id, mut partition) = (Vec::new(), None, None);
        options.extend(self.settings()?);
        if self.is_word("with_node_id") {
            self.advance();
            self.expect("=")?;
            node_id = Some(self.name()?);
        }
        if self.eat_word("with") {
            nodes = self.list(|parser| {
                let table = parser.deeper(Self::postfix)?;
                parser.expect_word("on")?;
                Ok(GraphNodes { table, on: parser.name()? })
            })?;
        }
        if self.eat_dashed("partitioned-by") {
            let column = self.name()?;
            partition = Some((column, Box::new(self.sub_pipeline()?)));
        }
        let graph = MakeGraph { options, source, is_directed, target, nodes, node_id, partition };
        Ok(OperatorKind::MakeGraph(Box::new(graph)))
    }

    fn graph_match(&mut self) -> Read<GraphMatch> {
        let options = self.settings()?;
        let patterns = self.list(Self::graph_pattern)?;
        let predicate = if self.eat_word("where") { Some(self.expression()?) } else { None };
        let project = if self.eat_word("project") { self.columns()? } else { Vec::new() };
        Ok(GraphMatch { options, patterns, predicate, project })
    }

    fn graph_pattern(&mut self) -> Read<Vec<GraphElement>> {
        let mut elements = vec![self.graph_node()?];
        while matches!(self.peek().kind, TokenKind::Sign("-" | "<")) {
            elements.push(self.graph_edge()?);
            elements.push(self.graph_node()?);
        }
        Ok(elements)
    }

    fn graph_node(&mut self) -> Read<GraphElement> {
        let start = self.expect("(")?;
        let name = if self.is_sign(")") { None } else { Some(self.name()?) };
        let end = self.expect(")")?;
        Ok(GraphElement::Node { name, span: start.to(end) })
    }

    /// `-[name*1..3]->`, `<-[name]-`, `-->`, `<--`, `--`
    fn graph_edge(&mut self) -> Read<GraphElement> {
        let start = self.peek().span;
        let is_left = self.eat("<");
        self.expect("-")?;
        let (mut name, mut hops) = (None, None);
        if self.eat("[") {
            if self.word().is_some() {
                name = Some(self.name()?);
            }
            if self.eat("*") {
                hops = Some(self.graph_hops()?);
            }
            self.expect("]")?;
        }
        self.expect("-")?;
        let is_right = self.eat(">");
        let direction = match (is_left, is_right) {
            (true, false) => EdgeDirection::Left,
            (false, true) => EdgeDirection::Right,
            (false, false) => EdgeDirection::Any,
            (true, true) => {
                let span = start.to(self.here());
                return self.fail("malformed-edge", span, "an edge points one way or none");
            }
        };
        Ok(GraphElement::Edge { name, hops, direction, span: start.to(self.here()) })
    }

    fn graph_hops(&mut self) -> Read<(Expr, Expr)> {
        let least = self.expression()?;
        self.expect("..")?;
        Ok((least, self.expression()?))
    }

    fn graph_table(&mut self) -> Read<GraphTable> {
        let is_edges = match self.word() {
            Some("nodes") => false,
            Some("edges") => true,
            _ => return self.unexpected("`nodes` or `edges`"),
        };
        self.advance();
        let name = self.name_after("as")?;
        let mut options = self.settings()?;
        while self.peek().kind == TokenKind::Word && self.ahead(1).kind == TokenKind::Sign("=") {
            let name = self.name()?;
            self.expect("=")?;
            options.push(crate::ast::Setting { name, values: vec![self.expression()?] });
        }
        Ok(GraphTable { is_edges, name, options })
    }
}
