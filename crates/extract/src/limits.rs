//! How far an extraction may go.

/// Bounds of one call of [`extract`](crate::extract). All sizes are bytes.
///
/// A limit that is reached never ends in silence: what it cut off is a [`Skipped`](crate::Skipped) with the reason.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// All text given to the sink together. 8 GiB unless told.
    pub text_bytes: u64,
    /// All bytes that came out of decompression together, at every depth. 8 GiB unless told.
    pub expanded_bytes: u64,
    /// How many bytes may come out of one compressed byte, judged for each entry and beyond
    /// [`ratio_floor`](Limits::ratio_floor). 250 unless told.
    pub ratio: u64,
    /// Up to this many bytes an entry may expand whatever its ratio. 16 MiB unless told.
    pub ratio_floor: u64,
    /// Files within files within files: 6 unless told.
    pub depth: usize,
    /// Entries of archives, attachments and embedded files together. 100,000 unless told.
    pub entries: u64,
    /// Elements within elements of one JSON, XML or RTF document. 256 unless told.
    pub nesting: usize,
    /// What a format that cannot be read in passing (a PDF, an XML document, a nested archive) may hold in memory.
    /// 64 MiB unless told; working memory is a small multiple of it.
    pub memory: usize,
    /// The longest chunk of text given at once. 64 KiB unless told, and never less than 64 bytes.
    pub chunk: usize,
    /// How many skips and notes the outcome lists; further ones are counted. 10,000 unless told.
    pub listed: usize,
    /// Asked at least once for every 64 KiB that are read or given; `true` ends the extraction.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Limits<'_> {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            text_bytes: 8 << 30,
            expanded_bytes: 8 << 30,
            ratio: 250,
            ratio_floor: 16 << 20,
            depth: 6,
            entries: 100_000,
            nesting: 256,
            memory: 64 * MIB,
            chunk: 64 << 10,
            listed: 10_000,
            stop: &|| false,
        }
    }
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Limits")
            .field("text_bytes", &self.text_bytes)
            .field("expanded_bytes", &self.expanded_bytes)
            .field("ratio", &self.ratio)
            .field("depth", &self.depth)
            .field("entries", &self.entries)
            .field("memory", &self.memory)
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}

impl Limits<'_> {
    /// The length of a chunk, with room for any character.
    pub(crate) fn chunk_len(&self) -> usize {
        self.chunk.max(64)
    }
}
