//! Points of the unit sphere as vectors, and the arcs between them.
//!
//! The earth is taken for a sphere, and the line between two points for the arc of a great circle, as Kusto does.

/// The earth's radius in metres. Source: the S2 library, which Kusto's distances agree with to all digits.
pub(super) const EARTH_RADIUS: f64 = 6_371_010.0;

/// What rounding leaves of nothing, in radians: less than a micrometre on the ground.
pub(super) const TINY: f64 = 1e-14;

/// A place in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

impl Point {
    /// `None` outside -180 to 180 and -90 to 90 degrees.
    pub(super) fn new(longitude: f64, latitude: f64) -> Option<Point> {
        let is_sound = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        is_sound.then_some(Point { longitude, latitude })
    }

    pub(super) fn vector(self) -> Vector {
        let (sin_lat, cos_lat) = self.latitude.to_radians().sin_cos();
        let (sin_lng, cos_lng) = self.longitude.to_radians().sin_cos();
        Vector { x: cos_lat * cos_lng, y: cos_lat * sin_lng, z: sin_lat }
    }
}

/// A vector, mostly of length 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Vector {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

impl Vector {
    pub(super) fn plus(self, other: Vector) -> Vector {
        Vector { x: self.x + other.x, y: self.y + other.y, z: self.z + other.z }
    }

    pub(super) fn minus(self, other: Vector) -> Vector {
        self.plus(other.scaled(-1.0))
    }

    pub(super) fn scaled(self, factor: f64) -> Vector {
        Vector { x: self.x * factor, y: self.y * factor, z: self.z * factor }
    }

    pub(super) fn dot(self, other: Vector) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: Vector) -> Vector {
        Vector {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    pub(super) fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// In the same direction with length 1; the zero vector stays.
    pub(super) fn unit(self) -> Vector {
        let length = self.length();
        if length > 0.0 { self.scaled(1.0 / length) } else { self }
    }

    /// The direction square to the plane of two vectors of one length, as [`cross`](Self::cross) has it, but without losing
    /// digits when the two are close. It is twice as long.
    pub(super) fn normal(self, other: Vector) -> Vector {
        self.plus(other).cross(other.minus(self))
    }

    /// The angle to another vector of the same length, in radians.
    pub(super) fn angle(self, other: Vector) -> f64 {
        (self.normal(other).length() / 2.0).atan2(self.dot(other))
    }

    pub(super) fn point(self) -> Point {
        Point {
            longitude: self.y.atan2(self.x).to_degrees(),
            latitude: self.z.atan2(self.x.hypot(self.y)).to_degrees(),
        }
    }

    /// The direction to another point, in radians clockwise from north, 0 to 2 pi.
    pub(super) fn azimuth(self, other: Vector) -> f64 {
        let east = Vector { x: -self.y, y: self.x, z: 0.0 };
        let north = self.cross(east);
        let azimuth = other.dot(east).atan2(other.dot(north));
        if azimuth < 0.0 { azimuth + std::f64::consts::TAU } else { azimuth }
    }

    /// The point on the way to another, at a fraction of it.
    pub(super) fn towards(self, other: Vector, fraction: f64) -> Vector {
        let angle = self.angle(other);
        if angle < TINY {
            return self;
        }
        let sideways = self.cross(other).cross(self).unit();
        let (sine, cosine) = (angle * fraction).sin_cos();
        self.scaled(cosine).plus(sideways.scaled(sine)).unit()
    }

    /// The point at an angle in radians from here, in a direction clockwise from north.
    pub(super) fn at(self, azimuth: f64, angle: f64) -> Vector {
        let east = Vector { x: -self.y, y: self.x, z: 0.0 }.unit();
        // At a pole every direction is as good.
        let east = if east == Vector::default() { Vector { x: 0.0, y: 1.0, z: 0.0 } } else { east };
        let north = self.cross(east);
        let direction = north.scaled(azimuth.cos()).plus(east.scaled(azimuth.sin()));
        self.scaled(angle.cos()).plus(direction.scaled(angle.sin())).unit()
    }
}

/// An arc between two points that are not opposite.
pub(super) type Arc = (Vector, Vector);

/// The point of an arc that lies nearest.
pub(super) fn nearest(point: Vector, (start, end): Arc) -> Vector {
    let normal = start.normal(end);
    let is_between =
        normal.length() > TINY && normal.cross(start).dot(point) > 0.0 && normal.cross(end).dot(point) < 0.0;
    if is_between {
        let unit = normal.unit();
        return point.minus(unit.scaled(point.dot(unit))).unit();
    }
    if start.minus(point).length() <= end.minus(point).length() { start } else { end }
}

/// Which side of the arc from `start` to `end` a point lies on: positive to the left.
fn side(arc: Arc, point: Vector) -> f64 {
    let side = arc.0.normal(arc.1).dot(point);
    if side.abs() < TINY * TINY.sqrt() { 0.0 } else { side }
}

/// True when two arcs have a point in common.
pub(super) fn meet(left: Arc, right: Arc) -> bool {
    let (a, b) = (side(left, right.0), side(left, right.1));
    let (c, d) = (side(right, left.0), side(right, left.1));
    // Proper crossings are seen from all four ends, and on the same half of the sphere.
    if a * b < 0.0 && c * d < 0.0 {
        return a * c < 0.0;
    }
    let touches = |point: Vector, arc: Arc| point.angle(nearest(point, arc)) < TINY;
    touches(right.0, left) || touches(right.1, left) || touches(left.0, right) || touches(left.1, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Vector {
        Point { longitude, latitude }.vector()
    }

    #[test]
    fn arcs_meet_where_they_cross_and_touch() {
        let equator = (at(-10.0, 0.0), at(10.0, 0.0));
        assert!(meet(equator, (at(0.0, -5.0), at(0.0, 5.0))));
        assert!(meet(equator, (at(0.0, 5.0), at(0.0, -5.0))));
        assert!(meet(equator, (at(10.0, 0.0), at(20.0, 5.0))));
        assert!(meet(equator, (at(5.0, 0.0), at(5.0, 5.0))));
        assert!(!meet(equator, (at(5.0, 0.1), at(5.0, 5.0))));
        assert!(!meet(equator, (at(180.0, -5.0), at(180.0, 5.0))), "on the other side of the earth");
        assert!(!meet(equator, (at(11.0, -5.0), at(11.0, 5.0))));
    }

    #[test]
    fn the_nearest_point_is_on_the_arc() {
        let equator = (at(-10.0, 0.0), at(10.0, 0.0));
        let near = |longitude, latitude| nearest(at(longitude, latitude), equator).point();
        assert!((near(3.0, 7.0).longitude - 3.0).abs() < 1e-9);
        assert!((near(30.0, 7.0).longitude - 10.0).abs() < 1e-9);
        assert!((near(-175.0, 7.0).longitude.abs() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn directions_lead_there() {
        let (start, end) = (at(13.4, 52.5), at(-74.0, 40.7));
        let reached = start.at(start.azimuth(end), start.angle(end));
        assert!(reached.angle(end) < 1e-12);
        assert!(start.towards(end, 1.0).angle(end) < 1e-12);
    }
}
