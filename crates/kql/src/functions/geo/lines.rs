//! Places along lines, and lines with points between.

use super::measure::{length, line_arcs};
use super::shape::{
    Path, Polygon, lines_at, lines_geometry, point_at, point_value, polygons_at, polygons_geometry,
};
use super::vector::{Arc, EARTH_RADIUS, Point, nearest};
use crate::functions::{ScalarFunction, function, real_at};
use crate::value::Value;

/// Metres that a flat edge may lie beside the sphere's, without another tolerance.
const TOLERANCE: f64 = 10.0;

/// How often an edge may be halved.
const MOST_HALVES: u32 = 12;

/// Most points of a result.
const MOST_POINTS: usize = 100_000;

/// The one line of an argument; several have no order.
fn line_at(arguments: &[Value]) -> Option<Vec<Arc>> {
    let lines = lines_at(arguments, 0)?;
    (lines.len() == 1).then(|| line_arcs(&lines))
}

fn interpolate(arguments: &[Value]) -> Option<Value> {
    let arcs = line_at(arguments)?;
    let fraction = real_at(arguments, 1).filter(|fraction| (0.0..=1.0).contains(fraction))?;
    let mut rest = fraction * length(&arcs);
    for (start, end) in &arcs {
        let angle = start.angle(*end);
        if rest <= angle {
            return Some(point_value(start.towards(*end, rest / angle).point()));
        }
        rest -= angle;
    }
    arcs.last().map(|(_, end)| point_value(end.point()))
}

fn locate(arguments: &[Value]) -> Option<Value> {
    let arcs = line_at(arguments)?;
    let point = point_at(arguments, 1)?.vector();
    let (mut before, mut best) = (0.0, (f64::MAX, 0.0));
    for arc in &arcs {
        let found = nearest(point, *arc);
        let distance = point.angle(found);
        if distance < best.0 {
            best = (distance, before + arc.0.angle(found));
        }
        before += arc.0.angle(arc.1);
    }
    Some(Value::Real((best.1 / before).clamp(0.0, 1.0)))
}

/// The points after `from` up to `to` on the flat line between them, as many as it takes to stay near the arc.
fn between(from: Point, to: Point, tolerance: f64, halves: u32, path: &mut Path) {
    let middle = Point {
        longitude: f64::midpoint(from.longitude, to.longitude),
        latitude: f64::midpoint(from.latitude, to.latitude),
    };
    let vector = middle.vector();
    let beside = vector.angle(nearest(vector, (from.vector(), to.vector()))) * EARTH_RADIUS;
    if beside > tolerance && halves > 0 {
        between(from, middle, tolerance, halves - 1, path);
        between(middle, to, tolerance, halves - 1, path);
    } else {
        path.push(to);
    }
}

fn densified(path: &[Point], tolerance: f64) -> Option<Path> {
    let mut dense: Path = path.first().copied().into_iter().collect();
    for (from, to) in path.iter().copied().zip(path.iter().skip(1).copied()) {
        between(from, to, tolerance, MOST_HALVES, &mut dense);
        if dense.len() > MOST_POINTS {
            return None;
        }
    }
    Some(dense)
}

fn tolerance_at(arguments: &[Value]) -> Option<f64> {
    let tolerance = if arguments.len() <= 1 { TOLERANCE } else { real_at(arguments, 1)? };
    Some(tolerance).filter(|tolerance| *tolerance > 0.0)
}

fn densify_line(arguments: &[Value]) -> Option<Value> {
    let tolerance = tolerance_at(arguments)?;
    let lines: Option<Vec<Path>> =
        lines_at(arguments, 0)?.iter().map(|line| densified(line, tolerance)).collect();
    Some(Value::dynamic(lines_geometry(&lines?)))
}

fn densify_polygon(arguments: &[Value]) -> Option<Value> {
    let tolerance = tolerance_at(arguments)?;
    let ring = |ring: &Path| {
        let closed: Path = ring.iter().chain(ring.first()).copied().collect();
        let mut dense = densified(&closed, tolerance)?;
        dense.pop();
        Some(dense)
    };
    let polygons: Option<Vec<Polygon>> = polygons_at(arguments, 0)?
        .iter()
        .map(|polygon| Some(Polygon { rings: polygon.rings.iter().map(ring).collect::<Option<_>>()? }))
        .collect();
    Some(Value::dynamic(polygons_geometry(&polygons?)))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_line_interpolate_point", 2, 2, |a| interpolate(a).unwrap_or_default()),
    function("geo_line_locate_point", 3, 4, |a| locate(a).unwrap_or_default()),
    function("geo_line_densify", 1, 3, |a| densify_line(a).unwrap_or_default()),
    function("geo_polygon_densify", 1, 3, |a| densify_polygon(a).unwrap_or_default()),
];
