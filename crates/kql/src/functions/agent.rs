//! `parse_user_agent`: browser, operating system and device of a user agent.
//!
//! Kusto asks a list of thousands of patterns. This is a list of its own of what is common: the large browsers and the
//! programs and crawlers that stand in logs of sign-ins and web servers, the operating systems, and devices by the names
//! that they give themselves. Family names are those that the public lists use; what is not known is `Other`.

use indexmap::IndexMap;

use super::{ScalarFunction, at, function, text_at};
use crate::value::{Dynamic, Value};

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 4_096;

/// A mark in the text and the family that it tells; the version follows the mark. The first one wins, so whoever names
/// himself after others as well stands before them.
const BROWSERS: &[(&str, &str)] = &[
    ("Googlebot/", "Googlebot"),
    ("bingbot/", "bingbot"),
    ("AdobeAIR/", "AdobeAIR"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera Mini"),
    ("Opera Mini/", "Opera Mini"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("UCBrowser/", "UC Browser"),
    ("Whale/", "Whale"),
    ("Electron/", "Electron"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("FxiOS/", "Firefox iOS"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Thunderbird/", "Thunderbird"),
    ("Firefox/", "Firefox"),
    ("Series60/", "Nokia OSS Browser"),
    ("MSIE ", "IE"),
    ("Opera/", "Opera"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python Requests"),
    ("Python-urllib/", "Python-urllib"),
    ("aiohttp/", "aiohttp"),
    ("Go-http-client/", "Go-http-client"),
    ("okhttp/", "okhttp"),
    ("Apache-HttpClient/", "Apache-HttpClient"),
    ("PostmanRuntime/", "PostmanRuntime"),
    ("PowerShell/", "PowerShell"),
    ("WindowsPowerShell/", "PowerShell"),
    ("axios/", "axios"),
    ("Java/", "Java"),
];

/// Programs that fetch pages on their own.
const CRAWLERS: [&str; 5] = ["bot", "spider", "crawler", "slurp", "facebookexternalhit"];

/// The versions of Windows by the number of their kernel.
const WINDOWS: [(&str, &str, &str); 8] = [
    ("10.0", "10", ""),
    ("6.3", "8", "1"),
    ("6.2", "8", ""),
    ("6.1", "7", ""),
    ("6.0", "Vista", ""),
    ("5.2", "XP", ""),
    ("5.1", "XP", ""),
    ("5.0", "2000", ""),
];

/// Android devices by how their names begin.
const BRANDS: [(&str, &str); 14] = [
    ("SM-", "Samsung"),
    ("GT-", "Samsung"),
    ("SAMSUNG ", "Samsung"),
    ("Pixel", "Google"),
    ("Nexus", "Google"),
    ("HUAWEI ", "Huawei"),
    ("Redmi", "XiaoMi"),
    ("Mi ", "XiaoMi"),
    ("POCO", "XiaoMi"),
    ("ONEPLUS ", "OnePlus"),
    ("moto ", "Motorola"),
    ("LG-", "LG"),
    ("Nokia", "Nokia"),
    ("CPH", "Oppo"),
];

/// The numbers of a version, each as text: `10_15_7` and `115.0.1`.
type Version = [String; 4];

/// The version at the start of a text.
fn version(text: &str) -> Version {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(text.len());
    let mut numbers = text.get(..end).unwrap_or_default().split(['.', '_']).map(str::to_owned);
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

/// What follows a mark.
fn after<'t>(agent: &'t str, mark: &str) -> Option<&'t str> {
    agent.split_once(mark).map(|(_, rest)| rest)
}

fn browser(agent: &str) -> (String, Version) {
    let is_mobile = agent.contains("Mobile");
    if let Some(rest) = after(agent, "Trident/").and_then(|_| after(agent, "rv:")) {
        return ("IE".to_owned(), version(rest));
    }
    for (mark, family) in BROWSERS {
        let Some(rest) = after(agent, mark) else { continue };
        let family = match *family {
            "Chrome" if is_mobile => "Chrome Mobile",
            "Firefox" if agent.contains("Mobile;") || agent.contains("Android") => "Firefox Mobile",
            family => family,
        };
        return (family.to_owned(), version(rest));
    }
    match after(agent, "Version/") {
        Some(rest) if agent.contains("Safari") => {
            (if is_mobile { "Mobile Safari" } else { "Safari" }.to_owned(), version(rest))
        }
        _ => ("Other".to_owned(), Version::default()),
    }
}

fn operating_system(agent: &str) -> (String, Version) {
    let found = |family: &str, rest: &str| (family.to_owned(), version(rest));
    if let Some(rest) = after(agent, "Windows NT ") {
        let [major, minor, ..] = version(rest);
        let kernel = format!("{major}.{minor}");
        let known = WINDOWS.iter().find(|(number, ..)| *number == kernel);
        let (major, minor) = known.map_or(("NT", ""), |(_, major, minor)| (*major, *minor));
        let version = [major.to_owned(), minor.to_owned(), String::new(), String::new()];
        return ("Windows".to_owned(), version);
    }
    let marked = [
        ("Windows Phone ", "Windows Phone"),
        ("Windows Phone OS ", "Windows Phone"),
        ("CPU iPhone OS ", "iOS"),
        ("CPU OS ", "iOS"),
        ("Android ", "Android"),
        ("Mac OS X ", "Mac OS X"),
        ("SymbianOS/", "Symbian OS"),
        ("Tizen ", "Tizen"),
        ("Ubuntu/", "Ubuntu"),
        ("Fedora/", "Fedora"),
    ];
    if let Some((family, rest)) =
        marked.iter().find_map(|(mark, family)| Some((*family, after(agent, mark)?)))
    {
        return found(family, rest);
    }
    if let Some(rest) = after(agent, "CrOS ") {
        return found("Chrome OS", rest.split_once(' ').map_or("", |(_, version)| version));
    }
    let named = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("Macintosh", "Mac OS X"),
        ("Ubuntu", "Ubuntu"),
        ("Fedora", "Fedora"),
        ("FreeBSD", "FreeBSD"),
        ("Linux", "Linux"),
    ];
    let family = named.iter().find(|(mark, _)| agent.contains(mark)).map_or("Other", |(_, family)| family);
    (family.to_owned(), Version::default())
}

/// Family, brand and model.
fn device(agent: &str) -> [String; 3] {
    let named =
        |family: &str, brand: &str, model: &str| [family.to_owned(), brand.to_owned(), model.to_owned()];
    let lower = agent.to_ascii_lowercase();
    if CRAWLERS.iter().any(|mark| lower.contains(mark)) {
        return named("Spider", "Spider", "Desktop");
    }
    for apple in ["iPhone", "iPad", "iPod"] {
        if agent.contains(apple) {
            return named(apple, "Apple", apple);
        }
    }
    if agent.contains("Macintosh") {
        return named("Mac", "Apple", "Mac");
    }
    if let Some(rest) = after(agent, "Nokia") {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        let model = rest.get(..end).unwrap_or_default();
        let family = model.split('-').next().unwrap_or_default();
        return named(format!("Nokia {family}").trim(), "Nokia", model);
    }
    android_device(agent).unwrap_or_else(|| named("Other", "", ""))
}

/// The model stands after Android's version, before `Build` or the closing bracket; Chrome writes `K` for any.
fn android_device(agent: &str) -> Option<[String; 3]> {
    let rest = after(agent, "Android ")?;
    let inside = rest.split(')').next()?;
    let model = inside
        .split_once(';')?
        .1
        .rsplit(';')
        .map(str::trim)
        .find(|part| !part.is_empty() && *part != "wv")?;
    let model = model.split(" Build").next()?.trim();
    if matches!(model, "K" | "Mobile" | "Tablet") {
        return Some(["Generic Smartphone".to_owned(), "Generic".to_owned(), "Smartphone".to_owned()]);
    }
    let brand = BRANDS
        .iter()
        .find(|(start, _)| model.starts_with(start))
        .map_or("Generic_Android", |(_, brand)| brand);
    let model = model.strip_prefix("SAMSUNG ").unwrap_or(model);
    let family = if brand == "Samsung" { format!("Samsung {model}") } else { model.to_owned() };
    Some([family, brand.to_owned(), model.to_owned()])
}

fn bag(members: impl IntoIterator<Item = (&'static str, Dynamic)>) -> Dynamic {
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn texts<const N: usize>(keys: [&'static str; N], texts: impl IntoIterator<Item = String>) -> Dynamic {
    bag(keys.into_iter().zip(texts.into_iter().map(|text| Dynamic::String(text.into()))))
}

/// What is asked for: one name or an array of names.
fn wanted(value: &Value) -> Option<Vec<String>> {
    let names = match value {
        Value::Dynamic(dynamic) if dynamic.as_array().is_some() => {
            dynamic.as_array()?.iter().map(|item| item.to_value().as_str().map(str::to_owned)).collect()
        }
        other => other.as_str().map(|name| vec![name.to_owned()]),
    };
    names.map(|names: Vec<String>| names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn parse_user_agent(arguments: &[Value]) -> Option<Value> {
    let mut agent = text_at(arguments, 0);
    agent.truncate(agent.floor_char_boundary(LONGEST));
    let wanted = wanted(at(arguments, 1))?;
    let mut members = IndexMap::new();
    let mut add = |key: &str, value: Dynamic| members.insert(key.into(), value);
    let asks = |name: &str| wanted.iter().any(|wanted| wanted == name);
    if asks("browser") {
        let (family, version) = browser(&agent);
        let keys = ["Family", "MajorVersion", "MinorVersion", "Patch"];
        add("Browser", texts(keys, std::iter::once(family).chain(version)));
    }
    if asks("os") {
        let (family, version) = operating_system(&agent);
        let keys = ["Family", "MajorVersion", "MinorVersion", "Patch", "PatchMinor"];
        add("OperatingSystem", texts(keys, std::iter::once(family).chain(version)));
    }
    if asks("device") {
        add("Device", texts(["Family", "Brand", "Model"], device(&agent)));
    }
    (!members.is_empty()).then(|| Value::dynamic(Dynamic::Bag(members)))
}

pub(super) const FUNCTIONS: &[ScalarFunction] =
    &[function("parse_user_agent", 2, 2, |a| parse_user_agent(a).unwrap_or_default())];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(parts: impl IntoIterator<Item = String>) -> String {
        parts.into_iter().collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    #[test]
    fn common_agents_are_told_apart() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
                ["Edge 120 0 2210 91", "Windows 10", "Other"],
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
                ["Mobile Safari 17 1", "iOS 17 1 2", "iPhone Apple iPhone"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-G991B Build/TP1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.1.2 Mobile Safari/537.36",
                ["Chrome Mobile 119 0 1 2", "Android 13", "Samsung SM-G991B Samsung SM-G991B"],
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15",
                ["Safari 17 1", "Mac OS X 10 15 7", "Mac Apple Mac"],
            ),
            (
                "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
                ["IE 11 0", "Windows 7", "Other"],
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                ["Googlebot 2 1", "Other", "Spider Spider Desktop"],
            ),
            (
                "Mozilla/5.0 (SymbianOS/9.2; U; Series60/3.1 NokiaN81-3/10.0.032 Profile/MIDP-2.0 Configuration/CLDC-1.1 ) AppleWebKit/413 (KHTML, like Gecko) Safari/4",
                ["Nokia OSS Browser 3 1", "Symbian OS 9 2", "Nokia N81 Nokia N81-3"],
            ),
            ("curl/8.4.0", ["curl 8 4 0", "Other", "Other"]),
            ("", ["Other", "Other", "Other"]),
        ];
        for (agent, expected) in cases {
            let (family, numbers) = browser(agent);
            assert_eq!(joined(std::iter::once(family).chain(numbers)), expected[0], "{agent}");
            let (family, numbers) = operating_system(agent);
            assert_eq!(joined(std::iter::once(family).chain(numbers)), expected[1], "{agent}");
            assert_eq!(joined(device(agent)), expected[2], "{agent}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_given() {
        let agent = "Mozilla/5.0 (Windows; U; en-US) AppleWebKit/531.9 (KHTML, like Gecko) AdobeAIR/2.5.1";
        let call = |look_for: Value| {
            parse_user_agent(&[Value::string(agent), look_for]).unwrap_or_default().to_text()
        };
        assert_eq!(
            call(Value::string("browser")),
            r#"{"Browser":{"Family":"AdobeAIR","MajorVersion":"2","MinorVersion":"5","Patch":"1"}}"#
        );
        let two = Dynamic::parse(r#"["os", "device"]"#).unwrap();
        assert!(call(Value::dynamic(two)).starts_with(r#"{"OperatingSystem":{"Family":"Windows","#));
        assert_eq!(call(Value::string("weather")), "");
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in any::<String>()) {
            let all = Dynamic::parse(r#"["browser", "os", "device"]"#).unwrap();
            prop_assert!(parse_user_agent(&[Value::string(text), Value::dynamic(all)]).is_some());
        }
    }
}
