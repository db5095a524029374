//! Configurations of gitleaks: what carries over, what is told, what is left out.

use castellan_base::{Level, Sources};
use castellan_classify::check::Checks;
use castellan_classify::exchange::gitleaks::{CONFIDENCE, read};
use castellan_classify::rule::Rules;
use castellan_classify::{Dictionaries, Engine};
use proptest::prelude::*;

const CONFIGURATION: &str = include_str!("../data/gitleaks.toml");

fn load(text: &str) -> (Rules, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("gitleaks.toml", text.to_owned());
    let (rules, problems) = read(&sources, file);
    let lines = problems.iter().map(|problem| {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {:?}: {}", problem.level, problem.message)
    });
    (rules, lines.collect())
}

fn compile(rules: Rules) -> Engine {
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &Dictionaries::default());
    assert!(problems.iter().all(|problem| problem.level != Level::Error), "{problems:?}");
    engine
}

/// What the rules find in a text: ids and texts.
fn check(engine: &Engine, text: &str, expected: &[(&str, &str)]) {
    let findings = engine.scan(text);
    let found: Vec<(&str, &str)> =
        findings.iter().map(|it| (&*engine.detector(it).unwrap().id, &text[it.range()])).collect();
    assert_eq!(found, expected, "{text}");
    assert!(findings.iter().all(|finding| finding.confidence == CONFIDENCE));
}

#[test]
fn what_carries_over_finds() {
    let (rules, _) = load(CONFIGURATION);
    let engine = compile(rules);
    let check = |text: &str, expected: &[(&str, &str)]| check(&engine, text, expected);
    // The first group is what is found; the words before it may have any case, and letters around them.
    check("MyOrchardKey = 'a1b2c3d4e5f6a7b8'", &[("orchard-key", "a1b2c3d4e5f6a7b8")]);
    check("MyOrchardKey = 'a1b2c3d4e5f6a7b'", &[]);
    // Entropy, stop words, expressions on the secret and on the match.
    check("orchard = 'aaaaaaaaaaaaaaab'", &[]);
    check("orchard = 'a1b2sample6a7b8c'", &[]);
    check("orchard = 'a1b2SAMPLE6a7b8c'", &[]);
    check("orchard = '00b2c3d4e5f6a7b8'", &[]);
    check("Sedge.demo=123456", &[]);
    check("Sedge.real=123456", &[("sedge-number", "123456")]);
    // An allowlist of the file that is for one rule only, and one for all.
    check("grove_abcdef12345678", &[]);
    check("grove_bacdef12345678", &[("grove-token", "grove_bacdef12345678")]);
    check("grove_deadbeef345678", &[]);
    // `secretGroup`.
    check("meadow:ab:12345678;", &[("meadow-pair", "12345678")]);
    // Alternatives with groups of their own.
    check("brook_1234567890 or rill=99887766", &[("brook", "1234567890"), ("brook", "99887766")]);
    // A keyword that the expression does not hold may stand anywhere.
    check("id 1234-5678-9012", &[]);
    check("id 1234-5678-9012 ... see the WOODLAND", &[("woodland-id", "1234-5678-9012")]);
    // One rule needs another, which is not reported itself.
    check("user=fern123456", &[]);
    check("user=fern123456 moss-abcdefgh", &[("fern-user", "fern123456")]);
    check("moss-abcdefgh", &[]);
    // Go's syntax.
    check("h{2} [x]&&7", &[("syntax", "h{2} [x]&&7")]);
}

#[test]
fn the_rest_is_told() {
    let (rules, problems) = load(CONFIGURATION);
    let lines: Vec<&str> = problems.iter().map(String::as_str).collect();
    let expected = [
        "Warning: what the file extends is not read",
        "Warning: an allowlist of the file has `paths`, of which a text has none: more is found",
        "Warning: an allowlist of the rule `orchard-key` has `commits`, of which a text has none: more is found",
        "Warning: an allowlist of the rule `orchard-key` looks at the line of a match, which is not read: more is found",
        "Warning: an allowlist of the rule `orchard-key` wants several things at once, which is not read: more is found",
        "Warning: `colour` of the rule `grove-token` is not read",
        "Note: `reed` does not limit its matches; they have at most 8192 bytes here",
        "Error: the rule `only-paths` is left out: it is for some paths only, and a text has none",
        "Error: the rule `changes-another` is left out: it has no `regex`",
        "Error: the rule `in-lines` is left out: it wants `grove-token` within lines or columns",
        "Error: the rule `needs-nobody` is left out: it requires `nobody`, which is not read",
        "Error: the rule `look-around` is left out: look-around has no counterpart",
        "Error: the rule `no-such-group` is left out: it has no group 3",
        "Error: the rule `much-entropy` is left out: `entropy` is no number from 0 to 8",
        "Error: the rule `any-word` is left out: it can begin at nearly any byte, and the rule has no `keywords`",
        "Error: the rule `grove-token` is left out: there is another one of this id",
        "Error: the rule `Grove_token` is left out: another one has nearly the same id",
    ];
    for part in expected {
        let (level, message) = part.split_once(": ").unwrap();
        let told = |line: &&&str| line.contains(&format!("{level}: ")) && line.contains(message);
        assert_eq!(lines.iter().filter(told).count(), 1, "`{part}` in {lines:#?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("gitleaks.toml:")), "{lines:#?}");
    assert!(rules.detector("only-paths").is_none());
}

#[test]
fn what_is_no_configuration_is_told() {
    let check = |text: &str, expected: &str| {
        let (rules, problems) = load(text);
        assert!(
            rules.detectors.is_empty() && problems[0].contains(expected),
            "{problems:?} lacks `{expected}`"
        );
    };
    check("[[rules]]\nid = ", "gitleaks.toml:2:6 Error: the file is no TOML");
    check("[[rules]]\nid = 'a'\nregex = 3", "`regex` of the rule `a` is number, not text");
    check("[[rules]]\nid = 'a'\nregex = 'abc'\n[[rules.required]]\nb = 1", "a requirement has no `id`");
    check(&format!("[[rules]]\nid = 'a'\nregex = '{}'", "a".repeat(70_000)), "at most 65536 are read");
    check("rules = 3", "the rule is number, not a mapping");
    check("[[rules]]\nregex = 'a'", "the rule has no `id`");
    check(&format!("a = {}", "[".repeat(5_000)), "the file is no TOML");
}

/// What gitleaks brings, where it is at hand.
#[test]
fn the_default_configuration() {
    let folder = std::env::var("CASTELLAN_CORPORA").unwrap_or_else(|_| "../../../shared/corpora".to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{folder}/gitleaks/gitleaks.toml")) else {
        println!("skipped: there is no {folder}/gitleaks/gitleaks.toml");
        return;
    };
    let (rules, problems) = load(&text);
    problems.iter().for_each(|problem| println!("{problem}"));
    let (all, read) = (text.matches("[[rules]]").count(), rules.detectors.len());
    let started = std::time::Instant::now();
    let (engine, problems) = Engine::compile_strictly(rules, &Checks::standard(), &Dictionaries::default());
    problems.iter().for_each(|problem| println!("{:?}: {}", problem.level, problem.message));
    let lost =
        problems.iter().filter(|it| it.level == Level::Error && it.message.starts_with("detector")).count();
    println!("{} of {all} rules, compiled in {:?}", read - lost, started.elapsed());
    assert!((read - lost) * 100 > all * 95, "{read} less {lost} of {all}");
    assert!(engine.scan("nothing").is_empty());
}

proptest! {
    /// Any text gives rules or diagnostics, and what compiles scans.
    #[test]
    fn no_text_is_too_odd(parts in prop::collection::vec(part(), 0..12)) {
        let text = parts.concat();
        let (rules, _) = load(&text);
        let (engine, _) = Engine::compile_strictly(rules, &Checks::standard(), &Dictionaries::default());
        let _ = engine.scan(&text);
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[[rules]]\nid = 'a'\n".to_owned()),
        Just("[[rules]]\nid = 'b'\nregex = '''(?i)key=([a-z]{2,9})'''\n".to_owned()),
        Just("keywords = ['key']\n".to_owned()),
        Just("entropy = 2.5\nsecretGroup = 1\n".to_owned()),
        Just("[[rules.allowlists]]\nstopwords = ['x']\n".to_owned()),
        Just("[[rules.required]]\nid = 'a'\n".to_owned()),
        Just("[allowlist]\nregexes = ['''^a''']\n".to_owned()),
        r#"regex = '''[\[\](){}|*+?^$.\\a-z0-9&~-]{0,20}'''"#.prop_map(|line| line + "\n"),
        "\\PC{0,30}\n",
    ]
}
