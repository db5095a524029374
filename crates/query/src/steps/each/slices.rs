//! Texts that are stretches of other texts.

use datafusion::arrow::array::{ByteView, StringViewArray, StringViewBuilder};
use datafusion::common::{Result, exec_datafusion_err};

use crate::physical::dynamic::Place;

/// Builds an array of stretches of the texts of another one, whose bytes it shares.
pub(super) struct Slices<'a> {
    pub(super) source: &'a StringViewArray,
    pub(super) builder: StringViewBuilder,
    /// Which block of the builder a buffer of the source is, once it is used.
    blocks: Vec<Option<u32>>,
}

/// Texts up to this length lie in the view itself.
const INLINE: u32 = 12;

impl<'a> Slices<'a> {
    pub(super) fn new(source: &'a StringViewArray, rows: usize) -> Slices<'a> {
        let blocks = vec![None; source.data_buffers().len()];
        Slices { source, builder: StringViewBuilder::with_capacity(rows), blocks }
    }

    /// Appends a stretch of the text of a row.
    ///
    /// Errors: a place beyond the text, and an array that is full.
    pub(super) fn push(&mut self, row: usize, place: Place) -> Result<()> {
        let view = ByteView::from(self.source.views().get(row).copied().unwrap_or_default());
        let length = place.end - place.start;
        if length <= INLINE || view.length <= INLINE {
            return Ok(self.builder.try_append_value(place.of(self.source.value(row)))?);
        }
        let block = self.block(view.buffer_index as usize)?;
        Ok(self.builder.try_append_view(block, view.offset + place.start, length)?)
    }

    fn block(&mut self, buffer: usize) -> Result<u32> {
        let known = self.blocks.get_mut(buffer);
        let (Some(known), Some(bytes)) = (known, self.source.data_buffers().get(buffer)) else {
            return Err(exec_datafusion_err!("a view beyond its buffers"));
        };
        Ok(*known.get_or_insert_with(|| self.builder.append_block(bytes.clone())))
    }
}
