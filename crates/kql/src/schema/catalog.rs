//! The catalog: names and what stands behind them.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::columns::{Columns, Table, scalar_type};
use super::function::{Function, Output, Parameters};
use super::later::Later;
use super::lines::{self, Kind, Piece};
use super::resource_graph;
use crate::diagnostic::Diagnostic;

/// The files of `content/tables`; schemas come before the functions that refer to them.
const BUILT_IN: [&str; 8] = [
    include_str!("../../../../content/tables/application-insights.csv"),
    include_str!("../../../../content/tables/azure-monitor.csv"),
    include_str!("../../../../content/tables/castellan.csv"),
    include_str!("../../../../content/tables/custom-logs.csv"),
    include_str!("../../../../content/tables/defender-xdr.csv"),
    resource_graph::TABLES,
    include_str!("../../../../content/tables/schemas.csv"),
    include_str!("../../../../content/tables/functions.csv"),
];

/// Tables, and functions beside those of the language. Names are case-sensitive, and each list is in their order.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    tables: Vec<Arc<Table>>,
    schemas: Vec<Arc<Table>>,
    functions: Vec<Arc<Function>>,
}

impl Catalog {
    /// What `content/tables` holds.
    pub fn built_in() -> &'static Catalog {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(Catalog::load)
    }

    /// What `content/tables` holds, from its text anew.
    pub fn load() -> Catalog {
        let later = Reading {
            columns: |piece| Ok(Later::of_own(piece.text)),
            parameters: |piece| Ok(Later::of_own(piece.text)),
            base: None,
        };
        let mut catalog = Catalog::default();
        for text in BUILT_IN {
            // A test reads every line to its end; there is nothing to report.
            let _ = catalog.add(text, &later);
        }
        catalog
    }

    /// Reads a text whole. Its functions may refer to the schemas of the built-in catalog.
    ///
    /// # Errors
    ///
    /// The first line that is malformed, or has a name that was there before, or goes beyond a bound;
    /// [`Span::line_and_column`](crate::Span::line_and_column) says where that is.
    ///
    /// ```
    /// use castellan_kql::schema::Catalog;
    ///
    /// let text = "table,columns\nAgents_CL,TimeGenerated:datetime Name_s:text\n";
    /// let wrong = Catalog::parse(text).unwrap_err();
    /// assert_eq!(wrong.span.line_and_column(text), (2, 41));
    /// assert_eq!(wrong.message, "`text` is no type");
    /// ```
    pub fn parse(text: &str) -> Result<Catalog, Diagnostic> {
        let now = Reading {
            columns: Later::read_now,
            parameters: Later::read_now,
            base: Some(Catalog::built_in()),
        };
        let mut catalog = Catalog::default();
        catalog.add(text, &now)?;
        Ok(catalog)
    }

    /// Lays another catalog on top: of two things of one name, its own counts.
    #[must_use]
    pub fn under(&self, upper: &Catalog) -> Catalog {
        Catalog {
            tables: merged(&self.tables, &upper.tables, |table| &table.name),
            schemas: merged(&self.schemas, &upper.schemas, |schema| &schema.name),
            functions: merged(&self.functions, &upper.functions, |function| &function.name),
        }
    }

    /// The table of a name. In names of Resource Graph the case does not count.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        find(&self.tables, name, |table| &table.name).or_else(|| {
            let mut alike = self.tables.iter().filter(|table| table.name.eq_ignore_ascii_case(name));
            alike.next().filter(|_| resource_graph::has(name) && alike.next().is_none())
        })
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.iter()
    }

    /// The tables whose names a pattern fits, in which `*` stands for any letters.
    pub fn matching(&self, pattern: &str) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.iter().filter(move |table| fits(pattern, &table.name))
    }

    /// The table that somebody may have meant, if a few changes lead to one.
    pub fn nearest_table(&self, name: &str) -> Option<&str> {
        crate::nearest(name, self.tables.iter().map(|table| &*table.name))
    }

    /// The function of a name.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        find(&self.functions, name, |function| &function.name)
    }

    /// All functions.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.iter()
    }

    /// The function that somebody may have meant, if a few changes lead to one.
    pub fn nearest_function(&self, name: &str) -> Option<&str> {
        crate::nearest(name, self.functions.iter().map(|function| &*function.name))
    }

    /// The schema of a name: columns that several functions give, such as `Dns`.
    pub fn schema(&self, name: &str) -> Option<&Arc<Table>> {
        find(&self.schemas, name, |schema| &schema.name)
    }

    /// All schemas.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.schemas.iter()
    }

    fn add<'t>(&mut self, text: &'t str, reading: &Reading<'t>) -> Result<(), Diagnostic> {
        let (kind, lines) = lines::split(text)?;
        let mut seen = HashSet::new();
        for line in lines {
            let Some((name, rest)) = line.split_once(',') else {
                let diagnostic = line.error("missing-columns", "there is no comma behind the name");
                return Err(diagnostic.with_help("write `name,column:type column:type`"));
            };
            let known = name.name()?;
            if !seen.insert(known) || self.has(kind, known) {
                return Err(name.error("duplicate-name", format!("`{known}` was there before")));
            }
            match kind {
                Kind::Tables => self.tables.push(reading.table(known, rest)?),
                Kind::Schemas => self.schemas.push(reading.table(known, rest)?),
                Kind::Functions => {
                    let function = self.function_of(known, rest, reading)?;
                    self.functions.push(Arc::new(function));
                }
            }
        }
        self.tables.sort_by(|left, right| left.name.cmp(&right.name));
        self.schemas.sort_by(|left, right| left.name.cmp(&right.name));
        self.functions.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(())
    }

    /// True when a former text had the name.
    fn has(&self, kind: Kind, name: &str) -> bool {
        match kind {
            Kind::Tables => find(&self.tables, name, |table| &table.name).is_some(),
            Kind::Schemas => self.schema(name).is_some(),
            Kind::Functions => self.function(name).is_some(),
        }
    }

    fn function_of<'t>(
        &self,
        name: &str,
        rest: Piece<'t>,
        reading: &Reading<'t>,
    ) -> Result<Function, Diagnostic> {
        let Some((parameters, result)) = rest.split_once(',') else {
            let diagnostic = rest.error("missing-columns", "there is no comma behind the parameters");
            return Err(diagnostic.with_help("write `name,parameter:type=default,column:type`"));
        };
        Ok(Function {
            name: name.into(),
            parameters: (reading.parameters)(parameters)?,
            result: self.result_of(result, reading)?,
        })
    }

    /// `=type`, `@schema` or columns.
    fn result_of<'t>(&self, text: Piece<'t>, reading: &Reading<'t>) -> Result<Output, Diagnostic> {
        if let Some((_, value)) = text.split_once('=').filter(|(before, _)| before.text.is_empty()) {
            return Ok(Output::Value(scalar_type(value)?));
        }
        let Some((_, schema)) = text.split_once('@').filter(|(before, _)| before.text.is_empty()) else {
            return Ok(Output::Rows(Arc::new((reading.columns)(text)?)));
        };
        let below = || reading.base.and_then(|base| base.schema(schema.text));
        match self.schema(schema.text).or_else(below) {
            Some(found) => Ok(Output::Rows(Arc::clone(&found.columns))),
            None => {
                let message = format!("there is no schema `{}`", schema.text.escape_default());
                Err(schema.error("unknown-schema", message))
            }
        }
    }
}

/// How the parts of a line are read: at once, or when they are asked for.
struct Reading<'t> {
    columns: fn(Piece<'t>) -> Result<Later<Columns>, Diagnostic>,
    parameters: fn(Piece<'t>) -> Result<Later<Parameters>, Diagnostic>,
    /// Where schemas are looked for that the text itself does not have.
    base: Option<&'static Catalog>,
}

impl<'t> Reading<'t> {
    fn table(&self, name: &str, columns: Piece<'t>) -> Result<Arc<Table>, Diagnostic> {
        Ok(Arc::new(Table { name: name.into(), columns: Arc::new((self.columns)(columns)?) }))
    }
}

/// The item of a name in a list that is in their order.
fn find<'i, T>(items: &'i [Arc<T>], name: &str, name_of: impl Fn(&T) -> &str) -> Option<&'i Arc<T>> {
    let at = items.binary_search_by(|item| name_of(item).cmp(name)).ok()?;
    items.get(at)
}

fn merged<T>(lower: &[Arc<T>], upper: &[Arc<T>], name_of: impl Fn(&T) -> &str) -> Vec<Arc<T>> {
    let stays = lower.iter().filter(|item| find(upper, name_of(item), &name_of).is_none());
    let mut items: Vec<Arc<T>> = stays.chain(upper).map(Arc::clone).collect();
    items.sort_by(|left, right| name_of(left).cmp(name_of(right)));
    items
}

/// True when a name is of the form of a pattern: its pieces between the stars stand in the name in this order.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name.strip_suffix(end) else { return false };
    for piece in middle.split('*') {
        let Some((_, behind)) = name.split_once(piece) else { return false };
        name = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{MAX_COLUMNS, MAX_NAME, ParameterType, Returns};
    use crate::value::ScalarType;

    /// What is said about a text, with its place.
    fn complaint(text: &str) -> String {
        let wrong = Catalog::parse(text).unwrap_err();
        let (line, column) = wrong.span.line_and_column(text);
        format!("{line}:{column} {wrong}")
    }

    #[test]
    fn tables_have_their_columns_in_order() {
        let text = "table,columns\r\n# ours\n\nB_CL,b:string a:long\r\nA,x-y:dynamic *\n";
        let catalog = Catalog::parse(text).unwrap();
        let names: Vec<&str> = catalog.tables().map(|table| table.name()).collect();
        assert_eq!(names, ["A", "B_CL"]);
        let table = catalog.table("B_CL").unwrap();
        let columns: Vec<&str> = table.columns().list.iter().map(|column| &*column.name).collect();
        assert_eq!(columns, ["b", "a"]);
        assert!(!table.columns().is_open);
        assert_eq!(table.column("a").unwrap().scalar_type, ScalarType::Long);
        assert!(table.column("A").is_none());
        assert!(catalog.table("A").unwrap().columns().is_open);
        assert!(catalog.table("b_cl").is_none());
    }

    #[test]
    fn functions_have_parameters_and_results() {
        let text = "function,parameters,columns\n\
            Recent,rows:(*) since:datetime=datetime(null) names:dynamic=dynamic([]),Name:string *\n\
            Depth,path:string,=long\n\
            All,,*\n";
        let catalog = Catalog::parse(text).unwrap();
        let recent = catalog.function("Recent").unwrap();
        let [rows, since, names] = recent.parameters() else { panic!("{recent:?}") };
        assert_eq!((rows.kind, rows.default.as_deref()), (ParameterType::Rows, None));
        assert_eq!(since.kind, ParameterType::Value(ScalarType::DateTime));
        assert_eq!(since.default.as_deref(), Some("datetime(null)"));
        assert_eq!(names.default.as_deref(), Some("dynamic([])"));
        let Returns::Rows(columns) = recent.returns() else { panic!("{recent:?}") };
        assert!(columns.is_open && columns.get("Name").is_some());
        assert_eq!(catalog.function("Depth").unwrap().returns(), Returns::Value(ScalarType::Long));
        assert!(catalog.function("All").unwrap().parameters().is_empty());
        assert_eq!(catalog.nearest_function("Dept"), Some("Depth"));
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, expected) in [
            ("", "1:1 this is no schema text"),
            ("name,columns\n", "1:1 this is no schema text"),
            ("table,columns\nA\n", "2:1 there is no comma behind the name"),
            ("table,columns\n,a:long\n", "2:1 a name is missing here"),
            ("table,columns\nA b,a:long\n", "2:1 `A b` is no name"),
            ("table,columns\nA,\n", "2:3 there are no columns"),
            ("table,columns\nA,a\n", "2:3 `a` has no type"),
            ("table,columns\nA,b:long  a:\n", "2:13 `` is no type"),
            ("table,columns\nA,a:String\n", "2:5 `String` is no type (did you mean `string`?)"),
            ("table,columns\nA,a:boolean\n", "2:5 `boolean` is no type (did you mean `bool`?)"),
            ("table,columns\nA,a:long a:int\n", "2:10 the column `a` stands here twice"),
            ("table,columns\nA,* a:int\n", "2:5 nothing stands behind `*`"),
            ("table,columns\nA,a:long\nB,*\nA,*\n", "4:1 `A` was there before"),
            ("function,parameters,columns\nf,a:long\n", "2:3 there is no comma behind the parameters"),
            ("function,parameters,columns\nf,a:long=1 b:int,*\n", "2:12 the parameter `b` needs a default"),
            ("function,parameters,columns\nf,a:long=,*\n", "2:10 a default is missing here"),
            ("function,parameters,columns\nf,a,*\n", "2:3 `a` has no type"),
            ("function,parameters,columns\nf,a:int a:int,*\n", "2:9 the parameter `a` stands here twice"),
            ("function,parameters,columns\nf,,@None\n", "2:5 there is no schema `None`"),
            ("function,parameters,columns\nf,,=text\n", "2:5 `text` is no type"),
        ] {
            let said = complaint(text);
            assert!(said.starts_with(expected), "{text:?}: {said}");
        }
    }

    #[test]
    fn bounds_hold() {
        let columns: Vec<String> = (0..=MAX_COLUMNS).map(|number| format!("c{number}:int")).collect();
        assert!(complaint(&format!("table,columns\nA,{}", columns.join(" "))).contains("at most"));
        let name = "n".repeat(MAX_NAME + 1);
        assert!(complaint(&format!("table,columns\n{name},*")).contains("at most"));
        assert!(complaint(&format!("table,columns\n{}", "#\n".repeat(8 << 20))).contains("at most"));
    }

    #[test]
    fn a_pattern_fits_names() {
        for (pattern, name, expected) in [
            ("Security*", "SecurityEvent", true),
            ("Security*", "securityEvent", false),
            ("Security*", "Security", true),
            ("*Event", "SecurityEvent", true),
            ("*", "", true),
            ("a*b*c", "aXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("*a*a*", "a", false),
            ("ab*ba", "aba", false),
            ("a*b*b", "ab", false),
            ("Exact", "Exact", true),
            ("Exact", "Exactly", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_upper_catalog_counts() {
        let lower = Catalog::parse("table,columns\nA,a:int\nB,b:int").unwrap();
        let upper = Catalog::parse("table,columns\nB,b:long\nC,c:long").unwrap();
        let both = lower.under(&upper);
        let found: Vec<String> = both
            .tables()
            .map(|table| format!("{}:{}", table.name(), table.columns().list[0].scalar_type))
            .collect();
        assert_eq!(found, ["A:int", "B:long", "C:long"]);
    }

    #[test]
    fn what_is_built_in_is_well_formed_and_in_order() {
        for text in BUILT_IN {
            let read = Catalog::parse(text)
                .unwrap_or_else(|wrong| panic!("{:?}: {wrong}", wrong.span.line_and_column(text)));
            let written: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
            assert!(written.is_sorted(), "the lines are not in the order of their names");
            let built_in = Catalog::built_in();
            for table in read.tables() {
                assert_eq!(built_in.table(table.name()).unwrap().columns(), table.columns());
            }
            for function in read.functions() {
                let known = built_in.function(function.name()).unwrap();
                assert_eq!(known.parameters(), function.parameters());
                assert_eq!(known.returns(), function.returns());
            }
        }
        let lines: usize = BUILT_IN.iter().map(|text| text.lines().count() - 1).sum();
        let catalog = Catalog::built_in();
        let items = catalog.tables().count() + catalog.schemas().count() + catalog.functions().count();
        assert_eq!(items, lines, "a line of a file is missing in the catalog");
    }
}
