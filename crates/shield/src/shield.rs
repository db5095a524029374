//! Everything together, ready to judge.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use castellan_base::System;

use crate::Source;
use crate::attack::{self, Stream, Verdict};
use crate::harm::{self, Harms, Terms};
use crate::model::bytes::{Reader, WeightsError, Writer};
use crate::model::calibration::OperatingPoint;
use crate::rules::{self, Rules};
use crate::second::{Allowance, Second};

/// Largest file of rules or terms, in bytes.
const LARGEST_TEXT: u64 = 4 << 20;
/// Most files of rules.
const MOST_FILES: usize = 200;

/// Rules, terms and weights, and a second tier where there is one. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Shield {
    first: Arc<First>,
    second: Option<Second>,
}

/// The first tier.
#[derive(Debug)]
struct First {
    rules: Rules,
    terms: Terms,
    attack: attack::Model,
    harm: harm::Model,
}

/// The shield that was built in, read when it is first asked for: a program has it once, however many parts judge.
static BUILT_IN: LazyLock<Result<Shield, ShieldError>> = LazyLock::new(|| {
    let rules = crate::content::rules()?;
    Shield::from_weights(crate::content::WEIGHTS, rules, crate::content::terms()?)
});

/// Why a shield could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShieldError {
    /// Rules or terms have faults.
    #[error("the shield's content has faults: {0}")]
    Content(String),
    /// Weights were refused.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The weights were trained with other families of rules.
    #[error("the weights were trained with other families of rules; run `cargo xtask train-shield`")]
    Families,
    /// A file could not be read.
    #[error("cannot read `{0}`: {1}")]
    File(String, String),
}

impl Shield {
    /// The shield that was built into the program.
    pub fn builtin() -> Result<Shield, ShieldError> {
        BUILT_IN.clone()
    }

    /// The shield of a folder such as `content/shield`.
    pub fn read(system: &dyn System, folder: &Path) -> Result<Shield, ShieldError> {
        let rules = read_rules(system, &folder.join("rules"))?;
        let terms = read_terms(system, &folder.join("terms/terms.yaml"))?;
        let path = folder.join("weights.bin");
        let weights =
            system.read(&path, crate::model::bytes::LARGEST as u64).map_err(|error| fault(&path, &error))?;
        Shield::from_weights(&weights, rules, terms)
    }

    /// From weights as [`Shield::weights`] gives them.
    pub fn from_weights(weights: &[u8], rules: Rules, terms: Terms) -> Result<Shield, ShieldError> {
        let mut reader = Reader::open(weights)?;
        if reader.number()? != rules.fingerprint() {
            return Err(ShieldError::Families);
        }
        let attack = attack::Model::read(&mut reader, rules.families.len())?;
        let harm = harm::Model::read(&mut reader)?;
        reader.end()?;
        Ok(Shield::new(rules, terms, attack, harm))
    }

    /// From parts that were just trained.
    pub fn new(rules: Rules, terms: Terms, attack: attack::Model, harm: harm::Model) -> Shield {
        Shield { first: Arc::new(First { rules, terms, attack, harm }), second: None }
    }

    /// With a second tier, which is asked about attacks where the first one is not sure.
    #[must_use]
    pub fn with_second(self, second: Second) -> Shield {
        Shield { second: Some(second), ..self }
    }

    /// Whether there is a second tier, so that judging may take long.
    pub fn has_second(&self) -> bool {
        self.second.is_some()
    }

    /// The weights as a file.
    pub fn weights(&self) -> Result<Vec<u8>, WeightsError> {
        let mut writer = Writer::default();
        writer.number(self.first.rules.fingerprint());
        self.first.attack.write(&mut writer);
        self.first.harm.write(&mut writer);
        writer.file()
    }

    /// Judges whether a text attacks the prompt, at the released operating point.
    pub fn attack(&self, text: &str, source: Source) -> Verdict {
        self.attack_at(text, source, OperatingPoint::default())
    }

    /// As [`Shield::attack`], at another operating point.
    pub fn attack_at(&self, text: &str, source: Source, point: OperatingPoint) -> Verdict {
        let mut stream = self.stream(source, point);
        stream.push(text);
        stream.finish()
    }

    /// As [`Shield::attack_at`], for one of several texts that a second tier has a time for together.
    pub fn attack_within(
        &self,
        text: &str,
        source: Source,
        point: OperatingPoint,
        allowance: &Allowance,
    ) -> Verdict {
        let mut stream = self.stream(source, point).within(allowance);
        stream.push(text);
        stream.finish()
    }

    /// The time that a second tier has for the texts of one request together.
    pub fn allowance(&self) -> Allowance {
        self.second.as_ref().map_or_else(Allowance::unlimited, Second::allowance)
    }

    /// Judges a text that comes in parts, in memory that does not grow with it.
    pub fn stream(&self, source: Source, point: OperatingPoint) -> Stream<'_> {
        let stream = Stream::new(&self.first.attack, &self.first.rules, source, point);
        match &self.second {
            Some(second) => stream.with_second(second),
            None => stream,
        }
    }

    /// Judges how harmful a text is.
    pub fn harm(&self, text: &str) -> Harms {
        self.first.harm.judge(&self.first.terms, text)
    }

    /// The rules that it uses.
    pub fn rules(&self) -> &Rules {
        &self.first.rules
    }

    /// The part that finds attacks.
    pub fn attack_model(&self) -> &attack::Model {
        &self.first.attack
    }
}

/// Reads all rules of a folder.
pub fn read_rules(system: &dyn System, folder: &Path) -> Result<Rules, ShieldError> {
    let files = read_folder(system, folder)?;
    rules::read(&files).map_err(|faults| ShieldError::Content(faults.join("; ")))
}

/// Reads the terms of harms.
pub fn read_terms(system: &dyn System, path: &Path) -> Result<Terms, ShieldError> {
    Terms::read(&path.display().to_string(), &read_text(system, path)?).map_err(ShieldError::Content)
}

/// The YAML files of a folder with their names, sorted.
pub fn read_folder(system: &dyn System, folder: &Path) -> Result<Vec<(String, String)>, ShieldError> {
    let entries = system.read_dir(folder).map_err(|error| fault(folder, &error))?;
    let files =
        entries.into_iter().filter(|entry| entry.path.extension().is_some_and(|ending| ending == "yaml"));
    let name =
        |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    files.take(MOST_FILES).map(|entry| Ok((name(&entry.path), read_text(system, &entry.path)?))).collect()
}

fn read_text(system: &dyn System, path: &Path) -> Result<String, ShieldError> {
    let bytes = system.read(path, LARGEST_TEXT).map_err(|error| fault(path, &error))?;
    String::from_utf8(bytes).map_err(|error| fault(path, &error))
}

fn fault(path: &Path, error: &dyn std::fmt::Display) -> ShieldError {
    ShieldError::File(path.display().to_string(), error.to_string())
}
