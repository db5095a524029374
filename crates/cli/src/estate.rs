//! Reading an estate for the commands that need one.

use std::path::PathBuf;

use anyhow::{Result, bail};
use castellan_arm::DeploymentContext;
use castellan_base::{Diagnostic, Level, Sources, System, Ticks};
use castellan_estate::live::{AuthMode, Credential, LiveOptions, Target, collect_blocking};
use castellan_estate::{Estate, EstateBuilder, ModelCatalogue, ScanOptions};
use castellan_posture::Content;

use crate::arguments::{Auth, EstateArguments};
use crate::fixes::WithoutFixes;
use crate::output::{complain, stdin_text};
use crate::progress::Bar;

/// The time to judge at.
pub(crate) fn now(arguments: &EstateArguments, system: &dyn System) -> Ticks {
    arguments.as_of.unwrap_or_else(|| system.now())
}

/// What was read.
pub(crate) struct Read {
    pub(crate) estate: Estate,
    /// False when a folder below a named one was left out.
    pub(crate) is_whole: bool,
}

/// Reads everything that the arguments name.
pub(crate) fn read(arguments: &EstateArguments, content: &Content, system: &dyn System) -> Result<Read> {
    if let Some(file) = arguments.parameters.iter().find(|file| !system.exists(file)) {
        // Without it every parameter is unknown, and a gate would let pass what it was meant to judge.
        bail!("there is no parameters file `{}`", file.display());
    }
    let now = now(arguments, system);
    let (catalogue, problems) = ModelCatalogue::parse(&content.models);
    report(&problems, &content.sources);
    let options = ScanOptions {
        context: DeploymentContext {
            subscription_id: arguments.subscription.clone(),
            resource_group: arguments.resource_group.clone(),
            location: arguments.location.clone(),
            tenant_id: arguments.tenant.clone(),
            now: Some(now),
            ..DeploymentContext::default()
        },
        parameters_files: arguments.parameters.clone(),
        now,
        catalogue,
        ..ScanOptions::default()
    };
    let bar = Bar::new(arguments.quiet);
    let mut builder = EstateBuilder::new(&options);
    let mut files = Vec::new();
    for path in &arguments.paths {
        if Target::is_target(path) {
            add_live(&mut builder, path, arguments.auth, system, &bar)?;
        } else if path == "-" {
            builder.add_text("<stdin>", &stdin_text(options.limits.bytes)?);
        } else if system.exists(&PathBuf::from(path)) {
            files.push(PathBuf::from(path));
        } else {
            bail!("there is no `{path}`; name files, folders, `-` or `azure:SUBSCRIPTION`");
        }
    }
    let inputs = WithoutFixes::new(system);
    if !files.is_empty() {
        builder.read(&inputs, &files, &bar);
    }
    let mut estate = builder.finish();
    let left_out = inputs.diagnostics();
    let is_whole = left_out.is_empty();
    estate.diagnostics.extend(left_out);
    bar.finish();
    if estate.resources.is_empty() && !has_errors(&estate) && !arguments.quiet {
        complain("note: nothing here describes a resource; see `castellan scan --help` for what is read");
    }
    Ok(Read { estate, is_whole })
}

fn add_live(
    builder: &mut EstateBuilder<'_>,
    argument: &str,
    auth: Auth,
    system: &dyn System,
    bar: &Bar,
) -> Result<()> {
    let target: Target = argument.parse()?;
    let mode = match auth {
        Auth::Auto => AuthMode::Auto,
        Auth::Env => AuthMode::Environment,
        Auth::Cli => AuthMode::Cli,
        Auth::Workload => AuthMode::Workload,
        Auth::Managed => AuthMode::Managed,
    };
    let options = LiveOptions { target, ..LiveOptions::default() };
    let collected = collect_blocking(system, &options, &Credential::new(mode), bar)?;
    builder.add_live(argument, &collected);
    Ok(())
}

fn has_errors(estate: &Estate) -> bool {
    estate.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
}

/// True when there was input and nothing of it could be used.
pub(crate) fn is_unusable(estate: &Estate) -> bool {
    estate.resources.is_empty() && has_errors(estate)
}

/// Tells what could not be read; with `--quiet` only errors.
pub(crate) fn complain_of(estate: &Estate, quiet: bool) {
    let worth_telling = |level: Level| level == Level::Error || (level == Level::Warning && !quiet);
    let diagnostics = estate.diagnostics.iter().filter(|diagnostic| worth_telling(diagnostic.level));
    let diagnostics: Vec<Diagnostic> = diagnostics.cloned().collect();
    report(&diagnostics, &estate.sources);
}

/// Tells diagnostics on standard error, with their places.
pub(crate) fn report(diagnostics: &[Diagnostic], sources: &Sources) {
    for diagnostic in diagnostics {
        let level = match diagnostic.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        let place =
            sources.locate(diagnostic.span).map(|location| format!("{location}: ")).unwrap_or_default();
        complain(&format!("{level}: {place}{}", diagnostic.message));
        if !diagnostic.help.is_empty() {
            complain(&format!("  help: {}", diagnostic.help));
        }
    }
}
