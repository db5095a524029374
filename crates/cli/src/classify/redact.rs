//! `castellan classify redact`: a text or JSON lines without what is found in them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{Sources, System};
use castellan_classify::redact::{HoldBack, Item, Policy, Redactor, Session};
use castellan_classify::{Engine, Overlap};

use super::rules;
use crate::arguments::RedactArguments;
use crate::output::{complain, read_text};
use crate::{Ending, keys, lines};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;
/// The largest policy, in bytes.
const LARGEST_POLICY: u64 = 1 << 20;
/// What `--operator` takes.
const OPERATORS: [&str; 6] = ["replace", "mask", "hash", "encrypt", "token", "remove"];

pub(super) fn run(arguments: &RedactArguments, system: &dyn System) -> Result<Ending> {
    let engine = rules::engine(&arguments.rules, system)?;
    // Confidences are the policy's matter, and overlaps the redactor's.
    let engine = rules::narrowed(&engine, &arguments.types, 0, Overlap::All)?;
    let redactor = redactor(&engine, arguments, system)?;
    if let Some(batch) = &arguments.batch {
        let mut redaction =
            castellan_classify::batch::Redaction::new(engine, redactor, &arguments.keys.scope);
        return lines::run(batch, |line| redaction.line(line));
    }
    stream(&redactor, arguments)
}

fn redactor(engine: &Engine, arguments: &RedactArguments, system: &dyn System) -> Result<Redactor> {
    let keys = arguments.keys.keys.as_deref().map(|path| keys::read(path, system)).transpose()?;
    let mut sources = Sources::default();
    let (name, text) = match (&arguments.policy, &arguments.operator) {
        (Some(path), _) => (path.display().to_string(), read_text(path, LARGEST_POLICY, system)?),
        (None, Some(name)) if OPERATORS.contains(&name.as_str()) => {
            ("--operator".to_owned(), format!("default: {name}\n"))
        }
        (None, Some(name)) => bail!("there is no operator `{name}`; there are {}", OPERATORS.join(", ")),
        (None, None) => ("the default".to_owned(), "default: replace\n".to_owned()),
    };
    let file = sources.add(name, text);
    let policy = Policy::read(&sources, file);
    let built = policy.and_then(|policy| Redactor::new(engine, &policy, keys));
    built.map_err(|problems| {
        let place = |span| sources.locate(span).map(|place| format!("{place}: ")).unwrap_or_default();
        let told = problems.iter().map(|it| format!("{}{} ({})", place(it.span), it.message, it.help));
        let mut told: Vec<String> = told.collect();
        if told.iter().any(|it| it.contains("needs a key")) {
            told.push(
                "name a file of keys with `--keys`; `castellan classify key NAME` makes one".to_owned(),
            );
        }
        anyhow!(told.join("\n"))
    })
}

/// Reads a text, writes it without its findings, and passes on what is decided as soon as it is.
fn stream(redactor: &Redactor, arguments: &RedactArguments) -> Result<Ending> {
    let shown = arguments.file.display().to_string();
    let mut input: Box<dyn Read> = match arguments.file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(&arguments.file).with_context(|| format!("cannot open `{shown}`"))?),
    };
    let mut items = match &arguments.items {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
            Some(io::BufWriter::new(file))
        }
        None => None,
    };
    let hold_back = arguments.hold_back.map_or(HoldBack::Exact, HoldBack::Early);
    let mut stream = redactor.stream(Session::new(arguments.keys.scope.as_str()), hold_back)?;
    let mut out = io::stdout().lock();
    let mut buffer = vec![0; CHUNK];
    let mut decoder = Utf8::default();
    let mut passed = Vec::new();
    loop {
        let read = input.read(&mut buffer).with_context(|| format!("cannot read `{shown}`"))?;
        let chunk = buffer.get(..read).unwrap_or_default();
        if !decoder.accepts(chunk) {
            // In another encoding, nothing would be found, and all of it would pass.
            bail!(
                "`{shown}` is not UTF-8 at byte {} or after; nothing from there on was passed on",
                decoder.seen
            );
        }
        if read == 0 {
            break;
        }
        stream.push(chunk, &mut passed)?;
        write(&mut out, &mut passed)?;
        note(items.as_mut(), &stream.take_items())?;
    }
    let end = stream.finish(&mut passed)?;
    write(&mut out, &mut passed)?;
    note(items.as_mut(), &end.items)?;
    if let Some(mut items) = items {
        items.flush().context("cannot write the items")?;
    }
    if end.late > 0 {
        complain(&format!(
            "warning: {} findings were known too late to hold them back; a larger `--hold-back` finds them in time",
            end.late
        ));
    }
    Ok(Ending::Fine)
}

fn write(out: &mut dyn Write, passed: &mut Vec<u8>) -> Result<()> {
    out.write_all(passed).and_then(|()| out.flush()).context("cannot write the text")?;
    passed.clear();
    Ok(())
}

fn note(items: Option<&mut io::BufWriter<File>>, new: &[Item]) -> Result<()> {
    let Some(file) = items else { return Ok(()) };
    for item in new {
        writeln!(file, "{}", item.json()).context("cannot write the items")?;
    }
    Ok(())
}

/// Whether what comes in chunks is UTF-8. A character may be cut.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character at the end of the last chunk.
    rest: Vec<u8>,
    seen: usize,
}

impl Utf8 {
    /// An empty chunk ends the text.
    fn accepts(&mut self, chunk: &[u8]) -> bool {
        let ended = chunk.is_empty();
        self.rest.extend_from_slice(chunk);
        let (valid, wrong) = match std::str::from_utf8(&self.rest) {
            Ok(_) => (self.rest.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || ended),
        };
        self.rest.drain(..valid);
        self.seen += valid;
        !wrong
    }
}

#[cfg(test)]
mod tests {
    use super::Utf8;

    #[test]
    fn characters_may_be_cut() {
        let check = |chunks: &[&[u8]], expected: bool| {
            let mut decoder = Utf8::default();
            assert_eq!(
                chunks.iter().chain([&&b""[..]]).all(|chunk| decoder.accepts(chunk)),
                expected,
                "{chunks:?}"
            );
        };
        check(&[b"a\xC3", b"\xA9b"], true);
        check(&[b"a\xC3"], false);
        check(&[b"a\xFF", b"b"], false);
        check(&[b"\xFF\xFEa\0"], false);
        check(&[], true);
    }
}
