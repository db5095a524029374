//! Lines with checksums, each of which covers the one before: no line can be changed, dropped or moved without being seen.

/// Digits of a checksum.
const DIGITS: usize = 64;

/// The checksum of a text behind a head.
pub(super) fn checksum(head: &str, text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head.as_bytes()).update(b" ").update(text.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// A line, and the head behind it.
pub(super) fn line(head: &str, text: &str) -> (String, String) {
    let sum = checksum(head, text);
    (format!("{sum} {text}\n"), sum)
}

/// What lines hold.
pub(super) struct Lines<'b> {
    /// The texts.
    pub(super) texts: Vec<&'b str>,
    /// The head behind them.
    pub(super) head: String,
    /// Bytes that they take. What is behind is a torn line.
    pub(super) whole: usize,
    /// Whether there is a torn line.
    pub(super) is_torn: bool,
}

/// Reads lines behind a head; the number of the line, from 1, that is not what was written. A last line that does not end, or
/// that has pages that were not written, is torn and left out: a crash leaves such a one behind.
pub(super) fn read<'b>(bytes: &'b [u8], head: &str) -> Result<Lines<'b>, usize> {
    let mut lines = Lines { texts: Vec::new(), head: head.to_owned(), whole: 0, is_torn: false };
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let Some((line, after)) = end.and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?))) else {
            lines.is_torn = true;
            return Ok(lines);
        };
        let read = std::str::from_utf8(line).ok().and_then(|line| {
            let (sum, text) = line.split_at_checked(DIGITS)?;
            let text = text.strip_prefix(' ')?;
            (checksum(&lines.head, text) == sum).then_some((sum, text))
        });
        match read {
            Some((sum, text)) => {
                sum.clone_into(&mut lines.head);
                lines.texts.push(text);
                lines.whole += line.len() + 1;
            }
            // A page that a loss of power left unwritten reads as zeros. A last line that is whole and was changed is damage:
            // it was acknowledged.
            None if after.is_empty() && line.contains(&0) => {
                lines.is_torn = true;
                return Ok(lines);
            }
            None => return Err(lines.texts.len() + 1),
        }
        rest = after;
    }
    Ok(lines)
}
