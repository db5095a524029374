//! Which tables and functions a query reads, by its syntax alone: enough to count with, not a binder.

use std::collections::BTreeSet;

use castellan_kql::ast::{
    Argument, Column, Expr, ExprKind, Operator, OperatorKind, Script, Setting, Statement,
};
use castellan_kql::registry;

/// What a query reads that it does not define itself.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Names where rows are expected; with `*` in them, patterns.
    pub(crate) tables: BTreeSet<String>,
    /// Functions that the language does not have.
    pub(crate) functions: BTreeSet<String>,
    defined: Vec<String>,
}

/// The sources of a script.
pub(crate) fn sources(script: &Script) -> Sources {
    let mut sources = Sources::default();
    sources.script(script);
    sources
}

impl Sources {
    fn script(&mut self, script: &Script) {
        for statement in &script.statements {
            match statement {
                Statement::Let { name, value } => {
                    self.rows(value);
                    self.defined.push(name.text.to_string());
                }
                Statement::Pattern(pattern) => self.defined.push(pattern.name.text.to_string()),
                Statement::Alias { name, .. } => self.defined.push(name.text.to_string()),
                Statement::Parameters(parameters) => {
                    self.defined.extend(parameters.iter().map(|parameter| parameter.name.text.to_string()));
                }
                Statement::Query(query) => self.rows(query),
                Statement::Set { .. } | Statement::Restrict(_) => {}
            }
        }
    }

    fn defines(&self, name: &str) -> bool {
        self.defined.iter().any(|defined| defined == name)
    }

    /// An expression where rows may stand.
    fn rows(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(name) => self.read(name),
            ExprKind::Wildcard(pattern) => {
                // Views of the query itself are found too; then nothing is missing.
                let (start, _) = pattern.split_once('*').unwrap_or((pattern, ""));
                if start.is_empty() || !self.defined.iter().any(|defined| defined.starts_with(start)) {
                    self.tables.insert(pattern.to_string());
                }
            }
            ExprKind::Member { base, name } if is_workspace(base) => {
                self.tables.insert(name.text.to_string());
            }
            ExprKind::Function(function) => {
                let outer = self.defined.len();
                let names = function.parameters.iter().map(|parameter| parameter.name.text.to_string());
                self.defined.extend(names);
                self.script(&function.body);
                self.defined.truncate(outer);
            }
            _ => self.value(expr),
        }
    }

    fn read(&mut self, name: &str) {
        if !self.defines(name) {
            self.tables.insert(name.to_owned());
        }
    }

    fn rows_of_all(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.rows(expr);
        }
    }

    /// An expression where names are columns.
    fn value(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Query(query) => {
                if let Some(source) = &query.source {
                    self.rows(source);
                }
                for operator in &query.operators {
                    self.operator(operator);
                }
            }
            ExprKind::Call { callee, arguments } => self.call(callee, arguments),
            ExprKind::Member { base, .. } => self.value(base),
            ExprKind::Index { base, index } => self.values([&**base, &**index]),
            ExprKind::Unary { operand, .. } => self.value(operand),
            ExprKind::Binary { left, right, .. } => self.values([&**left, &**right]),
            ExprKind::Between { value, low, high, .. } => self.values([&**value, &**low, &**high]),
            ExprKind::Membership { value, items, .. } => {
                self.value(value);
                self.values(items);
            }
            _ => {}
        }
    }

    fn values<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        for expr in exprs {
            self.value(expr);
        }
    }

    fn call(&mut self, callee: &Expr, arguments: &[Argument]) {
        let ExprKind::Name(name) = &callee.kind else { return };
        let takes_rows = ["materialize", "toscalar", "view"].contains(&&**name);
        if &**name == "table" {
            if let Some(Expr { kind: ExprKind::Literal { value, .. }, .. }) =
                arguments.first().map(|a| &a.value)
            {
                self.read(value.as_str().unwrap_or_default());
            }
        } else if registry::find(name).is_none() && !self.defines(name) {
            self.functions.insert(name.to_string());
        }
        for argument in arguments {
            if takes_rows { self.rows(&argument.value) } else { self.value(&argument.value) }
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        self.values(columns.iter().map(|column| &column.value));
    }

    fn settings(&mut self, settings: &[Setting]) {
        self.values(settings.iter().flat_map(|setting| &setting.values));
    }

    fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::As { name, .. } => self.defined.push(name.text.to_string()),
            OperatorKind::Join { right, .. } | OperatorKind::Lookup { right, .. } => self.rows(right),
            OperatorKind::Union { tables, .. } => self.rows_of_all(tables),
            OperatorKind::Search { tables, predicate, .. } => {
                self.rows_of_all(tables);
                self.value(predicate);
            }
            OperatorKind::Find(find) => {
                self.rows_of_all(&find.tables);
                self.value(&find.predicate);
            }
            OperatorKind::Where { predicate, .. } => self.value(predicate),
            OperatorKind::Extend(columns)
            | OperatorKind::Project(columns)
            | OperatorKind::Print(columns)
            | OperatorKind::Serialize(columns) => self.columns(columns),
            OperatorKind::Summarize { aggregates, by, .. } => {
                self.columns(aggregates);
                self.columns(by);
            }
            OperatorKind::MvApply { body, columns, .. } => {
                self.values(columns.iter().map(|expanded| &expanded.column.value));
                self.value(body);
            }
            OperatorKind::MvExpand { columns, .. } => {
                self.values(columns.iter().map(|expanded| &expanded.column.value));
            }
            OperatorKind::Partition { body, .. } => self.value(body),
            OperatorKind::Fork(branches) => self.values(branches.iter().map(|branch| &branch.body)),
            OperatorKind::Facet { with: Some(body), .. } => self.value(body),
            OperatorKind::Invoke(call) | OperatorKind::Evaluate { call, .. } => self.value(call),
            OperatorKind::MakeGraph(graph) => {
                for nodes in &graph.nodes {
                    self.rows(&nodes.table);
                }
            }
            OperatorKind::MakeSeries(series) => {
                self.values(series.aggregates.iter().map(|(column, _)| &column.value));
                self.values(series.from.iter().chain(&series.to).chain([&series.step]));
            }
            OperatorKind::Datatable { cells, .. } => self.values(cells),
            OperatorKind::ExternalData { properties, .. } => self.settings(properties),
            _ => {}
        }
    }
}

/// `workspace("name")`: a table behind it is of the same kind as here.
fn is_workspace(expr: &Expr) -> bool {
    let ExprKind::Call { callee, .. } = &expr.kind else { return false };
    matches!(&callee.kind, ExprKind::Name(name) if &**name == "workspace")
}
