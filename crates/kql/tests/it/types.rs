//! Types said before a query runs are those of the values that it gives.

use castellan_kql::ast::{Column, ExprKind, OperatorKind, Statement};
use castellan_kql::{ScalarType, evaluate, scalar_type};
use serde_json::Value as Json;

use crate::scalars::{Table, Variables, named, step};

type Typed = Vec<(String, ScalarType)>;

fn as_names(typed: &Typed) -> Vec<(&str, ScalarType)> {
    typed.iter().map(|(name, scalar_type)| (name.as_str(), *scalar_type)).collect()
}

/// Adds the columns with their types; an error's text where there is one.
fn add(columns: &[Column], typed: &mut Typed, result: &mut Typed, is_print: bool) -> Result<(), String> {
    for (position, column) in columns.iter().enumerate() {
        let found =
            scalar_type(&column.value, as_names(typed).as_slice()).map_err(|error| error.to_string())?;
        let name = if is_print && column.names.is_empty() {
            format!("print_{position}")
        } else {
            named(column, position)
        };
        result.retain(|(known, _)| *known != name);
        result.push((name, found));
    }
    Ok(())
}

/// The columns' types after an operator; `None` for operators that this test does not follow.
fn typed_step(operator: &OperatorKind, typed: &Typed) -> Option<Result<Typed, String>> {
    let mut seen = typed.clone();
    let mut result = typed.clone();
    Some(match operator {
        OperatorKind::Print(columns) => add(columns, &mut seen, &mut result, true).map(|()| result),
        OperatorKind::Extend(columns) => add(columns, &mut seen, &mut result, false).map(|()| result),
        OperatorKind::Project(columns) => {
            result.clear();
            add(columns, &mut seen, &mut result, false).map(|()| result)
        }
        OperatorKind::Where { predicate, .. } => scalar_type(predicate, as_names(typed).as_slice())
            .map(|_| result)
            .map_err(|error| error.to_string()),
        OperatorKind::Datatable { schema, .. } => {
            let columns =
                schema.columns.iter().map(|column| Some((column.name.text.to_string(), column.scalar_type?)));
            Ok(columns.collect::<Option<Typed>>()?)
        }
        _ => return None,
    })
}

/// Follows values and types side by side; what does not fit together is told.
fn follow(id: &str, query: &str, told: &mut Vec<String>) -> usize {
    let parsed = castellan_kql::parse(query);
    let (mut variables, mut typed, mut checked) = (Variables::default(), Typed::new(), 0);
    for statement in &parsed.script.statements {
        match statement {
            Statement::Let { name, value } => {
                let found = scalar_type(value, as_names(&typed).as_slice());
                match (evaluate(value, &variables), found) {
                    (Ok(value), Ok(found)) => {
                        variables.0.push((name.text.to_string(), value));
                        typed.push((name.text.to_string(), found));
                    }
                    (Ok(_), Err(error)) => {
                        told.push(format!("{id}: {error}"));
                        return checked;
                    }
                    _ => return checked,
                }
            }
            Statement::Query(query) => {
                let ExprKind::Query(query) = &query.kind else { return checked };
                if query.source.is_some() {
                    return checked;
                }
                let (mut table, lets) = (Table::new(), typed.clone());
                for operator in &query.operators {
                    let Some(Ok(next)) = step(&operator.kind, table, &variables) else { return checked };
                    table = next;
                    match typed_step(&operator.kind, &typed) {
                        Some(Ok(mut next)) => {
                            let is_known = |name: &String| next.iter().any(|(known, _)| known == name);
                            let unseen: Typed =
                                lets.iter().filter(|(name, _)| !is_known(name)).cloned().collect();
                            next.extend(unseen);
                            typed = next;
                        }
                        // Several columns at once: the binder's business.
                        Some(Err(error)) if error.to_string().contains("gives no single value") => {
                            return checked;
                        }
                        Some(Err(error)) => {
                            told.push(format!("{id}: {error}"));
                            return checked;
                        }
                        None => return checked,
                    }
                    for (name, value) in table.iter().flatten() {
                        let Some((_, said)) = typed.iter().find(|(known, _)| known == name) else { continue };
                        let Some(found) = value.scalar_type() else { continue };
                        checked += 1;
                        if found != *said {
                            told.push(format!("{id}: {name} is {found} and not {said}"));
                        }
                    }
                }
            }
            _ => return checked,
        }
    }
    checked
}

#[test]
fn values_have_the_types_that_were_said() {
    let (mut told, mut checked) = (Vec::new(), 0);
    for name in ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl"] {
        let Some(path) = crate::corpus(name) else { return };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            checked += follow(case["id"].as_str().unwrap(), case["query"].as_str().unwrap(), &mut told);
        }
    }
    told.dedup();
    assert!(told.is_empty(), "{} of {checked}: {told:#?}", told.len());
    assert!(checked >= 1_000, "{checked}");
}
