//! The data folder, and what is in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_base::{OsSystem, System};
use castellan_detect::check::{Verdict, report};
use castellan_gateway::Gate;
use castellan_lake::{Disk as _, Lake, Options, OsDisk};
use castellan_posture::Exemptions;

use super::Finding;
use crate::detect::Read;
use crate::gate::{read as read_gate, recorder};
use crate::playbook::Configured;
use crate::runtime;

/// Free space below which the lake will soon refuse events, in bytes: 5 GiB.
const SPACE: u64 = 5 << 30;

/// Whether a process writes to the lake of the folder.
pub(super) fn is_held(data: &Path) -> bool {
    let lock = std::fs::File::options().write(true).open(data.join("lake/lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Looks at all of it.
pub(super) fn looked(data: &Path, is_running: bool, system: &dyn System) -> Vec<Finding> {
    let at = |name: &str| Some(data.join(name)).filter(|path| system.exists(path));
    let mut findings = vec![privacy(data)];
    findings.extend(space(data));
    findings.extend(administrator(data, system));
    findings.extend(at("lake").map(|lake| lake_of(&lake, is_running)));
    findings.extend(at("castellan.toml").map(|file| gate(&file, system)));
    findings.extend(at("rules").map(|rules| rules_of(rules, at("functions").as_deref(), system)));
    findings.extend(at("exemptions.yaml").map(|file| exemptions(&file, system)));
    findings.extend(at("response.toml").map(|file| response(&file, system)));
    findings
}

#[cfg(unix)]
fn privacy(data: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    const WHAT: &str = "data folder";
    let shown = data.display();
    match std::fs::metadata(data) {
        Err(error) => Finding::wrong(
            WHAT,
            format!("`{shown}` cannot be looked at: {error}"),
            "run it as the user of the server",
        ),
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            let chmod = format!("chmod 700 {shown}");
            match mode {
                _ if mode & 0o022 != 0 => {
                    Finding::wrong(WHAT, format!("others can write to `{shown}` (mode {mode:o})"), chmod)
                }
                _ if mode & 0o055 != 0 => {
                    Finding::warning(WHAT, format!("others can read `{shown}` (mode {mode:o})"), chmod)
                }
                _ => Finding::fine(WHAT, format!("`{shown}`, for nobody else (mode {mode:o})")),
            }
        }
    }
}

#[cfg(not(unix))]
fn privacy(data: &Path) -> Finding {
    Finding::warning(
        "data folder",
        format!("`{}`: who may read it is not known", data.display()),
        "look at its permissions",
    )
}

fn space(data: &Path) -> Option<Finding> {
    const WHAT: &str = "disk";
    let available = OsDisk.available(data).ok()?;
    let told = format!("{} GiB are free", available >> 30);
    Some(match available < SPACE {
        true => Finding::warning(
            WHAT,
            told,
            "events are refused before the disk is full; make room, or keep tables for less time (`castellan lake keep`)",
        ),
        false => Finding::fine(WHAT, told),
    })
}

fn administrator(data: &Path, system: &dyn System) -> Option<Finding> {
    const WHAT: &str = "administrator";
    let path = data.join("administrator.json");
    if !system.exists(&path) {
        return Some(Finding::fine(
            WHAT,
            "no token was made yet; the first start makes one, unless CASTELLAN_TOKEN is set",
        ));
    }
    let text = system.read(&path, 4_096).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let kept: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let hash = kept.as_ref().and_then(|kept| kept.get("blake3")).and_then(serde_json::Value::as_str);
    Some(match hash.filter(|hash| hash.len() == 64) {
        Some(_) => Finding::fine(WHAT, "the hash of a token is there"),
        None => Finding::wrong(
            WHAT,
            format!("`{}` is damaged", path.display()),
            "restore it from a backup, or remove it: the next start makes a new token",
        ),
    })
}

fn lake_of(lake: &Path, is_running: bool) -> Finding {
    const WHAT: &str = "lake";
    let runtime = match runtime::working() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::warning(WHAT, format!("it was not looked at: {error}"), "try again"),
    };
    let opened = runtime.block_on(Lake::open_for_reading(lake, Options::default()));
    let lake = match opened {
        Ok(lake) => lake,
        Err(error) => {
            return Finding::wrong(WHAT, error.to_string(), "restore it from a backup: `castellan restore`");
        }
    };
    let tables = lake.tables();
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let who = if is_running { "a server writes to it" } else { "no server is running" };
    let told = format!("{} tables with {rows} rows; {who}", tables.len());
    match lake.damages().split_first() {
        None => Finding::fine(WHAT, told),
        Some((first, more)) => Finding::wrong(
            WHAT,
            format!(
                "{told}; damaged: {first}{}",
                if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) }
            ),
            "all that can be read is shown; restore the rest from a backup",
        ),
    }
}

fn gate(file: &Path, system: &dyn System) -> Finding {
    const WHAT: &str = "gate";
    let opened = read_gate(file, system).and_then(|config| {
        let told = format!("{} models behind {}", config.upstreams.models.len(), config.listen);
        Gate::new(config, Arc::new(OsSystem), Arc::new(recorder::Nowhere))?;
        Ok(told)
    });
    match opened {
        Ok(told) => Finding::fine(WHAT, told),
        Err(error) => Finding::wrong(
            WHAT,
            format!("{error:#}"),
            format!("castellan gate check --config {}", file.display()),
        ),
    }
}

fn rules_of(rules: PathBuf, functions: Option<&Path>, system: &dyn System) -> Finding {
    const WHAT: &str = "rules";
    let shown = rules.display().to_string();
    let read = match Read::open(&[rules], functions, system) {
        Ok(read) => read,
        Err(error) => return Finding::wrong(WHAT, format!("{error:#}"), "look at the folder"),
    };
    let made = report(&read.rules, &read.schemas, &read.sources);
    let broken = made.count(Verdict::Wrong) + made.count(Verdict::Broken);
    let told = format!("{} of your own in `{shown}`", read.rules.len());
    match broken > 0 || read.has_errors() {
        true => Finding::wrong(
            WHAT,
            format!("{told}; {broken} of them cannot be run, or files cannot be read"),
            format!("castellan detect check {shown}"),
        ),
        false => Finding::fine(WHAT, told),
    }
}

fn exemptions(file: &Path, system: &dyn System) -> Finding {
    match Exemptions::load(system, file) {
        Ok(exemptions) => {
            Finding::fine("exemptions", format!("{} findings are accepted", exemptions.entries().len()))
        }
        Err(error) => {
            Finding::wrong("exemptions", error.to_string(), "docs/scan.md says what stands in the file")
        }
    }
}

fn response(file: &Path, system: &dyn System) -> Finding {
    let read = Configured::of(Some(file), &[], system).and_then(|configured| configured.catalogue());
    match read {
        Ok(_) => Finding::fine("playbooks", format!("`{}` can be used", file.display())),
        Err(error) => {
            Finding::wrong("playbooks", format!("{error:#}"), "docs/respond.md says what stands in the file")
        }
    }
}
