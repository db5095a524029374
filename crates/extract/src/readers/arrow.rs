//! Arrow IPC: the file format, which is Feather's second version, and the streaming format.
//!
//! The framing is read here and every length that a message claims is checked before the decoder of the `arrow-ipc`
//! crate, which trusts them, sees the message.

use std::io::Read;

use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{CompressionType, Message, MessageHeader, root_as_message};

use super::cells::{self, Column};
use crate::input::Input;
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Fault, Step, Walk};

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    if input.head().starts_with(b"FEA1") {
        return Err(Fault::unsupported("Feather version 1"));
    }
    let is_file = input.head().starts_with(b"ARROW1");
    let mut reader = input.reader();
    // A file is a stream between a magic, which is padded, and a footer.
    if is_file {
        taken(&mut reader, 8)?;
    }
    let mut has_schema = false;
    let mut decoder = StreamDecoder::new();
    let mut rows = 0;
    while let Some(frame) = frame(&mut reader, walk)? {
        has_schema = true;
        let mut buffer = Buffer::from_vec(frame);
        while !buffer.is_empty() {
            let Some(batch) = decoder.decode(&mut buffer).map_err(Fault::corrupt)? else { break };
            if rows == 0 {
                metadata(&batch, walk)?;
            }
            for (at, (field, array)) in batch.schema().fields().iter().zip(batch.columns()).enumerate() {
                let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
                let column = Column { number, name: field.name().as_str().into(), before: rows };
                let kind = field.data_type();
                if !cells::is_read(kind) && !cells::is_mute(kind) && rows == 0 {
                    let place =
                        Place::Cell { table: None, row: 1, column: number, name: Some(column.name.clone()) };
                    walk.skip(place, Reason::Unsupported("type of Arrow column"), None);
                }
                cells::column(array, &column, walk)?;
            }
            rows += batch.num_rows() as u64;
            walk.count_rows(batch.num_rows() as u64);
        }
    }
    if has_schema { Ok(()) } else { Err(Fault::corrupt("there is no schema")) }
}

fn metadata(batch: &arrow_array::RecordBatch, walk: &mut Walk<'_>) -> Step {
    for (key, value) in batch.schema().metadata() {
        walk.text(Place::field(key), value)?;
    }
    for field in batch.schema().fields() {
        walk.text(Place::field("column name"), field.name())?;
    }
    Ok(())
}

fn taken(reader: &mut dyn Read, length: usize) -> Step<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length { Err(Fault::Failed(Reason::Truncated)) } else { Ok(bytes) }
}

/// The next message with its header and body, once its lengths were checked; none at the end of the stream.
fn frame(reader: &mut dyn Read, walk: &mut Walk<'_>) -> Step<Option<Vec<u8>>> {
    const MOST_PADDING: usize = 64 / 8;
    let mut start = Vec::new();
    for _ in 0..=MOST_PADDING {
        start.clear();
        reader.take(8).read_to_end(&mut start)?;
        if start.is_empty() || start.iter().any(|byte| *byte != 0) {
            break;
        }
    }
    if start.is_empty() {
        // A stream may end without a mark.
        return Ok(None);
    }
    let word =
        |at: usize| start.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    let (Some(mark), Some(length)) = (word(0), word(4)) else { return Err(Fault::Failed(Reason::Truncated)) };
    if mark != u32::MAX {
        return Err(Fault::unsupported("Arrow before version 0.15"));
    }
    if length == 0 {
        return Ok(None);
    }
    let most = walk.limits.memory;
    let length =
        usize::try_from(length).ok().filter(|length| *length <= most).ok_or_else(Fault::too_large)?;
    let header = taken(reader, length)?;
    let message = root_as_message(&header).map_err(Fault::corrupt)?;
    let body = usize::try_from(message.bodyLength()).map_err(Fault::corrupt)?;
    if body > most {
        return Err(Fault::too_large());
    }
    let body = taken(reader, body)?;
    check(&message, &body, walk)?;
    let mut frame = start;
    frame.extend(&header);
    frame.extend(body);
    Ok(Some(frame))
}

/// Checks what compressed buffers will expand to.
fn check(message: &Message<'_>, body: &[u8], walk: &mut Walk<'_>) -> Step {
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        _ => None,
    };
    let Some((batch, compression)) = batch.and_then(|batch| Some((batch, batch.compression()?))) else {
        return Ok(());
    };
    let mut total = 0_usize;
    for buffer in batch.buffers().into_iter().flatten() {
        let from = usize::try_from(buffer.offset()).map_err(Fault::corrupt)?;
        let length = usize::try_from(buffer.length()).map_err(Fault::corrupt)?;
        let bytes = from.checked_add(length).and_then(|to| body.get(from..to));
        let bytes = bytes.ok_or_else(|| Fault::corrupt("a buffer lies outside of its message"))?;
        let Some((promise, compressed)) = bytes.split_first_chunk::<8>() else { continue };
        let promise = i64::from_le_bytes(*promise);
        // A promise of -1 says that the buffer is not compressed after all.
        let expanded = usize::try_from(promise).unwrap_or(compressed.len());
        total = total.saturating_add(expanded);
        if total > walk.limits.memory.saturating_mul(2) {
            return Err(Fault::too_large());
        }
        if promise > 0 && compression.codec() == CompressionType::LZ4_FRAME {
            keeps_promise(compressed, expanded)?;
        }
    }
    walk.expanded(total as u64)
}

/// The decoder of LZ4 frames expands whatever is there, so the frame is tried before.
fn keeps_promise(compressed: &[u8], expanded: usize) -> Step {
    let decoder = lz4_flex::frame::FrameDecoder::new(compressed);
    let count = std::io::copy(&mut decoder.take(expanded as u64 + 1), &mut std::io::sink())?;
    if count == expanded as u64 { Ok(()) } else { Err(Fault::corrupt("a buffer is not as long as it says")) }
}
