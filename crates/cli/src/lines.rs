//! A JSON line in, a JSON line out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use crate::Ending;

/// The longest line that is read, in bytes; a longer one is answered with an error.
const LONGEST: u64 = 64 << 20;

/// Answers each line as soon as it is there. One bad line never stops the rest.
pub(crate) fn run(file: &Path, answer: impl FnMut(&str) -> String) -> Result<Ending> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let result = if file == Path::new("-") {
        // Whoever asks may wait for an answer before asking on.
        lines(&mut io::stdin().lock(), &mut out, true, answer)
    } else {
        let file = File::open(file).with_context(|| format!("cannot open `{}`", file.display()))?;
        lines(&mut BufReader::with_capacity(1 << 20, file), &mut out, false, answer)
    };
    match result.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("cannot answer the batch in `{}`", file.display()))
        }
        _ => Ok(Ending::Fine),
    }
}

fn lines(
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    at_once: bool,
    mut answer: impl FnMut(&str) -> String,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut *input, LONGEST).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let is_cut = read as u64 == LONGEST && !line.ends_with(b"\n");
        let told = match std::str::from_utf8(&line) {
            _ if is_cut => {
                input.skip_until(b'\n')?;
                refused("line-too-long", &format!("a line may have at most {LONGEST} bytes"))
            }
            // With a character replaced, places would be those of another text.
            Err(_) => refused("invalid-utf-8", "the line is not UTF-8"),
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => answer(text.trim()),
        };
        writeln!(out, "{told}")?;
        if at_once {
            out.flush()?;
        }
    }
}

fn refused(code: &str, message: &str) -> String {
    json!({ "id": null, "error": { "code": code, "message": message } }).to_string()
}
