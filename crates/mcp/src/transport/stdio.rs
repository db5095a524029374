//! Messages over standard input and output: one a line.

/// Why lines are read no further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A line with more bytes than the bound.
    #[error("a line has more than {0} bytes")]
    TooLong(usize),
    /// The stream ended within a line.
    #[error("the stream ended within a line")]
    Cut,
}

/// Takes lines out of a stream, in whatever chunks it comes.
#[derive(Debug)]
pub struct Reader {
    most: usize,
    line: Vec<u8>,
}

impl Reader {
    /// A reader of lines of at most this many bytes.
    #[must_use]
    pub fn new(most: usize) -> Reader {
        Reader { most, line: Vec::new() }
    }

    /// Takes a chunk and gives the lines that it completes, without their ends; blank ones are left out.
    ///
    /// # Errors
    /// If a line is too long. The reader is of no more use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Vec<u8>>, LineError> {
        let mut lines = Vec::new();
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let text = part.strip_suffix(b"\n");
            self.line.extend_from_slice(text.unwrap_or(part));
            if self.line.len() > self.most {
                return Err(LineError::TooLong(self.most));
            }
            if text.is_some() {
                let mut line = std::mem::take(&mut self.line);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                if !line.iter().all(u8::is_ascii_whitespace) {
                    lines.push(line);
                }
            }
        }
        Ok(lines)
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// If it ended within a line.
    pub fn finish(self) -> Result<(), LineError> {
        if self.line.is_empty() { Ok(()) } else { Err(LineError::Cut) }
    }
}

/// A message as one line, its end included. Line ends between tokens become blanks; within strings JSON has none.
#[must_use]
pub fn line(message: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> =
        message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect();
    out.push(b'\n');
    out
}
