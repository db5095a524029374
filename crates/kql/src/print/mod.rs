//! The tree back to text: what is printed reads back as the same tree.
//!
//! Comments and spellings (quotes, legacy names, parentheses that change nothing) are not part of the tree and are not
//! printed.

mod expression;
mod literal;
mod operator;
mod special;

use std::fmt;

use crate::ast::{
    Column, ColumnDeclaration, Expr, ExprKind, Name, Operator, Ordering, Parameter, ParameterKind, Pattern,
    Query, Schema, Script, Setting, Statement,
};
use crate::lexer::{TokenKind, tokens};

/// Words that may mean something else than a name where a name can stand; as names they take brackets.
const RESERVED: [&str; 63] = [
    "alias",
    "and",
    "as",
    "asc",
    "between",
    "by",
    "contains",
    "contains_cs",
    "datatable",
    "declare",
    "default",
    "desc",
    "distinct",
    "endswith",
    "endswith_cs",
    "entity_group",
    "evaluate",
    "extend",
    "external_data",
    "externaldata",
    "false",
    "find",
    "from",
    "has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "in",
    "invoke",
    "let",
    "like",
    "limit",
    "macro",
    "matches",
    "mvexpand",
    "null",
    "nulls",
    "of",
    "on",
    "optional",
    "or",
    "others",
    "print",
    "project",
    "range",
    "restrict",
    "search",
    "set",
    "startswith",
    "startswith_cs",
    "step",
    "summarize",
    "to",
    "true",
    "typeof",
    "union",
    "view",
    "where",
    "with",
];

/// Collects the text.
struct Printer {
    out: String,
    /// Levels of indentation, four blanks each.
    indent: usize,
}

fn print(write: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer { out: String::new(), indent: 0 };
    write(&mut printer);
    printer.out
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(|printer| printer.script(self)))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(|printer| printer.statement(self)))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(|printer| printer.expression(self)))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(|printer| printer.operator(self)))
    }
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn line(&mut self) {
        self.out.push('\n');
        (0..self.indent).for_each(|_| self.out.push_str("    "));
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        for (index, each) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            item(self, each);
        }
    }

    /// ` word item, item`, or nothing without items.
    fn clause<T>(&mut self, word: &str, items: &[T], item: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.push(" ");
            self.push(word);
            self.push(" ");
            self.list(items, item);
        }
    }

    /// Text between brackets on lines of its own.
    fn block(&mut self, open: &str, close: &str, inside: impl FnOnce(&mut Self)) {
        self.push(open);
        self.indent += 1;
        self.line();
        inside(self);
        self.indent -= 1;
        self.line();
        self.push(close);
    }

    fn name(&mut self, name: &Name) {
        self.name_text(&name.text);
    }

    fn name_text(&mut self, text: &str) {
        if is_bare(text) && !RESERVED.contains(&text) {
            self.push(text);
        } else {
            self.push("[");
            self.quoted(text);
            self.push("]");
        }
    }

    fn script(&mut self, script: &Script) {
        for (index, statement) in script.statements.iter().enumerate() {
            if index > 0 {
                self.push(";");
                self.line();
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let { name, value } => {
                self.push("let ");
                self.name(name);
                self.push(" = ");
                self.pipeline(value);
            }
            Statement::Set { name, value } => {
                self.push("set ");
                self.name(name);
                if let Some(value) = value {
                    self.push(" = ");
                    self.expression(value);
                }
            }
            Statement::Parameters(parameters) => {
                self.push("declare query_parameters ");
                self.parameters(parameters);
            }
            Statement::Pattern(pattern) => self.pattern(pattern),
            Statement::Alias { name, target } => {
                self.push("alias database ");
                self.name(name);
                self.push(" = ");
                self.expression(target);
            }
            Statement::Restrict(entities) => {
                self.push("restrict access to (");
                self.list(entities, Self::table);
                self.push(")");
            }
            Statement::Query(query) => self.pipeline(query),
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.push("declare pattern ");
        self.name(&pattern.name);
        if pattern.parameters.is_empty() && pattern.cases.is_empty() {
            return;
        }
        self.push(" = ");
        self.parameters(&pattern.parameters);
        if let Some(path) = &pattern.path {
            self.push("[");
            self.parameter(path);
            self.push("]");
        }
        self.push(" ");
        self.block("{", "}", |printer| {
            for (index, case) in pattern.cases.iter().enumerate() {
                if index > 0 {
                    printer.line();
                }
                printer.push("(");
                printer.list(&case.values, Self::expression);
                printer.push(")");
                if let Some(path) = &case.path {
                    printer.push(".[");
                    printer.expression(path);
                    printer.push("]");
                }
                printer.push(" = ");
                printer.block("{", "};", |printer| printer.script(&case.body));
            }
        });
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.push("(");
        self.list(parameters, Self::parameter);
        self.push(")");
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.name(&parameter.name);
        self.push(": ");
        match &parameter.kind {
            ParameterKind::Scalar(scalar_type) => self.push(scalar_type.name()),
            ParameterKind::Table(schema) => self.schema(schema),
        }
        if let Some(default) = &parameter.default {
            self.push(" = ");
            self.expression(default);
        }
    }

    fn schema(&mut self, schema: &Schema) {
        self.push("(");
        self.schema_columns(schema);
        self.push(")");
    }

    fn schema_columns(&mut self, schema: &Schema) {
        let star = if schema.is_open { schema.before_star.min(schema.columns.len()) } else { 0 };
        let (before, after) = schema.columns.split_at_checked(star).unwrap_or_default();
        self.list(before, Self::column_declaration);
        if schema.is_open {
            self.push(if before.is_empty() { "*" } else { ", *" });
            self.push(if after.is_empty() { "" } else { ", " });
        }
        self.list(after, Self::column_declaration);
    }

    fn column_declaration(&mut self, column: &ColumnDeclaration) {
        self.name(&column.name);
        if let Some(scalar_type) = column.scalar_type {
            self.push(": ");
            self.push(scalar_type.name());
        }
    }

    fn column(&mut self, column: &Column) {
        match column.names.as_slice() {
            [] => {}
            [name] => {
                self.name(name);
                self.push(" = ");
            }
            names => {
                self.push("(");
                self.list(names, Self::name);
                self.push(") = ");
            }
        }
        self.expression(&column.value);
    }

    fn ordering(&mut self, ordering: &Ordering) {
        self.column(&ordering.value);
        self.direction(ordering);
    }

    fn direction(&mut self, ordering: &Ordering) {
        if ordering.is_granny {
            self.push(" granny-");
        } else if ordering.is_ascending.is_some() {
            self.push(" ");
        }
        match ordering.is_ascending {
            Some(true) => self.push("asc"),
            Some(false) => self.push("desc"),
            None => {}
        }
        match ordering.nulls_first {
            Some(true) => self.push(" nulls first"),
            Some(false) => self.push(" nulls last"),
            None => {}
        }
    }

    /// `name=value` pairs separated by blanks, each with a blank before it.
    fn options(&mut self, options: &[Setting]) {
        for option in options {
            self.push(" ");
            self.setting(option);
        }
    }

    fn setting(&mut self, setting: &Setting) {
        self.push(&setting.name.text);
        self.push("=");
        self.list(&setting.values, |printer, value| match &value.kind {
            // `kind=leftouter` and `kind=time-line` name no column.
            ExprKind::Name(name) if name.split('-').all(is_bare) => printer.push(name),
            _ => printer.expression(value),
        });
    }

    /// ` with (name=value, ...)`
    fn properties(&mut self, properties: &[Setting]) {
        if !properties.is_empty() {
            self.push(" with (");
            self.list(properties, Self::setting);
            self.push(")");
        }
    }

    /// A pipeline without brackets around it, an operator a line.
    fn pipeline(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Query(query) => self.query(query),
            _ => self.expression(value),
        }
    }

    fn query(&mut self, query: &Query) {
        if let Some(source) = &query.source {
            self.expression(source);
        }
        for (index, operator) in query.operators.iter().enumerate() {
            if index > 0 || query.source.is_some() {
                self.line();
                self.push("| ");
            }
            self.operator(operator);
        }
    }

    /// A pipeline in brackets.
    fn body(&mut self, body: &Expr) {
        self.block("(", ")", |printer| printer.pipeline(body));
    }
}

/// True for what reads as one word of its own.
fn is_bare(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$');
    if starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return true;
    }
    // Letters beyond ASCII, and words that begin with digits and are no number: `5MinuteBin`, but not `5m`.
    let (tokens, _) = tokens(text);
    let is_word =
        tokens.first().is_some_and(|token| token.kind == TokenKind::Word && token.span.text(text) == text);
    is_word && text.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '$'))
}
