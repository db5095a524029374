//! The detectors of the product, ready to run.
//!
//! ```
//! let text = "My visa card is 4111 1111 1111 1111.";
//! for finding in castellan_detectors::engine().scan(text) {
//!     println!("{}", &text[finding.range()]);
//! #   assert_eq!(&text[finding.range()], "4111 1111 1111 1111");
//! }
//! ```
//!
//! `content/detectors` is read, compiled and written down when this crate is built, so that a program starts with all
//! of them in some milliseconds, and a fault in them stops the build. `castellan-classify` is the engine, and
//! `content/detectors/README.md` says how to write a detector.

use std::sync::LazyLock;

use castellan_base::Diagnostic;
use castellan_classify::Engine;
use castellan_classify::rule::Rules;

/// `content/detectors`, prepared.
pub static PREPARED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/detectors.bin"));

#[allow(clippy::expect_used)] // The build script has read what it wrote.
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::prepared(PREPARED).expect("the build script has read these bytes"));

/// The engine with all detectors of the product. It is made when it is first asked for.
pub fn engine() -> Engine {
    ENGINE.clone()
}

/// The engine with all detectors of the product and others. A detector of theirs takes the place of one with the same id;
/// what cannot run of them is left out and told.
#[allow(clippy::expect_used)] // The build script has read these bytes.
pub fn engine_with(more: Rules) -> (Engine, Vec<Diagnostic>) {
    Engine::prepared_with(PREPARED, more).expect("the build script has read these bytes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_detectors_are_there() {
        let engine = castellan_classify::Engine::prepared(super::PREPARED);
        assert!(engine.is_ok_and(|engine| engine.rules().detectors.len() >= 1_000));
    }
}
