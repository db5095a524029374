//! The part of DER (X.690) that certificates are made of: tags of one byte, definite lengths, no recursion.

/// Tags.
pub(super) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8: u8 = 0x0c;
    pub(crate) const PRINTABLE: u8 = 0x13;
    pub(crate) const TELETEX: u8 = 0x14;
    pub(crate) const IA5: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const TIME: u8 = 0x18;
    pub(crate) const BMP: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// What is wrong with DER.
pub(super) type Broken = &'static str;

/// Values one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next tag, without going on.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value: its tag and its content.
    pub(super) fn next(&mut self) -> Result<(u8, &'a [u8]), Broken> {
        let (tag, rest) = self.rest.split_first().ok_or("it ends too early")?;
        if tag & 0x1f == 0x1f {
            return Err("it has a tag of several bytes");
        }
        let (first, rest) = rest.split_first().ok_or("it ends too early")?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => long_length(usize::from(first & 0x7f), rest)?,
            _ => return Err("it has an indefinite or a huge length"),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or("it ends too early")?;
        self.rest = rest;
        Ok((*tag, content))
    }

    /// The content of the next value, which must have a tag.
    pub(super) fn expect(&mut self, expected: u8) -> Result<&'a [u8], Broken> {
        match self.next()? {
            (tag, content) if tag == expected => Ok(content),
            _ => Err("it has another structure than a certificate's"),
        }
    }

    /// The content of the next value when it has a tag.
    pub(super) fn optional(&mut self, expected: u8) -> Result<Option<&'a [u8]>, Broken> {
        if self.peek() == Some(expected) { self.expect(expected).map(Some) } else { Ok(None) }
    }
}

fn long_length(count: usize, rest: &[u8]) -> Result<(usize, &[u8]), Broken> {
    let (digits, rest) = rest.split_at_checked(count).ok_or("it ends too early")?;
    let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    // DER has one way to write a length.
    if digits.first() == Some(&0) || length < 0x80 {
        return Err("it has a length that is not the shortest");
    }
    Ok((length, rest))
}

/// A string of one of the types that names have. A character that hides what follows it (NUL and its like) is refused.
pub(super) fn string(tag: u8, content: &[u8]) -> Result<String, Broken> {
    let text = match tag {
        tag::UTF8 => std::str::from_utf8(content).map_err(|_| "a name is not UTF-8")?.to_owned(),
        tag::PRINTABLE | tag::IA5 | tag::TELETEX if content.is_ascii() => {
            String::from_utf8_lossy(content).into_owned()
        }
        tag::BMP if content.len().is_multiple_of(2) => {
            let units = content
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0_u16, |unit, byte| (unit << 8) | u16::from(*byte)));
            char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| "a name is not UTF-16")?
        }
        _ => return Err("a name has letters or a type that are not supported"),
    };
    if text.chars().any(char::is_control) {
        return Err("a name has a control character");
    }
    Ok(text)
}
