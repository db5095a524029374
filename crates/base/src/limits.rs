//! How much of a hostile input is read before it is refused.

/// Bounds for every reader. The defaults are far above any honest file and far below what would hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub bytes: u64,
    /// Deepest nesting of arrays and objects.
    pub depth: u32,
    /// Most values in one document.
    pub values: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 512 << 20, depth: 192, values: 20_000_000 }
    }
}
