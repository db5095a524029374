//! What lines have in common with lines and with polygons, and what lines are together.

use super::measure::{line_arcs, polygon_arcs};
use super::overlay::shapes_at;
use super::shape::{
    Path, Region, Shape, collection, geometry, is_bounded, lines_at, lines_geometry, polygons_at, position,
};
use super::vector::{Arc, Point, Vector, meet, nearest};
use crate::functions::{ScalarFunction, boolean, function};
use crate::value::{Dynamic, Value};

/// Places that are nearer than this, in radians, are the same.
const SAME: f64 = 1e-11;

/// Where two arcs meet: at a point, along a piece, or not.
fn common(left: Arc, right: Arc) -> Vec<Vector> {
    if !meet(left, right) {
        return Vec::new();
    }
    let is_on = |point: Vector, arc: Arc| point.angle(nearest(point, arc)) < SAME;
    let mut ends: Vec<Vector> = Vec::new();
    let mut add = |point: Vector| {
        if !ends.iter().any(|known| known.angle(point) < SAME) {
            ends.push(point);
        }
    };
    [right.0, right.1].into_iter().filter(|end| is_on(*end, left)).for_each(&mut add);
    [left.0, left.1].into_iter().filter(|end| is_on(*end, right)).for_each(&mut add);
    if ends.is_empty() {
        let crossing = left.0.normal(left.1).cross(right.0.normal(right.1)).unit();
        let is_here = crossing.dot(left.0.plus(left.1)) > 0.0;
        ends.push(if is_here { crossing } else { crossing.scaled(-1.0) });
    }
    ends.sort_by(|a, b| a.angle(left.0).total_cmp(&b.angle(left.0)));
    ends
}

/// Puts pieces that follow one another together.
fn chained(pieces: impl IntoIterator<Item = (Vector, Vector)>) -> Vec<Path> {
    let mut chains: Vec<Vec<Vector>> = Vec::new();
    for (start, end) in pieces {
        match chains.last_mut() {
            Some(chain) if chain.last().is_some_and(|last| last.angle(start) < SAME) => chain.push(end),
            _ => chains.push(vec![start, end]),
        }
    }
    chains.into_iter().map(|chain| chain.into_iter().map(Vector::point).collect()).collect()
}

/// Points and lines as one geometry.
fn parts(points: Vec<Vector>, lines: &[Path]) -> Dynamic {
    if points.is_empty() {
        return lines_geometry(lines);
    }
    let mut parts: Vec<Dynamic> =
        points.into_iter().map(|point| geometry("Point", position(point.point()))).collect();
    parts.extend(lines.iter().map(|line| lines_geometry(std::slice::from_ref(line))));
    if parts.len() == 1 { parts.swap_remove(0) } else { collection(parts) }
}

/// The points that lie on none of the pieces, each once; `None` when there are too many.
fn apart(points: Vec<Vector>, pieces: &[Arc]) -> Option<Vec<Vector>> {
    if !is_bounded(points.len(), points.len() + pieces.len()) {
        return None;
    }
    let mut kept: Vec<Vector> = Vec::new();
    for point in points {
        let is_on = pieces.iter().any(|piece| point.angle(nearest(point, *piece)) < SAME);
        if !is_on && !kept.iter().any(|known| known.angle(point) < SAME) {
            kept.push(point);
        }
    }
    Some(kept)
}

fn lines_with_lines(arguments: &[Value]) -> Option<Value> {
    let (left, right) = (line_arcs(&lines_at(arguments, 0)?), line_arcs(&lines_at(arguments, 1)?));
    if !is_bounded(left.len(), right.len()) {
        return None;
    }
    let (mut points, mut pieces): (Vec<Vector>, Vec<Arc>) = (Vec::new(), Vec::new());
    for arc in &left {
        for other in &right {
            match common(*arc, *other).as_slice() {
                [] => {}
                [point] => points.push(*point),
                [first, .., last] => pieces.push((*first, *last)),
            }
        }
    }
    let points = apart(points, &pieces)?;
    Some(Value::dynamic(parts(points, &chained(pieces))))
}

/// An arc in pieces between the places where it is cut.
fn pieces(arc: Arc, mut cuts: Vec<Vector>) -> Vec<Arc> {
    cuts.extend([arc.0, arc.1]);
    cuts.sort_by(|a, b| a.angle(arc.0).total_cmp(&b.angle(arc.0)));
    cuts.dedup_by(|a, b| a.angle(*b) < SAME);
    cuts.iter().copied().zip(cuts.iter().skip(1).copied()).collect()
}

/// The line is cut where it meets the edges, and a piece is inside if its middle is.
fn lines_with_polygons(arguments: &[Value]) -> Option<Value> {
    let (lines, polygons) = (lines_at(arguments, 0)?, polygons_at(arguments, 1)?);
    let (arcs, edges) = (line_arcs(&lines), polygon_arcs(&polygons));
    if !is_bounded(arcs.len(), edges.len()) {
        return None;
    }
    let regions: Vec<Region> = polygons.iter().map(Region::new).collect();
    let cuts = |arc: &Arc| edges.iter().flat_map(|edge| common(*arc, *edge)).collect::<Vec<Vector>>();
    let cuts: Vec<Vec<Vector>> = arcs.iter().map(cuts).collect();
    let touches = cuts.concat();
    let all: Vec<Arc> = arcs.iter().zip(cuts).flat_map(|(arc, cuts)| pieces(*arc, cuts)).collect();
    if !is_bounded(all.len(), edges.len()) {
        return None;
    }
    let is_inside = |(start, end): &Arc| {
        let middle = start.plus(*end).unit();
        regions.iter().any(|region| region.contains(middle))
    };
    let inside: Vec<Arc> = all.into_iter().filter(is_inside).collect();
    let points = apart(touches, &inside)?;
    Some(Value::dynamic(parts(points, &chained(inside))))
}

fn any_meet(left: &[Arc], right: &[Arc]) -> bool {
    left.iter().any(|arc| right.iter().any(|other| meet(*arc, *other)))
}

fn lines_meet_lines(arguments: &[Value]) -> Option<Value> {
    let (left, right) = (line_arcs(&lines_at(arguments, 0)?), line_arcs(&lines_at(arguments, 1)?));
    is_bounded(left.len(), right.len()).then(|| boolean(any_meet(&left, &right)))
}

fn lines_meet_polygons(arguments: &[Value]) -> Option<Value> {
    let (lines, polygons) = (lines_at(arguments, 0)?, polygons_at(arguments, 1)?);
    let (arcs, edges) = (line_arcs(&lines), polygon_arcs(&polygons));
    if !is_bounded(arcs.len(), edges.len()) {
        return None;
    }
    let regions: Vec<Region> = polygons.iter().map(Region::new).collect();
    let is_inside = |point: &Point| regions.iter().any(|region| region.contains(point.vector()));
    let starts_inside = lines.iter().any(|line| line.first().is_some_and(is_inside));
    Some(boolean(starts_inside || any_meet(&arcs, &edges)))
}

/// The same place however it was written.
fn key(point: Point) -> (u64, u64) {
    ((point.longitude + 0.0).to_bits(), (point.latitude + 0.0).to_bits())
}

/// Every arc once, put together to lines as long as no third arc begins on the way.
fn union_lines(arguments: &[Value]) -> Option<Value> {
    let mut lines: Vec<Path> = Vec::new();
    for shape in shapes_at(arguments)? {
        match shape {
            Shape::Lines(more) => lines.extend(more),
            Shape::Polygons(_) => return None,
        }
    }
    let mut seen = std::collections::HashSet::new();
    let mut arcs: Vec<(Point, Point)> = Vec::new();
    for line in &lines {
        for (start, end) in line.iter().copied().zip(line.iter().skip(1).copied()) {
            let ends = (key(start).min(key(end)), key(start).max(key(end)));
            if seen.insert(ends) {
                arcs.push((start, end));
            }
        }
    }
    Some(Value::dynamic(lines_geometry(&joined(&arcs))))
}

/// Arcs end to end. A chain stops where other than two arcs come together.
fn joined(arcs: &[(Point, Point)]) -> Vec<Path> {
    let mut at: std::collections::HashMap<(u64, u64), usize> = std::collections::HashMap::new();
    for (start, end) in arcs {
        *at.entry(key(*start)).or_default() += 1;
        *at.entry(key(*end)).or_default() += 1;
    }
    let passes = |point: Point| at.get(&key(point)) == Some(&2);
    let mut lines: Vec<Path> = Vec::new();
    for (start, end) in arcs {
        let follows = |line: &Path| line.last().is_some_and(|last| key(*last) == key(*start));
        match lines.last_mut() {
            Some(line) if follows(line) && passes(*start) => line.push(*end),
            _ => lines.push(vec![*start, *end]),
        }
    }
    lines
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_intersection_2lines", 2, 2, |a| lines_with_lines(a).unwrap_or_default()),
    function("geo_intersection_line_with_polygon", 2, 2, |a| lines_with_polygons(a).unwrap_or_default()),
    function("geo_intersects_2lines", 2, 2, |a| lines_meet_lines(a).unwrap_or_default()),
    function("geo_intersects_line_with_polygon", 2, 2, |a| lines_meet_polygons(a).unwrap_or_default()),
    function("geo_union_lines_array", 1, 1, |a| union_lines(a).unwrap_or_default()),
];
