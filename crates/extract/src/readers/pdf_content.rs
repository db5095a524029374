//! The operators of a content stream of PDF (ISO 32000-2, 7.8.2), one at a time.
//!
//! What breaks the syntax is passed over, and reading goes on behind it: a page with a broken corner keeps its text.

/// Operands of one operator, and elements of one array, that are kept.
const MOST_OPERANDS: usize = 1 << 16;

/// An operand, as far as text needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Number(f32),
    Text(Vec<u8>),
    Name(Vec<u8>),
    /// Of an array, the numbers and texts in it.
    Array(Vec<Operand>),
    Other,
}

/// An operator with its operands.
#[derive(Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) operator: Vec<u8>,
    pub(super) operands: Vec<Operand>,
}

/// Reads operators from the bytes of a content stream.
pub(super) struct Operations<'a> {
    rest: &'a [u8],
}

impl<'a> Operations<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        loop {
            let spaces = self.rest.iter().take_while(|byte| is_space(**byte)).count();
            self.take(spaces);
            if self.rest.first() != Some(&b'%') {
                return;
            }
            let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.take(end.unwrap_or(self.rest.len()));
        }
    }

    /// The next operand; none where an operator, or nothing, comes.
    fn operand(&mut self) -> Option<Operand> {
        self.skip_space();
        let operand = match *self.rest.first()? {
            b'(' => Operand::Text(self.literal()),
            b'<' if self.rest.get(1) != Some(&b'<') => Operand::Text(self.hex()),
            b'<' | b'>' => {
                // Marks of dictionaries; what is in them comes as operands of no interest.
                self.take(2);
                Operand::Other
            }
            b'/' => Operand::Name(self.name()),
            b'[' => self.array(),
            b']' | b')' | b'{' | b'}' => {
                self.take(1);
                Operand::Other
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                let word = self.word();
                let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
                Operand::Number(number.unwrap_or(0.0))
            }
            _ => return None,
        };
        Some(operand)
    }

    fn word(&mut self) -> &'a [u8] {
        let length = self.rest.iter().take_while(|byte| !is_space(**byte) && !is_delimiter(**byte)).count();
        self.take(length)
    }

    fn name(&mut self) -> Vec<u8> {
        self.take(1);
        let raw = self.word();
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((first, after)) = rest.split_first() {
            let escaped = (*first == b'#').then(|| hex_pair(after)).flatten();
            name.push(escaped.unwrap_or(*first));
            rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
        }
        name
    }

    fn array(&mut self) -> Operand {
        self.take(1);
        let mut elements = Vec::new();
        loop {
            self.skip_space();
            match self.rest.first() {
                None => break,
                Some(b']') => {
                    self.take(1);
                    break;
                }
                // Arrays in arrays hold no text that is shown.
                Some(b'[') => {
                    self.take(1);
                }
                Some(_) => match self.operand() {
                    Some(operand) if elements.len() < MOST_OPERANDS => elements.push(operand),
                    Some(_) => {}
                    None => {
                        if self.word().is_empty() {
                            self.take(1);
                        }
                    }
                },
            }
        }
        Operand::Array(elements)
    }

    fn hex(&mut self) -> Vec<u8> {
        self.take(1);
        let end = memchr::memchr(b'>', self.rest).unwrap_or(self.rest.len());
        let raw = self.take(end);
        self.take(1);
        let digits: Vec<u8> = raw.iter().filter_map(|byte| digit(*byte)).collect();
        // A last digit without a partner is followed by a zero that was left out.
        let byte = |pair: &[u8]| (pair.first().unwrap_or(&0) << 4) | pair.get(1).unwrap_or(&0);
        digits.chunks(2).map(byte).collect()
    }

    /// A string between parentheses, with escapes undone.
    fn literal(&mut self) -> Vec<u8> {
        self.take(1);
        let mut text = Vec::new();
        let mut depth = 1_usize;
        while let Some(byte) = self.take(1).first().copied() {
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.take(1).first().copied() else { return };
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' => {
                if self.rest.first() == Some(&b'\n') {
                    self.take(1);
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let more = self.rest.iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = self.take(more);
                let value = digits
                    .iter()
                    .fold(u32::from(byte - b'0'), |value, digit| value * 8 + u32::from(digit - b'0'));
                text.push(u8::try_from(value & 0xFF).unwrap_or(0));
            }
            other => text.push(other),
        }
    }

    /// Passes over the bytes of a picture that stands in the content itself.
    fn skip_picture(&mut self) {
        let ends = memchr::memmem::find_iter(self.rest, b"EI");
        let is_end = |at: &usize| {
            let before = at.checked_sub(1).and_then(|before| self.rest.get(before));
            let after = self.rest.get(at + 2);
            before.is_some_and(|byte| is_space(*byte)) && after.is_none_or(|byte| is_space(*byte))
        };
        let end = ends.into_iter().find(is_end).map_or(self.rest.len(), |at| at + 2);
        self.take(end);
    }
}

impl Iterator for Operations<'_> {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let mut operands = Vec::new();
        while let Some(operand) = self.operand() {
            if operands.len() < MOST_OPERANDS {
                operands.push(operand);
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        let mut operator = self.word().to_vec();
        if operator.is_empty() {
            operator = self.take(1).to_vec();
        }
        if operator == b"ID" {
            self.skip_picture();
        }
        Some(Operation { operator, operands })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    b"()<>[]{}/%".contains(&byte)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    Some((digit(*bytes.first()?)? << 4) | digit(*bytes.get(1)?)?)
}

#[cfg(test)]
mod tests {
    use super::{Operand, Operations};

    #[test]
    fn operators_come_with_their_operands() {
        let content =
            b"q BT /F#31 12 Tf% note\n[(a\\(b\\051\\1012)-250<4 1 2>]TJ (x(y)z\\\n)' /X <</A 1>> DP \
                        BI /W 1 ID \x00EI\x01 EI ) (kept) Tj ET";
        let operations: Vec<_> = Operations::new(content).collect();
        let operators: Vec<String> =
            operations.iter().map(|one| String::from_utf8_lossy(&one.operator).into_owned()).collect();
        assert_eq!(operators, ["q", "BT", "Tf", "TJ", "'", "DP", "BI", "ID", "Tj", "ET"]);
        let text = |bytes: &[u8]| Operand::Text(bytes.to_vec());
        assert_eq!(operations[2].operands, [Operand::Name(b"F1".to_vec()), Operand::Number(12.0)]);
        let shown = Operand::Array(vec![text(b"a(b)A2"), Operand::Number(-250.0), text(b"A ")]);
        assert_eq!(operations[3].operands, [shown]);
        assert_eq!(operations[4].operands, [text(b"x(y)z")]);
        assert_eq!(operations[8].operands.last(), Some(&text(b"kept")));
    }
}
