//! What may be written at a place.

use super::cursor::{Cursor, Role, SOURCES};
use super::item::{Item, ItemKind, ranked};
use super::scope::Scope;
use super::syntax;
use crate::bind::{Database, Known};
use crate::lexer::TokenKind;
use crate::plan::Field;
use crate::registry::{self, Kind, Row};
use crate::span::Span;
use crate::value::ScalarType;

/// What may be written at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// What the chosen item takes the place of.
    pub replace: Span,
    /// The items, best first.
    pub items: Vec<Item>,
}

/// Operators that take columns alone.
const OF_COLUMNS: [&str; 7] = [
    "distinct",
    "facet",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
];

/// Operators that take aggregates.
const OF_AGGREGATES: [&str; 3] = ["summarize", "make-series", "top-nested"];

/// Operators behind which rows are in order.
const IN_ORDER: [&str; 4] = ["sort", "order", "serialize", "top"];

/// What `render` draws. Source: Kusto documentation, "render operator".
const CHARTS: [&str; 14] = [
    "anomalychart",
    "areachart",
    "barchart",
    "card",
    "columnchart",
    "ladderchart",
    "linechart",
    "piechart",
    "pivotchart",
    "scatterchart",
    "stackedareachart",
    "table",
    "timechart",
    "timepivot",
];

/// Properties of `render`. Source: as above.
const CHART_PROPERTIES: [&str; 14] = [
    "accumulate",
    "kind",
    "legend",
    "series",
    "title",
    "xaxis",
    "xcolumn",
    "xtitle",
    "yaxis",
    "ycolumns",
    "ymax",
    "ymin",
    "ysplit",
    "ytitle",
];

/// What may be written at an offset in bytes, best first. Empty inside texts, numbers and comments.
pub fn complete(text: &str, offset: usize, database: &dyn Database) -> Completions {
    let cursor = Cursor::new(text, offset);
    if cursor.is_quiet {
        return Completions {
            replace: Span { start: cursor.word.end, end: cursor.word.end },
            items: Vec::new(),
        };
    }
    let mut place = Place { cursor: &cursor, database, scope: None, items: Vec::new() };
    place.fill();
    let at = u32::try_from(offset).unwrap_or(u32::MAX);
    let written = Span { start: cursor.word.start, end: cursor.word.end.min(at) }.text(text);
    Completions { replace: cursor.word, items: ranked(place.items, written) }
}

struct Place<'p> {
    cursor: &'p Cursor<'p>,
    database: &'p dyn Database,
    scope: Option<Scope>,
    items: Vec<Item>,
}

impl Place<'_> {
    fn fill(&mut self) {
        let cursor = self.cursor;
        let innermost = cursor.levels.len().saturating_sub(1);
        let previous = cursor.previous();
        let sign = previous.map(|at| cursor.kind(at));
        if sign == Some(TokenKind::Sign(".")) {
            return self.members();
        }
        if previous.is_some_and(|at| cursor.token_text(at) == "matches") {
            return self.words(["regex"], ItemKind::Keyword, true);
        }
        let is_typed = sign == Some(TokenKind::Sign(":"))
            && cursor.operator(cursor.pipeline()).is_some_and(|(name, _)| name.starts_with("parse"));
        match cursor.role(innermost) {
            _ if is_typed => return self.types(),
            Role::Schema => return self.types(),
            Role::Properties => return self.properties(),
            _ => {}
        }
        let level = cursor.pipeline();
        if sign == Some(TokenKind::Sign("|")) {
            return self.operators();
        }
        if level != innermost {
            return self.nested(innermost, level);
        }
        let is_first = previous.is_none_or(|at| at < cursor.pipeline_start(level));
        match cursor.role(level) {
            Role::Continued if is_first => self.operators(),
            Role::Statements if is_first => {
                let start = cursor.levels.get(level).map_or(0, |level| level.start);
                if cursor.pipeline_start(level) == start {
                    self.statements();
                } else {
                    self.values();
                }
                self.sources();
            }
            _ if is_first => self.sources(),
            _ => self.argument(level),
        }
    }

    fn scope(&mut self) -> &Scope {
        let (cursor, database) = (self.cursor, self.database);
        self.scope.get_or_insert_with(|| Scope::at(cursor, database))
    }

    /// Inside brackets within an operator.
    fn nested(&mut self, innermost: usize, level: usize) {
        if self.is_finished() {
            return self.infixes();
        }
        if self.cursor.role(innermost) == Role::Items {
            self.tables();
        }
        let takes_rows = matches!(self.cursor.call(), Some(("materialize" | "toscalar" | "table", _)));
        if takes_rows {
            self.tables();
        }
        let called = self.cursor.call().and_then(|(name, _)| registry::find(name));
        let is_aggregated =
            self.takes_aggregates(level) && called.is_none_or(|row| row.kind != Kind::Aggregate);
        self.expression(is_aggregated);
    }

    /// In an operator, or behind the source of a pipeline.
    fn argument(&mut self, level: usize) {
        let Some((name, next)) = self.cursor.operator(level) else {
            if self.is_finished() {
                self.infixes();
            } else {
                self.expression(false);
            }
            return;
        };
        let Some(row) = registry::find_kind(name, Kind::Operator) else { return };
        let previous = self.cursor.previous().unwrap_or_default();
        if self.cursor.kind(previous) == TokenKind::Sign("=") && self.option_values(row, previous) {
            return;
        }
        let is_finished = previous >= next && self.is_finished();
        self.options_and_words(row, next, is_finished);
        match row.name {
            "render" => self.words(CHARTS, ItemKind::Value, previous < next),
            "evaluate" => self.plugins(),
            "take" | "sample" | "top" | "sample-distinct" | "top-hitters" if previous < next => {
                self.variables()
            }
            "count" | "getschema" | "consume" | "as" | "range" => {}
            "join" | "lookup" | "union" if self.word_before(next, "on").is_none() => {
                if !is_finished {
                    self.tables();
                }
            }
            "invoke" => self.rows_of_names(),
            _ if is_finished => self.infixes(),
            "join" | "lookup" => self.keys(),
            name if OF_COLUMNS.contains(&name) => self.columns(),
            "sample-distinct" | "top-hitters" | "partition" => self.columns(),
            _ => {
                let takes_aggregates = self.takes_aggregates(level);
                self.expression(takes_aggregates);
            }
        }
    }

    /// Whether an operand ends before the cursor, so that something between two goes on.
    fn is_finished(&self) -> bool {
        let Some(previous) = self.cursor.previous() else { return false };
        match self.cursor.kind(previous) {
            TokenKind::Word => {
                let word = self.cursor.token_text(previous);
                let is_infix = registry::find_kind(word, Kind::Infix).is_some();
                !is_infix
                    && !matches!(
                        word,
                        "by" | "on" | "of" | "with" | "from" | "to" | "step" | "where" | "regex" | "kind"
                    )
            }
            TokenKind::Text | TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan => true,
            TokenKind::Sign(")" | "]") => true,
            _ => false,
        }
    }

    /// Whether the operator takes aggregates at this place: before `by` and `on`, and behind `by` of `top-nested`.
    fn takes_aggregates(&self, level: usize) -> bool {
        let Some((name, next)) = self.cursor.operator(level) else { return false };
        let is_behind = |word| self.word_before(next, word).is_some();
        OF_AGGREGATES.contains(&name)
            && match name {
                "top-nested" => is_behind("by"),
                _ => !is_behind("by") && !is_behind("on"),
            }
    }

    /// Where a word stands in the operator, outside of brackets.
    fn word_before(&self, from: usize, word: &str) -> Option<usize> {
        let mut depth = 0_usize;
        for at in from..self.cursor.before.len() {
            match self.cursor.kind(at) {
                TokenKind::Sign("(" | "[" | "{") => depth += 1,
                TokenKind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                TokenKind::Word if depth == 0 && self.cursor.token_text(at) == word => return Some(at),
                _ => {}
            }
        }
        None
    }

    /// `kind=`: true where the words are known.
    fn option_values(&mut self, row: &Row, equals: usize) -> bool {
        let Some(name) = equals.checked_sub(1).map(|at| self.cursor.token_text(at)) else { return false };
        if name == "kind" && row.name == "join" {
            let kinds = registry::rows().filter(|row| row.kind == Kind::Join);
            self.items.extend(kinds.map(|row| Item::new(row.name, ItemKind::Value).with_doc(row.doc)));
            return true;
        }
        let Some(option) = syntax::options(row).into_iter().find(|option| option.name == name) else {
            return false;
        };
        self.words(option.values, ItemKind::Value, true);
        true
    }

    fn options_and_words(&mut self, row: &Row, next: usize, is_finished: bool) {
        let previous = self.cursor.previous().unwrap_or_default();
        let behind_option =
            previous.checked_sub(1).is_some_and(|at| self.cursor.kind(at) == TokenKind::Sign("="));
        if previous < next || behind_option {
            for option in syntax::options(row) {
                let label = format!("{}=", option.name);
                self.items.push(Item::new(label, ItemKind::Keyword).with_detail(option.values.join("|")));
            }
        }
        if is_finished || behind_option || previous < next {
            let words = syntax::keywords(row).into_iter().filter(|word| {
                matches!(*word, "asc" | "desc" | "nulls" | "first" | "last" | "to" | "typeof")
                    || self.word_before(next, word).is_none()
            });
            let words: Vec<&str> = words.collect();
            self.words(words, ItemKind::Keyword, true);
        }
    }

    fn words<'w>(&mut self, words: impl IntoIterator<Item = &'w str>, kind: ItemKind, are_wanted: bool) {
        if are_wanted {
            self.items.extend(words.into_iter().map(|word| Item::new(word, kind)));
        }
    }

    fn statements(&mut self) {
        let rows = registry::rows().filter(|row| row.kind == Kind::Statement);
        self.items.extend(rows.map(|row| of_row(row, ItemKind::Keyword).inserting(format!("{} ", row.name))));
    }

    /// Operators behind a bar.
    fn operators(&mut self) {
        let rows = registry::operators()
            .filter(|row| !SOURCES.contains(&row.name) || matches!(row.name, "union" | "search"));
        self.items.extend(rows.map(|row| {
            let is_alone = matches!(row.name, "count" | "getschema" | "consume" | "serialize");
            let insert = if is_alone { row.name.to_owned() } else { format!("{} ", row.name) };
            of_row(row, ItemKind::Operator).inserting(insert)
        }));
        // `order` and `limit` are as good as `sort` and `take`, and more usual.
        for row in registry::operators() {
            let spellings = row.legacy.iter().filter(|name| matches!(**name, "order" | "limit"));
            self.items.extend(
                spellings
                    .map(|name| of_row(row, ItemKind::Operator).named(name).inserting(format!("{name} "))),
            );
        }
    }

    /// Where rows begin: tables, functions, and operators that need no rows.
    fn sources(&mut self) {
        self.tables();
        let rows = registry::operators().filter(|row| SOURCES.contains(&row.name));
        self.items
            .extend(rows.map(|row| of_row(row, ItemKind::Operator).inserting(format!("{} ", row.name))));
    }

    fn tables(&mut self) {
        let names = self.database.table_names();
        self.items.extend(names.iter().map(|name| Item::name(name, ItemKind::Table)));
        let functions = self.database.function_names();
        self.items.extend(
            functions.iter().map(|name| Item::name(name, ItemKind::Function).inserting(format!("{name}("))),
        );
        self.rows_of_names();
        for name in ["materialize", "table", "workspace"] {
            self.items.extend(registry::find(name).map(|row| called(row, ItemKind::Function)));
        }
    }

    /// What the query names that gives rows, or may.
    fn rows_of_names(&mut self) {
        let names: Vec<Item> = self
            .scope()
            .names
            .iter()
            .filter_map(|(name, known)| match known {
                Known::Rows(_) | Known::Graph | Known::Pattern => {
                    Some(Item::name(name, ItemKind::Table).with_detail("let"))
                }
                Known::Function(_) => {
                    Some(Item::name(name, ItemKind::Function).inserting(format!("{name}(")))
                }
                Known::Value(_) => None,
            })
            .collect();
        self.items.extend(names);
    }

    fn columns(&mut self) {
        let items: Vec<Item> = self.scope().columns.iter().map(column).collect();
        self.items.extend(items);
    }

    /// What two sides of a join are compared by: columns that both have, then `$left` and `$right`.
    fn keys(&mut self) {
        let scope = self.scope();
        let in_both = |field: &&Field| scope.right.iter().flatten().any(|right| right.name == field.name);
        let items: Vec<Item> = scope.columns.iter().filter(in_both).map(column).collect();
        self.items.extend(items);
        self.words(["$left", "$right"], ItemKind::Variable, true);
    }

    fn variables(&mut self) {
        let items: Vec<Item> = self
            .scope()
            .names
            .iter()
            .filter_map(|(name, known)| match known {
                Known::Value(scalar_type) => {
                    Some(Item::name(name, ItemKind::Variable).with_detail(scalar_type.name()))
                }
                Known::Function(_) => {
                    Some(Item::name(name, ItemKind::Function).inserting(format!("{name}(")))
                }
                Known::Rows(_) | Known::Graph | Known::Pattern => None,
            })
            .collect();
        self.items.extend(items);
    }

    /// A value: columns, variables and functions.
    fn expression(&mut self, takes_aggregates: bool) {
        self.compared_values();
        self.columns();
        self.variables();
        if takes_aggregates {
            self.functions(Kind::Aggregate, ItemKind::Aggregate);
        }
        if self.is_in_order() {
            self.functions(Kind::Window, ItemKind::Function);
        }
        self.functions(Kind::Scalar, ItemKind::Function);
        self.constants();
    }

    /// Constants of a type: `datetime(...)`.
    fn constants(&mut self) {
        let rows = registry::rows().filter(|row| row.kind == Kind::Type);
        self.items.extend(rows.map(|row| of_row(row, ItemKind::Type).inserting(format!("{}(", row.name))));
    }

    /// A value outside of any row.
    fn values(&mut self) {
        self.variables();
        self.functions(Kind::Scalar, ItemKind::Function);
        self.constants();
        self.words(["true", "false"], ItemKind::Value, true);
    }

    fn functions(&mut self, kind: Kind, shown: ItemKind) {
        let rows = registry::functions().filter(|row| row.kind == kind);
        self.items.extend(rows.map(|row| called(row, shown)));
    }

    fn plugins(&mut self) {
        let rows = registry::rows().filter(|row| row.kind == Kind::Plugin);
        self.items.extend(rows.map(|row| called(row, ItemKind::Plugin)));
    }

    /// Words between two values.
    fn infixes(&mut self) {
        let rows = registry::rows().filter(|row| row.kind == Kind::Infix);
        self.items.extend(rows.map(|row| of_row(row, ItemKind::Keyword).inserting(format!("{} ", row.name))));
    }

    /// Whether the rows are in order, as functions of a row's place need.
    fn is_in_order(&self) -> bool {
        let level = self.cursor.levels.get(self.cursor.pipeline());
        let mut bars = level.into_iter().flat_map(|level| &level.bars);
        bars.any(|bar| IN_ORDER.contains(&self.cursor.token_text(bar + 1)))
    }

    /// Behind a comparison with a column: values of its type.
    fn compared_values(&mut self) {
        let Some(previous) = self.cursor.previous() else { return };
        let is_comparison =
            matches!(self.cursor.kind(previous), TokenKind::Sign("==" | "!=" | "<" | ">" | "<=" | ">="));
        let Some(name) =
            previous.checked_sub(1).filter(|_| is_comparison).map(|at| self.cursor.token_text(at))
        else {
            return;
        };
        let scalar_type = self.scope().column(name).map(|field| field.scalar_type);
        let values: &[&str] = match scalar_type {
            Some(ScalarType::Bool) => &["true", "false"],
            Some(ScalarType::DateTime) => &["ago(1h)", "ago(1d)", "now()", "datetime()"],
            Some(ScalarType::TimeSpan) => &["1s", "1m", "1h", "1d"],
            Some(ScalarType::Guid) => &["guid()"],
            _ => &[],
        };
        self.words(values.iter().copied(), ItemKind::Value, true);
    }

    /// Behind a dot.
    fn members(&mut self) {
        let Some(base) = self.cursor.previous().and_then(|dot| dot.checked_sub(1)) else { return };
        let items: Vec<Item> = match self.cursor.token_text(base) {
            "$left" => self.scope().columns.iter().map(column).collect(),
            "$right" => self.scope().right.iter().flatten().map(column).collect(),
            ")" => {
                let tables = self.database.table_names();
                tables.iter().map(|name| Item::name(name, ItemKind::Table)).collect()
            }
            _ => Vec::new(),
        };
        self.items.extend(items);
    }

    fn types(&mut self) {
        let is_type = self.cursor.previous().is_some_and(|at| {
            self.cursor.kind(at) == TokenKind::Sign(":")
                || self.cursor.token_text(at.saturating_sub(1)) == "typeof"
        });
        if is_type {
            let rows = registry::rows().filter(|row| row.kind == Kind::Type);
            self.items.extend(rows.map(|row| of_row(row, ItemKind::Type)));
        }
    }

    /// `with (...)`
    fn properties(&mut self) {
        let outer = self.cursor.levels.len().saturating_sub(2);
        let Some((name, _)) = self.cursor.operator(outer) else { return };
        if self.cursor.previous().is_some_and(|at| self.cursor.kind(at) == TokenKind::Sign("=")) {
            return self.columns();
        }
        if name == "render" {
            let names = CHART_PROPERTIES.map(|name| Item::new(format!("{name}="), ItemKind::Keyword));
            self.items.extend(names);
        } else if let Some(row) = registry::find_kind(name, Kind::Operator) {
            let options = syntax::options(row);
            let names =
                options.iter().map(|option| Item::new(format!("{}=", option.name), ItemKind::Keyword));
            self.items.extend(names);
        }
    }
}

fn column(field: &Field) -> Item {
    Item::name(&field.name, ItemKind::Column).with_detail(field.scalar_type.name())
}

fn of_row(row: &'static Row, kind: ItemKind) -> Item {
    Item::new(row.name, kind).with_detail(row.usage()).with_doc(row.doc)
}

/// A function with its opening bracket, and with both where nothing stands between them.
fn called(row: &'static Row, kind: ItemKind) -> Item {
    let takes_nothing = row.signatures.iter().all(|signature| signature.arguments.is_empty());
    let brackets = if takes_nothing { "()" } else { "(" };
    of_row(row, kind).inserting(format!("{}{brackets}", row.name))
}
