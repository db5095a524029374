//! Lines and polygons with fewer points, none of those left out farther from the rest than a tolerance (after Douglas
//! and Peucker).

use std::collections::{HashMap, HashSet};

use super::overlay::polygons_of_array;
use super::shape::{
    Path, Polygon, lines_at, lines_geometry, polygons_at, polygons_geometry, signed_area, vectors,
};
use super::vector::{EARTH_RADIUS, Point, nearest};
use crate::functions::{ScalarFunction, function, real_at};
use crate::value::Value;

/// Metres, without another tolerance.
const TOLERANCE: f64 = 10.0;

/// Most comparisons of a point with a line: how many it takes depends on the path.
const MOST_WORK: usize = 1 << 23;

/// In radians; `None` for what is no tolerance.
fn tolerance_at(arguments: &[Value]) -> Option<f64> {
    let metres = if arguments.len() <= 1 { TOLERANCE } else { real_at(arguments, 1)? };
    (metres > 0.0 && metres.is_finite()).then_some(metres / EARTH_RADIUS)
}

/// The path with its ends. The parts that are still to look at wait on a stack: a path may be long and its parts uneven.
/// `None` when that takes too long.
fn thinned(path: &[Point], tolerance: f64) -> Option<Path> {
    let mut work = 0_usize;
    let points = vectors(path);
    let mut kept = vec![false; path.len()];
    let mut waiting = vec![(0, path.len().saturating_sub(1))];
    while let Some((first, last)) = waiting.pop() {
        for end in [first, last] {
            if let Some(kept) = kept.get_mut(end) {
                *kept = true;
            }
        }
        work += last - first;
        if work > MOST_WORK {
            return None;
        }
        let (Some(start), Some(end)) = (points.get(first), points.get(last)) else { continue };
        let inner = points.iter().enumerate().take(last).skip(first + 1);
        let farthest = inner
            .map(|(index, point)| (index, point.angle(nearest(*point, (*start, *end)))))
            .max_by(|left, right| left.1.total_cmp(&right.1));
        if let Some((index, _)) = farthest.filter(|(_, distance)| *distance > tolerance) {
            waiting.extend([(first, index), (index, last)]);
        }
    }
    Some(path.iter().zip(kept).filter(|(_, kept)| *kept).map(|(point, _)| *point).collect())
}

/// `None` for a line that is no longer than the tolerance.
fn thin_line(line: &Path, tolerance: f64) -> Option<Path> {
    let thin = thinned(line, tolerance)?;
    let first = thin.first()?.vector();
    let reaches = thin.iter().any(|point| point.vector().angle(first) > tolerance);
    (thin.len() >= 2 && reaches).then_some(thin)
}

type Key = (u64, u64);

fn key(point: &Point) -> Key {
    (point.longitude.to_bits(), point.latitude.to_bits())
}

/// The points that stay whatever the tolerance: where rings part. Between them, rings that run together are thinned alike.
fn junctions<'r>(rings: impl Iterator<Item = &'r Path>) -> HashSet<Key> {
    let mut beside: HashMap<Key, HashSet<Key>> = HashMap::new();
    for ring in rings {
        for (from, to) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            beside.entry(key(from)).or_default().insert(key(to));
            beside.entry(key(to)).or_default().insert(key(from));
        }
    }
    beside.into_iter().filter(|(_, beside)| beside.len() > 2).map(|(point, _)| point).collect()
}

/// `None` for a ring of which no surface is left.
fn thin_ring(ring: &Path, fixed: &HashSet<Key>, tolerance: f64) -> Option<Path> {
    let start = ring.iter().position(|point| fixed.contains(&key(point))).unwrap_or(0);
    let turned: Path = ring.iter().cycle().skip(start).take(ring.len() + 1).copied().collect();
    let mut thin: Path = Vec::new();
    for piece in pieces(&turned, fixed) {
        thin.pop();
        thin.extend(thinned(&piece, tolerance)?);
    }
    thin.pop();
    let area = signed_area(&vectors(&thin)).abs();
    (thin.len() >= 3 && area > tolerance * tolerance * 1e-6).then_some(thin)
}

/// A closed path in pieces from one fixed point to the next; with none of them in two, the second from the farthest point,
/// since a piece that ends where it begins has no direction.
fn pieces(closed: &[Point], fixed: &HashSet<Key>) -> Vec<Path> {
    let last = closed.len().saturating_sub(1);
    let is_cut = |index: usize, point: &Point| index == 0 || index == last || fixed.contains(&key(point));
    let mut cuts: Vec<usize> = closed
        .iter()
        .enumerate()
        .filter(|(index, point)| is_cut(*index, point))
        .map(|(index, _)| index)
        .collect();
    if let ([_, _], Some(first)) = (cuts.as_slice(), closed.first()) {
        let distance = |point: &Point| point.vector().angle(first.vector());
        let farthest = closed
            .iter()
            .enumerate()
            .max_by(|left, right| distance(left.1).total_cmp(&distance(right.1)))
            .map(|(index, _)| index);
        cuts.extend(farthest);
        cuts.sort_unstable();
    }
    let ranges = cuts.iter().zip(cuts.iter().skip(1));
    ranges.filter_map(|(from, to)| closed.get(*from..=*to)).map(<[Point]>::to_vec).collect()
}

/// A polygon whose outer ring vanishes is none; a hole that does is left out.
fn thin_polygon(polygon: &Polygon, fixed: &HashSet<Key>, tolerance: f64) -> Option<Polygon> {
    let (outer, holes) = polygon.rings.split_first()?;
    let mut rings = vec![thin_ring(outer, fixed, tolerance)?];
    rings.extend(holes.iter().filter_map(|hole| thin_ring(hole, fixed, tolerance)));
    Some(Polygon { rings })
}

fn thin_polygons(polygons: &[Polygon], tolerance: f64) -> Option<Value> {
    let fixed = junctions(polygons.iter().flat_map(|polygon| &polygon.rings));
    let thin: Option<Vec<Polygon>> =
        polygons.iter().map(|polygon| thin_polygon(polygon, &fixed, tolerance)).collect();
    Some(Value::dynamic(polygons_geometry(&thin?)))
}

fn simplify_line(arguments: &[Value]) -> Option<Value> {
    let tolerance = tolerance_at(arguments)?;
    let lines: Option<Vec<Path>> =
        lines_at(arguments, 0)?.iter().map(|line| thin_line(line, tolerance)).collect();
    Some(Value::dynamic(lines_geometry(&lines?)))
}

fn simplify_polygon(arguments: &[Value]) -> Option<Value> {
    thin_polygons(&polygons_at(arguments, 0)?, tolerance_at(arguments)?)
}

fn simplify_array(arguments: &[Value]) -> Option<Value> {
    thin_polygons(&polygons_of_array(arguments)?, tolerance_at(arguments)?)
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_line_simplify", 1, 2, |a| simplify_line(a).unwrap_or_default()),
    function("geo_polygon_simplify", 1, 2, |a| simplify_polygon(a).unwrap_or_default()),
    function("geo_simplify_polygons_array", 1, 2, |a| simplify_array(a).unwrap_or_default()),
];
