//! Expressions in print.

use super::{Printer, is_bare};
use crate::ast::{Argument, BinaryKind, BinaryOperator, Expr, ExprKind, Function, MembershipOperator};
use crate::value::{ScalarType, Value};

/// How tightly the outermost operator of an expression binds; [`BinaryKind::precedence`] goes up to 7.
const UNARY: u8 = 8;
const ATOM: u8 = 9;

impl Printer {
    pub(super) fn expression(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Literal { value, scalar_type } => self.literal(value, *scalar_type),
            ExprKind::Name(name) => self.name_text(name),
            ExprKind::Wildcard(pattern) => self.push(pattern),
            ExprKind::Star => self.push("*"),
            ExprKind::Member { base, name } => {
                self.tight(base, ATOM);
                self.push(".");
                // A member can be a wildcard: `database("d").T*`.
                let stem = name.text.trim_end_matches('*');
                if is_bare(stem) || stem.is_empty() && !name.text.is_empty() {
                    self.push(&name.text);
                } else {
                    self.push("[");
                    self.quoted(&name.text);
                    self.push("]");
                }
            }
            ExprKind::Index { base, index } => {
                self.tight(base, ATOM);
                self.push("[");
                self.expression(index);
                self.push("]");
            }
            ExprKind::Call { callee, arguments } => self.call(callee, arguments),
            ExprKind::Unary { is_minus, operand } => {
                self.push(if *is_minus { "-" } else { "+" });
                self.tight(operand, UNARY);
            }
            ExprKind::Binary { operator, left, right } => {
                let precedence = operator.kind.precedence();
                self.tight(left, precedence);
                self.push(" ");
                self.push(operator.spelling());
                self.push(" ");
                // Operators of one rank group to the left.
                self.tight(right, precedence + 1);
            }
            ExprKind::Between { value, is_negated, low, high } => {
                self.tight(value, BinaryKind::Less.precedence());
                self.push(if *is_negated { " !between (" } else { " between (" });
                self.expression(low);
                self.push(" .. ");
                self.expression(high);
                self.push(")");
            }
            ExprKind::Membership { value, operator, items } => {
                self.tight(value, BinaryKind::Less.precedence());
                self.push(" ");
                self.push(operator.spelling());
                self.push(" ");
                match items.as_slice() {
                    [table] if matches!(table.kind, ExprKind::Query(_)) => self.body(table),
                    _ => {
                        self.push("(");
                        self.list(items, Self::expression);
                        self.push(")");
                    }
                }
            }
            ExprKind::Query(_) => self.body(value),
            ExprKind::Function(function) => self.function(function),
            ExprKind::TypeOf(schema) => {
                self.push("typeof(");
                match schema.columns.as_slice() {
                    [column] if column.name.text.is_empty() && !schema.is_open => {
                        self.push(column.scalar_type.map_or("", |scalar_type| scalar_type.name()));
                    }
                    _ => self.schema_columns(schema),
                }
                self.push(")");
            }
            ExprKind::EntityGroup(members) => {
                self.push("entity_group [");
                self.list(members, Self::expression);
                self.push("]");
            }
            ExprKind::Error => {}
        }
    }

    /// An operand, in brackets where it binds less tightly than its place asks.
    fn tight(&mut self, value: &Expr, precedence: u8) {
        if rank(value) >= precedence {
            return self.expression(value);
        }
        self.in_brackets(value);
    }

    /// A table, or what else is read without operators of two sides.
    pub(super) fn table(&mut self, table: &Expr) {
        self.tight(table, ATOM);
    }

    pub(super) fn in_brackets(&mut self, value: &Expr) {
        self.push("(");
        self.expression(value);
        self.push(")");
    }

    fn call(&mut self, callee: &Expr, arguments: &[Argument]) {
        match &callee.kind {
            // A function keeps its name even where a column would need brackets: `not(...)`, `count()`.
            ExprKind::Name(name) if is_bare(name) => self.push(name),
            _ => self.tight(callee, ATOM),
        }
        // `toscalar(T | count)`: the brackets of the call are enough for one pipeline.
        if let [Argument { name: None, value }] = arguments
            && matches!(value.kind, ExprKind::Query(_))
        {
            return self.body(value);
        }
        // `time(1d)` is a constant, `time((1d), x)` a call.
        let is_type = matches!(&callee.kind, ExprKind::Name(name) if ScalarType::named(name).is_some());
        let mut first = if is_type { ATOM } else { 0 };
        self.push("(");
        self.list(arguments, |printer, argument| {
            if let Some(name) = &argument.name {
                printer.name(name);
                printer.push(" = ");
            }
            match &argument.value.kind {
                ExprKind::Literal { .. } if first > 0 => printer.in_brackets(&argument.value),
                _ => printer.tight(&argument.value, first),
            }
            first = 0;
        });
        self.push(")");
    }

    fn function(&mut self, function: &Function) {
        if function.is_view {
            self.push("view ");
        }
        self.parameters(&function.parameters);
        self.push(" ");
        self.block("{", "}", |printer| printer.script(&function.body));
    }
}

fn rank(value: &Expr) -> u8 {
    match &value.kind {
        ExprKind::Binary { operator, .. } => operator.kind.precedence(),
        ExprKind::Between { .. } | ExprKind::Membership { .. } => BinaryKind::Equal.precedence(),
        ExprKind::Unary { .. } => UNARY,
        // A sign stands before some, and a point behind any would be part of the number.
        ExprKind::Literal { value: Value::Long(_) | Value::Real(_) | Value::TimeSpan(_), .. } => UNARY,
        ExprKind::Function(_) => 0,
        _ => ATOM,
    }
}

impl BinaryOperator {
    /// The operator as it is written: `=~`, `!has_cs`, `matches regex`.
    pub fn spelling(self) -> &'static str {
        let (plain, negated, sensitive, negated_sensitive) = match self.kind {
            BinaryKind::Or => ("or", "or", "or", "or"),
            BinaryKind::And => ("and", "and", "and", "and"),
            BinaryKind::Equal => ("=~", "!~", "==", "!="),
            BinaryKind::Less => ("<", "<", "<", "<"),
            BinaryKind::LessOrEqual => ("<=", "<=", "<=", "<="),
            BinaryKind::Greater => (">", ">", ">", ">"),
            BinaryKind::GreaterOrEqual => (">=", ">=", ">=", ">="),
            BinaryKind::Add => ("+", "+", "+", "+"),
            BinaryKind::Subtract => ("-", "-", "-", "-"),
            BinaryKind::Multiply => ("*", "*", "*", "*"),
            BinaryKind::Divide => ("/", "/", "/", "/"),
            BinaryKind::Modulo => ("%", "%", "%", "%"),
            BinaryKind::Has => ("has", "!has", "has_cs", "!has_cs"),
            BinaryKind::HasPrefix => ("hasprefix", "!hasprefix", "hasprefix_cs", "!hasprefix_cs"),
            BinaryKind::HasSuffix => ("hassuffix", "!hassuffix", "hassuffix_cs", "!hassuffix_cs"),
            BinaryKind::Contains => ("contains", "!contains", "contains_cs", "!contains_cs"),
            BinaryKind::StartsWith => ("startswith", "!startswith", "startswith_cs", "!startswith_cs"),
            BinaryKind::EndsWith => ("endswith", "!endswith", "endswith_cs", "!endswith_cs"),
            BinaryKind::MatchesRegex => ("matches regex", "matches regex", "matches regex", "matches regex"),
            BinaryKind::Like => ("like", "notlike", "likecs", "notlikecs"),
            BinaryKind::Search => (":", ":", ":", ":"),
        };
        match (self.is_negated, self.is_case_sensitive) {
            (false, false) => plain,
            (true, false) => negated,
            (false, true) => sensitive,
            (true, true) => negated_sensitive,
        }
    }
}

impl BinaryKind {
    /// How tightly the operator binds, from 1 (`or`) to 7 (`has` and its family). Equality and relations do not chain
    /// in the grammar; here they group to the left like all others.
    pub fn precedence(self) -> u8 {
        match self {
            BinaryKind::Or => 1,
            BinaryKind::And => 2,
            BinaryKind::Equal => 3,
            BinaryKind::Less | BinaryKind::LessOrEqual | BinaryKind::Greater | BinaryKind::GreaterOrEqual => {
                4
            }
            BinaryKind::Add | BinaryKind::Subtract => 5,
            BinaryKind::Multiply | BinaryKind::Divide | BinaryKind::Modulo => 6,
            _ => 7,
        }
    }
}

impl MembershipOperator {
    /// The operator as it is written: `in~`, `has_any`.
    pub fn spelling(self) -> &'static str {
        match self {
            MembershipOperator::In { is_negated: false, is_case_sensitive: true } => "in",
            MembershipOperator::In { is_negated: false, is_case_sensitive: false } => "in~",
            MembershipOperator::In { is_negated: true, is_case_sensitive: true } => "!in",
            MembershipOperator::In { is_negated: true, is_case_sensitive: false } => "!in~",
            MembershipOperator::HasAny => "has_any",
            MembershipOperator::HasAll => "has_all",
        }
    }
}
