//! Pipelines and the names of operators.

use super::{Failed, Parser, Read};
use crate::ast::{Column, Expr, ExprKind, Name, Operator, OperatorKind, Ordering, Query, Setting};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;

/// Operators that can begin a pipeline.
const SOURCES: [&str; 8] =
    ["datatable", "externaldata", "external_data", "find", "print", "range", "search", "union"];

/// How many levels a pipeline inside another counts for: it takes as much stack, here and where it is bound and run.
const PIPELINE: usize = 4;

/// Every operator in today's spelling, to suggest one.
pub(super) const OPERATORS: [&str; 63] = [
    "as",
    "assert-schema",
    "consume",
    "count",
    "datatable",
    "distinct",
    "evaluate",
    "extend",
    "externaldata",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
    "mvexpand",
    "mvapply",
    "project-smart",
    "execute-and-cache",
    "__partitionby",
    "external_data",
];

/// The settings of operators.
const SETTINGS: [&str; 20] = [
    "kind",
    "withsource",
    "with_source",
    "isfuzzy",
    "bagexpansion",
    "with_itemindex",
    "flags",
    "cycles",
    "output",
    "datascope",
    "with_match_id",
    "with_step_name",
    "with_component_id",
    "decodeblocks",
    "expandoutput",
    "id",
    "partitionedby",
    "query_take_max_records",
    "groups",
    "bag_expansion",
];

impl Parser<'_> {
    /// An expression, or a source with operators behind it.
    pub(super) fn pipeline(&mut self) -> Read<Expr> {
        self.deeper(|parser| {
            let start = parser.peek().span;
            if parser.begins_with_operator() {
                let first = parser.operator();
                return Ok(parser.rest_of_pipeline(None, vec![first], start));
            }
            let source = parser.expression()?;
            if parser.is_sign("|") {
                return Ok(parser.rest_of_pipeline(Some(source), Vec::new(), start));
            }
            Ok(source)
        })
    }

    /// The pipeline of `fork`, `mv-apply`, `partition` and their like, which begins with an operator.
    pub(super) fn sub_pipeline(&mut self) -> Read<Expr> {
        self.expect("(")?;
        let start = self.peek().span;
        let expr = self.deeper_by(PIPELINE, |parser| {
            let is_operator = parser.dashed_word().is_some_and(|(word, _)| OPERATORS.contains(&word));
            let next_is_call = parser.ahead(1).kind == TokenKind::Sign("|");
            if is_operator && !(next_is_call && !parser.is_word("count") && !parser.is_word("consume")) {
                let first = parser.operator();
                return Ok(parser.rest_of_pipeline(None, vec![first], start));
            }
            parser.pipeline()
        })?;
        self.expect(")")?;
        Ok(expr)
    }

    /// A call, which plugins and functions are even without arguments.
    pub(super) fn called(&mut self) -> Read<Expr> {
        let call = self.postfix()?;
        if matches!(call.kind, ExprKind::Call { .. }) {
            return Ok(call);
        }
        let diagnostic = Diagnostic::error("no-call", call.span, "expected a function with its brackets");
        self.tell(diagnostic.with_help("write `name()` where there are no arguments"));
        Err(Failed)
    }

    /// An operator that stands alone where a pipeline in brackets can stand too.
    pub(super) fn single_operator(&mut self) -> Expr {
        let operator = self.operator();
        let span = operator.span;
        Expr { kind: ExprKind::Query(Box::new(Query { source: None, operators: vec![operator] })), span }
    }

    /// True before `where x` and the like at the start of a query: Resource Graph takes its resources as the source.
    pub(super) fn begins_without_source(&self) -> bool {
        const WITHOUT_SOURCE: [&str; 8] =
            ["where", "project", "extend", "summarize", "distinct", "project-away", "mv-expand", "mvexpand"];
        let Some((word, tokens)) = self.dashed_word() else { return false };
        let next = self.ahead(tokens);
        let is_start = match next.kind {
            TokenKind::Word | TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan | TokenKind::Text => {
                true
            }
            TokenKind::Sign("(" | "*" | "-" | "+") => true,
            TokenKind::Sign("[") => self.ahead(tokens + 1).kind == TokenKind::Text,
            _ => false,
        };
        WITHOUT_SOURCE.contains(&word) && is_start && !self.is_infix_word(next)
    }

    pub(super) fn pipeline_without_source(&mut self) -> Expr {
        let start = self.peek().span;
        let first = self.operator();
        self.rest_of_pipeline(None, vec![first], start)
    }

    fn rest_of_pipeline(
        &mut self,
        source: Option<Expr>,
        mut operators: Vec<Operator>,
        start: crate::Span,
    ) -> Expr {
        while self.eat("|") {
            // A bar too many is common in rules that are put together, and harmless.
            if self.is_sign("|") {
                let span = self.peek().span;
                self.tell(Diagnostic::error("empty-operator", span, "there is no operator between the bars"));
                continue;
            }
            operators.push(self.operator());
        }
        let span = start.to(self.here());
        Expr { kind: ExprKind::Query(Box::new(Query { source, operators })), span }
    }

    /// True before `print`, `union` and the others that need no source; a column can have such a name too.
    fn begins_with_operator(&self) -> bool {
        let Some(word) = self.word() else { return false };
        let next = self.ahead(1);
        if word == "evaluate" || word == "invoke" {
            return next.kind == TokenKind::Word;
        }
        if word == "macro" {
            return self.dashed_word().is_some_and(|(word, _)| word == "macro-expand");
        }
        if !SOURCES.contains(&word) {
            return false;
        }
        match next.kind {
            TokenKind::Sign("(") => matches!(
                word,
                "datatable" | "externaldata" | "external_data" | "union" | "find" | "print" | "search"
            ),
            TokenKind::Sign("*") => matches!(word, "search" | "union"),
            TokenKind::Sign("[" | "-" | "+") => matches!(word, "print" | "union" | "search" | "range"),
            TokenKind::Word if matches!(word, "find" | "search") && self.text(next) == "in" => true,
            TokenKind::Word => !self.is_infix_word(next),
            TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan | TokenKind::Text => true,
            _ => false,
        }
    }

    /// `print in (...)`: `print` is a name here.
    fn is_infix_word(&self, token: crate::lexer::Token) -> bool {
        let word = self.text(token);
        matches!(
            word,
            "in" | "in~"
                | "!in"
                | "!in~"
                | "has"
                | "contains"
                | "and"
                | "or"
                | "between"
                | "startswith"
                | "endswith"
                | "matches"
        )
    }

    /// One operator. On an error the rest of it is skipped and what is known of it stays.
    fn operator(&mut self) -> Operator {
        let (start, nesting) = (self.peek().span, self.nesting);
        let name = self.operator_name();
        let read = match &name {
            Ok((name, word)) => self.operator_body(word, name),
            Err(Failed) => Err(Failed),
        };
        let kind = match read {
            Ok(kind) => {
                if !self.is_at_end_of_operator() {
                    self.unfinished();
                    self.recover(nesting);
                }
                kind
            }
            Err(Failed) => {
                self.recover(nesting);
                let name = name.map_or(Name { text: "".into(), span: start }, |(name, _)| name);
                OperatorKind::Unknown(name)
            }
        };
        Operator { kind, span: start.to(self.here()) }
    }

    fn is_at_end_of_operator(&self) -> bool {
        matches!(self.peek().kind, TokenKind::End | TokenKind::Sign("|" | ";" | ")" | "]" | "}" | ","))
    }

    /// The name as written and in today's spelling.
    fn operator_name(&mut self) -> Read<(Name, String)> {
        let Some((word, count)) = self.dashed_word() else { return self.unexpected("an operator") };
        let span = self.peek().span;
        let end = self.ahead(count - 1).span;
        let known = OPERATORS.contains(&word);
        // `count-1` and the like: the operator is the first word alone.
        let first = self.word().unwrap_or_default();
        if !known && count > 1 && OPERATORS.contains(&first) {
            self.advance();
            return Ok((Name { text: first.into(), span }, first.to_owned()));
        }
        if !known {
            let span = span.to(end);
            let message = format!("there is no operator `{word}`");
            let mut diagnostic = Diagnostic::error("unknown-operator", span, message);
            if let Some(near) = crate::nearest::nearest(word, OPERATORS.iter().copied()) {
                diagnostic = diagnostic.with_help(format!("did you mean `{near}`?"));
            }
            self.tell(diagnostic);
            return Err(Failed);
        }
        (0..count).for_each(|_| {
            self.advance();
        });
        let spelling = match word {
            "filter" => "where",
            "limit" => "take",
            "order" => "sort",
            "mvexpand" => "mv-expand",
            "mvapply" => "mv-apply",
            "external_data" => "externaldata",
            other => other,
        };
        Ok((Name { text: word.into(), span: span.to(end) }, spelling.to_owned()))
    }

    fn operator_body(&mut self, word: &str, name: &Name) -> Read<OperatorKind> {
        Ok(match word {
            "as" => OperatorKind::As { options: self.settings()?, name: self.name()? },
            "assert-schema" => OperatorKind::AssertSchema(self.schema()?),
            "consume" => OperatorKind::Consume(self.settings()?),
            "count" => OperatorKind::Count(self.name_after("as")?),
            "distinct" => OperatorKind::Distinct { options: self.settings()?, columns: self.columns()? },
            "extend" => OperatorKind::Extend(self.columns()?),
            "getschema" => OperatorKind::GetSchema(self.settings()?),
            "invoke" => OperatorKind::Invoke(self.called()?),
            "print" => OperatorKind::Print(self.columns()?),
            "project" => OperatorKind::Project(self.optional_columns()?),
            "project-smart" => OperatorKind::ProjectSmart(self.columns()?),
            "project-away" => OperatorKind::ProjectAway(self.optional_list(Self::name_pattern)?),
            "project-by-names" => OperatorKind::ProjectByNames(self.list(Self::name_pattern)?),
            "project-keep" => OperatorKind::ProjectKeep(self.list(Self::name_pattern)?),
            "project-rename" => OperatorKind::ProjectRename(self.optional_columns()?),
            "project-reorder" => OperatorKind::ProjectReorder(self.optional_list(Self::reordering)?),
            "sample" => OperatorKind::Sample(self.expression()?),
            "sample-distinct" => {
                let count = self.expression()?;
                self.expect_word("of")?;
                OperatorKind::SampleDistinct { count, of: self.expression()? }
            }
            "serialize" => OperatorKind::Serialize(self.optional_columns()?),
            "sort" => {
                let options = self.settings()?;
                self.expect_word("by")?;
                OperatorKind::Sort { options, by: self.list(Self::ordering)? }
            }
            "take" => OperatorKind::Take { options: self.settings()?, count: self.expression()? },
            "top" => {
                let options = self.settings()?;
                let count = self.expression()?;
                self.expect_word("by")?;
                OperatorKind::Top { options, count, by: self.list(Self::ordering)? }
            }
            "where" => {
                let options = self.settings()?;
                OperatorKind::Where { options, predicate: self.expression()? }
            }
            "graph-where-nodes" => OperatorKind::GraphWhereNodes(self.expression()?),
            "graph-where-edges" => OperatorKind::GraphWhereEdges(self.expression()?),
            _ => return self.larger_operator(word, name),
        })
    }

    /// `kind=inner hint.strategy=shuffle`: names, an equals sign and a constant, without commas.
    pub(super) fn settings(&mut self) -> Read<Vec<Setting>> {
        self.settings_of(&SETTINGS)
    }

    /// As [`Parser::settings`], where columns may follow that are called like a setting of some other operator: beside hints,
    /// only these are settings.
    pub(super) fn settings_of(&mut self, known: &[&str]) -> Read<Vec<Setting>> {
        let mut settings = Vec::new();
        while let Some(tokens) = self.setting_name(known) {
            let start = self.peek().span;
            let end = self.ahead(tokens - 1).span;
            let name = Name {
                text: start.to(end).text(self.query).to_ascii_lowercase().into(),
                span: start.to(end),
            };
            (0..=tokens).for_each(|_| {
                self.advance();
            });
            settings.push(Setting { name, values: vec![self.setting_value()?] });
        }
        Ok(settings)
    }

    /// How many tokens a known option's name has, if an equals sign follows.
    fn setting_name(&self, known: &[&str]) -> Option<usize> {
        let word = self.word()?;
        let mut tokens = 1;
        if word == "hint" {
            while self.ahead(tokens).kind == TokenKind::Sign(".") {
                tokens += 2;
            }
        } else if !known.contains(&word.to_ascii_lowercase().as_str()) {
            return None;
        }
        (self.ahead(tokens).kind == TokenKind::Sign("=")).then_some(tokens)
    }

    /// A word or a constant; `kind=leftouter` names no column.
    fn setting_value(&mut self) -> Read<Expr> {
        // In `kind=inner (T)` the bracket opens the right side and no call.
        if let Some((word, tokens)) = self.dashed_word() {
            let start = self.peek().span;
            (0..tokens).for_each(|_| {
                self.advance();
            });
            return Ok(Expr { kind: ExprKind::Name(word.into()), span: start.to(self.here()) });
        }
        self.deeper(Self::postfix)
    }

    /// `with (a = b, c)` where the word is there.
    pub(super) fn properties(&mut self) -> Read<Vec<Setting>> {
        if !self.eat_word("with") {
            return Ok(Vec::new());
        }
        self.property_list()
    }

    /// `(a = b, c = d)`
    pub(super) fn property_list(&mut self) -> Read<Vec<Setting>> {
        self.expect("(")?;
        let mut properties = Vec::new();
        while !self.is_sign(")") {
            let name = self.name()?;
            self.expect("=")?;
            let mut values = vec![self.expression()?];
            // `ycolumns = a, b`: a comma goes on with the values unless a name follows.
            while self.is_sign(",") && !self.is_property(1) && self.ahead(1).kind != TokenKind::Sign(")") {
                self.advance();
                values.push(self.expression()?);
            }
            properties.push(Setting { name, values });
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(properties)
    }

    fn is_property(&self, ahead: usize) -> bool {
        self.ahead(ahead).kind == TokenKind::Word && self.ahead(ahead + 1).kind == TokenKind::Sign("=")
    }

    /// Columns separated by commas; a comma may stand behind the last one.
    pub(super) fn columns(&mut self) -> Read<Vec<Column>> {
        let mut columns = vec![self.column()?];
        while self.eat(",") {
            if self.is_at_end_of_operator() {
                break;
            }
            columns.push(self.column()?);
        }
        Ok(columns)
    }

    fn optional_columns(&mut self) -> Read<Vec<Column>> {
        if self.is_at_end_of_operator() { Ok(Vec::new()) } else { self.columns() }
    }

    fn optional_list<T>(&mut self, item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        if self.is_at_end_of_operator() { Ok(Vec::new()) } else { self.list(item) }
    }

    /// `a`, `b = expression`, `(c, d) = expression`
    pub(super) fn column(&mut self) -> Read<Column> {
        let names = self.column_names()?;
        Ok(Column { names, value: self.expression()? })
    }

    fn column_names(&mut self) -> Read<Vec<Name>> {
        if self.is_sign("(")
            && let Some(tokens) = self.tuple_length()
        {
            self.advance();
            let mut names = Vec::new();
            while self.at < tokens {
                names.push(self.name()?);
                self.eat(",");
            }
            self.expect(")")?;
            self.expect("=")?;
            return Ok(names);
        }
        let is_plain = self.peek().kind == TokenKind::Word && self.ahead(1).kind == TokenKind::Sign("=");
        let is_bracketed = self.is_sign("[")
            && self.ahead(1).kind == TokenKind::Text
            && self.ahead(2).kind == TokenKind::Sign("]")
            && self.ahead(3).kind == TokenKind::Sign("=");
        // A name that begins with digits reads as a number.
        let is_number = self.peek().kind == TokenKind::Whole && self.ahead(1).kind == TokenKind::Sign("=");
        if is_number {
            let token = self.advance();
            self.expect("=")?;
            return Ok(vec![Name { text: self.text(token).into(), span: token.span }]);
        }
        if !is_plain && !is_bracketed {
            return Ok(Vec::new());
        }
        let name = self.name()?;
        self.expect("=")?;
        Ok(vec![name])
    }

    /// Before `(a, b) =`: where the bracket closes.
    fn tuple_length(&self) -> Option<usize> {
        let mut ahead = 1;
        loop {
            ahead += match (self.ahead(ahead).kind, self.ahead(ahead + 1).kind) {
                (TokenKind::Word, _) => 1,
                (TokenKind::Sign("["), TokenKind::Text) => 3,
                _ => return None,
            };
            match self.ahead(ahead).kind {
                TokenKind::Sign(",") => ahead += 1,
                TokenKind::Sign(")") if self.ahead(ahead + 1).kind == TokenKind::Sign("=") => {
                    return Some(self.at + ahead);
                }
                _ => return None,
            }
        }
    }

    /// `a desc nulls last`
    pub(super) fn ordering(&mut self) -> Read<Ordering> {
        let value = self.column()?;
        self.direction(value)
    }

    fn reordering(&mut self) -> Read<Ordering> {
        let value = Column { names: Vec::new(), value: self.name_pattern()? };
        self.direction(value)
    }

    pub(super) fn direction(&mut self, value: Column) -> Read<Ordering> {
        let mut ordering = Ordering { value, is_ascending: None, nulls_first: None, is_granny: false };
        if self.eat_dashed("granny-asc") {
            (ordering.is_ascending, ordering.is_granny) = (Some(true), true);
        } else if self.eat_dashed("granny-desc") {
            (ordering.is_ascending, ordering.is_granny) = (Some(false), true);
        } else if self.eat_word("asc") {
            ordering.is_ascending = Some(true);
        } else if self.eat_word("desc") {
            ordering.is_ascending = Some(false);
        }
        if self.eat_word("nulls") {
            let is_first = self.eat_word("first");
            if !is_first {
                self.expect_word("last")?;
            }
            ordering.nulls_first = Some(is_first);
        }
        Ok(ordering)
    }
}
