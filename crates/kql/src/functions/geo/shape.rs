//! GeoJSON shapes as arguments and as results.

use super::vector::{Arc, Point, TINY, Vector};
use crate::functions::at;
use crate::value::{Dynamic, Value};

/// Most points of a shape.
const MOST_POINTS: usize = 100_000;

/// Most pairs that a call compares with each other.
const MOST_PAIRS: usize = 1 << 22;

/// True for two numbers of things whose pairs may be compared.
pub(super) fn is_bounded(left: usize, right: usize) -> bool {
    left.saturating_mul(right) <= MOST_PAIRS
}

/// Points in order; of a ring the last is not the first again.
pub(super) type Path = Vec<Point>;

/// A ring and the holes in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Polygon {
    pub(super) rings: Vec<Path>,
}

/// A shape that has lines or a surface.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Lines(Vec<Path>),
    Polygons(Vec<Polygon>),
}

fn number(dynamic: &Dynamic) -> Option<f64> {
    match dynamic {
        Dynamic::Long(number) => Some(*number as f64),
        Dynamic::Real(number) => Some(*number),
        _ => None,
    }
}

fn point(dynamic: &Dynamic) -> Option<Point> {
    match dynamic.as_array()? {
        [longitude, latitude, ..] => Point::new(number(longitude)?, number(latitude)?),
        _ => None,
    }
}

fn each<T>(dynamic: &Dynamic, read: impl Fn(&Dynamic) -> Option<T>) -> Option<Vec<T>> {
    dynamic.as_array()?.iter().map(read).collect()
}

fn path(dynamic: &Dynamic) -> Option<Path> {
    let items = dynamic.as_array()?;
    if items.len() > MOST_POINTS {
        return None;
    }
    items.iter().map(point).collect()
}

/// True when no point is the one before it.
fn moves(path: &[Point]) -> bool {
    path.windows(2).all(|pair| match pair {
        [from, to] => from.vector().minus(to.vector()).length() > 0.0,
        _ => true,
    })
}

fn line(dynamic: &Dynamic) -> Option<Path> {
    path(dynamic).filter(|path| path.len() >= 2 && moves(path))
}

/// A ring of at least three points that do not lie on one line.
fn ring(dynamic: &Dynamic) -> Option<Path> {
    let mut ring = path(dynamic)?;
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    let is_sound = ring.len() >= 3 && moves(&ring) && ring.first() != ring.last();
    (is_sound && signed_area(&vectors(&ring)).abs() > TINY * TINY).then_some(ring)
}

fn polygon(dynamic: &Dynamic) -> Option<Polygon> {
    let rings = each(dynamic, ring)?;
    (!rings.is_empty()).then_some(Polygon { rings })
}

impl Shape {
    /// From GeoJSON; `None` for points, for what is no shape and for a shape that is not sound.
    pub(super) fn read(dynamic: &Dynamic) -> Option<Shape> {
        let coordinates = dynamic.get("coordinates")?;
        let shape = match dynamic.get("type")?.to_value().as_str()? {
            "LineString" => Shape::Lines(vec![line(coordinates)?]),
            "MultiLineString" => Shape::Lines(each(coordinates, line)?),
            "Polygon" => Shape::Polygons(vec![polygon(coordinates)?]),
            "MultiPolygon" => Shape::Polygons(each(coordinates, polygon)?),
            _ => return None,
        };
        let size = match &shape {
            Shape::Lines(lines) => lines.iter().map(Vec::len).sum(),
            Shape::Polygons(polygons) => {
                polygons.iter().flat_map(|polygon| &polygon.rings).map(Vec::len).sum::<usize>()
            }
        };
        (1..=MOST_POINTS).contains(&size).then_some(shape)
    }
}

pub(super) fn shape_at(arguments: &[Value], position: usize) -> Option<Shape> {
    match at(arguments, position) {
        Value::Dynamic(dynamic) => Shape::read(dynamic),
        Value::String(text) => Shape::read(&Dynamic::parse(text)?),
        _ => None,
    }
}

pub(super) fn lines_at(arguments: &[Value], position: usize) -> Option<Vec<Path>> {
    match shape_at(arguments, position)? {
        Shape::Lines(lines) => Some(lines),
        Shape::Polygons(_) => None,
    }
}

pub(super) fn polygons_at(arguments: &[Value], position: usize) -> Option<Vec<Polygon>> {
    match shape_at(arguments, position)? {
        Shape::Polygons(polygons) => Some(polygons),
        Shape::Lines(_) => None,
    }
}

/// The longitude and latitude of two arguments in a row.
pub(super) fn point_at(arguments: &[Value], position: usize) -> Option<Point> {
    Point::new(at(arguments, position).to_f64()?, at(arguments, position + 1).to_f64()?)
}

pub(super) fn vectors(path: &[Point]) -> Vec<Vector> {
    path.iter().map(|point| point.vector()).collect()
}

/// The arcs from point to point.
pub(super) fn arcs(path: &[Vector]) -> impl Iterator<Item = Arc> {
    path.iter().copied().zip(path.iter().skip(1).copied())
}

/// The arcs of a ring, the last of which leads back to the first point.
pub(super) fn ring_arcs(ring: &[Vector]) -> impl Iterator<Item = Arc> {
    ring.iter().copied().zip(ring.iter().cycle().skip(1).copied())
}

/// The area of a ring on the unit sphere, positive when it goes counter-clockwise around its smaller side.
pub(super) fn signed_area(ring: &[Vector]) -> f64 {
    let Some(first) = ring.first().copied() else { return 0.0 };
    let triangle = |(b, c): Arc| {
        // The same as `first . (b x c)`, but with all digits when the three are close.
        let volume = first.dot(b.minus(first).cross(c.minus(first)));
        2.0 * volume.atan2(1.0 + first.dot(b) + b.dot(c) + c.dot(first))
    };
    let area: f64 = arcs(ring).map(triangle).sum();
    let half = std::f64::consts::TAU;
    if area > half {
        area - 2.0 * half
    } else if area < -half {
        area + 2.0 * half
    } else {
        area
    }
}

/// A polygon as vectors: the outer ring counter-clockwise, holes clockwise.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) rings: Vec<Vec<Vector>>,
}

impl Region {
    pub(super) fn new(polygon: &Polygon) -> Region {
        let rings = polygon.rings.iter().enumerate().map(|(index, ring)| {
            let mut ring = vectors(ring);
            if (signed_area(&ring) < 0.0) == (index == 0) {
                ring.reverse();
            }
            ring
        });
        Region { rings: rings.collect() }
    }

    pub(super) fn corners(&self) -> impl Iterator<Item = Vector> {
        self.rings.iter().flatten().copied()
    }

    pub(super) fn arcs(&self) -> impl Iterator<Item = Arc> {
        self.rings.iter().flat_map(|ring| ring_arcs(ring))
    }

    /// True for a point inside or on the boundary.
    pub(super) fn contains(&self, point: Vector) -> bool {
        if self.arcs().any(|arc| point.angle(super::vector::nearest(point, arc)) < TINY) {
            return true;
        }
        self.rings.iter().enumerate().all(|(index, ring)| surrounds(ring, point) == (index == 0))
    }
}

/// True when a ring goes around a point on its smaller side: the directions to its points then turn once, in the sense
/// in which the ring goes.
fn surrounds(ring: &[Vector], point: Vector) -> bool {
    let turn: f64 = ring_arcs(ring)
        .map(|(from, to)| {
            let (from, to) = (point.cross(from), point.cross(to));
            point.dot(from.cross(to)).atan2(from.dot(to))
        })
        .sum();
    turn.abs() > std::f64::consts::PI && (turn > 0.0) == (signed_area(ring) > 0.0)
}

/// `[longitude, latitude]`, whole degrees without a fraction.
pub(super) fn position(point: Point) -> Dynamic {
    let degrees = |degrees: f64| match crate::value::whole(degrees) {
        Some(whole) if degrees.fract() == 0.0 => Dynamic::Long(whole),
        _ => Dynamic::Real(degrees),
    };
    Dynamic::Array(vec![degrees(point.longitude), degrees(point.latitude)])
}

/// A GeoJSON object.
pub(super) fn geometry(kind: &str, coordinates: Dynamic) -> Dynamic {
    let members = [("type", Dynamic::String(kind.into())), ("coordinates", coordinates)];
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

pub(super) fn point_value(point: Point) -> Value {
    Value::dynamic(geometry("Point", position(point)))
}

fn positions(path: &[Point]) -> Dynamic {
    Dynamic::Array(path.iter().copied().map(position).collect())
}

/// A ring's positions, the first again at the end.
fn closed(ring: &[Point]) -> Dynamic {
    Dynamic::Array(ring.iter().chain(ring.first()).copied().map(position).collect())
}

fn polygon_coordinates(polygon: &Polygon) -> Dynamic {
    Dynamic::Array(polygon.rings.iter().map(|ring| closed(ring)).collect())
}

/// A line, a multiline, or an empty collection.
pub(super) fn lines_geometry(lines: &[Path]) -> Dynamic {
    match lines {
        [] => collection(Vec::new()),
        [line] => geometry("LineString", positions(line)),
        lines => {
            geometry("MultiLineString", Dynamic::Array(lines.iter().map(|line| positions(line)).collect()))
        }
    }
}

/// A polygon, a multipolygon, or an empty collection.
pub(super) fn polygons_geometry(polygons: &[Polygon]) -> Dynamic {
    match polygons {
        [] => collection(Vec::new()),
        [polygon] => geometry("Polygon", polygon_coordinates(polygon)),
        polygons => {
            geometry("MultiPolygon", Dynamic::Array(polygons.iter().map(polygon_coordinates).collect()))
        }
    }
}

/// Several geometries as one.
pub(super) fn collection(geometries: Vec<Dynamic>) -> Dynamic {
    let members =
        [("type", Dynamic::String("GeometryCollection".into())), ("geometries", Dynamic::Array(geometries))];
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(json: &str) -> Region {
        match Shape::read(&Dynamic::parse(json).unwrap()) {
            Some(Shape::Polygons(polygons)) => Region::new(&polygons[0]),
            other => panic!("{other:?}"),
        }
    }

    fn at(longitude: f64, latitude: f64) -> Vector {
        Point { longitude, latitude }.vector()
    }

    #[test]
    fn a_polygon_contains_its_smaller_side_without_holes() {
        for json in [
            r#"{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[0,10],[10,10],[10,0],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]}"#,
        ] {
            let region = region(json);
            assert!(
                region.contains(at(1.0, 1.0))
                    && region.contains(at(10.0, 5.0))
                    && region.contains(at(0.0, 0.0))
            );
            assert!(!region.contains(at(5.0, 5.0)), "in the hole");
            assert!(!region.contains(at(11.0, 5.0)) && !region.contains(at(-175.0, -5.0)));
        }
    }

    #[test]
    fn a_polygon_may_hold_the_pole_and_cross_the_date_line() {
        let cap = region(r#"{"type":"Polygon","coordinates":[[[0,80],[90,80],[180,80],[-90,80],[0,80]]]}"#);
        assert!(
            cap.contains(at(45.0, 90.0)) && !cap.contains(at(45.0, 70.0)) && !cap.contains(at(0.0, -90.0))
        );
        let pacific = region(
            r#"{"type":"Polygon","coordinates":[[[170,-10],[-170,-10],[-170,10],[170,10],[170,-10]]]}"#,
        );
        assert!(pacific.contains(at(180.0, 0.0)) && !pacific.contains(at(0.0, 0.0)));
    }

    #[test]
    fn unsound_shapes_are_none() {
        for json in [
            r#"{"type":"Polygon","coordinates":[[[0,0],[10,10],[10,10],[0,0]]]}"#,
            r#"{"type":"Polygon","coordinates":[]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[0,5],[0,10],[0,0]]]}"#,
            r#"{"type":"LineString","coordinates":[[1,1]]}"#,
            r#"{"type":"LineString","coordinates":[[1,1],[1,91]]}"#,
            r#"{"type":"LineString"}"#,
            r#"{"type":"Point","coordinates":[1,1]}"#,
        ] {
            assert_eq!(Shape::read(&Dynamic::parse(json).unwrap()), None, "{json}");
        }
    }
}
