//! Names of tools and prompts: which look like others, stand for others, or pretend; and one name space over several servers.

use std::collections::HashMap;

use serde::Serialize;

use crate::hidden;

/// Between a server's id and a name.
pub const SEPARATOR: &str = "__";
/// Most names that are compared; more than that are told.
const MOST: usize = 2_000;
/// Shortest name of which one that differs in a letter or two counts as a slip.
const SHORTEST: usize = 5;
/// Names of the protocol and of clients' own tools, which no server may take.
pub const RESERVED: &[&str] = &[
    "system",
    "developer",
    "user",
    "assistant",
    "computer",
    "bash",
    "python",
    "code_interpreter",
    "web_search",
    "file_search",
    "str_replace_editor",
    "text_editor",
    "mcp",
    "castellan",
];

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Two servers define the same name.
    Shadows,
    /// It is drawn like another one, or differs in case and separators alone.
    LooksLike,
    /// It differs from another one by a slip of the finger.
    Typosquats,
    /// It is a name of clients' own tools.
    Reserved,
    /// It mixes scripts, as no honest name does.
    MixedScripts,
    /// It has characters that are not seen.
    Hides,
    /// It has characters or a length that the protocol does not have.
    Malformed,
    /// There are too many names to compare them.
    TooMany,
}

/// A name that needs a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The server.
    pub server: String,
    /// The name, hidden characters written out.
    pub name: String,
    /// What is wrong.
    pub problem: Problem,
    /// The other name, as `server/name`.
    pub other: Option<String>,
}

/// A name and the server that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The server.
    pub server: &'a str,
    /// The name.
    pub name: &'a str,
}

/// Looks at all names of one endpoint together. Of two names that collide the later one is told, so list trusted servers first.
#[must_use]
pub fn check(names: &[Named<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: HashMap<&str, Named<'_>> = HashMap::new();
    let mut looks: HashMap<String, Named<'_>> = HashMap::new();
    let mut folded: Vec<(String, Named<'_>)> = Vec::new();
    for named in names {
        alone(*named, &mut findings);
        let shape = skeleton(named.name);
        let same = seen.get(named.name).copied();
        if let Some(other) = same {
            // The one that already stands under this name shadows; within one server it is a duplicate.
            findings.push(finding(*named, Problem::Shadows, Some(other)));
        } else if let Some(other) = looks.get(&shape).copied() {
            findings.push(finding(*named, Problem::LooksLike, Some(other)));
        } else if folded.len() >= MOST {
            findings.push(finding(*named, Problem::TooMany, None));
        } else {
            // One author's `get_user` and `get_users` are no fraud; another one's are.
            let near = folded.iter().find(|(other, of)| of.server != named.server && is_slip(other, &shape));
            if let Some((_, other)) = near {
                findings.push(finding(*named, Problem::Typosquats, Some(*other)));
            }
            folded.push((shape.clone(), *named));
        }
        seen.entry(named.name).or_insert(*named);
        looks.entry(shape).or_insert(*named);
    }
    findings
}

fn finding(named: Named<'_>, problem: Problem, other: Option<Named<'_>>) -> Finding {
    Finding {
        server: named.server.to_owned(),
        name: hidden::reveal(named.name),
        problem,
        other: other.map(|other| format!("{}/{}", other.server, hidden::reveal(other.name))),
    }
}

fn alone(named: Named<'_>, findings: &mut Vec<Finding>) {
    use unicode_security::MixedScript;
    let name = named.name;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    if !hidden::find(name).is_empty() {
        findings.push(finding(named, Problem::Hides, None));
    }
    if name.is_empty() || name.len() > 128 || !name.bytes().all(is_plain) {
        findings.push(finding(named, Problem::Malformed, None));
    }
    if !name.is_single_script() {
        findings.push(finding(named, Problem::MixedScripts, None));
    }
    if RESERVED.contains(&skeleton(name).as_str()) || RESERVED.contains(&name) {
        findings.push(finding(named, Problem::Reserved, None));
    }
}

/// What a name looks like: UTS #39's skeleton, in small letters, without separators.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let visible = hidden::strip(
        name,
        &[
            hidden::Class::Tag,
            hidden::Class::Bidi,
            hidden::Class::Escape,
            hidden::Class::Control,
            hidden::Class::ZeroWidth,
            hidden::Class::Variation,
        ],
    );
    let lower = visible.as_deref().unwrap_or(name).to_lowercase();
    // Once in small letters, once more after the skeleton: capitals that look like other letters are folded by the first.
    let shape: String = unicode_security::confusable_detection::skeleton(&lower).collect();
    shape
        .to_lowercase()
        .chars()
        .filter(|character| !matches!(character, '_' | '-' | '.' | '/' | ' '))
        .collect()
}

/// Whether two names differ by one letter more, less, other or swapped, or by two in long names.
fn is_slip(one: &str, two: &str) -> bool {
    let one: Vec<char> = one.chars().take(129).collect();
    let two: Vec<char> = two.chars().take(129).collect();
    let shorter = one.len().min(two.len());
    if shorter < SHORTEST {
        return false;
    }
    let most = if shorter >= 12 { 2 } else { 1 };
    one.len().abs_diff(two.len()) <= most && distance(&one, &two) <= most
}

/// Optimal string alignment distance.
fn distance(one: &[char], two: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, right) in two.iter().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(left != right);
            let mut best = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let swapped =
                row > 0 && column > 0 && one.get(row - 1) == Some(right) && two.get(column - 1) == Some(left);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

/// Whether a text can be a server's id: small letters, digits and single hyphens, a letter first, at most 32.
#[must_use]
pub fn is_server_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(is_plain)
        && !id.ends_with('-')
}

/// A name as clients see it when several servers stand behind one endpoint.
#[must_use]
pub fn expose(server: &str, name: &str) -> String {
    format!("{server}{SEPARATOR}{name}")
}

/// The server and the name behind an exposed name. Server ids have no underscore, so there is one reading.
#[must_use]
pub fn resolve(exposed: &str) -> Option<(&str, &str)> {
    let (server, name) = exposed.split_once(SEPARATOR)?;
    is_server_id(server).then_some((server, name))
}

/// A URI as clients see it when several servers stand behind one endpoint: the server's id becomes part of the scheme.
#[must_use]
pub fn expose_uri(server: &str, uri: &str) -> String {
    format!("{server}+{uri}")
}

/// The server and the URI behind an exposed URI. Server ids have no `+`, so there is one reading.
#[must_use]
pub fn resolve_uri(exposed: &str) -> Option<(&str, &str)> {
    let (server, uri) = exposed.split_once('+')?;
    is_server_id(server).then_some((server, uri))
}
