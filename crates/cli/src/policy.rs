//! `castellan policy --batch`: the policy engine as a filter.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::{Limits, Sources, System, json};
use castellan_policy::{AliasTable, batch};

use crate::Ending;
use crate::arguments::PolicyArguments;
use crate::output::read_text;

/// Longest line that is read; a longer one is answered with an error and skipped.
const LINE_LIMIT: u64 = 64 << 20;

pub(crate) fn run(arguments: &PolicyArguments, system: &dyn System) -> Result<Ending> {
    let aliases = alias_table(&arguments.aliases, system)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    let result = if arguments.batch == Path::new("-") {
        filter(&mut io::stdin().lock(), &mut output, &aliases)
    } else {
        let file = std::fs::File::open(&arguments.batch)
            .with_context(|| format!("cannot open `{}`", arguments.batch.display()))?;
        filter(&mut BufReader::with_capacity(1 << 20, file), &mut output, &aliases)
    };
    match result.and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("cannot answer the batch in `{}`", arguments.batch.display()))
        }
        _ => Ok(Ending::Fine),
    }
}

/// The built-in alias table with the user's own on top.
pub(crate) fn alias_table(files: &[std::path::PathBuf], system: &dyn System) -> Result<AliasTable> {
    let mut table = AliasTable::builtin();
    for file in files {
        let limits = Limits::default();
        let text = read_text(file, limits.bytes, system)?;
        let mut sources = Sources::default();
        let shown = file.display().to_string();
        let source = sources.add(shown.as_str(), text.as_str());
        let document = json::parse(&text, source, &limits).map_err(|diagnostic| {
            let place =
                sources.locate(diagnostic.span).map_or(shown.clone(), |location| location.to_string());
            anyhow::anyhow!("{place}: {}", diagnostic.message)
        })?;
        table.load(&document).map_err(|diagnostic| anyhow::anyhow!("{shown}: {}", diagnostic.message))?;
    }
    Ok(table)
}

fn filter(input: &mut dyn BufRead, output: &mut dyn Write, aliases: &AliasTable) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut *input, LINE_LIMIT).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if u64::try_from(read).unwrap_or(LINE_LIMIT) == LINE_LIMIT && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            let message = format!("a line may have at most {LINE_LIMIT} bytes");
            let answer =
                serde_json::json!({"id": null, "error": {"code": "line-too-long", "message": message}});
            writeln!(output, "{answer}")?;
            continue;
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            // With a character replaced, the verdict would be about another resource.
            let error = serde_json::json!({"code": "invalid-utf-8", "message": "the line is not UTF-8"});
            writeln!(output, "{}", serde_json::json!({"id": null, "error": error}))?;
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        writeln!(output, "{}", batch::line(text.trim(), aliases))?;
    }
}
