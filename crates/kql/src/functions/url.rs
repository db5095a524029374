//! Taking addresses of the web and paths of files apart.

use indexmap::IndexMap;

use super::{ScalarFunction, function, text_at};
use crate::value::{Dynamic, Value};

fn text(text: &str) -> Dynamic {
    Dynamic::String(text.into())
}

fn bag<const N: usize>(members: [(&str, Dynamic); N]) -> Dynamic {
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// `scheme://user:password@host:port/path?query#fragment`
fn parse_url(arguments: &[Value]) -> Value {
    let whole = text_at(arguments, 0);
    let Some((scheme, rest)) = whole.split_once("://") else { return Value::Null };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, port),
        _ => (place, ""),
    };
    Value::dynamic(bag([
        ("Scheme", text(scheme)),
        ("Host", text(host)),
        ("Port", text(port)),
        ("Path", text(path)),
        ("Username", text(user)),
        ("Password", text(password)),
        ("Query Parameters", query_parameters(query)),
        ("Fragment", text(fragment)),
    ]))
}

fn query_parameters(query: &str) -> Dynamic {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (
            super::encoding::url_decoded(key).into(),
            Dynamic::String(super::encoding::url_decoded(value).into()),
        )
    });
    let pairs: IndexMap<std::sync::Arc<str>, Dynamic> = pairs.collect();
    Dynamic::Bag(pairs)
}

fn parse_query(arguments: &[Value]) -> Value {
    let whole = text_at(arguments, 0);
    let query = whole.split_once('?').map_or(whole.as_str(), |(_, query)| query);
    Value::dynamic(bag([("Query Parameters", query_parameters(query))]))
}

/// Windows and Unix paths, `C:\a\b.txt:stream` included.
fn parse_path(arguments: &[Value]) -> Value {
    let whole = text_at(arguments, 0);
    let (scheme, path) = match whole.split_once("://") {
        Some((scheme, path)) => (scheme, path),
        None => ("", whole.as_str()),
    };
    let is_drive =
        path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let root = if is_drive { path.get(..2).unwrap_or_default() } else { "" };
    let after_root = path.get(root.len()..).unwrap_or_default();
    let (folder_end, file) = match after_root.rfind(['\\', '/']) {
        Some(at) => (at, after_root.get(at + 1..).unwrap_or_default()),
        None => (0, after_root),
    };
    let (file, stream) = file.split_once(':').unwrap_or((file, ""));
    let directory = format!("{root}{}", after_root.get(..folder_end).unwrap_or_default());
    let directory_name = directory.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    Value::dynamic(bag([
        ("Scheme", text(scheme)),
        ("RootPath", text(root)),
        ("DirectoryPath", text(&directory)),
        ("DirectoryName", text(&directory_name)),
        ("Filename", text(file)),
        ("Extension", text(extension)),
        ("AlternateDataStreamName", text(stream)),
    ]))
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("parse_url", 1, 1, parse_url),
    function("parseurl", 1, 1, parse_url),
    function("parse_urlquery", 1, 1, parse_query),
    function("parse_path", 1, 1, parse_path),
];
