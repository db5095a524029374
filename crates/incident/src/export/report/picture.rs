//! Pictures of the report: the timeline and the graph, as SVG within the page.
//!
//! Places are worked out from the data alone, so that the same incident is always drawn the same.

mod graph;
mod timeline;

pub use graph::drawn;
pub(super) use timeline::timeline;

/// Width of a picture in its own units.
const WIDTH: f64 = 1_060.0;

/// A number of units for a count; counts of what is drawn stay far below 2^52.
#[allow(clippy::cast_precision_loss)]
fn units(count: usize) -> f64 {
    count as f64
}
