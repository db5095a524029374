//! Which operator binds more tightly, shown by brackets.

use castellan_kql::ast::{Expr, ExprKind};
use castellan_kql::parse;

/// The expression with a bracket around every operator.
fn grouped(expression: &ExprKind) -> String {
    let inner = |expression: &Expr| grouped(&expression.kind);
    match expression {
        ExprKind::Binary { operator, left, right } => {
            format!("({} {} {})", inner(left), operator.spelling(), inner(right))
        }
        ExprKind::Between { value, is_negated, low, high } => {
            let word = if *is_negated { "!between" } else { "between" };
            format!("({} {word} {}..{})", inner(value), inner(low), inner(high))
        }
        ExprKind::Membership { value, operator, items } => {
            let items: Vec<String> = items.iter().map(inner).collect();
            format!("({} {} {})", inner(value), operator.spelling(), items.join(","))
        }
        ExprKind::Unary { is_minus, operand } => {
            format!("({}{})", if *is_minus { "-" } else { "+" }, inner(operand))
        }
        ExprKind::Member { base, name } => format!("{}.{}", inner(base), name.text),
        ExprKind::Index { base, index } => format!("{}[{}]", inner(base), inner(index)),
        other => Expr { kind: other.clone(), span: castellan_kql::Span::default() }.to_string(),
    }
}

#[test]
fn operators_group() {
    for (text, expected) in [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c and d", "((a and b) or (c and d))"),
        ("a == 1 and b != 2 or c <> 3", "(((a == 1) and (b != 2)) or (c != 3))"),
        ("a < b == c", "((a < b) == c)"),
        ("a + b < c - d", "((a + b) < (c - d))"),
        ("a - b - c", "((a - b) - c)"),
        ("a + b * c % d / e", "(a + (((b * c) % d) / e))"),
        ("a has 'x' and b contains 'y'", "((a has \"x\") and (b contains \"y\"))"),
        ("a !has_cs 'x' or b !startswith 'y'", "((a !has_cs \"x\") or (b !startswith \"y\"))"),
        ("a matches regex 'x' and b", "((a matches regex \"x\") and b)"),
        ("a =~ 'x' and b !~ 'y'", "((a =~ \"x\") and (b !~ \"y\"))"),
        ("a == b has 'x'", "(a == (b has \"x\"))"),
        ("a in (1, 2) and b !in~ ('x')", "((a in 1,2) and (b !in~ \"x\"))"),
        ("a has_any ('x') or b has_all (c)", "((a has_any \"x\") or (b has_all c))"),
        ("a between (1 .. 2 + 3) and c", "((a between 1..(2 + 3)) and c)"),
        ("a !between (b .. 1d)", "(a !between b..1d)"),
        ("a + 1 between (1 .. 2)", "((a + 1) between 1..2)"),
        ("a + 1 in (2)", "((a + 1) in 2)"),
        ("-a * b", "((-a) * b)"),
        ("-a.b[0]", "(-a.b[0])"),
        ("a - -b", "(a - (-b))"),
        ("a-1", "(a - 1)"),
        ("a -1", "(a - 1)"),
        ("1-a", "(1 - a)"),
        ("a.b.c['d'] == 'x'", "(a.b.c[\"d\"] == \"x\")"),
        ("(a or b) and c", "((a or b) and c)"),
        ("a notcontains 'x'", "(a !contains \"x\")"),
        ("a containscs 'x'", "(a contains_cs \"x\")"),
        ("1d/2h", "(1d / 2h)"),
        ("a.b*2 + a.b*c", "((a.b * 2) + (a.b * c))"),
        ("a.b*(c)", "(a.b * c)"),
        ("a[0]*-1", "(a[0] * -1)"),
    ] {
        let query = format!("print {text}");
        let parsed = parse(&query);
        assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
        let printed = crate::literals::printed(&parsed.script);
        assert_eq!(grouped(&printed[0]), expected, "{text}");
    }
}

#[test]
fn keywords_are_names_where_nothing_else_fits() {
    for query in [
        "T | where count > 5 | project kind, id, type, title, by=1",
        "T | extend where = 1, project = 2, ['let'] = 3",
        "T | summarize count = count(), top = max(x) by range, filter",
        "T | where print == 1 and union == 2 and search has 'x'",
        "let source = T; source | count",
        "T | project set, step, order, sort, sample, parse, join",
        "let range = 5; print range",
        "T | where datetime > ago(1d) | extend dynamic = 1, time = 2 | project time, datetime",
    ] {
        let parsed = parse(query);
        assert!(parsed.diagnostics.is_empty(), "{query}: {:?}", parsed.diagnostics);
        assert_eq!(crate::print::difference(query), None, "{query}");
    }
}
