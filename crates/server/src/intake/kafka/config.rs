//! The file that says what to read: TOML, checked as a whole when it is opened.
//!
//! Passwords are not in it: it names a variable of the environment or a file that holds them.

use std::path::{Path, PathBuf};

use castellan_base::System;
use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use super::connection::{Address, Client, Security};
use super::sasl::{Login, Mechanism};
use super::topic::{Topic, TopicPart, topics};
use super::{BadConfig, Limits};

/// Largest file, in bytes.
const LARGEST: u64 = 1 << 20;
/// Largest secret, certificate or key, in bytes.
const SECRET: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    brokers: Spanned<Vec<Spanned<String>>>,
    tls: Option<TlsPart>,
    sasl: Option<Spanned<SaslPart>>,
    #[serde(default)]
    limits: Limits,
    topics: Spanned<Vec<Spanned<TopicPart>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsPart {
    ca: Option<Spanned<PathBuf>>,
    certificate: Option<Spanned<PathBuf>>,
    key: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaslPart {
    mechanism: Mechanism,
    user: String,
    /// Where it is. Read by hand, since an error of the parser would show what stands here.
    password: Spanned<toml::Value>,
    #[serde(default)]
    unencrypted: bool,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Config {
    /// What positions are kept under.
    pub(super) name: String,
    pub(super) client: Client,
    pub(super) limits: Limits,
    pub(super) topics: Vec<Topic>,
}

/// Reads a file, and what it names.
///
/// # Errors
/// What is wrong first, with its place.
pub(super) fn open(path: &Path, system: &dyn System) -> Result<Config, BadConfig> {
    let named = path.display().to_string();
    let unreadable = |reason: String| BadConfig { place: named.clone(), reason };
    let bytes =
        system.read(path, LARGEST).map_err(|error| unreadable(format!("it cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    read(&named, &text, folder, system)
}

/// Reads the text of a file; paths in it start from `folder`.
///
/// # Errors
/// As [`open`].
pub(super) fn read(named: &str, text: &str, folder: &Path, system: &dyn System) -> Result<Config, BadConfig> {
    let bad = |at: usize, reason: String| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        BadConfig { place: format!("{named}:{line}:{column}"), reason }
    };
    // What the parser would show of the text may be a secret that was put in the wrong place.
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        bad(at, without_values(error.message()))
    })?;
    let reader = Reader { folder, system };
    let found = reader.config(file);
    found.map_err(|(at, reason)| bad(at, reason))
}

/// A message of the parser without what stands in double quotes, which is text of the file.
fn without_values(message: &str) -> String {
    let message = message.replace('\n', "; ");
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let (before, after) = (message.get(..first), message.get(last + 1..));
            format!("{}that stands here{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => message,
    }
}

/// What is wrong, and where in the text.
pub(super) type Wrong = (usize, String);

pub(super) fn wrong<T>(at: &Spanned<T>, reason: impl Into<String>) -> Wrong {
    (at.span().start, reason.into())
}

struct Reader<'r> {
    folder: &'r Path,
    system: &'r dyn System,
}

impl Reader<'_> {
    fn config(&self, file: File) -> Result<Config, Wrong> {
        let name = file.name.get_ref();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 100 || !name.bytes().all(is_plain) {
            let reason = "`name` has 1 to 100 letters, digits, `-`, `_` and `.`: positions are kept under it";
            return Err(wrong(&file.name, reason));
        }
        let client = self.client(&file)?;
        file.limits.check().map_err(|reason| (0, reason))?;
        let topics = topics(&file.topics)?;
        Ok(Config { name: name.clone(), client, limits: file.limits, topics })
    }

    fn client(&self, file: &File) -> Result<Client, Wrong> {
        let brokers = file.brokers.get_ref().iter();
        let brokers = brokers.map(|text| {
            let reason = || format!("`{}` is no HOST:PORT, as `broker-1.example:9092`", text.get_ref());
            Address::read(text.get_ref()).ok_or_else(|| wrong(text, reason()))
        });
        let brokers = brokers.collect::<Result<Vec<_>, _>>()?;
        if brokers.is_empty() {
            return Err(wrong(&file.brokers, "there is no broker; write `brokers = [\"HOST:PORT\"]`"));
        }
        let security = file.tls.as_ref().map(|tls| self.tls(tls)).transpose()?;
        let login = file.sasl.as_ref().map(|sasl| self.login(sasl, security.is_some())).transpose()?;
        Ok(Client { brokers, security, login })
    }

    fn tls(&self, tls: &TlsPart) -> Result<Security, Wrong> {
        let file = |part: &Option<Spanned<PathBuf>>| {
            part.as_ref()
                .map(|path| self.file(path.get_ref()).map_err(|reason| wrong(path, reason)))
                .transpose()
        };
        let (ca, certificate, key) = (file(&tls.ca)?, file(&tls.certificate)?, file(&tls.key)?);
        let own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                let at = tls.certificate.as_ref().or(tls.key.as_ref()).map_or(0, |path| path.span().start);
                return Err((at, "`certificate` and `key` come together".to_owned()));
            }
        };
        let at = tls.ca.as_ref().or(tls.certificate.as_ref()).map_or(0, |path| path.span().start);
        Security::new(ca.as_deref().map(Vec::as_slice), own).map_err(|reason| (at, reason))
    }

    fn login(&self, sasl: &Spanned<SaslPart>, is_encrypted: bool) -> Result<Login, Wrong> {
        let part = sasl.get_ref();
        if part.mechanism == Mechanism::Plain && !is_encrypted && !part.unencrypted {
            let reason = "`plain` would send the password readable for everybody on the way: add `[tls]`, use \
                          `scram-sha-512`, or say `unencrypted = true`";
            return Err(wrong(sasl, reason));
        }
        let secret = self.secret(part.password.get_ref());
        let secret = secret.map_err(|reason| wrong(&part.password, reason))?;
        let password = Zeroizing::new(secret.trim_end_matches(['\r', '\n']).to_owned());
        if password.is_empty() {
            return Err(wrong(&part.password, "the password is empty"));
        }
        Ok(Login { mechanism: part.mechanism, user: part.user.clone(), password })
    }

    /// What a variable of the environment or a file holds.
    fn secret(&self, place: &toml::Value) -> Result<Zeroizing<String>, String> {
        let named = |key: &str| place.as_table().filter(|table| table.len() == 1)?.get(key)?.as_str();
        if let Some(name) = named("env") {
            let missing = || format!("the variable `{name}` of the environment is not set");
            return self.system.env(name).map(Zeroizing::new).ok_or_else(missing);
        }
        let Some(path) = named("file").map(Path::new) else {
            let reason =
                "a password does not stand here: write `{ env = \"NAME\" }` or `{ file = \"PATH\" }`";
            return Err(reason.to_owned());
        };
        let bytes = self.file(path)?;
        let text = std::str::from_utf8(&bytes).map(str::to_owned);
        text.map(Zeroizing::new).map_err(|_| format!("{} is not UTF-8", path.display()))
    }

    fn file(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
        let path = self.folder.join(path);
        let read = self.system.read(&path, SECRET).map(Zeroizing::new);
        read.map_err(|error| format!("{} cannot be read: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use castellan_base::OsSystem;
    use proptest::prelude::*;

    use super::super::topic::Start;
    use super::*;

    const GOOD: &str = r#"name = "harbour"
brokers = ["localhost:9092", "[::1]:9093"]
sasl = { mechanism = "scram-sha-512", user = "u", password = { env = "PATH" } }
[limits]
fetch = 100000
[[topics]]
topic = "calls"
table = "Calls_CL"
start = "latest"
columns = { a = "string" }
transformKql = "source | where a != 'x'"
attributes = { TimeGenerated = "time", Key = "key" }
[[topics]]
topic = "insights-logs"
format = "diagnostics"
generation = 2
"#;

    fn check(text: &str) -> Result<Config, String> {
        read("k.toml", text, Path::new("/nowhere"), &OsSystem).map_err(|error| error.to_string())
    }

    /// What is told when a part of the text is another.
    fn told(part: &str, other: &str) -> String {
        assert!(GOOD.contains(part), "{part}");
        check(&GOOD.replace(part, other)).unwrap_err()
    }

    #[test]
    fn files_are_read() {
        let config = check(GOOD).unwrap();
        assert_eq!(
            (config.name.as_str(), config.client.brokers.len(), config.topics.len()),
            ("harbour", 2, 2)
        );
        let topics: Vec<_> = config.topics.iter().map(|topic| (topic.start, topic.generation)).collect();
        assert_eq!(topics, [(Start::Latest, None), (Start::Earliest, Some(2))]);
        assert_eq!(config.limits.fetch, 100_000);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (part, other, expected) in [
            ("harbour", "a/b", "k.toml:1:8: `name` has"),
            ("localhost:9092", "localhost", "k.toml:2:12: `localhost` is no HOST:PORT"),
            ("[\"localhost:9092\", \"[::1]:9093\"]", "[]", "k.toml:2:11: there is no broker"),
            ("scram-sha-512", "plain", "k.toml:3:8: `plain` would send"),
            ("{ env = \"PATH\" }", "\"secret!\"", "a password does not stand here"),
            (
                "{ mechanism = \"scram-sha-512\", user = \"u\", password = { env = \"PATH\" } }",
                "\"secret!\"",
                "k.toml:3:",
            ),
            ("\"PATH\"", "\"NO_SUCH_THING\"", "`NO_SUCH_THING` of the environment is not set"),
            ("{ env = \"PATH\" }", "{ file = \"pw\" }", "/nowhere/pw cannot be read"),
            ("fetch = 100000", "fetch = 1", "`fetch`"),
            ("\"calls\"", "\"ca lls\"", "k.toml:7:9: the name of a topic"),
            ("\"calls\"", "\"insights-logs\"", "k.toml:14:9: the topic `insights-logs` is there twice"),
            ("Calls_CL", "Calls", "k.toml:8:9: there is no table `Calls`"),
            ("\"latest\"", "\"now\"", "k.toml:9:9: unknown variant `now`"),
            ("\"string\"", "\"text\"", "k.toml:10:17: this is no type"),
            ("a != 'x'", "b != 'x'", "k.toml:11:16: `transformKql`, line 1, column 16"),
            ("\"key\"", "\"owner\"", "unknown variant `owner`"),
            ("generation = 2", "generation = 0", "k.toml:16:14: `generation` counts from 1"),
            ("generation = 2", "table = \"A_CL\"", "belong to `format = \"json\"`"),
            ("format =", "formt =", "unknown field `formt`"),
            ("name =", "[", "k.toml:1:"),
        ] {
            let told = told(part, other);
            assert!(told.contains(expected) && !told.contains("secret!"), "{other}: {told}");
        }
    }

    proptest! {
        #[test]
        fn a_file_is_read_or_says_where_it_is_wrong(at in 0..GOOD.len(), length in 0_usize..30, new in "[\\PC\n]{0,9}") {
            let (from, to) = (GOOD.floor_char_boundary(at), GOOD.floor_char_boundary(at + length));
            let text = format!("{}{new}{}", GOOD.get(..from).unwrap(), GOOD.get(to..).unwrap());
            if let Err(told) = check(&text) {
                prop_assert!(told.starts_with("k.toml:"), "{}", told);
            }
        }
    }
}
