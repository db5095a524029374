//! Maps from the codes of a PDF font to Unicode (ISO 32000-2, 9.10.3).
//!
//! Read token by token, so that what other programs write between the parts that matter does not matter.

use std::collections::HashMap;

/// Entries of one map at most.
const MOST_ENTRIES: usize = 1 << 18;

/// A code: how many bytes it has, and its number.
type Code = (usize, u32);

/// A map from codes to text.
#[derive(Default)]
pub(super) struct CMap {
    single: HashMap<Code, String>,
    /// Codes from the first to the second stand for the text with its last unit counted on.
    ranges: Vec<(Code, u32, Vec<u16>)>,
    /// Which codes there are: the first and the last of each stretch.
    spaces: Vec<(Code, u32)>,
}

enum Token {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(Vec<u8>),
}

impl CMap {
    /// Reads a map; what is not understood is passed over.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut operands: Vec<Token> = Vec::new();
        let mut rest = bytes;
        while let Some(token) = token(&mut rest) {
            let Token::Word(word) = &token else {
                // Operands of one operator; a run without an operator is no map.
                if operands.len() < 4096 {
                    operands.push(token);
                }
                continue;
            };
            match word.as_slice() {
                b"endcodespacerange" => map.add_spaces(&operands),
                b"endbfchar" | b"endcidchar" => map.add_characters(&operands),
                b"endbfrange" => map.add_ranges(&operands),
                _ => {}
            }
            operands.clear();
        }
        map
    }

    /// The code at the start of a string, and the rest. `width` is the length of codes where the map does not say.
    pub(super) fn code<'b>(&self, bytes: &'b [u8], width: usize) -> Option<(Code, &'b [u8])> {
        let at = |length: usize| bytes.get(..length).map(|code| (length, number(code)));
        let within = |(length, code): &Code| {
            let mut spaces = self.spaces.iter();
            spaces.any(|((wide, first), last)| wide == length && (*first..=*last).contains(code))
        };
        let code = (1..=4).filter_map(at).find(within).or_else(|| at(width)).or_else(|| at(1))?;
        Some((code, bytes.get(code.0..)?))
    }

    /// What a code stands for.
    pub(super) fn text(&self, code: Code) -> Option<String> {
        if let Some(text) = self.single.get(&code) {
            return Some(text.clone());
        }
        let (length, number) = code;
        let inside = |((wide, first), last, _): &&(Code, u32, Vec<u16>)| {
            *wide == length && (*first..=*last).contains(&number)
        };
        let ((_, first), _, units) = self.ranges.iter().find(inside)?;
        let mut units = units.clone();
        let step = u16::try_from(number - first).ok()?;
        if let Some(last) = units.last_mut() {
            *last = last.wrapping_add(step);
        }
        Some(String::from_utf16_lossy(&units))
    }

    fn add_spaces(&mut self, operands: &[Token]) {
        for pair in operands.chunks_exact(2) {
            if let [Token::Hex(first), Token::Hex(last)] = pair
                && self.spaces.len() < 256
            {
                self.spaces.push(((first.len(), number(first)), number(last)));
            }
        }
    }

    fn add_characters(&mut self, operands: &[Token]) {
        for pair in operands.chunks_exact(2) {
            if let [Token::Hex(code), Token::Hex(text)] = pair {
                self.add(code, 0, text);
            }
        }
    }

    fn add(&mut self, code: &[u8], step: u32, text: &[u8]) {
        if self.single.len() < MOST_ENTRIES {
            let code = (code.len(), number(code).saturating_add(step));
            self.single.insert(code, String::from_utf16_lossy(&units(text)));
        }
    }

    fn add_ranges(&mut self, operands: &[Token]) {
        let mut operands = operands.iter();
        while let (Some(Token::Hex(first)), Some(Token::Hex(last)), Some(target)) =
            (operands.next(), operands.next(), operands.next())
        {
            match target {
                Token::Hex(text) if self.ranges.len() < MOST_ENTRIES => {
                    self.ranges.push(((first.len(), number(first)), number(last), units(text)));
                }
                Token::Open => {
                    for (step, token) in (0..).zip(operands.by_ref()) {
                        let Token::Hex(text) = token else { break };
                        self.add(first, step, text);
                    }
                }
                _ => {}
            }
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    if let [byte] = bytes {
        return vec![u16::from(*byte)];
    }
    bytes.chunks_exact(2).map(|pair| u16::try_from(number(pair)).unwrap_or(0)).collect()
}

/// Takes the next token; numbers count as words.
fn token(rest: &mut &[u8]) -> Option<Token> {
    loop {
        let (first, after) = rest.split_first()?;
        *rest = after;
        match first {
            b'<' if after.first() == Some(&b'<') => *rest = after.get(1..)?,
            b'<' => {
                let end = memchr::memchr(b'>', after)?;
                let digits: Vec<u8> = after.get(..end)?.iter().filter_map(|byte| digit(*byte)).collect();
                *rest = after.get(end + 1..)?;
                let byte = |pair: &[u8]| pair.iter().fold(0, |value, digit| (value << 4) | digit);
                return Some(Token::Hex(digits.chunks(2).take(64).map(byte).collect()));
            }
            b'[' => return Some(Token::Open),
            b']' => return Some(Token::Close),
            b'%' => {
                let end = after.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(after.len());
                *rest = after.get(end..)?;
            }
            byte if byte.is_ascii_whitespace() || matches!(byte, b'>' | b'(' | b')' | 0) => {}
            byte => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"<>[]/%()".contains(byte);
                let end = after.iter().position(is_end).unwrap_or(after.len());
                let mut word = vec![*byte];
                word.extend(after.get(..end)?);
                *rest = after.get(end..)?;
                return Some(Token::Word(word));
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::CMap;

    #[test]
    fn a_map_is_read_however_it_is_laid_out() {
        let map = CMap::parse(
            b"/CIDInit/ProcSet findresource begin 1 begincodespacerange<00><7F> <8000> <FFFF>endcodespacerange % x\n\
              2 beginbfchar <41><0062><8001> <D83DDE00>endbfchar 2 beginbfrange<8010><8012><0078>\
              <8020><8021>[<0031><00320033>]endbfrange",
        );
        let mut bytes: &[u8] = b"\x41\x80\x01\x80\x12\x80\x21\x42";
        let mut texts = Vec::new();
        while let Some((code, rest)) = map.code(bytes, 2) {
            texts.push(map.text(code));
            bytes = rest;
        }
        let expected = [Some("b"), Some("\u{1f600}"), Some("z"), Some("23"), None];
        assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
    }
}
