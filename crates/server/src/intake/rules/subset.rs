//! What of the language a transformation may use.
//!
//! Source: Azure Monitor, "Supported KQL features in Azure Monitor transformations" (2026-01-20). Each record is
//! transformed for itself, so nothing that looks at several is allowed, and no table but `source`.

use castellan_kql::ast::{
    BinaryKind, Column, Expr, ExprKind, Function, MembershipOperator, Operator, OperatorKind, ParameterKind,
    ParsePart, Query, Script, Statement,
};
use castellan_kql::{Diagnostic, Span};

/// Most columns of one `parse`.
const MAX_PARSED: usize = 10;

/// Functions that the page names or its examples use, with the spellings of before.
const FUNCTIONS: &[&str] = &[
    "abs",
    "ago",
    "array_concat",
    "array_length",
    "base64_decode_tostring",
    "base64_decodestring",
    "base64_encode_tostring",
    "base64_encodestring",
    "bin",
    "binary_and",
    "binary_not",
    "binary_or",
    "binary_shift_left",
    "binary_shift_right",
    "binary_xor",
    "case",
    "ceiling",
    "column_ifexists",
    "columnifexists",
    "countof",
    "datetime_add",
    "datetime_diff",
    "datetime_part",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "endofday",
    "endofmonth",
    "endofweek",
    "endofyear",
    "exp",
    "exp10",
    "exp2",
    "extract",
    "extract_all",
    "extractall",
    "floor",
    "getmonth",
    "gettype",
    "getyear",
    "hash_sha256",
    "hourofday",
    "iff",
    "iif",
    "indexof",
    "isempty",
    "isfinite",
    "isinf",
    "isnan",
    "isnotempty",
    "isnotnull",
    "isnull",
    "log",
    "log10",
    "log2",
    "make_datetime",
    "make_timespan",
    "max_of",
    "min_of",
    "monthofyear",
    "not",
    "now",
    "pack",
    "pack_array",
    "parse_json",
    "parse_xml",
    "parsejson",
    "pow",
    "replace",
    "round",
    "sign",
    "split",
    "startofday",
    "startofmonth",
    "startofweek",
    "startofyear",
    "strcat",
    "strcat_delim",
    "strlen",
    "substring",
    "tobool",
    "toboolean",
    "todatetime",
    "todouble",
    "todynamic",
    "toguid",
    "toint",
    "tolong",
    "tolower",
    "toreal",
    "tostring",
    "totimespan",
    "toupper",
    "week_of_year",
    "weekofyear",
    "zip",
];

/// The first thing in a transformation that is not allowed, with its place.
pub(super) fn refused(script: &Script) -> Option<Diagnostic> {
    let mut search = Search { own: Vec::new() };
    search.script(script).err()
}

type Allowed = Result<(), Diagnostic>;

struct Search {
    /// Functions that the transformation defines.
    own: Vec<std::sync::Arc<str>>,
}

fn refuse(span: Span, what: &str) -> Allowed {
    let help = "each record is transformed for itself: use where, extend, project, project-away, project-rename, parse";
    Err(Diagnostic::error(
        "not-in-transformations",
        span,
        format!("{what} cannot be used in a transformation"),
    )
    .with_help(help))
}

impl Search {
    fn script(&mut self, script: &Script) -> Allowed {
        script.statements.iter().try_for_each(|statement| match statement {
            Statement::Let { name, value } => {
                if matches!(value.kind, ExprKind::Function(_)) {
                    self.own.push(name.text.clone());
                }
                self.statement(value)
            }
            Statement::Query(query) => self.statement(query),
            Statement::Set { name, .. } => refuse(name.span, "`set`"),
            Statement::Alias { name, .. } => refuse(name.span, "`alias`"),
            Statement::Pattern(pattern) => refuse(pattern.name.span, "`declare pattern`"),
            Statement::Parameters(parameters) => {
                refuse(parameters.first().map(|first| first.name.span).unwrap_or_default(), "`declare`")
            }
            Statement::Restrict(names) => {
                refuse(names.first().map(|first| first.span).unwrap_or_default(), "`restrict`")
            }
        })
    }

    /// What may be a pipeline: a query, or the right-hand side of `let`.
    fn statement(&mut self, value: &Expr) -> Allowed {
        match &value.kind {
            ExprKind::Query(query) => self.query(query),
            ExprKind::Function(function) => self.function(function, value.span),
            _ => self.value(value),
        }
    }

    fn function(&mut self, function: &Function, span: Span) -> Allowed {
        if function.parameters.iter().any(|parameter| matches!(parameter.kind, ParameterKind::Table(_))) {
            return refuse(span, "a function that takes a table");
        }
        self.script(&function.body)
    }

    fn query(&mut self, query: &Query) -> Allowed {
        if let Some(source) = &query.source {
            self.statement(source)?;
        }
        query.operators.iter().try_for_each(|operator| self.operator(operator))
    }

    fn operator(&mut self, operator: &Operator) -> Allowed {
        match &operator.kind {
            OperatorKind::Extend(columns)
            | OperatorKind::Project(columns)
            | OperatorKind::ProjectRename(columns)
            | OperatorKind::Print(columns) => self.columns(columns),
            OperatorKind::ProjectAway(columns) => self.values(columns),
            OperatorKind::Where { predicate, .. } => self.value(predicate),
            OperatorKind::Datatable { .. } => Ok(()),
            OperatorKind::Parse { is_filter: false, value, pattern, .. } => {
                let columns = pattern.iter().filter(|part| matches!(part, ParsePart::Column(_))).count();
                if columns > MAX_PARSED {
                    return refuse(operator.span, "`parse` with more than 10 columns");
                }
                self.value(value)
            }
            _ => refuse(operator.span, "this operator"),
        }
    }

    fn columns(&mut self, columns: &[Column]) -> Allowed {
        columns.iter().try_for_each(|column| self.value(&column.value))
    }

    fn values(&mut self, values: &[Expr]) -> Allowed {
        values.iter().try_for_each(|value| self.value(value))
    }

    fn value(&mut self, value: &Expr) -> Allowed {
        match &value.kind {
            ExprKind::Literal { .. }
            | ExprKind::Name(_)
            | ExprKind::Wildcard(_)
            | ExprKind::Star
            | ExprKind::TypeOf(_)
            | ExprKind::Error => Ok(()),
            ExprKind::Member { base, .. } => self.value(base),
            ExprKind::Index { base, index } => self.value(base).and_then(|()| self.value(index)),
            ExprKind::Unary { operand, .. } => self.value(operand),
            ExprKind::Call { callee, arguments } => {
                self.callee(callee)?;
                arguments.iter().try_for_each(|argument| self.value(&argument.value))
            }
            ExprKind::Binary { operator, left, right } => {
                use BinaryKind::{HasPrefix, HasSuffix, Like, Search};
                if matches!(operator.kind, HasPrefix | HasSuffix | Like | Search) {
                    return refuse(value.span, "this comparison of texts");
                }
                self.value(left).and_then(|()| self.value(right))
            }
            ExprKind::Membership { value: tested, operator, items } => {
                if !matches!(operator, MembershipOperator::In { is_case_sensitive: true, .. }) {
                    return refuse(value.span, "any test against several values but `in` and `!in`");
                }
                self.value(tested).and_then(|()| self.values(items))
            }
            ExprKind::Between { .. } => refuse(value.span, "`between`"),
            ExprKind::Query(_) => refuse(value.span, "a query within a value"),
            ExprKind::Function(_) => refuse(value.span, "a function within a value"),
            ExprKind::EntityGroup(_) => refuse(value.span, "`entity_group`"),
        }
    }

    fn callee(&self, callee: &Expr) -> Allowed {
        match &callee.kind {
            ExprKind::Name(name) if FUNCTIONS.contains(&&**name) || self.own.contains(name) => Ok(()),
            ExprKind::Name(name) => refuse(callee.span, &format!("the function `{name}`")),
            _ => refuse(callee.span, "a function of another database"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::refused;

    fn check(kql: &str, expected: Option<(&str, &str)>) {
        let parsed = castellan_kql::parse(kql);
        assert!(parsed.diagnostics.is_empty(), "{kql}: {:?}", parsed.diagnostics);
        let found = refused(&parsed.script);
        let found = found.as_ref().map(|found| (found.span.text(kql), found.message.as_str()));
        let same = match (found, expected) {
            (Some((place, message)), Some((at, part))) => place.starts_with(at) && message.contains(part),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(same, "{kql}: {found:?}");
    }

    #[test]
    fn what_azure_takes_is_taken() {
        for kql in [
            "source",
            "source | where severity == 'Critical' | extend P = parse_json(properties) | project TimeGenerated = todatetime(['time']), Category = tostring(P.Id)",
            "let limit = 3; let f = (x: long) { x * 2 }; source | where n > limit | extend m = f(n)",
            "source | parse Message with * 'id=' Id:long ' ' Rest | project-away Message | project-rename Key = Id",
            "print x = 2 + 2 | extend y = exp2(x)",
            "source | where a !in ('x', 'y') and not(b has_cs 'z') and c matches regex 'q+' | extend d = iff(a =~ 'n', bin(e, 5), columnifexists('f', 1))",
            "let t = source | where a == 1; t | project a",
        ] {
            check(kql, None);
        }
    }

    #[test]
    fn the_rest_is_refused_with_its_place() {
        check("source | summarize count() by a", Some(("summarize", "this operator")));
        check("source | join (source) on a", Some(("join", "this operator")));
        check("source | extend b = 1 | mv-expand a", Some(("mv-expand", "this operator")));
        check("source | take 5", Some(("take", "this operator")));
        check("source | extend a = geo_info_from_ip_address(b)", Some(("geo_info", "the function")));
        check("source | where a in~ ('x')", Some(("a in~", "several values")));
        check("source | where a has_any ('x')", Some(("a has_any", "several values")));
        check("source | where a in (source | project b)", Some(("source | project b", "within a value")));
        check("source | extend a = toscalar(source | count)", Some(("toscalar", "the function")));
        check("source | where a hasprefix 'x'", Some(("a hasprefix", "texts")));
        check("set notruncation; source", Some(("notruncation", "`set`")));
        let many: String = (0..11).map(|at| format!(" '{at}=' c{at}")).collect();
        check(&format!("source | parse m with{many}"), Some(("parse", "10 columns")));
        check("union source, source", Some(("union", "this operator")));
    }
}
