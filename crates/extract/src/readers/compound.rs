//! Compound files (MS-CFB): the container of Office 97, of Outlook messages, and of encrypted Office documents.

use std::io::Read;

use cfb::CompoundFile;

use super::{outlook, xls};
use crate::format::Format;
use crate::input::{Input, Source};
use crate::outcome::Reason;
use crate::walk::{Fault, Step, Walk};

/// An open compound file.
pub(super) type Compound<'r> = CompoundFile<Box<dyn Source + 'r>>;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    // The allocation table is held in memory: as large as a file that is read whole may be, a hundredth of the file.
    if input.len().is_some_and(|len| len / 100 > walk.limits.memory as u64) {
        return Err(Fault::too_large());
    }
    let source = input.into_seekable(walk)?;
    let mut compound = CompoundFile::open(source)?;
    if compound.is_stream("/EncryptedPackage") {
        walk.found(Format::OldOffice);
        return Err(Fault::Failed(Reason::Encrypted));
    }
    if compound.is_stream("/__properties_version1.0") {
        walk.found(Format::OutlookMessage);
        return outlook::read(&mut compound, walk);
    }
    for workbook in ["/Workbook", "/Book"] {
        if compound.is_stream(workbook) {
            walk.found(Format::Xls);
            let bytes = stream(&mut compound, workbook, walk)?;
            return xls::read(&bytes, walk);
        }
    }
    let is_old_office = ["/WordDocument", "/PowerPoint Document"].iter().any(|name| compound.is_stream(name));
    walk.found(if is_old_office { Format::OldOffice } else { Format::CompoundFile });
    let what = if is_old_office { "Word or PowerPoint 97" } else { "compound file" };
    Err(Fault::unsupported(what))
}

/// The bytes of a stream.
///
/// # Errors
///
/// Also where they are more than the limit of memory.
pub(super) fn stream(compound: &mut Compound<'_>, path: &str, walk: &Walk<'_>) -> Step<Vec<u8>> {
    let most = walk.limits.memory as u64;
    let stream = compound.open_stream(path)?;
    if stream.len() > most {
        return Err(Fault::too_large());
    }
    let mut bytes = Vec::new();
    stream.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
