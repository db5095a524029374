//! Stretches of a text that are encoded for sure: what they say is judged by itself, so their letters are not odd.

use std::borrow::Cow;
use std::ops::Range;

use crate::view::{Decoded, Decodings, View};

/// How sure it has to be that a stretch is encoded for its letters not to look odd.
const SURE: f32 = 0.3;

/// The bytes of a text that are encoded.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    spans: Vec<Range<usize>>,
}

impl Encoded {
    /// What was decoded of a text.
    pub fn of(decodings: &Decodings) -> Encoded {
        let sure = |payload: &&Decoded| payload.confidence >= SURE;
        Encoded {
            spans: decodings.payloads.iter().filter(sure).map(|payload| payload.span.clone()).collect(),
        }
    }

    /// The same bytes as places of the normal form of the text.
    #[must_use]
    pub fn within(&self, plain: &View<'_>) -> Encoded {
        let mut spans: Vec<Option<Range<usize>>> = vec![None; self.spans.len()];
        let text = if spans.is_empty() { "" } else { plain.text() };
        for (place, character) in text.char_indices() {
            let window = place..place + character.len_utf8();
            let origin = plain.origin(window.clone());
            for (span, found) in self.spans.iter().zip(&mut spans) {
                if shared(span, &origin) > 0 {
                    let start = found.as_ref().map_or(window.start, |found| found.start);
                    *found = Some(start..window.end);
                }
            }
        }
        Encoded { spans: spans.into_iter().flatten().collect() }
    }

    /// True for a window that is encoded for a good part.
    pub fn explains(&self, window: &Range<usize>) -> bool {
        self.spans.iter().any(|span| shared(span, window) * 10 >= window.len() * 3)
    }

    /// A text that is mostly encoded is judged by what it says and by what is left of it: its encoded stretches become
    /// spaces. Any other text stays as it is.
    pub fn without<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut bytes = text.as_bytes().to_vec();
        for span in &self.spans {
            if let Some(stretch) = bytes.get_mut(span.clone()) {
                stretch.fill(b' ');
            }
        }
        let blank = |byte: &u8| *byte == b' ';
        let blanked = bytes.iter().filter(|byte| blank(byte)).count() - text.bytes().filter(blank).count();
        match String::from_utf8(bytes) {
            Ok(rest) if blanked * 2 >= text.len() && !self.spans.is_empty() => Cow::Owned(rest),
            _ => Cow::Borrowed(text),
        }
    }
}

/// How many bytes two ranges share.
fn shared(first: &Range<usize>, second: &Range<usize>) -> usize {
    first.end.min(second.end).saturating_sub(first.start.max(second.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view;

    #[test]
    fn what_is_encoded_is_known_in_the_normal_form_too() {
        let hidden = "d2hhdCBpcyB0aGUgd2VhdGhlciBsaWtlIGluIE9zbG8gdG9kYXk=";
        let text = format!("r\u{200b}e\u{200b}ad {hidden} now, please");
        let encoded = Encoded::of(&view::decode(&text, &view::Budget::default()));
        let visible = encoded.without(&text);
        let plain = view::plain(&visible);
        let start = "read ".len();
        let inside = start..start + hidden.len();
        assert!(encoded.within(&plain).explains(&inside));
        assert!(!encoded.within(&plain).explains(&(0..start)));
        assert!(!Encoded::default().within(&plain).explains(&inside));
    }
}
