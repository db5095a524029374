//! `geo_polygon_lookup` and `geo_line_lookup`: rows with the shapes that hold their places, or are near them.

use super::Call;
use crate::bind::looked_up;
use crate::functions::{self, ScalarFunction};
use crate::interpret::{Result, Row, failure};
use crate::plan::Scalar;
use crate::value::Value;

/// How a place and a shape are held together.
struct Test {
    function: &'static ScalarFunction,
    /// The longest distance in metres; without one the shape has to hold the place.
    radius: Option<f64>,
}

impl Test {
    fn of(call: &Call<'_, '_>) -> Result<Test> {
        let radius = call.constant("radius")?.and_then(|value| value.to_f64());
        let name = match (call.plugin.row.name, radius) {
            ("geo_line_lookup", _) => "geo_distance_point_to_line",
            (_, Some(_)) => "geo_distance_point_to_polygon",
            (_, None) => "geo_point_in_polygon",
        };
        let missing = || failure("unsupported", format!("there is no function `{name}`"));
        Ok(Test { function: functions::find(name).ok_or_else(missing)?, radius })
    }

    fn holds(&self, longitude: Value, latitude: Value, shape: Value) -> bool {
        let value = self.function.call(&[longitude, latitude, shape]).unwrap_or_default();
        match self.radius {
            Some(radius) => value.to_f64().is_some_and(|distance| distance <= radius),
            None => value == Value::Bool(true),
        }
    }
}

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let test = Test::of(call)?;
    let (longitude, latitude) = (call.required("longitude")?, call.required("latitude")?);
    let shape: Scalar = match call.scalar("polygon")? {
        Some(shape) => shape,
        None => call.required("line")?,
    };
    let keeps_all = call.constant("return_unmatched")? == Some(Value::Bool(true));
    let table = call.plugin.table("table").map_or(Ok(Vec::new()), |plan| call.run.plan(plan))?;
    let shapes: Vec<Value> = table.iter().map(|row| call.run.value(&shape, row)).collect();
    let kept = looked_up(call.plugin);
    let nothing: Row = kept.iter().map(|(_, field)| Value::empty(field.scalar_type)).collect();
    let other = |at: usize| -> Row {
        let row = table.get(at);
        let cell = |(place, _): &(usize, _)| row.and_then(|row| row.get(*place)).cloned();
        kept.iter().map(|kept| cell(kept).unwrap_or_default()).collect()
    };
    let mut found = Vec::new();
    for row in &rows {
        let before = found.len();
        let (longitude, latitude) = (call.run.value(&longitude, row), call.run.value(&latitude, row));
        for (at, shape) in shapes.iter().enumerate() {
            call.run.count(1)?;
            if test.holds(longitude.clone(), latitude.clone(), shape.clone()) {
                found.push(row.iter().cloned().chain(other(at)).collect());
            }
        }
        if keeps_all && found.len() == before {
            found.push(row.iter().chain(&nothing).cloned().collect());
        }
    }
    Ok(found)
}
