//! Reading the files of indexes.

use super::index::OpenError;

/// Takes numbers from the start of a file on.
pub(crate) struct Reader<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) at: usize,
}

impl<'b> Reader<'b> {
    /// Takes the eight bytes that name the format, and its version.
    pub(crate) fn begins(&mut self, magic: &[u8; 8], version: u32) -> Result<(), OpenError> {
        if &self.array::<8>()? != magic {
            return Err(OpenError::NotAnIndex);
        }
        match self.u32()? {
            found if found == version => Ok(()),
            found => Err(OpenError::Version(found)),
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'b [u8], OpenError> {
        let taken = self.bytes.get(self.at..self.at + length).ok_or(OpenError::Damaged)?;
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        self.take(N)?.try_into().map_err(|_| OpenError::Damaged)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, OpenError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, OpenError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, OpenError> {
        self.array().map(u64::from_le_bytes)
    }
}

/// Checks that a file is `length` bytes and a seal, and that the seal is that of the bytes.
pub(crate) fn check_seal(file: &[u8], length: usize, key: &[u8; 32]) -> Result<(), OpenError> {
    let (sealed, seal) = file.split_at_checked(length).ok_or(OpenError::Damaged)?;
    let found: [u8; 32] = seal.try_into().map_err(|_| OpenError::Damaged)?;
    // The comparison of digests of `blake3` takes the same time whatever differs.
    match blake3::keyed_hash(key, sealed) == blake3::Hash::from(found) {
        true => Ok(()),
        false => Err(OpenError::Damaged),
    }
}
