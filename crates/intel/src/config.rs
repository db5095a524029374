//! The file of `castellan up --intel` and `castellan intel pull --config`: which feeds are fetched, how often, and how
//! their indicators are matched and hunted.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_intel::config::Config;
//!
//! let text = "feeds:\n  - name: partner\n    taxii: https://taxii.example.com/taxii2/\n    every: 15m\n    \
//!     token: env:PARTNER_TOKEN\n";
//! let config = Config::read("intel.yaml", text, &mut Sources::default()).unwrap();
//! assert_eq!(config.feeds[0].every.as_secs(), 900);
//! ```

use std::path::PathBuf;
use std::time::Duration;

use castellan_base::{Diagnostic, Limits, Node, Sources, System, Ticks, yaml};
use castellan_stix::Tlp;
use zeroize::Zeroizing;

use crate::retro;
use crate::taxii::Credentials;

/// What is fetched, matched and hunted.
#[derive(Clone, Debug)]
pub struct Config {
    /// Feeds.
    pub feeds: Vec<Feed>,
    /// Indicators of which their creators are less sure are not matched.
    pub minimum_confidence: u8,
    /// Whether rows of the older table are written too.
    pub legacy: bool,
    /// How the past is hunted; not at all where there is nothing.
    pub hunt: Option<retro::Options>,
    /// Files of values that are never matched, beside the built-in ones.
    pub never: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            feeds: Vec::new(),
            minimum_confidence: 0,
            legacy: true,
            hunt: Some(retro::Options::default()),
            never: Vec::new(),
        }
    }
}

/// A feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// What it is called; rows have it as their `SourceSystem`.
    pub name: String,
    /// Where it is from.
    pub from: From,
    /// How often it is fetched.
    pub every: Duration,
    /// How sure its source is, where indicators do not say.
    pub confidence: Option<u8>,
    /// How far it may be passed on, where indicators do not say.
    pub tlp: Option<Tlp>,
    /// How long values of lists count, where lists do not say.
    pub valid: Option<Duration>,
}

/// Where a feed is from.
#[derive(Clone, Debug)]
pub enum From {
    /// A server of TAXII.
    Taxii(TaxiiFeed),
    /// A file or a folder of files: STIX, MISP, CSV, lists.
    Files(PathBuf),
}

/// Collections of a server of TAXII.
#[derive(Clone, Debug)]
pub struct TaxiiFeed {
    /// The address of its discovery, or of an API root.
    pub address: String,
    /// Ids, titles or aliases of collections; all that can be read where there are none.
    pub collections: Vec<String>,
    /// Who asks, where a password is asked for.
    pub user: Option<String>,
    /// Where the password or the token is.
    pub secret: Option<Reference>,
    /// Certificates of authorities to trust, as PEM.
    pub authorities: Option<PathBuf>,
    /// Whether plain HTTP and addresses of one's own network may be used.
    pub private: bool,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the environment.
    Variable(String),
    /// A file; blanks at its end do not count.
    File(PathBuf),
}

/// The largest secret, in bytes.
const LARGEST_SECRET: u64 = 64 << 10;
/// The shortest time between two fetches.
const SHORTEST: Duration = Duration::from_secs(10);

impl Reference {
    /// `env:NAME` or `file:PATH`.
    ///
    /// Errors: anything else, without showing it: it may be the secret itself.
    pub fn parse(text: &str) -> Result<Reference, &'static str> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Reference::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Reference::File(path.into())),
            _ => Err("secrets are named, not written: `env:NAME` or `file:PATH`"),
        }
    }

    /// The secret.
    ///
    /// Errors: it is not there.
    pub fn read(&self, system: &dyn System) -> Result<Zeroizing<String>, String> {
        match self {
            Reference::Variable(name) => {
                let value = system.env(name).ok_or_else(|| format!("the variable `{name}` is not set"))?;
                Ok(Zeroizing::new(value))
            }
            Reference::File(path) => {
                let bytes = system.read(path, LARGEST_SECRET);
                let bytes = Zeroizing::new(
                    bytes.map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?,
                );
                let text =
                    std::str::from_utf8(&bytes).map_err(|_| format!("`{}` is no text", path.display()))?;
                Ok(Zeroizing::new(text.trim_end().to_owned()))
            }
        }
    }
}

impl TaxiiFeed {
    /// What it is let in with.
    ///
    /// Errors: a secret that is not there.
    pub fn credentials(&self, system: &dyn System) -> Result<Credentials, String> {
        let secret = self.secret.as_ref().map(|secret| secret.read(system)).transpose()?;
        match (&self.user, secret) {
            (Some(user), Some(password)) => Ok(Credentials::Basic { user: user.clone(), password }),
            (Some(user), None) => Err(format!("the user `{user}` has no password: name one")),
            (None, Some(token)) => Ok(Credentials::Bearer(token)),
            (None, None) => Ok(Credentials::None),
        }
    }
}

impl Config {
    /// Reads a file of YAML.
    ///
    /// Errors: what is wrong with it; a member that is not known is wrong.
    pub fn read(name: &str, text: &str, sources: &mut Sources) -> Result<Config, Diagnostic> {
        let source = sources.add(name, text);
        let limits = Limits { bytes: 1 << 20, depth: 16, values: 20_000 };
        let document = yaml::parse(text, source, &limits)?;
        known(&document, &["feeds", "minimumConfidence", "legacy", "hunt", "never"])?;
        let mut config = Config::default();
        for node in list(&document, "feeds")? {
            let feed = feed(node)?;
            if config.feeds.iter().any(|other| other.name == feed.name) {
                return Err(Diagnostic::error(node.span, format!("there are two feeds `{}`", feed.name)));
            }
            config.feeds.push(feed);
        }
        if let Some(node) = document.get("minimumConfidence") {
            config.minimum_confidence = percent(node)?;
        }
        if let Some(node) = document.get("legacy") {
            config.legacy = flag(node)?;
        }
        for node in list(&document, "never")? {
            config.never.push(text_of(node)?.into());
        }
        if let Some(node) = document.get("hunt") {
            config.hunt = hunt(node)?;
        }
        Ok(config)
    }
}

fn feed(node: &Node) -> Result<Feed, Diagnostic> {
    const KNOWN: [&str; 13] = [
        "name",
        "taxii",
        "files",
        "collections",
        "every",
        "user",
        "password",
        "token",
        "authorities",
        "private",
        "confidence",
        "tlp",
        "validFor",
    ];
    known(node, &KNOWN)?;
    let wrong = |message: &str| Diagnostic::error(node.span, message);
    let optional = |name: &str| node.get(name).map(text_of).transpose();
    let name = optional("name")?.ok_or_else(|| wrong("a feed needs a `name`"))?;
    let secret = match (node.get("password"), node.get("token")) {
        (Some(_), Some(_)) => return Err(wrong("a feed has a `password` or a `token`, not both")),
        (Some(found), None) | (None, Some(found)) => {
            let reference = Reference::parse(text_of(found)?);
            Some(reference.map_err(|message| Diagnostic::error(found.span, message))?)
        }
        (None, None) => None,
    };
    let user = optional("user")?.map(str::to_owned);
    if user.is_some() != node.get("password").is_some() {
        return Err(wrong("`user` and `password` belong together"));
    }
    let from = match (optional("taxii")?, optional("files")?) {
        (Some(address), None) => From::Taxii(TaxiiFeed {
            address: address.to_owned(),
            collections: list(node, "collections")?
                .iter()
                .map(|item| text_of(item).map(str::to_owned))
                .collect::<Result<_, _>>()?,
            user,
            secret,
            authorities: optional("authorities")?.map(PathBuf::from),
            private: node.get("private").map(flag).transpose()?.unwrap_or_default(),
        }),
        (None, Some(path)) => From::Files(path.into()),
        _ => return Err(wrong("a feed is from `taxii` or from `files`")),
    };
    let tlp = match node.get("tlp") {
        Some(found) => {
            let tlp = Tlp::named(text_of(found)?);
            Some(tlp.ok_or_else(|| {
                Diagnostic::error(found.span, "it is clear, green, amber, amber+strict or red")
            })?)
        }
        None => None,
    };
    Ok(Feed {
        name: name.to_owned(),
        from,
        every: node
            .get("every")
            .map(duration)
            .transpose()?
            .unwrap_or(Duration::from_secs(3_600))
            .max(SHORTEST),
        confidence: node.get("confidence").map(percent).transpose()?,
        tlp,
        valid: node.get("validFor").map(duration).transpose()?,
    })
}

fn hunt(node: &Node) -> Result<Option<retro::Options>, Diagnostic> {
    if let Some(wanted) = node.as_bool() {
        return Ok(wanted.then(retro::Options::default));
    }
    known(node, &["window", "batch"])?;
    let mut options = retro::Options::default();
    if let Some(found) = node.get("window") {
        let seconds = i64::try_from(duration(found)?.as_secs()).unwrap_or(i64::MAX);
        options.window = seconds.saturating_mul(Ticks::PER_SECOND);
    }
    if let Some(found) = node.get("batch") {
        let batch = found
            .as_i64()
            .and_then(|batch| usize::try_from(batch).ok())
            .filter(|batch| (1..=10_000).contains(batch));
        options.batch =
            batch.ok_or_else(|| Diagnostic::error(found.span, "it is a number from 1 to 10000"))?;
    }
    Ok(Some(options))
}

fn known(node: &Node, names: &[&str]) -> Result<(), Diagnostic> {
    let Some(object) = node.as_object() else {
        return Err(Diagnostic::error(node.span, "an object is expected here"));
    };
    match object.iter().find(|member| !names.contains(&&*member.key)) {
        Some(member) => {
            let message = format!("`{}` is not known here", member.key);
            Err(Diagnostic::error(member.value.span, message)
                .with_help(format!("known: {}", names.join(", "))))
        }
        None => Ok(()),
    }
}

fn list<'n>(node: &'n Node, name: &str) -> Result<&'n [Node], Diagnostic> {
    match node.get(name) {
        None => Ok(&[]),
        Some(found) => {
            found.as_array().ok_or_else(|| Diagnostic::error(found.span, format!("`{name}` is a list")))
        }
    }
}

fn text_of(node: &Node) -> Result<&str, Diagnostic> {
    let text = node.as_str().filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| Diagnostic::error(node.span, "a text is expected here"))
}

fn flag(node: &Node) -> Result<bool, Diagnostic> {
    node.as_bool().ok_or_else(|| Diagnostic::error(node.span, "`true` or `false` is expected here"))
}

fn percent(node: &Node) -> Result<u8, Diagnostic> {
    let number = node.as_i64().and_then(|number| u8::try_from(number).ok()).filter(|number| *number <= 100);
    number.ok_or_else(|| Diagnostic::error(node.span, "a number from 0 to 100 is expected here"))
}

/// `30s`, `15m`, `2h`, `30d`.
fn duration(node: &Node) -> Result<Duration, Diagnostic> {
    let wrong = || Diagnostic::error(node.span, "a time is expected here: `30s`, `15m`, `2h`, `30d`");
    parse_duration(text_of(node)?).ok_or_else(wrong)
}

/// `30s`, `15m`, `2h`, `30d`; nothing where it is none of these, or is longer than ten years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let total = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (total > 0 && total <= 3_660 * 86_400).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use castellan_testkit::MemorySystem;

    use super::*;

    fn read(text: &str) -> Result<Config, Diagnostic> {
        Config::read("intel.yaml", text, &mut Sources::default())
    }

    #[test]
    fn a_file_is_read() {
        let config = read("minimumConfidence: 30\nlegacy: false\nhunt: { window: 7d, batch: 50 }\nfeeds:\n  - name: a\n    taxii: https://t.example/taxii2/\n    collections: [x]\n    every: 5m\n    user: u\n    password: env:PW\n    private: true\n  - { name: b, files: lists, confidence: 60, tlp: amber, validFor: 30d }\n").unwrap();
        assert_eq!((config.feeds.len(), config.minimum_confidence, config.legacy), (2, 30, false));
        assert_eq!(config.hunt.map(|hunt| (hunt.window, hunt.batch)), Some((7 * Ticks::PER_DAY, 50)));
        let From::Taxii(taxii) = &config.feeds[0].from else { panic!("{config:?}") };
        let system = MemorySystem::default().with_env("PW", "secret");
        let credentials = taxii.credentials(&system).unwrap();
        assert!(matches!(&credentials, Credentials::Basic { password, .. } if **password == "secret"));
        assert!(!format!("{credentials:?}").contains("secret"));
        assert!(taxii.credentials(&MemorySystem::default()).is_err());
        assert!(read("hunt: false").unwrap().hunt.is_none());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |text: &str, part: &str| {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {}", error.message);
        };
        check("fedds: []", "`fedds` is not known");
        check("feeds: [{ name: a }]", "from `taxii` or from `files`");
        check("feeds: [{ name: a, taxii: x, token: 12345 }]", "a text is expected");
        check("feeds: [{ name: a, taxii: x, token: my-secret }]", "secrets are named");
        check("feeds: [{ name: a, taxii: x, user: u }]", "belong together");
        check("feeds: [{ name: a, files: x }, { name: a, files: y }]", "two feeds");
        check("feeds: [{ name: a, files: x, every: often }]", "a time is expected");
        check("minimumConfidence: 101", "0 to 100");
    }
}
