//! Operators with a grammar of their own.

use super::{Parser, Read};
use crate::ast::{
    Column, ExpandedColumn, Expr, ExprKind, Find, FindColumn, ForkBranch, MakeSeries, Name, OperatorKind,
    ParsePart, Scan, ScanStep, TopNested,
};
use crate::lexer::TokenKind;
use crate::value::ScalarType;

/// The settings of `mv-expand` and `mv-apply`.
const EXPANDS: [&str; 4] = ["kind", "bagexpansion", "bag_expansion", "with_itemindex"];

impl Parser<'_> {
    pub(super) fn larger_operator(&mut self, word: &str, name: &Name) -> Read<OperatorKind> {
        match word {
            "datatable" => self.datatable(),
            "evaluate" => self.evaluate(),
            "externaldata" => self.external_data(),
            "facet" => self.facet(),
            "find" => self.find(),
            "fork" => self.fork(),
            "join" | "lookup" => self.join(word == "join"),
            "macro-expand" => self.macro_expand(),
            "make-series" => self.make_series(),
            "mv-apply" => self.mv_apply(),
            "mv-expand" => self.mv_expand(),
            "parse" | "parse-where" => self.parse_operator(word == "parse-where"),
            "parse-kv" => self.parse_kv(),
            "partition" | "__partitionby" => self.partition(),
            "range" => self.range(),
            "reduce" => self.reduce(),
            "render" => self.render(),
            "scan" => self.scan(),
            "search" => self.search(),
            "summarize" => self.summarize(),
            "top-hitters" => self.top_hitters(),
            "top-nested" => Ok(OperatorKind::TopNested(self.list(Self::top_nested)?)),
            "union" => self.union(),
            _ => self.graph_operator(word, name),
        }
    }

    fn datatable(&mut self) -> Read<OperatorKind> {
        let schema = self.schema()?;
        self.expect("[")?;
        // A comma may stand before the first cell, so that every line can begin with one.
        self.eat(",");
        let mut cells = Vec::new();
        while !self.is_sign("]") {
            cells.push(self.expression()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(OperatorKind::Datatable { schema, cells })
    }

    fn evaluate(&mut self) -> Read<OperatorKind> {
        let options = self.settings()?;
        let call = self.called()?;
        let schema = if self.eat(":") { Some(self.schema()?) } else { None };
        Ok(OperatorKind::Evaluate { options, call, schema })
    }

    fn external_data(&mut self) -> Read<OperatorKind> {
        let schema = self.schema()?;
        self.expect("[")?;
        let mut sources = Vec::new();
        while !self.is_sign("]") {
            sources.push(self.expression()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect("]")?;
        let properties = if self.is_word("with") {
            self.properties()?
        } else if self.is_sign("(") {
            self.property_list()?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::ExternalData { schema, sources, properties })
    }

    fn facet(&mut self) -> Read<OperatorKind> {
        self.expect_word("by")?;
        let columns = self.list(Self::expression)?;
        let with = if self.eat_word("with") {
            let body = if self.is_sign("(") { self.sub_pipeline()? } else { self.single_operator() };
            Some(Box::new(body))
        } else {
            None
        };
        Ok(OperatorKind::Facet { columns, with })
    }

    fn find(&mut self) -> Read<OperatorKind> {
        let mut options = self.settings()?;
        let mut tables = Vec::new();
        if self.is_word("in") && self.ahead(1).kind == TokenKind::Sign("(") {
            self.advance();
            self.expect("(")?;
            tables = self.list(Self::table)?;
            self.expect(")")?;
        }
        options.extend(self.settings()?);
        self.eat_word("where");
        let predicate = self.search_predicate()?;
        let (mut project, mut project_away) = (None, Vec::new());
        // `project-smart` says what holds anyway, and may have `project-away` behind it.
        if !self.eat_dashed("project-smart") && self.dashed_word().is_some_and(|(word, _)| word == "project")
        {
            self.advance();
            project = Some(self.list(Self::find_column)?);
        }
        if self.eat_dashed("project-away") {
            project_away = self.list(Self::name_pattern)?;
        }
        let find = Find { options, tables, predicate, project, project_away };
        Ok(OperatorKind::Find(Box::new(find)))
    }

    fn find_column(&mut self) -> Read<FindColumn> {
        let token = self.peek();
        if matches!(self.word(), Some("pack" | "pack_all")) && self.ahead(1).kind == TokenKind::Sign("(") {
            self.advance();
            self.expect("(")?;
            self.eat("*");
            let end = self.expect(")")?;
            return Ok(FindColumn::Pack(token.span.to(end)));
        }
        Ok(FindColumn::Column(self.column_declaration()?))
    }

    /// Expressions in which `column: term` and bare terms have a meaning.
    fn search_predicate(&mut self) -> Read<Expr> {
        let before = std::mem::replace(&mut self.in_search, true);
        let predicate = self.expression();
        self.in_search = before;
        predicate
    }

    fn fork(&mut self) -> Read<OperatorKind> {
        let mut branches = Vec::new();
        while self.is_sign("(") || self.ahead(1).kind == TokenKind::Sign("=") {
            let name = if self.is_sign("(") {
                None
            } else {
                let name = self.name()?;
                self.expect("=")?;
                Some(name)
            };
            branches.push(ForkBranch { name, body: self.sub_pipeline()? });
        }
        if branches.is_empty() {
            return self.unexpected("`(`");
        }
        Ok(OperatorKind::Fork(branches))
    }

    /// A table, with wildcards or in brackets.
    fn table(&mut self) -> Read<Expr> {
        if self.is_sign("(")
            || self.peek().kind == TokenKind::Word && self.ahead(1).kind == TokenKind::Sign("|")
        {
            return self.deeper(Self::postfix);
        }
        self.name_pattern()
    }

    fn join(&mut self, is_join: bool) -> Read<OperatorKind> {
        let mut options = self.settings()?;
        let right = self.deeper(Self::postfix)?;
        options.extend(self.settings()?);
        let on = if self.eat_word("on") || self.eat_word("where") {
            self.list(Self::expression)?
        } else {
            Vec::new()
        };
        Ok(if is_join {
            OperatorKind::Join { options, right, on }
        } else {
            OperatorKind::Lookup { options, right, on }
        })
    }

    fn macro_expand(&mut self) -> Read<OperatorKind> {
        let options = self.settings()?;
        let group = self.deeper(Self::postfix)?;
        self.expect_word("as")?;
        let name = self.name()?;
        self.expect("(")?;
        let body = self.deeper(|parser| Ok(parser.script(TokenKind::Sign(")"))))?;
        self.expect(")")?;
        Ok(OperatorKind::MacroExpand { options, group, name, body })
    }

    fn make_series(&mut self) -> Read<OperatorKind> {
        let options = self.settings_of(&["kind"])?;
        let aggregates = self.list(|parser| {
            let column = parser.column()?;
            let default = if parser.eat_word("default") {
                parser.expect("=")?;
                Some(parser.expression()?)
            } else {
                None
            };
            Ok((column, default))
        })?;
        self.expect_word("on")?;
        let on = self.column()?;
        let (mut from, mut to, mut is_range) = (None, None, false);
        // `on t in range(from, to, step)` reads as a membership test.
        let on = match on.value.kind {
            ExprKind::Membership { value, items, .. } => {
                is_range = true;
                self.legacy_range(*value, items, &mut from, &mut to)
                    .map(|(value, step)| (Column { names: on.names, value }, Some(step)))?
            }
            _ => (on, None),
        };
        let (on, step) = on;
        let step = match step {
            Some(step) => step,
            None => {
                if self.eat_word("from") {
                    from = Some(self.expression()?);
                }
                if self.eat_word("to") {
                    to = Some(self.expression()?);
                }
                self.expect_word("step")?;
                self.expression()?
            }
        };
        let by = if self.eat_word("by") { self.columns()? } else { Vec::new() };
        let series = MakeSeries { options, aggregates, on, from, to, step, is_range, by };
        Ok(OperatorKind::MakeSeries(Box::new(series)))
    }

    /// The bounds and the step of `range(from, to, step)`.
    fn legacy_range(
        &mut self,
        value: Expr,
        items: Vec<Expr>,
        from: &mut Option<Expr>,
        to: &mut Option<Expr>,
    ) -> Read<(Expr, Expr)> {
        let arguments = match items.into_iter().next() {
            Some(Expr { kind: ExprKind::Call { arguments, .. }, .. }) => arguments,
            _ => Vec::new(),
        };
        let mut arguments = arguments.into_iter().map(|argument| argument.value);
        match (arguments.next(), arguments.next(), arguments.next()) {
            (Some(first), Some(last), Some(step)) => {
                (*from, *to) = (Some(first), Some(last));
                Ok((value, step))
            }
            _ => self.fail("malformed-range", value.span, "expected `in range(from, to, step)`"),
        }
    }

    fn mv_apply(&mut self) -> Read<OperatorKind> {
        let options = self.settings_of(&EXPANDS)?;
        let (columns, limit) = self.expanded_columns()?;
        self.expect_word("on")?;
        Ok(OperatorKind::MvApply { options, columns, limit, body: self.sub_pipeline()? })
    }

    fn mv_expand(&mut self) -> Read<OperatorKind> {
        let options = self.settings_of(&EXPANDS)?;
        let (columns, limit) = self.expanded_columns()?;
        Ok(OperatorKind::MvExpand { options, columns, limit })
    }

    fn expanded_columns(&mut self) -> Read<(Vec<ExpandedColumn>, Option<Expr>)> {
        let columns = self.list(|parser| {
            let column = parser.column()?;
            let to = if parser.eat_word("to") { Some(parser.type_of_scalar()?) } else { None };
            Ok(ExpandedColumn { column, to })
        })?;
        let limit = if self.eat_word("limit") { Some(self.expression()?) } else { None };
        Ok((columns, limit))
    }

    /// `typeof(long)`
    fn type_of_scalar(&mut self) -> Read<ScalarType> {
        self.expect_word("typeof")?;
        self.expect("(")?;
        let scalar_type = self.scalar_type()?;
        self.expect(")")?;
        Ok(scalar_type)
    }

    fn parse_operator(&mut self, is_filter: bool) -> Read<OperatorKind> {
        let options = self.settings()?;
        let value = self.expression()?;
        self.expect_word("with")?;
        let mut pattern = Vec::new();
        loop {
            let token = self.peek();
            match token.kind {
                TokenKind::Sign("*") => {
                    self.advance();
                    pattern.push(ParsePart::Skip(token.span));
                }
                TokenKind::Text => pattern.push(ParsePart::Text(self.plain_literal()?)),
                TokenKind::Word | TokenKind::Sign("[") => {
                    pattern.push(ParsePart::Column(self.column_declaration()?))
                }
                // A part can be a constant in brackets.
                TokenKind::Sign("(") => pattern.push(ParsePart::Text(self.deeper(Self::postfix)?)),
                _ => break,
            }
        }
        if pattern.is_empty() {
            return self.unexpected("a pattern");
        }
        Ok(OperatorKind::Parse { is_filter, options, value, pattern })
    }

    fn parse_kv(&mut self) -> Read<OperatorKind> {
        let value = self.expression()?;
        self.expect_word("as")?;
        let schema = self.schema()?;
        Ok(OperatorKind::ParseKv { value, schema, properties: self.properties()? })
    }

    fn partition(&mut self) -> Read<OperatorKind> {
        let mut options = self.settings()?;
        self.eat_word("by");
        // `by Column (...)` is no call.
        let by = if self.ahead(1).kind == TokenKind::Sign("(") {
            let name = self.name()?;
            Expr { kind: ExprKind::Name(name.text), span: name.span }
        } else {
            self.deeper(Self::postfix)?
        };
        options.extend(self.settings()?);
        let within = if self.eat_word("in") { Some(self.deeper(Self::postfix)?) } else { None };
        let body = if self.is_sign("{") {
            self.expect("{")?;
            let body = self.pipeline()?;
            self.expect("}")?;
            body
        } else {
            self.sub_pipeline()?
        };
        Ok(OperatorKind::Partition { options, by, within, body })
    }

    fn range(&mut self) -> Read<OperatorKind> {
        let name = self.name()?;
        self.expect_word("from")?;
        let from = self.expression()?;
        self.expect_word("to")?;
        let to = self.expression()?;
        self.expect_word("step")?;
        Ok(OperatorKind::Range { name, from, to, step: self.expression()? })
    }

    fn reduce(&mut self) -> Read<OperatorKind> {
        let options = self.settings()?;
        self.expect_word("by")?;
        let by = self.expression()?;
        let properties = if self.eat_word("with") {
            if self.is_sign("(") { self.property_list()? } else { self.bare_properties()? }
        } else {
            Vec::new()
        };
        Ok(OperatorKind::Reduce { options, by, properties })
    }

    /// `threshold = 0.1, characters = "_"` without brackets.
    fn bare_properties(&mut self) -> Read<Vec<crate::ast::Setting>> {
        self.list(|parser| {
            let name = parser.name()?;
            parser.expect("=")?;
            Ok(crate::ast::Setting { name, values: vec![parser.expression()?] })
        })
    }

    fn render(&mut self) -> Read<OperatorKind> {
        let chart = self.name()?;
        let properties = if self.is_word("with") {
            self.properties()?
        } else {
            // Legacy: `kind=stacked by x title="t"` behind the chart.
            let mut properties = self.settings()?;
            loop {
                let name = self.peek();
                if self.eat_word("by") {
                    let name = Name { text: "by".into(), span: name.span };
                    properties.push(crate::ast::Setting { name, values: self.list(Self::expression)? });
                } else if name.kind == TokenKind::Word && self.ahead(1).kind == TokenKind::Sign("=") {
                    let name = self.name()?;
                    self.expect("=")?;
                    properties.push(crate::ast::Setting { name, values: vec![self.expression()?] });
                    self.eat(",");
                } else {
                    break;
                }
            }
            properties
        };
        Ok(OperatorKind::Render { chart, properties })
    }

    fn scan(&mut self) -> Read<OperatorKind> {
        let options = self.settings()?;
        let (mut order, mut partition, mut declare) = (Vec::new(), Vec::new(), Vec::new());
        if self.eat_word("order") {
            self.expect_word("by")?;
            order = self.list(Self::ordering)?;
        }
        if self.eat_word("partition") {
            self.expect_word("by")?;
            partition = self.list(Self::expression)?;
        }
        if self.eat_word("declare") {
            declare = self.parameters()?;
        }
        self.expect_word("with")?;
        self.expect("(")?;
        let mut steps = Vec::new();
        while self.is_word("step") {
            steps.push(self.scan_step()?);
            self.eat(";");
        }
        self.expect(")")?;
        Ok(OperatorKind::Scan(Box::new(Scan { options, order, partition, declare, steps })))
    }

    fn scan_step(&mut self) -> Read<ScanStep> {
        self.expect_word("step")?;
        let name = self.name()?;
        let is_optional = self.eat_word("optional");
        let output = if self.eat_word("output") {
            self.expect("=")?;
            Some(self.name()?)
        } else {
            None
        };
        self.expect(":")?;
        let condition = self.expression()?;
        let assignments = if self.eat("=>") { self.list(Self::assignment)? } else { Vec::new() };
        Ok(ScanStep { name, is_optional, output, condition, assignments })
    }

    fn assignment(&mut self) -> Read<Column> {
        let name = self.name()?;
        self.expect("=")?;
        Ok(Column { names: vec![name], value: self.expression()? })
    }

    fn search(&mut self) -> Read<OperatorKind> {
        let mut options = self.settings()?;
        let mut tables = Vec::new();
        if self.is_word("in") && self.ahead(1).kind == TokenKind::Sign("(") {
            self.advance();
            self.expect("(")?;
            tables = self.list(Self::table)?;
            self.expect(")")?;
        }
        options.extend(self.settings()?);
        Ok(OperatorKind::Search { options, tables, predicate: self.search_predicate()? })
    }

    fn summarize(&mut self) -> Read<OperatorKind> {
        let options = self.settings_of(&[])?;
        let is_bare = self.is_word("by") && self.ahead(1).kind != TokenKind::Sign("=");
        let aggregates = if is_bare || self.is_end() { Vec::new() } else { self.columns_before_by()? };
        let by = if self.eat_word("by") { self.columns()? } else { Vec::new() };
        Ok(OperatorKind::Summarize { options, aggregates, by })
    }

    /// Columns separated by commas; a comma may stand before `by`.
    fn columns_before_by(&mut self) -> Read<Vec<Column>> {
        let mut columns = vec![self.column()?];
        while self.eat(",") {
            if self.is_word("by") || self.is_end() {
                break;
            }
            columns.push(self.column()?);
        }
        Ok(columns)
    }

    fn is_end(&self) -> bool {
        matches!(self.peek().kind, TokenKind::End | TokenKind::Sign("|" | ";" | ")" | "}"))
    }

    fn top_hitters(&mut self) -> Read<OperatorKind> {
        let count = self.expression()?;
        self.expect_word("of")?;
        let of = self.expression()?;
        let by = if self.eat_word("by") { Some(self.expression()?) } else { None };
        Ok(OperatorKind::TopHitters { count, of, by })
    }

    fn top_nested(&mut self) -> Read<TopNested> {
        // Further levels may repeat the operator's name.
        self.eat_dashed("top-nested");
        let count = if self.is_word("of") { None } else { Some(self.expression()?) };
        self.expect_word("of")?;
        let of = self.column()?;
        let others = if self.eat_word("with") {
            self.expect_word("others")?;
            self.expect("=")?;
            Some(self.expression()?)
        } else {
            None
        };
        self.expect_word("by")?;
        Ok(TopNested { count, of, others, by: self.ordering()? })
    }

    fn union(&mut self) -> Read<OperatorKind> {
        let options = self.settings()?;
        let mut tables = vec![self.table()?];
        while self.eat(",") {
            if self.is_end() {
                break;
            }
            tables.push(self.table()?);
        }
        Ok(OperatorKind::Union { options, tables })
    }
}
