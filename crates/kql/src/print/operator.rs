//! Operators in print.

use super::Printer;
use crate::ast::{
    Column, ExpandedColumn, Expr, ExprKind, Name, Operator, OperatorKind, ParsePart, Schema, Setting,
};

impl Printer {
    pub(super) fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::As { options, name } => {
                self.head("as", options);
                self.push(" ");
                self.name(name);
            }
            OperatorKind::AssertSchema(schema) => {
                self.push("assert-schema ");
                self.schema(schema);
            }
            OperatorKind::Consume(options) => self.head("consume", options),
            OperatorKind::Count(name) => {
                self.push("count");
                if let Some(name) = name {
                    self.push(" as ");
                    self.name(name);
                }
            }
            OperatorKind::Datatable { schema, cells } => self.datatable(schema, cells),
            OperatorKind::Distinct { options, columns } => {
                self.head("distinct", options);
                self.columns(columns);
            }
            OperatorKind::Evaluate { options, call, schema } => {
                self.head("evaluate", options);
                self.value(call);
                if let Some(schema) = schema {
                    self.push(" : ");
                    self.schema(schema);
                }
            }
            OperatorKind::Extend(columns) => self.with_columns("extend", columns),
            OperatorKind::ExternalData { schema, sources, properties } => {
                self.push("externaldata ");
                self.schema(schema);
                self.push(" [");
                self.list(sources, Self::expression);
                self.push("]");
                self.properties(properties);
            }
            OperatorKind::Facet { columns, with } => {
                self.push("facet by ");
                self.list(columns, Self::expression);
                if let Some(with) = with {
                    self.push(" with ");
                    self.body(with);
                }
            }
            OperatorKind::Find(find) => self.find(find),
            OperatorKind::Fork(branches) => self.fork(branches),
            OperatorKind::GetSchema(options) => self.head("getschema", options),
            OperatorKind::Invoke(call) => self.with_value("invoke", call),
            OperatorKind::Join { options, right, on } => self.join("join", options, right, on),
            OperatorKind::Lookup { options, right, on } => self.join("lookup", options, right, on),
            OperatorKind::MacroExpand { options, group, name, body } => {
                self.head("macro-expand", options);
                self.push(" ");
                self.table(group);
                self.push(" as ");
                self.name(name);
                self.push(" ");
                self.block("(", ")", |printer| printer.script(body));
            }
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::MvApply { options, columns, limit, body } => {
                self.head("mv-apply", options);
                self.expanded(columns, limit.as_ref());
                self.push(" on ");
                self.body(body);
            }
            OperatorKind::MvExpand { options, columns, limit } => {
                self.head("mv-expand", options);
                self.expanded(columns, limit.as_ref());
            }
            OperatorKind::Parse { is_filter, options, value, pattern } => {
                self.head(if *is_filter { "parse-where" } else { "parse" }, options);
                self.value(value);
                self.push(" with");
                self.parse_pattern(pattern);
            }
            OperatorKind::ParseKv { value, schema, properties } => {
                self.with_value("parse-kv", value);
                self.push(" as ");
                self.schema(schema);
                self.properties(properties);
            }
            OperatorKind::Partition { options, by, within, body } => {
                self.head("partition", options);
                self.push(" by ");
                self.table(by);
                if let Some(within) = within {
                    self.push(" in (");
                    self.expression(within);
                    self.push(")");
                }
                self.push(" ");
                self.body(body);
            }
            OperatorKind::Print(columns) => self.with_columns("print", columns),
            OperatorKind::Project(columns) => self.with_columns("project", columns),
            OperatorKind::ProjectAway(columns) => self.with_values("project-away", columns),
            OperatorKind::ProjectByNames(columns) => self.with_values("project-by-names", columns),
            OperatorKind::ProjectKeep(columns) => self.with_values("project-keep", columns),
            OperatorKind::ProjectRename(columns) => self.with_columns("project-rename", columns),
            OperatorKind::ProjectReorder(orderings) => {
                self.push("project-reorder ");
                self.list(orderings, |printer, ordering| {
                    printer.table(&ordering.value.value);
                    printer.direction(ordering);
                });
            }
            OperatorKind::ProjectSmart(columns) => self.with_columns("project-smart", columns),
            OperatorKind::Range { name, from, to, step } => self.range(name, from, to, step),
            OperatorKind::Reduce { options, by, properties } => {
                self.head("reduce", options);
                self.push(" by");
                self.value(by);
                self.clause("with", properties, Self::setting);
            }
            OperatorKind::Render { chart, properties } => {
                self.push("render ");
                self.push(&chart.text);
                self.properties(properties);
            }
            OperatorKind::Sample(count) => self.with_value("sample", count),
            OperatorKind::SampleDistinct { count, of } => {
                self.with_value("sample-distinct", count);
                self.push(" of");
                self.value(of);
            }
            OperatorKind::Scan(scan) => self.scan(scan),
            OperatorKind::Search { options, tables, predicate } => self.search(options, tables, predicate),
            OperatorKind::Serialize(columns) => self.with_columns("serialize", columns),
            OperatorKind::Sort { options, by } => {
                self.head("sort", options);
                self.clause("by", by, Self::ordering);
            }
            OperatorKind::Summarize { options, aggregates, by } => {
                self.head("summarize", options);
                self.columns(aggregates);
                self.clause("by", by, Self::column);
            }
            OperatorKind::Take { options, count } => {
                self.head("take", options);
                self.value(count);
            }
            OperatorKind::Top { options, count, by } => {
                self.head("top", options);
                self.value(count);
                self.clause("by", by, Self::ordering);
            }
            OperatorKind::TopHitters { count, of, by } => {
                self.with_value("top-hitters", count);
                self.push(" of");
                self.value(of);
                if let Some(by) = by {
                    self.push(" by");
                    self.value(by);
                }
            }
            OperatorKind::TopNested(levels) => self.list(levels, Self::top_nested),
            OperatorKind::Union { options, tables } => {
                self.head("union", options);
                self.push(" ");
                self.list(tables, Self::table);
            }
            OperatorKind::Where { options, predicate } => {
                self.head("where", options);
                self.value(predicate);
            }
            OperatorKind::Unknown(name) => self.push(&name.text),
            other => self.graph_operator(other),
        }
    }

    pub(super) fn head(&mut self, word: &str, options: &[Setting]) {
        self.push(word);
        self.options(options);
    }

    pub(super) fn value(&mut self, value: &Expr) {
        self.push(" ");
        self.expression(value);
    }

    pub(super) fn with_value(&mut self, word: &str, value: &Expr) {
        self.push(word);
        self.value(value);
    }

    fn with_values(&mut self, word: &str, values: &[Expr]) {
        self.push(word);
        self.push(" ");
        self.list(values, Self::table);
    }

    fn with_columns(&mut self, word: &str, columns: &[Column]) {
        self.push(word);
        self.columns(columns);
    }

    fn columns(&mut self, columns: &[Column]) {
        if !columns.is_empty() {
            self.push(" ");
            self.list(columns, Self::column);
        }
    }

    /// Cells row by row, a row a line.
    fn datatable(&mut self, schema: &Schema, cells: &[Expr]) {
        self.push("datatable ");
        self.schema(schema);
        self.push(" ");
        let width = schema.columns.len().max(1);
        self.block("[", "]", |printer| {
            for (index, cell) in cells.iter().enumerate() {
                if index > 0 {
                    printer.push(",");
                    if index % width == 0 {
                        printer.line();
                    } else {
                        printer.push(" ");
                    }
                }
                printer.expression(cell);
            }
        });
    }

    fn join(&mut self, word: &str, options: &[Setting], right: &Expr, on: &[Expr]) {
        self.head(word, options);
        self.push(" ");
        self.table(right);
        self.clause("on", on, Self::expression);
    }

    fn expanded(&mut self, columns: &[ExpandedColumn], limit: Option<&Expr>) {
        self.push(" ");
        self.list(columns, |printer, expanded| {
            printer.column(&expanded.column);
            if let Some(to) = expanded.to {
                printer.push(" to typeof(");
                printer.push(to.name());
                printer.push(")");
            }
        });
        if let Some(limit) = limit {
            self.push(" limit");
            self.value(limit);
        }
    }

    fn parse_pattern(&mut self, pattern: &[ParsePart]) {
        for part in pattern {
            self.push(" ");
            match part {
                ParsePart::Skip(_) => self.push("*"),
                ParsePart::Text(text) if matches!(text.kind, ExprKind::Literal { .. }) => {
                    self.expression(text)
                }
                ParsePart::Text(text) => self.in_brackets(text),
                ParsePart::Column(column) => self.column_declaration(column),
            }
        }
    }

    fn range(&mut self, name: &Name, from: &Expr, to: &Expr, step: &Expr) {
        self.push("range ");
        self.name(name);
        for (word, value) in [(" from", from), (" to", to), (" step", step)] {
            self.push(word);
            self.value(value);
        }
    }
}
