//! The rules of Resource Graph: names of tables in any case, and queries without one.

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::plan::Field;
use castellan_kql::schema::Catalog;
use castellan_kql::{ScalarType, parse};

fn database() -> Tables {
    let mut tables = Tables::default();
    tables
        .add("Resources", vec![Field::new("id", ScalarType::String), Field::new("type", ScalarType::String)]);
    tables.add("SigninLogs", vec![Field::new("id", ScalarType::String)]);
    tables
}

/// The tables that a query reads, or what is wrong with it.
fn reads(query: &str, tables: &Tables) -> Result<Vec<String>, String> {
    let bound = bind(&parse(query).script, tables, &Options::default()).map_err(|error| error.to_string())?;
    Ok(bound.results[0].plan.tables().iter().map(ToString::to_string).collect())
}

#[test]
fn the_case_of_a_table_does_not_count() {
    for name in ["Resources", "resources", "RESOURCES"] {
        assert_eq!(reads(&format!("{name} | count"), &database()), Ok(vec!["Resources".to_owned()]));
    }
    let joined = "Resources | join kind=inner (resources | project id) on id";
    assert_eq!(reads(joined, &database()), Ok(vec!["Resources".to_owned()]));
}

#[test]
fn elsewhere_it_does() {
    let wrong = reads("signinlogs | count", &database()).unwrap_err();
    assert!(wrong.starts_with("there is no table `signinlogs`"), "{wrong}");
}

#[test]
fn of_two_names_none_is_guessed() {
    let mut tables = database();
    tables.add("resources", vec![Field::new("id", ScalarType::String)]);
    assert_eq!(reads("resources | count", &tables), Ok(vec!["resources".to_owned()]));
    assert!(reads("RESOURCES | count", &tables).is_err());
}

#[test]
fn a_query_without_a_table_reads_resources() {
    for query in ["where type =~ 'a' | project id", "project id", "summarize count() by type", "extend x = 1"]
    {
        assert_eq!(reads(query, &database()), Ok(vec!["Resources".to_owned()]), "{query}");
    }
    let none = reads("where type =~ 'a'", &Tables::default()).unwrap_err();
    assert!(none.starts_with("this operator needs rows before it"), "{none}");
    let nested = reads("union (where type == 'a')", &database()).unwrap_err();
    assert!(!nested.is_empty());
}

#[test]
fn the_catalog_knows_its_tables_in_any_case() {
    let catalog = Catalog::built_in();
    assert_eq!(catalog.table("rEsOurces").unwrap().name(), "Resources");
    assert_eq!(catalog.table("NetworkResources").unwrap().name(), "networkresources");
    assert!(catalog.table("signinlogs").is_none());
}
