//! Packed batches, unpacked within a bound.

use std::borrow::Cow;
use std::io::Read;

/// Most bytes that a batch unpacks to.
pub(super) const MOST: usize = 64 << 20;

/// What precedes the blocks of Snappy that Java's library writes: a name, then two versions of four bytes each.
const BLOCKS: &[u8] = b"\x82SNAPPY\0";

/// Unpacks the records of a batch with the codec of its attributes: 0 none, 1 gzip, 2 Snappy, 3 LZ4, 4 Zstandard.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unpack(codec: i16, packed: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let bytes = match codec {
        0 => return Ok(Cow::Borrowed(packed)),
        1 => drained(flate2::bufread::MultiGzDecoder::new(packed)),
        2 => snappy(packed),
        3 => drained(lz4_flex::frame::FrameDecoder::new(packed)),
        4 => match zstd::Decoder::with_buffer(packed) {
            Ok(decoder) => drained(decoder),
            Err(error) => Err(error.to_string()),
        },
        other => return Err(format!("it is packed in a way that is not known (codec {other})")),
    };
    let name = match codec {
        1 => "gzip",
        2 => "Snappy",
        3 => "LZ4",
        _ => "Zstandard",
    };
    bytes.map(Cow::Owned).map_err(|reason| format!("it cannot be unpacked with {name}: {reason}"))
}

fn too_large() -> String {
    format!("it unpacks to more than {MOST} bytes")
}

fn drained(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(MOST as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > MOST { Err(too_large()) } else { Ok(bytes) }
}

/// Raw Snappy, or blocks of it as Java's library writes them, each behind its length.
fn snappy(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let Some(blocks) = packed.strip_prefix(BLOCKS) else {
        block(packed, &mut bytes)?;
        return Ok(bytes);
    };
    let mut rest = blocks.get(8..).ok_or("its header is cut off")?;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|error| error.to_string())?;
        let (packed, further) = behind.split_at_checked(length).ok_or("a block is cut off")?;
        block(packed, &mut bytes)?;
        rest = further;
    }
    if rest.is_empty() { Ok(bytes) } else { Err("a block is cut off".to_owned()) }
}

fn block(packed: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    let size = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    // A block cannot be shorter than a sixtieth of what it holds: a copy of 64 bytes takes three or less.
    if bytes.len() + size > MOST || size / 64 > packed.len() {
        return Err(too_large());
    }
    let start = bytes.len();
    bytes.resize(start + size, 0);
    let place = bytes.get_mut(start..).unwrap_or_default();
    snap::raw::Decoder::new().decompress(packed, place).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn packed(codec: i16, bytes: &[u8]) -> Vec<u8> {
        match codec {
            0 => bytes.to_vec(),
            1 => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            2 => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            3 => {
                let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            _ => zstd::encode_all(bytes, 1).unwrap(),
        }
    }

    /// Two blocks, as Java's library writes them.
    fn blocks(bytes: &[u8]) -> Vec<u8> {
        let mut written = [BLOCKS, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        for part in [first, second] {
            let part = packed(2, part);
            written.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            written.extend(part);
        }
        written
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(bytes in prop::collection::vec(0_u8..9, 0..5_000)) {
            for codec in 0..=4 {
                let written = packed(codec, &bytes);
                prop_assert_eq!(unpack(codec, &written).unwrap().into_owned(), bytes.clone());
            }
            let written = blocks(&bytes);
            prop_assert_eq!(unpack(2, &written).unwrap().into_owned(), bytes);
        }

        #[test]
        fn anything_is_unpacked_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), codec in 0_i16..7) {
            let _ = unpack(codec, &bytes);
            let _ = unpack(2, &[BLOCKS, bytes.as_slice()].concat());
        }
    }

    #[test]
    fn bombs_are_refused() {
        let zeros = vec![0; MOST + 1];
        for codec in 1..=4 {
            let bomb = packed(codec, &zeros);
            assert!(unpack(codec, &bomb).unwrap_err().contains("more than 67108864 bytes"), "{codec}");
            let whole = packed(codec, b"whole, and then cut off");
            assert!(unpack(codec, whole.get(..whole.len() - 6).unwrap()).is_err(), "{codec}");
        }
        // A length that is claimed is not believed.
        assert!(unpack(2, &[0xff, 0xff, 0xff, 0x1f, 0]).is_err());
        assert!(unpack(5, b"").unwrap_err().contains("codec 5"));
    }
}
