//! Distances, directions, lengths and areas.

use super::shape::{
    Path, Polygon, Region, Shape, arcs, lines_at, point_at, point_value, polygons_at, ring_arcs, shape_at,
    signed_area, vectors,
};
use super::vector::{Arc, EARTH_RADIUS, Vector, nearest};
use crate::functions::{ScalarFunction, boolean, function, real_at};
use crate::value::Value;

fn metres(angle: f64) -> Value {
    Value::Real(angle * EARTH_RADIUS)
}

/// The vectors of so many points in a row.
fn points<const N: usize>(arguments: &[Value]) -> Option<[Vector; N]> {
    let mut found = [Vector::default(); N];
    for (index, place) in found.iter_mut().enumerate() {
        *place = point_at(arguments, 2 * index)?.vector();
    }
    Some(found)
}

fn distance_of_points(arguments: &[Value]) -> Option<Value> {
    let [start, end] = points(arguments)?;
    Some(metres(start.angle(end)))
}

fn azimuth(arguments: &[Value]) -> Option<Value> {
    let [start, end] = points(arguments)?;
    (start != end).then(|| Value::Real(start.azimuth(end)))
}

/// At the second point, clockwise from the first to the third.
fn angle(arguments: &[Value]) -> Option<Value> {
    let [first, corner, third] = points(arguments)?;
    if first == corner || third == corner {
        return None;
    }
    let turn = corner.azimuth(third) - corner.azimuth(first);
    Some(Value::Real(turn.rem_euclid(std::f64::consts::TAU)))
}

fn in_circle(arguments: &[Value]) -> Option<Value> {
    let [point, center] = points(arguments)?;
    let radius = real_at(arguments, 4).filter(|radius| *radius >= 0.0)?;
    Some(boolean(point.angle(center) * EARTH_RADIUS <= radius))
}

fn in_polygon(arguments: &[Value]) -> Option<Value> {
    let point = point_at(arguments, 0)?.vector();
    let polygons = polygons_at(arguments, 2)?;
    Some(boolean(polygons.iter().any(|polygon| Region::new(polygon).contains(point))))
}

/// The arcs of all lines.
pub(super) fn line_arcs(lines: &[Path]) -> Vec<Arc> {
    lines.iter().flat_map(|line| arcs(&vectors(line)).collect::<Vec<_>>()).collect()
}

/// The arcs of all rings.
pub(super) fn polygon_arcs(polygons: &[Polygon]) -> Vec<Arc> {
    let rings = polygons.iter().flat_map(|polygon| &polygon.rings);
    rings.flat_map(|ring| ring_arcs(&vectors(ring)).collect::<Vec<_>>()).collect()
}

/// Of all points on the arcs the nearest.
fn nearest_of(point: Vector, arcs: &[Arc]) -> Option<Vector> {
    let candidates = arcs.iter().map(|arc| nearest(point, *arc));
    candidates.min_by(|left, right| left.angle(point).total_cmp(&right.angle(point)))
}

/// The nearest point of a shape; inside a polygon the point itself.
fn closest(arguments: &[Value], shape: &Shape) -> Option<(Vector, Vector)> {
    let point = point_at(arguments, 0)?.vector();
    let found = match shape {
        Shape::Lines(lines) => nearest_of(point, &line_arcs(lines))?,
        Shape::Polygons(polygons) if polygons.iter().any(|polygon| Region::new(polygon).contains(point)) => {
            point
        }
        Shape::Polygons(polygons) => nearest_of(point, &polygon_arcs(polygons))?,
    };
    Some((point, found))
}

fn shape_of(arguments: &[Value], is_line: bool) -> Option<Shape> {
    shape_at(arguments, 2).filter(|shape| matches!(shape, Shape::Lines(_)) == is_line)
}

fn distance(arguments: &[Value], is_line: bool) -> Option<Value> {
    let (point, found) = closest(arguments, &shape_of(arguments, is_line)?)?;
    Some(metres(point.angle(found)))
}

fn closest_point(arguments: &[Value], is_line: bool) -> Option<Value> {
    let (_, found) = closest(arguments, &shape_of(arguments, is_line)?)?;
    Some(point_value(found.point()))
}

/// The length of arcs in radians.
pub(super) fn length(arcs: &[Arc]) -> f64 {
    arcs.iter().map(|(start, end)| start.angle(*end)).sum()
}

fn line_length(arguments: &[Value]) -> Option<Value> {
    Some(metres(length(&line_arcs(&lines_at(arguments, 0)?))))
}

fn perimeter(arguments: &[Value]) -> Option<Value> {
    Some(metres(length(&polygon_arcs(&super::overlay::united(polygons_at(arguments, 0)?)))))
}

/// On the unit sphere.
fn area_of(polygon: &Polygon) -> f64 {
    let rings = polygon.rings.iter().map(|ring| signed_area(&vectors(ring)).abs());
    rings.enumerate().map(|(index, area)| if index == 0 { area } else { -area }).sum()
}

fn area(arguments: &[Value]) -> Option<Value> {
    let polygons = super::overlay::united(polygons_at(arguments, 0)?);
    let area: f64 = polygons.iter().map(area_of).sum();
    Some(Value::Real(area * EARTH_RADIUS * EARTH_RADIUS))
}

/// The mean of all points of the arcs. Of an arc it lies in the direction of its middle, shortened as an arc is.
fn line_centroid(arguments: &[Value]) -> Option<Value> {
    let mut sum = Vector::default();
    for (start, end) in line_arcs(&lines_at(arguments, 0)?) {
        let half = start.angle(end) / 2.0;
        sum = sum.plus(start.plus(end).unit().scaled(2.0 * half.sin()));
    }
    Some(point_value(sum.unit().point()))
}

/// The mean of all points of a surface: half the sum of its arcs' normals, each as long as its arc (Stokes' theorem).
fn polygon_centroid(arguments: &[Value]) -> Option<Value> {
    let mut sum = Vector::default();
    for polygon in super::overlay::united(polygons_at(arguments, 0)?) {
        for (start, end) in Region::new(&polygon).arcs() {
            sum = sum.plus(start.normal(end).unit().scaled(start.angle(end)));
        }
    }
    Some(point_value(sum.unit().point()))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_distance_2points", 4, 4, |a| distance_of_points(a).unwrap_or_default()),
    function("geo_azimuth", 4, 4, |a| azimuth(a).unwrap_or_default()),
    function("geo_angle", 6, 6, |a| angle(a).unwrap_or_default()),
    function("geo_point_in_circle", 5, 5, |a| in_circle(a).unwrap_or_default()),
    function("geo_point_in_polygon", 3, 3, |a| in_polygon(a).unwrap_or_default()),
    function("geo_distance_point_to_line", 3, 3, |a| distance(a, true).unwrap_or_default()),
    function("geo_distance_point_to_polygon", 3, 3, |a| distance(a, false).unwrap_or_default()),
    function("geo_closest_point_on_line", 3, 3, |a| closest_point(a, true).unwrap_or_default()),
    function("geo_closest_point_on_polygon", 3, 3, |a| closest_point(a, false).unwrap_or_default()),
    function("geo_line_length", 1, 1, |a| line_length(a).unwrap_or_default()),
    function("geo_line_centroid", 1, 1, |a| line_centroid(a).unwrap_or_default()),
    function("geo_polygon_perimeter", 1, 1, |a| perimeter(a).unwrap_or_default()),
    function("geo_polygon_area", 1, 1, |a| area(a).unwrap_or_default()),
    function("geo_polygon_centroid", 1, 1, |a| polygon_centroid(a).unwrap_or_default()),
];
