//! Standard output and standard error.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_base::System;

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<()> {
    stream_to_stdout(|out| out.write_all(bytes))
}

/// Has something written to standard output, piece by piece. A reader that has gone away is no error.
pub(crate) fn stream_to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes to a file, or to standard output without one.
pub(crate) fn to_file_or_stdout(system: &dyn System, file: Option<&Path>, bytes: &[u8]) -> Result<()> {
    match file {
        Some(path) => write_file(system, path, bytes),
        None => to_stdout(bytes),
    }
}

/// Writes a file.
pub(crate) fn write_file(system: &dyn System, path: &Path, bytes: &[u8]) -> Result<()> {
    system.write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The text of a file.
pub(crate) fn read_text(path: &Path, limit: u64, system: &dyn System) -> Result<String> {
    let bytes = system.read(path, limit).with_context(|| format!("cannot read `{}`", path.display()))?;
    String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))
}

/// The text of standard input.
pub(crate) fn stdin_text(limit: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(limit + 1);
    input.read_to_end(&mut bytes).context("cannot read standard input")?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        bail!("standard input is larger than {limit} bytes");
    }
    String::from_utf8(bytes).context("standard input is not UTF-8")
}

/// A line on standard error.
pub(crate) fn complain(message: &str) {
    // There is nowhere left to report a failing standard error.
    let _ = writeln!(io::stderr().lock(), "{}", inert(message));
}

/// A text with what would steer a terminal, or begin a line of its own in a build log, written as an escape. Names of
/// files and resources come from whoever made them.
fn inert(text: &str) -> String {
    let steers = |character: char| {
        character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut inert = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) { inert.extend(character.escape_unicode()) } else { inert.push(character) }
    }
    inert
}

/// The same for a cell of a table, which may have several lines.
pub(crate) fn inert_lines(text: &str) -> String {
    text.split('\n').map(inert).collect::<Vec<String>>().join("\n")
}

/// True when a person reads standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal; 100 where there is none.
pub(crate) fn width(system: &dyn System) -> usize {
    let from_environment = system.env("COLUMNS").and_then(|columns| columns.parse().ok());
    let from_terminal = || comfy_table::Table::new().width().map(usize::from);
    from_environment.or_else(from_terminal).unwrap_or(100)
}
