//! A module for each family of formats: bytes in, parts out.

use crate::format::Format;
use crate::input::Input;
use crate::walk::{Fault, Step, Walk};

mod arrow;
mod cells;
mod cmap;
mod compound;
mod compressed;
mod csv;
mod html;
mod image;
pub(crate) mod json;
mod mail;
mod mime;
mod notebook;
mod ooxml;
mod opendocument;
mod outlook;
mod parquet;
mod pdf;
mod pdf_content;
mod pdf_text;
mod rtf;
mod sheet;
mod sqlite;
mod tar;
mod text;
mod thrift;
mod word;
mod xls;
mod xml;
mod zip;

/// Reads a file of that format.
pub(crate) fn read(format: Format, input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    match format {
        Format::Empty => Ok(()),
        Format::Text => text::read(input, walk),
        Format::Csv => csv::read(input, walk),
        Format::Json => json::read(input, walk, false),
        Format::JsonLines => json::read(input, walk, true),
        Format::Notebook => notebook::read(input, walk),
        Format::Xml => xml::read(input, walk),
        Format::Html => html::read(input, walk),
        Format::Mail => mail::read(input, walk),
        Format::Mbox => mail::read_mailbox(input, walk),
        Format::Rtf => rtf::read(input, walk),
        Format::Zip | Format::Docx | Format::Xlsx | Format::Pptx | Format::OpenDocument => {
            zip::read(input, walk)
        }
        Format::CompoundFile | Format::Xls | Format::OutlookMessage | Format::OldOffice => {
            compound::read(input, walk)
        }
        Format::Pdf => pdf::read(input, walk),
        Format::Parquet => parquet::read(input, walk),
        Format::Arrow => arrow::read(input, walk),
        Format::Sqlite => sqlite::read(input, walk),
        Format::Tar => tar::read(input, walk),
        Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => compressed::read(format, input, walk),
        Format::Image => image::read(input, walk),
        Format::OtherArchive => Err(Fault::unsupported("archive other than zip, tar, gzip, bzip2, xz, zstd")),
        Format::OtherImage => Err(Fault::no_text("image")),
        Format::Audio => Err(Fault::no_text("recording")),
        Format::Video => Err(Fault::no_text("film")),
        Format::Font => Err(Fault::no_text("font")),
        Format::Executable => Err(Fault::no_text("program")),
        Format::Model => Err(Fault::unsupported("artifact")),
        Format::Unknown => Err(Fault::unsupported("unknown binary")),
    }
}
