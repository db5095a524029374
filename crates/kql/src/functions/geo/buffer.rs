//! Everything within a distance of a point, a line or a polygon, as a polygon.

use std::f64::consts::{PI, TAU};

use super::measure::{line_arcs, polygon_arcs};
use super::overlay::{Rule, combined};
use super::shape::{Polygon, Region, lines_at, point_at, polygons_at, polygons_geometry};
use super::vector::{Arc, EARTH_RADIUS, Vector};
use crate::functions::{ScalarFunction, function, real_at};
use crate::value::Value;

/// Metres that the polygon may lie inside the circle, without another tolerance.
const TOLERANCE: f64 = 10.0;

/// Fewest and most corners of a circle.
const CORNERS: (f64, f64) = (8.0, 720.0);

/// Longest piece of a line, in radians: what lies beside an arc at a distance is no arc itself.
const LONGEST: f64 = PI / 180.0;

/// Most corners of a result before they are put together.
const MOST_CORNERS: usize = 200_000;

/// A distance in radians, and the corners of a circle of it.
#[derive(Clone, Copy)]
struct Circle {
    radius: f64,
    corners: usize,
}

impl Circle {
    /// From a radius and a tolerance in metres at two arguments in a row.
    fn at(arguments: &[Value], position: usize) -> Option<Circle> {
        let radius = real_at(arguments, position).filter(|radius| *radius > 0.0 && radius.is_finite())?;
        let tolerance =
            if arguments.len() <= position + 1 { TOLERANCE } else { real_at(arguments, position + 1)? };
        if tolerance <= 0.0 || radius / EARTH_RADIUS >= PI / 2.0 {
            return None;
        }
        // A chord lies this far inside its circle: radius * (1 - cos(half the angle)).
        let half = (1.0 - (tolerance / radius).min(0.5)).acos();
        let corners = (PI / half).ceil().clamp(CORNERS.0, CORNERS.1);
        let corners = usize::try_from(crate::value::whole(corners)?).ok()?;
        Some(Circle { radius: radius / EARTH_RADIUS, corners })
    }

    /// The points around a center from one direction on, counter-clockwise.
    fn around(self, center: Vector, from: f64, turn: f64) -> impl Iterator<Item = Vector> {
        let steps = self.corners;
        (0..=steps).map(move |step| center.at(from - turn * step as f64 / steps as f64, self.radius))
    }

    /// The points within the radius of an arc.
    fn along(self, (start, end): Arc) -> Region {
        let (forth, back) = (start.azimuth(end), end.azimuth(start));
        let (half, quarter) = (PI, PI / 2.0);
        let behind = self.around(start, forth - quarter, half);
        let ahead = self.around(end, back - quarter, half);
        Region { rings: vec![behind.chain(ahead).collect()] }
    }
}

/// An arc in pieces.
fn pieces((start, end): Arc) -> Vec<Arc> {
    let count = crate::value::whole((start.angle(end) / LONGEST).ceil()).unwrap_or(1).max(1);
    let at = |step: i64| if step == count { end } else { start.towards(end, step as f64 / count as f64) };
    (0..count).map(|step| (at(step), at(step + 1))).collect()
}

fn point_buffer(arguments: &[Value]) -> Option<Value> {
    let center = point_at(arguments, 0)?.vector();
    let circle = Circle::at(arguments, 2)?;
    let mut ring: Vec<_> = circle.around(center, 0.0, TAU).map(Vector::point).collect();
    ring.pop();
    Some(Value::dynamic(polygons_geometry(&[Polygon { rings: vec![ring] }])))
}

/// The surroundings of all arcs together with the surfaces that they bound.
fn buffer(arcs: &[Arc], mut regions: Vec<Region>, circle: Circle) -> Option<Value> {
    let pieces: Vec<Arc> = arcs.iter().flat_map(|arc| pieces(*arc)).collect();
    if pieces.len().saturating_mul(circle.corners * 2) > MOST_CORNERS {
        return None;
    }
    regions.extend(pieces.iter().map(|piece| circle.along(*piece)));
    Some(Value::dynamic(polygons_geometry(&combined(&regions, &[], Rule::Union)?)))
}

fn line_buffer(arguments: &[Value]) -> Option<Value> {
    buffer(&line_arcs(&lines_at(arguments, 0)?), Vec::new(), Circle::at(arguments, 1)?)
}

fn polygon_buffer(arguments: &[Value]) -> Option<Value> {
    let polygons = polygons_at(arguments, 0)?;
    let regions = polygons.iter().map(Region::new).collect();
    buffer(&polygon_arcs(&polygons), regions, Circle::at(arguments, 1)?)
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_point_buffer", 3, 4, |a| point_buffer(a).unwrap_or_default()),
    function("geo_line_buffer", 2, 3, |a| line_buffer(a).unwrap_or_default()),
    function("geo_polygon_buffer", 2, 3, |a| polygon_buffer(a).unwrap_or_default()),
];

#[cfg(test)]
mod tests {
    use super::super::shape::Shape;
    use super::*;
    use crate::value::Dynamic;

    fn call(name: &str, arguments: &[Value]) -> Value {
        crate::functions::find(name).unwrap().call(arguments).unwrap()
    }

    fn shape(json: &str) -> Value {
        Value::dynamic(Dynamic::parse(json).unwrap())
    }

    /// In square metres.
    fn area(buffer: &Value) -> f64 {
        call("geo_polygon_area", std::slice::from_ref(buffer)).to_f64().unwrap()
    }

    #[test]
    fn buffers_have_the_size_of_their_circle() {
        let circle = call("geo_point_buffer", &[13.4, 52.5, 1_000.0, 0.1].map(Value::Real));
        assert!((area(&circle) / (PI * 1e6) - 1.0).abs() < 0.001, "{circle:?}");
        let line = shape(r#"{"type":"LineString","coordinates":[[0,0],[0,0.1]]}"#);
        let along = call("geo_line_buffer", &[line, Value::Long(1_000), Value::Real(0.1)]);
        let expected = PI * 1e6 + 2_000.0 * (0.1_f64.to_radians() * EARTH_RADIUS);
        assert!((area(&along) / expected - 1.0).abs() < 0.001, "{along:?}");
    }

    #[test]
    fn a_polygon_lies_in_its_buffer_with_its_holes_made_smaller() {
        let json = r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]],[[0.4,0.4],[0.6,0.4],[0.6,0.6],[0.4,0.6],[0.4,0.4]]]}"#;
        let buffer = call("geo_polygon_buffer", &[shape(json), Value::Long(1_000)]);
        let Value::Dynamic(dynamic) = &buffer else { panic!() };
        let Some(Shape::Polygons(polygons)) = Shape::read(dynamic) else { panic!("{dynamic}") };
        assert_eq!(polygons.len(), 1);
        assert_eq!(polygons[0].rings.len(), 2);
        let holds = |longitude: f64, latitude: f64| {
            call("geo_point_in_polygon", &[Value::Real(longitude), Value::Real(latitude), buffer.clone()])
        };
        assert_eq!(holds(-0.008, 0.5), Value::Bool(true));
        assert_eq!(holds(-0.01, 0.5), Value::Bool(false));
        assert_eq!(holds(0.5, 0.5), Value::Bool(false));
        assert_eq!(holds(0.408, 0.5), Value::Bool(true));
    }
}
