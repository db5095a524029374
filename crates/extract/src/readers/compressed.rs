//! Single files that are compressed: gzip, bzip2, xz, Zstandard. What is inside is read as an entry.

use std::io::{BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::format::Format;
use crate::input::Input;
use crate::walk::{Counting, Fault, Step, Walk};

/// What a decoder of xz and Zstandard may hold, in bytes: the largest window that their usual levels ask for.
const WINDOW: u32 = 128 << 20;

pub(super) fn read(format: Format, input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let name = inner_name(input.name());
    let (counted, compressed) = Counting::new(input.reader());
    let buffered = BufReader::with_capacity(64 << 10, counted);
    let decoder: Box<dyn Read + '_> = match format {
        Format::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        Format::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(buffered, true, WINDOW / 1024 * 2)),
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered).map_err(Fault::corrupt)?;
            decoder.window_log_max(WINDOW.ilog2()).map_err(Fault::corrupt)?;
            Box::new(decoder)
        }
        _ => return Err(Fault::unsupported("compression")),
    };
    let expanding = walk.expanding(decoder, compressed);
    walk.entry(&name, |walk| {
        let inner = Input::once(&name, Box::new(expanding), None)?;
        walk.file(inner)
    })
}

/// The name without the compression's extension: `backup.tar` for `backup.tgz`.
fn inner_name(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let Some((stem, extension)) = file.rsplit_once('.') else { return file.to_owned() };
    match extension.to_ascii_lowercase().as_str() {
        "gz" | "gzip" | "bz2" | "xz" | "zst" | "zstd" => stem.to_owned(),
        "tgz" | "tbz" | "tbz2" | "txz" | "tzst" => format!("{stem}.tar"),
        "svgz" => format!("{stem}.svg"),
        _ => file.to_owned(),
    }
}
