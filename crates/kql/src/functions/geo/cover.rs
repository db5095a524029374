//! The cells of a grid that shapes lie in.

use std::collections::{HashSet, VecDeque};

use h3o::{CellIndex, LatLng};

use super::h3;
use super::measure::{line_arcs, polygon_arcs};
use super::s2::{self, Cell};
use super::shape::{Polygon, Region, Shape, lines_at, polygons_at, vectors};
use super::vector::{Arc, EARTH_RADIUS, TINY, Vector, meet, nearest};
use crate::functions::{ScalarFunction, function, real_at, string_array};
use crate::value::Value;

/// Most cells of a result, as Kusto has it.
const MOST_CELLS: usize = 65_536;

/// Most edges that all cells together are compared with.
const MOST_WORK: usize = 1 << 21;

/// How much of a cell lies in a shape.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    Not,
    Partly,
    Wholly,
}

/// A shape with a distance around it.
struct Cover {
    edges: Vec<Arc>,
    regions: Vec<Region>,
    /// In radians.
    radius: f64,
}

impl Cover {
    /// The shape, and the distance in metres at an argument.
    fn at(arguments: &[Value], shape: Shape, position: usize) -> Option<Cover> {
        let radius = if arguments.len() <= position { 0.0 } else { real_at(arguments, position)? };
        if !(0.0..EARTH_RADIUS).contains(&radius) {
            return None;
        }
        let (edges, regions) = match shape {
            Shape::Lines(lines) => (line_arcs(&lines), Vec::new()),
            Shape::Polygons(polygons) => {
                (polygon_arcs(&polygons), polygons.iter().map(Region::new).collect())
            }
        };
        Some(Cover { edges, regions, radius: radius / EARTH_RADIUS })
    }

    /// How a cell lies to the shape with what lies around it.
    fn reach(&self, corners: &[Vector]) -> Reach {
        let Some(first) = corners.first() else { return Reach::Not };
        if self.meets_edges(corners) {
            return Reach::Partly;
        }
        // No edge comes near, so all of the cell lies as one corner does.
        if self.regions.iter().any(|region| region.contains(*first)) { Reach::Wholly } else { Reach::Not }
    }

    /// True when an edge or what lies around it has a point in common with a cell.
    fn meets_edges(&self, corners: &[Vector]) -> bool {
        let center = corners.iter().copied().fold(Vector::default(), Vector::plus).unit();
        let farthest = corners.iter().map(|corner| center.angle(*corner)).fold(0.0, f64::max);
        let in_reach = |edge: &&Arc| center.angle(nearest(center, **edge)) <= farthest + self.radius + TINY;
        let cell = Region { rings: vec![corners.to_vec()] };
        let sides: Vec<Arc> = cell.arcs().collect();
        let is_near = |edge: &Arc, side: &Arc| {
            let ends = [(edge.0, side), (edge.1, side), (side.0, edge), (side.1, edge)];
            let is_close = |(point, arc): &(Vector, &Arc)| point.angle(nearest(*point, **arc)) <= self.radius;
            meet(*edge, *side) || self.radius > 0.0 && ends.iter().any(is_close)
        };
        self.edges
            .iter()
            .filter(in_reach)
            .any(|edge| cell.contains(edge.0) || sides.iter().any(|side| is_near(edge, side)))
    }

    /// The S2 cells of a level; `None` when there are too many.
    fn s2_cells(&self, level: u32) -> Option<Vec<Cell>> {
        let mut waiting: Vec<(Cell, Reach)> = Cell::faces().map(|face| (face, Reach::Partly)).collect();
        let (mut found, mut work) = (Vec::new(), 0_usize);
        while let Some((cell, mut reach)) = waiting.pop() {
            // Nothing more has to be asked about a cell in one that lies in the shape.
            if reach == Reach::Partly {
                work += self.edges.len();
                reach = self.reach(&cell.corners());
            }
            if work > MOST_WORK || found.len() > MOST_CELLS {
                return None;
            }
            match reach {
                Reach::Not => {}
                _ if cell.level() == level => found.push(cell),
                _ => waiting.extend(cell.children().map(|child| (child, reach))),
            }
        }
        (found.len() <= MOST_CELLS).then_some(found)
    }

    /// True when a point lies in the shape or within the distance around it.
    fn holds(&self, point: Vector) -> bool {
        let is_near = |edge: &Arc| point.angle(nearest(point, *edge)) <= self.radius;
        self.regions.iter().any(|region| region.contains(point)) || self.edges.iter().any(is_near)
    }

    /// The H3 cells of a resolution whose middle lies in the shape, found from one to its neighbours; `None` when there
    /// are too many.
    fn h3_cells(&self, resolution: h3o::Resolution) -> Option<Vec<CellIndex>> {
        let starts = self.edges.iter().filter_map(|(start, _)| h3::cell_of(start.point(), resolution));
        let mut seen: HashSet<CellIndex> = HashSet::new();
        let mut waiting: VecDeque<CellIndex> = starts.filter(|cell| seen.insert(*cell)).collect();
        let (mut found, mut work) = (Vec::new(), 0_usize);
        while let Some(cell) = waiting.pop_front() {
            work += self.edges.len();
            if work > MOST_WORK || found.len() > MOST_CELLS {
                return None;
            }
            if self.reach(&vectors(&h3::ring_of(cell))) == Reach::Not {
                continue;
            }
            if self.holds(h3::point_of(LatLng::from(cell)).vector()) {
                found.push(cell);
            }
            waiting.extend(cell.grid_disk::<Vec<_>>(1).into_iter().filter(|near| seen.insert(*near)));
        }
        (found.len() <= MOST_CELLS).then_some(found)
    }
}

fn s2_cells(arguments: &[Value], shape: Shape) -> Option<Value> {
    let level = s2::level_at(arguments, 1)?;
    let cells = Cover::at(arguments, shape, 2)?.s2_cells(level)?;
    Some(string_array(cells.into_iter().map(Cell::token)))
}

fn of_line(arguments: &[Value]) -> Option<Value> {
    s2_cells(arguments, Shape::Lines(lines_at(arguments, 0)?))
}

fn of_polygon(arguments: &[Value]) -> Option<Value> {
    s2_cells(arguments, Shape::Polygons(polygons_at(arguments, 0)?))
}

fn h3_of_polygon(arguments: &[Value]) -> Option<Value> {
    let polygons: Vec<Polygon> = polygons_at(arguments, 0)?;
    let resolution = h3::usual_resolution_at(arguments, 1)?;
    let cells = Cover::at(arguments, Shape::Polygons(polygons), 2)?.h3_cells(resolution)?;
    Some(string_array(cells.into_iter().map(|cell| cell.to_string())))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_line_to_s2cells", 1, 3, |a| of_line(a).unwrap_or_default()),
    function("geo_polygon_to_s2cells", 1, 3, |a| of_polygon(a).unwrap_or_default()),
    function("geo_polygon_to_h3cells", 1, 3, |a| h3_of_polygon(a).unwrap_or_default()),
];

#[cfg(test)]
mod tests {
    use super::super::vector::Point;
    use super::*;
    use crate::value::Dynamic;

    fn call(name: &str, json: &str, more: &[Value]) -> Option<Vec<String>> {
        let shape = Value::dynamic(Dynamic::parse(json).unwrap());
        let arguments: Vec<Value> = std::iter::once(shape).chain(more.iter().cloned()).collect();
        match crate::functions::find(name).unwrap().call(&arguments).unwrap() {
            Value::Dynamic(cells) => {
                let mut cells: Vec<String> =
                    cells.as_array().unwrap().iter().map(|cell| cell.to_value().to_text()).collect();
                cells.sort();
                Some(cells)
            }
            _ => None,
        }
    }

    #[test]
    fn the_documented_hexagons_are_found() {
        let polygon = r#"{"type":"Polygon","coordinates":[[[-3.659,40.553],[-3.913,40.409],[-3.729,40.273],[-3.524,40.440],[-3.659,40.553]]]}"#;
        let mut expected = [
            "86390cb57ffffff",
            "86390cb0fffffff",
            "86390ca27ffffff",
            "86390cb87ffffff",
            "86390cb07ffffff",
            "86390ca2fffffff",
            "86390ca37ffffff",
            "86390cb17ffffff",
            "86390cb1fffffff",
            "86390cb8fffffff",
            "86390cba7ffffff",
            "86390ca07ffffff",
            "86390cbafffffff",
        ];
        expected.sort_unstable();
        assert_eq!(call("geo_polygon_to_h3cells", polygon, &[]).unwrap(), expected);
        let wider = call("geo_polygon_to_h3cells", polygon, &[Value::Int(6), Value::Long(5_000)]).unwrap();
        assert!(
            wider.len() > expected.len() && expected.iter().all(|cell| wider.iter().any(|wide| wide == cell))
        );
    }

    #[test]
    fn a_line_lies_in_its_cells() {
        let at = |longitude: f64, latitude: f64| Point { longitude, latitude }.vector();
        let line = r#"{"type":"LineString","coordinates":[[13.3,52.4],[13.5,52.6]]}"#;
        let cells = call("geo_line_to_s2cells", line, &[Value::Int(12)]).unwrap();
        for step in 0..=100 {
            let point = at(13.3, 52.4).towards(at(13.5, 52.6), f64::from(step) / 100.0);
            let token = Cell::of(point, 12).token();
            assert!(cells.contains(&token), "{token}");
        }
        let wide = call("geo_line_to_s2cells", line, &[Value::Int(12), Value::Long(3_000)]).unwrap();
        assert!(wide.len() > cells.len() && cells.iter().all(|cell| wide.contains(cell)));
    }

    #[test]
    fn too_many_cells_are_null() {
        let world = r#"{"type":"Polygon","coordinates":[[[0,0],[0,50],[100,50],[0,0]]]}"#;
        assert!(call("geo_polygon_to_s2cells", world, &[Value::Int(30)]).is_none());
        assert!(call("geo_polygon_to_h3cells", world, &[Value::Int(15)]).is_none());
    }
}
