//! What polygons have in common and what they are together.
//!
//! Polygons are seen from the middle of the earth on a plane that touches it among them (the gnomonic projection): arcs
//! of great circles are straight there, so that the plane's answers are the sphere's. Shapes that reach as far as a
//! quarter around the earth from their middle have no place on the plane and give null.

use std::collections::HashMap;

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::float::overlay::FloatOverlay;

use super::shape::{
    Polygon, Region, Shape, collection, geometry, is_bounded, polygons_at, polygons_geometry, position,
    shape_at,
};
use super::vector::{Point, Vector, meet};
use crate::functions::{ScalarFunction, boolean, function, items_at};
use crate::value::{Dynamic, Value};

/// The least cosine to the middle: about 84 degrees.
const NEAR: f64 = 0.1;

/// A point of the plane.
type Flat = [f64; 2];

/// The plane that touches the sphere at a point, with an axis to the east and one to the north.
struct Plane {
    middle: Vector,
    east: Vector,
    north: Vector,
}

impl Plane {
    /// The plane among points; `None` when they do not lie around one.
    fn among(points: impl Iterator<Item = Vector>) -> Option<Plane> {
        let middle = points.fold(Vector::default(), Vector::plus).unit();
        let axis = if middle.z.abs() < 0.9 {
            Vector { x: 0.0, y: 0.0, z: 1.0 }
        } else {
            Vector { x: 0.0, y: 1.0, z: 0.0 }
        };
        let east = axis.cross(middle).unit();
        (middle != Vector::default()).then(|| Plane { middle, east, north: middle.cross(east) })
    }

    fn flat(&self, point: Vector) -> Option<Flat> {
        let height = point.dot(self.middle);
        (height > NEAR).then(|| [point.dot(self.east) / height, point.dot(self.north) / height])
    }

    fn round(&self, [east, north]: Flat) -> Vector {
        self.middle.plus(self.east.scaled(east)).plus(self.north.scaled(north)).unit()
    }

    fn flat_rings(&self, regions: &[Region]) -> Option<Vec<Vec<Vec<Flat>>>> {
        let ring = |ring: &Vec<Vector>| ring.iter().map(|point| self.flat(*point)).collect();
        regions.iter().map(|region| region.rings.iter().map(ring).collect()).collect()
    }
}

/// Most edges that may lie across each other, by the rectangles around them.
const MOST_CROSSINGS: usize = 1 << 20;

/// False for edges that cross so often that putting them together would take too long: each crossing is a corner of the
/// result. Counts the edges whose rectangles meet, from west to east.
fn is_calm<'r>(rings: impl Iterator<Item = &'r Vec<Flat>>) -> bool {
    let mut edges: Vec<[f64; 4]> = rings
        .flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)))
        .map(|([x, y], [u, v])| [x.min(*u), x.max(*u), y.min(*v), y.max(*v)])
        .collect();
    edges.sort_by(|[left, ..], [right, ..]| left.total_cmp(right));
    let (mut looked, mut met) = (0_usize, 0_usize);
    for (index, [_, east, south, north]) in edges.iter().enumerate() {
        for [west, _, bottom, top] in edges.iter().skip(index + 1) {
            if west > east {
                break;
            }
            looked += 1;
            met += usize::from(bottom <= north && south <= top);
            if met > MOST_CROSSINGS || looked > 32 * MOST_CROSSINGS {
                return false;
            }
        }
    }
    true
}

/// How two sets of polygons are put together.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rule {
    Union,
    Intersection,
}

/// The polygons of a union or an intersection; `None` when they have no common plane or cross too often.
pub(super) fn combined(subject: &[Region], clip: &[Region], rule: Rule) -> Option<Vec<Polygon>> {
    let all = || subject.iter().chain(clip).flat_map(Region::corners);
    let plane = Plane::among(all())?;
    let (subject, clip) = (plane.flat_rings(subject)?, plane.flat_rings(clip)?);
    if !is_calm(subject.iter().chain(&clip).flatten()) {
        return None;
    }
    let rule = match rule {
        Rule::Union => OverlayRule::Union,
        Rule::Intersection => OverlayRule::Intersect,
    };
    let mut overlay = FloatOverlay::<Flat, i64>::from_subj_and_clip(&subject, &clip);
    let shapes = overlay.overlay(rule, FillRule::NonZero);
    let ring =
        |ring: &Vec<Flat>| -> Vec<Point> { ring.iter().map(|flat| plane.round(*flat).point()).collect() };
    Some(shapes.iter().map(|shape| Polygon { rings: shape.iter().map(ring).collect() }).collect())
}

fn regions(polygons: &[Polygon]) -> Vec<Region> {
    polygons.iter().map(Region::new).collect()
}

/// Several polygons without what they share twice; as they are where that cannot be said.
pub(super) fn united(polygons: Vec<Polygon>) -> Vec<Polygon> {
    if polygons.len() < 2 {
        return polygons;
    }
    combined(&regions(&polygons), &[], Rule::Union).unwrap_or(polygons)
}

/// Gives the corners that were there before their digits back, which the plane and the way back cost them.
fn restored(mut found: Vec<Polygon>, given: &[&[Polygon]]) -> Vec<Polygon> {
    let key =
        |point: &Point| ((point.longitude * 1e10).round() as i64, (point.latitude * 1e10).round() as i64);
    let corners =
        given.iter().flat_map(|polygons| polygons.iter()).flat_map(|polygon| polygon.rings.iter().flatten());
    let known: HashMap<(i64, i64), Point> = corners.map(|point| (key(point), *point)).collect();
    for point in found.iter_mut().flat_map(|polygon| polygon.rings.iter_mut().flatten()) {
        if let Some(given) = known.get(&key(point)) {
            *point = *given;
        }
    }
    found
}

/// The corners of either that lie in the other but in none of the areas in common: where polygons only touch.
/// `None` when there are too many to compare.
fn contacts(left: &[Region], right: &[Region], areas: &[Region]) -> Option<Vec<Point>> {
    let corners = |regions: &[Region]| -> Vec<Vector> { regions.iter().flat_map(Region::corners).collect() };
    if !is_bounded(corners(left).len(), corners(right).len() + corners(areas).len()) {
        return None;
    }
    let within = |regions: &[Region], point: Vector| regions.iter().any(|region| region.contains(point));
    let mut found: Vec<Point> = Vec::new();
    let touching = corners(left)
        .into_iter()
        .filter(|corner| within(right, *corner))
        .chain(corners(right).into_iter().filter(|corner| within(left, *corner)))
        .filter(|corner| !within(areas, *corner));
    for corner in touching.map(Vector::point) {
        if !found.iter().any(|known| known.vector().angle(corner.vector()) < 1e-12) {
            found.push(corner);
        }
    }
    Some(found)
}

fn intersection(arguments: &[Value]) -> Option<Value> {
    let given = (polygons_at(arguments, 0)?, polygons_at(arguments, 1)?);
    let (left, right) = (regions(&given.0), regions(&given.1));
    let areas = restored(combined(&left, &right, Rule::Intersection)?, &[&given.0, &given.1]);
    let contacts = contacts(&left, &right, &regions(&areas))?;
    if contacts.is_empty() {
        return Some(Value::dynamic(polygons_geometry(&areas)));
    }
    let mut parts: Vec<Dynamic> =
        contacts.into_iter().map(|point| geometry("Point", position(point))).collect();
    parts.extend(areas.into_iter().map(|area| polygons_geometry(&[area])));
    Some(Value::dynamic(if parts.len() == 1 { parts.swap_remove(0) } else { collection(parts) }))
}

/// Polygons have a point in common when their edges meet or one lies in the other.
fn intersects(arguments: &[Value]) -> Option<Value> {
    let (left, right) = (regions(&polygons_at(arguments, 0)?), regions(&polygons_at(arguments, 1)?));
    let size = |regions: &[Region]| regions.iter().flat_map(Region::corners).count();
    if !is_bounded(size(&left), size(&right)) {
        return None;
    }
    let inside = |inner: &Region, outer: &Region| {
        inner.rings.first().and_then(|ring| ring.first()).is_some_and(|corner| outer.contains(*corner))
    };
    let touch = |left: &Region, right: &Region| {
        let crosses = left.arcs().any(|arc| right.arcs().any(|other| meet(arc, other)));
        crosses || inside(left, right) || inside(right, left)
    };
    Some(boolean(left.iter().any(|left| right.iter().any(|right| touch(left, right)))))
}

/// The shapes of an array; `None` when one is not sound.
pub(super) fn shapes_at(arguments: &[Value]) -> Option<Vec<Shape>> {
    match items_at(arguments, 0) {
        Some(items) => items.iter().map(Shape::read).collect(),
        None => Some(vec![shape_at(arguments, 0)?]),
    }
}

/// The polygons of an array.
pub(super) fn polygons_of_array(arguments: &[Value]) -> Option<Vec<Polygon>> {
    let polygons = |shape| match shape {
        Shape::Polygons(polygons) => Some(polygons),
        Shape::Lines(_) => None,
    };
    let all: Option<Vec<Vec<Polygon>>> = shapes_at(arguments)?.into_iter().map(polygons).collect();
    all.map(|all| all.into_iter().flatten().collect())
}

fn union(arguments: &[Value]) -> Option<Value> {
    let polygons = polygons_of_array(arguments)?;
    let united = restored(combined(&regions(&polygons), &[], Rule::Union)?, &[&polygons]);
    Some(Value::dynamic(polygons_geometry(&united)))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_intersection_2polygons", 2, 2, |a| intersection(a).unwrap_or_default()),
    function("geo_intersects_2polygons", 2, 2, |a| intersects(a).unwrap_or_default()),
    function("geo_union_polygons_array", 1, 1, |a| union(a).unwrap_or_default()),
];
