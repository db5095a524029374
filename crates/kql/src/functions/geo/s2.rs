//! S2 cells: the sphere as the six faces of a cube, each halved in both directions up to thirty times.
//!
//! A cell's number has its face in the top three bits, then two bits for each level along a Hilbert curve, then a 1. Its
//! token is the number in hexadecimal without the zeros at its end.

use super::shape::{Polygon, point_at, point_value, polygons_geometry};
use super::vector::Vector;
use crate::functions::{ScalarFunction, at, function, long_at, or_null, string_array};
use crate::value::Value;

/// The finest level.
pub(super) const FINEST: u32 = 30;

/// The level without another.
pub(super) const USUAL: i64 = 11;

/// The places of the curve's four parts by how it is turned, as `i * 2 + j`: plain, mirrored, turned, both.
const PLACES: [[u32; 4]; 4] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]];

/// How each part turns the curve inside it: bit 0 mirrors, bit 1 turns.
const TURNS: [usize; 4] = [1, 0, 0, 3];

/// The side of a face in cells of the finest level.
const SIDE: i64 = 1 << FINEST;

/// A cell: a square of a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    face: u32,
    /// The lowest corner, in cells of the finest level.
    i: i64,
    j: i64,
    level: u32,
}

/// The place on a face's axis, 0 to 1, as one on the cube, -1 to 1. The square makes cells nearly equal in area.
fn to_cube(place: f64) -> f64 {
    if place >= 0.5 {
        (4.0 * place * place - 1.0) / 3.0
    } else {
        (1.0 - 4.0 * (1.0 - place) * (1.0 - place)) / 3.0
    }
}

fn from_cube(place: f64) -> f64 {
    if place >= 0.0 { 0.5 * (1.0 + 3.0 * place).sqrt() } else { 1.0 - 0.5 * (1.0 - 3.0 * place).sqrt() }
}

/// The face that a vector goes through, and where.
fn through(vector: Vector) -> (u32, f64, f64) {
    let Vector { x, y, z } = vector;
    if x.abs() > y.abs() && x.abs() > z.abs() {
        if x > 0.0 { (0, y / x, z / x) } else { (3, z / x, y / x) }
    } else if y.abs() > z.abs() {
        if y > 0.0 { (1, -x / y, z / y) } else { (4, z / y, -x / y) }
    } else if z > 0.0 {
        (2, -x / z, -y / z)
    } else {
        (5, -y / z, -x / z)
    }
}

fn on_face(face: u32, u: f64, v: f64) -> Vector {
    let (x, y, z) = match face {
        0 => (1.0, u, v),
        1 => (-u, 1.0, v),
        2 => (-u, -v, 1.0),
        3 => (-1.0, -v, -u),
        4 => (v, -1.0, -u),
        _ => (v, u, -1.0),
    };
    Vector { x, y, z }.unit()
}

/// The cell of the finest level on an axis.
fn step(place: f64) -> i64 {
    crate::value::whole((place * SIDE as f64).floor()).unwrap_or(0).clamp(0, SIDE - 1)
}

impl Cell {
    /// The six faces.
    pub(super) fn faces() -> impl Iterator<Item = Cell> {
        (0..6).map(|face| Cell { face, i: 0, j: 0, level: 0 })
    }

    pub(super) fn of(vector: Vector, level: u32) -> Cell {
        let (face, u, v) = through(vector);
        Cell { face, i: step(from_cube(u)), j: step(from_cube(v)), level }.aligned()
    }

    fn size(self) -> i64 {
        1 << (FINEST - self.level)
    }

    fn aligned(self) -> Cell {
        let mask = !(self.size() - 1);
        Cell { i: self.i & mask, j: self.j & mask, ..self }
    }

    pub(super) fn level(self) -> u32 {
        self.level
    }

    /// The four cells of the next level.
    pub(super) fn children(self) -> impl Iterator<Item = Cell> {
        let half = self.size() / 2;
        let child =
            move |(i, j)| Cell { i: self.i + i * half, j: self.j + j * half, level: self.level + 1, ..self };
        [(0, 0), (0, 1), (1, 1), (1, 0)].into_iter().map(child)
    }

    fn number(self) -> u64 {
        let mut number = u64::from(self.face);
        let mut turn = usize::try_from(self.face & 1).unwrap_or(0);
        for level in 1..=self.level {
            let bit = FINEST - level;
            let place = u32::from(self.i >> bit & 1 == 1) * 2 + u32::from(self.j >> bit & 1 == 1);
            let part = PLACES.get(turn).and_then(|places| places.iter().position(|known| *known == place));
            let part = part.unwrap_or(0);
            number = number << 2 | u64::try_from(part).unwrap_or(0);
            turn ^= TURNS.get(part).copied().unwrap_or(0);
        }
        (number << 1 | 1) << (2 * (FINEST - self.level))
    }

    pub(super) fn token(self) -> String {
        format!("{:016x}", self.number()).trim_end_matches('0').to_owned()
    }

    /// `None` for a text that names no cell.
    pub(super) fn from_token(token: &str) -> Option<Cell> {
        if !(1..=16).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number =
            u64::from_str_radix(token, 16).ok()?.checked_shl(u32::try_from(64 - 4 * token.len()).ok()?)?;
        let (zeros, face) = (number.trailing_zeros(), u32::try_from(number >> 61).ok()?);
        if number == 0 || face > 5 || zeros % 2 != 0 || zeros > 2 * FINEST {
            return None;
        }
        let mut cell = Cell { face, i: 0, j: 0, level: FINEST - zeros / 2 };
        let mut turn = usize::try_from(face & 1).ok()?;
        for level in 1..=cell.level {
            let part = usize::try_from(number >> (61 - 2 * level) & 3).ok()?;
            let place = *PLACES.get(turn)?.get(part)?;
            let bit = FINEST - level;
            cell.i |= i64::from(place >> 1) << bit;
            cell.j |= i64::from(place & 1) << bit;
            turn ^= TURNS.get(part)?;
        }
        Some(cell)
    }

    fn corner(self, i: i64, j: i64) -> Vector {
        let cube = |place: i64| to_cube(place as f64 / SIDE as f64);
        on_face(self.face, cube(i), cube(j))
    }

    /// Counter-clockwise.
    pub(super) fn corners(self) -> [Vector; 4] {
        let (i, j, size) = (self.i, self.j, self.size());
        [
            self.corner(i, j),
            self.corner(i + size, j),
            self.corner(i + size, j + size),
            self.corner(i, j + size),
        ]
    }

    pub(super) fn center(self) -> Vector {
        let cube = |place: i64| to_cube((place as f64 + self.size() as f64 / 2.0) / SIDE as f64);
        on_face(self.face, cube(self.i), cube(self.j))
    }

    /// The cell of this level that holds a place of this face or, just beyond its edge, of the next.
    fn beside(self, i: i64, j: i64) -> Cell {
        if (0..SIDE).contains(&i) && (0..SIDE).contains(&j) {
            return Cell { i, j, ..self }.aligned();
        }
        // Beyond the edge the face is continued flat, so that the vector goes through the neighbour close to the edge.
        let flat = |place: i64| {
            let place = place.clamp(-1, SIDE);
            (2 * place + 1 - SIDE) as f64 / SIDE as f64
        };
        let (face, u, v) = through(on_face(self.face, flat(i), flat(j)));
        Cell { face, i: step(0.5 * (u + 1.0)), j: step(0.5 * (v + 1.0)), level: self.level }.aligned()
    }

    /// The cells around, in the order that Kusto has.
    pub(super) fn neighbors(self) -> Vec<Cell> {
        let size = self.size();
        let moves = [(1, 1), (-1, -1), (1, -1), (0, -1), (0, 1), (1, 0), (-1, 0), (-1, 1)];
        let mut found: Vec<Cell> = Vec::with_capacity(moves.len());
        for (right, up) in moves {
            let near = |start: i64, step: i64| match step {
                -1 => start - 1,
                0 => start + size / 2,
                _ => start + size,
            };
            let cell = self.beside(near(self.i, right), near(self.j, up));
            // At a corner of the cube two of them are the same.
            if !found.contains(&cell) && cell != self {
                found.push(cell);
            }
        }
        found
    }
}

/// A level out of an argument, or the usual one.
pub(super) fn level_at(arguments: &[Value], position: usize) -> Option<u32> {
    let level = if arguments.len() <= position { USUAL } else { long_at(arguments, position)? };
    u32::try_from(level).ok().filter(|level| *level <= FINEST)
}

fn to_cell(arguments: &[Value]) -> Option<String> {
    Some(Cell::of(point_at(arguments, 0)?.vector(), level_at(arguments, 2)?).token())
}

fn cell_at(arguments: &[Value]) -> Option<Cell> {
    Cell::from_token(at(arguments, 0).as_str()?)
}

fn polygon(cell: Cell) -> Value {
    let ring = cell.corners().into_iter().map(Vector::point).collect();
    Value::dynamic(polygons_geometry(&[Polygon { rings: vec![ring] }]))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("geo_point_to_s2cell", 2, 3, |a| Value::string(to_cell(a).unwrap_or_default())),
    function("geo_s2cell_to_central_point", 1, 1, |a| {
        or_null(cell_at(a), |cell| point_value(cell.center().point()))
    }),
    function("geo_s2cell_to_polygon", 1, 1, |a| or_null(cell_at(a), polygon)),
    function("geo_s2cell_neighbors", 1, 1, |a| {
        or_null(cell_at(a), |cell| string_array(cell.neighbors().into_iter().map(Cell::token)))
    }),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::vector::Point;
    use super::*;

    fn anywhere() -> impl Strategy<Value = (Vector, u32)> {
        (-180.0..180.0_f64, -90.0..90.0_f64, 0..=FINEST)
            .prop_map(|(longitude, latitude, level)| (Point { longitude, latitude }.vector(), level))
    }

    proptest! {
        #[test]
        fn tokens_come_back((vector, level) in anywhere()) {
            let cell = Cell::of(vector, level);
            prop_assert_eq!(Cell::from_token(&cell.token()), Some(cell));
            prop_assert_eq!(Cell::of(cell.center(), level), cell);
        }

        #[test]
        fn neighbors_are_mutual((vector, level) in anywhere()) {
            let cell = Cell::of(vector, level);
            for neighbor in cell.neighbors() {
                prop_assert!(neighbor.neighbors().contains(&cell), "{cell:?} {neighbor:?}");
            }
        }

        #[test]
        fn a_parent_begins_the_number((vector, level) in anywhere()) {
            let child = Cell::of(vector, FINEST);
            let parent = Cell::of(vector, level);
            let range = 1_u64 << (2 * (FINEST - level));
            prop_assert!(child.number().abs_diff(parent.number()) < range);
        }

        #[test]
        fn any_text_may_be_a_token(text in any::<String>()) {
            let _ = Cell::from_token(&text);
        }
    }
}
