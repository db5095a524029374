//! As much of Thrift's compact protocol as it takes to know how long a page of Parquet is.

/// What the header of a page says.
pub(super) struct Page {
    /// The length of the header itself, in bytes.
    pub(super) header: usize,
    /// The length of the page as it is stored.
    pub(super) compressed: usize,
    /// The length of the page once it is decompressed.
    pub(super) expanded: usize,
}

const EXPANDED: i64 = 2;
const COMPRESSED: i64 = 3;
/// Structs within structs; a page's header has three levels.
const DEEPEST: usize = 8;

/// Reads the header of the page at the start of `bytes`; none where it is broken.
pub(super) fn page(bytes: &[u8]) -> Option<Page> {
    let mut compact = Compact { bytes, at: 0 };
    let (mut expanded, mut compressed) = (None, None);
    let mut field = 0;
    while let Some(kind) = compact.field(&mut field)? {
        match (field, kind) {
            (EXPANDED, 5) => expanded = usize::try_from(compact.integer()?).ok(),
            (COMPRESSED, 5) => compressed = usize::try_from(compact.integer()?).ok(),
            _ => compact.skip(kind, 0)?,
        }
    }
    Some(Page { header: compact.at, compressed: compressed?, expanded: expanded? })
}

/// How deeply the schema in a file's metadata is nested; none where the metadata is broken.
///
/// The schema is a flat list in which every element says how many of the next are its children, so a few bytes a level
/// build a tree of any depth; whoever recurses into it needs to know before.
pub(super) fn schema_depth(metadata: &[u8]) -> Option<usize> {
    let mut compact = Compact { bytes: metadata, at: 0 };
    let mut field = 0;
    while let Some(kind) = compact.field(&mut field)? {
        if (field, kind) == (2, 9) {
            return compact.elements();
        }
        compact.skip(kind, 0)?;
    }
    None
}

struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A zigzag integer.
    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// The next field's kind, with its id in `field`; `Some(None)` at the end of the struct.
    #[allow(clippy::option_option, reason = "broken, ended, or a field")]
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let delta = i64::from(byte >> 4);
        *field = if delta == 0 { self.integer()? } else { field.checked_add(delta)? };
        Some(Some(byte & 0x0F))
    }

    /// The depth of the elements of a schema.
    fn elements(&mut self) -> Option<usize> {
        const CHILDREN: i64 = 5;
        let head = self.byte()?;
        let short = u64::from(head >> 4);
        let length = if short == 15 { self.varint()? } else { short };
        // How many children are still to come, at each open level.
        let mut open: Vec<i64> = Vec::new();
        let mut deepest = 0;
        for _ in 0..length {
            let (mut field, mut children) = (0, 0);
            while let Some(kind) = self.field(&mut field)? {
                if (field, kind) == (CHILDREN, 5) {
                    children = self.integer()?;
                } else {
                    self.skip(kind, 1)?;
                }
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            open.push(children);
            deepest = deepest.max(open.len());
            while open.last().is_some_and(|left| *left <= 0) {
                open.pop();
            }
        }
        Some(deepest)
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            // Truth values are in the kind itself.
            1 | 2 => {}
            3 => self.at = self.at.checked_add(1)?,
            4..=6 => {
                self.varint()?;
            }
            7 => self.at = self.at.checked_add(8)?,
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.at = self.at.checked_add(length)?;
            }
            9 | 10 => self.skip_list(depth)?,
            12 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn skip_list(&mut self, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let short = u64::from(head >> 4);
        let length = if short == 15 { self.varint()? } else { short };
        for _ in 0..length {
            // Elements that take no room would make a short list last long.
            if self.at >= self.bytes.len() {
                return None;
            }
            let kind = head & 0x0F;
            if matches!(kind, 1 | 2) {
                self.byte()?;
            } else {
                self.skip(kind, depth + 1)?;
            }
        }
        Some(())
    }
}
