//! Places on the earth: points by longitude and latitude in degrees, lines and polygons as GeoJSON, and cells of the
//! geohash, S2 and H3 grids.
//!
//! A polygon is the smaller of the two sides of its outer ring, whichever way the ring goes. What is no sound shape gives
//! null; that edges of one polygon do not cross is not checked.

mod buffer;
mod clip;
mod cover;
mod geohash;
mod h3;
mod lines;
mod measure;
mod overlay;
mod s2;
mod shape;
mod simplify;
mod vector;
mod wkt;

use super::ScalarFunction;

/// The families of functions on places.
pub(super) const FAMILIES: [&[ScalarFunction]; 11] = [
    buffer::FUNCTIONS,
    clip::FUNCTIONS,
    cover::FUNCTIONS,
    geohash::FUNCTIONS,
    h3::FUNCTIONS,
    lines::FUNCTIONS,
    measure::FUNCTIONS,
    overlay::FUNCTIONS,
    s2::FUNCTIONS,
    simplify::FUNCTIONS,
    wkt::FUNCTIONS,
];
