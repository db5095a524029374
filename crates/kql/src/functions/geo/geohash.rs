//! Geohashes: rectangles of the map, named by halving it in turn by longitude and latitude, five times a letter.

use super::shape::{Polygon, point_at, point_value, polygons_geometry};
use super::vector::Point;
use crate::functions::{ScalarFunction, at, function, long_at, or_null, string_array, text_at};
use crate::value::Value;

const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Longest geohash, as Kusto has it.
const LONGEST: usize = 18;

/// Letters without another number.
const USUAL: i64 = 5;

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Cell {
    const WORLD: Cell = Cell { west: -180.0, east: 180.0, south: -90.0, north: 90.0 };

    fn center(self) -> Point {
        Point {
            longitude: f64::midpoint(self.west, self.east),
            latitude: f64::midpoint(self.south, self.north),
        }
    }

    /// The upper or lower half, by longitude at even steps.
    fn half(self, step: usize, is_upper: bool) -> Cell {
        let center = self.center();
        match (step.is_multiple_of(2), is_upper) {
            (true, true) => Cell { west: center.longitude, ..self },
            (true, false) => Cell { east: center.longitude, ..self },
            (false, true) => Cell { south: center.latitude, ..self },
            (false, false) => Cell { north: center.latitude, ..self },
        }
    }
}

/// The geohash of a point.
fn encode(point: Point, length: usize) -> String {
    let (mut cell, mut hash) = (Cell::WORLD, String::with_capacity(length));
    for letter in 0..length {
        let mut code = 0;
        for step in letter * 5..letter * 5 + 5 {
            let center = cell.center();
            let is_upper = if step.is_multiple_of(2) {
                point.longitude >= center.longitude
            } else {
                point.latitude >= center.latitude
            };
            code = code * 2 + usize::from(is_upper);
            cell = cell.half(step, is_upper);
        }
        hash.extend(LETTERS.get(code).copied().map(char::from));
    }
    hash
}

/// The rectangle of a geohash; `None` for other texts.
fn decode(hash: &str) -> Option<Cell> {
    if !(1..=LONGEST).contains(&hash.len()) {
        return None;
    }
    let mut cell = Cell::WORLD;
    for (index, letter) in hash.bytes().enumerate() {
        let letter = letter.to_ascii_lowercase();
        let code = LETTERS.iter().position(|known| *known == letter)?;
        for bit in 0..5 {
            cell = cell.half(index * 5 + bit, code >> (4 - bit) & 1 == 1);
        }
    }
    Some(cell)
}

fn to_geohash(arguments: &[Value]) -> Option<String> {
    let length = match arguments.len() {
        2 => USUAL,
        _ => long_at(arguments, 2)?,
    };
    let length = usize::try_from(length).ok().filter(|length| (1..=LONGEST).contains(length))?;
    Some(encode(point_at(arguments, 0)?, length))
}

/// In the order that Kusto has; at a pole there are fewer, and the map goes round.
fn neighbors(arguments: &[Value]) -> Option<Value> {
    let hash = text_at(arguments, 0);
    let cell = decode(&hash)?;
    let (center, width, height) = (cell.center(), cell.east - cell.west, cell.north - cell.south);
    let moves = [(-1, -1), (-1, 1), (1, -1), (0, 1), (-1, 0), (1, 1), (1, 0), (0, -1)];
    let around = moves.iter().filter_map(|(east, north)| {
        let latitude = center.latitude + f64::from(*north) * height;
        let mut longitude = center.longitude + f64::from(*east) * width;
        if longitude.abs() > 180.0 {
            longitude -= longitude.signum() * 360.0;
        }
        Some(encode(Point::new(longitude, latitude)?, hash.len()))
    });
    Some(string_array(around))
}

fn polygon(cell: Cell) -> Value {
    let corner = |longitude, latitude| Point { longitude, latitude };
    let ring = vec![
        corner(cell.west, cell.south),
        corner(cell.east, cell.south),
        corner(cell.east, cell.north),
        corner(cell.west, cell.north),
    ];
    Value::dynamic(polygons_geometry(&[Polygon { rings: vec![ring] }]))
}

fn cell_at(arguments: &[Value]) -> Option<Cell> {
    decode(at(arguments, 0).as_str()?)
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_point_to_geohash", 2, 3, |a| Value::string(to_geohash(a).unwrap_or_default())),
    function("geo_geohash_to_central_point", 1, 1, |a| {
        or_null(cell_at(a), |cell| point_value(cell.center()))
    }),
    function("geo_geohash_to_polygon", 1, 1, |a| or_null(cell_at(a), polygon)),
    function("geo_geohash_neighbors", 1, 1, |a| neighbors(a).unwrap_or_default()),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_point_lies_in_its_cell(longitude in -180.0..180.0_f64, latitude in -90.0..90.0_f64, length in 1..=18_usize) {
            let hash = encode(Point { longitude, latitude }, length);
            let cell = decode(&hash).unwrap();
            prop_assert!((cell.west..=cell.east).contains(&longitude), "{hash} {cell:?}");
            prop_assert!((cell.south..=cell.north).contains(&latitude), "{hash} {cell:?}");
            prop_assert_eq!(encode(cell.center(), length.min(17)), &hash[..length.min(17)]);
        }

        #[test]
        fn any_text_may_be_a_cell(text in any::<String>()) {
            let _ = decode(&text);
        }
    }
}
