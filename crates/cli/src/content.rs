//! `castellan content`: what is built in, and what was added.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_base::{Node, System};
use castellan_posture::content::{Check, Content};
use comfy_table::{ContentArrangement, Table, presets};

use crate::Ending;
use crate::arguments::{ContentArguments, ContentCommand, ContentKind, Listed};
use crate::output::{to_stdout, width};
use crate::tables;

pub(crate) fn run(arguments: &ContentArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        ContentCommand::List { what, json } => match what {
            Listed::Checks => list(*json, system)?,
            Listed::Tables => tables::list(*json, system)?,
            Listed::Functions => tables::list_functions(*json, system)?,
        },
        ContentCommand::Show { name } => show(name)?,
        ContentCommand::Add { kind, folder } => add(*kind, folder, system)?,
        ContentCommand::Remove { kind } => remove(*kind, system)?,
    }
    Ok(Ending::Fine)
}

fn list(json: bool, system: &dyn System) -> Result<()> {
    let content = Content::embedded();
    if json {
        let checks: Vec<serde_json::Value> = content.checks.iter().map(check_json).collect();
        let text = serde_json::to_string_pretty(&checks)? + "\n";
        return to_stdout(text.as_bytes());
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width(system)).unwrap_or(u16::MAX));
    table.set_header(["severity", "check", "title", "Defender"]);
    for check in &content.checks {
        let defender = if check.defender { "yes" } else { "" };
        table.add_row([check.severity.as_str(), &check.id, &check.title, defender]);
    }
    let footer = format!(
        "\n{} checks, {} framework packs. `castellan content show CHECK` explains one.\n",
        content.checks.len(),
        content.frameworks.len()
    );
    to_stdout(format!("{table}{footer}").as_bytes())
}

fn check_json(check: &Check) -> serde_json::Value {
    serde_json::json!({
        "id": check.id,
        "version": check.version,
        "title": check.title,
        "severity": check.severity,
        "category": check.category.as_str(),
        "defender": check.defender,
        "frameworks": check.frameworks,
        "risk": check.risk,
        "remediation": check.remediation,
    })
}

fn show(id: &str) -> Result<()> {
    let content = Content::embedded();
    let Some(check) = content.check(id) else {
        if let Some(text) = tables::explain(id) {
            return to_stdout(text.as_bytes());
        }
        let mut near: Vec<&str> = content
            .checks
            .iter()
            .map(|check| &*check.id)
            .filter(|known| shares_a_word(known, id))
            .take(5)
            .collect();
        near.extend(tables::nearest(id));
        let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        bail!("no check, table or function `{id}`{hint}; `castellan content list` shows all");
    };
    to_stdout(explain(check, &content)?.as_bytes())
}

fn shares_a_word(known: &str, typed: &str) -> bool {
    typed.split('-').any(|word| word.len() > 2 && known.split('-').any(|other| other == word))
}

fn explain(check: &Check, content: &Content) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{}\n{} (version {}), severity {}\n",
        check.title, check.id, check.version, check.severity
    )?;
    writeln!(text, "Why\n  {}\n\nWhat to do\n  {}\n", check.risk, check.remediation)?;
    if let Some(name) = &check.defender_name {
        writeln!(text, "Defender for Cloud\n  {name}\n")?;
    }
    writeln!(text, "Frameworks")?;
    for id in &check.frameworks {
        let title = content.control(id).map_or("", |control| &control.title);
        writeln!(text, "  {id:<28} {title}")?;
    }
    if let Some(command) = check.fix.as_ref().and_then(|fix| fix.az.as_ref()) {
        writeln!(text, "\nFix\n  {command}")?;
    }
    writeln!(text, "\nExamples")?;
    for example in &check.examples {
        writeln!(text, "  {:<15} {}", example.expect.as_str(), example.name)?;
    }
    let rule = Node::to_json(&check.definition_node());
    writeln!(text, "\nRule\n{}", serde_json::to_string_pretty(&rule)?)?;
    Ok(text)
}

/// Where installed content lies: `$CASTELLAN_HOME`, else `$XDG_DATA_HOME/castellan`, else `~/.local/share/castellan`.
pub(crate) fn home(system: &dyn System) -> Option<PathBuf> {
    let own = system.env("CASTELLAN_HOME").map(PathBuf::from);
    let xdg = || system.env("XDG_DATA_HOME").map(|folder| Path::new(&folder).join("castellan"));
    let fallback = || system.env("HOME").map(|folder| Path::new(&folder).join(".local/share/castellan"));
    own.or_else(xdg).or_else(fallback)
}

/// The folder of an installed kind, whether it is there or not.
pub(crate) fn installed(kind: ContentKind, system: &dyn System) -> Option<PathBuf> {
    let name = match kind {
        ContentKind::AzurePolicy => "azure-policy",
    };
    Some(home(system)?.join("content").join(name))
}

/// Folders of a checkout that are copied.
const POLICY_FOLDERS: [&str; 2] = ["policyDefinitions", "policySetDefinitions"];
/// Largest definition file.
const FILE_LIMIT: u64 = 16 << 20;

fn add(kind: ContentKind, folder: &Path, system: &dyn System) -> Result<()> {
    let target = installed(kind, system).context("no home folder; set CASTELLAN_HOME")?;
    // The public repository keeps both folders one level down, in `built-in-policies`.
    let candidates = [folder.to_path_buf(), folder.join("built-in-policies")];
    let Some(root) = candidates.iter().find(|root| system.is_dir(&root.join(POLICY_FOLDERS[0]))) else {
        bail!(
            "`{}` holds no policyDefinitions/; name a checkout of the public definitions",
            folder.display()
        );
    };
    // Beside the old ones, so that they stay when something goes wrong, and when they are what is added.
    let incoming = target.with_extension("incoming");
    clear(&incoming)?;
    let mut copied = 0;
    for part in POLICY_FOLDERS {
        let from = root.join(part);
        if system.is_dir(&from) {
            copied += copy_json(&from, &incoming.join(part), system, 8)?;
        }
    }
    if copied == 0 {
        bail!("`{}` holds no definition; what was installed before stays", root.display());
    }
    clear(&target)?;
    std::fs::rename(&incoming, &target)
        .with_context(|| format!("cannot install to `{}`", target.display()))?;
    let message =
        format!("installed {copied} files to {}\nevery scan now judges by them too\n", target.display());
    to_stdout(message.as_bytes())
}

/// Removes a folder of ours, if it is there.
fn clear(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

fn copy_json(from: &Path, to: &Path, system: &dyn System, depth: u32) -> Result<usize> {
    if depth == 0 {
        bail!("`{}` is nested too deep for a checkout of policies", from.display());
    }
    let mut copied = 0;
    for entry in system.read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))? {
        let Some(name) = entry.path.file_name() else { continue };
        if entry.is_dir {
            copied += copy_json(&entry.path, &to.join(name), system, depth - 1)?;
        } else if entry.path.extension().is_some_and(|extension| extension == "json") {
            let bytes = system
                .read(&entry.path, FILE_LIMIT)
                .with_context(|| format!("cannot read `{}`", entry.path.display()))?;
            system
                .write(&to.join(name), &bytes)
                .with_context(|| format!("cannot write to `{}`", to.display()))?;
            copied += 1;
        }
    }
    Ok(copied)
}

fn remove(kind: ContentKind, system: &dyn System) -> Result<()> {
    let target = installed(kind, system).context("no home folder; set CASTELLAN_HOME")?;
    if !system.exists(&target) {
        return to_stdout(b"nothing was installed\n");
    }
    clear(&target)?;
    to_stdout(format!("removed {}\n", target.display()).as_bytes())
}
