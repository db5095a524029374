//! `castellan gate stub`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_gateway::stub::{Mode, Options, Script, Stub};

use crate::Ending;
use crate::arguments::GateStubArguments;
use crate::output::{complain, read_text};
use crate::runtime;

/// Largest script, in bytes.
const LARGEST: u64 = 4 << 20;

pub(super) async fn run(arguments: &GateStubArguments, system: &dyn System) -> Result<Ending> {
    if !arguments.listen.ip().is_loopback() {
        bail!("a stub listens on loopback alone: it is no model, and asks nobody who they are");
    }
    let mode = match (&arguments.script, arguments.fixed) {
        (Some(path), _) => {
            let text = read_text(path, LARGEST, system)?;
            Mode::Script(Script::read(&text).with_context(|| format!("`{}` cannot be used", path.display()))?)
        }
        (None, true) => Mode::Fixed,
        (None, false) => Mode::Echo,
    };
    let options = Options {
        mode,
        delay: Duration::from_millis(arguments.delay),
        pause: Duration::from_millis(arguments.pause),
        ..Options::default()
    };
    let stub = Stub::bind(arguments.listen, options)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let stop = runtime::stop()?;
    complain(&format!("a stub, which is no model, answers at {}; Ctrl-C ends it", stub.url()));
    stop.await;
    Ok(Ending::Fine)
}
