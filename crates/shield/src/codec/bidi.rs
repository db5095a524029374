//! Text that a right-to-left override turns round: what is stored backwards is shown forwards.

use super::reverse::reversed;
use super::scan::{Found, Scan, confidence_of_bytes};
use super::{Codec, Loss};
use crate::view::View;

const OVERRIDE: char = '\u{202e}';
const END: char = '\u{202c}';

pub(super) static BIDI: Codec = Codec {
    name: "bidi-override",
    about: "All characters from the last to the first, shown in order by a right-to-left override",
    carries: "any text without line breaks and without these controls",
    loss: Loss::None,
    encode: |text| Some(std::iter::once(OVERRIDE).chain(text.chars().rev()).chain([END]).collect()),
    decode,
    returns: |text| (!text.contains([OVERRIDE, END, '\n', '\r'])).then(|| text.to_owned()),
};

fn decode(text: &str) -> Option<View<'static>> {
    let inner = text.strip_prefix(OVERRIDE)?;
    let inner = inner.strip_suffix(END).unwrap_or(inner);
    Some(reversed(inner, OVERRIDE.len_utf8(), text.len()))
}

/// Finds what stands between an override and its end, the end of the line, or the next override.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut parts = scan.text.split(OVERRIDE);
    let mut start = parts.next().map_or(0, str::len);
    for part in parts {
        let base = start + OVERRIDE.len_utf8();
        start = base + part.len();
        let inner = part.split([END, '\n', '\r']).next().unwrap_or_default();
        if let Some(confidence) = confidence_of_bytes(inner) {
            let view = reversed(inner, base, scan.text.len());
            found.push(Found {
                codec: &BIDI,
                view,
                span: base - OVERRIDE.len_utf8()..base + inner.len(),
                confidence,
            });
        }
    }
}
