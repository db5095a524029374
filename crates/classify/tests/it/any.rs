//! Rules in whatever form: told apart by content.

use castellan_base::Sources;
use castellan_classify::exchange::{Format, read_any, recognise};
use proptest::prelude::*;

use crate::presidio_import::KNOWN;

const PACKAGE: &str = r#"<?xml version="1.0"?>
<RulePackage xmlns="http://schemas.microsoft.com/office/2011/mce"><Rules>
<Entity id="acc59528-ff01-433e-aeee-13ca8aaee159" patternsProximity="300" recommendedConfidence="75">
<Pattern confidenceLevel="85"><IdMatch idRef="r"/></Pattern></Entity><Regex id="r">\bB-\d{6}\b</Regex></Rules></RulePackage>"#;

const OURS: &str = r"
detectors:
  - { id: badge, title: Badge, category: custom, elements: { e: { regex: 'B-\d{6}' } }, patterns: [{ confidence: 75, primary: e }] }
";

const PRESIDIO: &str = r"{ name: N, supported_entity: E, deny_list: [word] }";
const JSON: &str =
    r#"{"ad_hoc_recognizers": [{"name": "N", "supported_entity": "E", "deny_list": ["word"]}]}"#;
const GITLEAKS: &str = "# rules\n[[rules]]\nid = 'badge'\nregex = '''badge-\\d{6}'''\n";

fn check(text: &str, expected: Result<Format, &str>) {
    let mut sources = Sources::default();
    let file = sources.add("rules.txt", text.to_owned());
    let (rules, problems) = read_any(&sources, file, &KNOWN);
    match (recognise(&sources, file), expected) {
        (Ok(found), Ok(expected)) => {
            assert_eq!(found, expected, "{text}");
            assert!(problems.is_empty() && rules.detectors.len() == 1, "{text}: {problems:?}");
        }
        (Err(problem), Err(expected)) => {
            assert!(problem.message.contains(expected), "{text}: {problem:?} lacks `{expected}`");
            assert_eq!(problems, [problem]);
            assert!(rules.detectors.is_empty());
        }
        (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn each_form_is_recognised() {
    check(OURS, Ok(Format::Detectors));
    check(PACKAGE, Ok(Format::RulePackage));
    check(&format!("\n  {PACKAGE}").replace("<?xml version=\"1.0\"?>", ""), Ok(Format::RulePackage));
    check(&format!("recognizers:\n  - {PRESIDIO}\n"), Ok(Format::PresidioYaml));
    check(JSON, Ok(Format::PresidioJson));
    check(GITLEAKS, Ok(Format::Gitleaks));
}

#[test]
fn what_is_not_sure_is_refused() {
    check("", Err("holds no rules"));
    check("# nothing", Err("holds no rules"));
    check("just words", Err("holds no rules"));
    check("a: 1\nb: 2\n", Err("of no known form: its members are `a`, `b`"));
    check("[tool.poetry]\nname = 'x'\n", Err("of no known form: its members are `tool`"));
    check(r#"{"openapi": "3.0"}"#, Err("of no known form: its members are `openapi`"));
    check(&format!("{OURS}recognizers: []\n"), Err("and of Presidio's recognisers"));
    check("[[rules]]\nid = \n", Err("no TOML"));
    check("detectors:\n  - { id: [\n", Err(""));
}

proptest! {
    /// Any text is read or refused.
    #[test]
    fn no_text_is_too_odd(start in prop::sample::select(vec!["", "<", "{", "[", "[[rules]]\n", "detectors:\n", "recognizers:\n"]), rest in "\\PC{0,60}") {
        let mut sources = Sources::default();
        let file = sources.add("rules", format!("{start}{rest}"));
        let _ = read_any(&sources, file, &KNOWN);
    }
}
