//! The playbooks that are at hand: those that are built in, and those of a folder on top.

use std::collections::BTreeMap;
use std::path::Path;

use castellan_base::{Diagnostic, Sources, Span, System, Ticks};
use rust_embed::RustEmbed;

use crate::playbook::{self, Playbook};
use crate::sign::{TrustedKeys, Verdict, is_vouched, verify};

/// The playbooks, compiled in.
#[derive(RustEmbed)]
#[folder = "../../content/playbooks"]
struct Embedded;

/// Where a playbook is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The binary itself.
    BuiltIn,
    /// A file.
    File(String),
}

impl Origin {
    fn shown(&self) -> String {
        match self {
            Origin::BuiltIn => "the binary".to_owned(),
            Origin::File(path) => format!("`{path}`"),
        }
    }
}

/// A playbook and where it is from.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The playbook.
    pub playbook: Playbook,
    /// Where it is from.
    pub origin: Origin,
    /// The name of its file without the ending, as rules name it.
    pub file: String,
}

impl Entry {
    /// On whose word the playbook may run, or why it may not.
    pub fn may_run(&self, trusted: &TrustedKeys, now: Ticks, allow_unsigned: bool) -> Result<String, String> {
        let playbook = &self.playbook;
        if playbook.revoked {
            return Err("its author revoked it".to_owned());
        }
        if playbook.valid_from.is_some_and(|from| now < from) {
            return Err("it is not valid yet; see `valid_from`".to_owned());
        }
        if playbook.valid_until.is_some_and(|until| now >= until) {
            return Err("it is not valid any more; see `valid_until`".to_owned());
        }
        match (verify(playbook.document(), trusted, now), allow_unsigned) {
            (Verdict::Trusted { by }, _) => Ok(format!("signed by {by}")),
            (Verdict::Broken(reason), _) => Err(format!("{reason}; read it, and sign it again")),
            (Verdict::Unsigned, _) if self.origin == Origin::BuiltIn => Ok("built in".to_owned()),
            (_, true) => Ok("run on request without a trusted signature".to_owned()),
            (Verdict::Unsigned, false) => {
                Err("it is not signed; sign it, or allow it for this run".to_owned())
            }
            (Verdict::Unknown { claimed }, false) => {
                Err(format!("it is signed by `{claimed}`, whose key is not trusted; trust the key first"))
            }
            (Verdict::Unsupported(reason), false) => Err(reason),
        }
    }
}

/// Playbooks by id.
#[derive(Debug, Default)]
pub struct Library {
    entries: BTreeMap<String, Entry>,
    trusted: TrustedKeys,
    /// The files that were read; diagnostics point here.
    pub sources: Sources,
    /// What is wrong or odd, by file.
    pub diagnostics: Vec<(String, Diagnostic)>,
}

impl Library {
    /// The playbooks that are built in.
    ///
    /// ```
    /// let library = castellan_respond::Library::embedded();
    /// assert!(library.iter().count() > 10);
    /// ```
    pub fn embedded() -> Library {
        let mut library = Library::default();
        let mut names: Vec<_> = Embedded::iter().collect();
        names.sort();
        for name in names.iter().filter(|name| name.ends_with(".yaml") && !name.contains('/')) {
            if let Some(file) = Embedded::get(name) {
                library.add(name, &String::from_utf8_lossy(&file.data), Origin::BuiltIn);
            }
        }
        library
    }

    /// With keys whose playbooks run.
    #[must_use]
    pub fn trusting(mut self, trusted: TrustedKeys) -> Library {
        self.trusted = trusted;
        self
    }

    /// The keys whose playbooks run.
    pub fn trusted(&self) -> &TrustedKeys {
        &self.trusted
    }

    /// Reads a playbook and adds it. Of two with the same id the one that is trusted stays, and of two that are equally
    /// trusted the newer: a file that nobody signed does not push out one that may run. What is wrong is among the
    /// diagnostics, and so is which one was left out.
    pub fn add(&mut self, path: &str, text: &str, origin: Origin) {
        let reading = playbook::read(path, text, &mut self.sources);
        self.diagnostics
            .extend(reading.diagnostics.into_iter().map(|diagnostic| (path.to_owned(), diagnostic)));
        let Some(playbook) = reading.playbook else { return };
        let file = std::path::Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let entry = Entry { playbook, origin, file };
        let id = entry.playbook.id.clone();
        if let Some(known) = self.entries.get(&id) {
            let stays = self.rank(known) > self.rank(&entry);
            let left_out = if stays { &entry } else { known };
            let message = format!(
                "there are two playbooks `{id}`; the one of {} from {} is left out",
                left_out.origin.shown(),
                left_out.playbook.modified
            );
            let diagnostic = Diagnostic::warning(Span::NONE, message)
                .with_help("sign the one that is meant, or give one of them another id");
            self.diagnostics.push((path.to_owned(), diagnostic));
            if stays {
                return;
            }
        }
        self.entries.insert(id, entry);
    }

    /// What is compared when two playbooks have one id. One that was signed by somebody trusted comes before one that is
    /// built in, and that before one that nobody vouches for.
    fn rank(&self, entry: &Entry) -> (u8, Option<Ticks>) {
        let trust = match entry.origin {
            _ if is_vouched(entry.playbook.document(), &self.trusted) => 2,
            Origin::BuiltIn => 1,
            Origin::File(_) => 0,
        };
        (trust, entry.playbook.modified.parse().ok())
    }

    /// Reads the `.yaml`, `.yml` and `.json` files of a folder, not those of folders within.
    pub fn load_dir(&mut self, system: &dyn System, folder: &Path) {
        let entries = match system.read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let path = folder.display().to_string();
                let message = format!("the folder `{path}` cannot be read: {error}");
                self.diagnostics.push((path, Diagnostic::error(Span::NONE, message)));
                return;
            }
        };
        for entry in entries.into_iter().filter(|entry| !entry.is_dir) {
            let extension = entry.path.extension().and_then(|extension| extension.to_str());
            if !extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json")) {
                continue;
            }
            let path = entry.path.display().to_string();
            let read = system.read(&entry.path, playbook::LIMITS.bytes).map_err(|error| error.to_string());
            match read.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string())) {
                Ok(text) => self.add(&path, &text, Origin::File(path.clone())),
                Err(error) => {
                    let message = format!("`{path}` cannot be read: {error}");
                    self.diagnostics.push((path, Diagnostic::error(Span::NONE, message)));
                }
            }
        }
    }

    /// A playbook by its id.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// A playbook by its id, by its name in any case, or by the name of its file.
    pub fn find(&self, id_or_name: &str) -> Option<&Entry> {
        let by_name = || self.iter().find(|entry| entry.playbook.name.eq_ignore_ascii_case(id_or_name));
        let by_file = || self.iter().find(|entry| entry.file == id_or_name);
        self.get(id_or_name).or_else(by_name).or_else(by_file)
    }

    /// All playbooks, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
