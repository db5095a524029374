//! Commands that clients send to find out what there is.

use castellan_kql::ScalarType::{self, Bool, DateTime, Guid, String as Text};
use serde_json::{Map, Value as Json, json};

use super::Service;
use super::ask::Question;
use super::v1::{Small, command};
use crate::queries::{Fault, TableSchema, type_names};

/// The answer to a command.
///
/// Errors: it is not one of those that are answered, or names what is not there.
pub(super) async fn answer(service: &Service, question: &Question) -> Result<String, Fault> {
    service.known(question.db.as_deref())?;
    let words = words(&question.csl)?;
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let own = || service.queries.schema(Vec::new());
    let [".show", rest @ ..] = lower.as_slice() else { return Err(unknown()) };
    let name = |at: usize| words.get(at).map_or("", String::as_str);
    let table = match rest {
        ["version"] => version(),
        ["cluster"] | ["cluster", "details"] => cluster(service),
        ["principal", "access"] | ["principal", "@self"] => return Err(unknown()),
        ["databases"] | ["databases", "details"] => databases(service),
        ["database"] => databases(service),
        ["tables"] | ["tables", "details"] => tables(service, &own().await?),
        ["schema"] | ["databases", "schema"] | ["database", "schema"] => {
            rows_of_schema(service, &own().await?)
        }
        ["schema", "as", "json"]
        | ["databases", "schema", "as", "json"]
        | ["database", "schema", "as", "json"] => schema_as_json(service, &own().await?),
        ["database", _, "schema"] => {
            service.known(Some(name(2)))?;
            rows_of_schema(service, &own().await?)
        }
        ["database", _, "schema", "as", "json"] => {
            service.known(Some(name(2)))?;
            schema_as_json(service, &own().await?)
        }
        ["table", _] => columns_of(&table_of(&own().await?, name(2))?),
        ["table", _, "cslschema"] => cslschema(service, &table_of(&own().await?, name(2))?),
        ["table", _, "schema", "as", "json"] => table_as_json(service, &table_of(&own().await?, name(2))?),
        ["functions"] | ["materialized-views"] | ["external", "tables"] => nothing(),
        _ => return Err(unknown()),
    };
    Ok(command(&table))
}

fn unknown() -> Fault {
    Fault::bad(
        "this command is not answered here; those that are: `.show databases`, `.show database schema [as json]`, \
         `.show tables`, `.show table T cslschema`, `.show table T schema as json`, `.show schema`, `.show version`, \
         `.show cluster`",
    )
}

/// The longest command.
const LONGEST: usize = 4_096;

/// The words of a command. Names may be quoted: `['a name']`, `"a name"`.
fn words(text: &str) -> Result<Vec<String>, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::bad(format!("the command has more than {LONGEST} bytes")));
    }
    let mut words = Vec::new();
    let mut rest = text.trim().trim_end_matches(';').trim_end();
    while !rest.is_empty() {
        let quoted = [("['", "']"), ("[\"", "\"]"), ("\"", "\""), ("'", "'")]
            .into_iter()
            .find_map(|(open, close)| rest.strip_prefix(open)?.split_once(close));
        let (word, after) = match quoted {
            Some(parts) => parts,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

fn table_of(tables: &[TableSchema], name: &str) -> Result<TableSchema, Fault> {
    let found = tables.iter().find(|table| table.name == name).cloned();
    found
        .ok_or_else(|| Fault::bad(format!("there is no table `{name}`; `.show tables` says which there are")))
}

fn nothing() -> Small {
    Small { columns: vec![("Name", Text)], rows: Vec::new() }
}

fn version() -> Small {
    let rows =
        vec![vec![json!(env!("CARGO_PKG_VERSION")), Json::Null, json!("castellan"), json!("castellan")]];
    let columns = vec![
        ("BuildVersion", Text),
        ("BuildTime", DateTime),
        ("ServiceType", Text),
        ("ProductVersion", Text),
    ];
    Small { columns, rows }
}

fn cluster(service: &Service) -> Small {
    let rows = vec![vec![json!(service.options.cluster), json!("castellan"), json!(true), Json::Null]];
    let columns = vec![("NodeId", Text), ("Name", Text), ("IsAdmin", Bool), ("StartTime", DateTime)];
    Small { columns, rows }
}

fn databases(service: &Service) -> Small {
    let name = json!(service.options.database);
    let columns = vec![
        ("DatabaseName", Text),
        ("PersistentStorage", Text),
        ("Version", Text),
        ("IsCurrent", Bool),
        ("DatabaseAccessMode", Text),
        ("PrettyName", Text),
        ("ReservedSlot1", Bool),
        ("DatabaseId", Guid),
    ];
    let row = vec![
        name,
        json!(""),
        json!("v1.0"),
        json!(true),
        json!("ReadOnly"),
        json!(""),
        Json::Null,
        Json::Null,
    ];
    Small { columns, rows: vec![row] }
}

fn tables(service: &Service, tables: &[TableSchema]) -> Small {
    let columns = vec![("TableName", Text), ("DatabaseName", Text), ("Folder", Text), ("DocString", Text)];
    let row =
        |table: &TableSchema| vec![json!(table.name), json!(service.options.database), json!(""), json!("")];
    Small { columns, rows: tables.iter().map(row).collect() }
}

/// The columns of one table.
fn columns_of(table: &TableSchema) -> Small {
    let columns = vec![("AttributeName", Text), ("AttributeType", Text), ("ColumnType", Text)];
    let row = |column: &castellan_kql::plan::Field| {
        let (own, dotnet) = type_names(column.scalar_type);
        vec![json!(&*column.name), json!(format!("System.{dotnet}")), json!(own)]
    };
    Small { columns, rows: table.columns.iter().map(row).collect() }
}

/// A row for the database, one for each table, and one for each column.
fn rows_of_schema(service: &Service, tables: &[TableSchema]) -> Small {
    let database = json!(service.options.database);
    let columns = vec![
        ("DatabaseName", Text),
        ("TableName", Text),
        ("ColumnName", Text),
        ("ColumnType", Text),
        ("IsDefaultTable", Bool),
        ("IsDefaultColumn", Bool),
        ("PrettyName", Text),
        ("Version", Text),
        ("Folder", Text),
        ("DocString", Text),
    ];
    let row = |table: Json, column: Json, of: Json| {
        let rest = [json!(false), json!(false), Json::Null, json!("v1.0"), Json::Null, Json::Null];
        [database.clone(), table, column, of].into_iter().chain(rest).collect::<Vec<Json>>()
    };
    let mut rows = vec![row(Json::Null, Json::Null, Json::Null)];
    for table in tables {
        rows.push(row(json!(table.name), Json::Null, Json::Null));
        for column in &table.columns {
            let (_, dotnet) = type_names(column.scalar_type);
            rows.push(row(json!(table.name), json!(&*column.name), json!(format!("System.{dotnet}"))));
        }
    }
    Small { columns, rows }
}

fn ordered_columns(table: &TableSchema) -> Json {
    let column = |column: &castellan_kql::plan::Field| {
        let (own, dotnet) = type_names(column.scalar_type);
        json!({ "Name": &*column.name, "Type": format!("System.{dotnet}"), "CslType": own })
    };
    table.columns.iter().map(column).collect()
}

/// The whole schema as JSON in one text, as editors read it.
fn schema_as_json(service: &Service, tables: &[TableSchema]) -> Small {
    let tables: Map<String, Json> = tables
        .iter()
        .map(|table| {
            (table.name.clone(), json!({ "Name": table.name, "OrderedColumns": ordered_columns(table) }))
        })
        .collect();
    let name = &service.options.database;
    let database = json!({
        "Name": name,
        "Tables": tables,
        "ExternalTables": {},
        "MaterializedViews": {},
        "EntityGroups": {},
        "MajorVersion": 1,
        "MinorVersion": 0,
        "Functions": {},
        "DatabaseAccessMode": "ReadOnly",
    });
    let schema = json!({ "Plugins": [], "Databases": { name.as_str(): database } });
    Small { columns: vec![("DatabaseSchema", Text)], rows: vec![vec![json!(schema.to_string())]] }
}

/// The columns of a table of one table.
const ONE_TABLE: [(&str, ScalarType); 5] =
    [("TableName", Text), ("Schema", Text), ("DatabaseName", Text), ("Folder", Text), ("DocString", Text)];

fn one_table(service: &Service, table: &TableSchema, schema: String) -> Small {
    let row = vec![json!(table.name), json!(schema), json!(service.options.database), json!(""), json!("")];
    Small { columns: ONE_TABLE.to_vec(), rows: vec![row] }
}

fn cslschema(service: &Service, table: &TableSchema) -> Small {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{}:{}", named(&column.name), column.scalar_type.name()))
        .collect();
    one_table(service, table, columns.join(", "))
}

/// A name as a query writes it.
fn named(name: &str) -> String {
    let is_plain = name.chars().all(|char| char.is_alphanumeric() || char == '_')
        && !name.starts_with(|char: char| char.is_ascii_digit());
    if is_plain {
        name.to_owned()
    } else {
        format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

fn table_as_json(service: &Service, table: &TableSchema) -> Small {
    let schema = json!({ "Name": table.name, "OrderedColumns": ordered_columns(table) });
    one_table(service, table, schema.to_string())
}

#[cfg(test)]
mod tests {
    use super::{named, words};

    #[test]
    fn commands_are_split_into_words() {
        let read = |text: &str| words(text).ok();
        assert_eq!(
            read(".show  table ['a b'] cslschema;"),
            Some([".show", "table", "a b", "cslschema"].map(str::to_owned).to_vec())
        );
        assert_eq!(read(".show table \"T\""), Some([".show", "table", "T"].map(str::to_owned).to_vec()));
        assert_eq!(read(""), Some(Vec::new()));
        assert_eq!(read(".show ['open"), Some([".show", "['open"].map(str::to_owned).to_vec()));
        assert_eq!(read(&"x".repeat(5_000)), None);
    }

    #[test]
    fn names() {
        assert_eq!(named("User"), "User");
        assert_eq!(named("a-b'c"), "['a-b\\'c']");
        assert_eq!(named("1st"), "['1st']");
    }
}
