//! The primitive types of the protocol, read within bounds.
//!
//! Source: Apache Kafka, "Kafka protocol guide", protocol primitive types. *Flexible* versions write lengths as varints
//! and end every structure with tagged fields, none of which is read here.

/// Bytes that are not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

const SHORT: Malformed = Malformed("it ends too early");

/// Reads values one after the other.
#[derive(Clone, Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
    is_flexible: bool,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8], is_flexible: bool) -> Reader<'b> {
        Reader { rest: bytes, is_flexible }
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn i8(&mut self) -> Result<i8, Malformed> {
        self.array().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<[u8; 16], Malformed> {
        self.array()
    }

    /// An unsigned varint of at most 64 bits.
    fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a varint has more than 64 bits"))
    }

    /// A signed varint, as records have them.
    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Bytes behind a signed varint; `None` where that is negative.
    pub(super) fn sized(&mut self) -> Result<Option<&'b [u8]>, Malformed> {
        match usize::try_from(self.signed()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// A length that is null, or may be larger than what is there.
    fn length(
        &mut self,
        plain: impl Fn(&mut Self) -> Result<i64, Malformed>,
    ) -> Result<Option<usize>, Malformed> {
        let length = match self.is_flexible {
            true => i64::try_from(self.unsigned()?).map_err(|_| SHORT)? - 1,
            false => plain(self)?,
        };
        Ok(usize::try_from(length).ok())
    }

    /// A text; `None` where it is null.
    pub(super) fn string(&mut self) -> Result<Option<&'b str>, Malformed> {
        let Some(length) = self.length(|reader| reader.i16().map(i64::from))? else { return Ok(None) };
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// A text that is there.
    pub(super) fn text(&mut self) -> Result<&'b str, Malformed> {
        self.string()?.ok_or(Malformed("a text is missing"))
    }

    /// Bytes; none where they are null.
    pub(super) fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        let length = self.length(|reader| reader.i32().map(i64::from))?;
        self.take(length.unwrap_or_default())
    }

    /// The items of an array, each of which takes a byte at least; none where it is null.
    pub(super) fn items<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.length(|reader| reader.i32().map(i64::from))?.unwrap_or_default();
        if count > self.rest.len() {
            return Err(SHORT);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// The end of a structure: tagged fields, which are not read.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        if !self.is_flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned()? {
            self.unsigned()?;
            let size = usize::try_from(self.unsigned()?).map_err(|_| SHORT)?;
            self.take(size)?;
        }
        Ok(())
    }
}

/// Writes values one after the other. What is written is our own, and short.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    is_flexible: bool,
}

impl Writer {
    pub(super) fn new(is_flexible: bool) -> Writer {
        Writer { bytes: Vec::new(), is_flexible }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Writer {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn i8(&mut self, value: i8) -> &mut Writer {
        self.put(&value.to_be_bytes())
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Writer {
        self.put(&value.to_be_bytes())
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Writer {
        self.put(&value.to_be_bytes())
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Writer {
        self.put(&value.to_be_bytes())
    }

    fn unsigned(&mut self, mut value: usize) -> &mut Writer {
        while value >= 0x80 {
            self.bytes.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.bytes.push(u8::try_from(value).unwrap_or_default());
        self
    }

    /// The number of items of an array that follows.
    pub(super) fn count(&mut self, count: usize) -> &mut Writer {
        match self.is_flexible {
            true => self.unsigned(count + 1),
            false => self.i32(i32::try_from(count).unwrap_or(i32::MAX)),
        }
    }

    /// A text of less than 32 KiB: names of topics are at most 249 bytes long.
    pub(super) fn text(&mut self, text: &str) -> &mut Writer {
        match self.is_flexible {
            true => self.unsigned(text.len() + 1),
            false => self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX)),
        };
        self.put(text.as_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX)).put(bytes)
    }

    /// The end of a structure: no tagged fields.
    pub(super) fn end(&mut self) -> &mut Writer {
        if self.is_flexible {
            self.bytes.push(0);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reader, Writer};

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{0,300}", count in 0_usize..1_000_000, is_flexible: bool) {
            let mut writer = Writer::new(is_flexible);
            writer.text(&text).count(count.min(text.len())).put(text.as_bytes()).end();
            let mut reader = Reader::new(&writer.bytes, is_flexible);
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            let items = reader.items(Reader::i8).unwrap();
            prop_assert_eq!(items.len(), count.min(text.len()));
            reader.take(text.len() - items.len()).unwrap();
            reader.end().unwrap();
            prop_assert!(reader.rest().is_empty());
        }

        #[test]
        fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), is_flexible: bool) {
            let reader = Reader::new(&bytes, is_flexible);
            let _ = reader.clone().signed();
            let _ = reader.clone().sized();
            let _ = reader.clone().string();
            let _ = reader.clone().bytes();
            let _ = reader.clone().end();
            let _ = reader.clone().items(Reader::text);
        }
    }

    #[test]
    fn varints_are_zigzag() {
        for (bytes, expected) in [(&[0_u8][..], 0), (&[1], -1), (&[2], 1), (&[0xac, 0x02], 150)] {
            assert_eq!(Reader::new(bytes, false).signed(), Ok(expected));
        }
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Reader::new(&longest, false).signed(), Ok(i64::MIN));
        assert!(Reader::new(&[0xff; 10], false).signed().is_err());
    }
}
