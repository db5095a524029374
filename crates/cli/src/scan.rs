//! `castellan scan`: read, judge, tell.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, Level, System};
use castellan_estate::Estate;
use castellan_policy::AliasTable;
use castellan_posture::coverage::{Controls, Coverage, Facts, coverage};
use castellan_posture::report::{self, Report};
use castellan_posture::{
    AssessOptions, Assessment, Baseline, Content, Exemptions, PolicyPack, assess, baseline,
};

use crate::Ending;
use crate::arguments::{Colour, ContentKind, Format, ScanArguments};
use crate::content::installed;
use crate::estate::Read;
use crate::fixes;
use crate::output::{stdout_is_terminal, stream_to_stdout, width, write_file};
use crate::policy::alias_table;
use crate::survey::gate_facts;

pub(crate) fn run(arguments: &ScanArguments, system: &dyn System) -> Result<Ending> {
    if let Some(folder) = &arguments.fix_out {
        fixes::check_folder(folder, system)?;
    }
    let content = content(&arguments.content, system)?;
    let options = assess_options(arguments, system)?;
    let Read { estate, is_whole } = crate::estate::read(&arguments.estate, &content, system)?;
    if format(arguments) != Format::Terminal {
        // The table has a section for this; whoever sends another form to a file or a program looks here.
        crate::estate::complain_of(&estate, arguments.estate.quiet);
    }
    let policies = policies(arguments, &estate, system)?;
    let assessment = assess(&estate, &content, policies.as_ref(), &options);
    let mut facts = Facts::default();
    if let Some(file) = &arguments.gate {
        facts.gate = Some(gate_facts(file, system)?);
    }
    let coverage = coverage(&estate, &assessment, &Controls::built_in(), &facts);
    write_reports(arguments, &assessment, &estate, &coverage, system)?;
    if let Some(file) = &arguments.write_baseline {
        let bytes = baseline::write(&assessment);
        system.write(file, &bytes).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    if let Some(folder) = &arguments.fix_out {
        fixes::write(folder, &assessment, &estate, arguments.estate.quiet, system)?;
    }
    let ending = ending(arguments, &assessment, &estate);
    if arguments.fail_on.is_some() && !is_whole && ending == Ending::Fine {
        // Whoever writes the input can write the marker too; what it hides must not pass a gate.
        bail!(
            "a folder was left out, so --fail-on cannot say that all is well; delete it or scan it by its name"
        );
    }
    Ok(ending)
}

/// Built-in content with the user's own folders on top. A gate must not pass because a check of theirs was not read.
fn content(folders: &[PathBuf], system: &dyn System) -> Result<Content> {
    let mut content = Content::embedded();
    for folder in folders {
        if !system.is_dir(folder) {
            bail!("there is no folder `{}` with content of your own", folder.display());
        }
        content.load_dir(system, folder);
    }
    crate::estate::report(&content.diagnostics, &content.sources);
    if content.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        bail!("not all content given with --content can be used; nothing was judged");
    }
    Ok(content)
}

fn assess_options(arguments: &ScanArguments, system: &dyn System) -> Result<AssessOptions> {
    let mut options = AssessOptions::at(crate::estate::now(&arguments.estate, system));
    if let Some(file) = &arguments.exemptions {
        options.exemptions = Exemptions::load(system, file)?;
    }
    if let Some(file) = &arguments.baseline {
        options.baseline = Some(Baseline::load(system, file)?);
    }
    Ok(options)
}

/// Definitions from `--policies`, from what is installed, and from the estate's own exports.
fn policies(arguments: &ScanArguments, estate: &Estate, system: &dyn System) -> Result<Option<PolicyPack>> {
    let aliases: AliasTable = alias_table(&arguments.aliases, system)?;
    let mut folders = arguments.policies.clone();
    if let Some(folder) = folders.iter().find(|folder| !system.exists(folder)) {
        bail!("there is no `{}`; give --policies a folder with policy definitions", folder.display());
    }
    let added = installed(ContentKind::AzurePolicy, system).filter(|folder| system.is_dir(folder));
    // What is named on the command line is what is wanted; installed definitions stand in for it.
    if folders.is_empty() {
        folders.extend(added);
    }
    let pack = PolicyPack::load(system, &folders, Some(estate), &aliases)?;
    if pack.is_empty() && !arguments.policies.is_empty() {
        bail!("there is no policy definition in any folder given with --policies");
    }
    Ok((!pack.is_empty()).then_some(pack))
}

fn is_read_by_a_person(arguments: &ScanArguments) -> bool {
    arguments.output.is_none() && stdout_is_terminal()
}

fn format(arguments: &ScanArguments) -> Format {
    let default = if is_read_by_a_person(arguments) { Format::Terminal } else { Format::Json };
    let named = || arguments.output.as_deref().and_then(Format::of_file);
    arguments.format.or_else(named).unwrap_or(default)
}

fn write_reports(
    arguments: &ScanArguments,
    assessment: &Assessment,
    estate: &Estate,
    coverage: &Coverage,
    system: &dyn System,
) -> Result<()> {
    let colour = match arguments.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => is_read_by_a_person(arguments) && system.env("NO_COLOR").is_none(),
    };
    let report = Report { assessment, estate, coverage: Some(coverage), width: width(system), colour };
    match &arguments.output {
        Some(file) => write_file(system, file, &written(format(arguments), &report)?)?,
        // Straight out: the report of a large estate is tens of megabytes.
        None => stream_to_stdout(|out| report::write(posture_format(format(arguments)), &report, out))?,
    }
    for (format, file) in &arguments.report {
        // A file is no terminal.
        let report = Report { colour: false, ..report };
        write_file(system, file, &written(*format, &report)?)?;
    }
    Ok(())
}

fn posture_format(format: Format) -> report::Format {
    match format {
        Format::Terminal => report::Format::Terminal,
        Format::Json => report::Format::Json,
        Format::Jsonl => report::Format::Jsonl,
        Format::Csv => report::Format::Csv,
        Format::Sarif => report::Format::Sarif,
        Format::Html => report::Format::Html,
        Format::Oscal => report::Format::Oscal,
    }
}

fn written(format: Format, report: &Report<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    report::write(posture_format(format), report, &mut bytes).context("cannot write the report")?;
    Ok(bytes)
}

/// Findings decide first; an input of which nothing could be used is wrong input.
///
/// Invariant (fail closed): a gate does not open for what could not be read, since nobody knows what stands in it.
fn ending(arguments: &ScanArguments, assessment: &Assessment, estate: &Estate) -> Ending {
    if arguments.fail_on.is_some_and(|severity| assessment.fails(severity)) {
        return Ending::Findings;
    }
    let is_unread = |diagnostic: &Diagnostic| diagnostic.level == Level::Error;
    if arguments.fail_on.is_some() && estate.diagnostics.iter().any(is_unread) {
        return Ending::BadInput;
    }
    if crate::estate::is_unusable(estate) { Ending::BadInput } else { Ending::Fine }
}
