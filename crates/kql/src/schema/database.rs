//! The catalog as what queries are checked against. Its tables have no rows: a bound query says what is wrong with it and
//! which columns come out, and cannot be run.

use std::sync::Arc;

use super::{Catalog, Column, Columns, Function, Parameter, ParameterType, Returns};
use crate::ast::{Expr, ExprKind, Name, ParameterKind, Schema};
use crate::bind::{Database, Declaration, Gives, Qualifier, Shape, Stored};
use crate::plan::Field;
use crate::span::Span;
use crate::value::{ScalarType, Value};

impl Database for Catalog {
    fn table(&self, name: &str) -> Option<Shape> {
        Some(shape(Catalog::table(self, name)?.columns()))
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        self.tables().map(|table| Arc::clone(&table.name)).collect()
    }

    fn function(&self, name: &str) -> Option<Stored> {
        Some(Stored::Declared(declaration(Catalog::function(self, name)?)))
    }

    /// Other workspaces have the same tables.
    fn elsewhere(&self, _qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        Some(self)
    }
}

/// Columns that every table of Azure Monitor has, also where its own page does not name them.
///
/// Source: Azure Monitor documentation, "Standard columns in Azure Monitor Logs".
const STANDARD: [(&str, ScalarType); 7] = [
    ("TenantId", ScalarType::String),
    ("Type", ScalarType::String),
    ("SourceSystem", ScalarType::String),
    ("_IsBillable", ScalarType::String),
    ("_BilledSize", ScalarType::Real),
    ("_ItemId", ScalarType::String),
    ("_TimeReceived", ScalarType::DateTime),
];

/// The columns with the standard ones where they are a table of Azure Monitor, which has the time of its rows.
fn shape(columns: &Columns) -> Shape {
    let field = |column: &Column| Field::new(Arc::clone(&column.name), column.scalar_type);
    let mut fields: Vec<Field> = columns.list.iter().map(field).collect();
    if columns.get("TimeGenerated").is_some() {
        let missing = STANDARD.iter().filter(|(name, _)| columns.get(name).is_none());
        fields.extend(missing.map(|(name, scalar_type)| Field::new(*name, *scalar_type)));
    }
    Shape { columns: fields, is_open: columns.is_open }
}

fn declaration(function: &Function) -> Declaration {
    let gives = match function.returns() {
        Returns::Value(scalar_type) => Gives::Value(scalar_type),
        Returns::Rows(columns) => Gives::Rows(shape(columns)),
    };
    Declaration { parameters: Some(function.parameters().iter().map(parameter).collect()), gives }
}

fn parameter(parameter: &Parameter) -> crate::ast::Parameter {
    let name = Name { text: Arc::clone(&parameter.name), span: Span::default() };
    match parameter.kind {
        ParameterType::Value(scalar_type) => crate::ast::Parameter {
            name,
            kind: ParameterKind::Scalar(scalar_type),
            // Which constant it is does not matter for a check.
            default: parameter.default.is_some().then(|| null(scalar_type)),
        },
        ParameterType::Rows => {
            let schema = Schema { is_open: true, ..Schema::default() };
            crate::ast::Parameter { name, kind: ParameterKind::Table(schema), default: None }
        }
    }
}

fn null(scalar_type: ScalarType) -> Expr {
    Expr { kind: ExprKind::Literal { value: Value::Null, scalar_type }, span: Span::default() }
}
