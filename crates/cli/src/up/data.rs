//! The data folder of `castellan up`: where everything is that it keeps, and what of it is used.
//!
//! ```text
//! castellan-data/              for nobody else to read (0700)
//!   administrator.json         the hash of the administrator's token
//!   lake/                      events, incidents, what rules remember
//!   rules/                     analytics rules of one's own, beside those that are built in
//!   estate/                    templates, plans, exports: scanned at the start and whenever it is asked for
//!   exemptions.yaml            findings that are accepted
//!   exemptions/                those that were accepted in the console
//!   automation/                automation rules, where there are some
//!   playbooks/                 signed playbooks, where there are some
//!   watchlists/, functions/    of analytics rules, where there are some
//!   inbox/                     files that are put here are taken in, where there is such a folder
//!   castellan.toml             the gate, where there is one
//!   response.toml              what playbooks may reach, where there is one
//!   orders.json                orders to the gate
//!   evidence.pub               the key that evidence is sealed to, where there is one
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use castellan_base::{System, Ticks};
use castellan_server::Token;
use serde::{Deserialize, Serialize};

use crate::arguments::UpArguments;
use crate::keys::digits;
use crate::output::read_text;

/// What the folder is called where nobody says.
const FOLDER: &str = "castellan-data";
/// The largest file of the administrator, in bytes.
const LARGEST: u64 = 4_096;
/// What tokens begin with, so that scanners of secrets know them.
const PREFIX: &str = "castellan_";

/// A data folder.
#[derive(Clone, Debug)]
pub(super) struct Data {
    folder: PathBuf,
}

/// The administrator's token as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Administrator {
    /// BLAKE3 of the token, as hexadecimal digits. It has 256 random bits, so that a fast hash is enough.
    blake3: String,
    made: String,
}

/// Who is the administrator.
pub(super) struct Signed {
    /// What has to be shown.
    pub(super) token: Token,
    /// The token itself, where it was made now: it is told this once.
    pub(super) told: Option<String>,
}

impl Data {
    /// The folder that arguments mean; nothing where a lake or no folder is asked for.
    ///
    /// Errors: it cannot be made, or others can read it.
    pub(super) fn of(arguments: &UpArguments) -> Result<Option<Data>> {
        if arguments.lake.is_some() || arguments.no_data {
            return Ok(None);
        }
        let folder = arguments.data.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
        Data::open(&folder).map(Some)
    }

    /// Makes the folder where there is none.
    ///
    /// Errors: as [`Data::of`].
    pub(super) fn open(folder: &Path) -> Result<Data> {
        let named = || format!("the data folder `{}` cannot be used", folder.display());
        make_private(folder).with_context(named)?;
        // A relative path in what is kept would mean another place after a start from elsewhere.
        let folder = folder.canonicalize().with_context(named)?;
        for name in ["rules", "estate"] {
            std::fs::create_dir_all(folder.join(name)).with_context(named)?;
        }
        Ok(Data { folder })
    }

    /// A file or folder in it.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file or folder in it, where it is there.
    fn there(&self, name: &str, system: &dyn System) -> Option<PathBuf> {
        Some(self.at(name)).filter(|path| system.exists(path))
    }

    /// The arguments with what the folder has in the place of what they leave open.
    pub(super) fn fill(&self, arguments: &UpArguments, system: &dyn System) -> UpArguments {
        let mut filled = arguments.clone();
        filled.built_in = true;
        filled.lake = Some(self.at("lake"));
        filled.orders = Some(self.at("orders.json"));
        filled.baselines = filled.baselines.or(Some(None));
        filled.analytics = filled.analytics.or_else(|| Some(self.at("rules")));
        for (argument, name) in [
            (&mut filled.watchlists, "watchlists"),
            (&mut filled.functions, "functions"),
            (&mut filled.automation, "automation"),
            (&mut filled.watch, "inbox"),
            (&mut filled.gate, "castellan.toml"),
            (&mut filled.response, "response.toml"),
            (&mut filled.evidence_key, "evidence.pub"),
        ] {
            if argument.is_none() {
                *argument = self.there(name, system);
            }
        }
        filled.playbooks.extend(self.there("playbooks", system));
        if filled.scan.is_empty() {
            filled.scan.push(crate::survey::folder(&self.folder).display().to_string());
        }
        filled
    }

    /// The administrator's token: that of the folder, or a new one.
    ///
    /// Errors: the file is damaged, or cannot be written.
    pub(super) fn administrator(&self, now: Ticks, system: &dyn System) -> Result<Signed> {
        let path = self.at("administrator.json");
        if system.exists(&path) {
            let text = read_text(&path, LARGEST, system)?;
            let damaged = || {
                format!(
                    "`{}` is damaged; restore it from a backup, or remove it: a new token is made then",
                    path.display()
                )
            };
            let kept: Administrator = serde_json::from_str(&text).with_context(damaged)?;
            let token = Token::hashed(&kept.blake3).map_err(|why| anyhow!(why)).with_context(damaged)?;
            return Ok(Signed { token, told: None });
        }
        let made = format!("{PREFIX}{}", digits()?);
        let hash = blake3::hash(made.as_bytes()).to_hex().to_string();
        let token = Token::hashed(&hash).map_err(|why| anyhow!(why))?;
        let kept = Administrator { blake3: hash, made: now.to_string() };
        crate::keys::write_new(&path, &(serde_json::to_string_pretty(&kept)? + "\n"))?;
        Ok(Signed { token, told: Some(made) })
    }
}

/// Makes a folder that nobody else can read. One that is there stays as it is, unless others can write to it.
#[cfg(unix)]
fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if folder.exists() {
        let mode = std::fs::metadata(folder)?.permissions().mode();
        if mode & 0o022 != 0 {
            bail!("others can write to it; run `chmod 700 {}`", folder.display());
        }
        return Ok(());
    }
    Ok(std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> Result<()> {
    if folder.is_file() {
        bail!("it is a file");
    }
    Ok(std::fs::create_dir_all(folder)?)
}

#[cfg(test)]
mod tests {
    use castellan_base::OsSystem;

    use super::*;

    #[test]
    fn the_token_is_made_once_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(&folder.path().join("d")).unwrap();
        let now = "2026-11-22".parse().unwrap();
        let first = data.administrator(now, &OsSystem).unwrap();
        let token = first.told.unwrap();
        assert!(token.starts_with(PREFIX) && token.len() > 60);
        let kept = read_text(&data.at("administrator.json"), LARGEST, &OsSystem).unwrap();
        assert!(!kept.contains(&token), "{kept}");
        let again = data.administrator(now, &OsSystem).unwrap();
        assert!(again.told.is_none());
        std::fs::write(data.at("administrator.json"), "{}").unwrap();
        let fault = format!("{:#}", data.administrator(now, &OsSystem).err().unwrap());
        assert!(fault.contains("damaged"), "{fault}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_or_write_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d");
        Data::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        let fault = format!("{:#}", Data::open(&path).err().unwrap());
        assert!(fault.contains("chmod 700"), "{fault}");
    }
}
