//! H3 cells: hexagons over the sphere, and twelve pentagons, at sixteen resolutions.

use h3o::{CellIndex, LatLng, Resolution};

use super::shape::{Path, Polygon, point_at, point_value, polygons_geometry};
use super::vector::Point;
use crate::functions::{ScalarFunction, array, at, function, long_at, or_null, string_array};
use crate::value::{Dynamic, Value};

/// The resolution without another.
const USUAL: i64 = 6;

/// Children are given down to so many resolutions, and rings up to this distance, as Kusto has it.
const DEEPEST: u8 = 5;
const FARTHEST: u32 = 142;

pub(super) fn resolution(number: i64) -> Option<Resolution> {
    Resolution::try_from(u8::try_from(number).ok()?).ok()
}

/// The resolution of an argument, or another where the call has none.
pub(super) fn resolution_at(arguments: &[Value], position: usize, usual: i64) -> Option<Resolution> {
    resolution(if arguments.len() <= position { usual } else { long_at(arguments, position)? })
}

pub(super) fn usual_resolution_at(arguments: &[Value], position: usize) -> Option<Resolution> {
    resolution_at(arguments, position, USUAL)
}

pub(super) fn cell_of(point: Point, resolution: Resolution) -> Option<CellIndex> {
    Some(LatLng::new(point.latitude, point.longitude).ok()?.to_cell(resolution))
}

fn cell_at(arguments: &[Value]) -> Option<CellIndex> {
    at(arguments, 0).as_str()?.parse().ok()
}

pub(super) fn point_of(place: LatLng) -> Point {
    Point { longitude: place.lng(), latitude: place.lat() }
}

pub(super) fn ring_of(cell: CellIndex) -> Path {
    cell.boundary().iter().copied().map(point_of).collect()
}

fn level_of(cell: CellIndex) -> i64 {
    i64::from(u8::from(cell.resolution()))
}

fn texts(cells: impl IntoIterator<Item = CellIndex>) -> Value {
    string_array(cells.into_iter().map(|cell| cell.to_string()))
}

fn to_cell(arguments: &[Value]) -> Option<String> {
    Some(cell_of(point_at(arguments, 0)?, usual_resolution_at(arguments, 2)?)?.to_string())
}

fn parent(arguments: &[Value]) -> Option<String> {
    let cell = cell_at(arguments)?;
    Some(cell.parent(resolution_at(arguments, 1, level_of(cell) - 1)?)?.to_string())
}

fn children(arguments: &[Value]) -> Option<Value> {
    let cell = cell_at(arguments)?;
    let wanted = resolution_at(arguments, 1, level_of(cell) + 1)?;
    let depth = u8::from(wanted).checked_sub(u8::from(cell.resolution()))?;
    (1..=DEEPEST).contains(&depth).then(|| texts(cell.children(wanted)))
}

/// The cells at each distance up to one.
fn rings(cell: CellIndex, distance: u32) -> Vec<Vec<CellIndex>> {
    let mut rings: Vec<Vec<CellIndex>> = (0..=distance).map(|_| Vec::new()).collect();
    for (near, steps) in cell.grid_disk_distances::<Vec<_>>(distance) {
        if let Some(ring) = usize::try_from(steps).ok().and_then(|steps| rings.get_mut(steps)) {
            ring.push(near);
        }
    }
    rings
}

fn rings_of(arguments: &[Value]) -> Option<Value> {
    let distance = u32::try_from(long_at(arguments, 1)?).ok().filter(|distance| *distance <= FARTHEST)?;
    let rings = rings(cell_at(arguments)?, distance);
    Some(array(rings.into_iter().map(|ring| Dynamic::from_value(&texts(ring))).collect()))
}

fn polygon(cell: CellIndex) -> Value {
    Value::dynamic(polygons_geometry(&[Polygon { rings: vec![ring_of(cell)] }]))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_point_to_h3cell", 2, 3, |a| Value::string(to_cell(a).unwrap_or_default())),
    function("geo_h3cell_level", 1, 1, |a| {
        or_null(cell_at(a), |cell| Value::Int(i32::from(u8::from(cell.resolution()))))
    }),
    function("geo_h3cell_parent", 1, 2, |a| Value::string(parent(a).unwrap_or_default())),
    function("geo_h3cell_children", 1, 2, |a| children(a).unwrap_or_default()),
    function("geo_h3cell_neighbors", 1, 1, |a| {
        or_null(cell_at(a), |cell| texts(rings(cell, 1).into_iter().skip(1).flatten()))
    }),
    function("geo_h3cell_rings", 2, 2, |a| rings_of(a).unwrap_or_default()),
    function("geo_h3cell_to_central_point", 1, 1, |a| {
        or_null(cell_at(a), |cell| point_value(point_of(LatLng::from(cell))))
    }),
    function("geo_h3cell_to_polygon", 1, 1, |a| or_null(cell_at(a), polygon)),
];
